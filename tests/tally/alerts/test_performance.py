"""Models over their limits raise one event each, with one message, until they do well again."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.alerts.evaluation import MAX_OPEN
from tally.alerts.model_limits import Health, ModelLimit, judge, read_limits
from tally.alerts.performance import evaluate_models
from tally.notifications.facts import Facts
from tally.notifications.texts import describe_event
from tests.database.teams import Person, make_team, race
from tests.database.test_model_performance import made
from tests.database_fixtures import Connection, Project
from tests.tally.budgets.test_evaluation import add_channel

Act = Callable[[UUID], Connection]
NOW = datetime.now(UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def time_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run long after they were collected, and the database has a clock of its own."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    monkeypatch.setattr(sys.modules[__name__], "NOW", now)


@pytest.fixture
def person(as_user: Act, user: UUID) -> Person:
    """A person in the personal workspace."""
    return Person(user, as_user(user), user)


def limit(kind: str = "error_rate", **changes: Any) -> dict[str, Any]:
    """A limit: 10% failures in 15 minutes, from 10 requests on."""
    return {"kind": kind, "model": "", "minutes": 15, "limit": 10, "requests": 10} | changes


def set_limits(person: Person, *limits: dict[str, Any]) -> None:
    person.ask("set_model_limits", limits=list(limits))


def use(person: Person, count: int, failed: int = 0, *, ago: int = 5, **changes: Any) -> None:
    """Save calls of some minutes ago, of which some failed; two on 100 ms, 200 ms and so on."""
    told = changes.pop("told", {})
    calls = []
    for number in range(count):
        facts = {"status": "error" if number < failed else "ok"} | told
        at = NOW - ago * MINUTE - timedelta(milliseconds=number)
        calls.append(made(told=facts, timestamp=at.isoformat(), **changes))
    assert person.save(None, *calls)["inserted"] == count


def later(database: Connection, minutes: int) -> None:
    """Let minutes pass: everything that happened is so much older."""
    shift = f"interval '{minutes} minutes'"
    database.execute(f"update public.cost_records set timestamp = timestamp - {shift}".encode())
    for column in ("occurred_at", "cleared_at"):
        database.execute(f"update public.alert_events set {column} = {column} - {shift}".encode())


def events(database: Connection) -> list[tuple[str, str, str]]:
    """Kind, model and state of all events, the newest last."""
    query = """select kind, facts ->> 'model', state from public.alert_events order by occurred_at, subject"""
    return database.execute(query).fetchall()


def tell(database: Connection) -> str:
    """The words of the only event."""
    [(kind, facts)] = database.execute("select kind, facts from public.alert_events").fetchall()
    told = describe_event(kind, Facts(facts, ZoneInfo("UTC")), is_cleared=False)
    return " ".join([told.title, *told.sentences])


def messages(database: Connection) -> list[str]:
    """Kinds of the messages that are to be sent."""
    return [
        kind for (kind,) in database.execute("select kind from public.deliveries order by created_at, kind")
    ]


def test_errors_raise_one_event_with_one_message(database: Connection, person: Person) -> None:
    add_channel(database, person.workspace)
    set_limits(person, limit())
    use(person, 20, failed=2)
    assert evaluate_models(database, NOW).raised == 0, "10% is the limit itself"
    use(person, 5, failed=3, ago=4)
    assert evaluate_models(database, NOW).raised == 1
    assert evaluate_models(database, NOW).raised == 0
    assert evaluate_models(database, NOW + MINUTE).raised == 0
    assert (events(database), messages(database)) == ([("error_rate", "gpt-5", "open")], ["open"])
    assert tell(database) == (
        "gpt-5: 20% of requests fail 5 of 25 requests in the last 15 minutes failed. The limit is 10%."
    )


def test_recovery_is_told_once_and_a_relapse_is_a_new_event(database: Connection, person: Person) -> None:
    add_channel(database, person.workspace)
    set_limits(person, limit())
    use(person, 20, failed=10)
    assert evaluate_models(database, NOW).raised == 1
    later(database, 20)
    use(person, 20)
    done = evaluate_models(database, NOW)
    assert (done.raised, done.cleared) == (0, 1)
    assert evaluate_models(database, NOW).cleared == 0
    assert messages(database) == ["open", "clear"]
    use(person, 20, failed=15, ago=1)
    assert evaluate_models(database, NOW).raised == 0, "a window of rest"
    later(database, 30)
    use(person, 20, failed=15, ago=1)
    assert evaluate_models(database, NOW + MINUTE).raised == 1
    assert [state for _, _, state in events(database)] == ["cleared", "open"]


def test_a_value_that_hovers_around_its_limit_does_not_flap(database: Connection, person: Person) -> None:
    set_limits(person, limit())
    for failed in (11, 10, 9, 11, 9, 12):
        use(person, 100, failed=failed)
        evaluate_models(database, NOW)
        later(database, 20)
    assert events(database) == [("error_rate", "gpt-5", "open")]
    use(person, 100, failed=8)
    assert evaluate_models(database, NOW).cleared == 1


def test_slow_requests_raise_an_event_about_the_p95(database: Connection, person: Person) -> None:
    set_limits(person, limit("latency", limit=2000, minutes=60))
    use(person, 19, told={"duration_ms": 900})
    use(person, 20, failed=20, ago=2, told={"duration_ms": 60_000})
    assert evaluate_models(database, NOW).raised == 0, "failures are no slow requests"
    use(person, 2, ago=3, told={"duration_ms": 12_500})
    assert evaluate_models(database, NOW).raised == 1
    assert tell(database) == (
        "gpt-5 is slow: p95 is 12.5 s 5 of 100 requests took longer than that in the last hour; there were "
        "21. The limit is 2 s."
    )


def test_too_few_requests_give_no_verdict(database: Connection, person: Person) -> None:
    set_limits(person, limit(requests=10), limit("latency", limit=1, requests=10))
    use(person, 9, failed=9)
    assert evaluate_models(database, NOW).raised == 0


def test_silence_is_recovery_after_a_day_only(database: Connection, person: Person) -> None:
    set_limits(person, limit())
    use(person, 20, failed=20)
    assert evaluate_models(database, NOW).raised == 1
    later(database, 60)
    assert evaluate_models(database, NOW).cleared == 0
    later(database, 1440)
    assert evaluate_models(database, NOW).cleared == 1


def test_a_limit_of_its_own_counts_for_a_model(database: Connection, person: Person) -> None:
    set_limits(person, limit(), limit(model="gpt-5", limit=60))
    use(person, 20, failed=10)
    use(person, 20, failed=10, model="other")
    assert evaluate_models(database, NOW).raised == 1
    assert events(database) == [("error_rate", "other", "open")]


def test_an_event_without_its_limit_is_over(database: Connection, person: Person) -> None:
    set_limits(person, limit(), limit("latency", limit=500))
    use(person, 20, failed=5)
    assert evaluate_models(database, NOW).raised == 2
    set_limits(person, limit("latency", limit=500))
    assert evaluate_models(database, NOW).cleared == 1
    set_limits(person)
    assert evaluate_models(database, NOW).cleared == 1
    assert {state for _, _, state in events(database)} == {"cleared"}


def test_windows_are_judged_by_themselves(database: Connection, person: Person) -> None:
    set_limits(person, limit(), limit(minutes=1440))
    use(person, 100, ago=600)
    use(person, 20, failed=5)
    assert evaluate_models(database, NOW).raised == 1
    [[minutes]] = database.execute(
        "select (facts ->> 'minutes')::integer from public.alert_events"
    ).fetchall()
    assert minutes == 15


def test_a_flood_is_recorded_beyond_ten(database: Connection, person: Person) -> None:
    set_limits(person, limit())
    for number in range(MAX_OPEN + 2):
        use(person, 10, failed=5, model=f"m{number}")
    done = evaluate_models(database, NOW)
    assert (done.raised, done.late) == (MAX_OPEN, 2)
    assert (evaluate_models(database, NOW).raised, evaluate_models(database, NOW).late) == (0, 0)


def test_eight_evaluations_at_once_raise_one_event(
    project: Project, database: Connection, person: Person
) -> None:
    set_limits(person, limit())
    use(person, 20, failed=5)
    connections = [project.connect() for _ in range(8)]
    done = race(*(lambda one=one: evaluate_models(one, NOW) for one in connections))
    assert sum(each.raised for each in done) == 1
    assert len(events(database)) == 1


def test_one_failing_workspace_stops_no_other(
    project: Project, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = [make_team(project, database, "owner")["owner"] for _ in range(2)]
    for owner in owners:
        set_limits(owner, limit())
        use(owner, 20, failed=5)
    database.execute(
        "update public.workspaces set model_limits = '[{\"kind\": 1}]' where id = %s", [owners[0].workspace]
    )
    assert evaluate_models(database, NOW).raised == 1, "limits of another form are left out"

    def fail(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("tally.alerts.performance._Evaluation.run", fail)
    assert set(evaluate_models(database, NOW).failed) == {owner.workspace for owner in owners}


@pytest.mark.parametrize(
    "changes",
    [{"kind": "price"}, {"minutes": 30}, {"limit": 0}, {"limit": 101}, {"limit": "5"}, {"requests": 0},
     {"requests": 1.5}, {"model": None}, {"model": "x" * 201}, {"more": 1}, {"kind": None}],
)  # fmt: skip
def test_limits_out_of_bounds_are_refused(person: Person, changes: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="up to 20 limits"):
        set_limits(person, limit(**changes))


@pytest.mark.parametrize("limits", [[limit(), limit(limit=5)], [limit(model=f"m{n}") for n in range(21)]])
def test_limits_are_few_and_none_is_twofold(person: Person, limits: list[dict[str, Any]]) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="up to 20 limits"):
        set_limits(person, *limits)


def test_only_admins_set_limits(project: Project, database: Connection) -> None:
    team = make_team(project, database, "admin", "ann")
    set_limits(team["admin"], limit())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        set_limits(team["ann"])


def test_limits_are_read_as_they_were_set(database: Connection, person: Person) -> None:
    given = [
        ModelLimit("error_rate", "gpt-5", 15, Decimal("0.5"), 100),
        ModelLimit("latency", "", 60, Decimal(8000), 1),
    ]
    set_limits(person, *(each.as_json() for each in given))
    query = "select model_limits from public.workspaces where id = %s"
    [[stored]] = database.execute(query, [person.workspace]).fetchall()
    assert read_limits(stored) == given
    assert read_limits(json.loads('[{"kind": "error_rate"}, 7, null]')) == []


@given(st.integers(1, 400), st.data())
def test_a_model_is_never_both_over_and_under(requests: int, data: st.DataObject) -> None:
    failed = data.draw(st.integers(0, requests))
    health = Health("openai", "OpenAI", "gpt-5", requests, failed, requests - failed, None)
    verdict = judge(ModelLimit("error_rate", "", 15, Decimal(10), 20), health)
    if requests < 20:
        assert verdict == "unknown"
    else:
        assert (verdict == "over") == (failed * 10 > requests)
        assert (verdict == "under") == (failed * 100 <= requests * 8)
