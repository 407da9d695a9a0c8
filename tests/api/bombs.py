"""Bodies that are small as they are sent and big once they are inflated."""

import struct
import zlib
from collections.abc import Iterable
from functools import reduce
from itertools import repeat

MIB = 1024 * 1024
GZIP_HEADER, ZLIB_HEADER = bytes([31, 139, 8, 0, 0, 0, 0, 0, 2, 255]), b"\x78\xda"
WINDOW = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


def compress(pieces: Iterable[bytes], encoding: str) -> bytes:
    """The pieces in gzip or deflate."""
    packer = zlib.compressobj(9, wbits=WINDOW[encoding])
    return b"".join(packer.compress(each) for each in pieces) + packer.flush()


def make_bomb(encoding: str, is_json: bool, megabytes: int = 200) -> bytes:
    """A request of so many megabytes, that a reader of it would have to read to its end."""
    first = b'{"resourceSpans": [' if is_json else b"\x0a" + _varint(megabytes * MIB)
    piece = (b" " if is_json else b"\0") * MIB
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    # A full flush forgets what came before, so that all pieces are packed alike: it is done once.
    start, each = (packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH) for part in (first, piece))
    packed, pieces = start + each * megabytes + packer.flush(), [first, *repeat(piece, megabytes)]
    if encoding == "gzip":
        checksum = reduce(lambda before, part: zlib.crc32(part, before), pieces, 0)
        return GZIP_HEADER + packed + struct.pack("<LL", checksum, sum(map(len, pieces)))
    checksum = reduce(lambda before, part: zlib.adler32(part, before), pieces, 1)
    return ZLIB_HEADER + packed + struct.pack(">L", checksum)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
