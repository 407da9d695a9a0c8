"""Tokens by agent, day, model and class, according to ccusage and to Tally."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tally.agents import claude_code
from tally.agents.log_files import stat_logs
from tally.agents.prices import price_event
from tally.agents.scan import read_logs
from tally.catalog.models import canonical_model
from tally.local.node import find_node
from tests.ccusage.install import PROGRAM
from tests.program_environment import program_environment

AGENTS = {
    "claude-code": "claude",
    "codex": "codex",
    "gemini-cli": "gemini",
    "opencode": "opencode",
    "copilot-cli": "copilot",
}
ANY_MODEL = "*"
COST_TOLERANCE = 0.005
Key = tuple[str, str]  # day, model


@dataclass
class Tokens:
    """Tokens of one model on one day, in ccusage's classes."""

    uncached: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    cost_usd: float = 0.0

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return self.uncached, self.cached, self.written, self.output


def run_ccusage(home: Path, *arguments: str, timezone: str = "UTC") -> Any:
    """Return the JSON of `ccusage` for a home folder, at its bundled prices."""
    answer = subprocess.run(
        [PROGRAM, *arguments, "--json", "--offline", "--timezone", timezone],
        env=environment_of(home),
        capture_output=True,
        check=True,
    )
    return json.loads(answer.stdout)


def run_tally(home: Path, state: Path, timezone: str = "UTC") -> Any:
    """Return the JSON of `tally collect --dry-run` for a home folder."""
    answer = subprocess.run(
        [*TALLY, "--timezone", timezone],
        env=environment_of(home) | {"TALLY_HOME": str(state)},
        capture_output=True,
        check=True,
    )
    return json.loads(answer.stdout)


REPORT = ["collect", "--dry-run", "--json"]
TALLY = [sys.executable, "-m", "tally", *REPORT]


def environment_of(home: Path) -> dict[str, str]:
    """Return only the variables that the programs need, none of the agents'."""
    path = f"{find_node().program.parent}{os.pathsep}{os.environ['PATH']}"
    return program_environment(HOME=str(home), PATH=path)


def load_ccusage(
    home: Path, timezone: str = "UTC", agents: Iterable[str] = AGENTS
) -> dict[str, dict[Key, Tokens]]:
    """Return ccusage's tokens by agent; it is started once for each."""
    reports = {agent: run_ccusage(home, AGENTS[agent], "daily", timezone=timezone) for agent in agents}
    return {agent: dict(_ccusage_days(report)) for agent, report in reports.items() if report.get("daily")}


def _ccusage_days(report: Any) -> Iterator[tuple[Key, Tokens]]:
    found: dict[Key, Tokens] = defaultdict(Tokens)
    for day in report["daily"]:
        if "models" in day:  # Codex has a cost per day only
            models = [{"modelName": name, "cost": 0.0, **rest} for name, rest in day["models"].items()]
            found[day["date"], ANY_MODEL].cost_usd = day["costUSD"]
        else:
            models = day["modelBreakdowns"]
        for row in models:
            tokens = found[day["date"], canonical_model(row["modelName"])]
            tokens.uncached += row["inputTokens"]
            tokens.cached += row["cacheReadTokens"]
            tokens.written += row["cacheCreationTokens"]
            tokens.output += row["outputTokens"]
            tokens.cost_usd += row["cost"]
    return iter(found.items())


def load_tally(home: Path, state: Path, timezone: str = "UTC") -> dict[str, dict[Key, Tokens]]:
    """Return Tally's tokens by agent."""
    return count_tokens(run_tally(home, state, timezone))


def count_tokens(report: Any) -> dict[str, dict[Key, Tokens]]:
    """Return the tokens in a report of Tally by agent; like ccusage, without the Gemini CLI's thoughts."""
    return {source["source"]: dict(_tally_days(source)) for source in report["sources"]}


def _tally_days(source: Any) -> Iterator[tuple[Key, Tokens]]:
    found: dict[Key, Tokens] = defaultdict(Tokens)
    for row in source["days"]:
        tokens = found[row["day"], row["model"]]
        tokens.uncached += row["uncached_input_tokens"]
        tokens.cached += row["cached_input_tokens"]
        tokens.written += row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
        tokens.output += row["output_tokens"]
        tokens.output -= row["reasoning_tokens"] if source["source"] == "gemini-cli" else 0
        tokens.cost_usd += float(row["cost_usd"] or 0)
    return iter(found.items())


def find_differences(home: Path, state: Path, timezone: str = "UTC") -> list[str]:
    """List differences in tokens, and in costs of more than half a percent.

    ccusage counts more lines of a resumed session: every copy of a line without a message id, and a line
    without a request id once per session. These are added to Tally's tokens before comparing.
    """
    ccusage, tally = load_ccusage(home, timezone), load_tally(home, state, timezone)
    _add_copies(home, tally["claude-code"], ZoneInfo(timezone))
    different = [f"only one of them knows {agent}" for agent in set(ccusage) ^ set(tally)]
    for agent, theirs in ccusage.items():
        ours = tally[agent]
        if agent == "codex":
            for (day, _), tokens in list(ours.items()):
                ours.setdefault((day, ANY_MODEL), Tokens()).cost_usd += tokens.cost_usd
        for key in sorted(set(theirs) | set(ours)):
            one, other = theirs.get(key, Tokens()), ours.get(key, Tokens())
            is_priced = agent != "codex" or key[1] == ANY_MODEL
            if one.counts != other.counts or (
                is_priced and abs(one.cost_usd - other.cost_usd) > COST_TOLERANCE * one.cost_usd
            ):
                different.append(f"{agent} {key}: ccusage {one}, Tally {other}")
    return different


def _add_copies(home: Path, days: dict[Key, Tokens], zone: ZoneInfo) -> None:
    reads = read_logs(claude_code, stat_logs(claude_code.find_files(home, {})))
    events = [event for read in reads for event in read.events if not (event.request_id and event.attempt)]
    counted: set[str] = set()
    sessions: set[tuple[str, str]] = set()
    for event in events:
        is_copy = event.name in counted and (
            not event.request_id or (event.name, event.session) not in sessions
        )
        counted.add(event.name)
        sessions.add((event.name, event.session))
        if is_copy:
            day = event.timestamp.astimezone(zone).date().isoformat()
            tokens = days.setdefault((day, canonical_model(event.model)), Tokens())
            tokens.uncached += event.input_tokens - event.cached_input_tokens - event.cache_write_tokens
            tokens.cached += event.cached_input_tokens
            tokens.written += event.cache_write_tokens
            tokens.output += event.output_tokens
            tokens.cost_usd += float(price_event(event).cost_usd or 0)
