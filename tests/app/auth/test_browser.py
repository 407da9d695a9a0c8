"""The browser behind a request, as the database is told about it."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from app import data
from app.auth.browser import Browser
from app.auth.identity import User, database_of
from tests.app.wire import Wire
from tests.every_case import every_case

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@every_case(
    [
        ("203.0.113.24", "203.0.113.24"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("203.0.113.24, 10.0.0.1", None),
        ("x\r\nauthorization: y", None),
        ("1" * 46, None),
    ]
)
def test_only_an_address_is_sent(address: str, sent: str | None) -> None:
    assert Browser(address).headers().get("x-tally-address") == sent


@every_case(
    [(FIREFOX, FIREFOX), ("a\r\nb\x1b[31m\u202eü", "ab[31m"), ("x" * 999, "x" * 300), ("\u202e", None)]
)
def test_program_is_printable_and_bounded(user_agent: str, sent: str | None) -> None:
    assert Browser("", user_agent).headers().get("x-tally-user-agent") == sent


def test_requests_of_a_user_carry_the_browser(
    monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire
) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    database_of(replace(user, browser=Browser("203.0.113.24", FIREFOX))).call("data_version")

    sent = (wire.count("x-tally-address: 203.0.113.24"), wire.count(f"x-tally-user-agent: {FIREFOX}"))
    assert sent == (1, 1)


def test_audit_log_names_the_browser_and_not_the_server(user: User, job: psycopg.Connection[Any]) -> None:
    visitor = replace(user, browser=Browser("203.0.113.24", FIREFOX))
    provider = data.load_providers(visitor)[0].provider_id
    price = {
        "provider_id": provider,
        "model_name": "m",
        "valid_from": "2026-01-01",
        "input_usd_per_mtok": "1",
        "output_usd_per_mtok": "2",
    }
    database_of(visitor).insert("model_prices", price)

    select = "select address, user_agent from public.audit_logs where actor_id = %s"
    assert job.execute(select, [user.user_id]).fetchall() == [("203.0.113.24", FIREFOX)]
