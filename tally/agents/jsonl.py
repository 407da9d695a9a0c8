"""JSON-lines logs that are still being written: whole lines only, of bounded length."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tally.agents.events import LineRejected
from tally.agents.json_values import parse_object

BLOCK_BYTES = 32_000_000  # bytes per read
MAX_LINE_BYTES = 256_000_000
TAIL_BYTES = 256  # compared to detect that a file was overwritten
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # its first bytes


def read_parts(
    path: Path, start: int, end: int, on_skip: Callable[[str], object] = lambda _: None
) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines between two offsets, in parts, each with the offset after it.

    A last line without its newline is whole if it is an object, else it is still being written and left for
    the next run. What is skipped is told to `on_skip`: a line longer than `MAX_LINE_BYTES`, a file in UTF-16.
    """
    with path.open("rb") as file:
        file.seek(start)
        rest = b""
        is_skipping = False
        while start + len(rest) < end and (block := file.read(min(BLOCK_BYTES, end - start - len(rest)))):
            data = rest + block
            if not start and data.startswith(UTF_16):
                on_skip("the file is not in UTF-8")
                return
            cut = data.rfind(b"\n") + 1
            if is_skipping and cut:
                first = data.find(b"\n") + 1
                start += first
                data, cut, is_skipping = data[first:], cut - first, False
            if cut:
                start += cut
                yield start, data[:cut]
            rest = data[cut:]
            if len(rest) > MAX_LINE_BYTES and not is_skipping:
                on_skip(f"a line has more than {MAX_LINE_BYTES:,} bytes")
                is_skipping = True
            if is_skipping:
                start, rest = start + len(rest), b""
        if _is_object(rest):
            yield start + len(rest), rest


def whole_lines(data: bytes) -> bytes:
    """The data without a last line that is still being written."""
    cut = data.rfind(b"\n") + 1
    return data if _is_object(data[cut:]) else data[:cut]


def _is_object(line: bytes) -> bool:
    """Check whether a line is whole: no part of an object is one."""
    if not line.rstrip().endswith(b"}"):
        return False
    try:
        parse_object(line)
    except LineRejected:
        return False
    return True


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
