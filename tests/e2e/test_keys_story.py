"""The story of a key: created, copied, refused in the end."""

import subprocess
from shutil import which
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tally.accounts.auth_client import AuthClient
from tally.api_keys.key_text import hash_key, is_key_text
from tally.local.stack import Stack
from tests.app.accounts import sign_up
from tests.e2e.steps import sign_in, visit
from tests.shared_connections import operator_connection

DESKTOP: Any = {"width": 1280, "height": 720}
PHONE: Any = {"width": 390, "height": 844}  # where a list takes the place of the table


@pytest.fixture(scope="module")
def loaded(shared_page: Page, upstream: AuthClient) -> Page:
    """The page Keys of an account."""
    sign_in(shared_page, sign_up(upstream), "/keys")
    return shared_page


@pytest.fixture
def keys(loaded: Page) -> Page:
    """The same, which shows no new key, on a desktop."""
    loaded.set_viewport_size(DESKTOP)
    visit(loaded, "/sources")
    visit(loaded, "/keys")
    return loaded


def verify(stack: Stack, text: str) -> str | None:
    """The name of the key with this text, while it works."""
    with operator_connection(stack) as connection:
        query = "select name from private.verify_api_key(%s)"
        found = connection.execute(query, [hash_key(text)]).fetchone()
    return found[0] if found else None


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed (apt install curl)")
def test_pasted_settings_lead_to_the_first_call_which_the_page_tells(keys: Page) -> None:
    page = keys
    page.get_by_role("button", name="Create key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("shell")
    dialog.get_by_role("button", name="Create key").click()
    expect(page.get_by_text("Waiting for the first call")).to_be_visible()
    page.get_by_role("combobox", name="Client").fill("curl with Tally")
    page.get_by_role("option", name="curl with Tally's own JSON").click()
    settings = page.get_by_test_id("stCode").nth(1).locator("code")
    expect(settings).to_contain_text("/v1/records")
    subprocess.run(["sh"], input=settings.inner_text(), text=True, check=True)
    expect(page.get_by_text("gpt-4o: 1,200 tokens in, 50 out, $0.0035.")).to_be_visible()
    expect(page.get_by_text("Waiting for the first call")).to_have_count(0)


def test_a_key_is_created_copied_and_revoked(keys: Page, stack: Stack) -> None:
    page = keys
    page.get_by_role("button", name="Create key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("laptop")
    dialog.get_by_role("button", name="Create key").click()
    expect(page.get_by_text("New key: laptop")).to_be_visible()
    code = page.get_by_test_id("stCode").first
    text = code.locator("code").inner_text().strip()
    assert is_key_text(text)
    assert verify(stack, text) == "laptop"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code.hover()
    code.get_by_role("button").click()
    assert page.evaluate("navigator.clipboard.readText()") == text

    visit(page, "/sources")
    visit(page, "/keys")
    expect(page.get_by_text("API keys")).to_be_visible()
    assert text not in page.content()

    page.set_viewport_size(PHONE)
    page.locator("[class*=st-key-narrow-]").get_by_text("laptop", exact=True).click()
    page.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert verify(stack, text) == "laptop"
    page.get_by_role("button", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("laptop revoked.")).to_be_visible()
    assert verify(stack, text) is None
