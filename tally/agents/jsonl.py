"""JSON-lines logs that are still being written: whole lines only, of bounded length."""

import re
from collections.abc import Iterator
from pathlib import Path

BLOCK_BYTES = 32_000_000  # bytes per read
MAX_LINE_BYTES = 256_000_000
TAIL_BYTES = 256  # compared to detect that a file was overwritten


def read_parts(path: Path, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines between two offsets, in parts, each with the offset after it.

    A line without its newline is still being written, so it is left for the next run. One longer than
    `MAX_LINE_BYTES` is skipped.
    """
    with path.open("rb") as file:
        file.seek(start)
        rest = b""
        is_skipping = False
        while start + len(rest) < end and (block := file.read(min(BLOCK_BYTES, end - start - len(rest)))):
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
            if len(rest) > MAX_LINE_BYTES or is_skipping:
                start, rest, is_skipping = start + len(rest), b"", True


def lines_with(data: bytes, marker: bytes) -> Iterator[bytes]:
    """Yield the lines that contain a marker; finding the marker first makes the other lines cheap."""
    at = data.find(marker)
    while at >= 0:
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        yield data[data.rfind(b"\n", 0, at) + 1 : end]
        at = data.find(marker, end)


def lines_before(data: bytes, marker: bytes, end: int) -> Iterator[bytes]:
    """Yield the lines with a marker before an offset, the last one first."""
    at = data.rfind(marker, 0, end)
    while at >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        stop = data.find(b"\n", at)
        yield data[start : stop if stop >= 0 else len(data)]
        at = data.rfind(marker, 0, start)


def lines_matching(data: bytes, marker: re.Pattern[bytes]) -> Iterator[bytes]:
    """Yield the lines that match one of several markers."""
    found = marker.search(data)
    while found:
        end = data.find(b"\n", found.start())
        end = len(data) if end < 0 else end
        yield data[data.rfind(b"\n", 0, found.start()) + 1 : end]
        found = marker.search(data, end)


def ends_with(path: Path, offset: int, tail: bytes) -> bool:
    """Return whether the bytes before an offset are still these."""
    try:
        with path.open("rb") as file:
            file.seek(offset - len(tail))
            return file.read(len(tail)) == tail
    except (OSError, ValueError):
        return False
