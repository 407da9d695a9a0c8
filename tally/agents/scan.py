"""Reading many logs at once: what is new of each, on all cores."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

from tally.agents.lines import TAIL, read_parts
from tally.agents.logs import Collector, Event, Reading
from tally.agents.registry import AGENTS, find_agent
from tally.core.errors import TallyError
from tally.core.progress import Progress

MOST_PROCESSES = 4
WORTH_A_PROCESS = 16_000_000  # bytes; starting one takes as long as reading these
WORTH_LOADING_PRICES = 20_000_000  # bytes that a helper reads while this process loads the prices
LARGEST_DOCUMENT = 512_000_000  # bytes of a file that can only be read as a whole


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log as it is now, and how far it was read before."""

    path: Path
    inode: int
    size: int
    mtime_ns: int
    offset: int = 0
    tail: bytes = b""  # what stood before the offset
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def unread(self) -> int:
        """Bytes that are new."""
        return self.size - self.offset


@dataclass(frozen=True, slots=True)
class FileRead:
    """What was new in one log; `file` says how far it is read now."""

    file: LogFile
    events: list[Event]
    rejected: int
    reasons: list[str]


class Meter:
    """How much of one agent's logs is read, told as it goes."""

    def __init__(self, agent: Collector, files: Iterable[LogFile], on_progress: Progress) -> None:
        self._title = agent.title
        self._total = sum(file.unread for file in files)
        self._done = 0
        self._on_progress = on_progress

    def add(self, count: int) -> None:
        """So many bytes more."""
        self._done += count
        self._on_progress(self._done, self._total, self._title)


def find_logs(home: Path, environment: Mapping[str, str]) -> dict[str, list[LogFile]]:
    """The logs of every agent, as they are now."""
    return {agent.name: stat_logs(agent.find_files(home, environment)) for agent in AGENTS}


def stat_logs(paths: Iterable[Path]) -> list[LogFile]:
    """The logs that are there now."""
    found = []
    for path in paths:
        try:
            status = path.stat()
            wal = _stat_wal(path)
        except OSError:
            continue  # deleted since it was found
        found.append(LogFile(path, status.st_ino, status.st_size + wal[0], max(status.st_mtime_ns, wal[1])))
    return found


def _stat_wal(path: Path) -> tuple[int, int]:
    """What a database has not yet moved from its log into its file."""
    if path.suffix != ".db":
        return 0, 0
    try:
        status = path.with_name(f"{path.name}-wal").stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def read_logs(
    agent: Collector,
    files: Sequence[LogFile],
    on_bytes: Callable[[int], None] = lambda _: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[FileRead]:
    """What is new in these logs, in their order; TallyError when a helper process fails.

    `meanwhile` is called once the helpers are at work: what is needed next can be loaded then.
    """
    shares = _split(files)
    helpers = [_start_helper(agent.name, share) for share in shares[1:]]
    try:
        meanwhile()
        found = [_read_file(agent, file, on_bytes) for file in shares[0]]
        for helper, share in zip(helpers, shares[1:], strict=True):
            found += _finish_helper(helper)
            on_bytes(sum(file.unread for file in share))
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()
    order = {file.path: place for place, file in enumerate(files)}
    return sorted(found, key=lambda read: order[read.file.path])


def _split(files: Sequence[LogFile]) -> list[list[LogFile]]:
    """Shares of about the same size, as many as there are cores to read them."""
    total = sum(file.unread for file in files)
    count = max(1, min(os.cpu_count() or 1, MOST_PROCESSES, total // WORTH_A_PROCESS))
    shares: list[list[LogFile]] = [[] for _ in range(count)]
    sizes = [WORTH_LOADING_PRICES] + [0] * (count - 1)
    for file in sorted(files, key=lambda file: -file.unread):
        smallest = sizes.index(min(sizes))
        shares[smallest].append(file)
        sizes[smallest] += file.unread
    return shares


def _start_helper(agent_name: str, share: list[LogFile]) -> "subprocess.Popen[bytes]":
    """Another Python that reads a share; no fork and no second run of whatever program this is."""
    command = [sys.executable, "-m", "tally.agents.worker"]
    helper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own program
    with suppress(BrokenPipeError), cast(IO[bytes], helper.stdin) as task:  # if it dies, it has no answer
        pickle.dump((agent_name, share), task, protocol=pickle.HIGHEST_PROTOCOL)
    return helper


def _finish_helper(helper: "subprocess.Popen[bytes]") -> list[FileRead]:
    try:
        found: list[FileRead] = pickle.load(cast(IO[bytes], helper.stdout))  # noqa: S301 - written by our own program
    except (EOFError, pickle.UnpicklingError):
        raise TallyError(
            "Reading the logs was stopped part of the way. Nothing was saved; try again."
        ) from None
    return found


def read_share(agent_name: str, share: list[LogFile]) -> list[FileRead]:
    """What a helper process does."""
    agent = find_agent(agent_name)
    return [_read_file(agent, file, lambda _: None) for file in share]


def _read_file(agent: Collector, file: LogFile, on_bytes: Callable[[int], None]) -> FileRead:
    """A log that cannot be read is left for the next time, with the reason."""
    found = Reading(state=file.state)
    offset, tail = file.offset, file.tail
    try:
        for end, data in _parts(agent, file):
            reading = agent.parse(data, file.path, found.state)
            offset, tail = end, data[-TAIL:] if agent.by_line else b""
            found.events += reading.events
            found.rejected += reading.rejected
            found.reasons += reading.reasons
            found.state = reading.state
    except OSError as error:
        found.reject(f"the file cannot be read: {error.strerror}")
    on_bytes(file.unread)
    return FileRead(
        replace(file, offset=offset, tail=tail, state=found.state),
        found.events,
        found.rejected,
        found.reasons,
    )


def _parts(agent: Collector, file: LogFile) -> Iterable[tuple[int, bytes]]:
    if agent.by_line:
        return read_parts(file.path, file.offset, file.size)
    if file.path.suffix == ".db":
        return [(file.size, b"")]
    if file.size > LARGEST_DOCUMENT:
        raise OSError(0, "it is too large")
    return [(file.size, file.path.read_bytes())]
