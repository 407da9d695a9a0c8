"""opencode: messages in a SQLite database, in older versions one JSON file per message."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tally.agents.events import Event, LineRejected, ParsedPart, Tokens, UnknownShape, select_originals
from tally.agents.json_values import (
    child,
    has_counts,
    parse_object,
    read_cost,
    read_count,
    read_folder,
    read_name,
    read_time,
)
from tally.agents.log_files import files_under, folders_from
from tally.agents.sqlite_logs import list_columns, parse_rows
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts

if TYPE_CHECKING:
    from sqlite3 import Connection

name = "opencode"
title = "opencode"
by_line = False  # a message grows while its response is streamed
select_winners = select_originals

MESSAGE_TABLES = "message", "session_message"  # the second one in version 2
SESSION_TABLES = "session", "session_v2"


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name OPENCODE_DATA_DIR or the default folder."""
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    return folders_from(environment, "OPENCODE_DATA_DIR", data / "opencode")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find databases, and the message files of older versions."""
    found = []
    for folder in find_folders(home, environment):
        found += files_under([folder / "storage" / "message"], lambda file: file.endswith(".json"))
        found += [path for path in sorted(folder.glob("opencode*.db")) if path.is_file()]
    return found


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the responses that have token counts."""
    if path.suffix == ".db":
        return parse_rows(path, _load_messages, _read_message)
    part = ParsedPart()
    try:
        event = _read_message(_Row("", "", data))
        part.events = [event] if event else []
    except LineRejected as reason:
        part.reject(reason)
    return part


class _Row(NamedTuple):
    """A message as a database stores it: outside its JSON are its ids, in version 2 also its folder."""

    message_id: str
    session: str
    data: bytes
    folder: str = ""


def _load_messages(database: "Connection") -> Iterator[_Row]:
    """Yield messages with tokens, in the tables of both versions."""
    for table in MESSAGE_TABLES:
        if list_columns(database, table):
            folders = _load_folders(database)
            query = (
                f"select id, session_id, cast(data as blob) from {table}"  # noqa: S608 - a constant
                " where instr(data, '\"tokens\"')"
            )
            for message_id, session, data in database.execute(query):
                if isinstance(data, bytes):
                    yield _Row(str(message_id), str(session), data, folders.get(session, ""))


def _load_folders(database: "Connection") -> dict[str, str]:
    """Load the folders of sessions."""
    found: dict[str, str] = {}
    for table in SESSION_TABLES:
        if {"id", "directory"} <= list_columns(database, table):
            rows = database.execute(f"select id, directory from {table}")  # noqa: S608 - a constant
            found |= {session: folder for session, folder in rows if isinstance(folder, str)}
    return found


def _read_message(row: _Row) -> Event | None:
    record = parse_object(row.data)
    if "tokens" not in record:
        return None
    tokens = _read_tokens(child(record, "tokens"))
    named = child(record, "model")  # in version 2
    model = read_name(record, "modelID") or read_name(named, "id")
    provider = read_name(record, "providerID") or read_name(named, "providerID")
    if not model or not any(tokens):
        if has_counts(record):
            raise UnknownShape
        return None
    time = child(record, "time")
    session = read_name(record, "sessionID") or row.session
    cost = read_cost(record.get("cost"))
    return Event(
        encode_parts(session, read_name(record, "id") or row.message_id),
        read_time(time.get("created")),
        find_payee(model, provider) or OTHER,
        model,
        tokens.input_tokens,
        tokens.output_tokens,
        cached_input_tokens=tokens.cached_input_tokens,
        cache_write_tokens=tokens.cache_write_tokens,
        reasoning_tokens=tokens.reasoning_tokens,
        session=session,
        folder=read_folder(child(record, "path"), "cwd") or read_folder(row._asdict(), "folder"),
        logged_usd=cost,
        aliases=_name_copies(time, model, tokens, cost),
    )


def _name_copies(time: Mapping[str, Any], model: str, tokens: Tokens, cost: str) -> tuple[str, ...]:
    """Name what a completed message shares with its copies in forks, whose ids and session are their own."""
    created, completed = (str(time.get(key) or "") for key in ("created", "completed"))
    return (encode_parts(created, completed, model, *tokens, cost),) if completed else ()


def _read_tokens(tokens: Mapping[str, Any]) -> Tokens:
    cache = child(tokens, "cache")
    uncached, output, reasoning = (read_count(tokens, key) for key in ("input", "output", "reasoning"))
    cached, write = read_count(cache, "read"), read_count(cache, "write")
    # Output excludes reasoning, unless the total shows that it is included.
    if read_count(tokens, "total") == uncached + output + cached + write:
        reasoning = min(reasoning, output)
        output -= reasoning
    return Tokens(uncached + cached + write, output + reasoning, cached, write, reasoning)
