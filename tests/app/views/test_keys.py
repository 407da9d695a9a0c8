"""Keys: made in a dialog, shown whole once, listed, changed, rotated and revoked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app import data
from app.auth.identity import User, database_of
from app.data import api_keys
from app.views.keys import connect
from app.views.keys.new_key import STATE, Shown
from tally.accounts.auth_client import AuthClient
from tally.api_keys.key_text import is_key_text
from tally.api_keys.keys import ApiKey, NewKey, create_key, revoke_key, rotate_key
from tally.api_keys.verification import Grant
from tally.local.stack import Stack
from tally.telemetry.calls import Call
from tally.telemetry.save import Sent, save_telemetry
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import open_dialog, open_page, shown
from tests.app.projects import add_project
from tests.app.teams import join, new_team, set_role
from tests.app.ui.shown_table import select_line, tables

Job = psycopg.Connection[Any]
FORM = "app.views.keys.key_form"


def press(page: AppTest, label: str) -> AppTest:
    """Press a button."""
    next(found for found in page.button if found.label == label).click().run()
    assert not page.exception
    return page


def is_enabled(page: AppTest, label: str) -> bool:
    """True if a button can be pressed."""
    return not next(found for found in page.button if found.label == label).disabled


def select(page: AppTest, user: User, place: int = 0) -> AppTest:
    """Select a row of the list, in which the newest key comes first."""
    keys = [key.id for key in reversed(api_keys.load_api_keys(user)) if key.works(datetime.now(UTC))]
    return select_line(page, f"keys-{hash(tuple(keys))}", place)


def rows(page: AppTest) -> list[list[Any]]:
    """Names, projects and states in the list."""
    [table] = [frame.value for frame in tables(page) if "scopes" in frame.value]
    listed: list[list[Any]] = table[["name", "project", "state"]].to_numpy().tolist()
    return listed


def test_without_keys_the_page_says_what_they_are_for(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "keys")
    assert not page.exception
    assert "No keys yet." in shown(page)
    assert is_enabled(page, "Create key")
    [snippet] = page.code
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" in snippet.value
    assert "Bearer YOUR_KEY" in snippet.value
    assert "Create a key first" in shown(page)


def test_a_key_is_created_with_its_limits(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    project = add_project(user, "Garden shop")
    dialog = open_dialog(monkeypatch, user, f"{FORM}:create_key")
    dialog.text_input[0].set_value("checkout-bot")
    dialog.checkbox[1].check()
    dialog.checkbox[2].check()
    next(field for field in dialog.selectbox if field.label == "Project").select(project)
    dialog.number_input[0].set_value(120)
    next(field for field in dialog.selectbox if field.label == "Expires").select("90 days")
    press(dialog, "Create key")
    [key] = api_keys.load_api_keys(user)
    assert (key.name, key.project_id, key.scopes) == ("checkout-bot", project, ("ingest", "read", "prompts"))
    assert (key.requests_per_minute, key.tokens_per_minute) == (120, None)
    assert key.expires_at is not None
    assert timedelta(days=89) < key.expires_at - datetime.now(UTC) <= timedelta(days=90)
    new = dialog.session_state[STATE]
    assert is_key_text(new.text)
    assert key.shown == f"{new.text[:8]}…{new.text[-4:]}"


def test_a_key_without_rights_or_name_is_refused(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    dialog = open_dialog(monkeypatch, user, f"{FORM}:create_key")
    dialog.text_input[0].set_value("x")
    dialog.checkbox[0].uncheck()
    press(dialog, "Create key")
    assert "Choose what the key may do" in dialog.error[0].value
    dialog.checkbox[0].check()
    dialog.text_input[0].set_value(" ")
    press(dialog, "Create key")
    assert "Give the key a name" in dialog.error[0].value
    assert api_keys.load_api_keys(user) == []


def test_the_whole_key_is_shown_until_the_page_is_left(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    dialog = open_dialog(monkeypatch, user, f"{FORM}:create_key")
    dialog.text_input[0].set_value("laptop [red]")
    press(dialog, "Create key")
    new = dialog.session_state[STATE]

    page = open_page(monkeypatch, user, "keys")
    assert new.text not in shown(page)
    page.session_state[STATE] = new
    page.run()
    key, snippet = page.code
    assert key.value == new.text
    assert new.text in snippet.value
    assert "This is the only time the whole key is shown" in page.warning[0].value
    assert "Waiting for the first call" in shown(page)
    next(field for field in page.selectbox if field.label == "Client").select("codex").run()
    assert page.code[0].value == new.text  # as long as the page stays open
    assert page.code[1].language == "toml"
    assert new.text in page.code[1].value
    press(page, "Done")
    assert not [code for code in page.code if new.text in code.value]

    page.session_state[STATE] = new
    page.run()
    assert page.code[0].value == new.text
    for title in ("Sources", "Keys"):
        page._page_hash = calc_hash(title.lower())
        page.run()
    assert not [code for code in page.code if new.text in code.value]
    assert STATE not in page.session_state


def test_a_new_key_that_only_reads_needs_no_client(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    dialog = open_dialog(monkeypatch, user, f"{FORM}:create_key")
    dialog.text_input[0].set_value("report")
    dialog.checkbox[0].uncheck()
    dialog.checkbox[1].check()
    press(dialog, "Create key")
    page = open_page(monkeypatch, user, "keys")
    page.session_state[STATE] = dialog.session_state[STATE]
    page.run()
    assert [code.value for code in page.code] == [dialog.session_state[STATE].text]
    assert "The key only reads" in shown(page)


def test_the_list_tells_of_the_first_use_as_soon_as_the_card_does(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    made = create_key(database_of(user), NewKey("both", ("ingest", "read")))
    load = api_keys.load_api_keys

    def load_later(reader: User) -> list[ApiKey]:
        job.execute("update public.api_keys set last_used_at = now() where id = %s", [made.id])
        return load(reader)

    monkeypatch.setattr(connect, "load_api_keys", load_later)
    page = open_page(monkeypatch, user, "keys")
    page.session_state[STATE] = Shown(made.id, "both", made.text, user.workspace.workspace_id, sends=True)
    page.run()
    assert not page.exception
    assert "The key was used, but no call of a model has come" in shown(page)  # it may have read
    assert rows(page) == [["both", "By rules", "Active"]]


def test_the_card_tells_of_the_first_call(monkeypatch: pytest.MonkeyPatch, user: User, stack: Stack) -> None:
    made = create_key(database_of(user), NewKey("laptop"))
    page = open_page(monkeypatch, user, "keys")
    page.session_state[STATE] = Shown(made.id, "laptop", made.text, user.workspace.workspace_id, sends=True)
    page.run()
    assert "Waiting for the first call" in shown(page)
    call = Call(
        datetime(2026, 5, 1, 12, tzinfo=UTC),
        provider="openai",
        model="gpt-5",
        input_tokens=1_000,
        output_tokens=10,
        has_usage=True,
        trace_id=f"{1:032x}",
        span_id=f"{1:016x}",
    )
    key_id, owner, workspace = map(UUID, (made.id, user.user_id, user.workspace.workspace_id))
    grant = Grant(key_id, owner, workspace, None, "laptop", frozenset({"ingest"}), None, None)
    with psycopg.connect(stack.settings()["API_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("select private.touch_api_key(%s)", [made.id])
        assert save_telemetry(connection, [Sent(grant, [call])])[0].error is None
    page.run()
    told = "(1 May 2026, 12:00): gpt-5: 1,000 tokens in, 10 out, $0.00135."
    assert told in shown(page).replace("\\", "")
    assert "Waiting" not in shown(page)


def test_the_list_says_which_keys_are_used_and_which_end(
    monkeypatch: pytest.MonkeyPatch, user: User, job: Job
) -> None:
    database = database_of(user)
    project = add_project(user, "Shop")
    for name in ("idle", "used", "rotated", "revoked"):
        create_key(database, NewKey(name, project_id=project if name == "used" else None))
    keys = {key.name: key for key in api_keys.load_api_keys(user)}
    query = (
        "update public.api_keys set created_at = now() - %s::interval, last_used_at = now() - %s::interval"
    )
    for name, age, used in (("idle", "50 days", "41 days"), ("used", "40 days", "1 minute")):
        job.execute(f"{query} where id = %s", [age, used, keys[name].id])
    rotate_key(database, keys["rotated"], timedelta(days=5), None)
    revoke_key(database, keys["revoked"].id)
    page = open_page(monkeypatch, user, "keys")
    states = {name: (project, state) for name, project, state in rows(page) if name != "rotated"}
    assert states == {"idle": ("By rules", "Unused 41 days"), "used": ("Shop", "Active")}
    ends = datetime.now(UTC) + timedelta(days=5)
    new, old = (state for name, _, state in rows(page) if name == "rotated")
    assert new == "Waiting"
    assert old.startswith(f"Ends {ends.day} ")
    assert "4 keys, 1 unused" in shown(page)
    page.toggle[0].set_value(True).run()
    assert rows(page)[-1] == ["revoked", "By rules", "Revoked"]


def test_a_selected_key_is_rotated_edited_and_revoked(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    create_key(database_of(user), NewKey("laptop", requests_per_minute=60))
    page = open_page(monkeypatch, user, "keys")
    assert not any(is_enabled(page, label) for label in ("Rotate", "Edit", "Revoke"))
    select(page, user)
    assert all(is_enabled(page, label) for label in ("Rotate", "Edit", "Revoke"))

    [key] = api_keys.load_api_keys(user)
    with monkeypatch.context() as patch:
        dialog = open_dialog(patch, user, f"{FORM}:edit_key", key)
        dialog.text_input[0].set_value("desk")
        press(dialog, "Save changes")
    [key] = api_keys.load_api_keys(user)
    assert (key.name, key.requests_per_minute, key.expires_at) == ("desk", 60, None)

    with monkeypatch.context() as patch:
        dialog = open_dialog(patch, user, f"{FORM}:rotate_key", key)
        press(dialog, "Rotate key")
        new = dialog.session_state[STATE]
    old, fresh = api_keys.load_api_keys(user)
    assert (new.key_id, old.successor_id) == (fresh.id, fresh.id)
    assert old.expires_at is not None
    assert timedelta(hours=23) < old.expires_at - datetime.now(UTC) <= timedelta(hours=24)

    with monkeypatch.context() as patch:
        dialog = open_dialog(patch, user, f"{FORM}:confirm_revocation", fresh)
        press(dialog, "Cancel")
        assert api_keys.load_api_keys(user)[1].revoked_at is None
        press(dialog, "Revoke key")
    assert api_keys.load_api_keys(user)[1].revoked_at is not None


def test_who_may_do_what(
    monkeypatch: pytest.MonkeyPatch,
    user: User,
    new_account: Callable[[], Account],
    upstream: AuthClient,
    job: Job,
) -> None:
    admin = new_team(job, user)
    member = join(job, admin, sign_in_user(upstream, new_account()), "member")
    create_key(database_of(member), NewKey("ci"))
    page = select(open_page(monkeypatch, admin, "keys"), admin)
    [table] = [frame.value for frame in tables(page) if "owner" in frame.value]
    assert table["owner"].tolist() == [data.load_people(admin)[member.user_id].email]
    assert [is_enabled(page, label) for label in ("Rotate", "Edit", "Revoke")] == [False, True, True]
    assert "Only its owner can rotate it" in shown(page)

    set_role(job, member, "viewer")
    assert rows(open_page(monkeypatch, admin, "keys")) == [["ci", "By rules", "Owner only reads"]]
    page = open_page(monkeypatch, member, "keys")
    assert not is_enabled(page, "Create key")
    select(page, member)
    assert [is_enabled(page, label) for label in ("Rotate", "Edit", "Revoke")] == [False, False, True]


def test_a_page_whose_database_is_away_says_so(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    from tally.storage.database import Unreachable

    def fail(_: User) -> None:
        raise Unreachable("The database cannot be reached right now.")

    monkeypatch.setattr(api_keys, "load_api_keys", fail)
    page = open_page(monkeypatch, user, "keys")
    assert "The database cannot be reached right now." in shown(page)
