"""The dashboard's current user, from the session cookie on every run."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NoReturn

import streamlit as st
from supabase import Client

from app.auth.cookies import SESSION_HEADER, cookie_name
from app.auth.session_keys import session_id
from app.auth.sessions import sessions
from tally.accounts.auth_client import AuthUnreachable
from tally.core.settings import load_settings
from tally.storage.postgrest import SupabaseDatabase, open_supabase

REQUEST_TIMEOUT_SECONDS = 60

Role = Literal["owner", "admin", "member", "viewer"]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace and the user's role in it."""

    workspace_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class User:
    """The signed-in user in a workspace; the access token is valid for another minute or more."""

    user_id: str
    email: str
    access_token: str = field(repr=False)
    workspace: Workspace

    @property
    def scope(self) -> tuple[str, str, Role]:
        """The user, the workspace and the role: everything that decides which data may be shown."""
        return self.user_id, self.workspace.workspace_id, self.workspace.role


def personal_workspace(user_id: str) -> Workspace:
    """The user's own workspace, which nobody else can join; it has the user's id."""
    return Workspace(user_id, "owner")


def current_user() -> User:
    """The signed-in user. Without a session, the browser goes to the sign-in page and the run stops."""
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
    return User(tokens.user_id, tokens.email, tokens.access_token, workspace)


def supabase_client(user: User) -> Client:
    """The user's own Supabase client: every read and write is under row-level security."""
    return _client(user.access_token)


def database_of(user: User) -> SupabaseDatabase:
    """The database as this user sees it, in the user's workspace."""
    return SupabaseDatabase(supabase_client(user), user.user_id, user.workspace.workspace_id)


def end_all_sessions(user: User) -> None:
    """Sign the user out everywhere; the next run redirects to the sign-in page."""
    sessions().close_all(user.user_id)


def render_sign_out() -> None:
    """A sign-out button that works without JavaScript and under the strict content security policy."""
    st.html(
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
def _client(access_token: str) -> Client:
    settings = load_settings()
    return open_supabase(
        settings.supabase_url, settings.supabase_publishable_key, access_token, REQUEST_TIMEOUT_SECONDS
    )
