"""JSON as a table: an array of objects, one object per line, or an object with one array of rows."""

import json
from collections.abc import Iterable, Iterator

from tally.core.garbage import collector_paused
from tally.importers.readers.answer_rows import find_answer
from tally.importers.readers.api_pages import split_page
from tally.importers.readers.ccusage_rows import join_projects, split_by_model
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import (
    Rejected,
    Table,
    check_header,
    check_row_count,
    quote,
    refuse_without_rows,
)
from tally.importers.readers.telemetry_rows import is_telemetry, split_telemetry

MAX_DEPTH = 4
MAX_COLUMNS = 1_000  # gateway exports contain whole requests
MAX_CELLS = 20_000_000
ACCEPTED_SHAPES = (
    "Tally reads an array of objects, one object per line, or an object with one array of rows. "
    "Export it again, or export it as CSV."
)
LINES = (".jsonl", ".ndjson")


class _Number(str):
    """A number as written in the file: a float would round it, an int has a maximum length."""

    __slots__ = ()


_decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number, strict=False)


def read_json(text: str, filename: str) -> Table:
    """A table with nested keys joined by dots (`usage.input`) and lists as JSON; raises ImportRefused."""
    table = Table(filename, [], from_json=True)
    try:
        with collector_paused():
            numbered = list(_flat_rows(table, text))
    except RecursionError:
        raise ImportRefused(f"{filename} is nested too deeply. {ACCEPTED_SHAPES}") from None
    keys = _collect_keys(row for _, row in numbered)
    if not keys:
        raise refuse_without_rows(f"{filename} has no rows")
    if len(keys) * len(numbered) > MAX_CELLS:
        raise ImportRefused(
            f"{filename} has {len(numbered):,} rows with {len(keys):,} different keys, too many for a table. "
            "Export a shorter period, or leave out the keys that have nothing to do with usage or cost."
        )
    table.header = [key.strip() for key in keys]
    check_header(table, MAX_COLUMNS)
    for number, row in numbered:
        cells = tuple([row.get(key, "") for key in keys])
        if any(cells):
            table.rows.append((number, cells))
        else:
            table.rows_blank += 1
    return table


def _collect_keys(rows: Iterable[dict[str, str]]) -> list[str]:
    """The keys of all rows in the order of their first appearance."""
    keys: dict[str, None] = {}
    for row in rows:
        keys |= dict.fromkeys(row)
    return [key for key in keys if key.strip()]


def flatten_json(text: str) -> dict[str, str]:
    """An object in a cell as flat keys and texts; empty for anything else."""
    try:
        value = _decoder.decode(text)
        return _flatten(value) if isinstance(value, dict) else {}
    except (ValueError, RecursionError):
        return {}


def _flat_rows(table: Table, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    for rows, (number, value) in enumerate(_find_rows(table, text), start=1):
        if isinstance(value, dict):
            yield number, _flatten(value)
        else:
            reason = f"This row is not an object but {quote(_write(value))}."
            table.malformed.append(Rejected(number, reason, _write(value)))
        check_row_count(rows, table.filename)


def _find_rows(table: Table, text: str) -> Iterator[tuple[int, object]]:
    """Every row with its line number, or with its position in the array."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if _is_lines(lines, table.filename):
        for number, value in _parse_lines(table, lines):
            yield from ((number, part) for part in _split(value))
    else:
        document = _parse(text, table.filename)
        is_row = is_telemetry(document) or find_answer(document) is not None
        rows = [document] if is_row else _find_array(join_projects(document), table)
        parts = (part for row in rows for result in _split(row) for part in split_by_model(result))
        yield from enumerate(parts, start=1)


def _split(value: object) -> Iterator[object]:
    """The rows of a line, or of an element of an array."""
    if isinstance(value, dict) and is_telemetry(value):
        return split_telemetry(value)
    answer = find_answer(value)
    return split_page(value) if answer is None else iter([answer])


def _is_lines(lines: list[tuple[int, str]], filename: str) -> bool:
    if len(lines) < 2 and not filename.lower().endswith(LINES):
        return False
    try:
        return isinstance(_decoder.decode(lines[0][1].strip()), dict)
    except ValueError:
        return False


def _parse_lines(table: Table, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, object]]:
    for number, line in lines:
        try:
            yield number, _decoder.decode(line.strip())
        except json.JSONDecodeError as error:
            reason = f"This line is not valid JSON: {error.msg} at character {error.pos + 1}."
            table.malformed.append(Rejected(number, reason, line.rstrip("\r")))


def _parse(text: str, filename: str) -> object:
    try:
        return _decoder.decode(text.strip())
    except json.JSONDecodeError as error:
        before = text[: len(text) - len(text.lstrip()) + error.pos]
        line, is_end = before.count("\n") + 1, error.pos >= len(text.strip())
        raise ImportRefused(
            f"{filename} ends in the middle of its data, in line {line}. Export it again."
            if is_end or error.msg.startswith("Unterminated string")
            else f"{filename} is not valid JSON: {error.msg} in line {line}. Export it again."
        ) from None


def _find_array(document: object, table: Table) -> list[object]:
    """The rows of a document: itself, or the only list of objects in it, whose key is stored in the table."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise ImportRefused(f"{table.filename} is a single value without rows. {ACCEPTED_SHAPES}")
    arrays = {key: value for key, value in document.items() if _is_array_of_objects(value)}
    if not arrays:
        raise ImportRefused(f"{table.filename} is an object without a list of rows. {ACCEPTED_SHAPES}")
    filled = [key for key, rows in arrays.items() if rows]
    if not filled:
        return []
    if len(filled) > 1:
        raise ImportRefused(
            f"{table.filename} has several lists of rows: {', '.join(map(quote, filled[:12]))}. "
            "Save the one to import as a file of its own."
        )
    table.list_name = filled[0]
    return list(arrays[filled[0]])


def _is_array_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _flatten(
    row: dict[str, object], flat: dict[str, str] | None = None, prefix: str = "", depth: int = 1
) -> dict[str, str]:
    flat = {} if flat is None else flat
    for key, value in row.items():
        if type(value) is dict and value and depth < MAX_DEPTH:
            _flatten(value, flat, f"{prefix}{_printable(key)}.", depth + 1)
        else:
            flat[prefix + _printable(key)] = _cell(value)
    return flat


def _cell(value: object) -> str:
    if type(value) is str:
        return _printable(value)
    if type(value) is _Number:
        return str(value)
    return "" if value is None else _write(value)


def _write(value: object) -> str:
    """A value as JSON text, with numbers as written in the file."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_write, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_write(key)}: {_write(item)}" for key, item in value.items()) + "}"
    return json.dumps(_printable(value) if isinstance(value, str) else value, ensure_ascii=False)


def _printable(text: str) -> str:
    """Text that a database can store: without NUL and unpaired surrogates, which JSON can escape."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
