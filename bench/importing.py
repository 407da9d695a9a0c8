"""Rows a second of `tally import --dry-run`: OpenAI's usage by the minute, in files of the largest size."""

import csv
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measurement import Measurement, Options, seconds

ROWS, ROWS_PER_FILE = 1_000_000, 400_000
ROWS_PER_SECOND = 40_000  # the bar
FIRST_MINUTE, MINUTES = 1_790_812_800, 43_200
MODELS = ("gpt-5.2-2025-12-11", "gpt-4o-2024-08-06", "o3-2025-04-16", "gpt-5-mini-2025-08-07")
HEADER = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,"
    "batch,service_tier,input_tokens,output_tokens,input_cached_tokens\n"
)


def measure(options: Options) -> list[Measurement]:
    """Time one whole command over all rows."""
    rows = options.scaled(ROWS)
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        files = write_files(Path(folder), rows)
        command = [sys.executable, "-m", "tally", "import", *map(str, files), "--dry-run", "--json"]
        taken = seconds(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))
    speed = rows / taken
    name = f"dry run of {rows:,} rows of OpenAI's usage"
    return [
        Measurement(name, speed, "rows/s", ROWS_PER_SECOND, speed / ROWS_PER_SECOND, bar=1.0, at_least=True)
    ]


def write_files(folder: Path, rows: int) -> list[Path]:
    """Write usage of so many different minutes, models and projects."""
    dice, files = random.Random(1), []
    for first in range(0, rows, ROWS_PER_FILE):
        files.append(folder / f"usage-{first}.csv")
        with files[-1].open("w", newline="", encoding="utf-8") as file:
            file.write(HEADER)
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows(
                _make_row(dice, number) for number in range(first, min(first + ROWS_PER_FILE, rows))
            )
    return files


def _make_row(dice: random.Random, number: int) -> list[object]:
    start = FIRST_MINUTE + 60 * (number % MINUTES)
    input_tokens = dice.randint(100, 9_000)
    names = [f"proj_{number % 7}", dice.randint(1, 9), f"user_{number % 11}", f"key_{number // MINUTES}"]
    tokens = [f"{input_tokens}.0", f"{dice.randint(1, 2_000)}.0", f"{dice.randint(0, input_tokens)}.0"]
    return [start, start + 60, "", "", *names, MODELS[number % 4], "FALSE", "default", *tokens]
