"""The dashboard's web server as a child process."""

import http.client
import os
import subprocess
import sys
import threading
import time

from tally.core.errors import TallyError
from tally.core.paths import CHECKOUT
from tally.local import children, processes
from tally.local.console import print_event
from tally.local.home import Home
from tally.local.logs import open_log
from tally.local.ports import Ports
from tally.local.readiness import set_aside_broken_sessions
from tally.local.service import Stopped

START_SECONDS = 60
STOP_SECONDS = 8
# API_DATABASE_URL logs in as a role that can only act as the owner of a key, under row-level security.
# FORWARDED_ALLOW_IPS is uvicorn's: the proxies that may say for whom they ask. Limits count by who asks, so
# that by default none may, not even one on this machine.
GIVEN_SETTINGS = (
    "SUPABASE_URL",
    "SUPABASE_PUBLISHABLE_KEY",
    "API_DATABASE_URL",
    "APP_ORIGIN",
    "TALLY_OUTBOX",
    "FORWARDED_ALLOW_IPS",
)
# Compressing messages, of 20 to 50 KB, would cost pages of other people more time than it saves.
OPTIONS = ("--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "2")
APP = "app.server.main:app"  # also identifies the process in the process table


class Dashboard:
    """uvicorn running the app; it gets none of the stack's settings that pass row-level security."""

    name = "The dashboard"

    def __init__(self, home: Home, ports: Ports, settings: dict[str, str], stop: threading.Event) -> None:
        self.home, self.ports, self.settings, self.stop_requested = home, ports, settings, stop
        self.pid_file = home.run / "dashboard.pid"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.spawn()
        self.wait_until_ready()

    def spawn(self) -> None:
        """Start the server without waiting; end one that a killed run left behind first."""
        end_leftover(self.home)
        set_aside_broken_sessions(self.home, print_event)
        with open_log(self.home, "dashboard") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                self._command(),
                cwd=CHECKOUT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        processes.record(self.pid_file, self.process.pid)

    def wait_until_ready(self) -> None:
        """Return when the sign-in page is served."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.stop_requested.is_set():
                raise Stopped
            if self.has_ended():
                raise TallyError(f"The dashboard did not start. {self._last_log_line()}")
            if answers(self.ports.dashboard):
                return
            time.sleep(0.05)
        raise TallyError(f"The dashboard did not answer within {START_SECONDS} s. {self._last_log_line()}")

    def has_ended(self) -> bool:
        """True if the process ended by itself since it was started."""
        return children.has_ended(self.process)

    def stop(self) -> None:
        """Terminate the server; kill it if open requests take too long."""
        children.terminate(self.process, STOP_SECONDS)
        self.pid_file.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        address = ["--host", "127.0.0.1", "--port", str(self.ports.dashboard)]
        return [sys.executable, "-m", "uvicorn", APP, *address, *OPTIONS]

    def _environment(self) -> dict[str, str]:
        given = {name: self.settings[name] for name in GIVEN_SETTINGS}
        return {
            "TALLY_SCAN_LOGS": "1",  # safe: reachable only from this machine; set it to 0 to forbid scans
            **os.environ,
            **given,
            "TALLY_HOME": str(self.home.path),
            "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
        }

    def _last_log_line(self) -> str:
        log = self.home.logs / "dashboard.log"
        lines = [
            line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
        ]
        return f"{log} ends with: {lines[-1].strip()}" if lines else f"See {log}."


def end_leftover(home: Home) -> None:
    """End the server of a run that was killed: it would occupy the new server's port."""
    processes.end_recorded(home.run / "dashboard.pid", APP)


def find_home(port: int) -> str | None:
    """The folder of the Tally whose dashboard has this port; None where it is of no process of this user."""
    return processes.find_setting("TALLY_HOME", f"{APP} --host 127.0.0.1 --port {port} ")


def answers(port: int) -> bool:
    """True if the sign-in page is served on this port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/login")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
