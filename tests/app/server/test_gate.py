"""Nothing but the sign-in pages can be reached without a session: against a real server."""

import asyncio
import socket
from collections.abc import Callable

import httpx
import pytest
import websockets

from api.app import create_api
from api.settings import ApiSettings
from app.auth.cookies import SESSION_HEADER
from app.auth.identity import User
from app.auth.sessions import Sessions
from app.auth.sqlite_sessions import SqliteSessions
from app.server.gate import OPEN
from tally.accounts.auth_client import AuthClient
from tally.api_keys.keys import NewKey, create_key
from tally.local.stack import Stack
from tally.storage.postgres import PostgresDatabase
from tests.app.accounts import Account, sign_in, tokens_of
from tests.app.app_server import AppServer
from tests.shared_connections import operator_connection

STREAM = "/_stcore/stream"


def raw_status(server: AppServer, target: str, *headers: str) -> int:
    """Send a request line exactly as written: client libraries tidy paths up before sending them."""
    head = "\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers])
    with socket.create_connection(("localhost", server.port), timeout=10) as wire:
        wire.sendall(f"{head}\r\n\r\n".encode("latin-1"))
        answer = b""
        while b"\r\n" not in answer and (data := wire.recv(4096)):
            answer += data
    return int(answer.split()[1])


async def handshake(server: AppServer, **headers: str) -> int:
    """The status of a WebSocket handshake; 101 is success."""
    try:
        url = f"ws://localhost:{server.port}{STREAM}"
        async with websockets.connect(url, additional_headers=headers, subprotocols=["streamlit"]):  # type: ignore[list-item]
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code


def cookies(client: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


@pytest.mark.parametrize("path", ["/", "/records", "/settings?tab=1", "/logi", "/login/x", "/loginx"])
def test_page_without_a_session_leads_to_sign_in(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_deep_link_is_remembered_for_after_sign_in(browser: httpx.Client) -> None:
    login = browser.get("/records?provider=openai&range=7d").headers["location"]
    assert login == "/login?next=%2Frecords%3Fprovider%3Dopenai%26range%3D7d"
    assert 'value="/records?provider=openai&amp;range=7d"' in browser.get(login).text


@pytest.mark.parametrize(
    "path",
    [
        "/static/js/index.js",
        "/_stcore/metrics",
        "/_stcore/host-config",
        "/_stcore/stream",
        "/media/0123.png",
        "/component/x/index.html",
        "/_stcore/upload_file/a/b",
        "/_stcore/agent/openapi.json",
        "/app/static/../main.py",
        "/oauth2callback",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_nothing_else_is_served_without_a_session(server: AppServer, method: str, path: str) -> None:
    answer = httpx.request(method, server.url + path, headers={"origin": server.url})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "//login",
        "///login",
        "/login/../",
        "/login/..",
        "/login/%2e%2e/",
        "/login%2f..%2f",
        "/login/..%2f_stcore/metrics",
        "/login/%2e%2e/_stcore/host-config",
        "/app/static/%2e%2e/main.py",
        "/app/static/..%2f..%2fpyproject.toml",
        "/_stcore/health/../metrics",
        "/_stcore/health%2f..%2fmetrics",
        "/_stcore//metrics",
        "/LOGIN",
        "/login;x",
        "/login%00",
        "/login%20",
        "/login\\..\\",
        "/%5c%5clogin",
        "http://localhost/records",
        "*",
    ],
)
def test_disguised_path_is_not_open(server: AppServer, target: str) -> None:
    assert raw_status(server, target) in (303, 400, 401, 404)
    assert raw_status(server, target, "Accept: text/html") in (303, 400, 401, 404)


def test_open_list_is_the_forms_the_public_files_and_the_health_check(server: AppServer) -> None:
    not_static = {path for path in OPEN if not path.startswith("/app/static/")}
    assert not_static == {
        *("/login", "/signup", "/forgot", "/reset", "/logout", "/invitation"),
        *("/auth/v1/verify", "/confirm", "/confirm-alerts", "/stop-alerts", "/unsubscribe"),
        *("/signed-out.js", "/_stcore/health"),
    }
    without_token = (
        *("/invitation", "/auth/v1/verify", "/confirm"),
        *("/confirm-alerts", "/stop-alerts", "/unsubscribe"),
    )
    statuses = {"/logout": 303} | dict.fromkeys(without_token, 404)
    for path in OPEN:
        answer = httpx.get(server.url + path)
        assert answer.status_code == statuses.get(path, 200), path
        assert "prerenderReady" not in answer.text, "this is Streamlit's page"


def test_signed_in_user_gets_the_dashboard_but_not_the_metrics(signed_in: httpx.Client) -> None:
    assert signed_in.get("/").status_code == 200
    assert signed_in.get("/_stcore/host-config").status_code == 200
    for path in ("/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/script-health-check"):
        assert signed_in.get(path).status_code == 404


@pytest.mark.parametrize("name", [SESSION_HEADER, "x-app-sid", "X_App_Sid", "X-APP_SID"])
def test_claimed_session_header_opens_nothing(server: AppServer, name: str) -> None:
    assert raw_status(server, "/", f"{name}: 0123", "Accept: text/html") == 303


def test_websocket_needs_a_session_and_our_own_origin(server: AppServer, signed_in: httpx.Client) -> None:
    cookie, ours = cookies(signed_in), server.url
    assert asyncio.run(handshake(server, Cookie=cookie, Origin=ours)) == 101
    assert asyncio.run(handshake(server, Origin=ours)) == 403
    assert asyncio.run(handshake(server, Cookie="tally=" + "x" * 43, Origin=ours)) == 403
    assert asyncio.run(handshake(server, Cookie=cookie)) == 403
    foreign = ("https://evil.example", "null", ours + ".evil.example", "http://localhost", "http://[")
    for origin in foreign:
        assert asyncio.run(handshake(server, Cookie=cookie, Origin=origin)) == 403, origin


def test_signed_out_cookie_is_refused(server: AppServer, signed_in: httpx.Client) -> None:
    cookie = cookies(signed_in)
    assert signed_in.post("/logout").headers["location"] == "/login"
    assert raw_status(server, "/", f"Cookie: {cookie}") == 401
    assert asyncio.run(handshake(server, Cookie=cookie, Origin=server.url)) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "{ours}"},
    ],
)
def test_form_sent_by_another_site_is_refused(
    server: AppServer, signed_in: httpx.Client, headers: dict[str, str]
) -> None:
    del signed_in.headers["origin"]
    sent = {name: value.format(ours=server.url) for name, value in headers.items()}
    for form in ("/login", "/signup", "/forgot", "/reset", "/logout", "/invitation", "/confirm-alerts"):
        assert signed_in.post(form, headers=sent).status_code == 403, form
    assert signed_in.get("/").status_code == 200


def test_form_from_our_own_page_is_accepted_by_either_proof(
    server: AppServer, new_account: Callable[[], Account]
) -> None:
    for proof in ({"sec-fetch-site": "same-origin"}, {"origin": server.url}):
        with httpx.Client(base_url=server.url, headers=proof) as client:
            sign_in(client, new_account())
            assert client.cookies


def test_page_opens_in_the_last_chosen_workspace_unless_it_names_one(
    server: AppServer, browser: httpx.Client, upstream: AuthClient, account: Account
) -> None:
    sign_in(browser, account)
    store, user_id = (
        Sessions(SqliteSessions(server.folder / "sessions.db"), upstream),
        tokens_of(account).user_id,
    )
    store.save_last_workspace(user_id, "a-team")
    try:
        assert browser.get("/").headers["location"] == "/?workspace=a-team"
        assert browser.get("/records?range=7D").headers["location"] == "/records?range=7D&workspace=a-team"
        for address in ("/records?workspace=other", "/app/static/logo.svg", "/_stcore/host-config"):
            assert browser.get(address).status_code == 200, address
        assert browser.get("/records", headers={"accept": "*/*"}).status_code == 200
    finally:
        store.save_last_workspace(user_id, None)
    assert browser.get("/").status_code == 200


KEYED = sorted(create_api(ApiSettings()).addresses)
NEAR = [
    "/v1",
    "/v1/",
    "/v1/tracesx",
    "/v1/traces/",
    "/v1/Traces",
    "//v1/traces",
    "/v1/../v1/traces",
]


@pytest.mark.parametrize("path", KEYED)
def test_address_of_programs_asks_for_a_key_and_never_for_a_session(
    server: AppServer, signed_in: httpx.Client, path: str
) -> None:
    for headers in ({}, {"cookie": cookies(signed_in)}, {"authorization": "Bearer tly_wrong"}):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = httpx.request(method, server.url + path, headers=headers)
            assert answer.status_code in (401, 405), (method, headers)
            assert answer.headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in answer.headers
            assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize("path", KEYED)
def test_address_of_programs_is_answered_under_known_names_alone(server: AppServer, path: str) -> None:
    assert httpx.post(server.url + path, headers={"host": "evil.example"}).status_code == 421


def test_addresses_near_those_of_programs_stay_behind_the_gate(server: AppServer) -> None:
    for path in NEAR:
        assert raw_status(server, path) == 401, path
        assert httpx.post(server.url + path, headers={"origin": server.url}).status_code == 401, path
        assert raw_status(server, path, "Accept: text/html") == 303, path


def test_page_of_another_site_sends_nothing_with_the_cookies_of_a_visitor(
    server: AppServer, signed_in: httpx.Client
) -> None:
    sent = {
        "origin": "https://evil.example",
        "content-type": "application/json",
        "cookie": cookies(signed_in),
    }
    for path in KEYED:
        assert httpx.post(server.url + path, headers=sent, content=b"{}").status_code in (401, 405)


def test_socket_at_an_address_of_programs_needs_a_session(server: AppServer) -> None:
    assert (
        raw_status(
            server,
            KEYED[0],
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        == 403
    )


@pytest.mark.parametrize("path", ["/v1/budget", "/v1/costs", "/v1/models"])
def test_key_reads_through_the_dashboards_server(
    server: AppServer, user: User, stack: Stack, path: str
) -> None:
    with operator_connection(stack, autocommit=True) as connection:
        made = create_key(PostgresDatabase(connection, user.user_id), NewKey("gate", ("read",)))
    answer = httpx.get(server.url + path, headers={"authorization": f"Bearer {made.text}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
