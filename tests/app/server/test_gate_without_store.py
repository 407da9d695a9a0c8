"""The gate while the shared session store does not answer: nobody is signed out, nobody gets in."""

from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse

from app.auth.postgres_sessions import PostgresSessions
from app.auth.same_origin import app_origin
from app.auth.sessions import Sessions
from app.auth.shared_database import SharedDatabase
from app.server import gate
from app.server.gate import TRY_LATER_SOCKET, Gate
from app.server.hosts import own_names
from tally.accounts.auth_client import AuthClient

COOKIE = {"cookie": f"tally={'A' * 43}"}


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A gate before a page that nobody may see."""
    for name in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("APP_ORIGIN", raising=False)
    app_origin.cache_clear()
    own_names.cache_clear()
    away = SharedDatabase("postgresql://tally_web:x@127.0.0.1:1/postgres")
    store = Sessions(PostgresSessions(away), AuthClient("http://127.0.0.1:1", "key"))
    monkeypatch.setattr(gate, "sessions", lambda: store)
    monkeypatch.setattr(gate, "REFUSAL_SECONDS", 0)
    yield Gate(PlainTextResponse("the page"))
    away.close()
    app_origin.cache_clear()
    own_names.cache_clear()


def ask(guarded: Gate, path: str, accepted: str) -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app=guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers=COOKIE | {"accept": accepted})

    return anyio.run(get)


def test_visitor_is_told_and_stays_signed_in(guarded: Gate) -> None:
    answer = ask(guarded, "/records?range=7d&note=<b>", "text/html")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "You are still signed in." in answer.text
    assert 'href="/records?range=7d&amp;note=' in answer.text, "the way back to the same page"
    assert "<b>" not in answer.text
    assert "set-cookie" not in answer.headers
    assert ask(guarded, "/login", "text/html").text == "the page", "what needs no session is served"


def test_data_and_files_are_refused_for_a_moment(guarded: Gate) -> None:
    answer = ask(guarded, "/_stcore/upload_file/1/2", "*/*")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.text.startswith("Tally cannot reach its session store.")


def test_live_page_is_told_to_try_again(guarded: Gate) -> None:
    sent: list[dict[str, Any]] = []

    async def connect() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        headers = [(b"host", b"localhost"), (b"cookie", COOKIE["cookie"].encode())]
        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": headers, "query_string": b""}
        await guarded(scope, receive, send)

    anyio.run(connect)
    assert sent == [{"type": "websocket.close", "code": TRY_LATER_SOCKET}]
