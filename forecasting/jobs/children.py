"""Programs that the worker runs as processes of their own: their memory goes with them."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from forecasting.jobs.surroundings import Surroundings
from tally.core.paths import CHECKOUT
from tally.local import processes
from tally.local.logs import open_log

STOP_SECONDS = 8


@dataclass(frozen=True, slots=True)
class Program:
    """A command line, with the name of its log and of its record in the home."""

    name: str
    command: Sequence[str]


async def run_program(program: Program, surroundings: Surroundings) -> int:
    """Run a program to its end and return its exit code; when cancelled, terminate it first."""
    home = surroundings.home
    with open_log(home, program.name) if home else nullcontext(sys.stdout) as log:
        process = await asyncio.create_subprocess_exec(
            *program.command,
            cwd=CHECKOUT,
            env=surroundings.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    pid_file = home.run / f"{program.name}.pid" if home else None
    if pid_file:
        processes.record(pid_file, process.pid)
    try:
        return await process.wait()
    finally:
        await asyncio.shield(stop(process))
        if pid_file:
            pid_file.unlink(missing_ok=True)


async def stop(process: asyncio.subprocess.Process) -> None:
    """Terminate a process unless it has ended; kill it if it does not end."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
