"""The Overview's card of what spend was for."""

import pytest
from streamlit.testing.v1 import AppTest

from app.auth.identity import User
from tests.app.pages import open_page, read_bars, save, shown, usage

HOSTILE = "<b>x</b> ![x](http://x) :red[y]"


def described(page: AppTest) -> str:
    """The bars of the card as text."""
    title, bars = read_bars(page)[-1]
    return f"{title}: {', '.join(f'{name} {amount}' for name, amount, _ in bars)}"


def test_spend_is_split_by_agent_and_by_what_is_chosen(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(
        user,
        [
            usage(0, "3", metadata={"agent": HOSTILE, "repository": "org/shop"}),
            usage(0, "1", metadata={"agent": "codex"}),
            usage(0, "0.5"),
        ],
    )
    page = open_page(monkeypatch, user)
    assert not page.exception
    assert "Choose what to add up by" in shown(page)
    page.selectbox(key="by").set_value("agent").run()
    assert described(page) == f"Spend by agent: {HOSTILE} $3.00, codex $1.00, No agent $0.50"

    page.selectbox(key="by").set_value("repository").run()
    assert not page.exception
    assert described(page) == "Spend by repository: org/shop $3.00, No repository $1.50"


def test_choice_is_in_the_address(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "3", metadata={"end_user": "acme"})])
    page = open_page(monkeypatch, user, address={"by": "Customer"})
    assert described(page) == "Spend by customer: acme $3.00"


def test_without_names_the_card_says_who_gives_them(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "3")])
    page = open_page(monkeypatch, user, address={"by": "Agent"})
    assert not page.exception
    assert "No record of this period names one." in shown(page)
    assert "gen_ai.agent.name" in shown(page)
