"""What ccusage and Tally each make of the same home folder, as tokens per agent, day, model and class."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tally.local.node import find_node
from tally.models import canonical_claude
from tests.ccusage.install import PROGRAM

AGENTS = {
    "claude-code": "claude",
    "codex": "codex",
    "gemini-cli": "gemini",
    "opencode": "opencode",
    "copilot-cli": "copilot",
}
Key = tuple[str, str]  # day, model


@dataclass
class Tokens:
    """One model on one day, in the classes that ccusage tells apart."""

    uncached: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    cost_usd: float = 0.0

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return self.uncached, self.cached, self.written, self.output


def run_ccusage(home: Path, *arguments: str) -> Any:
    """The JSON of `ccusage` for a home folder, with the prices it came with."""
    answer = subprocess.run(
        [PROGRAM, *arguments, "--json", "--offline", "--timezone", "UTC"],
        env=environment_of(home),
        capture_output=True,
        check=True,
    )
    return json.loads(answer.stdout)


def run_tally(home: Path, state: Path, *arguments: str) -> Any:
    """The JSON of `tally collect --dry-run` for a home folder."""
    answer = subprocess.run(
        [*TALLY, "--timezone", "UTC", *arguments],
        env=environment_of(home) | {"TALLY_HOME": str(state)},
        capture_output=True,
        check=True,
    )
    return json.loads(answer.stdout)


TALLY = [sys.executable, "-m", "tally", "collect", "--dry-run", "--json"]


def environment_of(home: Path) -> dict[str, str]:
    """Only what the programs need: none of the agents' own variables."""
    path = f"{find_node().program.parent}{os.pathsep}{os.environ['PATH']}"
    return {"HOME": str(home), "PATH": path, "PYTHONPATH": str(Path.cwd())}


def load_ccusage(home: Path) -> dict[str, dict[Key, Tokens]]:
    """What ccusage says of each agent."""
    return {agent: dict(_ccusage_days(run_ccusage(home, name, "daily"))) for agent, name in AGENTS.items()}


def _ccusage_days(report: Any) -> Iterator[tuple[Key, Tokens]]:
    found: dict[Key, Tokens] = defaultdict(Tokens)
    for day in report["daily"]:
        if "models" in day:  # of Codex, which has no cost per model
            models = [{"modelName": name, "cost": 0.0, **rest} for name, rest in day["models"].items()]
        else:
            models = day["modelBreakdowns"]
        for told in models:
            tokens = found[day["date"], canonical_claude(told["modelName"])]
            tokens.uncached += told["inputTokens"]
            tokens.cached += told["cacheReadTokens"]
            tokens.written += told["cacheCreationTokens"]
            tokens.output += told["outputTokens"]
            tokens.cost_usd += told["cost"]
    return iter(found.items())


def load_tally(home: Path, state: Path) -> dict[str, dict[Key, Tokens]]:
    """What Tally says of each; ccusage leaves what the Gemini CLI thought out of its output."""
    report = run_tally(home, state)
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
