"""Saved views: of one person in one workspace, bounded."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import streamlit as st

from app import data
from app.auth.identity import User
from tally.accounts.auth_client import AuthClient
from tally.storage.database import DatabaseError
from tests.app.accounts import Account, sign_in_user
from tests.app.teams import join, new_team, remove


@pytest.fixture
def user(upstream: AuthClient, account: Account) -> User:
    st.cache_data.clear()
    return sign_in_user(upstream, account)


def names(user: User) -> dict[str, str]:
    return {view.name: view.query for view in data.load_views(user)}


def test_view_is_saved_replaced_renamed_and_deleted(user: User) -> None:
    first = data.save_view(user, " Branches, this month ", "split=branch")
    other = data.save_view(user, "a'\"<b>%", "split=tag")
    assert list(names(user)) == ["a'\"<b>%", "Branches, this month"]
    assert data.save_view(user, "Branches, this month", "split=model") == first
    data.rename_view(user, other, "Tags")
    assert names(user) == {"Branches, this month": "split=model", "Tags": "split=tag"}
    data.delete_view(user, first)
    data.delete_view(user, first)
    assert names(user) == {"Tags": "split=tag"}


def test_another_view_of_the_name_is_not_overwritten_by_a_rename(user: User) -> None:
    data.save_view(user, "One", "a=1")
    other = data.save_view(user, "Two", "a=2")
    with pytest.raises(DatabaseError, match="of this name already"):
        data.rename_view(user, other, "One")
    assert names(user) == {"One": "a=1", "Two": "a=2"}


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("  ", "a=1", "a name of 1 to 100"),
        ("x" * 101, "a=1", "a name of 1 to 100"),
        ("two\nlines", "a=1", "Leave line breaks"),
        ("Long", "x" * 4001, "too long to be saved"),
        ("Empty", "", "too long to be saved"),
    ],
)
def test_views_are_bounded(user: User, name: str, query: str, sentence: str) -> None:
    with pytest.raises(DatabaseError, match=sentence):
        data.save_view(user, name, query)
    assert names(user) == {}


def test_a_workspace_has_a_hundred_views_of_a_person(user: User) -> None:
    for nth in range(100):
        data.save_view(user, f"View {nth}", "a=1")
    with pytest.raises(DatabaseError, match="100 views"):
        data.save_view(user, "One more", "a=1")
    data.save_view(user, "View 7", "a=2")
    assert (len(names(user)), names(user)["View 7"]) == (100, "a=2")


def test_views_are_of_one_person_in_one_workspace_and_go_with_the_membership(
    upstream: AuthClient, user: User, new_account: Callable[[], Account], job: psycopg.Connection[Any]
) -> None:
    boss = new_team(job, user)
    viewer = join(job, boss, sign_in_user(upstream, new_account()), "viewer")
    view = data.save_view(viewer, "Mine", "a=1")
    assert names(viewer) == {"Mine": "a=1"}
    assert names(boss) == names(user) == {}
    data.delete_view(boss, view)
    with pytest.raises(DatabaseError, match="no longer exists"):
        data.rename_view(boss, view, "Taken")
    st.cache_data.clear()
    assert names(viewer) == {"Mine": "a=1"}
    remove(job, viewer)
    assert job.execute("select count(*) from private.saved_views where id = %s", [view]).fetchone() == (0,)
