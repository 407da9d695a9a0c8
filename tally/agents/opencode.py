"""opencode: messages in a SQLite database, in older versions a JSON file each."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tally.agents.logs import (
    Event,
    LineRejected,
    Reading,
    child,
    files_under,
    folders_from,
    parse_object,
    read_count,
    read_folder,
    read_name,
    read_unix,
    settle_last,
)
from tally.catalog.providers import find_provider
from tally.core.records import encode_parts

name = "opencode"
title = "opencode"
by_line = False  # a message grows while it is answered
settle = settle_last

# What opencode calls providers that have other names here.
VENDORS = {"amazon-bedrock": "aws-bedrock", "google-vertex": "google", "opencode": "other"}


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Databases in OPENCODE_DATA_DIR, or the usual place; the older files where there are none."""
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    found = []
    for folder in folders_from(environment, "OPENCODE_DATA_DIR", data / "opencode"):
        databases = [path for path in sorted(folder.glob("opencode*.db")) if path.is_file()]
        found += databases or files_under(
            [folder / "storage" / "message"], lambda file: file.endswith(".json")
        )
    return found


def parse(data: bytes, path: Path, state: dict[str, Any]) -> Reading:  # noqa: ARG001 (read as a whole)
    """The answers that are finished so far."""
    reading = Reading()
    try:
        for message_id, session, text in _load_messages(path) if path.suffix == ".db" else [("", "", data)]:
            try:
                if event := _read_message(parse_object(text), message_id, session):
                    reading.events.append(event)
            except LineRejected as reason:
                reading.reject(str(reason))
    except sqlite3.Error:
        reading.reject("the database cannot be read")
    return reading


def _load_messages(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """Messages with tokens; opened for reading only, also while opencode writes."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)) as database:
        for row in database.execute(
            "select id, session_id, cast(data as blob) from message where instr(data, '\"tokens\"')"
        ):
            if isinstance(row[2], bytes):
                yield str(row[0]), str(row[1]), row[2]


def _read_message(record: Mapping[str, Any], message_id: str, session: str) -> Event | None:
    if "tokens" not in record:
        return None
    tokens = child(record, "tokens")
    cache = child(tokens, "cache")
    fresh, output, reasoning = (read_count(tokens, key) for key in ("input", "output", "reasoning"))
    cached, write = read_count(cache, "read"), read_count(cache, "write")
    # Reasoning is beside the output, unless the sum says that it is within.
    if read_count(tokens, "total") == fresh + output + cached + write:
        reasoning = min(reasoning, output)
        output -= reasoning
    model = read_name(record, "modelID")
    if not model or not fresh + cached + write + output + reasoning:
        return None
    created = child(record, "time").get("created")
    timestamp = read_unix(created / 1000 if isinstance(created, int | float) else -1)
    vendor = read_name(record, "providerID")
    return Event(
        encode_parts(read_name(record, "sessionID") or session, read_name(record, "id") or message_id),
        timestamp,
        VENDORS.get(vendor) or find_provider(vendor) or "other",
        model,
        fresh + cached + write,
        output + reasoning,
        cached_input_tokens=cached,
        cache_write_tokens=write,
        reasoning_tokens=reasoning,
        session=read_name(record, "sessionID") or session,
        project=read_folder(child(record, "path"), "cwd"),
        logged_usd=_read_cost(record.get("cost")),
    )


def _read_cost(cost: object) -> str:
    """What opencode calculated itself; 0 where it knew no price."""
    is_known = isinstance(cost, int | float) and not isinstance(cost, bool) and 0 < cost < 1_000_000
    return repr(cost) if is_known else ""
