"""`tally up` as a user sees it: it starts, answers, recovers and stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dotenv import dotenv_values

from tally.local import processes
from tests.embedded import free_port_block, temporary_home
from tests.every_case import every_case
from tests.supabase.parts import eventually, kill, port_is_open
from tests.tally.cli.in_process import run_tally

UP = [sys.executable, "-m", "tally", "up"]
WRITE_DOWN = Path(__file__).with_name("written_down.py")  # stands for a browser


class Up:
    """A running `tally up` and the lines it has printed so far."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*UP, "--open"],
            env=environment(home, port) | {"BROWSER": f"{sys.executable} {WRITE_DOWN} {home / 'opened'} %s"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def printed(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def pid_of(self, part: str) -> int:
        return int((self.home / "run" / f"{part}.pid").read_text().split()[0])


def environment(home: Path, port: int) -> dict[str, str]:
    """The environment without settings of other stacks that the tests may have set."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SUPABASE_", "DATABASE_", "API_DATABASE_"))
    }
    return {**inherited, "TALLY_HOME": str(home), "TALLY_PORT": str(port)}


def refused_up(home: Path, port: int) -> "subprocess.CompletedProcess[str]":
    """Run `tally up`, which ends only if it is refused."""
    return subprocess.run(
        UP, env=environment(home, port), capture_output=True, text=True, timeout=60, check=False
    )


def tally(home: Path, port: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run another command in this process."""
    return run_tally(*arguments, environment=environment(home, port))


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Up]:
    running = Up(home, free_port_block())
    eventually(lambda: running.printed("Tally is ready") or running.process.poll() is not None)
    assert running.printed("Tally is ready"), running.lines
    yield running
    running.process.send_signal(signal.SIGINT)
    running.process.wait(timeout=60)


def test_up_prints_its_address_in_one_line(up: Up) -> None:
    assert [line for line in up.lines if "http" in line] == [
        f"Tally is ready: http://127.0.0.1:{up.port} (Ctrl-C stops it)"
    ]


def test_up_opens_the_dashboard_in_the_browser(up: Up) -> None:
    opened = up.home / "opened"
    eventually(opened.exists, 30)
    assert opened.read_text() == f"http://127.0.0.1:{up.port}"


def test_every_program_knows_the_address_and_where_emails_go(up: Up) -> None:
    wanted = {"APP_ORIGIN": f"http://127.0.0.1:{up.port}", "TALLY_OUTBOX": str(up.home / "outbox")}
    for part in ("dashboard", "worker"):
        environment = psutil.Process(up.pid_of(part)).environ()
        assert {name: environment.get(name) for name in wanted} == wanted, part
    assert dotenv_values(up.home / "stack.env").items() >= wanted.items()  # for commands


def test_status_as_json_shows_every_part_and_no_secret(up: Up) -> None:
    shown = tally(up.home, up.port, "status", "--json")
    found = json.loads(shown.stdout)
    assert shown.returncode == 0
    assert found["running"]
    assert {name: part["healthy"] for name, part in found["parts"].items()} == {
        "dashboard": True,
        "auth": True,
        "data API": True,
        "database": True,
    }
    assert found["parts"]["database"]["version"].startswith("17.")
    assert found["parts"]["data API"]["version"].startswith("12.")
    secrets = json.loads((up.home / "secrets.json").read_text())
    hidden = [
        secrets["jwt_secret"],
        secrets["publishable_key"],
        secrets["secret_key"],
        *secrets["passwords"].values(),
    ]
    assert not any(secret in shown.stdout for secret in hidden)
    assert not any(secret in tally(up.home, up.port, "status").stdout for secret in hidden)


def test_status_finds_a_tally_on_other_ports_than_the_environments(up: Up) -> None:
    shown = json.loads(tally(up.home, up.port + 100, "status", "--json").stdout)
    assert shown["parts"]["dashboard"]["address"].endswith(f":{up.port}")
    assert shown["healthy"]


def test_status_as_env_can_be_read_by_a_shell(up: Up) -> None:
    lines = tally(up.home, up.port, "status", "--env").stdout
    script = f'{lines}echo "$SUPABASE_URL|$SUPABASE_PUBLISHABLE_KEY|$SUPABASE_SECRET_KEY|$DATABASE_URL"'
    shown = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True).stdout.strip()
    secrets = json.loads((up.home / "secrets.json").read_text())
    url, publishable, secret, database = shown.split("|")
    assert url == f"http://127.0.0.1:{up.port + 1}"
    assert (publishable, secret) == (secrets["publishable_key"], secrets["secret_key"])
    assert secrets["passwords"]["postgres"] in database
    assert (up.home / "stack.env").read_text().startswith(lines)


def test_doctor_finds_nothing_missing(up: Up) -> None:
    shown = tally(up.home, up.port, "doctor")
    assert shown.returncode == 0, shown.stdout
    assert "in use by the running Tally" in shown.stdout


def test_second_start_on_the_same_data_is_refused(up: Up) -> None:
    second = refused_up(up.home, free_port_block())
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert str(up.process.pid) in second.stderr
    assert port_is_open(up.port)


def test_start_of_a_copied_folder_leaves_the_original_alone(up: Up) -> None:
    with temporary_home() as copy:
        subprocess.run(["cp", "-a", up.home, copy], check=False)  # files of a running database may vanish
        parts = {part: up.pid_of(part) for part in ("dashboard", "postgrest")}
        refused = refused_up(copy, free_port_block())
        assert refused.returncode == 1
        assert f"is a copy of {up.home / 'postgres' / '17'}, made while its database ran" in refused.stderr
        assert "Traceback" not in refused.stderr
        rotated = tally(copy, up.port, "keys", "rotate")
        assert rotated.stderr.startswith("Missing: SUPABASE_URL"), "it would change the original's keys"
    assert {part: up.pid_of(part) for part in parts} == parts
    assert all(processes.is_running(pid) for pid in parts.values())
    assert tally(up.home, up.port, "status").returncode == 0
    assert not up.printed("ended unexpectedly")


def test_killed_dashboard_is_restarted_and_reported(up: Up) -> None:
    killed = up.pid_of("dashboard")
    kill(killed)
    eventually(lambda: up.printed("The dashboard is running again."))
    assert up.printed("The dashboard ended unexpectedly; restarting in 1 s.")
    assert up.pid_of("dashboard") != killed


def test_killed_worker_is_restarted_and_reported(up: Up) -> None:
    killed = up.pid_of("worker")
    kill(killed)
    eventually(lambda: up.printed("The worker is running again."))
    assert up.printed("The worker ended unexpectedly; restarting in 1 s.")
    assert up.pid_of("worker") != killed


def test_killed_stack_is_restarted_and_reported(up: Up) -> None:
    node = psutil.Process(up.pid_of("postgrest")).ppid()
    kill(node)
    eventually(lambda: up.printed("The embedded stack is running again."))
    assert tally(up.home, up.port, "status").returncode == 0


def test_down_stops_everything(up: Up) -> None:
    ended = tally(up.home, up.port, "down")
    assert (ended.returncode, ended.stdout.strip()) == (0, "Tally has stopped.")
    assert up.process.wait(timeout=60) == 0
    assert not any(port_is_open(port) for port in range(up.port, up.port + 4))
    assert list((up.home / "run").iterdir()) == []
    assert tally(up.home, up.port, "down").stdout.strip() == "Tally is not running."
    assert tally(up.home, up.port, "status").returncode == 1


def test_next_up_starts_after_one_was_killed(up: Up) -> None:
    first = Up(up.home, up.port)
    eventually(lambda: first.printed("Tally is ready"))
    parts = [first.pid_of("dashboard"), first.pid_of("worker")]
    kill(first.process.pid)
    first.process.wait()
    second = Up(up.home, up.port)
    eventually(lambda: second.printed("Tally is ready") or second.process.poll() is not None)
    assert second.printed("Tally is ready"), second.lines
    assert not any(processes.is_running(pid) for pid in parts)
    second.process.send_signal(signal.SIGHUP)
    assert second.process.wait(timeout=30) == 0
    assert not any(port_is_open(port) for port in range(up.port, up.port + 4))


@every_case([(offset,) for offset in [0, 1, 2, 3]])
def test_taken_port_is_named_before_any_data_is_touched(offset: int) -> None:
    port = free_port_block()
    with temporary_home() as home, socket.create_server(("127.0.0.1", port + offset)):
        refused = refused_up(home, port)
        assert refused.returncode == 1
        assert f"Port {port + offset}" in refused.stderr
        assert "TALLY_PORT" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not (home / "postgres").exists()
        assert not (home / "secrets.json").exists()
