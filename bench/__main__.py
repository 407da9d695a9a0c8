"""`python -m bench [name …]`: run the benches, print a table, write bench/results.json."""

import argparse
import importlib
import json
import os
import platform
import sys
from pathlib import Path

from bench.measurement import Measurement, Options

BENCHES = (
    "saving",
    "ingest",
    "ledger",
    "daily_costs",
    "teams",
    "nightly",
    "reforecast",
    "start",
    "pages",
    "navigation",
    "crowd",
    "growth",
    "collecting",
    "importing",
    "glance",
    "kills",
    "budgets",
    "budget_alerts",
    "senders",
    "accuracy",
    "spikes",
    "telemetry",
    "killed_api",
    "processes",
    "traces",
    "explore",
    "search",
    "engine",
    "advice",
    "catalogue",
    "statistics",
    "credits",
    "unit_costs",
    "archive",
    "retention",
    "outbox",
    "focus",
)
RESULTS = Path(__file__).parent / "results.json"


def render(measurement: Measurement) -> str:
    """Render one line of the table."""
    bar = baseline = ""
    if measurement.bar is not None and measurement.ratio is not None:
        sense = "at least" if measurement.at_least else "at most"
        verdict = "met" if measurement.holds else "MISSED"
        bar = f"{measurement.ratio:8.3g}x  ({sense} {measurement.bar}x: {verdict})"
    if measurement.baseline is not None:
        baseline = f"against {measurement.baseline:.4g} {measurement.unit}"
    return f"{measurement.name:58} {measurement.value:10.4g} {measurement.unit:5} {baseline:24} {bar}"


def main(arguments: list[str]) -> int:
    """Run the named benches, or all; exit code 1 when a bar is missed."""
    parsed = _make_parser().parse_args(arguments)
    options = Options(parsed.size, parsed.before)
    results = json.loads(RESULTS.read_text())["benches"] if RESULTS.exists() else {}
    all_met = True
    for name in parsed.names or BENCHES:
        measurements: list[Measurement] = []
        for measurement in importlib.import_module(f"bench.{name}").measure(options):
            print(render(measurement), flush=True)
            measurements.append(measurement)
            all_met = all_met and measurement.holds
        if measurements:
            results[name] = [measurement.to_json() for measurement in measurements]
    if options.scale == 1:
        _write(results)
    return 0 if all_met else 1


def _write(results: dict[str, object]) -> None:
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    RESULTS.write_text(json.dumps({"machine": machine, "benches": results}, indent=2) + "\n")


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Run the benches, or the named ones."
    )
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES], metavar="name", help=", ".join(BENCHES))
    parser.add_argument(
        "--size",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of the full size; below 1 nothing is written",
    )
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="older checkout to compare with")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
