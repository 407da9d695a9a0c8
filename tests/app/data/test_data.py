"""Data of the pages: exact, private to the account, and fresh after each change."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
import streamlit as st

from app import data
from app.auth.identity import User
from app.auth.workspaces import personal_workspace
from app.data import changes
from app.figures.spend import calculate_spend
from tally.accounts.auth_client import AuthClient
from tally.storage.database import DatabaseError
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import save, usage


@pytest.fixture
def user(upstream: AuthClient, account: Account) -> User:
    st.cache_data.clear()
    return sign_in_user(upstream, account)


def test_money_keeps_every_digit(user: User) -> None:
    save(user, [usage(1, "0.0000000001"), usage(1, "12345678.1"), usage(1, None, cost_basis="estimated")])

    assert calculate_spend(data.load_daily(user, None, None)).total == Decimal("12345678.1000000001")


def test_stranger_does_not_see_cached_data(
    upstream: AuthClient, user: User, new_account: Callable[[], Account]
) -> None:
    stranger = sign_in_user(upstream, new_account())
    save(user, [usage(1, "5")])

    assert len(data.load_daily(user, None, None)) == 1
    assert data.load_daily(stranger, None, None).empty
    assert data.count_records(stranger) == 0
    assert data.load_records_page(stranger, data.RecordFilter(), 1, "UTC") == []


def test_refreshed_token_uses_the_same_cache(upstream: AuthClient, account: Account) -> None:
    st.cache_data.clear()
    first, second = sign_in_user(upstream, account), sign_in_user(upstream, Account(account.email))
    assert first.access_token != second.access_token
    save(first, [usage(1, "5")])
    assert len(data.load_daily(first, None, None)) == 1

    unusable = replace(second, access_token="no token")

    assert len(data.load_daily(unusable, None, None)) == 1


def test_change_shows_at_once(user: User) -> None:
    save(user, [usage(1, "5")])
    assert len(data.load_daily(user, None, None)) == 1
    save(user, [usage(1, "6", model_name="other")])

    data.forget_version(user)

    assert len(data.load_daily(user, None, None)) == 2


def test_model_names_cover_every_basis(
    upstream: AuthClient, user: User, new_account: Callable[[], Account]
) -> None:
    save(
        user,
        [
            usage(700, "5", model_name="old"),
            usage(1, "5", cost_basis="included", model_name="covered-by-plan"),
            usage(1, None, cost_basis="estimated", model_name="unpriced"),
            usage(2, None, cost_basis="estimated", model_name="unpriced"),
        ],
    )

    assert data.load_model_names(user) == ["covered-by-plan", "old", "unpriced"]
    assert data.load_model_names(sign_in_user(upstream, new_account())) == []


def test_forged_token_raises_a_readable_error(user: User) -> None:
    stranger = "11111111-1111-1111-1111-111111111111"
    forged = User(stranger, user.email, user.access_token[:-8] + "AAAAAAAA", personal_workspace(stranger))

    with pytest.raises(DatabaseError, match=r"[.]$"):
        data.load_preferences(forged)


def test_first_timezone_of_the_browser_is_saved(user: User) -> None:
    assert not data.load_preferences(user).timezone_set

    changes.save_first_timezone(user, "Asia/Kathmandu")

    preferences = data.load_preferences(user)
    assert (preferences.timezone, preferences.timezone_set) == ("Asia/Kathmandu", True)


def test_unknown_timezone_of_a_browser_is_ignored(user: User) -> None:
    changes.save_first_timezone(user, "Mars/Olympus")

    assert data.load_preferences(user).timezone == "UTC"


def test_providers_have_names(user: User) -> None:
    names = {provider.slug: provider.name for provider in data.load_providers(user)}

    assert names["openai"].startswith("OpenAI")
