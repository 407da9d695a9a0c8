"""The embedded Supabase stack as one child process: start it, listen to what it says, stop it."""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.local import processes
from tally.local.home import Home, make_room, open_log
from tally.local.keys import Keys
from tally.local.lock import HomeLock
from tally.local.node import STACK_FOLDER, Node
from tally.local.ports import LocalSettings, Ports

START_SECONDS = 120
STOP_SECONDS = 45
# The last is of the library that signs people in: how hard a password is to hash, 10 when it is not set.
INHERITED = ("PATH", "HOME", "LANG", "POSTGREST_BIN", "LITE_AUTH_BCRYPT_COST")
SETTING_NAMES = ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY", "DATABASE_URL")


class StackFailed(TallyError):
    """The embedded stack did not start; the text is its own explanation."""


class Stopped(Exception):
    """The person asked to stop before the stack was ready."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears what the stack says: a step that began, something a person should know."""

    on_step: Callable[[str], None] = lambda _: None
    on_notice: Callable[[str], None] = lambda _: None


class Stack:
    """Postgres, auth, PostgREST and their gateway, all in the care of one Node process."""

    def __init__(
        self, home: Home, ports: Ports, keys: Keys, node: Node, local: LocalSettings, lock: HomeLock
    ) -> None:
        self.home, self.ports, self.keys, self.node, self.local, self.lock = (
            home,
            ports,
            keys,
            node,
            local,
            lock,
        )
        self.process: subprocess.Popen[str] | None = None

    def start(self, listener: Listener, stop: threading.Event) -> None:
        """Return when the API answers; raise StackFailed with the reason, or Stopped."""
        end_leftover(self.home)
        for part in ("postgres", "postgrest"):
            make_room(self.home, part)
        answers: queue.Queue[str | None] = queue.Queue()
        self.process = self._spawn()
        threading.Thread(target=self._listen, args=(self.process, listener, answers), daemon=True).start()
        for _ in range(START_SECONDS * 10):
            if stop.is_set():
                raise Stopped
            try:
                failure = answers.get(timeout=0.1)
            except queue.Empty:
                continue
            if failure is None:
                write_private(self.home.stack_env, env_lines(self.settings()))
                return
            raise StackFailed(failure)
        raise StackFailed(f"The embedded stack did not start within {START_SECONDS} s. See {self.home.logs}.")

    def settings(self) -> dict[str, str]:
        """The four settings that a hosted project would have."""
        password = self.keys.passwords["postgres"]
        values = (
            f"http://127.0.0.1:{self.ports.gateway}",
            self.keys.publishable_key,
            self.keys.secret_key,
            f"postgresql://postgres:{password}@127.0.0.1:{self.ports.postgres}/postgres",
        )
        return dict(zip(SETTING_NAMES, values, strict=True))

    def stop(self) -> None:
        """Closing its input asks the stack to stop in order; it answers by ending."""
        if self.process is None or self.process.stdin is None:
            return
        self.process.stdin.close()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

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
                start_new_session=True,  # Ctrl-C reaches `tally up` alone, which stops everything in order
            )

    def _environment(self) -> dict[str, str]:
        smtp = self.local.smtp_url
        passed_on = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return passed_on | {
            "TALLY_HOME": str(self.home.path),
            "TALLY_LOCK_DESCRIPTOR": str(self.lock.descriptor),
            "TALLY_GATEWAY_PORT": str(self.ports.gateway),
            "TALLY_POSTGRES_PORT": str(self.ports.postgres),
            "TALLY_REST_PORT": str(self.ports.rest),
            "TALLY_SITE_URL": self.local.app_origin or f"http://127.0.0.1:{self.ports.dashboard}",
            "SMTP_URL": smtp.get_secret_value() if smtp else "",
            "DO_NOT_TRACK": "1",
        }

    def _listen(
        self, process: subprocess.Popen[str], listener: Listener, answers: "queue.Queue[str | None]"
    ) -> None:
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
                answers.put(message["error"])
            elif "ready" in message:
                is_ready = True
                answers.put(None)
        answers.put(f"The embedded stack ended while it was starting. See {self.home.logs / 'stack.log'}.")


def _parse_message(line: str) -> dict[str, str]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def end_leftover(home: Home) -> None:
    """End the PostgREST of a stack that was killed: it would hold the port of the new one."""
    processes.end_recorded(home.run / "postgrest.pid", "postgrest")


def leftover_ports(home: Home, ports: Ports) -> frozenset[int]:
    """The database's port, when the server of a killed stack still runs on it: the next start adopts it."""
    pid_file = next(iter(home.data.glob("*/postmaster.pid")), None)
    if pid_file is None:
        return frozenset()
    running = processes.find_recorded(pid_file, "postgres") is not None
    return frozenset({ports.postgres} if running and _recorded_port(pid_file) == ports.postgres else ())


def _recorded_port(pid_file: Path) -> int | None:
    lines = pid_file.read_text(encoding="utf-8").splitlines()
    return int(lines[3]) if len(lines) > 3 and lines[3].strip().isdigit() else None


def env_lines(settings: dict[str, str]) -> str:
    """The settings as lines that a shell and a `.env` reader both understand."""
    return "".join(f'{name}="{value}"\n' for name, value in settings.items())
