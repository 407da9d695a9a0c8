"""Events that jobs raise once, who sees them, and channels that admins write."""

import json
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.teams import Person, Team, make_team, race
from tests.database.test_budgets import add_budget
from tests.database_fixtures import Connection, Project

RAISE = "select private.raise_event(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
DETAILS = {
    "kind": "slack",
    "name": "Team",
    "hint": "hooks.slack.com …abcd",
    "sealed_target": "v1.sealed",
    "encryption_key_id": "first",
}


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with people."""
    return make_team(project, database, "owner", "admin", "ann", "bob", "viewer")


def add_channel(team: Team, person: str = "owner", **details: object) -> UUID:
    """Add a channel that is verified."""
    channel = uuid4()
    team[person].ask("save_channel", channel=channel, details=DETAILS | details)
    with team.project.connect() as operator:
        operator.execute(
            "update public.channels set verified_at = now(), verified_by = 'message' where id = %s", [channel]
        )
        operator.execute("delete from public.deliveries")
    return channel


def raise_event(
    database: Connection,
    team: Team,
    subject: str = "b",
    facts: dict[str, object] | None = None,
    channels: list[UUID] | None = None,
    state: str = "open",
) -> UUID | None:
    """Raise an event of a budget."""
    values = [
        team.id, "budget", subject, None, "2026-11-01", "warning", json.dumps(facts or {}), channels, state,
    ]  # fmt: skip
    [[event]] = database.execute(RAISE, values).fetchall()
    return event if isinstance(event, UUID) else None


def count(database: Connection, table: str) -> int:
    """Rows of a table."""
    [[rows]] = database.execute(f"select count(*) from public.{table}").fetchall()
    return int(rows)


def test_cause_is_raised_once_however_many_find_it(
    project: Project, database: Connection, team: Team
) -> None:
    add_channel(team)
    connections = [project.connect() for _ in range(8)]
    outcomes = race(*(lambda one=one: raise_event(one, team) for one in connections))
    assert sum(isinstance(outcome, UUID) for outcome in outcomes) == 1
    assert (count(database, "alert_events"), count(database, "deliveries")) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "other"},
        {"kind": "anomaly"},
        {"period": "2026-12-01"},
        {"threshold": "11111111-1111-4111-8111-111111111111"},
    ],
)
def test_another_cause_is_another_event(database: Connection, team: Team, changes: dict[str, str]) -> None:
    raise_event(database, team)
    given = {"kind": "budget", "subject": "b", "threshold": None, "period": "2026-11-01"} | changes
    values = [team.id, *given.values(), "info", "{}", None, "open"]
    [[event]] = database.execute(RAISE, values).fetchall()
    assert event is not None


def test_event_goes_to_the_channels_that_are_given(database: Connection, team: Team) -> None:
    chosen, _ = add_channel(team, name="a"), add_channel(team, name="b")
    other = make_team(team.project, database, "owner")
    foreign = add_channel(other)
    raise_event(database, team, channels=[chosen, foreign])
    assert database.execute("select channel_id from public.deliveries").fetchall() == [(chosen,)]


@pytest.mark.parametrize("channels", [None, []])
def test_event_goes_to_all_channels_by_default(
    database: Connection, team: Team, channels: list[UUID] | None
) -> None:
    ids = {add_channel(team, name="a"), add_channel(team, name="b")}
    raise_event(database, team, channels=channels)
    found = database.execute("select channel_id from public.deliveries").fetchall()
    assert {channel for (channel,) in found} == ids


@pytest.mark.parametrize("state", ["superseded", "late"])
def test_event_that_is_only_recorded_is_not_sent(database: Connection, team: Team, state: str) -> None:
    add_channel(team)
    assert raise_event(database, team, state=state) is not None
    assert count(database, "deliveries") == 0
    assert raise_event(database, team) is None  # nor later


def test_end_is_told_where_it_is_followed(database: Connection, team: Team) -> None:
    for kind in ("slack", "pagerduty", "webhook"):
        add_channel(team, kind=kind, name=kind)
    event = raise_event(database, team)
    for _ in range(2):
        database.execute("select private.clear_event(%s)", [event])
    told = database.execute("select channel_name from public.deliveries where kind = 'clear' order by 1")
    assert told.fetchall() == [("pagerduty",), ("webhook",)]
    found = database.execute("select state, cleared_at is not null from public.alert_events").fetchone()
    assert found == ("cleared", True)


VERIFY = "update public.channels set verified_at = now(), verified_by = 'message' where id = %s"


def verify_later(database: Connection, team: Team, name: str = "later") -> UUID:
    """Add a channel whose receiver agrees only now; the message that asked it is not counted."""
    channel = uuid4()
    team["owner"].ask("save_channel", channel=channel, details=DETAILS | {"name": name})
    database.execute("delete from public.deliveries where event_id is null")
    database.execute(VERIFY, [channel])
    return channel


def test_channel_hears_of_what_was_open_before_it_agreed(database: Connection, team: Team) -> None:
    event = raise_event(database, team)
    channel = verify_later(database, team)
    verify_later(database, team, "another")
    database.execute(VERIFY, [channel])
    told = database.execute("select event_id, channel_id, kind from public.deliveries").fetchall()
    assert told == [(event, channel, "open")]


@pytest.mark.parametrize(
    "change",
    [
        "set state = 'cleared', cleared_at = now()",
        "set state = 'superseded'",
        "set occurred_at = now() - interval '8 days'",
    ],
)
def test_channel_does_not_hear_of_what_is_over(database: Connection, team: Team, change: str) -> None:
    raise_event(database, team)
    database.execute(f"update public.alert_events {change}")
    verify_later(database, team)
    assert count(database, "deliveries") == 0


def test_channel_hears_of_budgets_that_name_it(database: Connection, team: Team) -> None:
    for_other, for_later = (add_budget(database, team.id, name=name) for name in ("other", "later"))
    other, later = uuid4(), uuid4()
    for channel, name in ((other, "other"), (later, "later")):
        team["owner"].ask("save_channel", channel=channel, details=DETAILS | {"name": name})
    for budget, channel in ((for_other, other), (for_later, later)):
        database.execute(
            "insert into public.budget_channels (workspace_id, budget_id, channel_id) values (%s, %s, %s)",
            [team.id, budget, channel],
        )
        raise_event(database, team, subject=str(budget), channels=[channel])
    database.execute("delete from public.deliveries")
    database.execute(VERIFY, [later])
    told = database.execute(
        "select e.subject, d.channel_id from public.deliveries as d "
        "inner join public.alert_events as e on d.event_id = e.id"
    )
    assert told.fetchall() == [(str(for_later), later)]


def visible(person: Person) -> int:
    """Events that a person sees."""
    return person.connection.execute("select id from public.alert_events").rowcount


def test_event_of_a_private_project_is_hidden(database: Connection, team: Team) -> None:
    project = team["owner"].add_project("Secret", is_private=True)
    raise_event(database, team, facts={"project_id": str(project)})
    assert [visible(team[name]) for name in ("owner", "admin", "ann", "viewer")] == [1, 1, 0, 0]


def test_event_of_a_person_is_that_persons_and_admins(database: Connection, team: Team) -> None:
    raise_event(database, team, facts={"person_id": str(team["ann"].id)})
    assert [visible(team[name]) for name in ("owner", "admin", "ann", "bob", "viewer")] == [1, 1, 1, 0, 0]


def test_project_of_another_workspace_is_refused(database: Connection, team: Team) -> None:
    other = make_team(team.project, database, "owner")
    project = other["owner"].add_project("Theirs")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        raise_event(database, team, facts={"project_id": str(project)})


@pytest.mark.parametrize("function", ["raise_event", "clear_event", "enqueue_test", "begin_confirmation"])
@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_doors_of_jobs_are_closed_to_the_api(database: Connection, role: str, function: str) -> None:
    [[may]] = database.execute(
        """select bool_or(has_function_privilege(%s, p.oid, 'execute'))
        from pg_proc as p where p.pronamespace = 'private'::regnamespace and p.proname = %s""",
        [role, function],
    ).fetchall()
    assert may is False


@pytest.mark.parametrize("person", ["ann", "viewer"])
def test_only_admins_write_channels(team: Team, person: str) -> None:
    channel = add_channel(team, "admin")
    acts = {
        "pause_channel": (channel, True),
        "remove_channel": (channel,),
        "test_channel": (channel,),
    }
    for function, values in acts.items():
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="no longer exists"):
            team[person].call(function, *values)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        team[person].ask("save_channel", channel=channel, details=DETAILS)


def test_member_reads_names_and_states(team: Team) -> None:
    add_channel(team)
    query = "select name, kind, hint, paused_at, verified_by, disabled_reason from public.channels"
    found = team["viewer"].connection.execute(query).fetchone()
    assert found == ("Team", "slack", "hooks.slack.com …abcd", None, "message", None)


def test_new_target_has_to_be_verified_again(database: Connection, team: Team) -> None:
    channel = add_channel(team)
    team["admin"].ask("save_channel", channel=channel, details={"name": "Renamed", "digest": "daily"})
    query = "select name, digest, verified_by, sealed_target from public.channels"
    assert database.execute(query).fetchone() == ("Renamed", "daily", "message", "v1.sealed")
    assert count(database, "deliveries") == 0

    team["admin"].ask("save_channel", channel=channel, details=DETAILS | {"sealed_target": "v1.other"})
    query = "select verified_by, verified_at, sealed_target from public.channels"
    assert database.execute(query).fetchone() == (None, None, "v1.other")
    assert database.execute("select kind from public.deliveries").fetchall() == [("verify",)]


def test_kind_and_owner_of_a_channel_stay(database: Connection, team: Team) -> None:
    channel = add_channel(team)
    other = make_team(team.project, database, "owner")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no longer exists"):
        other["owner"].ask("save_channel", channel=channel, details=DETAILS | {"name": "Mine"})
    team["owner"].ask("save_channel", channel=channel, details=DETAILS | {"kind": "discord"})
    assert database.execute("select kind, name from public.channels").fetchone() == ("slack", "Team")


@pytest.mark.parametrize(
    "details",
    [
        {"kind": "fax"},
        {"name": ""},
        {"name": "a\nb"},
        {"sealed_target": "x" * 10_001},
        {"quiet_from": "22:00"},
        {"quiet_from": "22:00", "quiet_to": "22:00"},
        {"digest": "hourly"},
        {"hint": "x" * 201},
        {"sealed_target": None},
    ],
)
def test_channel_out_of_bounds_is_refused(team: Team, details: dict[str, object]) -> None:
    with pytest.raises(psycopg.Error) as refused:
        team["owner"].ask("save_channel", channel=uuid4(), details=DETAILS | details)
    assert refused.value.diag.sqlstate in ("22023", "23514", "23502")


def test_resuming_forgets_failures(database: Connection, team: Team) -> None:
    channel = add_channel(team)
    database.execute(
        "update public.channels set disabled_at = now(), disabled_reason = 'x', failures_in_a_row = 5"
    )
    team["owner"].call("pause_channel", channel, False)
    query = "select disabled_at, disabled_reason, failures_in_a_row, paused_at from public.channels"
    assert database.execute(query).fetchone() == (None, None, 0, None)
    team["owner"].call("pause_channel", channel, True)
    assert database.execute("select paused_at is not null from public.channels").fetchone() == (True,)


def test_channel_is_tested_five_times_an_hour(database: Connection, team: Team) -> None:
    channel = add_channel(team)
    database.execute("delete from private.sent_tests")
    for _ in range(5):
        team["admin"].call("test_channel", channel)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="tested five times within an hour"):
        team["owner"].call("test_channel", channel)
    database.execute("update private.sent_tests set sent_at = sent_at - interval '61 minutes'")
    team["owner"].call("test_channel", channel)


def test_workspace_sends_twenty_tests_an_hour(database: Connection, team: Team) -> None:
    for number in range(4):
        channel = add_channel(team, name=f"c{number}")
        for _ in range(4):
            team["owner"].call("test_channel", channel)
    last = uuid4()
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Twenty tests"):
        team["owner"].ask("save_channel", channel=last, details=DETAILS)
    assert database.execute("select from public.channels where id = %s", [last]).rowcount == 0


@pytest.mark.parametrize("token", ["", "guessed", None])
def test_guessed_token_verifies_nothing(anon: Connection, team: Team, token: str | None) -> None:
    add_channel(team, kind="email")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="This link has expired"):
        anon.execute("select public.confirm_channel(%s)", [token])


def test_link_works_for_a_week_and_names_the_workspace(
    database: Connection, anon: Connection, team: Team
) -> None:
    channel = uuid4()
    team["owner"].ask("save_channel", channel=channel, details=DETAILS | {"kind": "email"})
    database.execute("select private.begin_confirmation(%s, 'a@example.org', 'token')", [channel])
    for _ in range(2):
        assert anon.execute("select public.confirm_channel('token')").fetchone() == ("Team",)
    database.execute("update public.channels set confirmation_expires_at = now() - interval '1 second'")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="This link has expired"):
        anon.execute("select public.confirm_channel('token')")


def test_old_events_are_forgotten(database: Connection, team: Team) -> None:
    channel = add_channel(team)
    raise_event(database, team, "old")
    raise_event(database, team, "new")
    team["owner"].call("test_channel", channel)
    database.execute(
        "update public.alert_events set occurred_at = now() - interval '900 days' where subject = 'old'"
    )
    database.execute("update public.deliveries set created_at = now() - interval '31 days'")
    database.execute("select private.forget_old_events()")
    assert database.execute("select subject from public.alert_events").fetchall() == [("new",)]
    assert database.execute("select kind from public.deliveries").fetchall() == [("open",)]


def test_changes_of_channels_are_logged_without_targets(team: Team) -> None:
    channel = add_channel(team)
    team["admin"].call("pause_channel", channel, True)
    team["admin"].call("remove_channel", channel)
    entries = team["owner"].ask("search_audit_log", search="channels", before=None, at_most=100)
    actions = [entry["action"] for entry in entries]
    assert actions == ["delete", "update", "update", "insert"]
    assert "v1.sealed" not in json.dumps(entries)
