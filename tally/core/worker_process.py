"""Worker processes: a new Python that gets a pickled task and returns a pickled result.

They neither fork nor run the main program again, which works alike on every system.
"""

import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, Any, cast

from tally.core.errors import TallyError
from tally.core.garbage import collector_paused


class Worker:
    """A running worker process."""

    def __init__(self, module: str, task: object) -> None:
        """Start a module whose program is `run_worker`."""
        with TemporaryFile() as file:  # a pipe holds 64 kB: this process would wait until the worker reads it
            pickle.dump(task, file, protocol=pickle.HIGHEST_PROTOCOL)
            file.seek(0)
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", module], stdin=file, stdout=subprocess.PIPE
            )

    def finish(self) -> Any:
        """Wait for the result; raises TallyError when the worker failed."""
        try:
            return pickle.load(cast(IO[bytes], self._process.stdout))  # noqa: S301 - written by our own program
        except (EOFError, pickle.UnpicklingError):
            raise TallyError("Reading was interrupted and nothing was saved. Try again.") from None

    def stop(self) -> None:
        """End the worker, which may have ended by itself."""
        self._process.kill()
        with suppress(OSError):
            cast(IO[bytes], self._process.stdout).close()
        self._process.wait()


@collector_paused()  # it would take a tenth of the time
def run_worker(work: Callable[[Any], object]) -> None:
    """Read a pickled task from standard input, write the pickled result to standard output."""
    result = work(pickle.load(sys.stdin.buffer))  # noqa: S301 - written by our own program
    pickle.dump(result, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)
