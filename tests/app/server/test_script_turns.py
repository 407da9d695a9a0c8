"""Turns of scripts: one account's pages, run again and again, leave others theirs; nobody alone waits."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from app.auth.session_keys import session_id
from app.auth.sessions import Sessions
from app.auth.sqlite_sessions import SqliteSessions
from app.server import script_turns
from app.server.script_turns import (
    ALL_AT_ONCE,
    AROUND_SECONDS,
    AT_ONCE,
    AT_ONCE_WITH_LITTLE,
    CREDIT_SECONDS,
    DEBT_SECONDS,
    FORGOTTEN_SECONDS,
    LONG_SECONDS,
    ScriptTurns,
)
from tally.accounts.auth_client import AuthClient, Tokens

TWO_AROUND = 1 / 3  # the part of the processor that each of two accounts earns


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def started(asked: list[Event]) -> int:
    return sum(1 for begins in asked if begins.is_set())


def with_others(clock: Callable[[], float]) -> ScriptTurns:
    """Turns where somebody else has just opened a page."""
    turns = ScriptTurns(clock)
    turns.ask("ben")
    turns.end("ben", 0.1)
    return turns


def test_who_is_alone_has_the_whole_server() -> None:
    turns = ScriptTurns(Clock())
    for _ in range(50):
        assert turns.ask("ada").is_set()
        turns.end("ada", 10.0)
    asked = [turns.ask("ada") for _ in range(ALL_AT_ONCE + 3)]
    assert started(asked) == ALL_AT_ONCE


def test_beside_others_an_account_runs_some_scripts_at_once() -> None:
    turns = with_others(Clock())
    asked = [turns.ask("ada") for _ in range(10)]
    assert started(asked) == AT_ONCE
    assert turns.ask("ben").is_set()
    turns.end("ada", 0.0)
    assert started(asked) == AT_ONCE + 1


def test_used_up_credit_comes_back_with_time() -> None:
    clock = Clock()
    turns = with_others(clock)
    turns.ask("ada")
    turns.end("ada", CREDIT_SECONDS + 1)
    turns.ask("ben")
    waiting = turns.ask("ada")
    assert not waiting.is_set()
    assert turns.wait_seconds("ada") == 1 / TWO_AROUND
    clock.now += 1 / TWO_AROUND - 0.1
    turns.ask("ben")
    assert not waiting.is_set()
    clock.now += 0.2
    turns.ask("ben")
    assert waiting.is_set()


def test_who_used_much_runs_one_script_at_a_time() -> None:
    turns = with_others(Clock())
    turns.ask("ada")
    turns.end("ada", CREDIT_SECONDS / 2)
    asked = [turns.ask("ada") for _ in range(3)]
    assert started(asked) == AT_ONCE_WITH_LITTLE


def test_waiting_ends_by_itself_once_there_is_credit() -> None:
    turns = ScriptTurns()
    turns.ask("ben")
    turns.ask("ada")
    turns.end("ada", CREDIT_SECONDS + 0.2)
    asked = turns.ask("ada")
    assert not asked.is_set()
    assert asked.wait(60)


def test_a_debt_has_a_bound() -> None:
    turns = with_others(Clock())
    turns.ask("ben")
    turns.ask("ada")
    turns.end("ada", 1_000)
    assert turns.wait_seconds("ada") == DEBT_SECONDS / TWO_AROUND


def test_a_debt_does_not_count_while_no_others_run() -> None:
    turns = with_others(Clock())
    turns.ask("ben")
    turns.ask("ada")
    turns.end("ada", 1_000)
    waiting = turns.ask("ada")
    assert not waiting.is_set()
    turns.end("ben", 0.1)
    assert waiting.is_set()
    second = turns.ask("ada")
    assert not second.is_set()


def test_others_who_left_count_no_more() -> None:
    clock = Clock()
    turns = with_others(clock)
    asked = [turns.ask("ada") for _ in range(ALL_AT_ONCE)]
    clock.now += AROUND_SECONDS - 0.1
    turns.ask("ada")
    assert started(asked) == AT_ONCE
    clock.now += 0.2
    turns.ask("ada")
    assert started(asked) == ALL_AT_ONCE


def test_a_place_that_becomes_free_goes_to_who_used_least() -> None:
    clock = Clock()
    turns = ScriptTurns(clock)
    for account, used in (("ada", 0.4), ("ben", 0.1), ("cleo", 0.2)):
        turns.ask(account)
        turns.end(account, used)
    for other in range(ALL_AT_ONCE):
        assert turns.ask(f"other {other}").is_set()
    asked = {account: turns.ask(account) for account in ("ada", "ben", "cleo")}
    order: list[str] = []
    for other in range(3):
        turns.end(f"other {other}", 0.1)
        order += [account for account in asked if asked[account].is_set() and account not in order]
    assert order == ["ben", "cleo", "ada"]


def test_scripts_that_wait_for_something_else_keep_no_place() -> None:
    clock = Clock()
    turns = ScriptTurns(clock)
    for other in range(ALL_AT_ONCE):
        assert turns.ask(f"importing {other}").is_set()
    assert not turns.ask("ada").is_set()
    clock.now += LONG_SECONDS + 0.1
    asked = [turns.ask(account) for account in ("ben", "cleo", "dora", "eve")]
    assert started(asked) == ALL_AT_ONCE - 1  # ada came first
    turns.end("importing 0", 0.1)
    assert started(asked) == ALL_AT_ONCE - 1
    turns.end("ben", 0.1)
    assert started(asked) == ALL_AT_ONCE


def test_who_waits_begins_once_the_others_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_turns, "AROUND_SECONDS", 0.1)
    turns = with_others(time.monotonic)
    for _ in range(AT_ONCE):
        assert turns.ask("ada").is_set()
    began = time.monotonic()
    with turns.turn("ada"):
        assert time.monotonic() - began < 5


def test_who_has_been_away_is_forgotten() -> None:
    clock = Clock()
    turns = with_others(clock)
    clock.now += FORGOTTEN_SECONDS + 1
    turns.ask("ada")
    turns.end("ada", 0.1)
    assert set(turns._shares) == {"ada"}


def test_a_failing_script_ends_its_turn() -> None:
    turns = ScriptTurns()
    for _ in range(ALL_AT_ONCE + 1):
        try:
            with turns.turn("ada"):
                raise ValueError
        except ValueError:
            pass
    assert turns._shares["ada"].running == 0


def test_every_script_runs_in_a_turn_of_its_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = Sessions(SqliteSessions(tmp_path / "sessions.db"), AuthClient("http://127.0.0.1:1", "key"))
    sid = session_id(store.open(Tokens("ada's id", "ada@example.com", 0, "access", "refresh")))
    taken: list[str] = []
    monkeypatch.setattr(script_turns, "sessions", lambda: store)
    monkeypatch.setattr(ScriptTurns, "_wait", lambda _, account: taken.append(account))
    monkeypatch.setattr(ScriptTurns, "end", lambda *_: taken.append("end"))
    monkeypatch.setattr(ScriptRunner, "_run_script", lambda _, data: taken.append(data))
    script_turns.install()
    for each in (sid, "signed out"):
        ScriptRunner._run_script(SimpleNamespace(_user_info={"sid": each}), "rerun")  # type: ignore[arg-type]
    assert taken == ["ada's id", "rerun", "end", "signed out", "rerun", "end"]
