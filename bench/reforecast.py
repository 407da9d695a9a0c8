"""The time from the end of an import until a page shows its forecast, and what an idle worker costs."""

import os
import random
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import psutil
from supabase import create_client

from bench.measurement import Measurement, Options
from tally.core.records import CostRecord
from tally.importers import Parsed
from tally.importers.save import ImportFile, save_import
from tally.local.stack import Stack
from tally.local.worker import worker_command
from tally.storage.postgrest import SupabaseDatabase
from tests.embedded import temporary_stack

ROWS, DAYS, TURNS = 10_000, 180, 5
MODELS = 12
PROVIDERS = ("openai", "anthropic", "google", "mistral")
BAR_SECONDS = 30.0
POLL_SECONDS = 2.0  # of a page
IDLE_SECONDS = 30.0


def measure(options: Options) -> list[Measurement]:
    """Measure on a stack of its own, with the worker as a service."""
    rows, turns = options.scaled(ROWS), max(1, options.scaled(TURNS))
    with temporary_stack(on_disk=True) as stack, running_worker(stack) as worker:
        times = [_save_and_wait(stack, rows, turn) for turn in range(turns)]
        time.sleep(65 if options.scale == 1 else 0)  # until the forecaster has ended
        idle, megabytes = _measure_idle(worker, IDLE_SECONDS * options.scale)
    name = f"import of {rows:,} rows in {MODELS} models, from saved to shown"
    return [
        Measurement(f"{name}, median of {turns}", median(times), "s"),
        Measurement(f"{name}, longest", max(times), "s", BAR_SECONDS, max(times) / BAR_SECONDS, bar=1.0),
        Measurement("idle worker, memory of its own", megabytes, "MB"),
        Measurement("idle worker, share of a core", 100 * idle, "%"),
    ]


@contextmanager
def running_worker(stack: Stack) -> Iterator[psutil.Process]:
    """The worker as a program."""
    process = subprocess.Popen(worker_command(), env=os.environ | stack.settings())
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _save_and_wait(stack: Stack, rows: int, turn: int) -> float:
    client = create_client(f"http://127.0.0.1:{stack.ports.gateway}", stack.keys.publishable_key)
    user = client.auth.sign_up({"email": f"{turn}@example.com", "password": "correct horse 1"}).user
    assert user is not None
    parsed = Parsed(make_records(rows, turn), [(n,) for n in range(rows)])
    save_import(SupabaseDatabase(client, user.id), parsed, ImportFile("bench.csv", "generic", b"bench"))
    saved = time.perf_counter()
    while not _is_shown(client):
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - saved


def _is_shown(client: Any) -> bool:
    """True once the page that polls shows a forecast made of the whole import."""
    if client.rpc("forecast_state", {}).execute().data["is_updating"]:
        return False
    totals = client.table("forecast_totals").select("id").eq("kind", "month_end").execute().data
    return len(totals) >= MODELS


def make_records(rows: int, seed: int) -> list[CostRecord]:
    """Half a year of an account up to yesterday."""
    dice = random.Random(seed)
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        CostRecord(
            PROVIDERS[n % len(PROVIDERS)],
            end - timedelta(minutes=1 + n * DAYS * 1440 // rows),
            f"model-{n % MODELS}",
            Decimal(dice.randint(1, 10**6)) / 10**6,
            uuid.UUID(int=dice.getrandbits(128)),
            input_tokens=dice.randint(100, 9_000),
            output_tokens=dice.randint(10, 900),
            request_count=1,
        )
        for n in range(rows)
    ]


def _measure_idle(worker: psutil.Process, seconds: float) -> tuple[float, float]:
    """The share of a core that the worker takes, and its own memory in MB."""
    before, started = sum(worker.cpu_times()[:2]), time.perf_counter()
    time.sleep(seconds)
    share = (sum(worker.cpu_times()[:2]) - before) / (time.perf_counter() - started)
    return share, worker.memory_full_info().uss / 1e6
