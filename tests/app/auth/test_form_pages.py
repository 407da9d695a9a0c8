"""Sign-in pages: titles, focus, messages and escaped values."""

from typing import get_args

import pytest

from app.auth.form_pages import CONTENT_SECURITY_POLICY, Page, render_page
from tests.every_case import every_case

PAGES: tuple[Page, ...] = get_args(Page)
HOSTILE = '"><script>alert(1)</script>{{ 7 * 7 }}'


def html_of(page: Page, **values: str) -> str:
    return bytes(render_page(page, **values).body).decode()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("value", ["email", "error", "notice"])
def test_hostile_value_is_escaped(page: Page, value: str) -> None:
    html = html_of(page, **{value: HOSTILE})
    assert "<script" not in html
    assert "&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}" in html


def test_hostile_next_path_is_escaped() -> None:
    assert 'name="next" value="&#34;&gt;&lt;script' in html_of("login", next_path=HOSTILE)


@every_case(
    [
        ("login", "Sign in · Tally"),
        ("signup", "Create your account · Tally"),
        ("forgot", "Reset your password · Tally"),
        ("reset", "Choose a new password · Tally"),
    ]
)
def test_page_has_its_title(page: Page, title: str) -> None:
    assert f"<title>{title}</title>" in html_of(page)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("email", ["", "ada@example.com"])
def test_first_empty_field_has_the_focus(page: Page, email: str) -> None:
    html = html_of(page, email=email)
    focused = [line for line in html.splitlines() if " autofocus" in line]
    has_more_fields = page != "forgot"
    assert len(focused) == (1 if not email or has_more_fields else 0)
    assert all(('type="email"' in line) == (not email) for line in focused)


def test_error_is_an_alert_and_takes_precedence() -> None:
    html = html_of("login", error="Wrong email or password.", notice="Sent.")
    assert '<p class="error" role="alert">Wrong email or password.</p>' in html
    assert "Sent." not in html
    assert 'role="status">Sent.<' in html_of("login", notice="Sent.")


def test_policy_allows_no_scripts() -> None:
    assert render_page("login").headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none';")
    assert "script-src" not in CONTENT_SECURITY_POLICY
