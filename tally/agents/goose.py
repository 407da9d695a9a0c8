"""Goose: a database with the sums of each session."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tally.agents.events import Event, ParsedPart, select_last
from tally.agents.json_values import parse_object, read_first_count, read_folder, read_name, read_time
from tally.agents.sqlite_logs import parse_rows
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts

name = "goose"
title = "Goose"
by_line = False  # the sums of a session grow
select_winners = select_last

DATABASE = "sessions.db"
ROOTS = ".local/share/goose", "Library/Application Support/goose", ".local/share/Block/goose"


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name the folder below GOOSE_PATH_ROOT, or the default ones."""
    root = environment.get("GOOSE_PATH_ROOT")
    roots = [Path(root) / "data"] if root else [home / default for default in ROOTS]
    return [folder / "sessions" for folder in roots]


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find databases."""
    folders = find_folders(home, environment)
    return [folder / DATABASE for folder in folders if (folder / DATABASE).is_file()]


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the sums of the sessions in a database."""
    return parse_rows(path, lambda database: map(dict, database.execute("select * from sessions")), _read_row)


def _read_row(row: Mapping[str, Any]) -> Event | None:
    """Read a session; a model that was changed on the way is known only as the last one."""
    input_tokens, output = (
        read_first_count(row, (f"accumulated_{key}", key)) for key in ("input_tokens", "output_tokens")
    )
    if not input_tokens + output:
        return None
    config = row.get("model_config_json")
    model = (
        read_name(parse_object(config.encode()), "model_name") if isinstance(config, str) and config else ""
    )
    session = str(row.get("id"))
    return Event(
        encode_parts(session),
        read_time(row.get("created_at")),
        find_payee(model, read_name(row, "provider_name")) or OTHER,
        model or "unknown",
        input_tokens,
        output,
        session=session,
        folder=read_folder(row, "working_dir"),
        is_sum=True,
    )
