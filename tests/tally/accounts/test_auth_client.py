"""Answers of Supabase Auth and the errors that they become."""

import time
from typing import Any

import pytest

from tally.accounts.auth_client import (
    MAX_PASSWORD_BYTES,
    ApiKeyRejected,
    AuthClient,
    AuthRefused,
    AuthUnreachable,
    check_new_password,
    parse_refusal,
    parse_tokens,
)
from tally.local.stack import Stack
from tests.every_case import every_case
from tests.tally.people import Person

ANSWER: dict[str, Any] = {
    "user": {"id": "u", "email": "ada@example.com"},
    "access_token": "access",
    "refresh_token": "refresh",
    "expires_in": 3600,
}


@every_case(
    [
        ({"error_code": "invalid_credentials"}, 400, "invalid_credentials", "Wrong email or password."),
        ({"code": 422, "error_code": "same_password"}, 422, "same_password", "already your password"),
        ({"error_code": "weak_password", "msg": "Add a digit."}, 422, "weak_password", "Add a digit."),
        ({"error_code": "weak_password"}, 422, "weak_password", "Choose a longer one."),
        ({}, 429, "over_request_rate_limit", "Too many attempts"),
        ({"code": 400}, 400, "", "did not accept that"),
        ({"error": "something_new"}, 400, "something_new", "did not accept that"),
    ]
)
def test_refusal_has_a_message_and_its_code(
    answer: dict[str, Any], status: int, code: str, message: str
) -> None:
    refusal = parse_refusal(answer, status)
    assert isinstance(refusal, AuthRefused)
    assert (refusal.code, message in str(refusal)) == (code, True)


@pytest.mark.parametrize("code", ["refresh_token_already_used", "session_not_found", "user_banned"])
def test_session_that_cannot_be_renewed_has_ended(code: str) -> None:
    assert AuthRefused("", code).ends_session


@pytest.mark.parametrize("code", ["over_request_rate_limit", "", "invalid_credentials"])
def test_other_refusals_leave_the_session_alive(code: str) -> None:
    assert not AuthRefused("", code).ends_session


@pytest.mark.parametrize("status", [401, 403])
def test_gateway_refusal_is_about_the_api_key(status: int) -> None:
    assert isinstance(parse_refusal({"message": "Invalid API key"}, status), ApiKeyRejected)


def test_unknown_api_key_is_rejected(stack: Stack, person: Person) -> None:
    client = AuthClient(stack.settings()["SUPABASE_URL"], "sb_publishable_unknown")
    with pytest.raises(ApiKeyRejected):
        client.sign_in(person.email, "correct horse 1")


def test_expiry_is_calculated_where_the_answer_lacks_it() -> None:
    assert parse_tokens(ANSWER).expires_at == pytest.approx(time.time() + 3600, abs=5)
    assert (
        parse_tokens(ANSWER | {"expires_at": 17}).expires_at == parse_tokens(ANSWER).expires_at
    )  # another clock's


@every_case([(missing,) for missing in ["user", "access_token", "refresh_token", "expires_in"]])
def test_answer_without_a_session_counts_as_none(missing: str) -> None:
    with pytest.raises(AuthUnreachable):
        parse_tokens({name: value for name, value in ANSWER.items() if name != missing})


@every_case(
    [
        ("1234567", "too short"),
        ("x" * (MAX_PASSWORD_BYTES + 1), "too long"),
        ("ä" * 40, "too long, as letters such as ä count twice"),
        ("long enough\0", "a character that cannot be used"),
    ]
)
def test_unusable_password_is_refused(password: str, message: str) -> None:
    with pytest.raises(AuthRefused, match=message):
        check_new_password(password)


@pytest.mark.parametrize("password", ["12345678", "x" * MAX_PASSWORD_BYTES])
def test_usable_password_is_returned(password: str) -> None:
    assert check_new_password(password) == password
