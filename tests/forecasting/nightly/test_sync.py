"""The night syncs everyone's connections before it forecasts; one that fails stops nothing and is named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from forecasting.nightly import run
from forecasting.nightly.run import DONE
from tally.connectors.connections import Connection, add_connection, list_connections, set_active
from tally.core.settings import load_settings
from tally.secrets.vault import load_key_ring, make_key
from tally.storage.postgres import PostgresDatabase
from tests.forecasting.house import House
from tests.tally.connectors.clients import QUICK
from tests.tally.connectors.fake_providers import BASE_PATHS, KEYS, FakeProviders, Fault, serve


@pytest.fixture
def providers(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProviders]:
    """The APIs, with costs of the days before today, and a key ring."""
    for name, value in {
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "-",
        "TALLY_ENCRYPTION_KEYS": make_key(),
    }.items():
        monkeypatch.setenv(name, value)
    with serve() as fake:
        for name in BASE_PATHS:
            house.connection.execute(
                "update public.providers set api_base_url = %s where name = %s", [fake.base_url(name), name]
            )
        fake.date_activity(datetime.now(UTC).date() - timedelta(days=2))
        yield fake


def act_as(house: House, user_id: UUID) -> PostgresDatabase:
    return PostgresDatabase(house.connection, user_id)


def connect(house: House, user_id: UUID, provider: str = "openrouter", name: str = "Main") -> Connection:
    """Somebody's connection, as the page adds it."""
    ring = load_key_ring(load_settings())
    key = SecretStr(KEYS[provider])
    return add_connection(act_as(house, user_id), ring, user_id, provider, name, key, limits=QUICK)


def work(house: House) -> int:
    return run.run(house.url, workers=0)


def collect_step_of(house: House, user_id: UUID | None = None) -> dict[str, Any]:
    """The step of the newest night, or of a person's part in it."""
    [steps] = house.rows(
        "select steps from public.job_runs where user_id is not distinct from %s"
        " order by started_at desc limit 1",
        user_id,
    )[0]
    return next(step for step in steps if step["step"] == "collect")


def spent(house: House, user_id: UUID) -> Decimal:
    [[total]] = house.rows(
        "select coalesce(sum(total_cost_usd), 0) from private.cost_records_daily where user_id = %s", user_id
    )
    return Decimal(total)


@pytest.mark.usefixtures("providers")
def test_a_night_syncs_everyone_before_it_refreshes(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    people = [house.add_person() for _ in range(3)]
    for user in people:
        connect(house, user)
    assert work(house) == DONE
    assert [spent(house, user) for user in people] == [Decimal("0.2650123")] * 3
    names = [
        step["step"] for step in house.rows("select steps from public.job_runs where user_id is null")[0][0]
    ]
    assert names.index("collect") < names.index("refresh") < names.index("forecast")
    assert collect_step_of(house)["count"] == 6
    assert "Collected 6 new records from 3 connections." in capsys.readouterr().out
    assert collect_step_of(house, people[0])["connections"] == [
        {"provider": "openrouter", "name": "Main", "added": 2, "restated": 0, "error": None}
    ]


def test_a_connection_that_fails_is_named_and_stops_nobody(
    house: House, providers: FakeProviders, capsys: pytest.CaptureFixture[str]
) -> None:
    user, other = sorted(house.add_person() for _ in range(2))
    for provider in ("anthropic", "openrouter"):
        connect(house, user, provider, f"My {provider}")
    connect(house, other)
    providers.fail("anthropic", *[Fault(401)] * 500)
    assert work(house) == DONE  # nothing that a retry of the whole night would mend
    assert spent(house, user) == spent(house, other) == Decimal("0.2650123")
    told = capsys.readouterr()
    assert "3 connections; 1 could not be synced" in told.out
    assert f"anthropic “My anthropic” of {user}: Anthropic does not accept this key." in told.err
    step = collect_step_of(house)
    assert "does not accept this key" in step["error"]
    assert [line["name"] for line in step["connections"] if line["error"]] == ["My anthropic"]
    failed = list_connections(act_as(house, user))[0]
    assert (failed.validation_status, failed.last_sync_at) == ("invalid", None)
    assert KEYS["anthropic"] not in told.err + told.out + str(step)


@pytest.mark.usefixtures("providers")
def test_a_key_that_no_ring_opens_fails_its_own_connection_only(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, well = sorted(house.add_person() for _ in range(2))
    connect(house, lost)
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", make_key())
    connect(house, well)
    assert work(house) == DONE
    assert "sealed with the key" in collect_step_of(house, lost)["connections"][0]["error"]
    assert [spent(house, lost), spent(house, well)] == [Decimal(0), Decimal("0.2650123")]


def test_paused_connections_and_those_that_are_not_due_are_left_alone(
    house: House, providers: FakeProviders
) -> None:
    user = house.add_person()
    paused, later = connect(house, user, "openai"), connect(house, user, "openrouter")
    database = act_as(house, user)
    set_active(database, paused, is_active=False)
    day_after = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    database.update("api_credentials", str(later.connection_id), {"next_sync_at": day_after})
    providers.asked.clear()
    assert work(house) == DONE
    assert providers.asked == []
    assert collect_step_of(house)["connections"] == []


@pytest.mark.usefixtures("providers")
def test_a_second_night_adds_nothing(house: House) -> None:
    user = house.add_person()
    connection = connect(house, user)
    work(house)
    database = act_as(house, user)
    database.update("api_credentials", str(connection.connection_id), {"next_sync_at": None})
    assert work(house) == DONE
    line = collect_step_of(house, user)["connections"][0]
    assert (line["added"], line["restated"], line["error"]) == (0, 0, None)
    assert spent(house, user) == Decimal("0.2650123")


def test_a_provider_that_is_down_is_asked_with_less_patience_after_the_first(
    house: House, providers: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        connect(house, house.add_person())
    providers.asked.clear()
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    providers.fail("activity", *[Fault(500)] * 7)
    assert work(house) == DONE
    assert len(providers.asked) == 5 + 2
    assert "problem of its own" in collect_step_of(house)["error"]


def test_a_replayed_night_asks_no_provider(house: House, providers: FakeProviders) -> None:
    connect(house, house.add_person())
    providers.asked.clear()
    assert house.work() == DONE
    assert providers.asked == []
