"""The worker of the queue as a child process."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable

from tally.core.paths import CHECKOUT
from tally.local import children, nightly, processes
from tally.local.home import Home
from tally.local.logs import open_log

COMMAND = "forecasting worker"  # also identifies the process in the process table
STOP_SECONDS = 15


def worker_command(*options: str) -> list[str]:
    """Command line of the worker."""
    return [sys.executable, "-m", *COMMAND.split(), *options]


class Worker:
    """The worker; what it prints is shown by `tally up`, errors are in its log."""

    name = "The worker"

    def __init__(
        self, home: Home, settings: dict[str, str], notify: Callable[[str], None], makes_backups: bool
    ) -> None:
        self.home, self.settings, self.notify, self.makes_backups = home, settings, notify, makes_backups
        self.pid_file = home.run / "worker.pid"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it without waiting; end one that a killed run left behind first."""
        end_leftover(self.home)
        options = ["--supervised", *(["--backups"] if self.makes_backups else [])]
        with open_log(self.home, "worker") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                worker_command(*options),
                cwd=CHECKOUT,
                env={**os.environ, **self.settings, "TALLY_HOME": str(self.home.path)},
                stdin=subprocess.PIPE,  # closed when `tally up` ends, however it ends
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        processes.record(self.pid_file, self.process.pid)
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def stop(self) -> None:
        """Terminate it with its programs, which record that they were interrupted."""
        children.terminate(self.process, STOP_SECONDS)
        end_leftover(self.home)

    def has_ended(self) -> bool:
        """True if the process ended by itself since it was started."""
        return children.has_ended(self.process)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.notify(line.rstrip())


def end_leftover(home: Home) -> None:
    """End the worker of a run that was killed, and the programs of a worker that was killed."""
    processes.end_recorded(home.run / "worker.pid", COMMAND)
    nightly.end_leftover(home)
