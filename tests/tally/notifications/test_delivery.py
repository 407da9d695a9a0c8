"""Delivering messages: to real servers that speak the services' protocols, out of a real database."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email import message_from_string
from email.policy import default
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from tally.notifications import claims, delivery
from tally.notifications.claims import Claim
from tally.notifications.delivery import deliver_due
from tally.notifications.recording import record
from tally.notifications.releasing import release
from tally.notifications.sending import post
from tally.notifications.transport import TOTAL_SECONDS
from tests.database.teams import Team, make_team
from tests.database_fixtures import Connection, Project
from tests.mail_server import MailServer, mail_server
from tests.tally.notifications.alerting import Desk, make_settings
from tests.tally.notifications.fake_services import ERRORS, FakeServices, Reply, fake_services
from tests.tally.notifications.raw_server import raw_server, silence
from tests.tally.notifications.targets import HOSTS, TARGETS

DISCORD_IS_BUSY = timedelta(seconds=42.5)
NAMED = [kind for kind in HOSTS if kind not in ("ntfy", "webhook")]


@pytest.fixture
def services() -> Iterator[FakeServices]:
    """The services."""
    with fake_services() as running:
        yield running


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    """A mail server."""
    with mail_server() as running:
        yield running


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace."""
    return make_team(project, database, "owner", "member")


@pytest.fixture
def desk(database: Connection, team: Team, services: FakeServices, smtp: MailServer) -> Desk:
    """The alerts of a workspace; everything they reach is on this machine."""
    settings = make_settings(
        tally_alert_services=services.address,
        tally_allow_private_webhooks=True,
        app_origin="https://tally.example.org",
        smtp_url=SecretStr(f"smtp://127.0.0.1:{smtp.port}?from=tally@example.org"),
    )
    return Desk(database, team.id, settings)


def own_server(services: FakeServices, host: str = "webhook.example.org") -> dict[str, str]:
    """A target at the server of tests."""
    return {"url": f"{services.address}/{host}/in"}


@pytest.mark.parametrize("kind", NAMED)
def test_event_reaches_each_service_once(desk: Desk, services: FakeServices, kind: str) -> None:
    desk.add_channel(kind)
    desk.raise_event()

    assert desk.deliver().sent == 1
    assert desk.deliver().sent == 0
    assert [request.host for request in services.received] == [HOSTS[kind]]
    assert desk.states() == ["open sent"]
    assert desk.channel(kind, "last_problem is null and last_sent_at is not null")


def test_event_reaches_own_servers(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("webhook", target=own_server(services))
    desk.add_channel("ntfy", target=TARGETS["ntfy"] | {"server": services.address})
    services.always[""] = Reply(200, "{}")
    desk.raise_event()

    assert desk.deliver().sent == 2
    assert {request.host for request in services.received} == {"webhook.example.org", ""}


def test_event_reaches_a_mailbox(desk: Desk, smtp: MailServer) -> None:
    desk.add_channel("email")
    event = desk.raise_event(subject="b2")

    assert desk.deliver().sent == 1
    message = message_from_string(smtp.mails[0], policy=default)
    [[delivery]] = desk.database.execute("select id from public.deliveries").fetchall()
    assert message["To"] == "team@example.org"
    assert message["Subject"] == "Budget “Web”: 80% is reached"
    assert message["Message-ID"] == f"<{delivery}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body(("plain",))
    assert text is not None
    assert "Spent: $812.40 of $1,000.00 (81%)." in text.get_content()
    assert "As of 29 November 2026, 07:00 (UTC). Workspace: " in text.get_content()
    assert event is not None


def test_event_of_one_cause_is_told_once(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("slack")
    assert desk.raise_event() is not None
    assert desk.raise_event() is None
    desk.deliver()
    desk.raise_event()
    desk.deliver()
    assert len(services.received) == 1


@pytest.mark.parametrize(
    "columns", [{"paused_at": "2026-01-01"}, {"disabled_at": "2026-01-01"}, {"verified_by": None}]
)
def test_channel_that_is_off_gets_nothing(
    desk: Desk, services: FakeServices, columns: dict[str, Any]
) -> None:
    desk.add_channel("slack", **columns)
    desk.raise_event()
    desk.deliver()
    assert (desk.states(), services.received) == ([], [])


def test_message_waits_for_a_channel_that_was_paused_since(desk: Desk, services: FakeServices) -> None:
    channel = desk.add_channel("slack")
    desk.raise_event()
    desk.database.execute("update public.channels set paused_at = now()")
    desk.deliver()
    assert (desk.states(), services.received) == (["open waiting"], [])
    desk.database.execute("update public.channels set paused_at = null where id = %s", [channel])
    desk.deliver()
    assert desk.states() == ["open sent"]


def test_temporary_failure_is_tried_again_until_it_works(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("slack")
    services.scripted["hooks.slack.com"] += [ERRORS["hooks.slack.com"]["down"]] * 2
    desk.raise_event()

    for interval in ("0 seconds", "6 seconds", "6 minutes"):
        desk.pass_time(interval)
        desk.deliver()
    assert desk.states() == ["open sent"]
    attempts = desk.database.execute(
        "select number, status_code, problem from public.delivery_attempts order by number"
    ).fetchall()
    problem = "Slack has a problem of its own (503)."
    assert attempts == [(1, 503, problem), (2, 503, problem), (3, 200, None)]


def test_failure_is_not_tried_again_before_its_time(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("slack")
    services.always["hooks.slack.com"] = ERRORS["hooks.slack.com"]["down"]
    desk.raise_event()
    desk.deliver()
    desk.pass_time("4 seconds")
    desk.deliver()
    assert len(services.received) == 1


def test_service_that_is_busy_is_left_for_as_long_as_it_says(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("discord")
    services.scripted["discord.com"].append(ERRORS["discord.com"]["busy"])
    desk.raise_event()
    desk.raise_event("b2")
    [[before]] = desk.database.execute("select now()").fetchall()
    desk.deliver()
    waits = desk.database.execute(
        "select next_attempt_at - %s, next_attempt_at - now() from public.deliveries", [before]
    ).fetchall()
    assert len(services.received) == 1
    assert len(waits) == 2
    assert all(from_before >= DISCORD_IS_BUSY >= from_now for from_before, from_now in waits)


@pytest.mark.parametrize(
    ("kind", "error", "sentence"),
    [
        ("slack", "workspace deleted", "Slack does not know this webhook any more"),
        ("slack", "archived", "archived"),
        ("discord", "webhook deleted", "Discord does not know this webhook"),
        ("teams", "workflow deleted", "Teams does not know this workflow"),
        ("pagerduty", "key unknown", "PagerDuty does not know this integration key"),
        ("telegram", "bot blocked", "The bot may not write to this chat"),
    ],
)
def test_refusal_for_good_is_not_tried_again(
    desk: Desk, services: FakeServices, kind: str, error: str, sentence: str
) -> None:
    desk.add_channel(kind)
    services.always[HOSTS[kind]] = ERRORS[HOSTS[kind]][error]
    desk.raise_event()
    desk.deliver()
    desk.pass_time("1 day")
    desk.deliver()

    assert len(services.received) == 1
    assert desk.states() == ["open failed"]
    assert sentence in desk.problem()
    assert sentence in desk.channel(kind, "last_problem")
    assert desk.channel(kind, "failures_in_a_row") == 1


def refuse(desk: Desk, services: FakeServices, times: int) -> None:
    """Let Slack refuse so many messages for good."""
    services.always["hooks.slack.com"] = ERRORS["hooks.slack.com"]["workspace deleted"]
    for number in range(times):
        desk.raise_event(f"refused {number}")
        desk.deliver()


def test_channel_is_switched_off_after_five_refusals_and_another_tells(
    desk: Desk, services: FakeServices
) -> None:
    desk.add_channel("slack", "Team")
    refuse(desk, services, 4)
    assert desk.channel("Team", "disabled_at is null")
    desk.add_channel("discord")
    desk.raise_event("refused 4")
    desk.raise_event("refused 5")
    desk.deliver()

    assert desk.channel("Team", "disabled_at is not null")
    assert "Slack does not know this webhook" in desk.channel("Team", "disabled_reason")
    assert Counter(request.host for request in services.received)["hooks.slack.com"] == 5
    texts = [request.body.decode() for request in services.received if request.host == "discord.com"]
    [told] = [text for text in texts if "Alerts no longer reach “Team”" in text]
    assert "Slack does not know this webhook any more" in told


def test_delivery_forgets_the_refusals_before(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("slack")
    refuse(desk, services, 4)
    services.always.clear()
    desk.raise_event("well")
    desk.deliver()
    assert desk.channel("slack", "failures_in_a_row") == 0
    refuse(desk, services, 4)
    assert desk.channel("slack", "disabled_at is null")


def test_webhook_that_is_gone_is_switched_off_at_once(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("webhook", target=own_server(services))
    services.always["webhook.example.org"] = Reply(410)
    desk.raise_event()
    desk.raise_event("b2")
    desk.deliver()
    assert desk.channel("webhook", "disabled_at is not null")
    assert desk.states() == ["open failed", "open failed"]
    assert len(services.received) == 1


def test_message_ends_after_a_day(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("slack")
    services.always["hooks.slack.com"] = ERRORS["hooks.slack.com"]["down"]
    desk.raise_event()
    hours = 0.0
    for _ in range(20):
        desk.deliver()
        desk.pass_time("90 minutes")
        hours += 1.5
        if desk.states() == ["open failed"]:
            break
    assert 22 <= hours <= 26
    assert 5 <= len(services.received) <= 8
    assert desk.channel("slack", "failures_in_a_row, disabled_at is null") == (0, True)


def test_mail_server_that_is_down_for_a_day_loses_no_message(
    desk: Desk, smtp: MailServer, services: FakeServices
) -> None:
    desk.add_channel("email", "Ann")
    desk.add_channel("email", "Bob")
    desk.add_channel("slack")
    working = desk.settings.smtp_url
    desk.settings = desk.settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:9")})
    desk.raise_event()
    for _ in range(23):
        desk.deliver()
        desk.pass_time("1 hour")
    assert len(services.received) == 1  # no other channel waits for it
    assert smtp.mails == []
    assert "could not be reached" in desk.problem()
    assert desk.channel("Ann", "disabled_at is null")

    desk.settings = desk.settings.model_copy(update={"smtp_url": working})
    desk.pass_time("59 minutes 20 seconds")
    desk.deliver()
    assert len(smtp.mails) == 2


@pytest.mark.parametrize(("answer", "state"), [("550 no", "failed"), ("451 later", "waiting")])
def test_mailbox_is_refused_for_good_or_for_now(
    desk: Desk, smtp: MailServer, answer: str, state: str
) -> None:
    desk.add_channel("email")
    smtp.to_recipients = answer
    desk.raise_event()
    desk.deliver()
    assert desk.states() == [f"open {state}"]
    assert desk.database.execute("select status_code from public.deliveries").fetchone() == (int(answer[:3]),)


def test_server_that_never_answers_delays_no_other(desk: Desk, services: FakeServices) -> None:
    with raw_server(silence) as silent:
        desk.add_channel("webhook", target={"url": f"http://127.0.0.1:{silent.port}/"})
        desk.add_channel("slack")
        desk.raise_event()
        thread = threading.Thread(target=desk.deliver)
        thread.start()
        deadline = time.monotonic() + TOTAL_SECONDS - 1
        while not (services.received and silent.requests):
            assert time.monotonic() < deadline, "Slack waits for the other server."
            time.sleep(0.01)
        silent.stopped.set()
        thread.join()
    assert "without an answer" in desk.channel("webhook", "last_problem")


def test_no_workspace_takes_all_turns(
    project: Project, database: Connection, desk: Desk, services: FakeServices
) -> None:
    """One has many channels at a server that never answers; another's message leaves beside them."""
    other = Desk(database, make_team(project, database, "owner").id, desk.settings)
    with raw_server(silence) as silent:
        for number in range(12):
            desk.add_channel("webhook", f"w{number}", target={"url": f"http://127.0.0.1:{silent.port}/"})
        desk.raise_event()
        other.add_channel("slack")
        other.raise_event()
        thread = threading.Thread(target=desk.deliver)
        thread.start()
        deadline = time.monotonic() + TOTAL_SECONDS - 1
        while not services.received:
            assert time.monotonic() < deadline, "The other workspace waits."
            time.sleep(0.01)
        database.execute("update public.channels set paused_at = now() where kind = 'webhook'")
        silent.stopped.set()
        thread.join()


def test_eight_senders_at_once_send_one_message(project: Project, desk: Desk, services: FakeServices) -> None:
    for kind in NAMED:
        desk.add_channel(kind)
    desk.raise_event()
    connections = [project.connect() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda one: deliver_due(one, desk.settings), connections))
    assert sum(report.sent for report in reports) == len(NAMED)
    assert Counter(request.host for request in services.received) == dict.fromkeys(
        map(HOSTS.__getitem__, NAMED), 1
    )


def test_claim_of_a_sender_that_died_ends(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("slack")
    desk.raise_event()
    desk.database.execute("update public.deliveries set leased_until = now() + interval '5 minutes'")
    desk.deliver()
    assert services.received == []
    desk.pass_time("6 minutes")
    desk.deliver()
    assert desk.states() == ["open sent"]


def test_end_of_an_event_follows_its_beginning(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("pagerduty")
    desk.add_channel("slack")
    services.scripted["events.pagerduty.com"].append(ERRORS["events.pagerduty.com"]["down"])
    event = desk.raise_event()
    desk.deliver()
    desk.clear(event)
    desk.clear(event)
    desk.deliver()
    for _ in range(2):
        desk.pass_time("10 seconds")
        desk.deliver()
    actions = [
        request.json["event_action"]
        for request in services.received
        if request.host == "events.pagerduty.com"
    ]
    assert actions == ["trigger", "trigger", "resolve"]
    assert len(services.received) == 4  # one to Slack, which follows no end


def test_worker_is_not_asked_again_and_again_while_an_end_waits_for_its_beginning(
    desk: Desk, services: FakeServices
) -> None:
    desk.add_channel("pagerduty")
    services.scripted["events.pagerduty.com"].append(ERRORS["events.pagerduty.com"]["down"])
    event = desk.raise_event()
    desk.deliver()
    desk.clear(event)
    assert not desk.is_due()
    desk.pass_time("10 seconds")
    assert desk.is_due()


def test_event_that_is_over_stays_once(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("slack")
    event = desk.raise_event()
    desk.clear(event)
    assert desk.raise_event() is None
    desk.deliver()
    assert len(services.received) == 1


def quiet_now(desk: Desk) -> dict[str, Any]:
    """Quiet hours around this moment."""
    [[now]] = desk.database.execute("select now()").fetchall()
    assert isinstance(now, datetime)
    begin, end = now - timedelta(hours=1), now + timedelta(hours=2)
    return {"quiet_from": begin.time().replace(tzinfo=None), "quiet_to": end.time().replace(tzinfo=None)}


def test_quiet_hours_end_in_one_message(desk: Desk, smtp: MailServer) -> None:
    desk.add_channel("email", **quiet_now(desk))
    for number in range(3):
        desk.raise_event(f"b{number}", budget=f"Budget {number}")
    assert desk.deliver().sent == 0
    assert desk.states() == ["open held"] * 3
    desk.database.execute("update public.channels set quiet_from = null, quiet_to = null")
    desk.pass_time("2 hours 1 minute")
    assert desk.deliver().sent == 1

    assert len(smtp.mails) == 1
    message = message_from_string(smtp.mails[0], policy=default)
    text = message.get_body(("plain",))
    assert text is not None
    assert str(message["Subject"]).startswith("3 alerts of ")
    assert all(f"Budget “Budget {number}”: 80%" in text.get_content() for number in range(3))
    release(desk.database)
    assert sorted(desk.states()) == ["digest sent", "open sent", "open sent", "open sent"]


def test_one_message_after_quiet_hours_is_itself(desk: Desk, smtp: MailServer) -> None:
    desk.add_channel("email", **quiet_now(desk))
    desk.raise_event()
    desk.deliver()
    desk.database.execute("update public.channels set quiet_from = null, quiet_to = null")
    desk.pass_time("2 hours 1 minute")
    desk.deliver()
    assert desk.states() == ["open sent"]
    assert message_from_string(smtp.mails[0], policy=default)["Subject"] == "Budget “Web”: 80% is reached"


@pytest.mark.parametrize(("passes", "state"), [(True, "open sent"), (False, "open held")])
def test_critical_event_passes_quiet_hours_if_it_may(desk: Desk, passes: bool, state: str) -> None:
    desk.add_channel("slack", urgent_passes=passes, **quiet_now(desk))
    desk.raise_event(severity="critical")
    desk.deliver()
    assert desk.states() == [state]


def test_programs_get_each_event_after_quiet_hours(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("pagerduty", **quiet_now(desk))
    desk.raise_event("b1")
    desk.raise_event("b2")
    desk.deliver()
    desk.database.execute("update public.channels set quiet_from = null, quiet_to = null")
    desk.pass_time("2 hours 1 minute")
    desk.deliver()
    assert desk.states() == ["open sent", "open sent"]
    assert len({request.json["dedup_key"] for request in services.received}) == 2


def test_daily_digest_takes_the_place_of_each_message(desk: Desk, smtp: MailServer) -> None:
    desk.add_channel("email", digest="daily")
    desk.raise_event("b1")
    desk.deliver()
    assert (desk.states(), smtp.mails) == (["open held"], [])
    desk.raise_event("b2")
    desk.deliver()
    desk.pass_time("1 day")
    desk.deliver()
    assert len(smtp.mails) == 1
    assert sorted(desk.states()) == ["digest sent", "open sent", "open sent"]
    desk.pass_time("1 day")
    desk.deliver()
    assert len(smtp.mails) == 1


def test_failed_digest_fails_its_parts(desk: Desk, smtp: MailServer) -> None:
    desk.add_channel("email", digest="daily")
    desk.raise_event("b1")
    desk.deliver()
    desk.pass_time("1 day")
    smtp.to_messages = "554 spam"
    desk.deliver()
    assert sorted(desk.states()) == ["digest failed", "open failed"]
    problems = desk.database.execute("select distinct problem from public.deliveries").fetchall()
    assert problems == [("The mail server does not accept this email.",)]


def test_message_verifies_a_channel(desk: Desk, services: FakeServices) -> None:
    channel = desk.add_channel("slack", verified_by=None)
    desk.test(channel)
    assert desk.deliver().sent == 1
    assert desk.channel("slack", "verified_by") == "message"
    assert "This is a test" in services.received[0].body.decode()


def change_target(desk: Desk, channel: UUID, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Give the channel another target while a message is at this step."""
    real = getattr(delivery, step)

    def change_first(*args: Any) -> Any:
        desk.database.execute("update public.channels set sealed_target = 'other' where id = %s", [channel])
        return real(*args)

    monkeypatch.setattr(delivery, step, change_first)


def test_refused_message_verifies_nothing(desk: Desk, services: FakeServices) -> None:
    channel = desk.add_channel("slack", verified_by=None)
    services.always["hooks.slack.com"] = ERRORS["hooks.slack.com"]["workspace deleted"]
    desk.test(channel)
    desk.deliver()
    assert desk.channel("slack", "verified_by, failures_in_a_row") == (None, 0)
    assert "Slack does not know this webhook" in desk.channel("slack", "last_problem")


def find_link(smtp: MailServer) -> str:
    """The token in the last email."""
    body = message_from_string(smtp.mails[-1], policy=default).get_body(("plain",))
    assert body is not None
    [line] = [line for line in body.get_content().splitlines() if "://" in line]
    assert line.startswith("https://tally.example.org/confirm-alerts?token=")
    return str(line.partition("token=")[2])


def test_stranger_gets_alerts_after_agreeing(desk: Desk, smtp: MailServer, anon: Connection) -> None:
    channel = desk.add_channel("email", verified_by=None)
    desk.test(channel)
    desk.deliver()
    assert desk.channel("email", "verified_at") is None
    desk.raise_event("before")
    desk.deliver()
    token = find_link(smtp)
    assert len(smtp.mails) == 1
    assert anon.execute("select public.confirm_channel(%s)", [token]).rowcount == 1
    assert desk.channel("email", "verified_by") == "link"
    desk.raise_event("after")
    desk.deliver()
    assert len(smtp.mails) == 3, "what is open from before is told now"


def address_of(desk: Desk, user: UUID) -> str:
    """The address of an account, which was confirmed."""
    [[address]] = desk.database.execute("select email from auth.users where id = %s", [user]).fetchall()
    return str(address)


def test_member_gets_alerts_at_once_and_until_leaving(desk: Desk, smtp: MailServer, team: Team) -> None:
    address = address_of(desk, team["member"].id)
    channel = desk.add_channel("email", verified_by=None, target={"address": address})
    desk.test(channel)
    desk.deliver()
    assert desk.channel("email", "verified_by") == "member"
    assert "This is a test" in smtp.mails[0]
    desk.raise_event("b1")
    desk.deliver()
    assert smtp.recipients == [address] * 2

    query = "delete from public.members where workspace_id = %s and user_id = %s"
    desk.database.execute(query, [team.id, team["member"].id])
    desk.raise_event("b2")
    desk.deliver()
    assert smtp.recipients == [address] * 2
    assert desk.channel("email", "verified_by") is None
    assert "no longer that of a member" in desk.problem()


def test_address_of_a_member_is_not_verified_by_a_test_that_was_not_sent(desk: Desk, team: Team) -> None:
    """The page would say that the message was delivered."""
    address = address_of(desk, team["member"].id)
    desk.settings = desk.settings.model_copy(update={"smtp_url": None})
    desk.test(desk.add_channel("email", verified_by=None, target={"address": address}))
    desk.deliver()
    assert desk.channel("email", "verified_by") is None
    assert "no mail server" in desk.problem()


HIDDEN = "Not sent: this member may not see what it is about."


@pytest.mark.parametrize(
    ("role", "facts", "split", "is_told"),
    [
        ("member", {"project_id": "private"}, "admins", False),
        ("owner", {"project_id": "private"}, "admins", True),
        ("member", {"person_id": "owner"}, "admins", False),
        ("member", {"person_id": "member"}, "admins", True),
        ("member", {}, "own", False),
        ("owner", {}, "own", True),
        ("member", {}, "admins", True),
    ],
)
@pytest.mark.parametrize("digest", ["none", "daily"])
def test_member_is_told_what_they_may_see(
    desk: Desk, smtp: MailServer, team: Team, role: str, facts: dict[str, str], split: str, is_told: bool,
    digest: str,
) -> None:  # fmt: skip
    ids = {name: str(team[name].id) for name in ("owner", "member")}
    ids["private"] = str(team["owner"].add_project("Secret", is_private=True))
    desk.database.execute("update public.workspaces set person_split = %s where id = %s", [split, team.id])
    address = address_of(desk, team[role].id)
    desk.add_channel("email", verified_by="member", target={"address": address}, digest=digest)
    desk.raise_event(**{name: ids[value] for name, value in facts.items()})
    desk.deliver()
    if digest == "daily":
        desk.pass_time("1 day")
        desk.deliver()
    assert smtp.recipients == ([address] if is_told else [])
    assert is_told or desk.problem() == HIDDEN
    assert desk.channel("email", "failures_in_a_row, last_problem") == (0, None)


def test_digest_leaves_out_what_a_member_may_not_see(desk: Desk, smtp: MailServer, team: Team) -> None:
    secret = str(team["owner"].add_project("Secret", is_private=True))
    address = address_of(desk, team["member"].id)
    desk.add_channel("email", verified_by="member", target={"address": address}, digest="daily")
    desk.raise_event("b1", budget="Open budget")
    desk.raise_event("b2", budget="Secret budget", project_id=secret)
    desk.deliver()
    desk.pass_time("1 day")
    desk.deliver()
    [mail] = smtp.mails
    assert "Open budget" in mail
    assert "Secret budget" not in mail


def test_address_that_a_member_never_confirmed_is_a_strangers(
    desk: Desk, smtp: MailServer, team: Team
) -> None:
    address = address_of(desk, team["member"].id)
    desk.database.execute("update auth.users set email_confirmed_at = null where email = %s", [address])
    channel = desk.add_channel("email", verified_by=None, target={"address": address})
    desk.test(channel)
    desk.deliver()
    assert desk.channel("email", "verified_by") is None
    assert find_link(smtp)


def test_stranger_is_written_to_three_times_a_day(desk: Desk, smtp: MailServer) -> None:
    for number in range(5):
        channel = desk.add_channel("email", f"e{number}", verified_by=None)
        desk.test(channel)
        desk.deliver()
    assert len(smtp.mails) == 3
    assert "Three links were sent to this address" in desk.problem()


def test_link_needs_the_public_address(desk: Desk, smtp: MailServer) -> None:
    desk.settings = desk.settings.model_copy(update={"app_origin": None})
    channel = desk.add_channel("email", verified_by=None)
    desk.test(channel)
    desk.deliver()
    assert smtp.mails == []
    assert "links need APP_ORIGIN" in desk.problem()


def test_target_of_another_channel_is_refused(desk: Desk, services: FakeServices) -> None:
    desk.add_channel("slack", "a")
    desk.add_channel("slack", "b")
    desk.database.execute(
        """update public.channels as c set sealed_target = o.sealed_target
        from public.channels as o where c.name = 'a' and o.name = 'b'"""
    )
    desk.raise_event()
    desk.deliver()
    assert len(services.received) == 1
    assert "cannot be decrypted" in desk.channel("a", "last_problem")


def test_message_that_cannot_be_written_stops_no_other(
    desk: Desk, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    desk.add_channel("slack")
    desk.add_channel("discord")
    monkeypatch.setattr("tally.notifications.senders.discord.compose", fail)
    desk.raise_event()
    desk.deliver()
    assert [request.host for request in services.received] == ["hooks.slack.com"]
    assert desk.channel("discord", "last_problem") == "Tally could not write this message. Its log says why."


def test_outcome_that_cannot_be_stored_stops_no_other(
    desk: Desk, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store(connection: Connection, claim: Claim, *rest: Any) -> str:
        if claim.channel_kind == "slack":
            connection.execute("select 1 / 0")
        return record(connection, claim, *rest)

    slack = desk.add_channel("slack")
    desk.add_channel("discord")
    monkeypatch.setattr("tally.notifications.delivery.record", store)
    desk.raise_event()
    desk.deliver()
    assert len(services.received) == 2
    query = "select state from public.deliveries where channel_id = %s and leased_until > now()"
    assert desk.database.execute(query, [slack]).fetchall() == [("waiting",)]  # sent again with its identity
    assert sorted(desk.states()) == ["open sent", "open waiting"]


def test_server_inside_is_refused_when_the_message_leaves(desk: Desk, services: FakeServices) -> None:
    desk.settings = desk.settings.model_copy(update={"tally_allow_private_webhooks": False})
    desk.add_channel("webhook", target=own_server(services))
    desk.raise_event()
    desk.deliver()
    assert services.received == []
    assert desk.states() == ["open failed"]
    assert "127.0.0.1 is not on the public internet" in desk.problem()


SLEPT: list[tuple[str, list[str]]] = [("30 hours", ["open sent"]), ("4 days", ["open failed"])]


@pytest.mark.parametrize(("interval", "states"), SLEPT)
def test_message_that_a_sleeping_machine_never_tried_leaves_late_but_not_days_later(
    desk: Desk, interval: str, states: list[str]
) -> None:
    desk.add_channel("slack")
    desk.raise_event()
    desk.pass_time(interval)
    desk.deliver()
    assert desk.states() == states


def test_removed_channel_leaves_its_history(desk: Desk, team: Team) -> None:
    channel = desk.add_channel("slack")
    desk.raise_event()
    team["owner"].call("remove_channel", channel)
    desk.deliver()
    assert desk.states() == ["open failed"]
    found = desk.database.execute(
        "select channel_id, channel_name, problem from public.deliveries"
    ).fetchone()
    assert found == (None, "slack", "The channel was removed.")


def test_member_who_stopped_alerts_gets_no_more_before_agreeing(
    desk: Desk, smtp: MailServer, team: Team, anon: Connection
) -> None:
    address = address_of(desk, team["member"].id)
    channel = desk.add_channel("email", verified_by="member", target={"address": address})
    desk.database.execute(
        "update public.channels set stop_sha256 = decode(private.hash_token(%s), 'hex')", ["s" * 43]
    )
    anon.execute("select public.stop_channel(%s)", ["s" * 43])
    team["owner"].call("pause_channel", channel, False)
    team["owner"].call("test_channel", channel)
    desk.deliver()
    assert desk.channel("email", "verified_by") is None
    anon.execute("select public.confirm_channel(%s)", [find_link(smtp)])
    desk.raise_event()
    desk.deliver()
    assert len(smtp.mails) == 2


def test_link_that_was_asked_for_another_mailbox_verifies_nothing(
    desk: Desk, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An own mailbox must not agree for a stranger's, which takes its place while the link is written."""
    channel = desk.add_channel("email", verified_by=None)
    desk.test(channel)
    change_target(desk, channel, monkeypatch, "is_member")
    desk.deliver()
    assert smtp.mails == []
    assert desk.channel("email", "confirmation_sha256") is None


def test_message_to_another_server_verifies_nothing(
    desk: Desk, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = desk.add_channel("slack", verified_by=None)
    desk.test(channel)
    change_target(desk, channel, monkeypatch, "post")
    desk.deliver()
    assert len(services.received) == 1
    assert desk.channel("slack", "verified_by") is None


def test_workspace_that_is_deleted_while_its_message_is_sent_stops_no_other(
    desk: Desk, services: FakeServices, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add_channel("slack")
    desk.raise_event()

    def send(*args: Any) -> Any:
        desk.database.execute("delete from public.workspaces where id = %s", [team.id])
        return post(*args)

    monkeypatch.setattr("tally.notifications.delivery.post", send)
    desk.deliver()
    assert len(services.received) == 1
    assert desk.states() == []


def test_account_that_is_deleted_leaves_the_alerts_of_its_workspace(
    desk: Desk, services: FakeServices, team: Team
) -> None:
    member = team["member"].id
    desk.add_channel("slack", created_by=member)
    desk.add_channel("email", verified_by="member", target={"address": address_of(desk, member)})
    desk.raise_event()
    desk.database.execute("delete from auth.users where id = %s", [member])
    desk.deliver()
    assert len(services.received) == 1
    assert sorted(desk.states()) == ["open failed", "open sent"]


def test_zone_that_the_database_alone_knows_stops_no_message(
    desk: Desk, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's PostgreSQL takes posix/Europe/Paris, which Python's own zones lack."""
    described = claims.DESCRIBE.replace("w.timezone", "'posix/Nowhere' as timezone")
    monkeypatch.setattr(claims, "DESCRIBE", described)
    desk.add_channel("slack")
    desk.raise_event()
    desk.deliver()
    assert "(UTC)" in services.received[0].body.decode()
