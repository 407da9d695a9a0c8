"""Time of `tally today` and `tally statusline` with stored figures, against their limits in seconds."""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measurement import Measurement, Options, interleaved
from tally.cli.glance import FILE, FORMAT
from tests.program_environment import program_environment

SECONDS = {"today": 0.2, "statusline": 0.15}  # the bars
REPEATS = 11
SESSION = json.dumps({"model": {"display_name": "Opus"}, "cost": {"total_cost_usd": 1.25}})


def measure(options: Options) -> list[Measurement]:
    """Time whole commands."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        _store_figures(Path(folder) / "collect")
        taken = interleaved(
            {command: lambda command=command: _run(command, folder) for command in SECONDS},  # type: ignore[misc]
            options.scaled(REPEATS),
            warm_up=1,
        )
    return [
        Measurement(f"tally {command}", taken[command], "s", limit, taken[command] / limit, bar=1.0)
        for command, limit in SECONDS.items()
    ]


def _store_figures(folder: Path) -> None:
    folder.mkdir()
    today = datetime.now(UTC).date()
    days = {(today - timedelta(days=number)).isoformat(): ["12.5", "3"] for number in range(32)}
    figures = {"format": FORMAT, "timezone": "UTC", "days": days, "month_end": {}, "limit_usd": "500"}
    stored = figures | {"saved_at": today.isoformat(), "is_signed_in": True}
    (folder / FILE).write_text(json.dumps(stored))


def _run(command: str, home: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "tally", command],
        env=program_environment(TALLY_HOME=home),
        input=SESSION.encode(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
