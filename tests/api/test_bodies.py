"""Bodies are bounded while they arrive and while they are inflated."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from api.answers import Refusal
from api.bodies import MAX_BYTES, MIB, BodyRoom, read_body
from tests.api.bombs import make_bomb
from tests.every_case import every_case

TEXT = b"a span and another " * 100


def request_of(chunks: Iterable[bytes], **headers: str) -> Request:
    """A request whose body arrives in these pieces."""
    waiting = iter(chunks)

    async def receive() -> dict[str, object]:
        chunk = next(waiting, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


def read(chunks: Iterable[bytes], room: BodyRoom | None = None, **headers: str) -> bytes:
    async def run() -> bytes:
        with (room or BodyRoom()).take() as share:
            return await read_body(request_of(chunks, **headers), share)

    return asyncio.run(run())


def refused(chunks: Iterable[bytes], room: BodyRoom | None = None, **headers: str) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        read(chunks, room, **headers)
    return refusal.value


def split(data: bytes, sizes: Sequence[int]) -> Iterable[bytes]:
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@given(
    st.sampled_from(sorted(PACKERS)),
    st.lists(st.binary(max_size=3000), max_size=4),
    st.lists(st.integers(0, 900), max_size=6),
)
def test_any_members_in_any_pieces_are_what_was_compressed(
    encoding: str, parts: list[bytes], sizes: list[int]
) -> None:
    packed = b"".join(PACKERS[encoding](part) for part in parts)
    assert read(split(packed, sizes), content_encoding=encoding) == b"".join(parts)


@every_case([(sizes,) for sizes in [[], [1], [1, 1, 1], [2, 50]]])
def test_deflate_without_zlibs_header_is_read(sizes: list[int]) -> None:
    assert read(split(raw_deflate(TEXT), sizes), content_encoding="deflate") == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("spoil", [lambda data: data[:-3], lambda data: data + b"x", lambda _: b"hello"])
def test_damaged_body_is_refused_with_a_sentence(encoding: str, spoil: Callable[[bytes], bytes]) -> None:
    refusal = refused([spoil(PACKERS[encoding](TEXT))], content_encoding=encoding)
    assert refusal.status == 400
    assert refusal.message.startswith(f"The body is not valid {encoding} data.")


@every_case([(encoding,) for encoding in ["zstd", "br", "gzip, gzip", "compress"]])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert refused([b""], content_encoding=encoding).status == 415


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_sixteen_megabytes_are_taken_and_one_byte_more_is_not(encoding: str) -> None:
    assert len(read([PACKERS[encoding](bytes(MAX_BYTES))], content_encoding=encoding)) == MAX_BYTES
    assert refused([PACKERS[encoding](bytes(MAX_BYTES + 1))], content_encoding=encoding).status == 413


def test_announced_size_is_refused_before_anything_is_read() -> None:
    def never() -> Iterable[bytes]:
        raise AssertionError("the body was read")
        yield b""

    assert refused(never(), content_length=str(MAX_BYTES + 1)).status == 413


def test_members_without_content_end_at_the_limit() -> None:
    nothing = gzip.compress(b"") * 50_000  # 1 MB

    def endless() -> Iterable[bytes]:
        while True:
            yield nothing

    assert refused(endless(), content_encoding="gzip").status == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bomb_of_200_megabytes_costs_at_most_32(encoding: str) -> None:
    bomb = make_bomb(encoding, is_json=False)
    tracemalloc.start()
    try:
        assert refused([bomb], content_encoding=encoding).status == 413
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 32 * MIB


def test_body_that_does_not_end_in_time_is_to_be_sent_again() -> None:
    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def run() -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        with BodyRoom().take() as share:
            await read_body(Request(scope, receive), share, seconds=0.01)

    with pytest.raises(Refusal) as refusal:
        asyncio.run(run())
    assert (refusal.value.status, refusal.value.retry_after) == (503, 1)


def test_bodies_share_their_memory_and_give_it_back() -> None:
    room = BodyRoom(capacity=2 * MIB)

    async def run() -> AsyncIterator[None]:
        with room.take() as first:
            await read_body(request_of([bytes(MIB)]), first)
            with pytest.raises(Refusal) as refusal, room.take() as second:
                await read_body(request_of([bytes(MIB), b"1"]), second)
            assert (refusal.value.status, refusal.value.retry_after) == (503, 1)
            with room.take() as third:
                assert len(await read_body(request_of([bytes(MIB)]), third)) == MIB
        yield

    async def all_of_it() -> None:
        async for _ in run():
            pass

    asyncio.run(all_of_it())
    assert room.used == 0
