"""The costs of a day for a webhook: each day once it is over, again when it changes, and never lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from tally.notifications.days import enqueue_days
from tally.notifications.senders.webhook import make_secret
from tests.database.teams import Team, make_team
from tests.database_fixtures import Connection, Project
from tests.tally.notifications.alerting import Desk, make_settings
from tests.tally.notifications.fake_services import FakeServices, Reply, fake_services

HOST = "webhook.example.org"
SECRET = make_secret()


@pytest.fixture
def services() -> Iterator[FakeServices]:
    """A server that takes webhooks."""
    with fake_services() as running:
        yield running


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace."""
    return make_team(project, database, "owner", "member")


@pytest.fixture
def desk(database: Connection, team: Team, services: FakeServices) -> Desk:
    """Its channels: a webhook that gets the days of the last week."""
    settings = make_settings(
        tally_alert_services=services.address,
        tally_allow_private_webhooks=True,
        app_origin="https://tally.example.org",
        smtp_url=SecretStr(""),
    )
    desk = Desk(database, team.id, settings)
    target = {"url": f"{services.address}/{HOST}/in", "secret": SECRET}
    desk.add_channel("webhook", target=target, sends_days_from=days_ago(2).date())
    return desk


def days_ago(number: int) -> datetime:
    """Noon of a day, UTC."""
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=number)


def usage(days: int, cost: str | None = "1.5", **changes: Any) -> dict[str, Any]:
    """A record of some days ago."""
    return {
        "provider": "openai",
        "timestamp": days_ago(days).isoformat(),
        "model_name": "gpt-5",
        "cost_usd": cost,
        "tokens_used": 10,
        "input_tokens": 10,
        "request_count": 1,
        "source_key": str(uuid4()),
    } | changes


def send(desk: Desk) -> int:
    """What the worker does: days into the queue, then the queue to the channels."""
    enqueue_days(desk.database)
    return desk.deliver().sent


def received(services: FakeServices) -> list[dict[str, Any]]:
    """The data of the messages that came, each with a signature that is right."""
    told = []
    for request in services.received:
        body = Webhook(SECRET).verify(request.body, dict(request.headers))
        assert body["type"] == "day.costs"
        told.append(body["data"])
    services.received.clear()
    return told


def test_a_day_is_sent_once_when_it_is_over_and_again_when_it_changes(
    desk: Desk, team: Team, services: FakeServices
) -> None:
    member = team["member"]
    project = member.workspace and team["owner"].add_project("Garden")
    member.save(None, usage(0, "99"), usage(1), usage(1, "0.0000000001", project_id=str(project)))
    member.save(None, usage(1, "7", cost_basis="included"), usage(1, None, cost_basis="estimated"))
    member.save(None, usage(3, "99"))
    assert send(desk) == 2
    empty, full = sorted(received(services), key=lambda day: str(day["day"]))
    assert (empty["day"], empty["costs"]) == (days_ago(2).date().isoformat(), [])
    assert empty["totals"]["spend"] == "0"
    assert (full["day"], full["revision"], full["currency"]) == (days_ago(1).date().isoformat(), 1, "USD")
    totals = full["totals"]
    assert (totals["spend"], totals["included"]) == ("1.5000000001", "7.0000000000")
    assert (totals["records"], totals["unpriced_records"], totals["tokens"]) == (4, 1, 40)
    assert sum(Decimal(row["cost_usd"] or 0) for row in full["costs"]) == Decimal("8.5000000001")

    assert send(desk) == 0
    member.save(None, usage(1, "0.5"))
    assert send(desk) == 1
    [again] = received(services)
    assert (again["revision"], again["totals"]["spend"]) == (2, "2.0000000001")
    assert send(desk) == 0


def test_days_are_those_of_the_workspace(
    desk: Desk, team: Team, services: FakeServices, database: Connection
) -> None:
    team["member"].save(None, usage(3, timestamp=days_ago(3).replace(hour=23).isoformat()))
    database.execute("update public.channels set sends_days_from = %s", [days_ago(5).date()])
    for zone, day in (("Etc/GMT+12", 3), ("Pacific/Kiritimati", 2)):
        database.execute("update public.workspaces set timezone = %s where id = %s", [zone, team.id])
        send(desk)
        told = {day["day"]: day["totals"]["spend"] for day in received(services) if day["timezone"] == zone}
        assert told[days_ago(day).date().isoformat()] == "1.5000000000", zone
        assert sum(map(Decimal, told.values())) == Decimal("1.5"), zone


def test_what_a_server_that_is_down_did_not_get_comes_later(
    desk: Desk, team: Team, services: FakeServices
) -> None:
    team["member"].save(None, usage(1))
    services.always[HOST] = Reply(503)
    assert send(desk) == 0
    services.received.clear()
    desk.pass_time("30 hours")
    services.always.clear()
    send(desk)
    desk.pass_time("7 hours")
    send(desk)
    days = {day["day"]: day["totals"]["spend"] for day in received(services)}
    assert days == {days_ago(2).date().isoformat(): "0", days_ago(1).date().isoformat(): "1.5000000000"}
    assert send(desk) == 0


@pytest.mark.usefixtures("desk")
def test_channels_without_the_wish_or_unverified_or_paused_get_none(
    team: Team, services: FakeServices, database: Connection
) -> None:
    team["member"].save(None, usage(1))
    for change in ("sends_days_from = null", "paused_at = now()", "verified_at = null, verified_by = null"):
        database.execute("begin")
        database.execute(f"update public.channels set {change}".encode())
        assert enqueue_days(database) == 0, change
        database.execute("rollback")
    assert enqueue_days(database) == 2
    assert services.received == []


def test_groups_beyond_the_bound_are_one_and_the_sums_stay(
    desk: Desk, team: Team, services: FakeServices
) -> None:
    records = [usage(1, f"0.{number:010}", model_name=f"m{number}") for number in range(1, 2_101)]
    team["member"].save(None, *records)
    send(desk)
    day = next(day for day in received(services) if day["costs"])
    assert len(day["costs"]) == 2_001
    assert day["costs"][-1]["other_groups"] == 100
    assert "model" not in day["costs"][-1]
    total = sum(Decimal(row["cost_usd"]) for row in day["costs"])
    assert total == Decimal(day["totals"]["spend"]) == sum(Decimal(one["cost_usd"]) for one in records)


def test_only_webhooks_may_get_days(team: Team, database: Connection) -> None:
    details: dict[str, Any] = {"kind": "slack", "name": "s", "hint": "h", "sends_days": True}
    details |= {"sealed_target": "x", "encryption_key_id": "k"}
    assert "channels_days" in team["owner"].suspect(
        "save_channel", workspace=team.id, channel=uuid4(), details=details
    )
    channel = uuid4()
    details["kind"] = "webhook"
    team["owner"].ask("save_channel", channel=channel, details=details)
    query = "select sends_days_from from public.channels where id = %s"
    assert database.execute(query, [channel]).fetchall() == [(days_ago(1).date(),)]
    team["owner"].ask("save_channel", channel=channel, details={"name": "s"})
    assert database.execute(query, [channel]).fetchall() == [(days_ago(1).date(),)]
    team["owner"].ask("save_channel", channel=channel, details={"name": "s", "sends_days": False})
    assert database.execute(query, [channel]).fetchall() == [(None,)]
