"""The nightly sync of all connections: before the forecasts, and with failures named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from forecasting.nightly import run, sync
from forecasting.nightly.run import DONE, Options
from tally.connectors.connections import (
    Connection,
    NewConnection,
    add_connection,
    list_connections,
    set_active,
)
from tally.connectors.sync import OUT_OF_TIME
from tally.core.settings import load_settings
from tally.secrets.key_ring import load_key_ring, make_key
from tally.storage.postgres import PostgresDatabase
from tests.forecasting.nightly_database import NightlyDatabase
from tests.tally.connectors.clients import QUICK
from tests.tally.connectors.fake_providers import BASE_PATHS, KEYS, FakeProviders, Fault, serve


@pytest.fixture
def providers(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProviders]:
    """The APIs, with costs of the days before today, and a key ring."""
    for name, value in {
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "-",
        "TALLY_ENCRYPTION_KEYS": make_key(),
    }.items():
        monkeypatch.setenv(name, value)
    with serve() as fake:
        for name in BASE_PATHS:
            db.connection.execute(
                "update public.providers set api_base_url = %s where name = %s", [fake.base_url(name), name]
            )
        fake.date_activity(datetime.now(UTC).date() - timedelta(days=2))
        yield fake


def act_as(db: NightlyDatabase, user_id: UUID) -> PostgresDatabase:
    return PostgresDatabase(db.connection, user_id)


def connect(
    db: NightlyDatabase,
    user_id: UUID,
    provider: str = "openrouter",
    name: str = "Main",
    workspace_id: UUID | None = None,
    account: str = "",
) -> Connection:
    """Add a connection, as the page does, by default to the personal workspace."""
    ring = load_key_ring(load_settings())
    key = SecretStr(KEYS[provider])
    new = NewConnection(provider, name, key, account)
    return add_connection(PostgresDatabase(db.connection, user_id, workspace_id), ring, new, QUICK)


def schedule(db: NightlyDatabase, connection: Connection, next_sync_at: datetime | None) -> None:
    """Set when a connection is due."""
    db.connection.execute(
        "update public.api_credentials set next_sync_at = %s where id = %s",
        [next_sync_at, connection.connection_id],
    )


def run_nightly(db: NightlyDatabase) -> int:
    return run.run(db.url, Options(workers=0))


def sync_step_of(db: NightlyDatabase, user_id: UUID | None = None) -> dict[str, Any]:
    """The sync step of the newest run, or of one account in it."""
    [steps] = db.rows(
        "select steps from public.job_runs where workspace_id is not distinct from %s"
        " order by started_at desc limit 1",
        user_id,
    )[0]
    return next(step for step in steps if step["step"] == "collect")


def spent(db: NightlyDatabase, user_id: UUID) -> Decimal:
    [[total]] = db.rows(
        "select coalesce(sum(total_cost_usd), 0) from private.current_days where workspace_id = %s", user_id
    )
    return Decimal(total)


@pytest.mark.usefixtures("providers")
def test_run_syncs_all_accounts_before_the_refresh(
    db: NightlyDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    users = [db.add_account() for _ in range(3)]
    for user in users:
        connect(db, user)
    assert run_nightly(db) == DONE
    assert [spent(db, user) for user in users] == [Decimal("0.2650123")] * 3
    names = [
        step["step"] for step in db.rows("select steps from public.job_runs where workspace_id is null")[0][0]
    ]
    assert names.index("collect") < names.index("refresh") < names.index("forecast")
    assert sync_step_of(db)["count"] == 6
    assert "Synced 3 connections: 6 new records." in capsys.readouterr().out
    assert sync_step_of(db, users[0])["connections"] == [
        {"provider": "openrouter", "name": "Main", "added": 2, "restated": 0, "error": None}
    ]


def run_with_a_failing_connection(db: NightlyDatabase, providers: FakeProviders) -> tuple[UUID, UUID]:
    """Run with a connection that its provider refuses; returns its owner and another account."""
    user, other = sorted(db.add_account() for _ in range(2))
    for provider in ("anthropic", "openrouter"):
        connect(db, user, provider, f"My {provider}")
    connect(db, other)
    providers.fail("anthropic", *[Fault(401)] * 500)
    assert run_nightly(db) == DONE  # retrying the whole run would not help
    return user, other


def test_failed_connection_is_named_and_stops_no_other(
    db: NightlyDatabase, providers: FakeProviders, capsys: pytest.CaptureFixture[str]
) -> None:
    user, other = run_with_a_failing_connection(db, providers)
    assert spent(db, user) == spent(db, other) == Decimal("0.2650123")
    printed = capsys.readouterr()
    assert "Synced 3 connections: 4 new records; 1 failed." in printed.out
    assert f"anthropic “My anthropic” of {user}: Anthropic does not accept this key." in printed.err
    failed = list_connections(act_as(db, user))[0]
    assert (failed.validation_status, failed.last_sync_at) == ("invalid", None)


def test_failed_connection_is_recorded_without_its_key(
    db: NightlyDatabase, providers: FakeProviders, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with_a_failing_connection(db, providers)
    step = sync_step_of(db)
    assert "does not accept this key" in step["error"]
    assert [line["name"] for line in step["connections"] if line["error"]] == ["My anthropic"]
    printed = capsys.readouterr()
    assert KEYS["anthropic"] not in printed.err + printed.out + str(step)


@pytest.mark.usefixtures("providers")
def test_key_that_cannot_be_decrypted_fails_only_its_own_connection(
    db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, well = sorted(db.add_account() for _ in range(2))
    connect(db, lost)
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", make_key())
    connect(db, well)
    assert run_nightly(db) == DONE
    assert "encrypted with the key" in sync_step_of(db, lost)["connections"][0]["error"]
    assert [spent(db, lost), spent(db, well)] == [Decimal(0), Decimal("0.2650123")]


def test_paused_connections_and_those_not_due_are_skipped(
    db: NightlyDatabase, providers: FakeProviders
) -> None:
    user = db.add_account()
    paused, later = connect(db, user, "openai"), connect(db, user, "openrouter")
    set_active(act_as(db, user), paused, is_active=False)
    schedule(db, later, datetime.now(UTC) + timedelta(days=1))
    providers.requests.clear()
    assert run_nightly(db) == DONE
    assert providers.requests == []
    assert sync_step_of(db)["connections"] == []


@pytest.mark.usefixtures("providers")
def test_second_run_adds_nothing(db: NightlyDatabase) -> None:
    user = db.add_account()
    connection = connect(db, user)
    run_nightly(db)
    schedule(db, connection, None)
    assert run_nightly(db) == DONE
    line = sync_step_of(db, user)["connections"][0]
    assert (line["added"], line["restated"], line["error"]) == (0, 0, None)
    assert spent(db, user) == Decimal("0.2650123")


def test_provider_that_is_down_gets_fewer_retries_after_the_first(
    db: NightlyDatabase, providers: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        connect(db, db.add_account())
    providers.requests.clear()
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    providers.fail("activity", *[Fault(500)] * 7)
    assert run_nightly(db) == DONE
    assert len(providers.requests) == 5 + 2
    assert "internal problem" in sync_step_of(db)["error"]


@pytest.mark.usefixtures("providers")
def test_many_connections_of_one_account_do_not_delay_another(db: NightlyDatabase) -> None:
    greedy, modest = sorted(db.add_account() for _ in range(2))
    for number in range(4):
        connect(db, greedy, name=f"{number}", account=f"{number}")
    connect(db, modest, name="only")
    assert run_nightly(db) == DONE
    order = [
        name for (name,) in db.rows("select credential_name from public.api_credentials order by updated_at")
    ]
    assert order == ["0", "only", "1", "2", "3"]


@pytest.mark.usefixtures("providers")
def test_connections_beyond_an_accounts_time_wait_for_the_next_run(
    db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other = db.add_account(), db.add_account()
    for provider in ("anthropic", "openrouter"):
        connect(db, user, provider)
    connect(db, other)
    for own in list_connections(act_as(db, user)):
        schedule(db, own, None)
    with monkeypatch.context() as patch:
        patch.setattr(sync, "MAX_SECONDS", 1e-9)
        assert run_nightly(db) == DONE
    cut, left = list_connections(act_as(db, user))
    assert (cut.last_error, left.last_error) == (OUT_OF_TIME, sync.WAITS)
    assert sync_step_of(db, user)["left"] == 1
    assert spent(db, user) == 0
    assert run_nightly(db) == DONE
    assert [own.last_error for own in list_connections(act_as(db, user))] == [None, None]
    assert spent(db, user) > spent(db, other) > 0


def test_replayed_run_syncs_nothing(db: NightlyDatabase, providers: FakeProviders) -> None:
    connect(db, db.add_account())
    providers.requests.clear()
    assert db.run_nightly() == DONE
    assert providers.requests == []


def add_team(db: NightlyDatabase, user_id: UUID, role: str = "owner") -> UUID:
    """Add a workspace with another owner and this member."""
    workspace_id = uuid4()
    db.connection.execute("insert into public.workspaces (id, name) values (%s, 'Team')", [workspace_id])
    for member, member_role in ((db.add_account(), "owner"), (user_id, role)):
        db.connection.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, %s)",
            [workspace_id, member, member_role],
        )
    return workspace_id


@pytest.mark.usefixtures("providers")
def test_connection_is_synced_as_its_own_user_in_its_workspace(db: NightlyDatabase) -> None:
    user = db.add_account()
    team = add_team(db, user, "admin")
    connect(db, user, workspace_id=team)
    assert run_nightly(db) == DONE
    assert [spent(db, user), spent(db, team)] == [Decimal(0), Decimal("0.2650123")]
    assert db.rows("select distinct workspace_id, user_id from public.cost_records") == [(team, user)]
    assert [line["added"] for line in sync_step_of(db, team)["connections"]] == [2]


@pytest.mark.usefixtures("providers")
def test_admins_of_a_workspace_sync_their_own_connections_once(db: NightlyDatabase) -> None:
    first, second = db.add_account(), db.add_account()
    team = add_team(db, first, "admin")
    db.connection.execute(
        "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'admin')", [team, second]
    )
    connect(db, first, "openrouter", workspace_id=team)
    connect(db, second, "openai", workspace_id=team)
    assert run_nightly(db) == DONE
    lines = sync_step_of(db, team)["connections"]
    assert sorted(line["provider"] for line in lines) == ["openai", "openrouter"]


@pytest.mark.parametrize(
    "change", ["delete from public.members", "update public.members set role = 'member'"]
)
@pytest.mark.usefixtures("providers")
def test_connection_of_a_former_admin_is_synced_by_an_owner(db: NightlyDatabase, change: str) -> None:
    user = db.add_account()
    team = add_team(db, user, "admin")
    connect(db, user, workspace_id=team)
    db.connection.execute(f"{change} where workspace_id = %s and user_id = %s", [team, user])
    assert run_nightly(db) == DONE
    owner = db.rows("select user_id from public.members where workspace_id = %s and role = 'owner'", team)
    assert db.rows("select distinct user_id from public.cost_records where workspace_id = %s", team) == owner
