"""Running processes by id, checked against what was recorded: the system reuses ids."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

# A process is recorded just after its start, and some systems know start times only to the second.
CLOCK_SLACK_SECONDS = 2
STOP_SECONDS = 10


def record(pid_file: Path, pid: int) -> None:
    """Write down the id of a process that was just started."""
    pid_file.write_text(f"{pid}\n", encoding="utf-8")


def find_recorded(pid_file: Path, marker: str) -> int | None:
    """The recorded id, if its process has `marker` in its command line and is not younger than the record."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split()[0])
        recorded_at = pid_file.stat().st_mtime
    except (OSError, ValueError, IndexError):
        return None
    process = _find(pid)
    if process is None or marker not in command_line(pid):
        return None
    return pid if process.create_time() <= recorded_at + CLOCK_SLACK_SECONDS else None


def is_running(pid: int) -> bool:
    """True if a process with this id exists and is not a zombie."""
    return _find(pid) is not None


def command_line(pid: int) -> str:
    """The program and arguments of a process; empty when it has ended or belongs to another user."""
    import psutil

    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


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
    except (psutil.NoSuchProcess, ValueError):
        return None
