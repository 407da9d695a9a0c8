"""Stored CLI session of this machine, created by `tally login`."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import httpx
from filelock import FileLock

from tally.accounts.auth_client import ApiKeyRejected, AuthClient, AuthRefused, AuthUnreachable, Tokens
from tally.accounts.session_file import session_path
from tally.core.errors import NotSignedIn, TallyError
from tally.core.private_files import write_private
from tally.core.settings import SettingsMissing, load_settings
from tally.storage.postgrest import SupabaseDatabase, open_supabase
from tally.storage.workspaces import Workspace, find_workspace, list_workspaces


class NotMember(NotSignedIn):
    """The account has left the workspace that the session is for."""


@dataclass(frozen=True, slots=True)
class CliSession:
    """A signed-in account, its Supabase project and a workspace; the refresh token can be used only once."""

    address: str
    publishable_key: str
    email: str
    user_id: str
    refresh_token: str = field(repr=False)
    workspace_id: str = ""  # in sessions from before there were workspaces, the personal one
    workspace_name: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Input of `tally login`: a project, an account, and a workspace by name or id."""

    address: str
    publishable_key: str
    email: str
    password: str = field(repr=False)
    workspace: str | None = None


def sign_in(folder: Path, credentials: Credentials) -> tuple[CliSession, list[Workspace]]:
    """Begins a session and stores it in a file that only its owner can read; raises TallyError.

    Returns it with the account's workspaces.
    """
    address, key = credentials.address, credentials.publishable_key
    client = _connect(address, key)
    try:
        tokens = client.sign_in(credentials.email, credentials.password)
    except AuthUnreachable as error:
        raise _describe_unreachable(address, error) from None
    session = CliSession(address, key, credentials.email, tokens.user_id, tokens.refresh_token)
    try:
        workspaces = list_workspaces(_open(session, tokens))
        chosen = find_workspace(workspaces, credentials.workspace or session.user_id)
        session = replace(session, workspace_id=chosen.id, workspace_name=chosen.name)
    except TallyError:
        with suppress(TallyError):
            client.sign_out(tokens.access_token)
        raise
    with _lock(folder):
        _write(folder, session)
    return session, workspaces


def load_session(folder: Path) -> CliSession:
    """The stored session; raises NotSignedIn without one."""
    try:
        session = CliSession(**json.loads(session_path(folder).read_bytes()))
        if not all(isinstance(value, str) for value in asdict(session).values()):
            raise ValueError
    except (OSError, ValueError, TypeError, RecursionError):
        raise NotSignedIn("You're not signed in on this machine. Sign in with `tally login`.") from None
    return session


def open_account(folder: Path) -> tuple[CliSession, SupabaseDatabase]:
    """Renews the stored session and opens the database in the personal workspace, for less than an hour."""
    with _lock(folder):
        session, tokens = _renew(folder)
    return session, _open(session, tokens)


def open_database(folder: Path, workspace: str | None = None) -> tuple[CliSession, SupabaseDatabase]:
    """Like `open_account`, in the workspace with this name or id, or in the session's.

    Raises UnknownName for an unknown one, and NotMember if the account has left the session's.
    """
    session, database = open_account(folder)
    if workspace is not None:
        chosen = find_workspace(list_workspaces(database), workspace)
        session = replace(session, workspace_id=chosen.id, workspace_name=chosen.name)
    elif session.workspace_id and session.workspace_id != session.user_id:
        session = replace(session, workspace_name=_check_member(session, list_workspaces(database)))
    return session, database.in_workspace(session.workspace_id or session.user_id)


def sign_out(folder: Path) -> bool:
    """Ends the session at the sign-in service and deletes it here; False when there was none."""
    if not session_path(folder).exists():
        return False
    with suppress(TallyError), _lock(folder):
        session, tokens = _renew(folder)
        _connect(session.address, session.publishable_key).sign_out(tokens.access_token)
    session_path(folder).unlink(missing_ok=True)
    return True


def _check_member(session: CliSession, workspaces: list[Workspace]) -> str:
    """Return the name that the session's workspace has now; raises NotMember."""
    for workspace in workspaces:
        if workspace.id == session.workspace_id:
            return workspace.name
    names = ", ".join(workspace.name for workspace in workspaces)
    raise NotMember(
        f"{session.email} is no longer a member of “{session.workspace_name}”, so nothing was sent. "
        f"Choose another workspace with `tally login --workspace NAME`; yours are: {names}."
    )


def _open(session: CliSession, tokens: Tokens) -> SupabaseDatabase:
    client = open_supabase(session.address.rstrip("/"), session.publishable_key, tokens.access_token)
    return SupabaseDatabase(client, session.user_id)


def find_local_project() -> tuple[str | None, str | None]:
    """Address and publishable key of the Tally on this machine; None where there is none."""
    try:
        settings = load_settings()
    except SettingsMissing:
        return None, None
    return settings.supabase_url, settings.supabase_publishable_key


def _renew(folder: Path) -> tuple[CliSession, Tokens]:
    """Exchanges the stored refresh token for new ones. The caller holds the lock."""
    session = load_session(folder)
    try:
        tokens = _connect(session.address, session.publishable_key).refresh(session.refresh_token)
    except AuthUnreachable as error:
        raise _describe_unreachable(session.address, error) from None
    except AuthRefused as refused:
        if not refused.ends_session:
            raise
        raise NotSignedIn("Your session has ended. Sign in again with `tally login`.") from None
    session = replace(session, refresh_token=tokens.refresh_token)
    _write(folder, session)
    return session, tokens


def _connect(address: str, publishable_key: str) -> AuthClient:
    try:
        if not publishable_key.isprintable():  # no header can have it
            raise ValueError
        return AuthClient(address, publishable_key)
    except (httpx.InvalidURL, ValueError):
        raise TallyError(_describe_misconfiguration(address)) from None


def _describe_unreachable(address: str, error: AuthUnreachable) -> TallyError:
    if isinstance(error, ApiKeyRejected):
        return TallyError(_describe_misconfiguration(address))
    return TallyError(f"{address} cannot be reached. Check the address, and that Tally is running there.")


def _describe_misconfiguration(address: str) -> str:
    return f"{address} or its key cannot be used. `tally status --env` shows both where Tally runs."


def _write(folder: Path, session: CliSession) -> None:
    write_private(session_path(folder), json.dumps(asdict(session)) + "\n")


def _lock(folder: Path) -> FileLock:
    """Serializes renewals: using a refresh token twice ends the session."""
    return FileLock(folder / "account.lock", mode=0o600)
