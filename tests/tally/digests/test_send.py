"""Mails that are due: sent once, to whom they concern, with what they may see, over real SMTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from typing import cast

import psycopg
import pytest

from tally.digests import make, send
from tally.digests.facts import load_facts
from tally.digests.send import send_due
from tests.database.teams import make_team, race
from tests.database_fixtures import Connection, Project
from tests.mail_server import MailServer, mail_server
from tests.tally.digests.accounts import (
    MORNING,
    ORIGIN,
    WEEK,
    Spent,
    add_account,
    settings_of,
    spend,
    states,
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def read(mail: str) -> EmailMessage:
    return message_from_string(mail, policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return cast(str, found.get_content())


def test_weekly_mail_tells_the_week_and_can_be_stopped(database: Connection, server: MailServer) -> None:
    user = add_account(database, "ada@example.org")
    spend(database, user, WEEK)
    assert send_due(database, settings_of(server.port), MORNING) == 1
    message = read(server.mails[0])
    assert server.recipients == ["ada@example.org"]
    assert message["Subject"] == "Your week, 23\N{EN DASH}29 November: $70.00"
    assert message["Auto-Submitted"] == "auto-generated"
    [[token]] = database.execute("select token from private.unsubscribing").fetchall()
    stop = f"List-Unsubscribe: <{ORIGIN}/unsubscribe?kind=weekly&token={token}>"
    assert stop in server.mails[0].splitlines(), "neither folded nor encoded"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [[digest_id]] = database.execute("select id from private.digests").fetchall()
    assert message["Message-ID"] == f"<{digest_id}@example.org>"
    for kind in ("plain", "html"):
        body = part(message, kind)
        assert "$70.00" in body
        assert "+$14.00" in body
        assert "a higher cost per token" in body
        assert f"{ORIGIN}/unsubscribe" in body


def test_a_second_look_sends_nothing(database: Connection, server: MailServer) -> None:
    spend(database, add_account(database), WEEK)
    send_due(database, settings_of(server.port), MORNING)
    assert send_due(database, settings_of(server.port), MORNING + timedelta(days=2)) == 0
    assert len(server.mails) == 1


def test_eight_senders_at_once_send_one_mail(
    project: Project, database: Connection, server: MailServer
) -> None:
    spend(database, add_account(database), WEEK)
    connections = [project.connect() for _ in range(8)]
    sent = race(*(lambda one=one: send_due(one, settings_of(server.port), MORNING) for one in connections))
    assert sum(sent) == len(server.mails) == 1


def test_nothing_is_sent_before_eight_in_the_workspaces_zone(
    database: Connection, server: MailServer
) -> None:
    spend(database, add_account(database, timezone="America/New_York"), WEEK)
    settings = settings_of(server.port)
    assert send_due(database, settings, datetime(2026, 11, 30, 12, 59, tzinfo=UTC)) == 0
    assert send_due(database, settings, datetime(2026, 11, 30, 13, 0, tzinfo=UTC)) == 1


def test_missed_mornings_send_the_latest_week_alone(database: Connection, server: MailServer) -> None:
    spend(database, add_account(database), WEEK)
    assert send_due(database, settings_of(server.port), MORNING + timedelta(days=3)) == 1
    assert "23\N{EN DASH}29 November" in read(server.mails[0])["Subject"]


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        # Looks at the minutes around the jump; those that repeat are of a clock that was put back.
        ("UTC", "2026-11-30T07:59Z", "2026-11-30T09:00Z"),
        ("Pacific/Apia", "2026-11-29T18:59Z", "2026-11-29T19:00Z"),
        ("Europe/Berlin", "2026-11-30T06:59Z", "2026-11-30T07:00Z"),
    ],
)
def test_clock_that_jumps_over_eight_sends_once(
    database: Connection, server: MailServer, zone: str, before: str, after: str
) -> None:
    spend(database, add_account(database, timezone=zone), WEEK)
    settings = settings_of(server.port)
    looks = [datetime.fromisoformat(text) for text in (before, after, before, after)]
    assert [send_due(database, settings, look) for look in looks] == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("zone", "first", "due"),
    [
        ("Europe/Berlin", "2026-03-28", ["weekly 30 06:00", "monthly 01 06:00"]),
        ("Europe/Berlin", "2026-10-24", ["weekly 26 07:00", "monthly 01 07:00", "weekly 02 07:00"]),
        ("America/New_York", "2026-10-31", ["monthly 01 13:00", "weekly 02 13:00"]),  # the 1st has 25 hours
        ("Pacific/Kiritimati", "2026-10-31", ["monthly 31 18:00", "weekly 01 18:00"]),
        ("Pacific/Pago_Pago", "2026-10-31", ["monthly 01 19:00", "weekly 02 19:00"]),
    ],
)
def test_each_mail_is_due_once_at_eight_however_clocks_jump(
    database: Connection, zone: str, first: str, due: list[str]
) -> None:
    begin = datetime.fromisoformat(f"{first}T12:00Z")
    user = add_account(database, timezone=zone, joined=begin)
    database.execute("update public.user_preferences set monthly_digest = true")
    claimed = []
    for half_hour in range(48 * (5 if len(due) < 3 else 9)):
        at = begin + timedelta(minutes=30 * half_hour)
        look = "select kind, period_start from private.due_digests(%s)"
        for kind, start in database.execute(look, [at]).fetchall():
            claim = "select private.claim_digest(%s, %s, %s, %s, %s)"
            assert database.execute(claim, [user, user, kind, start, at]).fetchone() != (None,)
            database.execute("update private.digests set state = 'sent'")
            claimed.append(f"{kind} {at:%d %H:%M}")
    assert claimed == due


def test_week_of_a_changed_clock_has_seven_days_of_its_own(database: Connection, server: MailServer) -> None:
    """In New York, clocks went back on Sunday 1 November 2026."""
    user = add_account(database, timezone="America/New_York", joined=datetime(2026, 10, 27, tzinfo=UTC))
    spend(database, user, [Spent(29, "gpt-5", "5"), Spent(28, "gpt-5", "7")])
    database.execute("update public.cost_records set timestamp = '2026-11-02T04:30Z' where cost_usd = 5")
    send_due(database, settings_of(server.port), datetime(2026, 11, 2, 13, 1, tzinfo=UTC))
    assert read(server.mails[0])["Subject"] == "Your week, 26 October \N{EN DASH} 1 November: $5.00"


def test_monthly_mail_comes_on_the_first(database: Connection, server: MailServer) -> None:
    user = add_account(database)
    spend(database, user, WEEK)
    database.execute("update public.user_preferences set monthly_digest = true, weekly_digest = false")
    first = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    assert send_due(database, settings_of(server.port), first - timedelta(minutes=1)) == 0
    assert send_due(database, settings_of(server.port), first) == 1
    assert read(server.mails[0])["Subject"] == "Your month, November 2026: $126.00"


def test_nothing_to_tell_is_no_mail(database: Connection, server: MailServer) -> None:
    add_account(database)
    assert send_due(database, settings_of(server.port), MORNING) == 0
    assert states(database) == [("empty", 1)]


@pytest.mark.parametrize(
    "change",
    [
        "update public.user_preferences set weekly_digest = false",
        "update public.user_preferences set email_notifications = false",
        "update auth.users set email_confirmed_at = null",
        "update public.members set joined_at = '2026-11-30T08:01Z'",
    ],
)
def test_no_mail_to_who_wants_none_or_came_later(
    database: Connection, server: MailServer, change: str
) -> None:
    spend(database, add_account(database), WEEK)
    database.execute(change.encode())
    assert send_due(database, settings_of(server.port), MORNING) == 0
    assert states(database) == []


def test_account_without_preferences_gets_its_mail(database: Connection, server: MailServer) -> None:
    spend(database, add_account(database), WEEK)
    database.execute("delete from public.user_preferences")
    assert send_due(database, settings_of(server.port), MORNING) == 1


def test_members_get_what_they_may_see(project: Project, database: Connection, server: MailServer) -> None:
    team = make_team(project, database, "owner", "ann", "viewer")
    secret = team["owner"].add_project("Secret plan", is_private=True)
    known = team["owner"].add_project("Known plan")
    database.execute("update public.members set joined_at = '2026-11-24T00:00Z'")
    database.execute("update public.workspaces set name = 'Northwind' where id = %s", [team.id])
    ann = team["ann"].id
    spend(
        database,
        ann,
        [Spent(2, "gpt-5", "30", project=known), Spent(3, "gpt-5", "12", project=secret)],
        team.id,
    )
    send_due(database, settings_of(server.port), MORNING)
    bodies = {read(mail)["To"]: mail for mail in server.mails}
    texts = {to: part(read(mail), "plain") for to, mail in bodies.items()}
    [owner, member, viewer] = (
        next(text for to, text in texts.items() if str(team[name].id) in to)
        for name in ("owner", "ann", "viewer")
    )
    assert len(server.mails) == 3
    assert all("Northwind" in text and "$42.00" in text for text in (owner, member, viewer))
    assert "Secret plan" in owner
    assert "Known plan" in viewer
    assert "Secret plan" not in member + viewer
    assert "Other projects" in viewer


def test_member_who_sees_only_own_costs_gets_only_those(
    project: Project, database: Connection, server: MailServer
) -> None:
    team = make_team(project, database, "owner", "ann", "bob")
    database.execute("update public.members set joined_at = '2026-11-24T00:00Z'")
    database.execute("update public.workspaces set person_split = 'own' where id = %s", [team.id])
    for name, usd in (("ann", "30"), ("bob", "12")):
        spend(database, team[name].id, [Spent(2, f"model-of-{name}", usd)], team.id)
    send_due(database, settings_of(server.port), MORNING)
    texts = {read(mail)["To"]: part(read(mail), "plain") for mail in server.mails}
    [of_ann] = [text for to, text in texts.items() if str(team["ann"].id) in to]
    assert "$30.00" in of_ann
    assert "model-of-bob" not in of_ann


def test_one_failing_account_stops_no_other(
    database: Connection, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = add_account(database), add_account(database, "fine@example.org")
    for user in (broken, fine):
        spend(database, user, WEEK)
    load = load_facts

    def fail(reader: object, *arguments: object) -> object:
        if reader.scope.user_id == str(broken):  # type: ignore[attr-defined]
            raise psycopg.errors.NumericValueOutOfRange("too large")
        return load(reader, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(make, "load_facts", fail)
    assert send_due(database, settings_of(server.port), MORNING) == 1
    assert server.recipients == ["fine@example.org"]
    assert sorted(states(database)) == [("sent", 1), ("waiting", 1)]
    [[problem]] = database.execute("select problem from private.digests where state = 'waiting'").fetchall()
    assert "too large" not in problem


def test_mail_server_that_is_down_for_a_day_delays_the_mail(database: Connection, server: MailServer) -> None:
    spend(database, add_account(database), WEEK)
    server.to_messages = "451 come back later"
    at = MORNING
    for _ in range(6):
        assert send_due(database, settings_of(server.port), at) == 0
        at += timedelta(hours=6, minutes=1)
    server.to_messages = "250 ok"
    assert send_due(database, settings_of(server.port), at) == 1
    assert states(database) == [("sent", 7)]


def test_unreachable_mail_server_is_asked_three_times_alone(database: Connection) -> None:
    for _ in range(5):
        spend(database, add_account(database), WEEK)
    assert send_due(database, settings_of(1), MORNING) == 0
    assert states(database) == [("waiting", 1)] * 3


def test_refused_address_is_not_tried_again(database: Connection, server: MailServer) -> None:
    spend(database, add_account(database), WEEK)
    server.to_recipients = "550 no such user"
    send_due(database, settings_of(server.port), MORNING)
    send_due(database, settings_of(server.port), MORNING + timedelta(days=1))
    assert states(database) == [("failed", 1)]


def test_sender_that_died_is_followed_by_one_with_the_same_message_id(
    database: Connection, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(database, add_account(database), WEEK)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(send, "Outcome", die)  # after the mail was sent, before that is recorded
        with pytest.raises(Killed):
            send_due(database, settings_of(server.port), MORNING)
    assert send_due(database, settings_of(server.port), MORNING + timedelta(minutes=5)) == 0
    assert send_due(database, settings_of(server.port), MORNING + timedelta(minutes=11)) == 1
    first, second = (read(mail) for mail in server.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["List-Unsubscribe"] == second["List-Unsubscribe"]


def test_without_a_public_address_there_are_no_links(database: Connection, server: MailServer) -> None:
    spend(database, add_account(database), WEEK)
    send_due(database, settings_of(server.port, origin=None), MORNING)
    message = read(server.mails[0])
    assert message["List-Unsubscribe"] is None
    assert "href" not in part(message, "html")


def test_mail_of_a_member_who_left_goes_with_the_membership(database: Connection, server: MailServer) -> None:
    user = add_account(database)
    spend(database, user, WEEK)
    send_due(database, settings_of(server.port), MORNING)
    database.execute("delete from auth.users where id = %s", [user])
    assert states(database) == []
    assert database.execute("select from private.unsubscribing").rowcount == 0


def test_mail_tells_budgets_as_far_as_the_member_may_see_them(
    project: Project, database: Connection, server: MailServer
) -> None:
    team = make_team(project, database, "owner", "ann")
    secret = team["owner"].add_project("Secret plan", is_private=True)
    database.execute("update public.members set joined_at = '2026-11-24T00:00Z'")
    for name, filed in (("All of it", None), ("Of the secret", secret)):
        database.execute(
            "insert into public.budgets (workspace_id, name, amount, project_id) values (%s, %s, 1000, %s)",
            [team.id, name, filed],
        )
    spend(database, team["ann"].id, WEEK, team.id)
    send_due(database, settings_of(server.port), MORNING)
    texts = {read(mail)["To"]: part(read(mail), "plain") for mail in server.mails}
    [of_owner, of_ann] = (
        next(text for to, text in texts.items() if str(team[name].id) in to) for name in ("owner", "ann")
    )
    assert "2 budgets: within limits" in of_owner
    assert "1 budget: within its limit" in of_ann


def test_amounts_are_in_the_workspaces_currency_at_the_rates_of_their_days(
    database: Connection, server: MailServer
) -> None:
    user = add_account(database)
    database.execute("update public.user_preferences set currency = 'EUR'")
    database.execute(
        """insert into public.exchange_rates (day, currency, rate)
        select d::date, 'USD', case when d < '2026-11-23' then 2 else 4 end
        from generate_series(date '2026-09-01', date '2026-11-30', interval '1 day') as d"""
    )
    spend(database, user, WEEK)
    send_due(database, settings_of(server.port), MORNING)
    text = part(read(server.mails[0]), "plain")
    assert read(server.mails[0])["Subject"].endswith(": €17.50")
    assert "€28.00" in text, "of the week before, at its own rates"
