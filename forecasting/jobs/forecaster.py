"""A process that forecasts changed workspaces, one after the other: there while there is something to do."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import nullcontext, suppress
from uuid import UUID

from forecasting.jobs.surroundings import Surroundings
from tally.core.paths import CHECKOUT
from tally.local.logs import open_log

COMMAND = ("-m", "forecasting.jobs.forecaster_process")
BUDGET_SECONDS = 60.0  # of one workspace; the largest takes a third of it on two cores
IDLE_SECONDS = 60.0
UNCHANGED, WAITS, FAILED = "unchanged", "waits", "failed"  # instead of the number of series


class OverBudget(Exception):
    """A workspace took longer than it may; its process was ended."""


class Forecaster:
    """The process, if there is one, and the requests it gets in turn."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def warm_up(self) -> None:
        """Start the process, which loads its libraries while changes go on."""
        if not self._turn.locked():
            async with self._turn:
                await self._start()

    async def forecast(self, workspace_id: UUID) -> str:
        """Forecast a workspace, and return the number of series, or a word; raises OverBudget."""
        async with self._turn:
            process = await self._start()
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("The forecaster has no pipes.")
            try:
                process.stdin.write(f"{workspace_id}\n".encode())
                answer = await asyncio.wait_for(process.stdout.readline(), BUDGET_SECONDS)
            except TimeoutError:
                await self.close()
                raise OverBudget from None
            except BaseException:
                self.kill()
                raise
            return answer.decode().strip() or FAILED

    def kill(self) -> None:
        """End the process with the processes that it started: nothing of theirs is half-written."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """The same, and wait for its end."""
        self.kill()
        if self._process is not None:
            await self._process.wait()
        if self._idle:
            self._idle.cancel()

    async def _start(self) -> asyncio.subprocess.Process:
        if self._idle:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_when_idle)
        if self._process is None or self._process.returncode is not None:
            self._process = await self._spawn()
        return self._process

    async def _spawn(self) -> asyncio.subprocess.Process:
        home = self._surroundings.home
        with open_log(home, "forecasts") if home else nullcontext(sys.stderr) as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *COMMAND,
                cwd=CHECKOUT,
                env=self._surroundings.environment,
                stdin=subprocess.PIPE,  # closed when the worker ends, however it ends
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def _end_when_idle(self) -> None:
        if self._turn.locked():
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_when_idle)
        else:
            self.kill()
