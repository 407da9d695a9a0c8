"""The embedded Supabase stack as one child process."""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tally.core.environment import FOLDER, folder_id
from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.local import children, processes
from tally.local.home import Home
from tally.local.keys import API_ROLE, Keys
from tally.local.lock import HomeLock
from tally.local.logs import open_log
from tally.local.node import STACK_FOLDER, Node
from tally.local.ports import Ports
from tally.local.postmaster import find_postmaster, prepare_copy
from tally.local.service import Stopped
from tally.local.settings import LocalSettings

START_SECONDS = 120
STOP_SECONDS = 45
# LITE_AUTH_BCRYPT_COST is a setting of the auth server: the cost of a password hash, 10 by default.
INHERITED = ("PATH", "HOME", "LANG", "POSTGREST_BIN", "LITE_AUTH_BCRYPT_COST")
SETTING_NAMES = (
    "SUPABASE_URL",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_SECRET_KEY",
    "DATABASE_URL",
    "API_DATABASE_URL",
)


class StackFailed(TallyError):
    """The embedded stack did not start; the text is the reason it reported."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Callbacks for messages of the stack: a step that begins, an event that the user should know about."""

    on_step: Callable[[str], None] = lambda _: None
    on_notice: Callable[[str], None] = lambda _: None


@dataclass
class Stack:
    """Postgres, auth, PostgREST and their gateway, supervised by one Node process."""

    home: Home
    ports: Ports
    keys: Keys
    node: Node
    local: LocalSettings
    lock: HomeLock
    database_only: bool = False  # neither API runs
    process: subprocess.Popen[str] | None = field(default=None, init=False)

    def start(self, listener: Listener, stop: threading.Event) -> None:
        """Return when the API answers; raise StackFailed with the reason, or Stopped."""
        end_leftover(self.home)
        prepare_copy(self.home, listener.on_notice)
        for part in ("postgres", "postgrest"):
            open_log(self.home, part).close()
        outcome: queue.Queue[str | None] = queue.Queue()
        self.process = self._spawn()
        threading.Thread(target=self._listen, args=(self.process, listener, outcome), daemon=True).start()
        failure = self._wait_for(outcome, stop)
        if failure is not None:
            raise StackFailed(failure)
        folder = {FOLDER: folder_id(self.home.path)}
        write_private(self.home.stack_env, env_lines(self.settings_with_mails() | folder))

    @property
    def site_url(self) -> str:
        """The address of the dashboard, for links in emails."""
        return self.local.app_origin or f"http://127.0.0.1:{self.ports.dashboard}"

    def settings(self) -> dict[str, str]:
        """The same settings that a hosted project has."""
        values = (
            f"http://127.0.0.1:{self.ports.gateway}",
            self.keys.publishable_key,
            self.keys.secret_key,
            self._database_url("postgres"),
            self._database_url(API_ROLE),
        )
        return dict(zip(SETTING_NAMES, values, strict=True))

    def settings_with_mails(self) -> dict[str, str]:
        """The same, with the address that emails lead to, and where they go without a mail server."""
        return self.settings() | {"APP_ORIGIN": self.site_url, "TALLY_OUTBOX": str(self.home.outbox)}

    def _database_url(self, role: str) -> str:
        password = self.keys.passwords[role]
        return f"postgresql://{role}:{password}@127.0.0.1:{self.ports.postgres}/postgres"

    def stop(self) -> None:
        """Shut the stack down in order by closing its standard input; kill it if it does not end."""
        if self.process is None or self.process.stdin is None:
            return
        self.process.stdin.close()
        children.wait_or_kill(self.process, STOP_SECONDS)

    def _wait_for(self, outcome: "queue.Queue[str | None]", stop: threading.Event) -> str | None:
        """None when the stack is ready, else the reason why it failed; raise Stopped on request."""
        for _ in range(START_SECONDS * 10):
            if stop.is_set():
                raise Stopped
            with suppress(queue.Empty):
                return outcome.get(timeout=0.1)
        return f"The embedded stack did not start within {START_SECONDS} s. See {self.home.logs}."

    def _spawn(self) -> subprocess.Popen[str]:
        with open_log(self.home, "stack") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                [self.node.program, str(STACK_FOLDER / "server.mjs")],
                cwd="/",
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                pass_fds=(self.lock.descriptor,),
                start_new_session=True,  # Ctrl-C reaches only `tally up`, which stops everything in order
            )

    def _environment(self) -> dict[str, str]:
        smtp = self.local.smtp_url
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return inherited | {
            "TALLY_HOME": str(self.home.path),
            "TALLY_LOCK_DESCRIPTOR": str(self.lock.descriptor),
            "TALLY_GATEWAY_PORT": str(self.ports.gateway),
            "TALLY_POSTGRES_PORT": str(self.ports.postgres),
            "TALLY_REST_PORT": str(self.ports.rest),
            "TALLY_SITE_URL": self.site_url,
            "SMTP_URL": smtp.get_secret_value() if smtp else "",
            "TALLY_OPEN_SIGNUP": "1" if self.local.tally_open_signup else "",
            "TALLY_DATABASE_ONLY": "1" if self.database_only else "",
            "DO_NOT_TRACK": "1",
        }

    def _listen(
        self, process: subprocess.Popen[str], listener: Listener, outcome: "queue.Queue[str | None]"
    ) -> None:
        """Pass messages on; the outcome of the start is None for success, else the reason why it failed."""
        if process.stdout is None:
            return
        is_ready = False
        for line in process.stdout:
            message = _parse_message(line)
            if "step" in message:
                listener.on_step(message["step"])
            elif "notice" in message:
                listener.on_notice(message["notice"])
            elif "error" in message and is_ready:
                listener.on_notice(message["error"])
            elif "error" in message:
                outcome.put(message["error"])
            elif "ready" in message:
                is_ready = True
                outcome.put(None)
        outcome.put(f"The embedded stack exited during startup. See {self.home.logs / 'stack.log'}.")


def _parse_message(line: str) -> dict[str, str]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def end_leftover(home: Home) -> None:
    """End the PostgREST of a stack that was killed: it would occupy the new one's port."""
    processes.end_recorded(home.run / "postgrest.pid", "postgrest")


def leftover_ports(home: Home, ports: Ports) -> frozenset[int]:
    """The database's port if a killed stack's server still uses it; the next start adopts that server."""
    found = find_postmaster(home)
    is_ours = found is not None and found.is_running and not found.is_of_the_original
    return frozenset({ports.postgres} if found and is_ours and found.port == ports.postgres else ())


def env_lines(settings: dict[str, str]) -> str:
    """The settings in a form that shells and `.env` readers both understand."""
    return "".join(f'{name}="{value}"\n' for name, value in settings.items())
