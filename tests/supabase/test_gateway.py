"""The gateway: paths it forwards or refuses, and the role each request gets."""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import time
import uuid
from collections.abc import Iterator

import pytest
from supabase import Client, create_client

from tally.local.stack import Stack
from tests.supabase.parts import connect, eventually, get

CLOSED_PATHS = [
    "/",
    "/_system/info",
    "/_system/introspect",
    "/auth/v1/../../_system/info",
    "/auth/v1/%2e%2e/%2e%2e/_system/info",
    "/auth/v1/%2E%2E/%2e./_system/info",
    "/auth/v1/..%2f..%2f_system/info",
    "/auth/v1/..%5c..%5c_system/info",
    "/auth/v1/..\\..\\_system/info",
    "/auth/v1/%252e%252e/%252e%252e/_system/info",
    "/rest/v1/../../_system/info",
    "//_system/info",
    "//gateway/auth/v1/../../_system/info",
    "http://127.0.0.1/_system/info",
    "http://127.0.0.1/auth/v1/health",
    "*",
    "/auth/v10/health",
    "/auth/v2/health",
    "/AUTH/v1/health",
    "/storage/v1/bucket",
    "/graphql/v1",
    "/functions/v1/any",
]


def ask(stack: Stack, target: str, method: str = "GET") -> tuple[int, str]:
    """Send the target to the gateway exactly as written, as HTTP clients would normalise it."""
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: x",
        f"apikey: {stack.keys.publishable_key}",
        "Connection: close",
    ]
    request = "\r\n".join([*lines, "", ""])
    with socket.create_connection(("127.0.0.1", stack.ports.gateway), timeout=10) as wire:
        wire.sendall(request.encode())
        answer = b"".join(iter(lambda: wire.recv(65536), b"")).decode(errors="replace")
    return int(answer.split()[1]), answer


@pytest.fixture(scope="module")
def client(stack: Stack) -> Client:
    return create_client(stack.settings()["SUPABASE_URL"], stack.keys.publishable_key)


@pytest.fixture(scope="module")
def token(client: Client) -> str:
    """The access token of a new user."""
    answer = client.auth.sign_up({"email": f"{uuid.uuid4()}@example.com", "password": "correct horse"})
    assert answer.session is not None
    return answer.session.access_token


@pytest.mark.parametrize("target", CLOSED_PATHS)
def test_only_the_two_services_can_be_reached(stack: Stack, target: str) -> None:
    status, answer = ask(stack, target)
    assert status in (400, 404)
    assert not any(password in answer for password in stack.keys.passwords.values())


@pytest.mark.parametrize(
    "target", ["/auth/v1/health", "/auth/v1/user/../health", "/auth/v1/user/%2e%2e/health"]
)
def test_path_is_normalised_before_it_is_forwarded(stack: Stack, target: str) -> None:
    assert ask(stack, target)[0] == 200


@pytest.mark.parametrize("path", ["/auth/v1/health", "/rest/v1/providers"])
@pytest.mark.parametrize("key", [None, "", "sb_publishable_guessed", "sb_secret_guessed"])
def test_unknown_key_is_refused(stack: Stack, path: str, key: str | None) -> None:
    assert get(stack, path, key)[0] == 401


def test_publishable_key_alone_reads_nothing(stack: Stack) -> None:
    assert get(stack, "/rest/v1/providers", stack.keys.publishable_key)[0] == 401


def test_secret_key_gets_the_service_role(stack: Stack) -> None:
    status, body = get(stack, "/rest/v1/providers?select=name", stack.keys.secret_key)
    assert status == 200
    assert {"name": "openai"} in json.loads(body)


def test_key_in_both_headers_is_accepted(stack: Stack) -> None:
    key = stack.keys.secret_key
    assert get(stack, "/rest/v1/providers?limit=1", key, token=key)[0] == 200


def test_secret_key_as_token_beside_the_publishable_key_is_refused(stack: Stack) -> None:
    keys = stack.keys
    assert get(stack, "/rest/v1/providers?limit=1", keys.publishable_key, token=keys.secret_key)[0] == 401


def test_users_token_passes_through(stack: Stack, token: str) -> None:
    status, body = get(stack, "/rest/v1/user_preferences", stack.keys.publishable_key, token)
    assert status == 200
    assert len(json.loads(body)) == 1


def test_token_without_a_key_is_refused(stack: Stack, token: str) -> None:
    assert get(stack, "/rest/v1/user_preferences", token=token)[0] == 401


@pytest.mark.parametrize("secret", ["guessed", ""])
def test_forged_token_is_refused(stack: Stack, secret: str) -> None:
    forged = sign({"role": "service_role", "exp": int(time.time()) + 60}, secret)
    assert get(stack, "/rest/v1/providers", stack.keys.publishable_key, forged)[0] == 401


def test_unsigned_token_is_refused(stack: Stack) -> None:
    unsigned = sign({"role": "service_role"}, "", algorithm="none").rpartition(".")[0] + "."
    assert get(stack, "/rest/v1/providers", stack.keys.publishable_key, unsigned)[0] == 401


def test_expired_token_is_refused(stack: Stack) -> None:
    expired = sign({"role": "authenticated", "exp": int(time.time()) - 3600}, stack.keys.jwt_secret)
    assert get(stack, "/rest/v1/providers", stack.keys.publishable_key, expired)[0] == 401


def test_password_of_seven_characters_is_refused(client: Client) -> None:
    with pytest.raises(Exception, match="at least 8 characters"):
        client.auth.sign_up({"email": f"{uuid.uuid4()}@example.com", "password": "seven77"})


def test_times_of_the_auth_server_are_iso_8601(client: Client, token: str) -> None:
    answer = client.auth.get_user(token)
    assert answer is not None
    assert answer.user.created_at.tzinfo is not None


def test_large_body_streams_through(stack: Stack, token: str) -> None:
    records = [{"provider": "openai", "model_name": "m" * 150, "cost_usd": "0.1"}] * 5000
    body = json.dumps({"import_id": None, "records": records})
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.gateway, timeout=60)
    headers = {"apikey": stack.keys.publishable_key, "Authorization": f"Bearer {token}"}
    chunks = (body[start : start + 10_000].encode() for start in range(0, len(body), 10_000))
    connection.request(
        "POST",
        "/rest/v1/rpc/save_cost_records",
        chunks,
        headers | {"Content-Type": "application/json"},
        encode_chunked=True,
    )
    answer = connection.getresponse()
    result = json.loads(answer.read())
    assert answer.status == 200
    assert len(result["rejected"]) == 5000  # none has an identity; each was read and rejected


@pytest.fixture
def new_table(stack: Stack) -> Iterator[str]:
    """A table that is created while the data API runs."""
    with connect(stack) as connection:
        connection.execute("create table public.appears as select generate_series(1, 1200) as number")
        yield "appears"
        connection.execute("drop table public.appears")


def test_schema_changes_are_served_without_a_restart(stack: Stack, new_table: str) -> None:
    key = stack.keys.secret_key
    path = f"/rest/v1/{new_table}?select=number"
    eventually(lambda: get(stack, path, key)[0] == 200)
    assert len(json.loads(get(stack, path, key)[1])) == 1000, "a response holds at most 1,000 rows"
    with connect(stack) as connection:
        connection.execute("alter table public.appears rename column number to counted")
        eventually(lambda: get(stack, f"/rest/v1/{new_table}?select=counted", key)[0] == 200)


def sign(claims: dict[str, object], secret: str, algorithm: str = "HS256") -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "typ": "JWT"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return b".".join([signed, base64.urlsafe_b64encode(digest).rstrip(b"=")]).decode()
