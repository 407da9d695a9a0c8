"""Running processes by id, checked against what was recorded: ids are reused, and folders are copied."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tally.core.environment import folder_id

if TYPE_CHECKING:
    import psutil

# Clocks are adjusted between start and record, and some systems know start times only to the second.
CLOCK_SLACK_SECONDS = 2
STOP_SECONDS = 10
# A program that is being started has an id before it has a command line.
COMMAND_LINE_SECONDS = 1


def record(pid_file: Path, pid: int) -> None:
    """Write down the id of a process that was just started, the time, and the identity of the folder."""
    text = f"{pid}\n{time.time():.2f}\n{folder_id(pid_file.parent)}\n"
    pid_file.write_text(text, encoding="utf-8")


def find_recorded(pid_file: Path, marker: str) -> int | None:
    """The recorded id, if its process was started then, for this folder, with `marker` in its command line.

    The record in a copied folder names processes of the original, which the copy must not end.
    """
    try:
        pid, started_at, folder = pid_file.read_text(encoding="utf-8").split()
        process = _find(int(pid)) if folder == folder_id(pid_file.parent) else None
        if process is None or abs(process.create_time() - float(started_at)) > CLOCK_SLACK_SECONDS:
            return None
    except (OSError, ValueError):
        return None
    return process.pid if marker in command_line(process.pid) else None


def is_running(pid: int) -> bool:
    """True if a process with this id exists and is not a zombie."""
    return _find(pid) is not None


def command_line(pid: int) -> str:
    """The program and arguments of a process; empty when it has ended or belongs to another user."""
    import psutil

    deadline = time.monotonic() + COMMAND_LINE_SECONDS
    try:
        process = psutil.Process(pid)
        while not (line := " ".join(process.cmdline())) and time.monotonic() < deadline:
            time.sleep(0.01)
        return line
    except psutil.Error:
        return ""


def find_setting(name: str, marker: str) -> str | None:
    """A variable of the process with `marker` in its command line; None where there is no such process."""
    import psutil

    for process in psutil.process_iter():
        try:
            if marker in " ".join(process.cmdline()) and (found := process.environ().get(name)):
                return found
        except psutil.Error:  # it has ended, or belongs to another user
            continue
    return None


def end_recorded(pid_file: Path, marker: str) -> bool:
    """End the process that an earlier run recorded and left behind; True when there was one."""
    pid = find_recorded(pid_file, marker)
    if pid is not None:
        end(pid)
    pid_file.unlink(missing_ok=True)
    return pid is not None


def end(pid: int) -> None:
    """Terminate a process, and kill it if it has not stopped after a while."""
    import psutil

    process = _find(pid)
    if process is None:
        return
    for stop in (process.terminate, process.kill):
        try:
            stop()
            process.wait(STOP_SECONDS)
            return
        except psutil.TimeoutExpired:
            continue
        except psutil.NoSuchProcess:
            return


def _find(pid: int) -> "psutil.Process | None":
    import psutil  # lazily: most commands inspect no processes

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except (psutil.Error, ValueError, OverflowError):
        return None
