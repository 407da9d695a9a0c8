"""HTTP client of Supabase Auth, with a message for every error."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import httpx

from tally.core.errors import TallyError
from tally.core.settings import load_settings
from tally.core.tls import certificates

TIMEOUT_SECONDS = 10.0
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_BYTES = 72  # bcrypt ignores further bytes, so Supabase refuses longer passwords
# Names of devices on which an account signed in, separated by spaces. Tally's own stack counts their attempts
# apart from those of strangers; a hosted project knows no such header.
DEVICE_HEADER = "x-tally-device"

MESSAGES = {
    "invalid_credentials": "Wrong email or password.",
    "email_not_confirmed": "This email address is not confirmed yet. Follow the link in our email.",
    "user_already_exists": "There is already an account with this email address. Sign in instead.",
    "email_exists": "There is already an account with this email address. Sign in instead.",
    "signup_disabled": "New accounts need an invitation here. Ask the owner to invite this email address.",
    "email_provider_disabled": "Signing up with an email address is disabled for this project.",
    "email_address_invalid": "That does not look like an email address. Check it and try again.",
    "email_address_not_authorized": "This project cannot send email to that address. Ask its owner for help.",
    "user_banned": "This account is blocked. Ask the owner of the project.",
    "same_password": "That is already your password. Choose another one.",
    "otp_expired": "That code is wrong, used or expired. Request a new one.",
    "reauthentication_needed": "You signed in too long ago. Sign out, sign in again, then change it.",
    "over_request_rate_limit": "Too many attempts. Wait a minute, then try again.",
    "too_many_passwords": "Too many wrong passwords for this account within an hour. Wait an hour, use a "
    "browser that you have signed in with before, or reset your password.",
    "too_many_codes": "Too many codes were tried for this account within an hour. Follow the link in our "
    "email instead, or wait an hour.",
    "over_email_send_rate_limit": "An email was sent a moment ago. Wait a minute, then request another.",
}


# Other refusals, such as a rate limit, may be temporary.
SESSION_ENDED = frozenset(
    {
        "refresh_token_not_found",
        "refresh_token_already_used",
        "session_not_found",
        "session_expired",
        "user_not_found",
        "user_banned",
        "validation_failed",
        "invalid_grant",
    }
)


class AuthError(TallyError):
    """A call to Supabase Auth failed."""


class AuthRefused(AuthError):
    """Supabase Auth refused a request; `code` is its error code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def ends_session(self) -> bool:
        """True when the session can never be renewed."""
        return self.code in SESSION_ENDED


class AuthUnreachable(AuthError):
    """Supabase Auth gave no usable answer; the session may still be valid."""

    def __init__(self) -> None:
        super().__init__("Tally cannot reach the sign-in service. Wait a moment, then try again.")


class ApiKeyRejected(AuthUnreachable):
    """The gateway of the project does not accept the publishable key."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A session: a short-lived access token and the single-use token that renews it."""

    user_id: str
    email: str
    expires_at: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    device: str = field(default="", repr=False)  # name of the device, after a sign-in by password


class AuthClient:
    """Supabase Auth over HTTP. It holds no session: every call carries its own token."""

    def __init__(
        self, supabase_url: str, publishable_key: str, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._http = httpx.Client(
            base_url=f"{supabase_url.rstrip('/')}/auth/v1/",
            headers={"apikey": publishable_key, "X-Supabase-Database-Version": "2024-01-01"},
            timeout=timeout_seconds,
            verify=certificates(),
        )

    def sign_in(self, email: str, password: str, devices: str = "") -> Tokens:
        """Exchange email and password for a new session; `devices` are names from earlier sign-ins."""
        response = self._send(
            "POST",
            "token",
            {"email": email, "password": password},
            params={"grant_type": "password"},
            headers={DEVICE_HEADER: devices} if devices else {},
        )
        return replace(parse_tokens(_read(response)), device=response.headers.get(DEVICE_HEADER, ""))

    def sign_up(self, email: str, password: str) -> Tokens | Literal["code", "link"]:
        """Create an account, or say what was emailed to confirm the address.

        A code is to choose the password with, which is not set then. Neither tells if there was an account.
        """
        answer = self._call("POST", "signup", {"email": email, "password": password})
        if "access_token" in answer:
            return parse_tokens(answer)
        return "code" if answer.get("confirmed_by") == "code" else "link"

    def needs_invitation(self) -> bool:
        """Check if new accounts are for invited people only."""
        return self._call("GET", "settings").get("disable_signup") is True

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for a new session; the old token cannot be used again."""
        body = {"refresh_token": refresh_token}
        return parse_tokens(self._call("POST", "token", body, params={"grant_type": "refresh_token"}))

    def send_reset_code(self, email: str) -> None:
        """Email a 6-digit code, if an account has this address."""
        self._call("POST", "recover", {"email": email})

    def redeem_reset_code(self, email: str, code: str, devices: str = "") -> Tokens:
        """Exchange the emailed code for a session that may set a new password."""
        body = {"type": "recovery", "email": email, "token": code}
        headers = {DEVICE_HEADER: devices} if devices else {}
        return parse_tokens(_read(self._send("POST", "verify", body, headers=headers)))

    def redeem_link(self, kind: str, token: str) -> Tokens | None:
        """Exchange the token of an emailed link for a session; None while another address must confirm."""
        answer = self._call("POST", "verify", {"type": kind, "token_hash": token})
        return parse_tokens(answer) if "access_token" in answer else None

    def change_password(self, access_token: str, password: str, current_password: str = "") -> None:
        """Set a new password; needs the current one unless the session is from an emailed code or link."""
        body = {"password": password} | ({"current_password": current_password} if current_password else {})
        self._call("PUT", "user", body, access_token=access_token)

    def sign_out(self, access_token: str, scope: Literal["local", "others", "global"] = "local") -> None:
        """Revoke this session, the account's other sessions, or all of them."""
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
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        return _read(self._send(method, path, body, params=params, headers=headers))

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        try:
            return self._http.request(method, path, json=body, params=params, headers=headers)
        except UnicodeEncodeError:
            raise AuthRefused("That has a character that cannot be used. Type it again.") from None
        except httpx.HTTPError:
            raise AuthUnreachable from None


def _read(response: httpx.Response) -> dict[str, Any]:
    """The answer of Supabase Auth; raises AuthError for a refusal."""
    try:
        answer = response.json() if response.content else {}
    except ValueError:
        raise AuthUnreachable from None
    if not isinstance(answer, dict) or response.status_code >= 500:
        raise AuthUnreachable
    if response.status_code >= 400:
        raise parse_refusal(answer, response.status_code)
    return answer


def check_new_password(password: str) -> str:
    """The password; raises AuthRefused if Supabase would refuse it, before an emailed code is used up."""
    if len(password) < MIN_PASSWORD_LENGTH:
        raise AuthRefused(f"That password is too short. Use at least {MIN_PASSWORD_LENGTH} characters.")
    if "\0" in password:
        raise AuthRefused("That password has a character that cannot be used. Type it again.")
    if len(password) > MAX_PASSWORD_BYTES:
        raise AuthRefused(f"That password is too long. Use at most {MAX_PASSWORD_BYTES} characters.")
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise AuthRefused("That password is too long, as letters such as ä count twice or more. Shorten it.")
    return password


def parse_tokens(answer: Mapping[str, Any]) -> Tokens:
    """Session in an answer of Supabase Auth."""
    try:
        user = answer["user"]
        return Tokens(
            user_id=user["id"],
            email=user["email"],
            expires_at=int(time.time() + answer["expires_in"]),  # by this clock: the service's may differ
            access_token=answer["access_token"],
            refresh_token=answer["refresh_token"],
        )
    except (KeyError, TypeError, ValueError):
        raise AuthUnreachable from None


def parse_refusal(answer: Mapping[str, Any], status: int) -> AuthError:
    """Error of a refused request, by its code or HTTP status."""
    code = _parse_code(answer)
    if code == "weak_password":
        reason = answer.get("msg") or answer.get("message") or "Choose a longer one."
        return AuthRefused(f"That password is too weak. {reason}", code)
    if status == 429:
        code = code or "over_request_rate_limit"
    if status in (401, 403) and not code:  # from the gateway, which checks only the API key
        return ApiKeyRejected()
    fallback = "The sign-in service did not accept that. Check what you typed and try again."
    return AuthRefused(MESSAGES.get(code, fallback), code)


def _parse_code(answer: Mapping[str, Any]) -> str:
    code = answer.get("error_code") or answer.get("code") or answer.get("error")
    return code if isinstance(code, str) else ""


@cache
def auth_client() -> AuthClient:
    """Client of the Supabase project in the settings."""
    settings = load_settings()
    return AuthClient(settings.supabase_url, settings.supabase_publishable_key)
