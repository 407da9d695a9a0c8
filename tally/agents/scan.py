"""Scan of many logs on all cores: the requests in their unread bytes."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tally.agents.agent import Agent
from tally.agents.events import Event, ParsedPart
from tally.agents.jsonl import TAIL_BYTES, read_parts
from tally.agents.log_files import LogFile
from tally.agents.registry import find_agent
from tally.core.progress import Progress
from tally.core.worker_process import Worker

MAX_PROCESSES = 4
BYTES_PER_PROCESS = 16_000_000  # reading these takes as long as starting a worker process
BYTES_PER_WORKER = 20_000_000  # this process reads these while a worker starts and returns what it found
MAX_DOCUMENT_BYTES = 512_000_000  # limit for a file that is parsed as a whole
UNREADABLE = "the file cannot be read"  # now, so it is tried again next time
UNREAD_MTIME_NS = 0  # matches no file, so the log is read again next time


@dataclass(frozen=True, slots=True)
class FileRead:
    """Requests newly read from one log; `file` has the new position."""

    file: LogFile
    events: list[Event]
    rejected: int
    reasons: list[str]
    unknown: int = 0  # lines with counts of tokens in an unknown shape


Task = tuple[str, LogFile]  # agent's name, log
Found = dict[tuple[str, Path], FileRead]  # by agent's name and path


class ScanProgress:
    """Bytes read of one agent's logs, reported as they are read."""

    def __init__(self, agent: Agent, files: Iterable[LogFile], on_progress: Progress) -> None:
        self._title = agent.title
        self._total = sum(file.unread_bytes for file in files)
        self._done = 0
        self._on_progress = on_progress

    def add(self, count: int) -> None:
        """Report this many more bytes."""
        self._done += count
        self._on_progress(self._done, self._total, self._title)


def read_logs(
    agent: Agent, files: Sequence[LogFile], on_bytes: Callable[[int], None] = lambda _: None
) -> list[FileRead]:
    """Read the unread bytes of one agent's logs, in their order; TallyError when a worker process fails."""
    return read_agents({agent.name: files}, lambda _, count: on_bytes(count))[agent.name]


def read_agents(
    logs: Mapping[str, Sequence[LogFile]],
    on_bytes: Callable[[str, int], None],
    meanwhile: Callable[[], object] = lambda: None,
) -> dict[str, list[FileRead]]:
    """Read the unread bytes of several agents' logs, each agent's in their order.

    `meanwhile` is called once the workers have started, to import what is needed next.
    """
    shares = _split([(name, file) for name, files in logs.items() for file in files])
    workers = [Worker("tally.agents.worker", share) for share in shares[1:]]
    try:
        meanwhile()
        found = read_share(shares[0], on_bytes)
        for worker, share in zip(workers, shares[1:], strict=True):
            found |= worker.finish()
            for name, file in share:
                on_bytes(name, file.unread_bytes)
    finally:
        for worker in workers:
            worker.stop()
    return {name: [found[name, file.path] for file in files] for name, files in logs.items()}


def _split(tasks: Sequence[Task]) -> list[list[Task]]:
    """Split logs into shares of similar size, one for each process worth starting."""
    total = sum(file.unread_bytes for _, file in tasks)
    count = max(1, min(os.cpu_count() or 1, MAX_PROCESSES, total // BYTES_PER_PROCESS))
    shares: list[list[Task]] = [[] for _ in range(count)]
    sizes = [0] + [BYTES_PER_WORKER] * (count - 1)
    for task in sorted(tasks, key=lambda task: -task[1].unread_bytes):
        smallest = sizes.index(min(sizes))
        shares[smallest].append(task)
        sizes[smallest] += task[1].unread_bytes
    return shares


def read_share(share: Sequence[Task], on_bytes: Callable[[str, int], None]) -> Found:
    """Read a share in this process."""
    found = {}
    for name, file in share:
        found[name, file.path] = _read_file(find_agent(name), file)
        on_bytes(name, file.unread_bytes)
    return found


def _read_file(agent: Agent, file: LogFile) -> FileRead:
    """Read one log; an unreadable one is rejected with the reason and tried again next time."""
    found = ParsedPart(state=file.state)
    position = file
    try:
        for end, data in _parts(agent, file, found):
            part = agent.parse(data, file.path, found.state)
            position = replace(file, offset=end, tail=data[-TAIL_BYTES:] if agent.by_line else b"")
            found.events += part.events
            found.rejected += part.rejected
            found.reasons += part.reasons
            found.unknown += part.unknown
            found.state = part.state
    except OSError as error:
        found.reject(f"{UNREADABLE}: {error.strerror}")
        position = replace(position, mtime_ns=UNREAD_MTIME_NS)
    position = replace(position, state=found.state)
    return FileRead(position, found.events, found.rejected, found.reasons, found.unknown)


def _parts(agent: Agent, file: LogFile, found: ParsedPart) -> Iterable[tuple[int, bytes]]:
    if agent.by_line:
        return read_parts(file.path, file.offset, file.size, found.reject)
    if file.path.suffix == ".db":
        return [(file.size, b"")]
    if file.size > MAX_DOCUMENT_BYTES:
        found.reject("the file is too large")
        return []
    return [(file.size, file.path.read_bytes())]
