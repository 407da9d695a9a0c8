"""The card of Settings that exports costs as FOCUS, now and each night."""

import csv
import io
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from app.auth.identity import User, database_of
from app.views.settings.focus_card import FocusFile
from tally.focus.places import NO_PLACE, PLACE_FAILS
from tally.local.stack import Stack
from tests.app.pages import open_page, save, shown, usage
from tests.shared_connections import operator_connection
from tests.tally.focus.rules import find_violations


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button}


def test_file_is_made_on_request_and_adds_up(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "2.5"), usage(2, "0.0000000001")])
    page = open_page(monkeypatch, user, "settings")
    assert "focus_file" not in page.session_state
    page.selectbox(key="focus_period").set_value("Everything")
    press(page, "Prepare FOCUS file")
    made: FocusFile = page.session_state.focus_file
    rows = list(csv.DictReader(io.StringIO(made.content.decode(), newline="")))
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("2.5000000001")
    assert not find_violations(rows)
    [button] = [one for one in page.get("download_button") if "Download" in one.proto.label]
    assert button.proto.label.startswith(f"Download {len(rows)} row")
    page.selectbox(key="focus_format").set_value("Parquet").run()
    assert not [one for one in page.get("download_button") if "Download" in one.proto.label], (
        "the file of another format is not offered"
    )


def test_files_are_kept_and_stopped_where_the_server_has_a_place(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    monkeypatch.setenv("TALLY_FOCUS_URL", "file:///somewhere")
    page = press(open_page(monkeypatch, user, "settings"), "Keep a file for each month")
    assert "from the next nightly run on" in shown(page).replace("\\", "")
    export = database_of(user).call("focus_state")["export"]
    assert (export["months"], export["problem"], export["is_own"]) == (0, None, True)
    press(page, "Stop keeping files")
    assert database_of(user).call("focus_state")["export"] is None


def test_server_without_a_place_says_who_can_help(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    monkeypatch.delenv("TALLY_FOCUS_URL", raising=False)
    page = open_page(monkeypatch, user, "settings")
    assert NO_PLACE in shown(page).replace("\\", "")
    assert "Keep a file for each month" not in labels(page)


def test_failure_of_the_night_is_named(monkeypatch: pytest.MonkeyPatch, user: User, stack: Stack) -> None:
    database_of(user).call("set_focus_export", is_enabled=True)
    with operator_connection(stack) as connection:
        connection.execute(
            "select private.report_focus_export(%s, 0, 0, %s)", [user.workspace.workspace_id, PLACE_FAILS]
        )
    page = open_page(monkeypatch, user, "settings")
    assert PLACE_FAILS in " ".join(str(warning.value) for warning in page.warning).replace("\\", "")
