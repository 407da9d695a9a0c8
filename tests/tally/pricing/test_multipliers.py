"""Multipliers change what Tally estimates at list prices, by account and day, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.core.records import JSON, CostRecord
from tally.importers.protocol import merge
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tally.pricing.custom_prices import CustomPrice, CustomPrices
from tally.pricing.estimate import BY_ROW, estimate, estimate_record, is_repriceable, price_with
from tally.pricing.multipliers import Multiplier, Multipliers
from tally.pricing.paid_by import set_paid_by_plan
from tally.pricing.reprice import apply_prices, calculate_differences
from tally.pricing.usage import STANDARD, Conditions, ModelRef, Usage
from tally.pricing.workspace_prices import WorkspacePrices, load_workspace_prices
from tally.storage.database import DatabaseError, Query
from tests.every_case import every_case
from tests.shared_connections import operator_connection
from tests.tally.people import money_is_exact, sign_up
from tests.tally.pricing.test_reprice import SINCE, Account

AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
TENTH = Decimal("0.0000000001")
DISCOUNT = Multiplier("openai", None, Decimal("0.85"), date(2026, 1, 1))


def used(
    model: str = "gpt-4o", tokens: int = 1_000_000, tier: Conditions = STANDARD, **fields: Any
) -> CostRecord:
    """An estimate of OpenAI's at its list price, as a parser makes it; a million tokens cost $2.50."""
    metadata: dict[str, JSON] = {}
    cost = estimate(metadata, ModelRef("openai", model), Usage(tokens), AT, tier)
    record = CostRecord(
        "openai", AT, model, cost, uuid4(), cost_basis="estimated", input_tokens=tokens, request_count=1,
        billing_account="openai", metadata=metadata,
    )  # fmt: skip
    return replace(record, **fields)


def at(
    *multipliers: Multiplier, timezone: str = "UTC", custom: tuple[CustomPrice, ...] = ()
) -> WorkspacePrices:
    return WorkspacePrices(CustomPrices(custom, timezone), Multipliers(multipliers, timezone))


def cost(record: CostRecord, prices: WorkspacePrices) -> Decimal | None:
    [priced] = price_with([record], prices)
    return priced.cost_usd


def test_an_estimate_is_multiplied_and_says_its_list_price() -> None:
    [priced] = price_with([used()], at(DISCOUNT))
    assert priced.cost_usd == Decimal("2.125")
    assert (priced.metadata["price_multiplier"], priced.metadata["price_list_usd"]) == ("0.85", "2.5")
    assert priced.metadata["price_source"] == "genai-prices"


@every_case(
    [
        (record,)
        for record in [
            used(cost_basis="billed"),
            used(cost_basis="included"),
            used(metadata={}),
            used(metadata={"price_source": "opencode"}),
            used(charge_type="tax"),
            used("model-nobody-knows"),
            used(provider="anthropic"),
            used(timestamp=datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ]
    ]
)
def test_what_no_multiplier_is_about_stays_as_it_is(record: CostRecord) -> None:
    assert price_with([record], at(DISCOUNT)) == [record]


def test_custom_prices_are_what_is_paid() -> None:
    custom = CustomPrice("openai", "house-model", date(2020, 1, 1), Decimal(3), Decimal(6))
    assert cost(used("house-model"), at(DISCOUNT, custom=(custom,))) == 3


def test_usage_without_tokens_is_unpriced_again_without_its_custom_price() -> None:
    custom = CustomPrice("openai", "gpt-4o", date(2020, 1, 1), Decimal(3), Decimal(6), request_usd=Decimal(2))
    images = used(tokens=0, cost_usd=None, metadata={})
    [priced] = price_with([images], at(custom=(replace(custom, replaces_list=True),)))
    assert priced.cost_usd == 2
    assert estimate_record(priced) == images


def test_a_cost_that_cannot_be_stored_harms_no_other_record() -> None:
    record = used(tokens=10**12)
    assert record.cost_usd == 2_500_000
    prices = at(replace(DISCOUNT, multiplier=Decimal(100)))
    too_much, other = price_with([record, used()], prices)
    assert (too_much.cost_usd, too_much.metadata) == (None, {"price_note": "beyond 100,000,000 dollars"})
    assert other.cost_usd == 250
    assert estimate_record(too_much) == record


def test_an_accounts_own_multiplier_goes_first() -> None:
    own = replace(DISCOUNT, billing_account="openai:Private", multiplier=Decimal("1.1"))
    prices = at(DISCOUNT, own)
    assert cost(used(billing_account="openai:Private"), prices) == Decimal("2.75")
    assert cost(used(billing_account="openai:Work"), prices) == Decimal("2.125")
    assert cost(used(billing_account=None), prices) == Decimal("2.125")
    assert cost(
        used(billing_account="openai:Private"), at(replace(own, billing_account="openai"))
    ) == Decimal("2.5")


def test_one_account_may_be_without_its_providers_discount() -> None:
    own = replace(DISCOUNT, billing_account="openai:Private", multiplier=Decimal(1))
    record = used(billing_account="openai:Private")
    assert price_with([record], at(DISCOUNT, own)) == [record]


def test_days_are_those_of_the_workspace_and_the_last_one_counts() -> None:
    october = replace(DISCOUNT, valid_from=date(2026, 10, 1), valid_to=date(2026, 10, 31))
    prices = at(october, timezone="Pacific/Auckland")  # 13 hours ahead
    in_time = [datetime(2026, 9, 30, 11, tzinfo=UTC), datetime(2026, 10, 31, 10, 59, tzinfo=UTC)]
    too_early_and_late = [in_time[0] - timedelta(minutes=1), in_time[1] + timedelta(minutes=1)]
    assert [cost(used(timestamp=moment), prices) for moment in in_time] == [Decimal("2.125")] * 2
    assert [cost(used(timestamp=moment), prices) for moment in too_early_and_late] == [Decimal("2.5")] * 2
    assert cost(used(day=date(2026, 10, 31), timestamp=in_time[1] + timedelta(hours=1)), prices) == Decimal(
        "2.125"
    )


def test_a_sum_of_rows_at_different_tiers_is_multiplied() -> None:
    long, short = (used("gpt-5.4", 300_000, Conditions(tier=tier)) for tier in ("long", "short"))
    total = merge(long, replace(short, source_key=long.source_key))
    assert total.metadata["price_source"] == BY_ROW
    assert total.cost_usd is not None
    [priced] = price_with([total], at(DISCOUNT))
    assert priced.cost_usd == total.cost_usd * Decimal("0.85")
    [again] = price_with([priced], at(replace(DISCOUNT, multiplier=Decimal(2))))
    assert again.cost_usd == total.cost_usd * 2


@settings(max_examples=200, deadline=None)
@given(
    tokens=st.lists(st.integers(0, 10**9), min_size=1, max_size=8),
    multiplier=st.decimals("0.000001", 100, places=6),
    days=st.lists(st.integers(-3, 3), min_size=1, max_size=8),
)
def test_totals_are_exact_sums(tokens: list[int], multiplier: Decimal, days: list[int]) -> None:
    """Of list prices, rounded as they are stored, times the multiplier where the day is in the period."""
    period = replace(
        DISCOUNT, multiplier=multiplier, valid_from=AT.date(), valid_to=AT.date() + timedelta(days=1)
    )
    records = [
        used(tokens=count, timestamp=AT + timedelta(days=days[place % len(days)]))
        for place, count in enumerate(tokens)
    ]
    expected = Decimal(0)
    for record in records:
        listed = (record.input_tokens * Decimal("2.5") / 1_000_000).quantize(TENTH, ROUND_HALF_UP)
        is_within = AT.date() <= record.timestamp.date() <= AT.date() + timedelta(days=1)
        expected += (listed * multiplier).quantize(TENTH, ROUND_HALF_UP) if is_within else listed
    priced = price_with(records, at(period))
    assert sum((record.cost_usd or Decimal(0) for record in priced), Decimal(0)) == expected


@settings(max_examples=100, deadline=None)
@given(tokens=st.integers(0, 10**9), model=st.sampled_from(["gpt-4o", "gpt-5.4", "model-nobody-knows"]))
def test_a_multiplier_of_one_changes_nothing(tokens: int, model: str) -> None:
    record = used(model, tokens)
    assert price_with([record], at(replace(DISCOUNT, multiplier=Decimal(1)))) == [record]


@settings(max_examples=100, deadline=None)
@given(
    tokens=st.integers(0, 10**9),
    multiplier=st.decimals("0.000001", 100, places=6),
    model=st.sampled_from(["gpt-4o", "gpt-5.4", "model-nobody-knows"]),
)
def test_pricing_again_does_not_multiply_twice(tokens: int, multiplier: Decimal, model: str) -> None:
    prices = at(replace(DISCOUNT, multiplier=multiplier))
    once = price_with([used(model, tokens)], prices)
    assert price_with(once, prices) == once
    assert all(map(is_repriceable, once))


@pytest.fixture
def account(stack: Stack) -> Iterator[Account]:
    with operator_connection(stack) as connection:
        yield Account(stack, sign_up(stack), connection)


def set_multiplier(account: Account, multiplier: Multiplier = DISCOUNT) -> str:
    (provider,) = account.database.select(
        Query("providers", "id,name", ["id"], {"name": multiplier.provider})
    )
    return str(account.database.insert("price_multipliers", multiplier.to_json(provider["id"]))["id"])


def stored(account: Account) -> list[dict[str, Any]]:
    """All records but for the times of their changes."""
    return [{key: row[key] for key in row if key != "updated_at"} for row in account.rows()]


def test_multipliers_are_stored_and_loaded(account: Account) -> None:
    given = replace(
        DISCOUNT, billing_account="openai:Private", valid_to=date(2026, 12, 31), note="Contract of May"
    )
    row_id = set_multiplier(account, given)
    [loaded] = load_workspace_prices(account.database).multipliers
    assert loaded == replace(given, id=row_id, user_id=account.person.user_id)


def test_overlapping_days_are_refused_in_a_sentence(account: Account) -> None:
    set_multiplier(account)
    with pytest.raises(
        DatabaseError, match=r"^This account already has the multiplier 0.85 from 2026-01-01 on\."
    ):
        set_multiplier(account, replace(DISCOUNT, valid_from=date(2026, 7, 1), multiplier=Decimal("0.7")))


def test_saving_applies_the_multiplier(account: Account) -> None:
    set_multiplier(account)
    record = used()
    save_records(account.database, [record])
    row = account.row(record)
    assert (row["cost_usd"], row["metadata"]["price_list_usd"]) == (Decimal("2.125"), "2.5")
    assert calculate_differences(account.database, SINCE) == []


def test_adding_changing_and_deleting_reprice_estimates_and_leave_no_trace(account: Account) -> None:
    long, short = (used("gpt-5.4", 300_000, Conditions(tier=tier)) for tier in ("long", "short"))
    total = merge(long, replace(short, source_key=long.source_key))
    records = [
        used(),
        total,
        used("model-nobody-knows"),
        used(cost_basis="billed"),
        used(cost_basis="included"),
    ]
    save_records(account.database, records)
    before = stored(account)
    row_id = set_multiplier(account)
    differences = calculate_differences(account.database, SINCE)
    assert sum(difference.records for difference in differences) == 2
    assert apply_prices(account.database, SINCE).applied == 2
    assert total.cost_usd is not None
    assert account.row(total)["cost_usd"] == total.cost_usd * Decimal("0.85")
    account.database.update("price_multipliers", row_id, {"multiplier": "1.1"})
    assert apply_prices(account.database, SINCE).applied == 2
    assert account.row(records[0])["cost_usd"] == Decimal("2.75")
    assert money_is_exact(account.stack, account.person)
    account.database.delete("price_multipliers", row_id)
    assert apply_prices(account.database, SINCE).applied == 2
    assert stored(account) == before


def test_usage_that_moves_to_a_plan_and_back_keeps_its_prices(account: Account) -> None:
    source = account.add_source("laptop")
    save_records(account.database, [used()], source)
    set_multiplier(account)
    apply_prices(account.database, SINCE)
    before = stored(account)
    assert set_paid_by_plan(account.database, source, is_plan=True) == 1
    [row] = account.rows()
    assert (row["cost_basis"], row["cost_usd"]) == ("included", Decimal("2.5"))
    assert "price_multiplier" not in row["metadata"]
    assert set_paid_by_plan(account.database, source, is_plan=False) == 1
    assert stored(account) == before


def test_a_preview_shows_what_a_multiplier_would_change_and_only_there(account: Account) -> None:
    save_records(account.database, [used(), used(billing_account="openai:Private")])
    own = replace(DISCOUNT, billing_account="openai:Private", multiplier=Decimal("0.5"))
    before = stored(account)
    [difference] = calculate_differences(account.database, SINCE, prices=at(own))
    assert (difference.records, difference.before_usd, difference.after_usd) == (
        1,
        Decimal("2.5"),
        Decimal("1.25"),
    )
    assert (
        calculate_differences(account.database, SINCE, lambda record: record.provider == "azure", at(own))
        == []
    )
    assert stored(account) == before
