"""The auth server behind its door, as attackers and people meet it over HTTP."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tally.local.running import running_stack
from tally.local.stack import Stack
from tests.app.app_server import AppServer
from tests.embedded import free_port_block
from tests.supabase.parts import connect, eventually

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def auth(stack: Stack) -> Iterator[httpx.Client]:
    url = f"{stack.settings()['SUPABASE_URL']}/auth/v1/"
    with httpx.Client(base_url=url, headers={"apikey": stack.keys.publishable_key}) as client:
        yield client


def sign_up(auth: httpx.Client, email: str | None = None) -> dict[str, Any]:
    email = email or f"{uuid.uuid4()}@example.com"
    answer = auth.post("signup", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "email": email}


def sign_in(auth: httpx.Client, email: str, password: str, device: str = "") -> httpx.Response:
    body = {"email": email, "password": password}
    return auth.post("token?grant_type=password", json=body, headers={"x-tally-device": device})


def refresh(auth: httpx.Client, token: str) -> httpx.Response:
    return auth.post("token?grant_type=refresh_token", json={"refresh_token": token})


def test_guessing_a_password_ends_and_a_known_device_still_gets_in(auth: httpx.Client) -> None:
    email = sign_up(auth)["email"]
    device = sign_in(auth, email, PASSWORD).headers["x-tally-device"]
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.8"}
    guesses = [
        auth.post("token?grant_type=password", json={"email": email, "password": "wrong"}, headers=forged)
        for _ in range(25)
    ]
    assert [guess.status_code for guess in guesses] == [400] * 20 + [429] * 5
    assert sign_in(auth, email, PASSWORD).status_code == 429
    assert sign_in(auth, email, PASSWORD, device).status_code == 200


def test_wrong_password_costs_the_same_for_known_and_unknown_addresses(auth: httpx.Client) -> None:
    known = sign_up(auth)["email"]

    def seconds(email: str) -> float:
        start = time.perf_counter()
        sign_in(auth, email, "wrong password")
        return time.perf_counter() - start

    pairs = [(seconds(known), seconds(f"{uuid.uuid4()}@example.com")) for _ in range(15)]
    first, second = (sorted(times)[3] for times in zip(*pairs, strict=True))
    # Without the decoy, an unknown address is answered without a hash, in a tenth of the time.
    assert 0.4 < first / second < 2.5


def test_spent_refresh_token_ends_the_session(stack: Stack, auth: httpx.Client) -> None:
    spent = sign_up(auth)["refresh_token"]
    current = refresh(auth, spent).json()["refresh_token"]
    assert refresh(auth, spent).status_code == 200  # repeated at once: its answer was lost
    with connect(stack, "supabase_admin") as database:
        database.execute(
            "update auth.refresh_tokens set updated_at = now() - interval '2 minutes' where token = %s",
            [spent],
        )
    stolen = refresh(auth, spent)
    assert (stolen.status_code, stolen.json()["error_code"]) == (400, "refresh_token_already_used")
    assert refresh(auth, current).status_code == 400


def test_stolen_access_token_sets_no_password_and_no_address(auth: httpx.Client) -> None:
    account = sign_up(auth)
    bearer = {"Authorization": f"Bearer {account['access_token']}"}
    refused = auth.put("user", json={"password": "another password"}, headers=bearer)
    assert refused.json()["error_code"] == "reauthentication_needed"
    auth.put("user", json={"email": "ceo@example.com"}, headers=bearer)
    assert auth.get("user", headers=bearer).json()["email"] == account["email"]
    body = {"password": "another password", "current_password": PASSWORD}
    assert auth.put("user", json=body, headers=bearer).status_code == 200
    assert sign_in(auth, account["email"], "another password").status_code == 200


def test_code_is_void_after_five_guesses_and_a_link_is_not(stack: Stack, auth: httpx.Client) -> None:
    email = sign_up(auth)["email"]
    assert auth.post("recover", json={"email": email}).json() == {}
    assert auth.post("recover", json={"email": email}).status_code == 429

    def mails() -> list[dict[str, str]]:
        found = [json.loads(file.read_text()) for file in stack.home.outbox.iterdir()]
        return [mail for mail in found if mail["to"] == email]

    eventually(lambda: len(mails()) == 1)
    code = mails()[0]["code"]
    wrong = "111111" if code != "111111" else "222222"
    for _ in range(5):
        assert redeem(auth, email, wrong).status_code == 403
    assert redeem(auth, email, code).status_code == 403
    link = hashlib.sha256(f"{email}{code}".encode()).hexdigest()
    assert auth.post("verify", json={"type": "recovery", "token_hash": link}).status_code == 200


def redeem(auth: httpx.Client, email: str, code: str) -> httpx.Response:
    return auth.post("verify", json={"type": "recovery", "email": email, "token": code})


def test_unknown_address_gets_the_answer_of_a_known_one(auth: httpx.Client) -> None:
    for email in (sign_up(auth)["email"], f"{uuid.uuid4()}@example.com"):
        answer = auth.post("recover", json={"email": email})
        assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("path", ["otp", "magiclink", "resend", "authorize", "admin/users", "verify"])
def test_what_the_product_does_not_use_is_closed(stack: Stack, auth: httpx.Client, path: str) -> None:
    email = f"{uuid.uuid4()}@example.com"
    assert auth.get(path).status_code == 404
    if path != "verify":
        assert auth.post(path, json={"email": email, "create_user": True}).status_code == 404
    with connect(stack, "supabase_admin") as database:
        assert not database.execute("select from auth.users where email = %s", [email]).fetchall()


def test_common_password_is_refused(auth: httpx.Client) -> None:
    answer = auth.post("signup", json={"email": f"{uuid.uuid4()}@example.com", "password": "iloveyou1"})
    assert answer.json()["error_code"] == "weak_password"


def test_only_the_first_account_and_invited_people_sign_up(home: Path, tmp_path: Path) -> None:
    with running_stack(home, free_port_block(), migrated=False, open_signup=False) as stack:
        url = f"{stack.settings()['SUPABASE_URL']}/auth/v1/"
        with httpx.Client(base_url=url, headers={"apikey": stack.keys.publishable_key}) as auth:
            assert auth.get("settings").json() == {"disable_signup": False}
            owner = sign_up(auth)
            assert auth.get("settings").json() == {"disable_signup": True}
            with AppServer(tmp_path, stack.settings()) as server:
                assert "New accounts need an invitation here." in httpx.get(f"{server.url}/signup").text
            body = {"email": "stranger@example.com", "password": PASSWORD}
            assert auth.post("signup", json=body).json()["error_code"] == "signup_disabled"
            known = auth.post("signup", json={"email": owner["email"], "password": PASSWORD})
            assert known.json()["error_code"] == "signup_disabled"
            with connect(stack, "supabase_admin") as database:
                database.execute(
                    "insert into public.invitations (workspace_id, email, role, token_sha256)"
                    " values (%s, 'friend@example.com', 'member', sha256('token'))",
                    [owner["user"]["id"]],
                )
            assert sign_up(auth, "friend@example.com")["access_token"]


def test_signature_is_checked_before_a_password_changes(auth: httpx.Client) -> None:
    account = sign_up(auth)
    header, payload, _ = account["access_token"].split(".")
    forged = hmac.new(b"guessed", f"{header}.{payload}".encode(), hashlib.sha256).digest()
    token = f"{header}.{payload}.{base64.urlsafe_b64encode(forged).decode().rstrip('=')}"
    body = {"password": "another password", "current_password": PASSWORD}
    answer = auth.put("user", json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
