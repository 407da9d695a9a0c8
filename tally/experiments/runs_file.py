"""Files of runs: CSV with a row for each run, or JSON. All of a file is taken, or nothing."""

import csv
import io
import json
from typing import Any

from tally.experiments.sent import MAX_RUNS, Faulty, SentRun, parse_runs

MAX_BYTES = 20 * 1024 * 1024
COLUMNS = (
    *("variant", "session", "item_key", "happened_at", "cost_usd", "input_tokens", "output_tokens", "calls"),
    *("latency_ms", "ok"),
)
SCORE = "score:"  # columns of scores: score:policy_correct
WORDS = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "pass": True,
    "fail": False,
    "1": True,
    "0": False,
}
EXAMPLE = "variant,session,item_key,cost_usd,latency_ms,score:policy_correct"


def parse_file(content: bytes, primary_score: str | None, kind: str) -> list[SentRun]:
    """The runs of a file. Scores of the primary name are of its kind, others are numbers."""
    if len(content) > MAX_BYTES:
        raise _refuse("the file is larger than 20 MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refuse("it is not text in UTF-8") from None
    rows = _read_json(text) if text.lstrip()[:1] in ("[", "{") else _read_csv(text, primary_score, kind)
    if not rows:
        raise _refuse("it has no runs")
    if len(rows) > MAX_RUNS:
        raise _refuse(f"it has more than {MAX_RUNS:,} runs; divide it")
    return parse_runs(rows)


def _refuse(reason: str) -> Faulty:
    return Faulty([{"field": "The file", "fault": reason}])


def _read_json(text: str) -> list[tuple[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _refuse("it is not JSON, although it begins like it") from None
    rows = found.get("runs") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise _refuse('its JSON is neither a list of runs nor {"runs": […]}')
    return [(f"run {nth}", row) for nth, row in enumerate(rows, start=1)]


def _read_csv(text: str, primary_score: str | None, kind: str) -> list[tuple[str, Any]]:
    header_line = text.lstrip().partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in header_line else ",")
    names = [_read_column(name or "") for name in reader.fieldnames or ()]
    unknown = [name for name in names if name not in COLUMNS and not _is_score(name)]
    if unknown:
        raise _refuse(f"the column “{unknown[0][:50]}” is not known; name columns as in {EXAMPLE}")
    missing = [name for name in ("variant", "session") if name not in names]
    if missing:
        raise _refuse(f"the column “{missing[0]}” is missing; name columns as in {EXAMPLE}")
    scored = [_name_score(name, primary_score) if _is_score(name) else name for name in names]
    if twice := next((name for nth, name in enumerate(scored) if name in scored[:nth]), None):
        raise _refuse(f"the column “{twice[:50]}” is there twice; keep one of them")
    kinds = {primary_score: kind}
    reader.fieldnames = names
    try:
        return [
            (f"line {reader.line_num}", _read_row(row, primary_score, kinds))
            for row in reader
            if any((value or "") if isinstance(value, str) else value for value in row.values())
        ]
    except csv.Error as error:
        raise _refuse(f"line {reader.line_num} cannot be read ({error})") from None


def _read_column(written: str) -> str:
    """A column by its name here, with its case folded; the name of a score stays as it is written."""
    name = written.strip()
    folded = name.lower()
    if folded.startswith(SCORE):
        return SCORE + name[len(SCORE) :].strip()
    return folded if folded in (*COLUMNS, "score") else name


def _is_score(name: str) -> bool:
    return name == "score" or name.startswith(SCORE)


def _name_score(name: str, primary_score: str | None) -> str:
    """The column `score` is that of the primary score."""
    return name if name != "score" else SCORE + (primary_score or "score")


def _read_row(row: dict[str, Any], primary_score: str | None, kinds: dict[str | None, str]) -> dict[str, Any]:
    """A row of CSV as JSON has it: empty cells are left out."""
    read: dict[str, Any] = {}
    scores = []
    for name, cell in row.items():
        value = cell.strip() if isinstance(cell, str) else cell
        if not value:
            continue
        if _is_score(name or ""):
            scored = _name_score(name, primary_score).removeprefix(SCORE)
            scores.append(_read_score(scored, value, kinds.get(scored, "number")))
        elif name is None:
            read["(more cells than columns)"] = value
        else:
            read[name] = WORDS.get(value.lower(), value) if name == "ok" else value
    return read | ({"scores": scores} if scores else {})


def _read_score(name: str, value: str, kind: str) -> dict[str, Any]:
    word = WORDS.get(value.lower()) if kind == "bool" else None
    return {"name": name, "kind": kind, "value": value if word is None else int(word)}
