"""Accounts at one provider: a bill covers its account, and what names none if it cannot be the wrong one."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.test_overlaps import bill, new_import, save, spent, usage
from tests.database.test_shared_workspaces import save as save_into
from tests.database.test_shared_workspaces import workspace as team  # noqa: F401 - a fixture
from tests.database_fixtures import Connection, Project, add_user

PLAIN, FIRST, SECOND, NAMED = "openai", "openai:@org-1", "openai:@org-2", "openai:Private"
ORDERS = [[0, 1, 2], [1, 0, 2], [2, 0, 1], [2, 1, 0], [0, 2, 1], [1, 2, 0]]
Person = psycopg.Connection[Any]


@pytest.fixture
def person(project: Project) -> Person:
    with project.connect() as operator:
        return project.act_as("authenticated", add_user(operator))


def save_each(person: Person, *records: dict[str, Any]) -> list[object]:
    """Save records, each in an import of its own."""
    imports = [new_import(person) for _ in records]
    for import_id, record in zip(imports, records, strict=True):
        save(person, record, import_id=import_id)
    return imports


def tokens(person: Person) -> int:
    [[total]] = person.execute("select sum(tokens_used) from public.effective_records").fetchall()
    return int(total)


def undo(person: Person, import_id: object) -> None:
    person.execute("delete from public.imports where id = %s", [import_id])


@pytest.mark.parametrize("order", [1, -1])
def test_usage_that_names_no_account_is_of_the_only_one(person: Person, order: int) -> None:
    save_each(person, *[bill("3", account=FIRST), usage("1")][::order])
    assert spent(person) == 3


@pytest.mark.parametrize("order", [1, -1])
def test_usage_of_another_account_is_not_covered(person: Person, order: int) -> None:
    save_each(
        person, *[bill("3", account=FIRST), usage("1", account=SECOND), usage("7", account=FIRST)][::order]
    )
    assert spent(person) == 4


@pytest.mark.parametrize("day", [0, 5])
@pytest.mark.parametrize("order", ORDERS)
def test_bill_that_may_be_of_the_wrong_account_covers_nothing(
    person: Person, order: list[int], day: int
) -> None:
    """The other one has no bill, so the usage may be its own."""
    records = [bill("3", account=FIRST), usage("5", day, account=SECOND), usage("1")]
    save_each(person, *[records[place] for place in order])
    assert spent(person) == 9


@pytest.mark.parametrize("day", [0, 5])
@pytest.mark.parametrize("order", ORDERS)
def test_bills_of_all_accounts_cover_usage_of_any(person: Person, order: list[int], day: int) -> None:
    records = [bill("3", account=FIRST), bill("5", day, account=SECOND), usage("1")]
    save_each(person, *[records[place] for place in order])
    assert spent(person) == 8


def test_bills_of_all_accounts_cover_only_the_days_and_models_that_they_name(person: Person) -> None:
    other_model = {"model_name": "gpt-5-mini"}
    save_each(
        person,
        bill("3", account=FIRST),
        bill("5", 1, account=SECOND) | {"model_name": "(unspecified)"},
        usage("1") | other_model,
        usage("2", 1) | other_model,
        usage("4", 2),
        usage("8") | {"billed_under_other_name": True} | other_model,
    )
    assert spent(person) == 8 + 1 + 4


def test_bills_of_all_accounts_stay_as_they_are(person: Person) -> None:
    """They are no datasets of one account, of which one would be the better."""
    api = {"dataset": "openai_api_costs", "collection_method": "api_automated"}
    save_each(person, bill("3", account=FIRST) | api, bill("5", account=SECOND), bill("7"), usage("1"))
    assert spent(person) == 15


@pytest.mark.parametrize("order", ORDERS)
def test_accounts_of_other_months_do_not_matter(person: Person, order: list[int]) -> None:
    records = [bill("3", account=FIRST), usage("5", -1, account=SECOND), usage("1")]
    save_each(person, *[records[place] for place in order])
    assert spent(person) == 8


def test_usage_is_matched_again_once_one_account_is_left(person: Person) -> None:
    _, second, _ = save_each(person, bill("3", account=FIRST), usage("5", 5, account=SECOND), usage("1"))
    undo(person, second)
    assert spent(person) == 3


def test_usage_is_matched_with_the_account_that_is_left(person: Person) -> None:
    first, _, _ = save_each(person, usage("3", account=FIRST), bill("5", account=SECOND), usage("1"))
    assert spent(person) == 9
    undo(person, first)
    assert spent(person) == 5


def test_usage_is_on_its_own_once_no_account_is_left(person: Person) -> None:
    first, *_ = save_each(person, bill("3", account=FIRST), usage("1"))
    undo(person, first)
    assert spent(person) == 1


def test_usage_is_covered_once_the_last_account_has_bills(person: Person) -> None:
    save_each(person, bill("3", account=FIRST), usage("5", 9, account=SECOND), usage("1"), usage("2", 1))
    assert spent(person) == 11
    [late] = save_each(person, bill("4", 7, account=SECOND))
    assert spent(person) == 3 + 5 + 2 + 4
    undo(person, late)
    assert spent(person) == 11


def test_usage_is_covered_by_a_bill_of_its_day_that_comes_later(person: Person) -> None:
    save_each(person, bill("3", 5, account=FIRST), bill("5", 6, account=SECOND), usage("1"))
    assert spent(person) == 9
    for account in (FIRST, SECOND):
        [late] = save_each(person, bill("2", account=account))
        assert spent(person) == 10
        undo(person, late)
        assert spent(person) == 9


def test_one_account_in_place_of_another_in_one_statement(person: Person) -> None:
    save_each(person, bill("3", account=FIRST), usage("1"), usage("2", 1))
    person.execute(
        "update public.cost_records set billing_account = %s where billing_account = %s", [SECOND, FIRST]
    )
    assert spent(person) == 5
    save_each(person, bill("4", 1, account=SECOND))
    assert spent(person) == 7


def test_second_account_changes_all_days_of_its_months(person: Person) -> None:
    bills, usages = ([make("1", day) for day in range(-31, 29)] for make in (bill, usage))
    save(person, *[one | {"billing_account": FIRST} for one in bills], import_id=new_import(person))
    save(person, *usages, import_id=new_import(person))
    assert spent(person) == 60
    [second] = save_each(person, usage("9", 0, account=SECOND))
    assert spent(person) == 60 + 29 + 9
    undo(person, second)
    assert spent(person) == 60


def test_account_that_a_user_named_is_no_other(person: Person) -> None:
    save_each(person, bill("3", account=NAMED), usage("1"))
    assert spent(person) == 4
    save_each(person, usage("5", account=NAMED), bill("2", account=FIRST))
    assert spent(person) == 5
    save_each(person, bill("6", account="openai:a:@b"), usage("1", 1), bill("4", 1, account=FIRST))
    assert spent(person) == 15


def test_accounts_of_other_providers_do_not_matter(person: Person) -> None:
    save_each(
        person,
        bill("3", account=FIRST),
        usage("1"),
        usage("2", account="anthropic:@org-2"),
        usage("4", account="openai-like:@org-3"),
    )
    assert spent(person) == 9


def test_bills_of_a_file_and_an_api_count_once_though_one_names_the_account(person: Person) -> None:
    api = {"dataset": "openai_api_costs", "collection_method": "api_automated"}
    save_each(person, bill("3", account=FIRST) | {"dataset": "openai_cost"}, bill("4") | api, usage("1"))
    assert spent(person) == 4


def test_tokens_are_those_of_the_fuller_report_of_the_only_account(person: Person) -> None:
    export = usage("5", account=FIRST) | {"dataset": "openai_usage", "input_tokens": 900}
    save_each(person, export, usage("1") | {"input_tokens": 100})
    assert [tokens(person), spent(person)] == [900, 5]
    save_each(person, usage("2", 3, account=SECOND))
    assert [tokens(person), spent(person)] == [1_000, 8]
    save_each(person, bill("6", account=FIRST), bill("7", account=SECOND))
    assert [tokens(person), spent(person)] == [1_000, 6 + 7 + 2]


def test_disabled_source_is_no_account(person: Person) -> None:
    _, second, _ = save_each(person, bill("3", account=FIRST), usage("5", account=SECOND), usage("1"))
    person.execute("update public.imports set is_enabled = false where id = %s", [second])
    assert spent(person) == 3
    person.execute("update public.imports set is_enabled = true where id = %s", [second])
    assert spent(person) == 9


def test_workspaces_have_accounts_of_their_own(
    project: Project,
    database: Connection,
    user: UUID,
    team: UUID,  # noqa: F811
) -> None:
    member = project.act_as("authenticated", user)
    save_each(member, bill("3", account=FIRST), usage("1"))
    save_into(member, team, None, usage("5", account=SECOND))
    query = "select sum(cost_usd) from public.effective_records where workspace_id = %s"
    assert database.execute(query, [user]).fetchone() == (3,)


def test_month_that_returns_brings_its_accounts_back(project: Project, database: Connection) -> None:
    person = project.act_as("authenticated", add_user(database))
    records = (bill("3", -40, account=FIRST), usage("1", -40), usage("5", -39, account=SECOND))
    *_, second = save_each(person, *records)
    assert spent(person) == 9
    for _ in range(2):
        database.execute("select public.detach_partition(2026, 9)")
        database.execute("select public.attach_partition(2026, 9)")
        assert spent(person) == 9
    database.execute("select public.detach_partition(2026, 9)")
    undo(person, second)
    database.execute("select public.attach_partition(2026, 9)")
    assert spent(person) == 3


def test_statements_are_compared_by_the_account_that_they_are_matched_with(person: Person) -> None:
    save_each(person, bill("3", account=FIRST), usage("1"), usage("1", account=NAMED))
    query = "select public.source_statements(null, null) -> 'billing_account'"
    assert sorted(person.execute(query).fetchone()[0]) == sorted([FIRST, FIRST, NAMED])  # type: ignore[index]
    save_each(person, bill("5", 40, account=SECOND), usage("2", 41))
    assert sorted(person.execute(query).fetchone()[0]) == sorted([FIRST, FIRST, NAMED, SECOND, SECOND])  # type: ignore[index]
    save_each(person, usage("5", account=SECOND))
    shown = sorted([FIRST, PLAIN, NAMED, SECOND, SECOND, SECOND])
    assert sorted(person.execute(query).fetchone()[0]) == shown  # type: ignore[index]


ACCOUNTS = (PLAIN, FIRST, SECOND, NAMED)
DAYS = (-1, 0, 1)  # the first is in another month
Event = tuple[str, int, int, str]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["bill", "usage"]),
        st.sampled_from(DAYS),
        st.integers(1, 9),
        st.sampled_from(ACCOUNTS),
    ),
    min_size=1,
    max_size=8,
)


def expect(events: list[Event]) -> int:
    """The total by the rule, told in another way."""
    total = 0
    for kind, day, dollars, account in events:
        month = [event for event in events if (event[1] < 0) == (day < 0)]
        present = {other for *_, other in month if "@" in other}
        billed = {other for kind_, *_, other in month if kind_ == "bill"}
        covering = {account}
        if account == PLAIN and (len(present) == 1 or present <= billed):
            covering |= present
        if account in present and len(present) == 1:
            covering |= {PLAIN}
        is_covered = any(
            kind_ == "bill" and day_ == day and other in covering for kind_, day_, _, other in events
        )
        total += 0 if kind == "usage" and is_covered else dollars
    return total


@given(events=EVENTS, undone=st.sets(st.integers(0, 7)), order=st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_do_not_depend_on_the_order_of_accounts(
    project: Project, events: list[Event], undone: set[int], order: Any
) -> None:
    arrivals = list(enumerate(events))
    order.shuffle(arrivals)
    imports = {}
    with project.connect() as operator, project.act_as("authenticated", add_user(operator)) as person:
        for n, (kind, day, dollars, account) in arrivals:
            imports[n] = new_import(person)
            make = bill if kind == "bill" else usage
            save(person, make(str(dollars), day, account), import_id=imports[n])
            if n in undone and order.random() < 0.5:
                undo(person, imports.pop(n))
        for n in sorted(undone & imports.keys()):
            undo(person, imports[n])
        assert spent(person) == expect([event for n, event in enumerate(events) if n not in undone])
