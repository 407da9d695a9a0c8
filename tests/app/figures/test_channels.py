"""Channels and messages in words."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from app.figures.channels import (
    KINDS,
    Channel,
    Delivery,
    describe_state,
    describe_wishes,
    explain_state,
    summarise_deliveries,
)
from tally.notifications.senders import KINDS as SERVICES

CHANNEL = Channel("c", "slack", "Team", "hooks.slack.com …abcd")
DELIVERY = Delivery("d", "e", "Team", "open", "sent", 1, datetime(2026, 11, 29, tzinfo=UTC), None)


@pytest.mark.parametrize(
    ("changes", "state", "explanation"),
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
    ],
)
def test_state_says_what_a_person_can_do(changes: dict[str, Any], state: str, explanation: str) -> None:
    channel = replace(CHANNEL, **changes)
    assert (describe_state(channel), explain_state(channel)) == (state, explanation)


@pytest.mark.parametrize(
    ("changes", "wishes"),
    [
        ({}, "At once"),
        ({"is_daily": True}, "One digest a day at 08:00"),
        ({"quiet": (time(22), time(8))}, "At once, quiet 22:00 to 08:00"),
        (
            {"quiet": (time(22), time(8)), "urgent_passes": False},
            "At once, quiet 22:00 to 08:00, also for critical ones",
        ),
    ],
)
def test_wishes_are_named(changes: dict[str, Any], wishes: str) -> None:
    assert describe_wishes(replace(CHANNEL, **changes)) == wishes


def test_trouble_comes_first() -> None:
    states = [("sent", 1), ("sent", 2), ("failed", 1), ("held", 0), ("waiting", 0), ("waiting", 2)]
    deliveries = [replace(DELIVERY, state=state, attempts=attempts) for state, attempts in states]
    assert summarise_deliveries([*deliveries, replace(DELIVERY, kind="clear")]) == (
        "1 not delivered, 1 trying again, 1 being sent, 1 waiting for their time, 2 delivered"
    )
    assert summarise_deliveries([]) == "None"


def test_every_service_has_a_title() -> None:
    assert list(KINDS) == list(SERVICES)
    assert {kind: service.TITLE for kind, service in SERVICES.items()} == KINDS


@pytest.mark.parametrize(
    ("changes", "is_active"),
    [
        ({}, True),
        ({"is_verified": False}, False),
        ({"is_paused": True}, False),
        ({"disabled_reason": "x"}, False),
    ],
)
def test_a_channel_hears_of_budgets_while_nothing_stops_it(changes: dict[str, Any], is_active: bool) -> None:
    assert replace(CHANNEL, **changes).is_active is is_active
