"""How long all logs of a busy year take to be read, beside ccusage, and to see that nothing is new."""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measurement import Measurement, interleaved
from tests.ccusage.install import PROGRAM
from tests.tally.agents.comparison import TALLY, environment_of, find_differences
from tests.tally.agents.corpus import write_corpus

MEGABYTES, FILES = 210, 1_100


def measure() -> list[Measurement]:
    """Whole commands, from their start to their JSON, after the two were seen to agree."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        home, state = Path(folder) / "home", Path(folder) / "state"
        write_corpus(home, MEGABYTES, FILES)
        size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
        if differences := find_differences(home, state):
            print(*differences, sep="\n", file=sys.stderr)
            raise AssertionError(f"{len(differences)} differences from ccusage")
        environment = environment_of(home) | {"TALLY_HOME": str(state)}
        kept = state / "collect" / "report.json"

        def run(command: list[str | Path]) -> None:
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)

        def scan_cold() -> None:
            kept.unlink(missing_ok=True)
            run([*TALLY, "--timezone", "UTC"])

        taken = interleaved(
            {
                "ccusage": lambda: run([PROGRAM, "daily", "--json", "--offline", "--timezone", "UTC"]),
                "cold": scan_cold,
                "warm": lambda: run([*TALLY, "--timezone", "UTC"]),
            }
        )
    what = f"{size / 1e6:,.0f} MB of logs"
    return [
        Measurement(
            f"scan {what}, against ccusage",
            taken["cold"],
            "s",
            taken["ccusage"],
            taken["cold"] / taken["ccusage"],
            3.0,
        ),
        Measurement(
            f"scan {what} with nothing new, against ccusage",
            taken["warm"],
            "s",
            taken["ccusage"],
            taken["warm"] / taken["ccusage"],
            0.3,
        ),
    ]
