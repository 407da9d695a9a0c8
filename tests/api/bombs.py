"""Bodies that are small as they are sent and big once they are inflated."""

import zlib
from collections.abc import Iterable
from itertools import repeat

MIB = 1024 * 1024
WINDOW = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


def compress(pieces: Iterable[bytes], encoding: str) -> bytes:
    """The pieces in gzip or deflate."""
    packer = zlib.compressobj(9, wbits=WINDOW[encoding])
    return b"".join(packer.compress(each) for each in pieces) + packer.flush()


def make_bomb(encoding: str, is_json: bool, megabytes: int = 200) -> bytes:
    """A request of so many megabytes, that a reader of it would have to read to its end."""
    size = megabytes * MIB
    first = b'{"resourceSpans": [' if is_json else b"\x0a" + _varint(size)
    return compress([first, *repeat((b" " if is_json else b"\0") * MIB, megabytes)], encoding)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
