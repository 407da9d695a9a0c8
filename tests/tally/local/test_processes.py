"""Recorded processes are found and ended; processes that reuse their ids are left alone."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tally.local import processes

Process = subprocess.Popen[bytes]


@pytest.fixture
def sleeper() -> Iterator[Process]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def pid_file(tmp_path: Path, sleeper: Process) -> Path:
    file = tmp_path / "sleeper.pid"
    processes.record(file, sleeper.pid)
    return file


def test_recorded_process_is_found(pid_file: Path, sleeper: Process) -> None:
    assert processes.find_recorded(pid_file, "sleep") == sleeper.pid


def test_process_is_found_while_its_program_is_being_started() -> None:
    """The kernel gives a process its command line a moment after `Popen` has returned."""
    for number in range(50):
        with subprocess.Popen(["sleep", "60"]) as process:
            line = processes.command_line(process.pid)
            process.kill()
        assert line == "sleep 60", f"process {number} of 50"


def test_process_with_another_command_is_not_the_recorded_one(pid_file: Path) -> None:
    assert processes.find_recorded(pid_file, "postgres") is None


@pytest.mark.parametrize("seconds", [-60, 60])
def test_process_that_started_at_another_time_is_not_the_recorded_one(pid_file: Path, seconds: int) -> None:
    pid, started_at, folder = pid_file.read_text().split()
    pid_file.write_text(f"{pid}\n{float(started_at) + seconds}\n{folder}\n")
    assert processes.find_recorded(pid_file, "sleep") is None


def test_copied_record_ends_no_process_of_the_original(pid_file: Path, sleeper: Process) -> None:
    copy = Path(shutil.copytree(pid_file.parent, pid_file.parent.with_name("copy"))) / pid_file.name
    assert copy.read_text() == pid_file.read_text()
    assert not processes.end_recorded(copy, "sleep")
    assert processes.find_recorded(pid_file, "sleep") == sleeper.pid


@pytest.mark.parametrize(
    "content", ["", "none\n", "1 2\n", "-1 0 {}\n", f"{10**12} 0 {{}}\n", "1 then {}\n", "\0\x1b"]
)
def test_unusable_record_finds_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "broken.pid"
    folder = tmp_path.stat()
    file.write_text(content.replace("{}", f"{folder.st_dev}:{folder.st_ino}"))
    assert processes.find_recorded(file, "") is None
    assert processes.find_recorded(tmp_path / "missing.pid", "") is None


def test_recorded_process_is_ended_and_its_record_removed(pid_file: Path, sleeper: Process) -> None:
    assert processes.end_recorded(pid_file, "sleep")
    assert not processes.is_running(sleeper.pid)
    assert not pid_file.exists()
    assert not processes.end_recorded(pid_file, "sleep")


def test_process_that_ignores_the_request_to_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        processes.end(process.pid)
        assert not processes.is_running(process.pid)


def test_ended_process_is_left_alone(sleeper: Process) -> None:
    sleeper.kill()
    sleeper.wait()
    processes.end(sleeper.pid)
    assert processes.command_line(sleeper.pid) == ""


def test_zombie_is_not_running(sleeper: Process) -> None:
    os.kill(sleeper.pid, 9)
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not processes.is_running(sleeper.pid)
