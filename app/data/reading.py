"""Queries to Supabase: readable errors, and answers cached by user and data version.

All sessions share Streamlit's caches, so every key contains the user: `User` is hashed by its `user_id`.
A `version` argument only serves as part of the key.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import httpx
import streamlit as st
from postgrest.exceptions import APIError

from app.auth.identity import User, supabase_client
from app.figures.currencies import Currency
from tally.storage.database import describe
from tally.storage.postgrest import describe_answer

P = ParamSpec("P")
R = TypeVar("R")

UNREACHABLE = "503"
CACHE_SECONDS = 15 * 60
API_ROWS = 1000  # most rows that PostgREST returns at once


def _user_id(user: User) -> str:
    return user.user_id


KEYS: dict[str | type[Any], Callable[[Any], Any]] = {User: _user_id, Currency: lambda currency: currency.key}


def cached(function: Callable[P, R]) -> Callable[P, R]:
    """Cache a function's results; `User` is keyed by user_id, so entries survive a token refresh."""
    cache = st.cache_data(ttl=CACHE_SECONDS, max_entries=256, show_spinner=False, hash_funcs=KEYS)
    return cast(Callable[P, R], cache(function))


def ask(query: Callable[[], R]) -> R:
    """Run a query; raises DatabaseError with a sentence for the user."""
    try:
        return query()
    except APIError as error:
        raise describe_answer(error) from error
    except httpx.HTTPError as error:
        raise describe(UNREACHABLE, str(error)) from error


def as_rows(answer: Any) -> list[dict[str, Any]]:
    """Cast a query's answer to a list of rows."""
    return cast(list[dict[str, Any]], answer)


@st.cache_data(ttl=1, max_entries=1000, show_spinner=False, hash_funcs={User: _user_id})
def data_version(user: User) -> str:
    """A text that changes with the user's data; queried at most once a second."""
    return str(ask(lambda: supabase_client(user).rpc("data_version").execute().data))


def forget_version(user: User) -> None:
    """Drop the cached version, so that the next read sees a change at once."""
    data_version.clear(user)
