"""Time to read a busy year's logs, and to find nothing new in them, compared with ccusage."""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measurement import Measurement, Options, interleaved
from tests.ccusage.install import PROGRAM
from tests.tally.agents.comparison import TALLY, environment_of, find_differences
from tests.tally.agents.corpus import write_corpus

MEGABYTES, FILES = 210, 1_100


def measure(options: Options) -> list[Measurement]:
    """Time whole commands, after checking that both report the same."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        home, state = Path(folder) / "home", Path(folder) / "state"
        write_corpus(home, options.scaled(MEGABYTES), options.scaled(FILES))
        if differences := find_differences(home, state):
            print(*differences, sep="\n", file=sys.stderr)
            raise AssertionError(f"{len(differences)} differences from ccusage")
        size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
        taken = _time_scans(home, state)
    logs = f"scan {size / 1e6:,.0f} MB of logs"
    return [
        _against_ccusage(f"{logs}, against ccusage", taken["cold"], taken["ccusage"], bar=2.5),
        _against_ccusage(
            f"{logs} with nothing new, against ccusage", taken["warm"], taken["ccusage"], bar=0.3
        ),
    ]


def _time_scans(home: Path, state: Path) -> dict[str, float]:
    environment = environment_of(home) | {"TALLY_HOME": str(state)}
    report_cache = state / "collect" / "report.json"

    def run(command: list[str | Path]) -> None:
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)

    def scan_cold() -> None:
        report_cache.unlink(missing_ok=True)
        run([*TALLY, "--timezone", "UTC"])

    return interleaved(
        {
            "ccusage": lambda: run([PROGRAM, "daily", "--json", "--offline", "--timezone", "UTC"]),
            "cold": scan_cold,
            "warm": lambda: run([*TALLY, "--timezone", "UTC"]),
        }
    )


def _against_ccusage(name: str, seconds: float, ccusage_seconds: float, bar: float) -> Measurement:
    return Measurement(name, seconds, "s", ccusage_seconds, seconds / ccusage_seconds, bar)
