"""Nothing comes into an archived month, and nothing that it counts is taken away behind its back."""

from uuid import UUID

import psycopg
import pytest

from tally.archive.leaving import Leaving
from tally.archive.storage import Storage
from tally.archive.upkeep import archive_one, restore_month
from tests.database.test_saving import new_import, record, save
from tests.database_fixtures import Connection, Project
from tests.tally.archive.ledgers import JANUARY, bills, fill, read_rows, read_totals, requests

SENTENCE = 'January 2026 is archived. Bring it back with "tally archive restore 2026-01"'


@pytest.fixture
def sources(project: Project, user: UUID) -> dict[str, UUID]:
    """The sources of somebody's records."""
    return fill(project.act_as("authenticated", user))


@pytest.fixture
def closed(
    project: Project, database: Connection, user: UUID, storage: Storage, sources: dict[str, UUID]
) -> Connection:
    """Somebody whose January is archived."""
    assert sources
    archive_one(Leaving(database, storage, user, JANUARY))
    return project.act_as("authenticated", user)


def test_importing_again_rejects_the_month_and_doubles_nothing(closed: Connection) -> None:
    before = read_totals(closed)
    again = [*requests("2026-01"), *requests("2026-02"), *bills("2026-01")]
    for source in (None, new_import(closed)):
        saved = save(closed, again, source)
        rejected = len(requests("2026-01")) + 1
        assert saved["inserted"] + saved["duplicate"] + len(saved["rejected"]) == len(again)
        assert len(saved["rejected"]) == rejected
        assert {one["reason"].startswith(SENTENCE) for one in saved["rejected"]} == {True}
        assert [again[one["index"]]["timestamp"][:7] for one in saved["rejected"]] == ["2026-01"] * rejected
        assert read_totals(closed) == before


def test_direct_writes_into_the_month_are_refused(closed: Connection) -> None:
    before = read_totals(closed)
    insert = """insert into public.cost_records (user_id, provider_id, timestamp, model_name, cost_usd)
        select auth.uid(), p.id, '2026-01-03T00:00Z', 'm', 1
        from public.providers as p where p.name = 'openai'"""
    moved = "update public.cost_records set timestamp = '2026-01-03T00:00Z' where timestamp = '2026-02-01Z'"
    for change in (insert, moved):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="January 2026 is archived"):
            closed.execute(change)
    assert read_totals(closed) == before


def test_sources_with_archived_records_stay_until_these_are_back(
    closed: Connection, database: Connection, user: UUID, storage: Storage, sources: dict[str, UUID]
) -> None:
    before = read_totals(closed)
    with pytest.raises(psycopg.Error, match="the first in 2026-01"):
        closed.execute("delete from public.imports where id = %s", [sources["log"]])
    with pytest.raises(psycopg.Error, match="the first in 2026-01"):
        closed.execute("update public.imports set is_enabled = false where id = %s", [sources["bill"]])
    assert read_totals(closed) == before
    restore_month(database, storage, user, JANUARY)
    closed.execute("delete from public.imports where id = %s", [sources["bill"]])
    closed.execute("delete from public.imports where id = %s", [sources["copy"]])
    closed.execute("delete from public.imports where id = %s", [sources["log"]])
    assert read_rows(database, user)["cost_records"] == []


def test_renewals_of_the_month_are_posted_once(
    project: Project, database: Connection, user: UUID, storage: Storage
) -> None:
    person = project.act_as("authenticated", user)
    person.execute(
        """insert into public.subscriptions
            (user_id, provider_id, plan_name, amount_usd, interval, renewal_day, started_on, ended_on)
        select auth.uid(), p.id, 'Pro', 20, 'month', 5, '2026-01-01', '2026-03-31'
        from public.providers as p where p.name = 'chatgpt'"""
    )
    before, rows = read_totals(person), read_rows(database, user)
    assert len(rows["cost_records"]) == 3
    archive_one(Leaving(database, storage, user, JANUARY))
    person.execute("select public.post_due_renewals()")
    assert read_totals(person) == before
    restore_month(database, storage, user, JANUARY)
    person.execute("select public.post_due_renewals()")
    assert read_totals(person) == before
    assert read_rows(database, user) == rows


def test_a_bill_of_a_neighbouring_day_leaves_archived_days_as_they_were(
    closed: Connection, database: Connection, user: UUID, storage: Storage
) -> None:
    january = [row for row in read_totals(closed)["daily costs by None"] if "2026-01" in row]
    named = record(
        timestamp="2026-02-15T00:00:00Z",
        day="2026-02-15",
        billing_account="openai:@org-1",
        dataset="costs",
        collection_method="api_automated",
        cost_usd="9",
    )
    assert save(closed, [named])["inserted"] == 1
    assert [row for row in read_totals(closed)["daily costs by None"] if "2026-01" in row] == january
    whole = read_totals(closed)
    restore_month(database, storage, user, JANUARY)
    assert read_totals(closed)["spend"] == whole["spend"]


def test_usage_behind_invoices_counts_archived_days(
    project: Project, database: Connection, user: UUID, storage: Storage
) -> None:
    fill(project.act_as("authenticated", user))
    query = """select u.local_day, sum(u.cost_usd)
        from public.providers as p
        cross join lateral private.usage_by_days(
            %s, p.id, array['UTC', 'UTC'], '2026-01-01Z', '2026-03-01Z'
        ) as u
        where p.name = 'openai' group by 1 having sum(u.cost_usd) is not null order by 1"""
    before = database.execute(query, [user]).fetchall()
    archive_one(Leaving(database, storage, user, JANUARY))
    assert {day.month for day, _ in before} == {1, 2}
    assert database.execute(query, [user]).fetchall() == before
