"""Advice as it is kept: who sees it, who decides, when it comes back, and the sums that it is found in."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tally.advice.facts import Cell, Tokens
from tally.advice.stored import load_facts
from tally.advice.verified import refresh_verifications
from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database_fixtures import Connection, Project, make_months

WINDOW = (date(2026, 5, 1), date(2026, 5, 28))
TODAY = date(2026, 5, 29)


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    return make_team(project, database, *COLLEAGUES)


def found(subject: str = "haiku", mid: int = 50, **others: Any) -> dict[str, Any]:
    return {
        "kind": "caching",
        "subject": {"model": subject},
        "current_usd": "100",
        "saving_low": str(mid - 10),
        "saving_mid": str(mid),
        "saving_high": str(mid + 10),
        "confidence": "medium",
        "basis": "modelled",
        "evidence": {},
        "assumptions": [],
    } | others


def keep(database: Connection, workspace: UUID, *rows: dict[str, Any]) -> int:
    query = "select private.keep_advice(%s, %s, %s, %s)"
    [[count]] = database.execute(query, [workspace, json.dumps(rows), *WINDOW]).fetchall()
    return int(count)


def read(connection: Connection) -> dict[str, tuple[str, int]]:
    query = "select subject ->> 'model', status, saving_mid from public.advice"
    return {model: (status, int(mid)) for model, status, mid in connection.execute(query).fetchall()}


def find_id(database: Connection) -> UUID:
    [[advice]] = database.execute("select id from public.advice").fetchall()
    assert isinstance(advice, UUID)
    return advice


def decide(person: Person, advice: UUID, status: str) -> str:
    """Decide, and return the sentence of a refusal."""
    return person.suspect("decide_advice", advice=advice, status=status)


def test_advice_that_is_no_longer_found_expires_and_comes_back(team: Team, database: Connection) -> None:
    assert keep(database, team.id, found("a"), found("b")) == 2
    assert keep(database, team.id, found("a", mid=70)) == 1
    assert read(database) == {"a": ("open", 70), "b": ("expired", 50)}
    assert keep(database, team.id, found("b")) == 1
    assert read(database) == {"a": ("expired", 70), "b": ("open", 50)}


def test_dismissed_advice_stays_away_unless_it_doubles(team: Team, database: Connection) -> None:
    keep(database, team.id, found(mid=50))
    assert not decide(team["admin"], find_id(database), "dismissed")
    assert keep(database, team.id, found(mid=99)) == 0
    assert read(database) == {"haiku": ("dismissed", 50)}
    assert keep(database, team.id, found(mid=100)) == 1
    assert read(database) == {"haiku": ("open", 100)}


def test_dismissed_advice_is_open_again_after_90_days(team: Team, database: Connection) -> None:
    keep(database, team.id, found())
    decide(team["admin"], find_id(database), "dismissed")
    aged = "update public.advice set decided_at = now() - make_interval(days => %s)"
    for days, is_open in ((89, 0), (91, 1)):
        database.execute(aged, [days])
        assert keep(database, team.id, found()) == is_open


def test_applied_advice_keeps_its_estimate(team: Team, database: Connection) -> None:
    keep(database, team.id, found(mid=50))
    assert not decide(team["owner"], find_id(database), "applied")
    keep(database, team.id, found(mid=500))
    keep(database, team.id)
    assert read(database) == {"haiku": ("applied", 50)}
    [[by, at]] = database.execute("select decided_by, decided_at from public.advice").fetchall()
    assert by == team["owner"].id
    assert at is not None


def test_only_admins_decide_and_the_log_tells_it(team: Team, database: Connection) -> None:
    keep(database, team.id, found())
    advice = find_id(database)
    for name in ("ann", "viewer"):
        assert "role in this workspace does not allow" in decide(team[name], advice, "applied")
    assert read(database) == {"haiku": ("open", 50)}
    assert not decide(team["admin"], advice, "dismissed")
    assert not decide(team["admin"], advice, "dismissed"), "sent again"
    assert not decide(team["admin"], advice, "open")
    logged = (
        "select before ->> 'status', after ->> 'status' from public.audit_logs where table_name = 'advice'"
    )
    assert sorted(database.execute(logged).fetchall()) == [("dismissed", "open"), ("open", "dismissed")]


def test_refusals_say_what_to_do(team: Team, database: Connection) -> None:
    keep(database, team.id, found())
    advice = find_id(database)
    assert "can be applied, dismissed, or opened again" in decide(team["admin"], advice, "gone")
    keep(database, team.id)
    assert "no longer open. Reload the page." in decide(team["admin"], advice, "applied")
    assert "no longer exists. Reload the page." in decide(team["admin"], team.id, "applied")


def test_advice_on_a_private_project_or_a_person_is_hidden(team: Team, database: Connection) -> None:
    secret = team["admin"].add_project("Secret", is_private=True)
    ann = str(team["ann"].id)
    keep(
        database, team.id, found("all"), found("secret", project_id=str(secret)), found("ann", person_id=ann)
    )
    seen = {name: set(read(team[name].connection)) for name in ("admin", "ann", "bob")}
    assert seen == {"admin": {"all", "secret", "ann"}, "ann": {"all", "ann"}, "bob": {"all"}}


def test_members_who_see_their_own_costs_only_see_no_advice(team: Team, database: Connection) -> None:
    keep(database, team.id, found())
    database.execute("update public.workspaces set person_split = 'own' where id = %s", [team.id])
    assert set(read(team["admin"].connection)) == {"haiku"}
    assert read(team["ann"].connection) == {}


def test_another_workspace_neither_sees_nor_decides(
    team: Team, project: Project, database: Connection
) -> None:
    other = make_team(project, database, "owner")
    keep(database, team.id, found())
    assert read(other["owner"].connection) == {}
    assert "no longer exists" in decide(other["owner"], find_id(database), "applied")
    keep(database, other.id)
    assert read(database) == {"haiku": ("open", 50)}


def request(minute: float, **values: Any) -> dict[str, Any]:
    """A request of a conversation, so many minutes after its first one."""
    at = datetime(2026, 5, 5, 10, tzinfo=UTC) + timedelta(minutes=minute)
    metadata = {"agent": "support", "session": "s1"} | values.pop("metadata", {})
    return {
        "provider": "anthropic",
        "timestamp": at.isoformat(),
        "model_name": "claude-sonnet-4-5",
        "cost_usd": "0.01",
        "cost_basis": "estimated",
        "request_count": 1,
        "metadata": metadata,
    } | values


def save(database: Connection, team: Team, *records: dict[str, Any]) -> None:
    make_months(database, date(2026, 5, 1))
    answer = team["owner"].save(team["owner"].add_source(), *records)
    assert not answer["rejected"], answer
    database.execute("select public.fold_stale_days()")


def load_cell(database: Connection, team: Team) -> Cell:
    [cell] = load_facts(database, team.id, TODAY).cells
    return cell


def test_conversations_are_measured_by_their_own_gaps(team: Team, database: Connection) -> None:
    save(
        database,
        team,
        request(0, input_tokens=2_000, output_tokens=10),
        request(2, input_tokens=3_000, output_tokens=10),  # 2,000 of them again
        request(32, input_tokens=4_000, cache_write_tokens=3_500, output_tokens=10),  # a pause
        request(132, input_tokens=5_000, output_tokens=10),  # a long one
        request(3, input_tokens=9_000, output_tokens=10, metadata={"session": "s2"}),
        request(4, input_tokens=9_000, output_tokens=10, metadata={"session": ""}),
    )
    cell = load_cell(database, team)
    assert (cell.agent, cell.requests, cell.conversations) == ("support", 6, 2)
    assert (cell.following, cell.pauses, cell.long_pauses) == (1, 1, 1)
    assert (cell.reusable, cell.rewritten, cell.max_input) == (2_000, 3_000, 9_000)
    assert cell.fresh == 2_000 + 1_000 + 500 + 5_000 + 9_000
    assert cell.tokens == Tokens(uncached=28_500, write_5m=3_500, output=60)
    assert sum(cell.hours) == 6
    assert cell.hours[10] == 5


def test_repeats_and_paid_failures_are_counted_once(team: Team, database: Connection) -> None:
    failure = {"inference": {"status": "error"}}
    save(
        database,
        team,
        request(0, input_tokens=500, output_tokens=10),
        request(0.5, input_tokens=500, output_tokens=11),  # a repeat
        request(0.9, input_tokens=510, output_tokens=12),
        request(5, input_tokens=510, output_tokens=13),  # too late to be one
        request(5.2, input_tokens=510, metadata=failure, cost_usd="0.03"),
        request(5.4, input_tokens=510, output_tokens=14),  # needed, as the one before failed
    )
    cell = load_cell(database, team)
    assert (cell.repeats, cell.repeated_usd) == (1, Decimal("0.01"))
    assert (cell.failed, cell.failed_usd) == (1, Decimal("0.03"))


def test_unpriced_and_included_usage_is_left_out_and_the_first_counted(
    team: Team, database: Connection
) -> None:
    save(
        database,
        team,
        request(0, input_tokens=100, output_tokens=1),
        request(1, input_tokens=200, cost_usd=None),
        request(2, input_tokens=400, cost_basis="included"),
    )
    cell = load_cell(database, team)
    assert (cell.requests, cell.tokens.input, cell.unpriced) == (1, 100, 1)


def test_lengths_and_tiers_are_told_apart(team: Team, database: Connection) -> None:
    fast = {"price_context": {"service_tier": "priority"}}
    save(
        database,
        team,
        request(0, input_tokens=250_000, output_tokens=1, cost_usd="2"),
        request(9, input_tokens=100, output_tokens=1, metadata=fast, cost_usd="1"),
    )
    usual, priority = load_facts(database, team.id, TODAY).cells
    assert (usual.tier, priority.tier) == ("", "priority")
    assert {over: part.requests for over, part in usual.long.items() if over >= 200_000} == {200_000: 1}
    assert usual.long[200_000].cost_usd == 2
    assert not priority.long


def test_a_plan_without_use_is_told_where_its_source_reports(team: Team, database: Connection) -> None:
    first = datetime(2026, 4, 1, 12, tzinfo=UTC)
    make_months(database, date(2026, 3, 1), date(2026, 5, 1))
    [[provider]] = database.execute(
        "select id from public.providers where name = 'claude-desktop'"
    ).fetchall()
    database.execute(
        """insert into public.subscriptions
            (workspace_id, user_id, provider_id, plan_name, amount_usd, started_on, renewal_day)
        values (%s, %s, %s, 'Claude Max', 100, '2026-01-01', 1)""",
        [team.id, team["owner"].id, provider],
    )
    used = [
        request(0, timestamp=(first + timedelta(days=n)).isoformat(), input_tokens=10, cost_basis="included")
        for n in range(5)
    ]
    others = [
        request(0, timestamp=(first + timedelta(days=n)).isoformat(), input_tokens=10, model_name="gpt-5")
        | {"provider": "openai"}
        for n in range(30, 58)
    ]
    save(database, team, *used, *others)
    [plan] = load_facts(database, team.id, TODAY).plans
    assert (plan.provider, plan.name, int(plan.monthly_usd)) == ("claude-desktop", "Claude Max", 100)
    assert (plan.covered_days, plan.last_used) == (28, date(2026, 4, 5))
    assert [(month.month, month.included_usd) for month in plan.months] == []


def apply(database: Connection, team: Team, day: date, row: dict[str, Any]) -> None:
    """Keep a piece of advice as one that was applied on a day."""
    keep(database, team.id, row)
    decide(team["owner"], find_id(database), "applied")
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    database.execute("update public.advice set decided_at = %s", [at])


def read_verification(database: Connection) -> dict[str, Any]:
    [[verification]] = database.execute("select verification from public.advice").fetchall()
    assert isinstance(verification, dict)
    return verification


def test_saving_is_measured_on_the_requests_of_its_subject(team: Team, database: Connection) -> None:
    usual = {"input_tokens": 100, "output_tokens": 10}
    days = [datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(27)]
    records = []
    for n, at in enumerate(days):
        cost = Decimal("0.10") if n < 14 else Decimal("0.06")
        for agent, factor in (("support", 1), ("other", 5)):
            values = {"cost_usd": str(cost * factor + n % 3 * Decimal("0.001")), "metadata": {"agent": agent}}
            records.append(request(0, timestamp=at.isoformat(), **usual, **values))
    save(database, team, *records)
    subject = {"agent": "support", "model": "claude-sonnet-4-5"}
    apply(database, team, date(2026, 5, 15), found(mid=1) | {"subject": subject})
    assert refresh_verifications(database, team.id, date(2026, 5, 28)) == 1
    kept = read_verification(database)
    assert (kept["state"], kept["days"], len(kept["units"])) == ("verified", 12, 26)
    assert kept["low_usd"] < 0.04 * 30.4 < kept["high_usd"]
    assert kept["since_usd"] == pytest.approx(0.04 * 12, rel=0.05)


def test_an_ended_plan_saves_its_price(team: Team, database: Connection) -> None:
    [[plan]] = database.execute(
        """insert into public.subscriptions
            (workspace_id, user_id, provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day)
        select %s, %s, p.id, 'Max', 100, '2026-05-01', %s, 1
        from public.providers as p where p.name = 'claude-desktop' returning id""",
        [team.id, team["owner"].id, None],
    ).fetchall()
    row = found(mid=100) | {"kind": "unused_subscription", "subject": {"subscription_id": str(plan)}}
    apply(database, team, date(2026, 5, 15), row)
    refresh_verifications(database, team.id, date(2026, 5, 20))
    assert read_verification(database)["state"] == "measuring"
    database.execute("update public.subscriptions set ended_on = '2026-05-20'")
    refresh_verifications(database, team.id, date(2026, 6, 1))
    kept = read_verification(database)
    assert (kept["state"], kept["month_usd"]) == ("verified", 100)
    assert kept["since_usd"] == pytest.approx(100 * 12 / 30.4)


def test_a_bought_plan_is_measured_by_what_it_covers(team: Team, database: Connection) -> None:
    subject = {"agent": "claude-code", "provider": "anthropic", "plan": "Claude Max 5x"}
    apply(database, team, date(2026, 5, 1), found(mid=100) | {"kind": "plan", "subject": subject})
    covered = [
        request(
            n * 1440, input_tokens=10, cost_usd="7", cost_basis="included", metadata={"agent": "claude-code"}
        )
        for n in range(-5, 24)
    ]
    others = [request(n * 1440 + 1, input_tokens=10, cost_usd="9", cost_basis="included") for n in range(9)]
    make_months(database, date(2026, 4, 1))
    save(database, team, *covered, *others)
    refresh_verifications(database, team.id, TODAY)
    assert read_verification(database)["state"] == "measuring", "no plan is entered"
    database.execute(
        """insert into public.subscriptions
            (workspace_id, user_id, provider_id, plan_name, amount_usd, started_on, renewal_day)
        select %s, %s, p.id, 'Max', 100, '2026-05-01', 1
        from public.providers as p where p.name = 'claude-desktop'""",
        [team.id, team["owner"].id],
    )
    refresh_verifications(database, team.id, date(2026, 5, 30))
    kept = read_verification(database)
    # Of 28 days since the 2nd, the plan covered 27: none on the 29th.
    assert (kept["state"], kept["days"]) == ("verified", 28)
    assert kept["month_usd"] == pytest.approx(7 * 27 / 28 * 30.4 - 100)


DECIDE = """
update public.experiments
set status = 'decided', decided_variant = 'Haiku', decided_at = '2026-05-20T00:00Z',
    gathered = '{"matched_usd": "280"}', decision = %s"""


def test_decided_experiments_are_read_and_odd_numbers_are_not(team: Team, database: Connection) -> None:
    [[experiment]] = database.execute(
        "insert into public.experiments (workspace_id, name) values (%s, 'Refunds') returning id", [team.id]
    ).fetchall()
    for nth, name in enumerate(("Sonnet", "Haiku"), 1):
        database.execute(
            """insert into public.experiment_variants
                (workspace_id, experiment_id, nth, name, is_baseline, match)
            values (%s, %s, %s, %s, %s, %s)""",
            [team.id, experiment, nth, name, nth == 1, json.dumps({"model": name.lower()})],
        )
    told = {
        "sentence": "Haiku costs less.",
        "saving_usd": {"low": "50.00", "middle": "60.00", "high": "70.00"},
    }
    database.execute(DECIDE, [json.dumps(told)])
    [decided] = load_facts(database, team.id, TODAY).decided
    assert (decided.variant, decided.baseline, decided.model, decided.to_model) == (
        "Haiku", "Sonnet", "sonnet", "haiku"
    )  # fmt: skip
    assert [int(usd) for usd in (decided.matched_usd, *decided.saving)] == [280, 50, 60, 70]
    for odd in (
        None,
        {},
        "x",
        {"low": "NaN", "middle": "1", "high": "2"},
        {"low": "1", "middle": "1e99", "high": []},
    ):
        database.execute(DECIDE, [json.dumps({"saving_usd": odd})])
        assert load_facts(database, team.id, TODAY).decided == []


def test_saving_is_not_measured_on_other_projects(team: Team, database: Connection) -> None:
    project = team["admin"].add_project("Web")
    save(
        database,
        team,
        request(0, input_tokens=9),
        request(60 * 24, input_tokens=9, metadata={"agent": "other"}),
    )
    database.execute(
        "update public.cost_records set project_id = %s where metadata ->> 'agent' = 'other'", [project]
    )
    query = "select sum(requests) from private.advice_days(%s, '2026-05-01', '2026-05-28', %s)"
    for subject, requests in (
        ({}, 1),
        ({"project_id": str(project)}, 1),
        ({"agent": ""}, None),
        ({"agent": "support"}, 1),
    ):
        [[found]] = database.execute(query, [team.id, json.dumps(subject)]).fetchall()
        assert found == requests, subject
