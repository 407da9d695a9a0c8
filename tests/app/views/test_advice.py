"""The Advice page: what is open, what people decide, what was saved, and who may decide."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.figures.advice_words import name_title
from app.views.advice.actions import make_parameters
from tally.advice.evidence import find_rows
from tally.advice.findings import KINDS, Saving
from tests.app.nightly_runs import add_nightly_run
from tests.app.pages import open_dialog, open_page, read_markdown, save, shown, usage
from tests.app.teams import new_team
from tests.days import current_day
from tests.tally.advice.pieces import FACTS, every_piece, keep_pieces, make_piece

HOSTILE = "<b>x</b> ![x](http://localhost/x) :red[y] $1$"
Job = psycopg.Connection[Any]


def keep(job: Job, user: User, *pieces: Any) -> None:
    keep_pieces(job, user.workspace.workspace_id, list(pieces), date(2026, 10, 20))


def plain(page: AppTest) -> str:
    """Texts, captions and HTML of the page, without escapes."""
    markup = " ".join(str(element.proto.body) for element in page.get("html"))
    headings = " ".join(str(heading.value) for heading in page.header)
    return read_markdown(shown(page) + headings + markup)


def press(page: AppTest, key: str) -> AppTest:
    [button] = [button for button in page.button if str(button.key).startswith(key)]
    return button.click().run()


def tabs(page: AppTest) -> list[str]:
    return list(page.segmented_control(key="shown_advice").options)


def test_without_advice_the_page_says_when_there_will_be(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    page = open_page(monkeypatch, user, "advice")
    assert not page.exception
    assert "No advice right now" in shown(page)
    assert "Tally has not looked yet. It looks every night, next on " in shown(page)
    add_nightly_run(job, user, current_day())
    assert "four weeks of usage" in shown(open_page(monkeypatch, user, "advice"))


def test_every_kind_has_a_card(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    keep(job, user, *every_piece())
    page = open_page(monkeypatch, user, "advice")
    assert not page.exception
    assert tabs(page)[0] == f"Open {len(KINDS)}"
    text = plain(page)
    assert (
        "for support on claude-sonnet-4-5; with a cache of 1 hour it would have been **$40 to $80**" in text
    )
    assert "**$40 to $80**" in text
    assert "Savings overlap, so they are not added up. All bars run from $0 to $100." in text
    assert "likely extra cost a month" in text
    for advice in data.load_advice(user):
        assert name_title(advice) in text
    order = [advice.saving.mid for advice in data.load_advice(user)]
    assert order == sorted(order, reverse=True)


def test_extra_cost_alone_has_no_bar_and_no_claim_of_being_exact(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    keep(job, user, make_piece("retirement", saving=Saving.exactly(Decimal(-7))))
    text = plain(open_page(monkeypatch, user, "advice"))
    assert "at the same tokens" in text
    assert "All bars run" not in text
    assert "exact" not in text


def test_names_from_outside_stay_text(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    subject = {
        key: HOSTILE if key in ("agent", "model") else value for key, value in FACTS["caching"][0].items()
    }
    keep(job, user, make_piece("caching", subject=subject))
    page = open_page(monkeypatch, user, "advice")
    assert not page.exception
    markup = " ".join(str(element.proto.body) for element in page.get("html"))
    assert "<b>x</b>" not in markup
    assert "![x](" not in shown(page) + str([heading.value for heading in page.header])


def test_dismissed_advice_can_be_opened_again(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    keep(job, user, make_piece("caching"))
    page = press(open_page(monkeypatch, user, "advice"), "dismiss-")
    assert tabs(page) == ["Open 0", "Applied 0", "Dismissed 1"]
    page.segmented_control(key="shown_advice").set_value("dismissed").run()
    assert f"by {user.email}" in plain(page)
    page = press(page, "reopen-")
    assert tabs(page) == ["Open 1", "Applied 0", "Dismissed 0"]


def test_applying_asks_first_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    keep(job, user, make_piece("cache_hour"))
    [advice] = data.load_advice(user)
    dialog = open_dialog(monkeypatch, user, "app.views.advice.actions:confirm_applied", advice)
    assert "lifetime of one hour" in shown(dialog)
    assert "Tally changes nothing by itself." in shown(dialog)
    dialog.button(key="confirm_applied").click().run()
    [applied] = data.load_advice(user)
    assert (applied.status, applied.decided_by) == ("applied", user.user_id)


def test_members_look_and_do_not_decide(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    member = new_team(job, user, "member", person_split="everyone")
    keep(job, member, make_piece("caching"))
    page = open_page(monkeypatch, member, "advice")
    assert "only admins decide" in shown(page)
    assert {
        button.disabled for button in page.button if str(button.key).startswith(("apply-", "dismiss-"))
    } == {True}


def verification(state: str, **others: Any) -> dict[str, Any]:
    units = [[(date(2026, 8, 1) + timedelta(days=n)).isoformat(), 0.02] for n in range(40)]
    amounts = {"month_usd": 61.0, "low_usd": 49.0, "high_usd": 73.0, "since_usd": 100.0, "price_usd": -61.0}
    more = {"mix_usd": 0.0, "volume_usd": 5.0, "before_volume_usd": None}
    return {"state": state, "days": 12, "needed_days": 21, "units": units} | amounts | more | others


def test_verified_savings_have_a_total_and_open_ones_have_none(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    states = {
        "caching": verification("verified", month_usd=118.0, low_usd=103.0, high_usd=133.0),
        "cache_hour": verification("partly"),
        "batch": verification("none", month_usd=2.0, low_usd=-6.0, high_usd=10.0),
        "repeats": verification("measuring"),
    }
    keep(job, user, *(make_piece(kind) for kind in (*states, "long_context")))  # type: ignore[arg-type]
    at = datetime(2026, 9, 1, tzinfo=UTC)
    for kind, told in states.items():
        job.execute(
            """update public.advice set status = 'applied', decided_at = %s, verification = %s
            where workspace_id = %s and kind = %s""",
            [at, json.dumps(told), user.workspace.workspace_id, kind],
        )
    page = open_page(monkeypatch, user, "advice")
    assert not page.exception
    text = plain(page)
    assert '<b class="saved">$179</b>' in text
    assert "95%: $160 to $198" in text
    assert "9 more days" in text
    for badge in ("Verified", "Partly", "No saving", "Measuring"):
        assert badge in text
    assert "95%: \N{MINUS SIGN}$6 to $10" in text


def test_evidence_opens_the_same_calls(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    """Of records that differ in one thing each, those that the advice was found in alone."""
    at, hour = datetime(2026, 9, 30, 12, tzinfo=UTC), {"metadata": {"agent": "support"}}
    usual: dict[str, Any] = {
        "provider": "anthropic", "model_name": "claude-sonnet-4-5", "timestamp": at, "input_tokens": 250_000,
        "cost_basis": "estimated", "request_count": 1,
    }  # fmt: skip
    others: list[dict[str, Any]] = [
        {},
        hour,
        hour | {"input_tokens": 1_000},
        {"metadata": {"agent": "support", "price_context": {"service_tier": "priority"}}},
        hour | {"model_name": "claude-haiku-4-5"},
        hour | {"cost_basis": "included"},
        hour | {"timestamp": at - timedelta(days=60)},
    ]
    save(user, [usage(0, str(2**n), **usual | other) for n, other in enumerate(others)])
    found = {
        "model_switch": 1 + 2 + 4,
        "caching": 2 + 4,
        "long_context": 2,
        "priority": 8,
        "retirement": 1 + 2 + 4 + 8,
    }
    keep(job, user, *(make_piece(kind) for kind in found))  # type: ignore[arg-type]
    for advice in data.load_advice(user):
        rows = find_rows(advice)
        assert rows
        page = open_page(monkeypatch, user, "records", make_parameters(user, rows))  # type: ignore[arg-type]
        assert not page.exception
        assert f"${found[advice.kind]}.00" in plain(page), advice.kind
    page = press(page, "leave_calls")
    assert not [button for button in page.button if button.key == "leave_calls"]
    assert "calls" not in page.query_params


def test_the_menu_has_the_number_of_open_ones(monkeypatch: pytest.MonkeyPatch, user: User, job: Job) -> None:
    keep(job, user, make_piece("caching"), make_piece("batch"))
    page = open_page(monkeypatch, user, "settings")
    markup = " ".join(str(element.proto.body) for element in page.get("html"))
    assert '", 2 open"' in markup
