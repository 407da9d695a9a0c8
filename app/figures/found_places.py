"""Hits of a search as places to go to: a name, a note, and the page with its parameters."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from app.figures.audit_words import describe_details, name_action, name_actor
from app.figures.source_names import describe_format, shown_name
from tally.search import Hit
from tally.search.engine import MOST_LETTERS

Address = tuple[str, dict[str, str]]

# Periods of the Traces page, in hours.
PERIODS = ((24, "24H"), (7 * 24, "7D"), (30 * 24, "30D"), (90 * 24, "90D"))


def describe_hit(hit: Hit, asked: str, now: datetime) -> dict[str, Any]:
    """A place: kind, name, note, at, score, path and parameters."""
    path, parameters = ADDRESSES[hit.kind](hit, asked, now)
    name, note = hit.title, hit.detail
    if hit.kind == "audit" and hit.about:
        entry = {"row_id": None} | hit.about
        details = describe_details(entry, {})
        name, note = ": ".join(filter(None, (name_action(entry), details))), name_actor(entry)
    elif hit.kind == "source" and hit.about:
        name, note = shown_name(name), describe_format(hit.about)
    return {
        "kind": hit.kind,
        "name": name[:MOST_LETTERS],
        "note": note[:MOST_LETTERS],
        "at": hit.at,
        "score": hit.score,
        "path": path,
        "parameters": parameters,
    }


def _find_session(hit: Hit, asked: str, now: datetime) -> Address:  # noqa: ARG001
    if hit.place == "session":
        return "/agents", {"session": hit.id}
    return "/traces", {"session": hit.id, "period": _choose_period(hit, now)}


def _find_trace(hit: Hit, asked: str, now: datetime) -> Address:  # noqa: ARG001
    if hit.place == "trace_id":
        return "/traces", {"trace": hit.id}
    return "/traces", {"search": hit.id, "period": _choose_period(hit, now)}


def _choose_period(hit: Hit, now: datetime) -> str:
    """The shortest period of the Traces page that has the last use of a name."""
    age = now - datetime.fromisoformat(str(hit.at))
    return next((name for hours, name in PERIODS if age < timedelta(hours=hours)), PERIODS[-1][1])


def _find_record(hit: Hit, asked: str, now: datetime) -> Address:  # noqa: ARG001
    searched = {"search": hit.id.splitlines()[0][:MOST_LETTERS]}
    if hit.place == "note":
        return "/records", searched
    at = datetime.fromisoformat(str(hit.at))  # no time zone is further than a day from it
    days = {"first_day": at - timedelta(days=1), "last_day": at + timedelta(days=1)}
    return "/records", searched | {name: day.date().isoformat() for name, day in days.items()}


def _find_entry(hit: Hit, asked: str, now: datetime) -> Address:  # noqa: ARG001
    return "/settings", {"section": "Audit log", "audit_search": asked.strip()}


def _with_id(path: str, name: str, prefix: str = "", **more: str) -> Callable[[Hit, str, datetime], Address]:
    return lambda hit, _, __: (path, {name: f"{prefix}{hit.id}"} | more)


def _alone(path: str) -> Callable[[Hit, str, datetime], Address]:
    return lambda _, __, ___: (path, {})


ADDRESSES: dict[str, Callable[[Hit, str, datetime], Address]] = {
    "audit": _find_entry,
    "budget": _with_id("/budgets", "budget"),
    "experiment": _with_id("/experiments", "experiment"),
    "invoice": _alone("/invoices"),
    "model": _with_id("/explore", "where", "model:"),
    "project": _with_id("/explore", "where", "project:", split="model"),
    "prompt": _with_id("/prompts", "prompt"),
    "provider": _with_id("/explore", "where", "provider:", split="model"),
    "record": _find_record,
    "session": _find_session,
    "source": _alone("/sources"),
    "trace": _find_trace,
}
