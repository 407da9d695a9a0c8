"""Repricing: previewed, never of bills, safe to repeat, and in the audit log."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.core.records import JSON, CostRecord, day_instant, request_identity
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tally.pricing.custom_prices import CustomPrice
from tally.pricing.estimate import estimate, estimate_record
from tally.pricing.list_prices import PRICE_VERSION
from tally.pricing.reprice import Difference, apply_prices, calculate_differences
from tally.pricing.usage import ModelRef, Usage
from tally.pricing.workspace_prices import LIST_PRICES, load_workspace_prices
from tally.storage.database import DatabaseError, Query
from tally.storage.postgres import PostgresDatabase
from tests.shared_connections import operator_connection
from tests.tally.people import Person, acting, money_is_exact, over_postgres, sign_up

AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
SINCE = date(2026, 10, 1)


class Account:
    """The records of one account."""

    def __init__(self, stack: Stack, person: Person, connection: psycopg.Connection[Any]) -> None:
        self.stack, self.person, self.connection = stack, person, connection
        self.database = PostgresDatabase(connection, person.user_id)

    def add(self, model: str = "house-model", provider: str = "openai", **fields: Any) -> CostRecord:
        """Save an estimate at its list price, as an importer or a collector would."""
        usage = Usage(fields.pop("input_tokens", 1_000_000), fields.pop("output_tokens", 0))
        metadata: dict[str, JSON] = dict(fields.pop("metadata", {}))
        at = fields.pop("timestamp", AT)
        record = CostRecord(
            provider,
            at,
            model,
            estimate(metadata, ModelRef(provider, model), usage, at),
            uuid4(),
            cost_basis=fields.pop("cost_basis", "estimated"),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            request_count=1,
            metadata=metadata,
        )
        import_id = fields.pop("import_id", None)
        record = replace(record, **fields)
        save_records(self.database, [record], import_id)
        return record

    def add_source(self, name: str) -> str:
        """A machine whose logs are collected."""
        row = self.database.insert("imports", {"kind": "machine", "format": "codex", "filename": name})
        return str(row["id"])

    def set_price(self, model: str = "house-model", provider: str = "openai", **fields: Any) -> str:
        """Set a custom price, by default 3 dollars per million tokens in and 6 per million out."""
        row = {"input_usd_per_mtok": 3, "output_usd_per_mtok": 6} | fields
        providers = self.database.select(Query("providers", "id,name", ["name"]))
        (provider_id,) = [found["id"] for found in providers if found["name"] == provider]
        inserted = self.database.insert(
            "model_prices", row | {"provider_id": provider_id, "model_name": model}
        )
        return str(inserted["id"])

    def rows(self) -> list[dict[str, Any]]:
        """The stored records, oldest first."""
        cursor = self.connection.cursor(row_factory=dict_row)
        cursor.execute(
            "select * from public.cost_records where workspace_id = %s order by timestamp, model_name, id",
            [self.person.user_id],
        )
        rows = cursor.fetchall()
        self.connection.commit()
        return rows

    def row(self, record: CostRecord) -> dict[str, Any]:
        (found,) = [row for row in self.rows() if row["source_key"] == record.source_key]
        return found

    def reprices(self) -> list[dict[str, Any]]:
        """The entries of the audit log."""
        rows = self.database.select(Query("audit_logs", "id,action,actor,metadata,table_name,row_id", ["id"]))
        return [row for row in rows if row["action"] == "reprice"]


@pytest.fixture
def account(stack: Stack) -> Iterator[Account]:
    with operator_connection(stack) as connection:
        yield Account(stack, sign_up(stack), connection)


@pytest.fixture
def tally(account: Account) -> Any:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["reprice", *arguments, "--email", account.person.email])

    return run


def test_a_model_without_a_price_gets_its_custom_price(account: Account) -> None:
    record = account.add(output_tokens=500_000)
    assert account.row(record)["cost_usd"] is None
    assert calculate_differences(account.database, SINCE) == []
    account.set_price()
    expected = Difference("2026-10", "openai", "house-model", records=1, newly_priced=1, after_usd=Decimal(6))
    assert calculate_differences(account.database, SINCE) == [expected]
    assert account.row(record)["cost_usd"] is None, "a preview writes nothing"
    done = apply_prices(account.database, SINCE)
    assert (done.applied, done.skipped) == (1, 0)
    row = account.row(record)
    assert row["cost_usd"] == 6
    assert row["metadata"] == {
        "price_source": "own",
        "price_version": "from 2020-01-01",
        "price_model": "openai/house-model",
    }
    assert calculate_differences(account.database, SINCE) == []
    assert money_is_exact(account.stack, account.person)


def test_an_estimate_of_an_older_list_is_repriced(account: Account) -> None:
    record = account.add("gpt-4o")
    account.connection.execute(
        "update public.cost_records set cost_usd = 0.5, metadata = metadata || %s where source_key = %s",
        [json.dumps({"price_version": "0.0.1", "note": "kept"}), record.source_key],
    )
    account.connection.commit()
    (difference,) = calculate_differences(account.database, SINCE)
    assert (difference.before_usd, difference.after_usd) == (Decimal("0.5"), Decimal("2.5"))
    apply_prices(account.database, SINCE)
    row = account.row(record)
    assert row["cost_usd"] == Decimal("2.5")
    assert row["metadata"]["price_version"] == PRICE_VERSION
    assert row["metadata"]["note"] == "kept"


@pytest.mark.parametrize(
    "fields",
    [
        {"cost_basis": "billed", "cost_usd": Decimal(7)},
        {"cost_usd": Decimal(7), "metadata": {}},
        {"cost_usd": Decimal(7), "metadata": {"price_source": "opencode"}},
        {"cost_usd": Decimal(7), "charge_type": "tax", "metadata": {"price_source": "genai-prices"}},
    ],
    ids=["a bill", "typed in", "a tool's own cost", "not usage"],
)
def test_costs_that_no_list_priced_do_not_change(account: Account, fields: dict[str, Any]) -> None:
    metadata = fields.pop("metadata", None)
    record = account.add("gpt-4o")
    record = replace(record, source_key=uuid4(), **fields)
    if metadata is not None:
        record = replace(record, metadata=metadata)
    save_records(account.database, [record])
    account.set_price("gpt-4o", replaces_list=True)
    apply_prices(account.database, SINCE)
    assert account.row(record)["cost_usd"] == 7


def test_included_usage_is_repriced_too(account: Account) -> None:
    record = account.add(cost_basis="included")
    account.set_price()
    apply_prices(account.database, SINCE)
    row = account.row(record)
    assert (row["cost_usd"], row["cost_basis"]) == (3, "included")


def test_records_before_the_day_do_not_change(account: Account) -> None:
    early, late = account.add(timestamp=AT - timedelta(days=5)), account.add()
    account.set_price()
    apply_prices(account.database, SINCE)
    assert (account.row(early)["cost_usd"], account.row(late)["cost_usd"]) == (None, 3)


def test_the_day_begins_in_the_accounts_timezone(account: Account) -> None:
    account.connection.execute(
        "update public.user_preferences set timezone = 'Pacific/Auckland' where user_id = %s",
        [account.person.user_id],
    )
    account.connection.commit()
    before = account.add(timestamp=datetime(2026, 9, 30, 10, 59, tzinfo=UTC))
    after = account.add(timestamp=datetime(2026, 9, 30, 11, 0, tzinfo=UTC))
    account.set_price(valid_from="2026-10-01")
    (difference,) = calculate_differences(account.database, SINCE)
    assert (difference.month, difference.records) == ("2026-10", 1)
    apply_prices(account.database, date(2026, 9, 1))
    assert (account.row(before)["cost_usd"], account.row(after)["cost_usd"]) == (None, 3)


def test_dated_statement_keeps_its_day_when_the_timezone_changes(account: Account) -> None:
    laptop, desktop = (account.add_source(name) for name in ("laptop", "desktop"))
    day = date(2026, 10, 5)
    record = account.add(
        source_key=request_identity("msg_1"),
        request_id="msg_1",
        timestamp=day_instant(day, "UTC"),
        day=day,
        import_id=laptop,
    )
    save_records(account.database, [record], desktop)
    account.connection.execute(
        "update public.user_preferences set timezone = 'Pacific/Kiritimati' where user_id = %s",
        [account.person.user_id],
    )
    account.connection.commit()
    account.set_price(valid_from="2026-10-06")
    assert calculate_differences(account.database, SINCE) == []
    account.set_price(valid_from="2026-10-05")
    (difference,) = calculate_differences(account.database, SINCE)
    assert (difference.month, difference.records) == ("2026-10", 2)


def test_each_record_gets_the_price_of_its_day(account: Account) -> None:
    days = [account.add(timestamp=datetime(2026, month, 5, tzinfo=UTC)) for month in (7, 8, 9, 10)]
    account.set_price(valid_from="2026-08-05")
    account.set_price(valid_from="2026-09-06", input_usd_per_mtok=5)
    apply_prices(account.database, date(2026, 1, 1))
    assert [account.row(record)["cost_usd"] for record in days] == [None, 3, 3, 5]


def test_custom_price_replaces_the_list_price_only_if_set_to(account: Account) -> None:
    record = account.add("gpt-4o")
    price_id = account.set_price("GPT-4o")
    assert calculate_differences(account.database, SINCE) == []
    account.database.update("model_prices", price_id, {"replaces_list": True})
    apply_prices(account.database, SINCE)
    assert account.row(record)["cost_usd"] == 3
    account.database.delete("model_prices", price_id)
    apply_prices(account.database, SINCE)
    assert account.row(record)["cost_usd"] == Decimal("2.5")


def test_deleting_a_custom_price_leaves_the_model_unpriced(account: Account) -> None:
    record, price_id = account.add(), account.set_price()
    apply_prices(account.database, SINCE)
    account.database.delete("model_prices", price_id)
    (difference,) = calculate_differences(account.database, SINCE)
    assert (difference.newly_unpriced, difference.difference_usd) == (1, Decimal(-3))
    apply_prices(account.database, SINCE)
    row = account.row(record)
    assert row["cost_usd"] is None
    assert "price_source" not in row["metadata"]


def test_an_estimate_superseded_by_a_bill_is_repriced(account: Account) -> None:
    record = account.add(billing_account="openai")
    bill = replace(
        record,
        source_key=uuid4(),
        cost_basis="billed",
        cost_usd=Decimal(9),
        input_tokens=0,
        request_count=0,
        dataset="openai_cost",
        metadata={},
    )
    save_records(account.database, [bill])
    assert not account.row(record)["money_is_effective"]
    account.set_price()
    (difference,) = calculate_differences(account.database, SINCE)
    assert (difference.records, difference.ineffective, difference.difference_usd) == (1, 1, Decimal(0))
    apply_prices(account.database, SINCE)
    row = account.row(record)
    assert (row["cost_usd"], row["money_is_effective"]) == (3, False)
    assert account.row(bill)["cost_usd"] == 9
    account.database.delete("cost_records", str(account.row(bill)["id"]))
    row = account.row(record)
    assert (row["cost_usd"], row["money_is_effective"]) == (3, True)


def test_superseded_statements_are_repriced_too(account: Account) -> None:
    laptop, desktop = (account.add_source(name) for name in ("laptop", "desktop"))
    record = account.add(source_key=request_identity("msg_1"), request_id="msg_1", import_id=laptop)
    save_records(account.database, [replace(record, timestamp=AT + timedelta(hours=1))], desktop)
    account.set_price()
    (difference,) = calculate_differences(account.database, SINCE)
    assert (difference.records, difference.ineffective, difference.after_usd) == (2, 1, Decimal(3))
    assert apply_prices(account.database, SINCE).applied == 2
    account.database.update("imports", laptop, {"is_enabled": False})
    (row,) = account.rows()
    assert (str(row["import_id"]), row["cost_usd"], row["metadata"]["price_source"]) == (desktop, 3, "own")
    account.set_price(valid_from="2026-10-02", input_usd_per_mtok=5)
    assert apply_prices(account.database, SINCE).applied == 2
    account.database.update("imports", laptop, {"is_enabled": True})
    account.database.update("imports", desktop, {"is_enabled": False})
    (row,) = account.rows()
    assert (str(row["import_id"]), row["cost_usd"]) == (laptop, 5)
    assert calculate_differences(account.database, SINCE) == []


@pytest.mark.parametrize("page", [1, 5_000])
def test_repricing_can_change_the_effective_statement(
    account: Account, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("tally.pricing.reprice.PAGE", page)
    laptop, desktop = (account.add_source(name) for name in ("laptop", "desktop"))
    first = account.add(
        source_key=request_identity("msg_1"),
        request_id="msg_1",
        timestamp=AT + timedelta(hours=1),
        import_id=laptop,
    )
    # The later statement has no price either; of two equal statements, the more expensive is effective.
    save_records(account.database, [replace(first, timestamp=AT, model_name="other-model")], desktop)
    account.set_price(input_usd_per_mtok=3)
    account.set_price("other-model", input_usd_per_mtok=4)
    apply_prices(account.database, SINCE)
    assert [row["cost_usd"] for row in account.rows()] == [4]
    assert calculate_differences(account.database, SINCE) == []
    account.database.update("imports", desktop, {"is_enabled": False})
    assert [row["cost_usd"] for row in account.rows()] == [3]


def test_records_saved_later_have_the_custom_price(account: Account) -> None:
    account.set_price()
    record = account.add()
    assert account.row(record)["cost_usd"] == 3
    unpriced = replace(record, cost_usd=None, metadata={})
    assert save_records(account.database, [unpriced]).restated == 0, "told again, it does not lose its price"
    assert account.row(record)["cost_usd"] == 3


def test_a_request_saved_again_after_repricing_stays_one(account: Account) -> None:
    key = request_identity("msg_1")
    record = account.add(source_key=key, request_id="msg_1")
    account.set_price()
    apply_prices(account.database, SINCE)
    save_records(account.database, [record])
    assert [row["cost_usd"] for row in account.rows()] == [3]


def test_a_run_is_one_entry_of_the_audit_log(account: Account) -> None:
    for _ in range(3):
        account.add()
    account.set_price()
    done = apply_prices(account.database, SINCE)
    (entry,) = account.reprices()
    assert (entry["row_id"], entry["table_name"]) == (str(done.run_id), "cost_records")
    assert entry["metadata"] == {"records": 3, "before_usd": "0", "after_usd": "9.0000000000"}
    apply_prices(account.database, SINCE)
    assert len(account.reprices()) == 1, "nothing changed, nothing to tell"


def test_batches_of_one_run_are_one_entry(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tally.pricing.reprice.PAGE", 2)
    for minute in range(5):
        account.add(timestamp=AT + timedelta(minutes=minute // 2))
    account.set_price()
    assert apply_prices(account.database, SINCE).applied == 5
    (entry,) = account.reprices()
    assert entry["metadata"]["records"] == 5
    assert {row["cost_usd"] for row in account.rows()} == {3}


def test_an_interrupted_run_is_consistent_and_completed_by_the_next(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tally.pricing.reprice.PAGE", 2)
    for minute in range(6):
        account.add(timestamp=AT + timedelta(minutes=minute))
    account.set_price()

    def stop(applied: int, _total: int, _label: str) -> None:
        if applied == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_prices(account.database, SINCE, stop)
    assert sum(row["cost_usd"] == 3 for row in account.rows()) == 4
    assert [entry["metadata"]["records"] for entry in account.reprices()] == [4]
    apply_prices(account.database, SINCE)
    assert {row["cost_usd"] for row in account.rows()} == {3}
    assert sorted(entry["metadata"]["records"] for entry in account.reprices()) == [2, 4]
    assert money_is_exact(account.stack, account.person)


def test_a_killed_run_leaves_no_partial_batch(account: Account) -> None:
    record = account.add()
    account.set_price()
    url = account.stack.settings()["DATABASE_URL"]
    command = [sys.executable, "-m", "tally", "reprice", "--since", "2026-10-01", "--apply"]
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watcher:
        holder.execute(
            "select from public.cost_records where source_key = %s for update", [record.source_key]
        )
        process = subprocess.Popen([*command, "--email", account.person.email], stdout=subprocess.PIPE)
        backends = "from pg_stat_activity where wait_event_type = 'Lock' and query like '%apply_prices%'"
        deadline = time.monotonic() + 60
        while not watcher.execute(f"select 1 {backends}").fetchone():
            assert time.monotonic() < deadline, "it never came to writing"
            time.sleep(0.05)
        process.kill()
        process.wait()
        watcher.execute(f"select pg_terminate_backend(pid) {backends}")
    assert account.row(record)["cost_usd"] is None
    assert account.reprices() == []
    apply_prices(account.database, SINCE)
    assert account.row(record)["cost_usd"] == 3


def test_a_record_that_changed_meanwhile_is_skipped(account: Account) -> None:
    record = account.add()
    row = account.row(record)
    change = {
        "id": str(row["id"]),
        "timestamp": row["timestamp"].isoformat(),
        "was_usd": "1",
        "cost_usd": "5",
    }
    answer = account.database.call("apply_prices", run_id=str(uuid4()), changes=[change | {"price": {}}])
    assert answer == {"applied": 0, "skipped": 1}
    assert account.row(record)["cost_usd"] is None
    assert account.reprices() == []


def test_stranger_cannot_reprice_records(account: Account) -> None:
    record = account.add()
    row = account.row(record)
    change = {"id": str(row["id"]), "timestamp": row["timestamp"].isoformat(), "cost_usd": "5", "price": {}}
    with over_postgres(account.stack, sign_up(account.stack)) as stranger:
        assert calculate_differences(stranger, date(2020, 1, 1)) == []
        answer = stranger.call("apply_prices", run_id=str(uuid4()), changes=[change])
    assert answer == {"applied": 0, "skipped": 1}
    assert account.row(record)["cost_usd"] is None


@pytest.mark.parametrize("changes", [{}, [{}] * 5_001])
def test_invalid_changes_are_refused_with_a_reason(account: Account, changes: Any) -> None:
    with pytest.raises(DatabaseError, match="at most 5,000"):
        account.database.call("apply_prices", run_id=str(uuid4()), changes=changes)


@pytest.mark.parametrize("transport", ["supabase", "postgres"])
def test_both_transports_reprice_exactly(account: Account, transport: str) -> None:
    account.add(output_tokens=7)
    account.set_price(input_usd_per_mtok="0.1234567891", request_usd="0.0000000001")
    with acting(account.stack, account.person, transport) as database:
        (price,) = load_workspace_prices(database).custom
        assert price.input_usd_per_mtok == Decimal("0.1234567891")
        (difference,) = calculate_differences(database, SINCE)
        assert difference.after_usd == Decimal("0.1234567891") + Decimal("0.000042") + Decimal("0.0000000001")
        assert apply_prices(database, SINCE).applied == 1


def test_models_without_a_price_are_listed(account: Account) -> None:
    account.add(output_tokens=5)
    account.add(timestamp=AT + timedelta(days=1))
    account.add("gpt-4o")
    found = account.database.call("unpriced_models")
    assert (found["model_name"], found["provider"]) == ("house-model", "openai")
    assert (found["records"], found["tokens"], found["requests"]) == (2, 2_000_005, 2)


def test_command_previews_and_applies_on_demand(account: Account, tally: Any) -> None:
    record = account.add("evil\x1b[2J\nmodel")
    account.set_price("evil\x1b[2J\nmodel")
    shown = tally("--since", "2026-10-01")
    assert shown.exit_code == 0, shown.output
    assert "2026-10  openai    evil�[2J�model        1  0.0000 USD  3.0000 USD  +3.0000 USD" in shown.stdout
    assert "Priced for the first time: 1 record" in shown.stdout
    assert "Nothing was saved." in shown.stdout
    assert account.row(record)["cost_usd"] is None
    assert "Repriced 1 record." in tally("--since", "2026-10-01", "--apply").stdout
    assert account.row(record)["cost_usd"] == 3
    assert tally("--since", "2026-10-01").stdout == "All estimates are up to date.\n"


@pytest.mark.parametrize("since", ["2019-12-31", "2099-01-01"])
def test_a_day_out_of_range_is_refused_with_a_reason(tally: Any, since: str) -> None:
    ended = tally("--since", since)
    assert ended.exit_code == 1
    assert ended.stderr == "--since must be a day from 2020-01-01 to today.\n"


def test_custom_price_applies_to_each_class() -> None:
    price = CustomPrice(
        "openai",
        "house-model",
        date(2026, 1, 1),
        Decimal(3),
        Decimal(6),
        cached_input_usd_per_mtok=Decimal("0.3"),
        cache_write_usd_per_mtok=Decimal(4),
        cache_write_1h_usd_per_mtok=Decimal(8),
        request_usd=Decimal("0.01"),
    )
    usage = Usage(1_000_000, 100_000, 400_000, 300_000, 200_000, requests=5)
    million = Decimal(1_000_000)
    expected = (
        300_000 * Decimal(3)
        + 400_000 * Decimal("0.3")
        + 100_000 * Decimal(4)
        + 200_000 * Decimal(8)
        + 100_000 * Decimal(6)
    ) / million + 5 * Decimal("0.01")
    assert price.calculate(usage).cost_usd == expected
    plain = replace(
        price,
        cached_input_usd_per_mtok=None,
        cache_write_usd_per_mtok=None,
        cache_write_1h_usd_per_mtok=None,
        request_usd=Decimal(0),
    )
    assert plain.calculate(usage).cost_usd == 3 + Decimal("0.6"), (
        "a class without a price costs as input does"
    )
    five_minutes = replace(price, cache_write_1h_usd_per_mtok=None)
    assert five_minutes.calculate(Usage(100, 0, 0, 100, 100)).cost_usd == 100 * Decimal(
        4
    ) / million + Decimal("0.01")


def test_repricing_a_stored_record_changes_nothing() -> None:
    metadata: dict[str, JSON] = {}
    usage = Usage(300_000, 1_000, 100_000, 50_000, 20_000, web_searches=3)
    model = ModelRef("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5")
    cost_usd = estimate(metadata, model, usage, AT)
    record = CostRecord(
        "anthropic",
        AT,
        "claude-sonnet-4-5",
        cost_usd,
        uuid4(),
        cost_basis="estimated",
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        metadata=metadata,
    )
    assert cost_usd is not None
    assert estimate_record(record) == record
    assert estimate_record(replace(record, cost_usd=None), LIST_PRICES) == record
