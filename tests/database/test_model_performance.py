"""Performance of models: the figures of a plain sum over the calls that the caller may see, within bounds."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.teams import Person, Team, make_team
from tests.database.test_saving import new_import, save
from tests.database_fixtures import Connection, Project

Act = Callable[[UUID], Connection]
Row = dict[str, Any]

START = datetime(2026, 5, 4, tzinfo=UTC)
FRACTIONS = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
ZONE = "America/New_York"
NO_PROJECT = UUID(int=0)


def made(seconds: float = 0, model: str = "gpt-5", **changes: Any) -> Row:
    """A record of a call, so many seconds after the start; `told` is how it went."""
    told = {"status": "ok", "duration_ms": 1000} | changes.pop("told", {})
    run = changes.pop("run", None)
    return {
        "provider": "openai",
        "timestamp": (START + timedelta(seconds=seconds)).isoformat(),
        "model_name": model,
        "cost_usd": "0.5",
        "cost_basis": "estimated",
        "collection_method": "otlp",
        "tokens_used": 110,
        "input_tokens": 100,
        "output_tokens": 10,
        "source_key": str(uuid4()),
        "metadata": {"inference": told} | ({"trace_id": run} if run else {}),
    } | changes


def ask(person: Person, **changes: Any) -> Row:
    """The performance of models as a person sees it, of a week."""
    period = {"first_at": START, "last_at": START + timedelta(days=7), "granularity": "day"}
    found: Row = person.ask("model_performance", **(period | changes))
    return found


def requests(found: Row) -> dict[str, int]:
    """Requests by model."""
    return {row["model_name"]: row["requests"] for row in found["models"]}


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with an owner and two members."""
    return make_team(project, database, "owner", "ann", "bob")


def test_figures_of_a_model(team: Team) -> None:
    owner = team["owner"]
    owner.save(
        None,
        made(1, told={"duration_ms": 3000, "first_token_ms": 1000}, output_tokens=100, run="r"),
        made(2, told={"status": "rate_limited", "duration_ms": 5}, cost_usd=None, tokens_used=0, run="r"),
        made(3, told={"duration_ms": 2000}, output_tokens=50, cost_usd=None, run="r"),
        made(4, told={"status": "timeout", "duration_ms": 60_000}, cost_usd=None, tokens_used=0),
    )
    found = ask(owner)
    [row] = found["models"]
    assert (found["requests"], found["names"], len(found["points"])) == (4, 1, 1)
    assert row == {
        "provider": "openai",
        "provider_title": "OpenAI",
        "model_name": "gpt-5",
        "requests": 4,
        "errors": 0,
        "timeouts": 1,
        "rate_limited": 1,
        "retries": 1,
        "timed": 2,
        "percentiles": [2000, 2000, 2000, 3000, 3000, 3000, 3000],
        "first_tokens": 1,
        "first_token_ms": 1000,
        "tokens_per_second": 37.5,  # 150 tokens in 2 s after a first token and 2 s without one
        "tokens": 220,
        "cost_usd": "0.5000000000",
        "priced": 3,
        "unpriced": 1,
    }


def test_records_that_tell_nothing_of_a_call_are_no_requests(team: Team) -> None:
    owner = team["owner"]
    owner.save(None, made(collection_method="local_log"), made(metadata={}), made(model="told"))
    assert requests(ask(owner)) == {"told": 1}


@pytest.mark.parametrize("told", [-5, "fast", None, 1e30, [1], True])
def test_durations_that_no_call_can_have_are_none(team: Team, told: object) -> None:
    owner = team["owner"]
    owner.save(None, made(told={"duration_ms": told, "first_token_ms": told, "status": told}))
    [row] = ask(owner)["models"]
    assert (row["timed"], row["first_tokens"], row["percentiles"], row["errors"]) == (0, 0, None, 0)


def test_a_call_that_two_sources_tell_is_one_request(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    shared = {"request_id": "msg_1", "source_key": str(uuid4())}
    first, second, third = (new_import(person) for _ in range(3))
    save(person, [made(1, **shared)], first)
    save(person, [made(2, **shared)], second)
    save(person, [made(3, **shared, collection_method="local_log", tokens_used=500, metadata={})], third)
    moved = person.execute("select count(*) from public.superseded_records").fetchone()
    assert moved == (2,)
    assert requests(ask(Person(user, person, user))) == {"gpt-5": 1}


def test_a_source_that_is_excluded_is_not_read(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    source = new_import(person)
    save(person, [made(1)], source)
    person.execute("select public.set_source_enabled(%s, false)", [source])
    assert requests(ask(Person(user, person, user))) == {}
    person.execute("select public.set_source_enabled(%s, true)", [source])
    assert requests(ask(Person(user, person, user))) == {"gpt-5": 1}


def test_others_see_calls_as_they_see_records(team: Team) -> None:
    owner, ann, bob = team["owner"], team["ann"], team["bob"]
    secret = owner.add_project("Secret", is_private=True)
    ann.save(None, made(model="ann's"))
    bob.save(None, made(model="bob's"))
    owner.save(None, made(model="secret", project_id=str(secret)))
    assert requests(ask(ann)) == {"ann's": 1}
    assert requests(ask(owner)) == {"ann's": 1, "bob's": 1, "secret": 1}
    owner.ask("update_workspace", name=None, timezone=None, currency=None, person_split="everyone")
    assert requests(ask(ann)) == {"ann's": 1, "bob's": 1}
    assert requests(ask(ann, project=secret)) == {}
    assert requests(ask(owner, project=secret)) == {"secret": 1}
    assert requests(ask(owner, project=NO_PROJECT)) == {"ann's": 1, "bob's": 1}


def test_strangers_are_refused(team: Team, project: Project, stranger: UUID) -> None:
    other = Person(stranger, project.act_as("authenticated", stranger), team.id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="not a member"):
        ask(other)


@pytest.mark.parametrize(
    ("granularity", "days"), [("hour", 9), ("day", 402), ("day", 0), ("day", -1), ("minute", 1), (None, 1)]
)
def test_periods_have_bounds(team: Team, granularity: str | None, days: int) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=r"up to 8 days by hour|hour or day"):
        ask(team["owner"], granularity=granularity, last_at=START + timedelta(days=days))


@pytest.mark.new_database
def test_too_many_calls_are_refused_with_a_sentence(team: Team, database: Connection) -> None:
    limit = (
        "create or replace function private.max_calls() returns bigint language sql immutable as 'select 2'"
    )
    database.execute(limit)
    team["owner"].save(None, made(1), made(2))
    assert requests(ask(team["owner"])) == {"gpt-5": 2}
    team["owner"].save(None, made(3))
    with pytest.raises(
        psycopg.errors.InvalidParameterValue, match=r"more than 2 requests\. Choose a shorter"
    ):
        ask(team["owner"])


def test_a_hundred_models_are_listed_and_twenty_followed(team: Team) -> None:
    owner = team["owner"]
    owner.save(None, *(made(n, f"m{n:03}") for n in range(105)), made(1, "m104"))
    found = ask(owner, chosen="{m070}")
    assert (found["requests"], found["names"], len(found["models"])) == (106, 105, 100)
    assert found["models"][0]["model_name"] == "m104"
    followed = {point["model_name"] for point in found["points"]}
    assert followed == {"m104", "m070", *(f"m{n:03}" for n in range(19))}


def test_names_are_only_names(team: Team) -> None:
    owner = team["owner"]
    name = "'; drop table public.cost_records; --"
    owner.save(None, made(model=name))
    assert requests(ask(owner, chosen='{"' + name + '"}')) == {name: 1}


CALLS = st.lists(
    st.builds(
        lambda seconds, model, told, rest, cost: made(
            seconds,
            model,
            told={key: value for key, value in told.items() if value is not None},
            **rest | cost,
        ),
        st.integers(0, 3 * 86_400),
        st.sampled_from(["a", "b"]),
        st.fixed_dictionaries(
            {
                "status": st.sampled_from(["ok", "ok", "ok", "error", "timeout", "rate_limited"]),
                "duration_ms": st.none() | st.integers(0, 50),
                "first_token_ms": st.none() | st.integers(0, 50),
            }
        ),
        st.fixed_dictionaries(
            {
                "provider": st.sampled_from(["openai", "anthropic"]),
                "output_tokens": st.integers(0, 5),
                "run": st.sampled_from([None, "r", "s"]),
            }
        ),
        st.sampled_from([{"cost_usd": None}, {"cost_usd": None, "tokens_used": 0}, {"cost_usd": "0.25"}]),
    ),
    max_size=40,
)


def percentile(values: Sequence[int], fraction: float) -> int:
    """The smallest value with at least that share of the values up to it."""
    return sorted(values)[max(ceil(round(fraction * len(values), 9)) - 1, 0)]


def add_up(calls: Sequence[Row], retried: Sequence[Row]) -> Row:
    """What calls of one model say, summed in Python."""
    told = [(call, call["metadata"]["inference"]) for call in calls]
    went_well = [(call, facts) for call, facts in told if facts["status"] == "ok"]
    timed = [facts["duration_ms"] for _, facts in went_well if facts.get("duration_ms") is not None]
    firsts = [facts["first_token_ms"] for _, facts in went_well if facts.get("first_token_ms") is not None]
    written = [
        (call["output_tokens"], facts["duration_ms"] - facts.get("first_token_ms", 0))
        for call, facts in went_well
        if "duration_ms" in facts and call["output_tokens"]
    ]
    written = [(count, ms) for count, ms in written if ms > 0]
    spent = sum(ms for _, ms in written)
    costs = [Decimal(call["cost_usd"]) for call in calls if call["cost_usd"] is not None]
    counts = {
        name: sum(facts["status"] == status for _, facts in told)
        for name, status in (("errors", "error"), ("timeouts", "timeout"), ("rate_limited", "rate_limited"))
    }
    unpriced = [
        call
        for call, facts in told
        if call["cost_usd"] is None and (call["tokens_used"] > 0 or facts["status"] == "ok")
    ]
    return counts | {
        "requests": len(calls),
        "retries": len(retried),
        "timed": len(timed),
        "percentiles": [percentile(timed, fraction) for fraction in FRACTIONS] if timed else None,
        "first_tokens": len(firsts),
        "first_token_ms": percentile(firsts, 0.5) if firsts else None,
        "tokens_per_second": pytest.approx(sum(n for n, _ in written) * 1000 / spent) if spent else None,
        "tokens": sum(call["tokens_used"] for call in calls),
        "cost_usd": sum(costs, Decimal(0)) if costs else None,
        "priced": len(calls) - len(unpriced),
        "unpriced": len(unpriced),
    }


def find_retries(calls: Sequence[Row]) -> list[Row]:
    """Calls after a failed one of the same model in the same run."""
    last: dict[tuple[str, ...], str] = {}
    found = []
    for call in sorted(calls, key=lambda one: (one["timestamp"], one["metadata"]["inference"]["status"])):
        if run := call["metadata"].get("trace_id"):
            key = (run, call["provider"], call["model_name"])
            if last.get(key, "ok") != "ok":
                found.append(call)
            last[key] = call["metadata"]["inference"]["status"]
    return found


def read(rows: Sequence[Row], *keys: str) -> dict[tuple[Any, ...], Row]:
    """Answered rows by these columns."""
    found = {}
    for row in rows:
        values = {name: value for name, value in row.items() if name not in ("provider_title", *keys)}
        values["cost_usd"] = None if row["cost_usd"] is None else Decimal(row["cost_usd"])
        found[tuple(datetime.fromisoformat(row[key]) if key == "at" else row[key] for key in keys)] = values
    return found


@pytest.fixture
def new_yorker(as_user: Act, user: UUID, database: Connection) -> Person:
    """A person whose days are those of New York."""
    database.execute("update public.workspaces set timezone = %s where id = %s", [ZONE, user])
    return Person(user, as_user(user), user)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=CALLS, first=st.integers(0, 60), hours=st.integers(1, 80), by=st.sampled_from(["hour", "day"]))
def test_any_range_is_the_plain_sum_of_its_calls(
    new_yorker: Person, database: Connection, calls: list[Row], first: int, hours: int, by: str
) -> None:
    person = new_yorker
    database.execute("delete from public.cost_records")
    by_moment = {(call["timestamp"], call["provider"], call["model_name"]): call for call in calls}
    calls = list(by_moment.values())  # at one moment the order of retries is anybody's guess
    assert person.save(None, *calls)["inserted"] == len(calls)
    begin, end = START + timedelta(hours=first), START + timedelta(hours=first + hours)
    found = ask(person, first_at=begin, last_at=end, granularity=by)
    inside = [call for call in calls if begin <= datetime.fromisoformat(call["timestamp"]) < end]
    retried = find_retries(inside)

    def bucket(call: Row) -> datetime:
        local = datetime.fromisoformat(call["timestamp"]).astimezone(ZoneInfo(ZONE))
        return local.replace(minute=0, second=0, hour=local.hour if by == "hour" else 0)

    def group(rows: Sequence[Row], key: Callable[[Row], tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Row]]:
        groups = defaultdict(list)
        for row in rows:
            groups[key(row)].append(row)
        return groups

    keys: dict[str, Callable[[Row], tuple[Any, ...]]] = {
        "models": lambda call: (call["provider"], call["model_name"]),
        "points": lambda call: (call["provider"], call["model_name"], bucket(call)),
    }
    for name, key in keys.items():
        again = group(retried, key)
        expected = {each: add_up(rows, again.get(each, [])) for each, rows in group(inside, key).items()}
        columns = ("provider", "model_name", *(("at",) if name == "points" else ()))
        assert read(found[name], *columns) == expected
    assert found["requests"] == len(inside)
