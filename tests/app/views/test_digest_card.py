"""Settings of the weekly and the monthly mail, and what their previews show."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from app.data.digests import MailChoices
from tests.app.pages import open_dialog, open_page, save, shown, usage

HOSTILE = "<img src=x onerror=alert(1)>"
PREVIEW = "app.views.settings.digest_card:preview_digest"


def last_week() -> int:
    """Days since the middle of the last complete week."""
    today = datetime.now(UTC).date()
    return (today - (today - timedelta(days=today.weekday() + 4))).days


def choose(page: AppTest, label: str, value: bool) -> None:
    next(toggle for toggle in page.toggle if toggle.label.startswith(label)).set_value(value)


def send(page: AppTest) -> None:
    next(button for button in page.button if button.label == "Save emails").click().run()
    assert not page.exception


def html_of(dialog: AppTest) -> str:
    return "".join(element.proto.body for element in dialog.get("html"))


def test_each_mail_is_switched_off_by_itself(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "settings")
    assert data.load_mail_choices(user) == MailChoices(weekly=True, monthly=True)
    choose(page, "Weekly", value=False)
    send(page)
    assert "Emails saved" in str([success.value for success in page.success])
    assert data.load_mail_choices(user) == MailChoices(weekly=False, monthly=True)


def test_switch_brings_mails_back_to_who_gets_none(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    database_of(user).update("user_preferences", user.user_id, {"email_notifications": False}, key="user_id")
    page = open_page(monkeypatch, user, "settings")
    assert [toggle.value for toggle in page.toggle if toggle.label.startswith(("Weekly", "Monthly"))] == [
        False
    ] * 2
    choose(page, "Monthly", value=True)
    send(page)
    assert data.load_mail_choices(user) == MailChoices(weekly=False, monthly=True)


def test_preview_shows_the_mail_with_hostile_names_as_text(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    save(user, [usage(last_week(), "12.34", model_name=HOSTILE)])
    dialog = open_dialog(monkeypatch, user, PREVIEW, user, "weekly")
    body = html_of(dialog)
    assert "$12.34" in body
    assert "&lt;img src=x onerror=alert(1)&gt;" in body
    assert "<img" not in body
    assert "Your week" in shown(dialog)


@pytest.mark.parametrize("kind", ["weekly", "monthly"])
def test_preview_of_nothing_says_that_no_mail_is_sent(
    monkeypatch: pytest.MonkeyPatch, user: User, kind: Any
) -> None:
    dialog = open_dialog(monkeypatch, user, PREVIEW, user, kind)
    assert html_of(dialog) == ""
    assert any("no mail is sent" in info.value for info in dialog.info)
