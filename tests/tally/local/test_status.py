"""`tally status` as text: health of every part, and times as people write them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tally.local.dashboard import APP, OPTIONS
from tally.local.status import Part, Status, as_text, load_status
from tests.program_environment import program_environment

RUN: dict[str, str | None] = {
    "day": "2026-11-27",
    "status": "done",
    "started_at": "2026-11-28 02:15:00+00:00",
    "finished_at": "2026-11-28 02:16:12.5+00:00",
}


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def shown(run: dict[str, str | None] | None, has_database: bool = True) -> list[str]:
    database = Part("postgresql://postgres@127.0.0.1:8503/postgres", True, "17.10")
    parts = {
        "auth": Part("http://127.0.0.1:8502", True),
        "database": database if has_database else Part("not started", False),
    }
    status = Status(True, "/home/ada/.tally", "0.1.0", "1.67.0", parts, run, "2026-11-29T03:15:00+01:00")
    return as_text(status).splitlines()


def test_each_part_has_a_line() -> None:
    assert shown(None, has_database=False)[1:3] == [
        "auth       ok               http://127.0.0.1:8502",
        "database   does not answer  not started",
    ]


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (None, "none yet"),
        (RUN, "28 Nov 2026, 03:16 (done)"),
        (
            RUN | {"status": "partial", "problems": "2"},
            "28 Nov 2026, 03:16 (done with problems of 2 accounts)",
        ),
        (RUN | {"finished_at": None, "status": "running"}, "28 Nov 2026, 03:15 (running)"),
    ],
)
def test_last_run_is_shown_in_local_time(run: dict[str, str | None] | None, text: str) -> None:
    assert f"last nightly run: {text}" in shown(run)


SERVE = """
import http.server, socket, sys
server = http.server.HTTPServer(("", 0), http.server.SimpleHTTPRequestHandler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
print("ready", flush=True)
server.serve_forever()
"""


@pytest.fixture
def other_dashboard(tmp_path: Path) -> Iterator[int]:
    """The port of a dashboard of another folder's Tally: a server under its command line."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port, number = listening.getsockname()[1], listening.fileno()
        own = [APP, "--host", "127.0.0.1", "--port", str(port), *OPTIONS]
        with subprocess.Popen(
            [sys.executable, "-c", SERVE, str(number), *own],
            env=program_environment(TALLY_HOME=str(tmp_path / "other")),
            pass_fds=[number],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield port
            process.kill()


def test_dashboard_of_another_folder_is_not_taken_for_the_own(
    other_dashboard: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("TALLY_PORT", str(other_dashboard))
    found = load_status()
    assert (found.running, found.parts["dashboard"].healthy) == (False, False)
    other = tmp_path / "other"
    assert f"is the Tally of {other}; for its status, set TALLY_HOME={other}" in as_text(found)


def test_last_run_is_unknown_without_the_database() -> None:
    assert "last nightly run: unknown" in shown(None, has_database=False)


def test_next_run_is_shown_in_local_time() -> None:
    assert shown(None)[-1] == "next nightly run: 29 Nov 2026, 03:15"


def test_no_next_run_is_promised_while_nothing_runs() -> None:
    stopped = Status(False, "/home/ada/.tally", "0.1.0", "1.67.0", {"database": Part("", False)}, None, None)
    assert as_text(stopped).splitlines()[-1] == "next nightly run: none while Tally is not running"
