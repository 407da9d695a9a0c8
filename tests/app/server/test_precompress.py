"""Streamlit's scripts and styles arrive compressed, and unchanged."""

import gzip
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # it ships no types
import httpx
import pytest
from streamlit.file_util import get_static_dir

from app.server.precompress import ASSETS, accepted_encodings
from tests.every_case import every_case

SCRIPT = next(path for path in ASSETS.files if path.startswith("/static/js/index.") and path.endswith(".js"))
STYLE = next(path for path in ASSETS.files if path.endswith(".css"))


def raw(client: httpx.Client, path: str, accept: str, method: str = "GET") -> tuple[httpx.Headers, bytes]:
    with client.stream(method, path, headers={"accept-encoding": accept}) as answer:
        assert answer.status_code == 200
        return answer.headers, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", [SCRIPT, STYLE])
@pytest.mark.parametrize(
    ("accept", "encoding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None)],
)
def test_file_arrives_unchanged_in_the_best_accepted_encoding(
    signed_in: httpx.Client, path: str, accept: str, encoding: str | None
) -> None:
    headers, body = raw(signed_in, path, accept)
    decode = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    assert headers.get("content-encoding") == encoding
    assert decode(body) == ASSETS.files[path].read_bytes()
    assert headers["cache-control"] == "public, immutable, max-age=31536000"
    assert ("css" if path == STYLE else "javascript") in headers["content-type"]
    assert int(headers["content-length"]) == len(body)


def test_head_has_the_size_and_no_body(signed_in: httpx.Client) -> None:
    headers, body = raw(signed_in, SCRIPT, "br", "HEAD")
    assert int(headers["content-length"]) > 0
    assert body == b""


def test_script_is_compressed_to_less_than_a_third(signed_in: httpx.Client) -> None:
    _, body = raw(signed_in, SCRIPT, "br")
    assert len(body) < ASSETS.files[SCRIPT].stat().st_size / 3


def test_only_streamlits_own_files_are_known() -> None:
    root = Path(get_static_dir()).resolve()
    assert len(ASSETS.files) > 100
    for path, file in ASSETS.files.items():
        assert file.resolve().is_relative_to(root / "static")
        assert path == "/" + file.relative_to(root).as_posix()


@every_case(
    [
        ("", set()),
        ("gzip, deflate, br", {"gzip", "deflate", "br"}),
        ("br;q=1.0, gzip;q=0.8", {"br", "gzip"}),
        ("br; q=0, gzip;q=0.0", set()),
        ("GZIP", {"gzip"}),
        ("brotli, x-br", {"brotli", "x-br"}),
    ]
)
def test_accept_encoding_follows_the_standard(header: str, accepted: set[str]) -> None:
    assert accepted_encodings(header) == accepted
