"""Factory Droid: the sums of a session in a file of its settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tally.agents.events import Event, ParsedPart, UnknownShape, select_last
from tally.agents.json_values import child, has_counts, parse_object, read_count, read_name, read_time
from tally.agents.log_files import files_under, folders_from
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts

name = "droid"
title = "Factory Droid"
by_line = False  # the sums of a session grow
select_winners = select_last

SUFFIX = ".settings.json"
COUNTS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens", "thinkingTokens")
OWN_KEY = "custom:"  # begins the names of models that are used with a key of one's own


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name DROID_SESSIONS_DIR or the default folder."""
    return folders_from(environment, "DROID_SESSIONS_DIR", home / ".factory" / "sessions")


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find the settings of sessions."""
    return files_under(find_folders(home, environment), lambda file: file.endswith(SUFFIX))


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the sums of a session, at the time when it began."""
    part = ParsedPart()
    part.read([data], lambda document: _read_settings(parse_object(document), path.name.removesuffix(SUFFIX)))
    return part


def _read_settings(settings: Mapping[str, Any], session: str) -> Event | None:
    usage = child(settings, "tokenUsage")
    uncached, output, cached, written, thinking = (read_count(usage, key) for key in COUNTS)
    if not uncached + output + cached + written + thinking:
        if has_counts(settings):
            raise UnknownShape
        return None
    written_model = read_name(settings, "model")
    model = written_model.removeprefix(OWN_KEY).partition("-[")[0].partition("[")[0].strip().lower()
    vendor = (
        find_payee(model, read_name(settings, "providerLock")) if written_model.startswith(OWN_KEY) else ""
    )
    return Event(
        encode_parts(session),
        read_time(settings.get("providerLockTimestamp")),
        vendor or OTHER,  # Factory sells the models of others
        model or "unknown",
        uncached + cached + written,
        output + thinking,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=thinking,
        session=session,
        is_sum=True,
    )
