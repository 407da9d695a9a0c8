"""Comparison with ccusage: the same tokens by day, model and class, and a test for every difference."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ccusage.install import IS_FOR_THIS_MACHINE
from tests.tally.agents.comparison import (
    REPORT,
    count_tokens,
    environment_of,
    find_differences,
    load_ccusage,
    load_tally,
    run_ccusage,
)
from tests.tally.agents.corpus import write_corpus
from tests.tally.agents.homes import claude_row, codex_rows, codex_usage, write_claude, write_codex
from tests.tally.cli.in_process import run_tally

MILLION = Decimal(1_000_000)

pytestmark = pytest.mark.skipif(not IS_FOR_THIS_MACHINE, reason="ccusage is installed for Linux on x86-64")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "home"
    write_corpus(folder)
    return folder


def test_tokens_match_exactly_and_costs_within_half_a_percent(home: Path, tmp_path: Path) -> None:
    """At full size: bench/collecting.py."""
    assert find_differences(home, tmp_path) == []
    assert min(len(days) for days in load_tally(home, tmp_path).values()) >= 5


@pytest.mark.parametrize("timezone", ["America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"])
def test_days_match_in_every_timezone(home: Path, tmp_path: Path, timezone: str) -> None:
    assert find_differences(home, tmp_path, timezone) == []


class Both:
    """Both programs' results for one Claude Code session."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def see(self, *rows: object) -> tuple[Any, Any]:
        """Return tokens and cost from ccusage and from Tally; None from a program that counts nothing."""
        write_claude(self._home, *rows)
        of_agents = load_ccusage(self._home, agents=["claude-code"]), count_tokens(self._report())
        theirs, ours = (next(iter(days.get("claude-code", {}).values()), None) for days in of_agents)
        return theirs, ours

    def _report(self) -> Any:
        """Return Tally's report, made in this process."""
        environment = environment_of(self._home) | {"TALLY_HOME": str(self._home / "state")}
        ended = run_tally(*REPORT, "--timezone", "UTC", environment=environment)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return Both(tmp_path)


def test_last_line_without_its_newline_counts(both: Both) -> None:
    theirs, ours = both.see(json.dumps(claude_row(), separators=(",", ":")).encode())

    assert (theirs.output, ours.output) == (100, 100)


def test_difference_copies_of_a_line_without_message_id_are_one_request(both: Both) -> None:
    theirs, ours = both.see(claude_row(None), claude_row(None))

    assert (theirs.output, ours.output) == (200, 100)


def test_difference_sidechain_replay_in_another_session_is_not_counted(both: Both) -> None:
    replay = claude_row(request="req_2", session="s2", isSidechain=True, usage={"output_tokens": 90})

    theirs, ours = both.see(claude_row(), replay)

    assert (theirs.output, ours.output) == (190, 100)


def test_difference_request_without_request_id_counts_once_across_sessions(both: Both) -> None:
    theirs, ours = both.see(claude_row(request=None), claude_row(request=None, session="s2"))

    assert (theirs.output, ours.output) == (200, 100)


def test_difference_null_request_id_does_not_discard_the_request(both: Both) -> None:
    theirs, ours = both.see(claude_row() | {"requestId": None})

    assert (theirs, ours.output) == (None, 100)


def test_difference_cost_in_the_log_is_not_used(both: Both) -> None:
    theirs, ours = both.see(claude_row(costUSD=5.5))

    assert theirs.cost_usd == 5.5
    assert ours.cost_usd == pytest.approx(float((10 * Decimal(3) + 100 * Decimal(15)) / MILLION))


def test_difference_long_context_price_applies_to_the_whole_request(both: Both) -> None:
    """Above 200,000 tokens, Anthropic charges the long-context price for all; ccusage only for the excess."""
    theirs, ours = both.see(claude_row(usage={"input_tokens": 1_000, "cache_read_input_tokens": 250_000}))

    long = 1_000 * Decimal(6) + 250_000 * Decimal("0.60") + 100 * Decimal("22.50")
    marginal = 1_000 * Decimal(3) + 200_000 * Decimal("0.30") + 50_000 * Decimal("0.60") + 100 * Decimal(15)
    assert ours.cost_usd == pytest.approx(float(long / MILLION))
    assert theirs.cost_usd == pytest.approx(float(marginal / MILLION))


def test_difference_old_requests_have_the_price_of_their_day(both: Both) -> None:
    """This model's long-context premium ended in March 2026; ccusage uses today's price for February."""
    usage = {"cache_read_input_tokens": 250_000, "output_tokens": 0}
    theirs, ours = both.see(claude_row(at="2026-02-10T12:00:00Z", model="claude-opus-4-6", usage=usage))

    assert ours.cost_usd == pytest.approx(float((10 * Decimal(10) + 250_000 * Decimal(1)) / MILLION))
    assert theirs.cost_usd == pytest.approx(float((10 * Decimal(5) + 250_000 * Decimal("0.5")) / MILLION))


def test_difference_web_searches_are_charged(both: Both) -> None:
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
def test_token_classes_and_speeds_match(both: Both, usage: dict[str, Any]) -> None:
    theirs, ours = both.see(claude_row(model="claude-opus-4-8", usage=usage))

    assert ours.counts == theirs.counts
    assert ours.cost_usd == pytest.approx(theirs.cost_usd)


def rows_of_days(report: Any) -> Iterator[date]:
    return (date.fromisoformat(day["date"]) for day in report["daily"])


HISTORY = [{"at": f"2026-09-01T12:00:01.00{n}Z", "last_token_usage": codex_usage(1_000, n)} for n in (1, 2)]


def write_fork(home: Path) -> None:
    """Write a session that begins with the history of its parent c0."""
    own = {"at": "2026-09-01T12:00:20Z", "last_token_usage": codex_usage(4_000, 40)}
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "c0"}}}
    write_codex(home, codex_rows(*HISTORY, own, source=source))


def test_difference_history_of_a_session_that_is_gone_counts(tmp_path: Path) -> None:
    """Nothing else tells of these requests; ccusage takes quick ones of a fork for a replay."""
    write_fork(tmp_path)

    theirs = load_ccusage(tmp_path, agents=["codex"])["codex"]
    ours = load_tally(tmp_path, tmp_path / "state")["codex"]

    assert theirs[("2026-09-01", "gpt-5")].counts == (4_000, 0, 0, 40)
    assert ours[("2026-09-01", "gpt-5")].counts == (6_000, 0, 0, 43)


def test_forked_session_matches(tmp_path: Path) -> None:
    write_codex(tmp_path, codex_rows(*HISTORY, id="c0"), file="2026/09/01/rollout-0.jsonl")
    write_fork(tmp_path)

    theirs = load_ccusage(tmp_path, agents=["codex"])["codex"]
    ours = load_tally(tmp_path, tmp_path / "state")["codex"]

    assert list(rows_of_days(run_ccusage(tmp_path, "codex", "daily"))) == [date(2026, 9, 1)]
    assert theirs[("2026-09-01", "gpt-5")].counts == ours[("2026-09-01", "gpt-5")].counts == (6_000, 0, 0, 43)
