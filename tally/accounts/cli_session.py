"""Who collects: a session that `tally login` begins, kept in a file for its owner alone."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
from supabase import AuthError, Client

from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.storage.postgrest import SupabaseDatabase, open_supabase

SENTENCES = {
    "invalid_credentials": "Wrong email or password.",
    "email_not_confirmed": "This email address is not confirmed yet. Follow the link in the mail.",
    "user_banned": "This account is blocked. Ask the owner of the project.",
    "over_request_rate_limit": "Too many tries for the moment. Wait a minute, then try again.",
}
ENDED = frozenset(
    {"refresh_token_not_found", "refresh_token_already_used", "session_not_found", "session_expired"}
)
UNANSWERED = (0, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose spend it is and where it goes; the token that renews the session is spent with each use."""

    address: str
    publishable_key: str
    email: str
    user_id: str
    refresh_token: str = field(repr=False)


def sign_in(folder: Path, address: str, publishable_key: str, email: str, password: str) -> Account:
    """Begin a session and keep it; raises TallyError with what is wrong."""
    client = _connect(address, publishable_key)
    with _sentences(address):
        session = client.auth.sign_in_with_password({"email": email, "password": password}).session
    if session is None:
        raise TallyError("The sign-in service gave no session. Try again.")
    account = Account(address, publishable_key, email, session.user.id, session.refresh_token)
    with _locked(folder):
        _save(folder, account)
    return account


@contextmanager
def signed_in(folder: Path) -> Iterator[tuple[Account, SupabaseDatabase]]:
    """The account of this machine and its way into the database, for less than an hour."""
    with _locked(folder):
        account = load_account(folder)
        client = _connect(account.address, account.publishable_key)
        with _sentences(account.address):
            session = client.auth.refresh_session(account.refresh_token).session
        if session is None:
            raise NotSignedIn("Your session has ended. Sign in again with `tally login`.")
        account = Account(
            account.address, account.publishable_key, account.email, account.user_id, session.refresh_token
        )
        _save(folder, account)
    yield account, SupabaseDatabase(client)


def sign_out(folder: Path) -> bool:
    """End the session, there and here; False when there was none."""
    if not _path(folder).exists():
        return False
    with suppress(TallyError, AuthError, httpx.HTTPError), signed_in(folder) as (account, _):
        client = _connect(account.address, account.publishable_key)
        client.auth.refresh_session(account.refresh_token)
        client.auth.sign_out({"scope": "local"})
    _path(folder).unlink(missing_ok=True)
    return True


def load_account(folder: Path) -> Account:
    """Who is signed in, or NotSignedIn."""
    try:
        return Account(**json.loads(_path(folder).read_bytes()))
    except (OSError, ValueError, TypeError):
        raise NotSignedIn("Nobody is signed in on this machine. Sign in with `tally login`.") from None


def default_connection() -> tuple[str | None, str | None]:
    """The address and the public key of the Tally that runs here, as far as they are known."""
    from tally.core.settings import SettingsMissing, load_settings  # a machine that only collects has none

    try:
        settings = load_settings()
    except SettingsMissing:
        return None, None
    return settings.supabase_url, settings.supabase_publishable_key


def _connect(address: str, publishable_key: str) -> Client:
    try:
        return open_supabase(address.rstrip("/"), publishable_key)
    except Exception:
        raise TallyError(
            f"{address} or its key cannot be used. `tally status --env` shows both where Tally runs."
        ) from None


@contextmanager
def _sentences(address: str) -> Iterator[None]:
    try:
        yield
    except AuthError as error:
        code = str(getattr(error, "code", None) or "")
        if code in ENDED:
            raise NotSignedIn("Your session has ended. Sign in again with `tally login`.") from None
        if code in SENTENCES:
            raise TallyError(SENTENCES[code]) from None
        if getattr(error, "status", None) in UNANSWERED:
            raise _unreachable(address) from None
        raise TallyError(f"The sign-in service of {address} refused: {error.message}") from None
    except (httpx.HTTPError, ValueError):
        raise _unreachable(address) from None


def _unreachable(address: str) -> TallyError:
    return TallyError(f"{address} cannot be reached. Check the address, and that Tally runs there.")


def _path(folder: Path) -> Path:
    return folder / "account.json"


def _save(folder: Path, account: Account) -> None:
    write_private(_path(folder), json.dumps(asdict(account)) + "\n")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One renewal at a time: a token that two used ends the session."""
    descriptor = os.open(folder / "account.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class NotSignedIn(TallyError):
    """Nobody is signed in on this machine, or their session has ended."""
