"""Lines of logs that somebody else is still writing: only whole ones are read, and none is too long."""

import re
from collections.abc import Iterator
from pathlib import Path

BLOCK = 32_000_000  # bytes read at a time
LONGEST_LINE = 256_000_000
TAIL = 256  # bytes that tell whether a file is still the one that was read


def read_parts(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines of a file from one offset to another, in parts, each with the offset behind it.

    A line without its newline is still being written and stays for the next time. One of monstrous length is
    left out.
    """
    with path.open("rb") as file:
        file.seek(start)
        rest = b""
        is_skipping = False
        while start + len(rest) < end and (block := file.read(min(BLOCK, end - start - len(rest)))):
            data = rest + block
            cut = data.rfind(b"\n") + 1
            if is_skipping and cut:
                first = data.find(b"\n") + 1
                start += first
                data, cut, is_skipping = data[first:], cut - first, False
            if cut:
                start += cut
                yield start, data[:cut]
            rest = data[cut:]
            if len(rest) > LONGEST_LINE or is_skipping:
                start, rest, is_skipping = start + len(rest), b"", True


def lines_with(data: bytes, marker: bytes) -> Iterator[bytes]:
    """The lines that hold a marker: the others are passed over without being looked at."""
    at = data.find(marker)
    while at >= 0:
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        yield data[data.rfind(b"\n", 0, at) + 1 : end]
        at = data.find(marker, end)


def lines_matching(data: bytes, marker: re.Pattern[bytes]) -> Iterator[bytes]:
    """The same for one of several markers."""
    found = marker.search(data)
    while found:
        end = data.find(b"\n", found.start())
        end = len(data) if end < 0 else end
        yield data[data.rfind(b"\n", 0, found.start()) + 1 : end]
        found = marker.search(data, end)


def ends_with(path: Path, offset: int, tail: bytes) -> bool:
    """Whether these bytes still stand before an offset."""
    try:
        with path.open("rb") as file:
            file.seek(offset - len(tail))
            return file.read(len(tail)) == tail
    except (OSError, ValueError):
        return False
