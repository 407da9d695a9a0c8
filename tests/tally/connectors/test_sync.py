"""Syncs: twelve months first, then recent days; interrupted syncs resume, and nothing is counted twice."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.connectors.connections import APIS, Connection, delete_connection, set_active
from tally.connectors.datasets import Dataset, Window
from tally.connectors.sync import SyncOptions, final_through, plan_windows, sync_connection
from tally.local.stack import Stack
from tally.secrets.key_ring import VaultError
from tally.storage.database import Database
from tally.storage.postgrest import SupabaseDatabase
from tests.tally.connectors.clients import QUICK
from tests.tally.connectors.fake_providers import KEYS, FakeProviders, Fault
from tests.tally.connectors.users import (
    TODAY,
    connect,
    load_ring,
    reread,
    sources,
    spent,
    stored,
    sync,
)
from tests.tally.importers.test_save import bring
from tests.tally.people import CountingDatabase, Person, client_with, money_is_exact, over_postgres

pytestmark = pytest.mark.usefixtures("apis")
COSTS_AS_FILE = b"""start_time,end_time,amount_value,amount_currency,line_item,project_id
1793577600,1793664000,0.05,usd,"gpt-5.2, output_tokens",proj_a
1793577600,1793664000,0.1000000001,usd,"gpt-5.2, input_tokens",proj_a
1793577600,1793664000,0.03,usd,"Code Interpreter, sessions",proj_b
"""
DATASETS = [dataset for api in APIS.values() for dataset in api.datasets]
BILLED = {"openai": "0.9221000001", "anthropic": "1.7167162", "openrouter": "0.2650123"}
WEEK = timedelta(days=7)
OPTIONS = SyncOptions(TODAY, limits=QUICK)


def days_fetched(fake: FakeProviders, path: str = "costs") -> list[date]:
    """Return the first day of every window fetched from OpenAI."""
    return [
        datetime.fromtimestamp(int(request.query["start_time"][0]), UTC).date()
        for request in fake.requests_for(path)
    ]


@pytest.mark.usefixtures("two_months")
@pytest.mark.parametrize("provider", APIS)
def test_first_sync_fetches_everything_and_the_next_changes_nothing(
    stack: Stack, database: Database, user: Person, provider: str
) -> None:
    connection = connect(database, provider)
    first = sync(database, connection)
    assert first.error is None
    assert spent(database) == Decimal(BILLED[provider])
    before = stored(database)
    again = sync(database, connection, TODAY + timedelta(days=1))
    assert (again.error, again.added, again.restated) == (None, 0, 0)
    assert stored(database) == before
    assert money_is_exact(stack, user)
    synced = reread(database, connection)
    assert synced.last_sync_at is not None
    assert synced.next_sync_at is not None
    assert synced.next_sync_at > synced.last_sync_at
    assert (synced.last_error, synced.validation_status) == (None, "valid")


def test_first_sync_fetches_twelve_months_and_later_ones_only_recent_days(
    apis: FakeProviders, database: Database
) -> None:
    connection = connect(database, "openai")
    apis.requests.clear()
    sync(database, connection)
    request = days_fetched(apis)
    assert request[0] == TODAY - timedelta(days=365)
    assert len(request) == 13
    apis.requests.clear()
    sync(database, connection, TODAY + timedelta(days=1))
    assert days_fetched(apis) == [TODAY - WEEK]


def test_progress_reports_every_window_once(database: Database) -> None:
    steps: list[tuple[int, int, str]] = []
    sync(database, connect(database, "anthropic"), on_progress=lambda *what: steps.append(what))
    total = 3 * 13
    assert [(done, of) for done, of, _ in steps] == [(nth, total) for nth in range(total + 1)]
    assert steps[0][2] == "costs, 2025-11-20 to 2025-12-19"


@pytest.mark.usefixtures("two_months")
def test_sync_reads_only_rows_of_its_connection(database: Database) -> None:
    connection = connect(database, "openai")
    connect(database, "anthropic")
    for number in range(20):
        file = {"filename": f"{number}.csv", "format": "generic", "file_sha256": "0" * 64}
        database.insert("imports", file)
    counting = CountingDatabase(database)
    steps: list[int] = []
    options = replace(OPTIONS, on_progress=lambda done, _total, _label: steps.append(done))
    sync_connection(counting, load_ring, connection, options)
    assert counting.rows_read["imports"] == 1
    assert counting.rows_read["api_credentials"] == 1 + len(steps) - 1 > 2, "the key, then once per window"


@pytest.mark.usefixtures("two_months")
def test_costs_come_from_the_bill_and_tokens_from_usage(database: Database) -> None:
    sync(database, connect(database, "openai"))
    second = [row for row in stored(database) if row["day"] == "2026-11-02"]
    of_model = [row for row in second if row["model_name"].startswith("gpt-5.2")]
    assert sum(Decimal(row["cost_usd"]) for row in of_model) == Decimal("0.1421000001")
    assert sum(row["tokens_used"] for row in of_model) == 80_000 + 4_210 + 10_100 + 1_010


@pytest.mark.usefixtures("two_months")
def test_usage_without_a_bill_is_estimated(database: Database) -> None:
    sync(database, connect(database, "openai"))
    [embeddings] = [row for row in stored(database) if row["model_name"] == "text-embedding-3-small"]
    assert (embeddings["cost_basis"], Decimal(embeddings["cost_usd"])) == ("estimated", Decimal("0.02"))


@pytest.mark.usefixtures("two_months")
def test_claude_code_covered_by_a_plan_is_not_spend(database: Database) -> None:
    sync(database, connect(database, "anthropic"))
    assert spent(database, "included") > 0
    assert spent(database) == Decimal(BILLED["anthropic"])


@pytest.mark.usefixtures("two_months")
def test_restated_day_is_replaced_and_withdrawn_day_is_removed(
    apis: FakeProviders, database: Database
) -> None:
    connection = connect(database, "openai")
    today = date(2026, 11, 6)
    sync(database, connection, today)
    buckets = apis.recorded["openai_costs"]["data"]
    buckets[0]["results"][0]["amount"]["value"] = 0.5
    buckets[2]["results"] = []
    result = sync(database, connection, today)
    assert (result.error, result.added, result.restated) == (None, 0, 1)
    assert spent(database) == Decimal("0.5") + Decimal("0.1000000001") + Decimal("0.03")


@pytest.mark.usefixtures("two_months")
def test_final_day_is_not_fetched_again(apis: FakeProviders, database: Database) -> None:
    connection = connect(database, "openai")
    sync(database, connection)  # on the 20th the 4th is more than a week ago
    apis.recorded["openai_costs"]["data"][0]["results"] = []
    sync(database, connection)
    assert spent(database) == Decimal(BILLED["openai"])


def test_sync_resumes_after_a_crash(apis: FakeProviders, database: Database) -> None:
    connection = connect(database, "openai")

    def crash(done: int, _total: int, _what: str) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(database, connection, on_progress=crash)
    apis.requests.clear()
    assert sync(database, connection).error is None
    assert days_fetched(apis)[0] == TODAY - timedelta(days=365) + timedelta(days=5 * 30)
    assert spent(database) == Decimal(BILLED["openai"])


@pytest.mark.usefixtures("two_months")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(401), "does not accept this key"),
        (Fault(403), "does not let this key"),
        (Fault(429, headers={"retry-after": "7200"}), "wait 2 hours"),
        (Fault(500), "internal problem"),
        (Fault(cut_at=20), "interrupted"),
        (Fault(body=b'{"data": ['), "not complete JSON"),
        (Fault(body=b"<html>", content_type="text/html"), "instead of JSON"),
        (Fault(302, headers={"location": "https://example.com/"}), "another address"),
        (Fault(400), "refused the request"),
    ],
)
def test_failed_sync_keeps_saved_records_and_stores_the_reason(
    apis: FakeProviders, stack: Stack, database: Database, user: Person, fault: Fault, reason: str
) -> None:
    connection = connect(database, "openai")
    sync(database, connection)
    before, synced_at = stored(database), reread(database, connection).last_sync_at
    apis.fail("", *[fault] * 100)
    result = sync(database, connection)
    failed = reread(database, connection)
    assert failed.last_error == result.error
    assert reason in str(failed.last_error)
    assert KEYS["openai"] not in str(failed.last_error)
    assert failed.validation_status == ("invalid" if fault.status in (401, 403) else "valid")
    assert failed.last_sync_at == synced_at
    assert stored(database) == before
    apis.clear_faults()
    assert_next_sync_succeeds(database, connection)
    assert stored(database) == before
    assert money_is_exact(stack, user)


def assert_next_sync_succeeds(database: Database, connection: Connection) -> None:
    assert sync(database, connection).error is None
    synced = reread(database, connection)
    assert (synced.last_error, synced.validation_status) == (None, "valid")


@pytest.mark.usefixtures("two_months")
def test_refused_usage_does_not_stop_costs(apis: FakeProviders, database: Database) -> None:
    connection = connect(database, "openai")
    apis.fail("usage/completions", *[Fault(403)] * 20)
    result = sync(database, connection)
    assert "does not let this key read usage" in str(result.error)
    assert spent(database) == Decimal(BILLED["openai"])
    assert reread(database, connection).validation_status == "valid"


@pytest.mark.usefixtures("two_months")
def test_failed_page_saves_nothing_of_its_window(apis: FakeProviders, database: Database) -> None:
    connection = connect(database, "openai")
    apis.page_buckets = 5
    broken = Fault(change=lambda page: page | {"data": [{"start_time": "soon"}]})
    # A window of six pages succeeds, then those of the next up to the day with costs.
    apis.fail("organization/costs", *[Fault()] * (6 + 3), broken)
    assert "soon" in str(sync(database, connection).error)
    assert stored(database, "openai_api_costs") == []
    assert sync(database, connection).error is None
    assert spent(database) == Decimal(BILLED["openai"])


@pytest.mark.usefixtures("two_months")
def test_missing_kind_of_usage_is_not_an_error(apis: FakeProviders, database: Database) -> None:
    del apis.recorded["openai_usage"]["code_interpreter_sessions"]
    assert sync(database, connect(database, "openai")).error is None


def test_openrouter_days_beyond_its_history_stay(apis: FakeProviders, database: Database) -> None:
    connection = connect(database, "openrouter")
    sync(database, connection)
    apis.recorded["openrouter_activity"]["data"] = apis.recorded["openrouter_activity"]["data"][:1]
    sync(database, connection, date(2026, 12, 3))
    assert spent(database) == Decimal(BILLED["openrouter"])
    apis.recorded["openrouter_activity"]["data"] = []
    sync(database, connection, date(2026, 12, 20))
    assert spent(database) == Decimal(BILLED["openrouter"])


def test_openrouter_balance_is_stored(database: Database) -> None:
    connection = connect(database, "openrouter")
    sync(database, connection)
    assert reread(database, connection).balance_usd == Decimal("74.75")


@pytest.mark.usefixtures("two_months")
def test_source_of_a_connection_counts_every_row(database: Database) -> None:
    connection = connect(database, "anthropic", "Company")
    for _ in range(2):
        sync(database, connection, date(2026, 11, 6))
    [source] = sources(database)
    assert (source["kind"], source["format"], source["filename"]) == (
        "connection",
        "anthropic-api",
        "Company",
    )
    assert source["credential_id"] == str(connection.connection_id)
    assert source["rows_imported"] == len(stored(database))
    assert source["rows_read"] == source["rows_imported"] + source["rows_duplicate"]
    assert source["status"] == "done"
    assert {row["import_id"] for row in stored(database)} == {source["id"]}
    assert {row["collection_method"] for row in stored(database)} == {"api_automated"}


@pytest.mark.usefixtures("two_months")
def test_deleted_source_is_fetched_again(database: Database) -> None:
    connection = connect(database, "openai")
    sync(database, connection)
    before = spent(database)
    database.delete("imports", sources(database)[0]["id"])
    assert spent(database) == 0
    assert sync(database, connection).error is None
    assert spent(database) == before


@pytest.mark.parametrize("end", ["pause", "delete"])
def test_pausing_or_deleting_stops_a_sync_before_the_next_window(database: Database, end: str) -> None:
    connection = connect(database, "openai")

    def pause_or_delete(done: int, _total: int, _what: str) -> None:
        if done == 3 and end == "pause":
            set_active(database, connection, is_active=False)
        elif done == 3:
            delete_connection(database, connection, with_spend=False)

    result = sync(database, connection, on_progress=pause_or_delete)
    assert (result.was_stopped, result.windows, result.error) == (True, 4, None)


def test_decryption_error_is_stored_with_the_connection(apis: FakeProviders, database: Database) -> None:
    connection = connect(database, "openai")

    def lost() -> Any:
        raise VaultError("The ring is lost.")

    assert sync_connection(database, lost, connection, OPTIONS).error == "The ring is lost."
    assert reread(database, connection).last_error == "The ring is lost."
    assert apis.requests_for("usage") == []


@pytest.mark.usefixtures("two_months")
def test_expired_session_stops_a_sync_with_a_sentence(stack: Stack, database: Database, user: Person) -> None:
    connection = connect(database, "openai")
    signed_out = SupabaseDatabase(client_with(stack, "not-a-token"), user.user_id)
    result = sync_connection(signed_out, load_ring, connection, OPTIONS)
    assert (result.was_signed_out, result.error) == (True, "Your session has ended. Sign in again.")
    assert sync(database, connection).error is None


@pytest.mark.usefixtures("two_months")
@pytest.mark.parametrize("is_file_first", [True, False])
def test_bill_from_file_and_api_counts_once(database: Database, is_file_first: bool) -> None:
    connection = connect(database, "openai")
    if is_file_first:
        bring(database, COSTS_AS_FILE)
    assert sync(database, connection).error is None
    if not is_file_first:
        bring(database, COSTS_AS_FILE)
    assert spent(database) == Decimal(BILLED["openai"])
    delete_connection(database, reread(database, connection), with_spend=True)
    assert spent(database) == Decimal("0.1800000001")


@pytest.mark.usefixtures("two_months")
def test_costs_that_name_their_organization_tell_whose_usage_it_is(
    apis: FakeProviders, database: Database
) -> None:
    connection = connect(database, "openai")
    sync(database, connection)
    before = stored(database)
    assert {row["billing_account"] for row in before} == {"openai"}
    delete_connection(database, reread(database, connection), with_spend=True)
    for bucket in apis.recorded["openai_costs"]["data"]:
        for row in bucket["results"]:
            row["organization_id"] = "org-1"
    connection = connect(database, "openai")
    assert sync(database, connection).error is None
    after = stored(database)
    assert {row["billing_account"] for row in after} == {"openai:@org-1"}
    assert [row["source_key"] for row in after] == [row["source_key"] for row in before]
    assert spent(database) == Decimal(BILLED["openai"])
    assert sync(database, connection).added == 0


@pytest.mark.usefixtures("two_months")
def test_account_that_the_user_named_keeps_its_name(apis: FakeProviders, database: Database) -> None:
    for bucket in apis.recorded["openai_costs"]["data"]:
        for row in bucket["results"]:
            row["organization_id"] = "org-1"
    sync(database, connect(database, "openai", account="Work"))
    assert {row["billing_account"] for row in stored(database)} == {"openai:Work"}


@pytest.mark.usefixtures("two_months")
def test_claude_code_of_a_plan_is_of_its_organization(database: Database) -> None:
    sync(database, connect(database, "anthropic"))
    accounts = {row["billing_account"] for row in stored(database)}
    assert accounts == {"anthropic", "claude-desktop:@12345678-1234-5678-1234-567812345678"}


def test_unexpected_error_becomes_a_sentence(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    connection = connect(database, "openai")

    def fail(_done: int, _total: int, _what: str) -> None:
        raise ZeroDivisionError

    result = sync(database, connection, on_progress=fail)
    assert "Something went wrong in Tally" in str(result.error)
    assert "ZeroDivisionError" in caplog.text
    assert KEYS["openai"] not in caplog.text


@pytest.mark.usefixtures("two_months")
def test_operator_connection_gives_the_same_records_as_the_data_api(
    stack: Stack, database: Database, user: Person
) -> None:
    connection = connect(database, "openai")
    with over_postgres(stack, user) as operator:
        assert sync(operator, connection).error is None
    before = stored(database)
    assert spent(database) == Decimal(BILLED["openai"])
    again = sync(database, connection)
    assert (again.added, again.restated) == (0, 0)
    assert stored(database) == before


@given(
    dataset=st.sampled_from(DATASETS),
    steps=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    stops=st.lists(st.integers(0, 14), min_size=8, max_size=8),
)
@settings(deadline=None)
def test_interrupted_syncs_fetch_every_day_and_recent_ones_again(
    dataset: Dataset, steps: list[int], stops: list[int]
) -> None:
    today, cursor = TODAY, None
    asked_on: dict[date, date] = {}
    for step, stop in zip(steps, stops, strict=False):
        today += timedelta(days=step)
        for window in plan_windows(dataset, cursor, today)[:stop]:
            asked_on |= dict.fromkeys(window.days, today)
            cursor = max(final_through(dataset, window, today).isoformat(), cursor or "")
    for window in plan_windows(dataset, cursor, today):
        asked_on |= dict.fromkeys(window.days, today)
    last = today if dataset.has_today else today - timedelta(days=1)
    history = Window(today - timedelta(days=dataset.history_days), last)
    for day in history.days:
        assert day in asked_on
        # Days older than that are not revised: a later fetch is final.
        assert (asked_on[day] - day).days > dataset.restated_days or asked_on[day] == today


def test_windows_fit_on_one_page() -> None:
    lengths = {len(w.days) for d in DATASETS for w in plan_windows(d, None, TODAY)}
    assert max(lengths) <= 31
