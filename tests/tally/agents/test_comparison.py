"""The same tokens as ccusage for every day, model and class; where the two differ, the test says why."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ccusage.install import IS_FOR_THIS_MACHINE
from tests.tally.agents.comparison import find_differences, load_ccusage, load_tally, run_ccusage
from tests.tally.agents.corpus import write_corpus
from tests.tally.agents.homes import claude_row, codex_rows, codex_usage, write_claude, write_codex

MILLION = Decimal(1_000_000)

pytestmark = pytest.mark.skipif(not IS_FOR_THIS_MACHINE, reason="ccusage is installed for Linux on x86-64")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "home"
    write_corpus(folder)
    return folder


def test_tokens_are_the_same_to_the_unit_and_costs_within_half_a_percent(home: Path, tmp_path: Path) -> None:
    """At full size in bench/collecting.py."""
    assert find_differences(home, tmp_path) == []
    assert min(len(days) for days in load_tally(home, tmp_path).values()) >= 5


@pytest.mark.parametrize("timezone", ["America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"])
def test_every_timezone_has_its_own_days(home: Path, tmp_path: Path, timezone: str) -> None:
    assert find_differences(home, tmp_path, timezone) == []


class Both:
    """One session of Claude Code, as both see it."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def see(self, *rows: object) -> tuple[Any, Any]:
        """Tokens and cost from ccusage, and from Tally; None from one that counts nothing."""
        write_claude(self._home, *rows)
        days = {"ccusage": load_ccusage(self._home), "tally": load_tally(self._home, self._home / "state")}
        ours, theirs = (
            next(iter(days[name].get("claude-code", {}).values()), None) for name in ("tally", "ccusage")
        )
        return theirs, ours


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return Both(tmp_path)


def test_difference_a_line_that_is_still_being_written_waits(both: Both) -> None:
    """ccusage reads every byte each time; Tally goes on from where it was, so a line must be whole."""
    theirs, ours = both.see(json.dumps(claude_row(), separators=(",", ":")).encode())

    assert (theirs.output, ours) == (100, None)


def test_difference_copies_of_lines_without_a_message_id_are_one_request(both: Both) -> None:
    theirs, ours = both.see(claude_row(None), claude_row(None))

    assert (theirs.output, ours.output) == (200, 100)


def test_difference_a_sidechain_replay_in_another_session_is_no_second_request(both: Both) -> None:
    replay = claude_row(request="req_2", session="s2", isSidechain=True, usage={"output_tokens": 90})

    theirs, ours = both.see(claude_row(), replay)

    assert (theirs.output, ours.output) == (190, 100)


def test_difference_a_request_without_its_second_id_counts_once_over_sessions(both: Both) -> None:
    theirs, ours = both.see(claude_row(request=None), claude_row(request=None, session="s2"))

    assert (theirs.output, ours.output) == (200, 100)


def test_difference_a_null_is_nothing_said_and_the_tokens_were_spent(both: Both) -> None:
    theirs, ours = both.see(claude_row() | {"requestId": None})

    assert (theirs, ours.output) == (None, 100)


def test_difference_a_cost_that_the_log_claims_is_not_believed(both: Both) -> None:
    theirs, ours = both.see(claude_row(costUSD=5.5))

    assert theirs.cost_usd == 5.5
    assert ours.cost_usd == pytest.approx(float((10 * Decimal(3) + 100 * Decimal(15)) / MILLION))


def test_difference_a_long_request_is_dearer_as_a_whole(both: Both) -> None:
    """Anthropic charges all tokens of a request beyond 200,000 at the long rate; ccusage those beyond it."""
    theirs, ours = both.see(claude_row(usage={"input_tokens": 1_000, "cache_read_input_tokens": 250_000}))

    long = 1_000 * Decimal(6) + 250_000 * Decimal("0.60") + 100 * Decimal("22.50")
    marginal = 1_000 * Decimal(3) + 200_000 * Decimal("0.30") + 50_000 * Decimal("0.60") + 100 * Decimal(15)
    assert ours.cost_usd == pytest.approx(float(long / MILLION))
    assert theirs.cost_usd == pytest.approx(float(marginal / MILLION))


def test_difference_old_spend_keeps_the_price_of_its_day(both: Both) -> None:
    """The long-context premium of this model ended in March 2026; ccusage prices February as today."""
    usage = {"cache_read_input_tokens": 250_000, "output_tokens": 0}
    theirs, ours = both.see(claude_row(at="2026-02-10T12:00:00Z", model="claude-opus-4-6", usage=usage))

    assert ours.cost_usd == pytest.approx(float((10 * Decimal(10) + 250_000 * Decimal(1)) / MILLION))
    assert theirs.cost_usd == pytest.approx(float((10 * Decimal(5) + 250_000 * Decimal("0.5")) / MILLION))


def test_difference_web_searches_are_paid(both: Both) -> None:
    theirs, ours = both.see(claude_row(usage={"server_tool_use": {"web_search_requests": 3}}))

    assert ours.cost_usd - theirs.cost_usd == pytest.approx(0.03)


SAME = {
    "five minutes and an hour": {
        "cache_creation": {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 1_000}
    },
    "fast": {"speed": "fast"},
    "advisor": {
        "iterations": [
            {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 50, "output_tokens": 60}
        ]
    },
}


@pytest.mark.parametrize("usage", SAME.values(), ids=SAME.keys())
def test_no_difference_in_classes_and_speeds(both: Both, usage: dict[str, Any]) -> None:
    theirs, ours = both.see(claude_row(model="claude-opus-4-8", usage=usage))

    assert ours.counts == theirs.counts
    assert ours.cost_usd == pytest.approx(theirs.cost_usd)


def rows_of_days(report: Any) -> Iterator[date]:
    return (date.fromisoformat(day["date"]) for day in report["daily"])


def test_no_difference_in_a_spawned_thread(tmp_path: Path) -> None:
    totals = [
        {"at": f"2026-09-01T12:00:01.00{n}Z", "last_token_usage": codex_usage(1_000, n)} for n in (1, 2)
    ]
    own = {"at": "2026-09-01T12:00:20Z", "last_token_usage": codex_usage(4_000, 40)}
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "c0"}}}
    write_codex(tmp_path, codex_rows(*totals, own, source=source))

    theirs, ours = load_ccusage(tmp_path)["codex"], load_tally(tmp_path, tmp_path / "state")["codex"]

    assert list(rows_of_days(run_ccusage(tmp_path, "codex", "daily"))) == [date(2026, 9, 1)]
    assert theirs[("2026-09-01", "gpt-5")].counts == ours[("2026-09-01", "gpt-5")].counts == (4_000, 0, 0, 40)
