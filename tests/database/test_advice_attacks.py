"""Nobody decides over a decision about advice, brings what does not fit together, or adds without end."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest

from tests.database.teams import Team
from tests.database.test_advice import decide, find_id, found, keep, read, team
from tests.database_fixtures import Connection

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
