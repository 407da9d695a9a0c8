"""Compression of Streamlit's scripts and styles, which it serves uncompressed, and with its own fonts."""

import gzip
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # no type information
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.file_util import get_static_dir

from app.server.stylesheet import read_style

MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
# File names contain a hash of the content, so a browser never has to revalidate.
CACHE_FOREVER = "public, immutable, max-age=31536000"
ENCODINGS = ("br", "gzip")  # the best first
# Plotly takes 0.1 s at quality 5 and 0.3 s at 9, which is 4% smaller: not worth a visitor's wait.
BROTLI_QUALITY, GZIP_LEVEL = 5, 6
MIN_BYTES = 1024
REFUSED_WEIGHT = re.compile(r"0(\.0*)?")


class Precompress:
    """ASGI middleware that serves the compressible files and passes on other requests."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] in ASSETS.files:
            accepted = accepted_encodings(Headers(scope=scope).get("accept-encoding", ""))
            encoding = next((name for name in ENCODINGS if name in accepted), None)
            if encoding:
                await (await _response(scope["path"], encoding))(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Assets:
    """Streamlit's compressible files by URL path, and their compressed bytes once requested."""

    def __init__(self, root: Path) -> None:
        self.files = {
            f"/static/{file.relative_to(root).as_posix()}": file
            for file in sorted(root.rglob("*"))
            if file.suffix in MEDIA_TYPES and file.is_file() and file.stat().st_size >= MIN_BYTES
        }
        self._bytes: dict[tuple[str, str], bytes] = {}

    def ready(self, path: str, encoding: str) -> bytes | None:
        """The compressed file, if it is cached."""
        return self._bytes.get((path, encoding))

    def compress(self, path: str, encoding: str) -> bytes:
        """Compress the file, cache and return it."""
        file = self.files[path]
        raw = read_style(file) if file.suffix == ".css" else file.read_bytes()
        self._bytes[path, encoding] = made = compress(raw, encoding)
        return made


ASSETS = Assets(Path(get_static_dir()) / "static")


async def _response(path: str, encoding: str) -> Response:
    body = ASSETS.ready(path, encoding)
    if body is None:
        body = await run_in_threadpool(ASSETS.compress, path, encoding)
    return Response(body, headers=kept_headers(encoding), media_type=MEDIA_TYPES[ASSETS.files[path].suffix])


def compress(raw: bytes, encoding: str) -> bytes:
    """Compress a file for browsers that accept the encoding, `br` or `gzip`."""
    made: bytes = (
        brotli.compress(raw, quality=BROTLI_QUALITY)
        if encoding == "br"
        else gzip.compress(raw, GZIP_LEVEL, mtime=0)
    )
    return made


def kept_headers(encoding: str) -> dict[str, str]:
    """The headers of a file that browsers may keep, in an encoding or, if that is empty, as it is."""
    encoded = {"content-encoding": encoding} if encoding else {}
    return encoded | {"vary": "accept-encoding", "cache-control": CACHE_FOREVER}


def accepted_encodings(header: str) -> set[str]:
    """Encodings that a client accepts, except those with q=0 (RFC 9110, 12.5.3)."""
    offers = (part.partition(";q=") for part in header.lower().replace(" ", "").split(","))
    return {name for name, _, weight in offers if name and not REFUSED_WEIGHT.fullmatch(weight)}
