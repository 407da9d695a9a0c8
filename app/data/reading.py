"""How the package asks Supabase: errors as sentences, answers cached by person and version.

Streamlit's caches are shared by everyone: the person is always in the key, as `User` hashed by its `user_id`.
Functions with a `version` take it for the key alone.
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
SECONDS_KEPT = 15 * 60
API_ROWS = 1000  # what PostgREST returns at most in one answer


def _user_id(user: User) -> str:
    return user.user_id


KEYS: dict[str | type[Any], Callable[[Any], Any]] = {User: _user_id, Currency: lambda currency: currency.key}


def cached(function: Callable[P, R]) -> Callable[P, R]:
    """Keep answers for a while; a `User` in the key counts as its user_id, whatever its token."""
    keep = st.cache_data(ttl=SECONDS_KEPT, max_entries=256, show_spinner=False, hash_funcs=KEYS)
    return cast(Callable[P, R], keep(function))


def ask(question: Callable[[], R]) -> R:
    """The answer of Supabase, or DatabaseError with a sentence for the person."""
    try:
        return question()
    except APIError as error:
        raise describe_answer(error) from error
    except httpx.HTTPError as error:
        raise describe(UNREACHABLE, str(error)) from error


def as_rows(answer: Any) -> list[dict[str, Any]]:
    """The answer of a query for rows, under its type."""
    return cast(list[dict[str, Any]], answer)


@st.cache_data(ttl=1, max_entries=1000, show_spinner=False, hash_funcs={User: _user_id})
def data_version(user: User) -> str:
    """What changes with every change of the person's data, asked for once a second at most."""
    return str(ask(lambda: supabase_client(user).rpc("data_version").execute().data))


def forget_version(user: User) -> None:
    """Call after a change, so that the next read sees it at once."""
    data_version.clear(user)
