"""Views of Explore that the user keeps in a workspace."""

from dataclasses import dataclass

import streamlit as st

from app.auth.identity import User, supabase_client
from app.data.reading import KEYS, call
from tally.storage.postgrest import ask

FRESH_SECONDS = 10  # for what the user saved in another tab


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view: its name, and the query of the page's address."""

    view_id: str
    name: str
    query: str


@st.cache_data(ttl=FRESH_SECONDS, max_entries=1000, show_spinner=False, hash_funcs=KEYS)
def load_views(user: User) -> list[SavedView]:
    """The user's views in the workspace, by name."""
    return [SavedView(row["id"], row["name"], row["query"]) for row in call(user, "list_views")]


def save_view(user: User, name: str, query: str) -> str:
    """Keep a view under a name, in place of another one with it; its id. Raises DatabaseError."""
    saved = str(call(user, "save_view", name=name, query=query))
    load_views.clear(user)
    return saved


def rename_view(user: User, view_id: str, name: str) -> None:
    """Give a view another name; raises DatabaseError, also if another view has it."""
    ask(supabase_client(user).rpc("rename_view", {"view": view_id, "name": name}).execute)
    load_views.clear(user)


def delete_view(user: User, view_id: str) -> None:
    """Delete a view; raises DatabaseError."""
    ask(supabase_client(user).rpc("delete_view", {"view": view_id}).execute)
    load_views.clear(user)
