"""Queries to Supabase: readable errors, limited to the user's workspace, cached by user and data version.

All sessions share Streamlit's caches, so every key contains the user: `User` is hashed by its `scope`.
A `version` argument only serves as part of the key.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import streamlit as st

from app.auth import identity
from app.auth.identity import User, supabase_client
from app.figures.currencies import Currency
from tally.storage.postgrest import ask

P = ParamSpec("P")
R = TypeVar("R")

CACHE_SECONDS = 15 * 60
MOMENT_SECONDS = 1
MAX_LARGE = 32
API_ROWS = 1000  # most rows that PostgREST returns at once


KEYS: dict[str | type[Any], Callable[[Any], Any]] = {**identity.KEYS, Currency: lambda currency: currency.key}


def cached(function: Callable[P, R]) -> Callable[P, R]:
    """Cache a function's results by user, workspace and role; entries survive a token refresh."""
    return _cache(function, CACHE_SECONDS)


def cached_for_a_moment(function: Callable[P, R]) -> Callable[P, R]:
    """The same for what changes without a new data version."""
    return _cache(function, MOMENT_SECONDS)


def cached_as_is(function: Callable[P, R]) -> Callable[P, R]:
    """The same for few and large results that nobody changes: others are copied at each use."""
    cache = st.cache_resource(
        ttl=CACHE_SECONDS, max_entries=MAX_LARGE, show_spinner=False, hash_funcs=KEYS, validate=None
    )
    return cast(Callable[P, R], cache(function))


def _cache(function: Callable[P, R], seconds: float) -> Callable[P, R]:
    cache = st.cache_data(ttl=seconds, max_entries=256, show_spinner=False, hash_funcs=KEYS)
    return cast(Callable[P, R], cache(function))


def call(user: User, function: str, **params: Any) -> Any:
    """Call an SQL function on the user's workspace; raises DatabaseError."""
    params["workspace"] = user.workspace.workspace_id
    return ask(supabase_client(user).rpc(function, params).execute).data


def select(user: User, table: str, columns: str, **options: Any) -> Any:
    """A query of a table's rows in the user's workspace; `options` are those of PostgREST's select."""
    query = supabase_client(user).table(table).select(columns, **options)
    return query.eq("workspace_id", user.workspace.workspace_id)


def fetch_rows(query: Any) -> list[dict[str, Any]]:
    """The rows of a query; raises DatabaseError."""
    return cast(list[dict[str, Any]], ask(query.execute).data)


@st.cache_data(ttl=1, max_entries=1000, show_spinner=False, hash_funcs=KEYS)
def data_version(user: User) -> str:
    """A text that changes with the data of the user's workspace; queried at most once a second.

    Raises DatabaseError without membership, so a removed member finds nothing in the caches.
    """
    return str(call(user, "data_version"))


def load_role(user: User) -> str:
    """The user's role in the workspace as of now, with which the data version begins; raises NotAllowed."""
    return data_version(user).partition("-")[0]


def forget_version(user: User) -> None:
    """Drop the cached version, so that the next read sees a change at once."""
    data_version.clear(user)
