"""The theme that a person chose in the settings is the one that their browser shows."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import app.identity
from app.accounts import Accounts
from app.identity import supabase_client
from tally.api import SupabaseApi
from tests.app.chromium import open_chromium, sign_in_page
from tests.app.conftest import Person
from tests.app.pages import save, sign_in_user, usage
from tests.app.server import AppServer

APP = Path(app.identity.__file__).parent
DARK, LIGHT = "rgb(14, 17, 22)", "rgb(255, 255, 255)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with open_chromium() as browser:
        yield browser


def expect_background(page: Page, colour: str) -> None:
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", colour, timeout=20_000)


def test_chosen_theme_wins_over_the_systems(
    chromium: Browser, server: AppServer, upstream: Accounts, person: Person
) -> None:
    user = sign_in_user(upstream, person)
    api = SupabaseApi(supabase_client(user))
    save(user, [usage(0, "1")])
    api.update("user_preferences", user.user_id, {"theme": "dark"}, key="user_id")
    page = sign_in_page(chromium, server, person)
    expect_background(page, DARK)

    page.goto(f"{server.url}/records")
    expect_background(page, DARK)

    api.update("user_preferences", user.user_id, {"theme": "system"}, key="user_id")
    page.wait_for_timeout(1500)  # what others change is seen after a second
    page.goto(server.url)
    expect_background(page, LIGHT)


def test_theme_is_set_for_every_page_of_the_dashboard() -> None:
    """Streamlit keeps the theme by page address, so the script has to know them all."""
    titles = re.findall(
        r'^    \("\w+", "([\w ]+)", "\w+"\),$', (APP / "dashboard.py").read_text(), re.MULTILINE
    )
    addresses = {"/" if title == "Overview" else f"/{title.lower().replace(' ', '-')}" for title in titles}
    script = (APP / "static" / "theme.js").read_text()

    assert len(addresses) == len(titles) > 6
    assert addresses == set(re.findall(r'"(/[a-z-]*)"', script))
