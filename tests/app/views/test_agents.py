"""The Agents page: its cards, what its address chooses, one session, and what is hostile or unknown."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User
from app.data import reading
from app.views.agents.session_file import write_session
from tally.accounts.auth_client import AuthClient
from tally.core.records import CostRecord, identity
from tally.storage.database import TOO_MUCH, describe
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import metrics, open_page, read_markdown, save, shown
from tests.app.teams import join, new_team
from tests.app.ui.shown_table import tables

Job = psycopg.Connection[Any]
TODAY = date(2026, 5, 20)
NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>[a](http://x)"


@pytest.fixture(autouse=True)
def same_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the page on one day, whatever today is."""
    monkeypatch.setattr("app.ui.periods.today_in", lambda _: TODAY)


def request(number: int, minutes_ago: float = 5, **changes: Any) -> CostRecord:
    """A request of a session that a plan covers."""
    named = {"agent": "claude-code", "session": "s1", "repository": "garden-shop", "branch": "main"}
    fields: dict[str, Any] = {
        "provider": "claude-desktop",
        "timestamp": NOON - timedelta(minutes=minutes_ago),
        "model_name": "claude-opus-4-5",
        "cost_usd": Decimal("1.50"),
        "source_key": identity("agents", number),
        "cost_basis": "included",
        "collection_method": "local_log",
        "input_tokens": 80_000,
        "output_tokens": 500,
        "cache_write_tokens": 79_000,
        "request_count": 1,
    }
    return CostRecord(**fields | changes | {"metadata": named | changes.get("metadata", {})})


def markup(page: AppTest) -> str:
    """The HTML of the page, as written."""
    return "\n".join(str(element.proto.body) for element in page.get("html"))


def texts(page: AppTest) -> str:
    """Everything that the page says outside of tables."""
    return read_markdown(shown(page)) + "\n" + unescape(markup(page))


def column(page: AppTest, name: str) -> Sequence[Any]:
    """The cells of a column of the last table that has it."""
    return list(next(table.value[name] for table in reversed(tables(page)) if name in table.value))


def test_an_empty_page_leads_to_the_two_commands(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [request(1, metadata={"agent": "support-bot"})])
    page = open_page(monkeypatch, user, "agents")
    assert not page.exception
    assert "No coding agents yet" in shown(page) or "You have no coding agents" in shown(page)
    assert [code.value for code in page.code] == [".venv/bin/tally login\n.venv/bin/tally collect"]
    page.button(key="open-keys").click().run()
    assert page.title[0].value == "Keys"


def test_cards_add_up_what_agents_used(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    paid: dict[str, Any] = {"cost_basis": "estimated", "provider": "openai", "model_name": "gpt-5.2"}
    save(
        user,
        [
            request(1, 0.2),
            request(2, 0.1, **paid, cost_usd=Decimal(2), metadata={"agent": "codex", "session": "s2"}),
            request(3, 0.3, cost_usd=None),
        ],
    )
    page = open_page(monkeypatch, user, "agents")
    assert not page.exception
    said = texts(page)
    for text in ("Today", "$3.50", "Value, May", "Current streak", "When you work", "garden-shop"):
        assert text in said, text
    assert "<b>1 day</b>Current streak" in said
    assert "Busiest: Wednesdays, 11:00" in said
    assert "$2.00 of it is paid per token, $1.50 is covered by plans" in said
    assert "1 record without a price" in said
    assert sorted(column(page, "requests")) == ["1", "2"]
    assert sorted(column(page, "repository")) == ["garden-shop", "garden-shop"]
    assert "The limits of plans are not public." in said
    page.segmented_control(key="agent").set_value("codex").run()
    assert not page.exception
    assert column(page, "agent") == ["Codex CLI"]
    page.segmented_control(key="unit").set_value("Tokens").run()
    assert not page.exception
    page.button(key="to_explore").click().run()
    assert not page.exception
    assert page.title[0].value == "Explore"


def test_the_address_chooses_agent_and_month(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    before = 30 * 24 * 60
    save(user, [request(1), request(2, before, metadata={"agent": "codex", "session": "old"})])
    address = {"month": "Apr 2026", "agent": "Codex CLI", "unit": "Tokens"}
    page = open_page(monkeypatch, user, "agents", address)
    assert not page.exception
    assert column(page, "agent") == ["Codex CLI"]
    assert "April, 1 session" in shown(page)
    odd = {"month": "2026-99", "agent": HOSTILE, "unit": "x", "person": "x"}
    page = open_page(monkeypatch, user, "agents", odd)
    assert not page.exception
    assert column(page, "agent") == ["Claude Code"]


def test_one_day_of_one_agent_has_no_choice_of_agents(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [request(1)])
    page = open_page(monkeypatch, user, "agents")
    assert not page.exception
    assert [choice.key for choice in page.segmented_control] == ["unit"]


def test_a_session_shows_every_request_and_its_gaps(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(
        user,
        [request(1, 30), request(2, 10, cost_usd=Decimal("0.50")), request(3, metadata={"session": "s2"})],
    )
    page = open_page(monkeypatch, user, "agents", {"session": " s1 "})
    assert not page.exception
    assert page.title[0].value.startswith("Session of ")
    said = texts(page)
    assert "$2.00" in said
    assert "1 gap, " in said
    assert column(page, "so_far") == ["$1.50", "$2.00"]
    assert column(page, "note") == ["", "20 min gap"]
    assert "<li>#2, $0.50, $2.00 so far<div>" in said, "narrow pages have lines"
    assert metrics(page)["Extra cost of gaps"].startswith("$0.4")
    page.button(key="session_records").click().run()
    assert not page.exception
    assert page.title[0].value == "Records"
    assert len(tables(page)[0].value) == 2
    assert page.query_params["session"] == "s1"


def test_a_session_leads_to_its_traces_only_where_it_has_some(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [request(1)])
    page = open_page(monkeypatch, user, "agents", {"session": "s1"})
    assert "session_traces" not in [button.key for button in page.button]
    page.button(key="back_to_agents").click().run()
    assert page.title[0].value == "Agents"


@pytest.mark.parametrize("name", ["gone", HOSTILE, "x' or '1'='1", "\0", " ", "s" * 5000])
def test_an_unknown_session_says_so(monkeypatch: pytest.MonkeyPatch, user: User, name: str) -> None:
    save(user, [request(1)])
    page = open_page(monkeypatch, user, "agents", {"session": name})
    assert not page.exception
    assert "There is no such session." in shown(page)
    assert not any("](http" in str(caption.value) for caption in page.caption)


def test_hostile_names_are_only_text(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    names = {"session": HOSTILE, "repository": HOSTILE, "branch": HOSTILE}
    save(user, [request(1, metadata=names, model_name=HOSTILE), request(2, 20, metadata=names)])
    for address in ({}, {"session": HOSTILE}):
        page = open_page(monkeypatch, user, "agents", address)
        assert not page.exception
        assert "<img src=x" not in markup(page)
        assert not any("](http" in str(caption.value) for caption in page.caption)


def test_the_record_of_a_session_leads_to_it(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [request(1)])
    page = open_page(monkeypatch, user, "records", {"session": "s1"})
    assert not page.exception
    assert len(tables(page)[0].value) == 1
    page = open_page(monkeypatch, user, "records", {"session": HOSTILE})
    assert not page.exception
    assert "No records match these filters." in shown(page)


def test_an_admin_sees_own_use_first_and_chooses_whose(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    upstream: AuthClient,
    new_account: Callable[[], Account],
    job: Job,
) -> None:
    admin = new_team(job, user)
    member = join(job, admin, sign_in_user(upstream, new_account()), "member")
    save(member, [request(1, metadata={"session": "theirs"})])
    page = open_page(monkeypatch, admin, "agents")
    assert not page.exception
    assert "You have no coding agents here yet" in shown(page)
    for whose in ("everyone", member.user_id):
        page.selectbox(key="person").set_value(whose).run()
        assert not page.exception
        assert len(column(page, "started")) == 1
    page = open_page(monkeypatch, member, "agents")
    assert len(column(page, "started")) == 1
    assert "person" not in [box.key for box in page.selectbox]


def test_a_session_is_downloaded_with_exact_values_and_no_formula(user: User) -> None:
    odd = {"branch": "=1+1", "session": "s1"}
    save(
        user,
        [
            request(1, 30, metadata=odd),
            request(2, 10, cost_usd=Decimal("0.0000012345")),
            request(3, 1, cost_usd=None),
        ],
    )
    session = data.load_agent_session(user, "s1")
    assert session is not None
    rows = list(csv.DictReader(io.StringIO(write_session(session, "USD").decode())))
    assert [row["value"] for row in rows] == ["1.5000000000", "0.0000012345", ""]
    assert [row["request"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["branch"] == "'=1+1"
    assert rows[1]["note"] == "20 min gap"
    assert rows[0]["at"] == "2026-05-20T11:30:00+00:00"
    assert {row["input_tokens"] for row in rows} == {"80000"}


def test_a_shorter_year_is_shown_where_there_are_too_many_records(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [request(1)])
    asked: list[str] = []

    def call(user: User, function: str, **params: Any) -> Any:
        if function == "agent_days":
            asked.append(params["from_date"])
            if len(asked) < 3:
                raise describe(TOO_MUCH, "In any words.")
        return reading.call(user, function, **params)

    monkeypatch.setattr("app.data.agents.call", call)
    page = open_page(monkeypatch, user, "agents")
    assert not page.exception
    assert sorted(set(asked)) == asked
    assert len(column(page, "started")) == 1
