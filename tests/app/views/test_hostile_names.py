"""Names from outside on every page: nothing that Streamlit reads as Markdown has one unescaped."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from app.formats.text import escape_markdown
from app.ui.pages import PAGES
from tally.accounts.auth_client import AuthClient
from tally.local.stack import Stack
from tally.spend.subscriptions import Subscription, add_subscription
from tests.app.accounts import Account, sign_in_user
from tests.app.budgets import add_budget
from tests.app.nightly_runs import add_nightly_run
from tests.app.pages import open_page
from tests.app.projects import add_project, set_rules
from tests.app.teams import new_team
from tests.app.views.test_aliases import select_name
from tests.app.views.test_projects_card import button
from tests.app.views.test_sources import add_source, bill, estimate
from tests.days import current_day
from tests.shared_connections import operator_connection

LINK = "](http"  # of the names below; no text of Tally's own has it
PLAIN = re.compile(  # the fields that Streamlit shows as they are
    r"\w+\.id|Selectbox\.(options|raw_value)|TextInput\.default|Text\.body|Html\.body|PlotlyChart\.\w+"
)
ADD_NEW_MODEL = """
insert into public.anomalies (workspace_id, day, kind, model_name, actual_usd, attribution)
values (%s, %s, 'new_model', %s, 3, '{}')"""


def hostile(kind: str) -> str:
    return f"[{kind}](http://evil.example/{kind})"


@pytest.fixture(scope="module")
def owner(upstream: AuthClient, shared_account: Account, stack: Stack) -> Iterator[User]:
    """The owner of a team in which every name is a link in Markdown."""
    with operator_connection(stack, autocommit=True) as job:
        user = new_team(job, sign_in_user(upstream, shared_account), name=hostile("team"))
        fill_workspace(job, user)
        yield user


def fill_workspace(job: psycopg.Connection[Any], user: User) -> None:
    model, other = hostile("model"), hostile("other")
    named = {"user_email": hostile("person"), "note": hostile("note")}
    days = [estimate(n, "3", model_name=model, metadata=named | {"n": str(n)}) for n in range(1, 50)]
    unpriced = [estimate(n, None, model_name=other) for n in range(1, 4)]
    add_source(user, [*days, *unpriced], hostile("usage"), "openai_usage")
    add_source(user, [bill(1, "4", model_name=model)], hostile("costs"), "openai_cost")
    project = add_project(user, hostile("project"))
    set_rules(user, ("model", model, project))
    provider = data.load_providers(user)[0].provider_id
    plan = Subscription(provider, hostile("plan"), Decimal(20), current_day() - timedelta(days=40), 5)
    add_subscription(database_of(user), plan)
    add_budget(user, hostile("budget"), "1", model_name=model, tag=hostile("tag"))
    job.execute(ADD_NEW_MODEL, [user.workspace.workspace_id, current_day() - timedelta(days=1), model])
    add_nightly_run(job, user, current_day())
    add_nightly_run(job, user, current_day(), model)
    data.forget_version(user)


def list_texts(page: AppTest) -> Iterator[tuple[str, str]]:
    """Each text of the page, and the field of an element that has it."""
    for node in page:
        if (proto := getattr(node, "proto", None)) is not None:
            yield from list_fields(proto, type(proto).__name__)


def list_fields(proto: Any, place: str) -> Iterator[tuple[str, str]]:
    for field, value in proto.ListFields():
        for each in [value] if isinstance(value, str) or not isinstance(value, Iterable) else value:
            if isinstance(each, str):
                yield f"{place}.{field.name}", each
            elif hasattr(each, "ListFields"):
                yield from list_fields(each, f"{place}.{field.name}")


def read_as_markdown(page: AppTest) -> list[str]:
    """The texts of the page that Streamlit reads as Markdown."""
    return [text for place, text in list_texts(page) if not PLAIN.fullmatch(place)]


PARTS = [{"section": part} for part in ("People", "Projects", "Alerts", "Audit log", "My account")]


@pytest.mark.parametrize(
    ("name", "address"),
    [*((page.name, {}) for page in PAGES), *(("settings", address) for address in PARTS)],
    ids=lambda given: given if isinstance(given, str) else "".join(given.values()),
)
def test_names_are_text_on_each_page(
    monkeypatch: pytest.MonkeyPatch, owner: User, name: str, address: dict[str, str]
) -> None:
    page = open_page(monkeypatch, owner, name, address)

    assert not page.exception
    assert any(LINK in text for _, text in list_texts(page))  # such as the workspace's name
    assert [text for text in read_as_markdown(page) if LINK in text] == []


@pytest.mark.parametrize("name", ["overview", "records", "sources", "forecast"])
def test_names_are_text_on_pages_of_a_project(
    monkeypatch: pytest.MonkeyPatch, owner: User, name: str
) -> None:
    [project] = data.load_projects(owner)
    page = open_page(monkeypatch, owner, name, {"project": project.project_id})

    assert not page.exception
    assert [text for text in read_as_markdown(page) if LINK in text] == []


def test_names_are_text_on_the_page_of_a_budget(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    [status] = data.load_budgets(owner)
    page = open_page(monkeypatch, owner, "budgets", {"budget": status.budget.id})

    assert page.header[0].value == escape_markdown(hostile("budget"))
    assert [text for text in read_as_markdown(page) if LINK in text] == []


def test_name_in_a_report_is_text_where_its_person_is_chosen(
    monkeypatch: pytest.MonkeyPatch, owner: User
) -> None:
    page = open_page(monkeypatch, owner, "settings", {"section": "People"})
    button(page, "Look for names")
    select_name(page, "unknown-people-")

    assert f"{escape_markdown(hostile('person'))} is" in [field.label for field in page.selectbox]
    assert [text for text in read_as_markdown(page) if LINK in text] == []
