"""Nobody decides over a decision about advice, brings what does not fit together, or adds without end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import Any

import psycopg
import pytest

from tally.advice.evidence import Rows, to_filters
from tally.advice.findings import TO_MONTH
from tally.advice.stored import load_facts
from tests.database.teams import Team
from tests.database.test_advice import (
    TODAY,
    WINDOW,
    decide,
    find_id,
    found,
    keep,
    read,
    request,
    save,
    team,
)
from tests.database_fixtures import Connection, make_months

__all__ = ["team"]
BROUGHT: dict[str, Any] = found() | {
    "window_from": "2026-05-01",
    "window_to": "2026-05-28",
    "found_at": "2026-05-29T03:15:00Z",
    "status": "open",
}


def test_a_stale_page_does_not_decide_over_a_decision(team: Team, database: Connection) -> None:
    keep(database, team.id, found())
    advice = find_id(database)
    assert not decide(team["owner"], advice, "applied")
    assert "meanwhile: it is applied. Reload the page." in decide(team["admin"], advice, "dismissed")
    assert read(database) == {"haiku": ("applied", 50)}
    assert not decide(team["admin"], advice, "open")
    assert not decide(team["admin"], advice, "dismissed")


def test_of_two_who_decide_at_once_one_is_told(team: Team, database: Connection) -> None:
    keep(database, team.id, found())
    advice, start = find_id(database), Barrier(2)

    def attempt(name: str, status: str) -> str:
        start.wait()
        return decide(team[name], advice, status)

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(attempt, ("owner", "admin"), ("applied", "dismissed")))
    assert sorted(map(bool, told)) == [False, True]
    [(status, _)] = read(database).values()
    assert status == ("applied" if not told[0] else "dismissed")


def test_nobody_writes_advice_by_hand(team: Team, database: Connection) -> None:
    keep(database, team.id, found())
    for query in (
        "update public.advice set saving_mid = 0",
        "delete from public.advice",
        "insert into public.advice default values",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            team["owner"].connection.execute(query.encode())


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "no such"},
        {"status": "applied"},  # without a day
        {"saving_low": "NaN"},
        {"saving_low": "99"},
        {"current_usd": "-1"},
        {"current_usd": None},
        {"subject": []},
        {"project_id": "00000000-0000-4000-8000-000000000001"},
        {"evidence": {"x": [str(n) * 9 for n in range(9_000)]}},
        {"window_to": "1999-01-01"},
    ],
)
def test_advice_that_does_not_fit_together_is_not_brought(
    team: Team, database: Connection, other: dict[str, Any]
) -> None:
    told = team["owner"].suspect("bring_advice", workspace=team.id, details=BROUGHT | other)
    assert told == "This advice does not fit together."
    assert read(database) == {}


def test_a_workspace_has_no_end_of_advice(team: Team, database: Connection) -> None:
    assert team["owner"].ask("bring_advice", details=BROUGHT) is True
    assert team["owner"].ask("bring_advice", details=BROUGHT) is False
    fewer = """create or replace function private.max_advice() returns bigint language sql immutable
        set search_path = '' as 'select 1::bigint'"""
    database.execute(fewer)
    try:
        told = team["owner"].suspect(
            "bring_advice", workspace=team.id, details=BROUGHT | {"subject": {"model": "other"}}
        )
        assert "1 pieces of advice at most" in told
    finally:
        database.execute(fewer.replace("select 1::", "select 5000::"))


def test_days_are_the_workspaces_in_advice_and_in_the_rows_behind_it(
    team: Team, database: Connection
) -> None:
    database.execute("update public.workspaces set timezone = 'Europe/Berlin' where id = %s", [team.id])
    make_months(database, date(2026, 4, 1))
    inside, outside = "2026-04-30T22:30Z", "2026-05-28T22:30Z"  # the 1st and the 29th in Berlin
    save(
        database,
        team,
        request(0, timestamp=inside, input_tokens=9, cost_usd="2"),
        request(0, timestamp=outside, input_tokens=9, cost_usd="5"),
    )
    facts = load_facts(database, team.id, TODAY)
    assert (facts.window, [cell.cost_usd for cell in facts.cells]) == (WINDOW, [Decimal(2)])
    [[provider]] = database.execute("select id from public.providers where name = 'anthropic'").fetchall()
    rows = Rows(WINDOW, TO_MONTH, "anthropic", "claude-sonnet-4-5", agent="support", tier="")
    days = {"first_at": "2026-05-01T00:00+02:00", "last_at": "2026-05-29T00:00+02:00"}
    sums = team["owner"].ask("sum_records", chosen=to_filters(rows, str(provider)) | days)
    assert [[day, float(usd)] for day, usd, _, _ in sums["days"]] == [["2026-05-01", 2.0]]
