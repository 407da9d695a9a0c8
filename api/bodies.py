"""Reading request bodies: bounded in size while they arrive and while they are inflated, and in time."""

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from starlette.requests import ClientDisconnect, Request

from api.answers import Refusal

MIB = 1024 * 1024
MAX_BYTES = 16 * MIB  # of a body, as sent and inflated
MAX_BYTES_AT_ONCE = 128 * MIB  # of all bodies that are being handled
PIECE = 256 * 1024
SECONDS = 30.0
MAX_MEMBERS = 1_000  # a compressed body is usually one
MAX_DISCARDED_BYTES, DISCARD_SECONDS = 64 * MIB, 2.0
AGAIN_AFTER = 1
TOO_BIG = "The request is bigger than 16 MB after decompression. Send smaller batches."
TOO_SLOW = "The request took more than 30 seconds to arrive. Send it again."
BUSY = "Tally is handling as much as it can at once. Send this again in a moment."
TOO_MANY_MEMBERS = "The request is compressed in more than 1,000 parts. Compress it as a whole."
DAMAGED = "The body is not valid {encoding} data. Check what compresses it, or send it uncompressed."


class Inflater(Protocol):
    """Makes a body's bytes of what arrives."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes that this data completes, in pieces."""

    def end(self) -> None:
        """Raise Refusal if more should have come."""


class Plain:
    """Data that is not compressed."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if data:
            yield data

    def end(self) -> None:
        """Any end is one."""


class Compressed:
    """Gzip or deflate, of one or several members; deflate with or without zlib's header."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._member: zlib._Decompress | None = None
        self._members = 0
        self._head = b""  # too little to tell how a member is encoded

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes that this data completes, in pieces."""
        try:
            yield from self._inflate(self._head + data)
        except zlib.error:
            raise self._damaged() from None

    def end(self) -> None:
        """Raise Refusal if the last member is not complete."""
        if self._head or (self._member is not None and not self._member.eof):
            raise self._damaged()

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        self._head = b""
        while data:
            if self._member is None or self._member.eof:
                if len(data) < 2:
                    self._head = data
                    return
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise Refusal(413, TOO_MANY_MEMBERS)
                self._member = zlib.decompressobj(self._find_format(data))
            piece = self._member.decompress(data, PIECE)
            while piece:
                yield piece
                piece = self._member.decompress(self._member.unconsumed_tail, PIECE)
            data = self._member.unused_data

    def _find_format(self, data: bytes) -> int:
        if self._encoding == "gzip":
            return zlib.MAX_WBITS | 16
        has_header = data[0] & 15 == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS

    def _damaged(self) -> Refusal:
        return Refusal(400, DAMAGED.format(encoding=self._encoding))


def find_inflater(encoding: str) -> Inflater:
    """The inflater of a Content-Encoding; raises Refusal for one that is not supported."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return Plain()
    if name in ("gzip", "x-gzip"):
        return Compressed("gzip")
    if name == "deflate":
        return Compressed("deflate")
    raise Refusal(
        415, "This Content-Encoding is not supported. Compress with gzip or deflate, or not at all."
    )


class BodyRoom:
    """The memory of all bodies that are being handled; more than it has are told to wait."""

    def __init__(self, capacity: int = MAX_BYTES_AT_ONCE) -> None:
        self.capacity, self.used = capacity, 0

    @contextmanager
    def take(self) -> Iterator["Share"]:
        """A share that grows as its body does, and is given back in the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.used -= share.size


class Share:
    """The memory of one body."""

    def __init__(self, room: BodyRoom) -> None:
        self._room, self.size = room, 0

    def grow(self, size: int) -> None:
        """Take more, or raise Refusal."""
        if self._room.used + size > self._room.capacity:
            raise Refusal(503, BUSY, AGAIN_AFTER)
        self._room.used += size
        self.size += size


async def read_body(request: Request, share: Share, seconds: float = SECONDS) -> bytes:
    """The inflated body; raises Refusal, or ClientDisconnect."""
    encoding = request.headers.get("content-encoding", "")
    inflater = find_inflater(encoding)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 20 and int(length) > MAX_BYTES:
        raise Refusal(413, TOO_BIG)
    try:
        async with asyncio.timeout(seconds):
            sent, size = await _receive(request, share, inflater)
    except TimeoutError:
        raise Refusal(503, TOO_SLOW, AGAIN_AFTER) from None
    inflater.end()
    if isinstance(inflater, Plain):
        return bytes(sent)
    share.grow(size)
    again = find_inflater(encoding)
    starts = range(0, len(sent), PIECE)
    return b"".join(part for start in starts for part in again.feed(bytes(sent[start : start + PIECE])))


async def _receive(request: Request, share: Share, inflater: Inflater) -> tuple[bytearray, int]:
    """The body as it was sent, and its inflated size.

    It is inflated once to be measured, because many that grow slowly would hold much memory until the last.
    """
    sent, size = bytearray(), 0
    async for data in request.stream():
        if len(sent) + len(data) > MAX_BYTES:  # members without content inflate to nothing
            raise Refusal(413, TOO_BIG)
        share.grow(len(data))
        sent += data
        for piece in inflater.feed(data):
            size += len(piece)
            if size > MAX_BYTES:
                raise Refusal(413, TOO_BIG)
    return sent, size


async def discard_body(request: Request) -> None:
    """Read the rest of a refused body, within bounds: who is still sending would not see the answer."""
    if "expect" in request.headers:  # the client waits for the answer, and then sends no body
        return
    left = MAX_DISCARDED_BYTES
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(DISCARD_SECONDS):
            async for data in request.stream():
                left -= len(data)
                if left < 0:
                    return
