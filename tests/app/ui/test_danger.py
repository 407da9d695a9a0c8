"""What cannot be undone is red, asks first, and is easy to leave."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app
from app.ui import danger
from tests.app.pages import SECONDS
from tests.every_case import every_case

SOURCES = Path(app.__file__).parent
DESTROYS = re.compile(r"_?(delete|remove|revoke|undo|leave|cancel|forget|drop)(_(?!version)\w+)?$")
ASKS = {"confirm_danger", "danger_button"}


def list_dialogs() -> Iterator[tuple[str, str, set[str]]]:
    """Each dialog of the dashboard: its name, its title, and what it and its module's functions call."""
    for path in sorted(SOURCES.rglob("*.py")):
        functions = {
            node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
        }
        for name, function in functions.items():
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "st.dialog":
                    title = ast.literal_eval(decorator.args[0])
                    yield f"{path.relative_to(SOURCES)}:{name}", title, find_calls(function, functions)


def find_calls(function: ast.FunctionDef, functions: dict[str, ast.FunctionDef]) -> set[str]:
    """The names that a function calls, by itself or through others of its module."""
    found: set[str] = set()
    waiting = [function]
    while waiting:
        for node in ast.walk(waiting.pop()):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).rpartition(".")[2]
            if name == "call" and node.args and isinstance(node.args[0], ast.Constant):
                name = str(node.args[0].value)  # a function of the database
            if name in functions and name not in found:
                waiting.append(functions[name])
            found.add(name)
    return found


def destroys(title: str, calls: set[str]) -> bool:
    return bool(DESTROYS.match(title.split()[0].lower())) or any(map(DESTROYS.match, calls))


DIALOGS = [(name, calls) for name, title, calls in list_dialogs() if destroys(title, calls)]


def test_every_kind_of_deletion_is_among_the_dialogs() -> None:
    verbs = {call for _name, calls in DIALOGS for call in calls if DESTROYS.match(call)}

    assert {
        "cancel_invitation", "delete_budget", "delete_connection", "delete_own_account", "delete_record",
        "delete_subscription", "delete_workspace", "leave_workspace", "remove_channel", "remove_member",
        "revoke_api_key", "undo_import",
    } <= verbs  # fmt: skip


@every_case(DIALOGS)
def test_a_dialog_that_deletes_is_red_and_has_cancel(name: str, calls: set[str]) -> None:
    assert calls & ASKS, f"{name} deletes: let confirm_danger (app/ui/danger.py) ask."


def ask() -> AppTest:
    def script() -> None:
        import streamlit as st

        from app.ui.danger import confirm_danger

        st.text("done" if confirm_danger("Delete it") else "asked")

    return AppTest.from_function(script, default_timeout=SECONDS).run()


def test_cancel_comes_first_and_does_nothing() -> None:
    asked = ask()
    assert [button.label for button in asked.button] == ["Cancel", "Delete it"]
    asked.button[0].click().run()
    assert asked.text[0].value == "asked"
    asked.button[1].click().run()
    assert asked.text[0].value == "done"


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("red", [danger.RED, danger.DEEP_RED])
def test_white_on_the_red_is_readable(red: str) -> None:
    assert 1.05 / (luminance(red) + 0.05) >= 4.5
