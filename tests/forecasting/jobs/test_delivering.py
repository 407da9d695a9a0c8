"""The worker sends messages soon after they are due."""

from collections.abc import Iterator

import psycopg
import pytest

from forecasting.jobs.delivering import deliver_messages
from tests.database.teams import make_team
from tests.database_fixtures import Connection, Project
from tests.forecasting.jobs.running import running_worker
from tests.supabase.parts import eventually
from tests.tally.notifications.alerting import Desk, make_settings
from tests.tally.notifications.fake_services import ERRORS, FakeServices, fake_services


@pytest.fixture
def services() -> Iterator[FakeServices]:
    """The services."""
    with fake_services() as running:
        yield running


@pytest.fixture
def desk(
    project: Project, database: Connection, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """The alerts of a workspace, whose settings are those of this process."""
    settings = make_settings(tally_alert_services=services.address)
    assert settings.tally_encryption_keys
    monkeypatch.setenv("SUPABASE_URL", "http://127.0.0.1")
    monkeypatch.setenv("SUPABASE_PUBLISHABLE_KEY", "key")
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", settings.tally_encryption_keys.get_secret_value())
    monkeypatch.setenv("TALLY_ALERT_SERVICES", services.address)
    return Desk(database, make_team(project, database, "owner").id, settings)


@pytest.mark.new_database
def test_worker_sends_what_is_raised_and_tries_again(
    project: Project, desk: Desk, services: FakeServices
) -> None:
    desk.add_channel("slack")
    services.scripted["hooks.slack.com"].append(ERRORS["hooks.slack.com"]["down"])
    with running_worker(project) as running:
        desk.raise_event("b1")
        eventually(lambda: len(services.received) == 1)
        desk.database.execute("update public.deliveries set next_attempt_at = now()")
        eventually(lambda: desk.states() == ["open sent"])
        desk.raise_event("b2")
        eventually(lambda: desk.states() == ["open sent", "open sent"])
    assert running.events == []


def test_forgotten_lock_fails_a_task_and_keeps_none_waiting(
    project: Project, desk: Desk, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecasting.nightly.database.LOCK_SECONDS", 0.2)
    url = project.cluster.url(project.name)
    desk.add_channel("slack")
    desk.raise_event()
    with psycopg.connect(url) as holder:
        holder.execute("lock table public.deliveries")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            deliver_messages(url)
    deliver_messages(url)
    assert len(services.received) == 1


def test_nothing_is_due_for_a_channel_that_is_off(
    project: Project, desk: Desk, services: FakeServices
) -> None:
    desk.add_channel("slack")
    desk.raise_event()
    assert desk.is_due()
    desk.database.execute("update public.channels set paused_at = now()")
    assert not desk.is_due()
    deliver_messages(project.cluster.url(project.name))
    assert services.received == []
    desk.database.execute("update public.channels set paused_at = null")
    deliver_messages(project.cluster.url(project.name))
    assert len(services.received) == 1
    assert not desk.is_due()
