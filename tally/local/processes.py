"""Which process is which: a number in a file may by now belong to someone else's program."""

import os
import re
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

# A process starts, then its number is written down; the start is told to the second only.
CLOCK_SLACK_SECONDS = 2
STOP_SECONDS = 10


def record(pid_file: Path, pid: int) -> None:
    """Note the number of a process that was just started."""
    pid_file.write_text(f"{pid}\n", encoding="utf-8")


def find_recorded(pid_file: Path, word: str) -> int | None:
    """The recorded process if it runs, has the word in its command line and is older than its record."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split()[0])
        written = pid_file.stat().st_mtime
    except (OSError, ValueError, IndexError):
        return None
    started, command = describe(pid)
    if started is None or word not in command or started > written + CLOCK_SLACK_SECONDS:
        return None
    return pid


def describe(pid: int) -> tuple[float | None, str]:
    """When a process started (Unix time) and its command line; (None, "") for none or a zombie."""
    return _describe_by_proc(pid) if Path("/proc/self/stat").exists() else _describe_by_ps(pid)


def _describe_by_proc(pid: int) -> tuple[float | None, str]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        boot = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None, ""
    if fields[0] == "Z" or boot is None:
        return None, ""
    return int(boot.group(1)) + int(fields[19]) / os.sysconf("SC_CLK_TCK"), command.strip()


def _describe_by_ps(pid: int) -> tuple[float | None, str]:
    shown = subprocess.run(  # noqa: S603 - fixed program, a number as its argument
        ["/bin/ps", "-ww", "-o", "stat=,lstart=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    ).stdout.split(maxsplit=6)
    if len(shown) < 7 or shown[0].startswith("Z"):
        return None, ""
    started = datetime.strptime(" ".join(shown[1:6]), "%a %b %d %H:%M:%S %Y").astimezone()
    return started.timestamp(), shown[6]


def end_recorded(pid_file: Path, word: str) -> bool:
    """End a leftover of an earlier run, if it is truly ours; True when there was one."""
    pid = find_recorded(pid_file, word)
    if pid is not None:
        end(pid)
    pid_file.unlink(missing_ok=True)
    return pid is not None


def end(pid: int) -> None:
    """Ask a process to stop, and insist after a while."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, wanted)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if describe(pid)[0] is None:
                return
            time.sleep(0.05)
