"""Settings: channels of alerts, their tests, and the history of what was sent."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app.auth.identity import User
from app.data import channels
from app.data.budgets import load_budget_events
from tally.accounts.auth_client import AuthClient
from tally.core.settings import Settings, load_settings
from tally.notifications.delivery import deliver_due
from tally.secrets.key_ring import make_key
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import open_dialog, open_page, read_markdown, shown
from tests.app.teams import join, new_team
from tests.app.ui.shown_table import select_line, tables
from tests.tally.notifications.alerting import FACTS
from tests.tally.notifications.fake_services import ERRORS, FakeServices, fake_services
from tests.tally.notifications.targets import TARGETS

Job = psycopg.Connection[Any]
FORM = "app.views.settings.channel_form"
CARD = "app.views.settings.channels_card"


@pytest.fixture
def services() -> Iterator[FakeServices]:
    """The services."""
    with fake_services() as running:
        yield running


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, services: FakeServices) -> Settings:
    """Settings of a server that encrypts targets; the services are on this machine."""
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", make_key())
    monkeypatch.setenv("TALLY_ALERT_SERVICES", services.address)
    return load_settings()


@pytest.fixture
def owner(user: User, job: Job) -> User:
    """The owner of a team."""
    return new_team(job, user, name="Northwind", timezone="Europe/Berlin")


def press(page: AppTest, label: str) -> AppTest:
    """Press a button."""
    next(found for found in page.button if found.label == label).click().run()
    assert not page.exception
    return page


def fill(page: AppTest, label: str, text: str) -> None:
    """Fill in a field."""
    next(field for field in page.text_input if field.label == label).set_value(text)


def add(monkeypatch: pytest.MonkeyPatch, owner: User, kind: str, **typed: str) -> AppTest:
    """Add a channel through the dialog."""
    with monkeypatch.context() as patch:
        dialog = open_dialog(patch, owner, f"{FORM}:add_channel")
        dialog.selectbox[0].select(kind).run()
        for label, text in typed.items():
            fill(dialog, label.replace("_", " "), text)
        return press(dialog, "Add and test")


def select(page: AppTest, prefix: str, keys: list[str]) -> AppTest:
    """Select the first row of a table."""
    return select_line(page, f"{prefix}-{hash(tuple(keys))}", 0)


def select_channel(page: AppTest, user: User) -> AppTest:
    """Select the first channel."""
    return select(page, "channels", [channel.channel_id for channel in channels.load_channels(user)])


def raise_event(job: Job, owner: User, **facts: Any) -> None:
    """Raise an event of a budget."""
    job.execute(
        "select private.raise_event(%s, 'budget', %s, null, '2026-11-01', 'warning', %s)",
        [owner.workspace.workspace_id, str(uuid4()), json.dumps(FACTS | facts)],
    )


def test_channel_is_added_tested_and_used(
    monkeypatch: pytest.MonkeyPatch, owner: User, job: Job, settings: Settings, services: FakeServices
) -> None:
    dialog = add(monkeypatch, owner, "slack", Name="Spend", Webhook_URL=TARGETS["slack"]["url"])
    assert dialog.session_state["tested-delivery"]
    [channel] = channels.load_channels(owner)
    assert (channel.name, channel.hint, channel.is_verified) == ("Spend", "hooks.slack.com …XXXX", False)

    deliver_due(job, settings)
    page = open_page(monkeypatch, owner, "settings", {"section": "Alerts"})
    table = next(frame.value for frame in tables(page) if "wishes" in frame.value)
    assert table["state"].tolist() == ["Active"]

    raise_event(job, owner)
    deliver_due(job, settings)
    assert len(services.received) == 2
    page = open_page(monkeypatch, owner, "settings", {"section": "Alerts"})
    history = next(frame.value for frame in tables(page) if "deliveries" in frame.value)
    assert history[["what", "state", "deliveries"]].to_numpy().tolist() == [
        ["Budget “Web”: 80% is reached", "Open", "1 delivered"]
    ]
    select(page, "alerts", [event.event_id for event in channels.load_events(owner)])
    attempts = next(frame.value for frame in tables(page) if "outcome" in frame.value)
    assert attempts[["channel", "outcome"]].to_numpy().tolist() == [["Spend", "Delivered."]]
    assert "Spent: $812.40 of $1,000.00 (81%)." in shown(page)


def test_a_message_that_waits_for_another_try_says_why(
    monkeypatch: pytest.MonkeyPatch, owner: User, job: Job, settings: Settings, services: FakeServices
) -> None:
    add(monkeypatch, owner, "slack", Name="Spend", Webhook_URL=TARGETS["slack"]["url"])
    deliver_due(job, settings)
    services.always["hooks.slack.com"] = ERRORS["hooks.slack.com"]["down"]
    raise_event(job, owner)
    deliver_due(job, settings)
    page = open_page(monkeypatch, owner, "settings", {"section": "Alerts"})
    [event] = channels.load_events(owner)
    select(page, "alerts", [event.event_id])
    [delivery] = channels.load_deliveries(owner, [event])
    assert delivery.problem
    [caption] = [str(found.value) for found in page.caption if "not before" in str(found.value)]
    assert read_markdown(caption).startswith(f"Spend: 1 attempt, last: {delivery.problem} Next attempt not")

    subject = job.execute(
        "select subject from public.alert_events where id = %s", [event.event_id]
    ).fetchone()
    assert subject
    [told] = load_budget_events(owner, subject[0])
    assert [(one.channel, one.attempts, one.problem) for one in told["deliveries"]] == [
        ("Spend", 1, delivery.problem)
    ]


def test_an_alert_that_was_only_recorded_says_why(
    monkeypatch: pytest.MonkeyPatch, owner: User, job: Job
) -> None:
    raise_event(job, owner)
    job.execute(
        "update public.alert_events set state = 'superseded' where workspace_id = %s",
        [owner.workspace.workspace_id],
    )
    page = open_page(monkeypatch, owner, "settings", {"section": "Alerts"})
    select(page, "alerts", [event.event_id for event in channels.load_events(owner)])
    assert "only recorded, as a higher threshold was crossed at once" in shown(page)


def test_refused_target_is_explained_and_not_saved(
    monkeypatch: pytest.MonkeyPatch, owner: User, settings: Settings
) -> None:
    assert settings.tally_alert_services
    dialog = add(monkeypatch, owner, "webhook", URL="https://169.254.169.254/latest/meta-data")
    [problem] = dialog.error
    assert "169.254.169.254 is where a cloud's machine finds its own credentials" in str(
        problem.value
    ).replace("\\", "")
    assert channels.load_channels(owner) == []


def test_secret_of_a_webhook_is_shown_once(
    monkeypatch: pytest.MonkeyPatch, owner: User, settings: Settings
) -> None:
    assert settings.tally_encryption_keys
    dialog = add(monkeypatch, owner, "webhook", URL="https://example.org/in")
    [code] = dialog.code
    assert str(code.value).startswith("whsec_")
    assert str(code.value) not in shown(open_page(monkeypatch, owner, "settings", {"section": "Alerts"}))


def test_failed_test_says_why(
    monkeypatch: pytest.MonkeyPatch, owner: User, job: Job, settings: Settings, services: FakeServices
) -> None:
    services.always["hooks.slack.com"] = ERRORS["hooks.slack.com"]["workspace deleted"]
    dialog = add(monkeypatch, owner, "slack", Webhook_URL=TARGETS["slack"]["url"])
    deliver_due(job, settings)
    page = open_page(monkeypatch, owner, "settings", {"section": "Alerts"})
    page.session_state["tested-delivery"] = dialog.session_state["tested-delivery"]
    page.run()
    text = shown(page).replace("\\", "")
    assert "Slack: Slack does not know this webhook any more" in text
    assert "no_service" not in text


def test_test_is_sent_and_counted(monkeypatch: pytest.MonkeyPatch, owner: User, settings: Settings) -> None:
    assert settings.tally_encryption_keys
    add(monkeypatch, owner, "slack", Webhook_URL=TARGETS["slack"]["url"])  # the first of five
    [channel] = channels.load_channels(owner)
    for _ in range(3):
        channels.send_test(owner, channel.channel_id)
    page = select_channel(open_page(monkeypatch, owner, "settings", {"section": "Alerts"}), owner)
    assert "a message is on its way" in shown(press(page, "Send test"))
    press(select_channel(page, owner), "Send test")
    assert "tested five times within an hour" in shown(page)


def test_channel_is_paused_resumed_and_removed(
    monkeypatch: pytest.MonkeyPatch, owner: User, settings: Settings
) -> None:
    assert settings.tally_encryption_keys
    add(monkeypatch, owner, "slack", Webhook_URL=TARGETS["slack"]["url"])
    for label, is_paused in (("Pause", True), ("Resume", False)):
        press(select_channel(open_page(monkeypatch, owner, "settings", {"section": "Alerts"}), owner), label)
        [channel] = channels.load_channels(owner)
        assert channel.is_paused is is_paused
    press(open_dialog(monkeypatch, owner, f"{CARD}:confirm_removal", channel), "Remove channel")
    assert channels.load_channels(owner) == []


def test_quiet_hours_and_name_change_without_the_target(
    monkeypatch: pytest.MonkeyPatch, owner: User, job: Job, settings: Settings
) -> None:
    add(monkeypatch, owner, "slack", Webhook_URL=TARGETS["slack"]["url"])
    deliver_due(job, settings)
    [channel] = channels.load_channels(owner)
    dialog = open_dialog(monkeypatch, owner, f"{FORM}:change_channel", channel)
    fill(dialog, "Name", "Evenings")
    next(box for box in dialog.checkbox if box.label == "Quiet hours").check()
    dialog.radio[0].set_value("One digest a day")
    press(dialog, "Save")
    [changed] = channels.load_channels(owner)
    assert (changed.name, changed.is_daily, changed.is_verified) == ("Evenings", True, True)
    assert changed.quiet is not None
    assert [f"{moment:%H:%M}" for moment in changed.quiet] == ["22:00", "08:00"]


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_see_names_and_states_alone(
    monkeypatch: pytest.MonkeyPatch,
    owner: User,
    upstream: AuthClient,
    new_account: Callable[[], Account],
    job: Job,
    settings: Settings,
    role: Any,
) -> None:
    add(monkeypatch, owner, "slack", Name="Spend", Webhook_URL=TARGETS["slack"]["url"])
    deliver_due(job, settings)
    raise_event(job, owner)
    other = join(job, owner, sign_in_user(upstream, new_account()), role)
    page = open_page(monkeypatch, other, "settings", {"section": "Alerts"})
    assert not page.exception
    labels = {button.label for button in page.button}
    assert not labels & {"Add channel", "Send test", "Pause", "Remove"}
    table = next(frame.value for frame in tables(page) if "wishes" in frame.value)
    assert table["name"].tolist() == ["Spend"]
    history = next(frame.value for frame in tables(page) if "what" in frame.value)
    assert "deliveries" not in history


def test_hostile_names_are_shown_as_text(
    monkeypatch: pytest.MonkeyPatch, owner: User, job: Job, settings: Settings, services: FakeServices
) -> None:
    hostile = "<b>x</b> [l](https://evil.example) $a$ :red[r] `c`"
    services.always["hooks.slack.com"] = ERRORS["hooks.slack.com"]["archived"]
    add(monkeypatch, owner, "slack", Name=hostile, Webhook_URL=TARGETS["slack"]["url"])
    deliver_due(job, settings)
    page = open_page(monkeypatch, owner, "settings", {"section": "Alerts"})
    [caption] = [str(found.value) for found in page.caption if "archived" in str(found.value)]
    assert "[l](" not in caption
    assert "\\[l\\]" in caption
