"""Channels and messages in words."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from app.figures.channels import (
    KINDS,
    Channel,
    Delivery,
    describe_deliveries,
    describe_state,
    describe_wishes,
    explain_delivery,
    explain_state,
    summarise_deliveries,
)
from tally.notifications.senders import KINDS as SERVICES
from tests.every_case import every_case

UTC_ZONE = ZoneInfo("UTC")
CHANNEL = Channel("c", "slack", "Team", "hooks.slack.com …abcd")
DELIVERY = Delivery("d", "e", "Team", "open", "sent", 1, datetime(2026, 11, 29, tzinfo=UTC), None)


@every_case(
    [
        ({}, "Active", ""),
        ({"is_paused": True}, "Paused", ""),
        ({"is_verified": False}, "Being tested", ""),
        (
            {"is_verified": False, "kind": "email"},
            "Waiting for the link",
            "It gets alerts once its reader clicks the link in the email.",
        ),
        ({"is_verified": False, "last_problem": "Gone (404)."}, "Not reached", "Gone (404)."),
        ({"last_problem": "Busy (503)."}, "Last message failed", "Busy (503)."),
        (
            {"disabled_reason": "Gone (404).", "is_paused": True},
            "Switched off",
            "Switched off after refusals. Gone (404). Change it, then resume it.",
        ),
    ]
)
def test_state_says_what_a_person_can_do(changes: dict[str, Any], state: str, explanation: str) -> None:
    channel = replace(CHANNEL, **changes)
    assert (describe_state(channel), explain_state(channel)) == (state, explanation)


@every_case(
    [
        ({}, "At once"),
        ({"is_daily": True}, "One digest a day at 08:00"),
        ({"quiet": (time(22), time(8))}, "At once, quiet 22:00 to 08:00"),
        (
            {"quiet": (time(22), time(8)), "urgent_passes": False},
            "At once, quiet 22:00 to 08:00, also for critical ones",
        ),
    ]
)
def test_wishes_are_named(changes: dict[str, Any], wishes: str) -> None:
    assert describe_wishes(replace(CHANNEL, **changes)) == wishes


def test_trouble_comes_first() -> None:
    states = [("sent", 1), ("sent", 2), ("failed", 1), ("held", 0), ("waiting", 0), ("waiting", 2)]
    deliveries = [replace(DELIVERY, state=state, attempts=attempts) for state, attempts in states]
    assert summarise_deliveries([*deliveries, replace(DELIVERY, kind="clear")]) == (
        "1 not delivered, 1 trying again, 1 being sent, 1 waiting for their time, 2 delivered"
    )
    assert summarise_deliveries([]) == "No message"


def test_failed_attempts_are_told_with_their_number_and_the_last_reason() -> None:
    refused = replace(DELIVERY, channel="Email", problem="No server answered.")
    waiting, first, failed, held, well = (
        replace(refused, state="waiting", attempts=2),
        replace(refused, state="waiting", attempts=0, problem=None),
        replace(refused, state="failed", attempts=1),
        replace(refused, state="held", attempts=0, problem=None),
        replace(refused, state="sent", channel="Team"),
    )
    assert describe_deliveries(
        [waiting, first, failed, held, well, replace(failed, kind="clear")], UTC_ZONE
    ) == [
        "sent to Team",
        "on its way to Email",
        "waits for quiet hours of Email",
        "tries Email again, not before 29 Nov 2026, 00:00 (2 attempts, last: No server answered)",
        "could not reach Email (1 attempt, last: No server answered)",
    ]
    assert [explain_delivery(one, UTC_ZONE) for one in (waiting, first, failed, well)] == [
        "Email: 2 attempts, last: No server answered. Next attempt not before 29 Nov 2026, 00:00.",
        "Email: not before 29 Nov 2026, 00:00.",
        "Email: 1 attempt, last: No server answered. No further attempt.",
        "",
    ]


def test_every_service_has_a_title() -> None:
    assert list(KINDS) == list(SERVICES)
    assert {kind: service.TITLE for kind, service in SERVICES.items()} == KINDS


@every_case(
    [
        ({}, True),
        ({"is_verified": False}, False),
        ({"is_paused": True}, False),
        ({"disabled_reason": "x"}, False),
    ]
)
def test_a_channel_hears_of_budgets_while_nothing_stops_it(changes: dict[str, Any], is_active: bool) -> None:
    assert replace(CHANNEL, **changes).is_active is is_active
