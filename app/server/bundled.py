"""Addresses of the bundle: its start, the modules apart from it, and the files that these name."""

from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.bundle import find_bundle
from app.server.precompress import ENCODINGS, MEDIA_TYPES, accepted_encodings, compress, kept_headers

MOST_FILES = 1000  # compressed, in memory: some hundred modules in two encodings


class Bundled:
    """ASGI middleware that serves the bundle's modules, and passes on other requests.

    What else is named by modules, such as pictures, is where Streamlit has it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = scope["type"] == "http" and scope["path"].startswith("/static/")
        bundle = find_bundle() if is_file else None
        if bundle is None or not scope["path"].startswith(bundle.folder):
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(bundle.folder)
        if scope["method"] in ("GET", "HEAD") and path.startswith("js/"):
            accepted = accepted_encodings(Headers(scope=scope).get("accept-encoding", ""))
            encoding = next((name for name in ENCODINGS if name in accepted), "")
            body = await run_in_threadpool(read_code, path.removeprefix("js/"), encoding)
            await _answer(body, encoding)(scope, receive, send)
        else:
            moved = f"/static/{path}"
            await self.app({**scope, "path": moved, "raw_path": moved.encode()}, receive, send)


@lru_cache(MOST_FILES)
def read_code(name: str, encoding: str) -> bytes | None:
    """A module of the bundle in an encoding, or as it is if that is empty; None if there is none."""
    bundle = find_bundle()
    code = bundle.read(name) if bundle is not None else None
    return compress(code, encoding) if code is not None and encoding else code


def _answer(body: bytes | None, encoding: str) -> Response:
    if body is None:
        return PlainTextResponse("Not found", 404)
    return Response(body, headers=kept_headers(encoding), media_type=MEDIA_TYPES[".js"])
