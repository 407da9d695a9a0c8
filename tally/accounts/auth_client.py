"""Accounts at Supabase Auth: the few calls that Tally makes, and what each refusal means for the person."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import httpx

from tally.core.errors import TallyError
from tally.core.settings import load_settings
from tally.core.tls import certificates

TIMEOUT_SECONDS = 10.0
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_BYTES = 72  # bcrypt ignores what follows, so Supabase refuses it

SENTENCES = {
    "invalid_credentials": "Wrong email or password.",
    "email_not_confirmed": "This email address is not confirmed yet. Follow the link in our mail.",
    "user_already_exists": "There is already an account with this email address. Sign in instead.",
    "email_exists": "There is already an account with this email address. Sign in instead.",
    "signup_disabled": "New accounts are switched off for this project. Ask its owner to invite you.",
    "email_provider_disabled": "Signing up with an email address is switched off for this project.",
    "email_address_invalid": "That does not look like an email address. Check it and try again.",
    "email_address_not_authorized": "This project cannot mail that address. Ask its owner to do so.",
    "user_banned": "This account is blocked. Ask the owner of the project.",
    "same_password": "That is already your password. Choose another one.",
    "otp_expired": "That code is wrong, used or expired. Ask for a new one.",
    "reauthentication_needed": "You signed in too long ago. Sign out, sign in again, then change it.",
    "over_request_rate_limit": "Too many tries for the moment. Wait a minute, then try again.",
    "over_email_send_rate_limit": "A mail was sent a moment ago. Wait a minute, then ask again.",
}


class AccountError(TallyError):
    """Something stands in the way; the text is a sentence for the person that says what to do next."""


class AccountRefused(AccountError):
    """Supabase Auth said no; `code` is its own word for why."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class AuthUnreachable(AccountError):
    """Supabase Auth gave no answer that says anything about the person or their session."""

    def __init__(self) -> None:
        super().__init__("Tally cannot reach the sign-in service. Wait a little, then try again.")


@dataclass(frozen=True, slots=True)
class Tokens:
    """One upstream session: a short-lived access token and the single-use token that renews it."""

    user_id: str
    email: str
    expires_at: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


class Accounts:
    """Supabase Auth over HTTP. Every call carries its own token: there is no session to mix up."""

    def __init__(
        self, supabase_url: str, publishable_key: str, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._http = httpx.Client(
            base_url=f"{supabase_url.rstrip('/')}/auth/v1/",
            headers={"apikey": publishable_key, "X-Supabase-Database-Version": "2024-01-01"},
            timeout=timeout_seconds,
            verify=certificates(),
        )

    def sign_in(self, email: str, password: str) -> Tokens:
        """Exchange email and password for a new session."""
        body = {"email": email, "password": password}
        return parse_tokens(self._call("POST", "token", body, params={"grant_type": "password"}))

    def sign_up(self, email: str, password: str) -> Tokens | None:
        """Make an account; None when the project wants the email address confirmed first."""
        answer = self._call("POST", "signup", {"email": email, "password": password})
        if "access_token" in answer:
            return parse_tokens(answer)
        if answer.get("identities") == []:  # how Supabase hides that a confirmed account exists
            raise AccountRefused(SENTENCES["user_already_exists"], "user_already_exists")
        return None

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for a new session; the old token is spent."""
        body = {"refresh_token": refresh_token}
        return parse_tokens(self._call("POST", "token", body, params={"grant_type": "refresh_token"}))

    def send_reset_code(self, email: str) -> None:
        """Mail a 6-digit code, if there is an account with that address."""
        self._call("POST", "recover", {"email": email})

    def redeem_reset_code(self, email: str, code: str) -> Tokens:
        """Exchange the mailed code for a session that may set a new password."""
        return parse_tokens(self._call("POST", "verify", {"type": "recovery", "email": email, "token": code}))

    def change_password(self, access_token: str, password: str) -> None:
        """Set a new password for the token's owner."""
        self._call("PUT", "user", {"password": password}, access_token=access_token)

    def sign_out(self, access_token: str, scope: Literal["local", "others", "global"] = "local") -> None:
        """Revoke this session, the person's other ones, or all of them."""
        self._call("POST", "logout", params={"scope": scope}, access_token=access_token)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        access_token: str | None = None,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else None
        try:
            response = self._http.request(method, path, json=body, params=params, headers=headers)
            answer = response.json() if response.content else {}
        except (httpx.HTTPError, ValueError):
            raise AuthUnreachable from None
        if not isinstance(answer, dict) or response.status_code >= 500:
            raise AuthUnreachable
        if response.status_code >= 400:
            raise parse_refusal(answer, response.status_code)
        return answer


def check_new_password(password: str) -> str:
    """The password, if it may become somebody's; said here so that no mailed code is spent on a refusal."""
    if len(password) < MIN_PASSWORD_LENGTH:
        raise AccountRefused(f"That password is too short. Use at least {MIN_PASSWORD_LENGTH} characters.")
    if len(password.encode()) > MAX_PASSWORD_BYTES or "\0" in password:
        raise AccountRefused(f"That password is too long. Use at most {MAX_PASSWORD_BYTES} characters.")
    return password


def parse_tokens(answer: Mapping[str, Any]) -> Tokens:
    """Read the session out of Supabase Auth's answer."""
    try:
        user = answer["user"]
        return Tokens(
            user_id=user["id"],
            email=user["email"],
            expires_at=int(answer.get("expires_at") or time.time() + answer["expires_in"]),
            access_token=answer["access_token"],
            refresh_token=answer["refresh_token"],
        )
    except (KeyError, TypeError, ValueError):
        raise AuthUnreachable from None


def parse_refusal(answer: Mapping[str, Any], status: int) -> AccountRefused | AuthUnreachable:
    """Turn Supabase Auth's error into a sentence that says what to do next."""
    code = answer.get("error_code") or answer.get("code") or answer.get("error") or ""
    if not isinstance(code, str):
        code = ""
    if code == "weak_password":
        reason = answer.get("msg") or answer.get("message") or "Choose a longer one."
        return AccountRefused(f"That password is too weak. {reason}", code)
    if status == 429:
        code = code or "over_request_rate_limit"
    if status in (401, 403) and not code:  # the gateway refused our key: nothing about the person's session
        return AuthUnreachable()
    fallback = "The sign-in service did not accept that. Check what you typed and try again."
    return AccountRefused(SENTENCES.get(code, fallback), code)


@cache
def accounts() -> Accounts:
    """The accounts of the Supabase project that the settings name."""
    settings = load_settings()
    return Accounts(settings.supabase_url, settings.supabase_publishable_key)
