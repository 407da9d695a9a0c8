"""The dashboard's current user, from the session cookie and the address on every run."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NoReturn

import streamlit as st
from supabase import Client

from app.auth.browser import Browser, current_browser
from app.auth.cookies import SESSION_HEADER, cookie_name
from app.auth.session_keys import session_id
from app.auth.sessions import sessions
from app.auth.workspaces import (
    WORKSPACE,
    Role,
    Workspace,
    find_workspace,
    parse_workspace,
    personal_workspace,
)
from tally.accounts.auth_client import AuthUnreachable
from tally.core.settings import load_settings
from tally.storage.postgrest import SupabaseDatabase, ask, open_supabase

REQUEST_TIMEOUT_SECONDS = 60
WORKSPACES_SECONDS = 60


@dataclass(frozen=True, slots=True)
class User:
    """The signed-in user in a workspace; the access token is valid for another minute or more."""

    user_id: str
    email: str
    access_token: str = field(repr=False)
    workspace: Workspace
    browser: Browser = field(default=Browser(), repr=False, compare=False)

    @property
    def scope(self) -> tuple[str, str, Role]:
        """The user, the workspace and the role: everything that decides which data may be shown."""
        return self.user_id, self.workspace.workspace_id, self.workspace.role

    def in_personal_workspace(self) -> "User":
        """The same user in the personal workspace."""
        return replace(self, workspace=personal_workspace(self.user_id))


KEYS: dict[str | type[Any], Callable[[Any], Any]] = {User: lambda user: user.scope}


def current_user() -> User:
    """The signed-in user in the workspace that the address names, or else in the personal one.

    The role may be a minute old; `open_workspace` confirms it in every run of a page. Raises DatabaseError.
    """
    account = current_account()
    wanted = st.session_state.get(WORKSPACE)
    found = find_workspace(load_workspaces(account), wanted) if wanted else None
    return replace(account, workspace=found) if found else account


def current_account() -> User:
    """The signed-in user in the personal workspace.

    Without a session, the browser goes to the sign-in page and the run stops.
    """
    cookie = st.context.cookies.get(cookie_name())
    # The gate sets this header on the handshake; without it the page is not being served through the gate.
    if cookie is None or st.context.headers.get(SESSION_HEADER) != session_id(cookie):
        _leave()
    try:
        tokens = sessions().tokens(cookie)
    except AuthUnreachable as error:
        st.error(f"{error} You are still signed in.")
        st.stop()
    if tokens is None:
        _leave()
    workspace = personal_workspace(tokens.user_id)
    return User(tokens.user_id, tokens.email, tokens.access_token, workspace, current_browser())


@st.cache_data(ttl=WORKSPACES_SECONDS, max_entries=1000, show_spinner=False, hash_funcs=KEYS)
def load_workspaces(user: User) -> list[Workspace]:
    """The workspaces of an account, the personal one first, then by name; raises DatabaseError."""
    rows: Any = ask(supabase_client(user).rpc("list_workspaces", {}).execute).data
    return [parse_workspace(row) for row in rows]


def forget_workspaces(user: User | None = None) -> None:
    """Drop the list of one user, or of all, so that a change of a workspace or its members shows at once."""
    if user is None:
        load_workspaces.clear()
    else:
        load_workspaces.clear(user.in_personal_workspace())


def supabase_client(user: User) -> Client:
    """The user's own Supabase client: every read and write is under row-level security."""
    return _client(user.access_token, user.browser)


def database_of(user: User) -> SupabaseDatabase:
    """The database as this user sees it, in the user's workspace."""
    return SupabaseDatabase(supabase_client(user), user.user_id, user.workspace.workspace_id)


def save_last_workspace(user: User, workspace_id: str) -> None:
    """Remember the chosen workspace, which opens at addresses that name none."""
    sessions().save_last_workspace(user.user_id, None if workspace_id == user.user_id else workspace_id)


def forget_last_workspace(user: User, workspace_id: str) -> None:
    """Forget the chosen workspace if it is this one, which can no longer be opened."""
    if sessions().last_workspace(user.user_id) == workspace_id:
        sessions().save_last_workspace(user.user_id, None)


def end_all_sessions(user: User) -> None:
    """Sign the user out everywhere; the next run redirects to the sign-in page."""
    sessions().close_all(user.user_id)
    sessions().save_last_workspace(user.user_id, None)


def render_sign_out(above: str = "") -> None:
    """A sign-out button that works without JavaScript and under the strict content security policy.

    `above` is HTML of the same element: each element costs time in every run.
    """
    st.html(
        f"{above}"
        '<form method="post" action="/logout"><button class="tally-sign-out">Sign out</button></form>'
        "<style>.tally-sign-out{padding:.4rem .75rem;border-radius:8px;cursor:pointer;"
        "border:1px solid color-mix(in srgb,currentColor 22%,transparent);"
        "background:none;color:inherit;font:500 .9rem Inter,system-ui,sans-serif}"
        ".tally-sign-out:hover{background:color-mix(in srgb,currentColor 7%,transparent)}"
        ".tally-sign-out:focus-visible{outline:2px solid currentColor;outline-offset:2px}</style>"
    )


def _leave() -> NoReturn:
    """Clear the page of an ended session and go to the sign-in page."""
    st.session_state.clear()
    st.html('<script src="/signed-out.js"></script>', unsafe_allow_javascript=True)
    st.link_button("You have been signed out. Sign in again", "/login")
    st.stop()


# A client keeps its access token, so a refreshed token gets a new client.
@lru_cache(maxsize=64)
def _client(access_token: str, browser: Browser) -> Client:
    settings = load_settings()
    return open_supabase(
        settings.supabase_url,
        settings.supabase_publishable_key,
        access_token,
        REQUEST_TIMEOUT_SECONDS,
        browser.headers(),
    )
