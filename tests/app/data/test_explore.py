"""Data of Explore: exact, with names for ids, in the display currency, of each account alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import streamlit as st

from app import data
from app.auth.identity import User, supabase_client
from app.data.explore import Explored, Question
from app.figures.spend import calculate_spend
from tally.accounts.auth_client import AuthClient
from tally.storage.database import DatabaseError
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import save, usage
from tests.app.projects import add_project
from tests.app.teams import join, new_team


@pytest.fixture
def user(upstream: AuthClient, account: Account) -> User:
    st.cache_data.clear()
    return sign_in_user(upstream, account)


def ask(**changes: Any) -> Question:
    today = datetime.now(UTC).date()
    return replace(Question(today - timedelta(days=9), today, "value"), **changes)


def labels(explored: Explored) -> dict[str, Decimal | None]:
    return {group.label: group.value for group in explored.groups}


def test_total_is_that_of_the_overview(user: User) -> None:
    save(user, [usage(1, "0.0000000001"), usage(2, "12345678.1"), usage(1, None, cost_basis="estimated")])
    question = ask(measure="spend", by=("provider",))

    explored = data.load_explored(user, question)

    spend = calculate_spend(data.load_daily(user, question.first, question.last))
    assert explored.total.value == spend.total == Decimal("12345678.1000000001")
    assert explored.total.unpriced_records == spend.unpriced_records == 1
    assert labels(explored) == {"OpenAI": spend.total}
    assert sum(point.value or 0 for point in explored.points) == spend.total


def test_amounts_are_in_the_display_currency_as_on_the_overview(user: User) -> None:
    save(user, [usage(1, "5"), usage(4, "7"), usage(8, "11")])
    supabase_client(user).table("user_preferences").update({"currency": "EUR"}).eq(
        "user_id", user.user_id
    ).execute()
    data.forget_version(user)
    question = ask(measure="spend", granularity="weekday")

    explored = data.load_explored(user, question)

    spend = calculate_spend(data.load_daily(user, question.first, question.last))
    assert explored.total.value is not None
    assert round(explored.total.value, 12) == round(spend.total, 12) != 23
    choices = data.load_values(user, question, "model").values
    assert round(choices[0].amount, 12) == round(spend.total, 12)


def test_ids_have_names(user: User, job: psycopg.Connection[Any]) -> None:
    team = new_team(job, user)
    project = add_project(team, "garden-shop")
    save(team, [usage(1, "5", billing_account="openai:@org-1"), usage(2, "3")])
    job.execute(
        "update public.cost_records set project_id = %s where workspace_id = %s and cost_usd = 5",
        [project, team.workspace.workspace_id],
    )
    data.forget_version(team)

    def explore(dimension: str) -> dict[str, Decimal | None]:
        return labels(data.load_explored(team, ask(by=(dimension,), granularity="none")))

    assert explore("project") == {"garden-shop": 5, "Unassigned": 3}
    assert explore("billing_account") == {"OpenAI, org-1": 5, "No billing account": 3}
    assert explore("person") == {user.email: 8}
    assert explore("source") == {"Entries and subscriptions": 8}
    assert explore("charge_type") == {"Usage": 8}
    assert explore("branch") == {"No branch": 8}
    found = data.load_explored(team, ask(by=("project", "model"))).groups[0]
    assert found.label == "garden-shop · gpt-5.2"
    assert found.keys[0].value == project


def test_choices_are_found_by_the_names_that_are_shown(user: User, job: psycopg.Connection[Any]) -> None:
    team = new_team(job, user)
    project = add_project(team, "garden-shop")
    save(team, [usage(1, "5", metadata={"branch": "main"}), usage(2, "3", metadata={"branch": "fix-100%"})])
    job.execute(
        "update public.cost_records set project_id = %s where workspace_id = %s and cost_usd = 5",
        [project, team.workspace.workspace_id],
    )
    data.forget_version(team)

    def choose(dimension: str, search: str, **changes: Any) -> list[tuple[str | None, str]]:
        return [choice[:2] for choice in data.load_values(team, ask(**changes), dimension, search).values]

    assert choose("project", "GARDEN") == [(project, "garden-shop")]
    assert choose("project", "") == [(project, "garden-shop"), (None, "Unassigned")]
    assert choose("branch", "100%") == [("fix-100%", "fix-100%")]
    assert choose("branch", "", filters=(("branch", ("main",)), ("project", (None,)))) == [
        ("fix-100%", "fix-100%")
    ]


def test_cache_savings_are_the_difference_of_prices(user: User) -> None:
    """gpt-5.2 costs 1.75 dollars a million of input, 0.175 cached."""
    cached = {"input_tokens": 3_000_000, "cached_input_tokens": 2_000_000}
    save(user, [usage(1, "5", **cached), usage(1, "6", model_name="unheard-of", **cached)])

    explored = data.load_explored(user, ask(measure="cache_savings", by=("model",)))

    assert labels(explored) == {"gpt-5.2": Decimal("3.15"), "unheard-of": 0}
    assert [group.unpriced_records for group in explored.groups] == [0, 1]


def test_others_of_a_workspace_are_counted_without_names(
    upstream: AuthClient, user: User, new_account: Callable[[], Account], job: psycopg.Connection[Any]
) -> None:
    boss = new_team(job, user)
    member = join(job, boss, sign_in_user(upstream, new_account()), "member")
    save(boss, [usage(1, "5", metadata={"branch": "main"})])
    save(member, [usage(1, "3", metadata={"branch": "mine"})])

    explored = data.load_explored(member, ask(by=("person", "branch"), granularity="hour"))

    assert labels(explored) == {
        "Other people · Others' records": 5,
        f"{member.email} · mine": 3,
    }
    assert [point.at for point in explored.points if point.group == 0] == [None]
    assert not explored.groups[0].is_filterable
    assert [choice.label for choice in data.load_values(member, ask(), "branch").values] == ["mine"]


def test_questions_without_an_answer_say_what_to_do(user: User) -> None:
    with pytest.raises(DatabaseError, match="1 to 45 days by hour"):
        data.load_explored(user, ask(first=date(2026, 1, 1), granularity="hour"))


def test_stranger_does_not_see_cached_answers(
    upstream: AuthClient, user: User, new_account: Callable[[], Account]
) -> None:
    stranger = sign_in_user(upstream, new_account())
    save(user, [usage(1, "5")])

    assert data.load_explored(user, ask()).total.value == 5
    assert data.load_explored(stranger, ask()).total.records == 0
    assert data.load_explored(stranger, ask()).groups == ()
