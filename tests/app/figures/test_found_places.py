"""Hits of a search become places that open what was found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.figures.found_places import ADDRESSES, PERIODS, describe_hit
from app.ui.pages import PATHS
from app.views.traces.trace_list import PERIODS as PERIODS_OF_PAGE
from tally.search import KINDS, Hit
from tests.every_case import every_case

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


def hit(kind: str, **changes: Any) -> Hit:
    """A hit as the database tells it."""
    return replace(Hit(kind, "an-id", "A name"), **changes)


def ago(**time: int) -> str:
    return (NOW - timedelta(**time)).isoformat()


AUDITED = {
    "actor": "person",
    "actor_id": None,
    "actor_email": "ann@example.org",
    "action": "update",
    "table_name": "projects",
    "user_id": None,
    "user_email": None,
    "changed_columns": ["name"],
    "before": {"name": "Old"},
    "after": {"name": "New"},
    "metadata": {},
}


@every_case(
    [
        (hit("model"), "/explore", {"where": "model:an-id"}),
        (hit("provider"), "/explore", {"where": "provider:an-id", "split": "model"}),
        (hit("project"), "/explore", {"where": "project:an-id", "split": "model"}),
        (hit("budget"), "/budgets", {"budget": "an-id"}),
        (hit("prompt"), "/prompts", {"prompt": "an-id"}),
        (hit("experiment"), "/experiments", {"experiment": "an-id"}),
        (hit("invoice"), "/invoices", {}),
        (hit("source", about={"kind": "file", "format": "generic"}), "/sources", {}),
        (hit("session", place="session", at=ago(days=3)), "/agents", {"session": "an-id"}),
        (
            hit("session", place="conversation", at=ago(days=3)),
            "/traces",
            {"session": "an-id", "period": "7D"},
        ),
        (hit("trace", place="trace_id", at=ago(days=3)), "/traces", {"trace": "an-id"}),
        (hit("trace", place="trace", at=ago(hours=3)), "/traces", {"search": "an-id", "period": "24H"}),
        (hit("trace", place="trace", at=ago(days=300)), "/traces", {"search": "an-id", "period": "90D"}),
        (hit("record", place="note", id="first\nsecond"), "/records", {"search": "first"}),
        (
            hit("record", place="request_id", at=ago(hours=3)),
            "/records",
            {"search": "an-id", "first_day": "2026-06-09", "last_day": "2026-06-11"},
        ),
        (hit("audit", about=AUDITED), "/settings", {"section": "Audit log", "audit_search": "asked"}),
    ]
)
def test_a_hit_has_the_address_that_opens_it(found: Hit, path: str, parameters: dict[str, str]) -> None:
    place = describe_hit(found, " asked ", NOW)
    assert (place["path"], place["parameters"]) == (path, parameters)
    assert place["path"] in PATHS
    assert place["kind"] == found.kind


def test_entries_of_the_audit_log_are_in_words() -> None:
    place = describe_hit(hit("audit", about=AUDITED, title="update projects"), "new", NOW)
    assert place["name"].startswith("Changed project: ")
    assert {"Old", "New"} <= set(place["name"].replace(":", " ").split())
    assert place["note"] == "ann@example.org"


def test_long_and_hostile_names_stay_short_and_on_a_line() -> None:
    found = hit("source", title="a\u202e\n" + "x" * 600, about={"kind": "file", "format": "?"})
    place = describe_hit(found, "", NOW)
    assert len(place["name"]) == 200
    assert not {"\n", "\u202e"} & set(place["name"])


def test_periods_are_those_of_the_page() -> None:
    assert {name: hours for hours, name in PERIODS}.items() <= PERIODS_OF_PAGE.items()
    assert PERIODS[-1] == max((hours, name) for name, hours in PERIODS_OF_PAGE.items())


def test_every_kind_has_an_address() -> None:
    assert set(ADDRESSES) == set(KINDS)
