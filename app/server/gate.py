"""Gate in front of the server: no page, upload or WebSocket without a session."""

import asyncio
from collections import Counter
from collections.abc import Set as AbstractSet
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import alert_links, mail_links, unsubscribing
from app.auth.browser import ADDRESS_HEADER
from app.auth.cookies import SESSION_HEADER, cookie_name
from app.auth.form_pages import render_unreachable
from app.auth.local_path import with_next
from app.auth.same_origin import is_https, is_same_origin, origin_matches
from app.auth.session_store import StoreUnreachable
from app.auth.sessions import LiveSession, sessions
from app.auth.workspaces import WORKSPACE
from app.server.headers import add_security_headers
from app.server.hosts import MISDIRECTED, is_known_host
from app.server.preload import ELEMENTS, preload_header
from app.server.streamlit_sessions import TOO_MUCH, belongs_to, has_room
from app.ui.pages import PATHS

STATIC = Path(__file__).resolve().parent.parent / "static"
FORMS = {"/login", "/signup", "/forgot", "/reset", "/logout", "/invitation", mail_links.CONFIRM}
# Whole paths, compared after decoding: a prefix would be open to path traversal.
OPEN = {
    *FORMS,
    mail_links.PATH,
    *alert_links.PATHS.values(),
    unsubscribing.PATH,
    "/signed-out.js",
    "/_stcore/health",
    *(f"/app/static/{file.name}" for file in STATIC.iterdir()),
}
# Mail programs send it from anywhere; it reads no session, and its token is all it needs.
FROM_ANY_SITE = {alert_links.PATHS["stop"], unsubscribing.PATH}
CLOSED_PREFIXES = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
CACHEABLE_PREFIXES = ("/static/", "/app/static/")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
UNAUTHORISED_SOCKET, FOREIGN_SOCKET, TOO_MANY_SOCKETS, TRY_LATER_SOCKET = 4401, 1008, 4429, 1013
MAX_LIVE_PAGES = 20  # of one account, in all of its browsers
REFUSAL_SECONDS = 2.0
ENDS_CONNECTION = {"connection": "close"}  # the rest of a refused upload is not read


class Gate:
    """Pure ASGI middleware, so that it covers WebSockets and uploads too.

    Requests for one of `api_paths` go to `api`, which knows its callers by keys and ignores cookies.
    """

    def __init__(
        self, app: ASGIApp, api: ASGIApp | None = None, api_paths: AbstractSet[str] = frozenset()
    ) -> None:
        self.app, self._api, self._api_paths = app, api, api_paths
        self._live_pages: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not is_known_host(
            HTTPConnection(scope).headers.get("host")
        ):
            await _refuse_host(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _with_headers(scope["path"], send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        _strip_our_headers(scope)
        if self._api is not None and scope["path"] in self._api_paths:
            await self._api(_without_cookies(scope), receive, send)
            return
        if scope["path"] in OPEN:
            await (_refuse_cross_site(scope) or self.app)(scope, receive, send)
            return
        try:
            answer = await self._answer(scope)
        except StoreUnreachable as problem:  # whoever is signed in stays so
            answer = _tell_unreachable(scope, problem)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope) -> ASGIApp:
        session = await _find_session(scope)
        answer: ASGIApp
        if session is None:
            answer = _send_to_sign_in(scope)
        elif scope["path"].startswith(CLOSED_PREFIXES) or not belongs_to(scope["path"], session.session_id):
            answer = PlainTextResponse("Not found", 404, ENDS_CONNECTION)
        elif scope["method"] == "PUT" and not has_room(scope["path"], HTTPConnection(scope).headers):
            answer = PlainTextResponse(TOO_MUCH, 413, ENDS_CONNECTION)
        else:
            _set_our_headers(scope, session)
            answer = await _open_last_workspace(scope, session) or self.app
        return answer

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        _strip_our_headers(scope)
        try:
            session = await _find_session(scope)
        except StoreUnreachable:
            await asyncio.sleep(REFUSAL_SECONDS)
            await send({"type": "websocket.close", "code": TRY_LATER_SOCKET})
            return
        if session is None:
            await send({"type": "websocket.close", "code": UNAUTHORISED_SOCKET})
        elif not origin_matches(HTTPConnection(scope).headers):
            await send({"type": "websocket.close", "code": FOREIGN_SOCKET})
        elif self._live_pages[session.user_id] >= MAX_LIVE_PAGES:
            await asyncio.sleep(
                REFUSAL_SECONDS
            )  # a program would try again at once, hundreds of times a second
            await send({"type": "websocket.close", "code": TOO_MANY_SOCKETS})
        else:
            await self._connect(scope, receive, send, session)

    async def _connect(self, scope: Scope, receive: Receive, send: Send, session: LiveSession) -> None:
        _set_our_headers(scope, session)
        self._live_pages[session.user_id] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._live_pages[session.user_id] -= 1
            if not self._live_pages[session.user_id]:
                del self._live_pages[session.user_id]


async def _refuse_host(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": FOREIGN_SOCKET})
    else:
        await PlainTextResponse(MISDIRECTED, 421)(scope, receive, send)


async def _find_session(scope: Scope) -> LiveSession | None:
    return await sessions().look_up(HTTPConnection(scope).cookies.get(cookie_name()))


def _strip_our_headers(scope: Scope) -> None:
    """Remove our headers if the client sent them, in both spellings: some servers read `_` as `-`."""
    ours = {name.lower().encode() for name in (SESSION_HEADER, ADDRESS_HEADER)}
    scope["headers"] = [
        (name, value)
        for name, value in scope["headers"]
        if name.strip().lower().replace(b"_", b"-") not in ours
    ]


def _without_cookies(scope: Scope) -> Scope:
    """The request as a program sends it: a browser adds cookies, with which other sites could act."""
    kept = [(name, value) for name, value in scope["headers"] if name.strip().lower() != b"cookie"]
    return {**scope, "headers": kept}


def _set_our_headers(scope: Scope, session: LiveSession) -> None:
    address = scope["client"][0] if scope.get("client") else ""
    for name, value in ((SESSION_HEADER, session.session_id), (ADDRESS_HEADER, address)):
        scope["headers"].append((name.lower().encode(), value.encode()))


def _refuse_cross_site(scope: Scope) -> Response | None:
    """Refuse forms that another site sends (CSRF)."""
    headers = HTTPConnection(scope).headers
    if scope["method"] in SAFE_METHODS or scope["path"] in FROM_ANY_SITE or is_same_origin(headers):
        return None
    return PlainTextResponse("This form was sent from another site. Open Tally and try again.", 403)


def asks_for_page(scope: Scope) -> bool:
    """True for a browser's request for a page, as opposed to its files and data."""
    accepted = HTTPConnection(scope).headers.get("accept", "")
    return scope["method"] in ("GET", "HEAD") and "text/html" in accepted


async def _open_last_workspace(scope: Scope, session: LiveSession) -> Response | None:
    """Add the last chosen workspace to the address of a page that names none."""
    address = HTTPConnection(scope)
    if scope["path"] not in PATHS or not asks_for_page(scope) or WORKSPACE in address.query_params:
        return None
    workspace_id = await sessions().look_up_workspace(session.user_id)
    if workspace_id is None:
        return None
    target = address.url.include_query_params(**{WORKSPACE: workspace_id})
    return RedirectResponse(f"{target.path}?{target.query}", 303)


def _tell_unreachable(scope: Scope, problem: StoreUnreachable) -> Response:
    again = {"retry-after": "2"}
    if not asks_for_page(scope):
        return PlainTextResponse(str(problem), 503, ENDS_CONNECTION | again)
    target = scope["path"] + (f"?{query}" if (query := scope["query_string"].decode("latin-1")) else "")
    response = render_unreachable(target, str(problem))
    response.headers.update(again)
    return response


def _send_to_sign_in(scope: Scope) -> Response:
    if not asks_for_page(scope):
        return PlainTextResponse("Sign in first.", 401)
    target = scope["path"] + (f"?{query}" if (query := scope["query_string"].decode("latin-1")) else "")
    return RedirectResponse(with_next("/login", target), 303)


def _with_headers(path: str, send: Send) -> Send:
    """Add security, caching and preload headers to a response."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            add_security_headers(headers, is_https())
            if message["status"] >= 400 or not path.startswith(CACHEABLE_PREFIXES):
                headers["cache-control"] = "no-store"
            headers.setdefault("cache-control", "public, max-age=3600")
            is_page = message["status"] == 200 and headers.get("content-type", "").startswith("text/html")
            if is_page and path not in OPEN:
                headers["link"] = preload_header(path if path in ELEMENTS else "/")
        await send(message)

    return send_with_headers
