"""Naming models: a deployment gets its model's name and price; taking it back restores everything."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.core.records import JSON, CostRecord
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tally.pricing.estimate import estimate, price_with
from tally.pricing.listed_models import is_listed, list_models
from tally.pricing.model_aliases import ModelAliases
from tally.pricing.naming import name_model
from tally.pricing.reprice import calculate_differences
from tally.pricing.usage import ModelRef, Usage
from tally.pricing.workspace_prices import WorkspacePrices
from tests.every_case import every_case
from tests.shared_connections import operator_connection
from tests.tally.people import money_is_exact, sign_up
from tests.tally.pricing.test_reprice import SINCE, Account

AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
NAME = "my-gpt-prod"
HOSTILE = "![x](http://127.0.0.1:1/x) <b>$x$</b> '; drop table x; --"


def used(name: str = NAME, written: str = "", **fields: Any) -> CostRecord:
    """A million input tokens at Azure, as a parser makes the record."""
    metadata: dict[str, JSON] = {"note": "kept"}
    cost = estimate(metadata, ModelRef("azure", written or name, name), Usage(1_000_000), AT)
    record = CostRecord(
        "azure", AT, name, cost, uuid4(), cost_basis="estimated", input_tokens=1_000_000, request_count=1,
        billing_account="azure", metadata=metadata,
    )  # fmt: skip
    return replace(record, **fields)


def naming(**models: str) -> WorkspacePrices:
    """Aliases of Azure's names, with underscores for hyphens."""
    names = {("azure", name.replace("_", "-")): model for name, model in models.items()}
    return WorkspacePrices(aliases=ModelAliases(names))


@pytest.fixture
def account(stack: Stack) -> Iterator[Account]:
    with operator_connection(stack) as connection:
        yield Account(stack, sign_up(stack), connection)


def stored(account: Account) -> list[dict[str, Any]]:
    """All records but for the times of their changes."""
    return [{key: row[key] for key in row if key != "updated_at"} for row in account.rows()]


def test_a_named_deployment_has_the_price_of_its_model() -> None:
    unknown, other = used(), used("another")
    named, same = price_with([unknown, other], naming(my_gpt_prod="gpt-4o"))
    assert (named.model_name, named.cost_usd, named.metadata["model_alias"]) == (
        "gpt-4o",
        Decimal("2.5"),
        NAME,
    )
    assert named.metadata["note"] == "kept"
    assert same == other


def test_the_workspace_knows_better_than_what_a_name_resembles() -> None:
    record = used("gpt-4o-team", written="azure/gpt-4o-team")
    [named] = price_with([record], naming(gpt_4o_team="gpt-4o-mini"))
    assert (named.model_name, named.cost_usd) == ("gpt-4o-mini", Decimal("0.15"))


def test_a_bill_is_renamed_and_keeps_its_amount() -> None:
    bill = used(cost_usd=Decimal(7), cost_basis="billed")
    [named] = price_with([bill], naming(my_gpt_prod="gpt-4o"))
    assert (named.model_name, named.cost_usd, named.cost_basis) == ("gpt-4o", Decimal(7), "billed")


def test_names_are_not_followed_from_one_to_the_next() -> None:
    prices = naming(my_gpt_prod="house-model", house_model="gpt-4o")
    once = price_with([used()], prices)
    assert [record.model_name for record in once] == ["house-model"]
    assert price_with(once, prices) == once


@every_case([(provider,) for provider in ["azure", "openai", "aws-bedrock", "other"]])
def test_models_to_choose_from_have_a_price(provider: str) -> None:
    names = list_models(provider)
    assert len(names) > 20
    assert len(set(names)) == len(names)
    assert all(is_listed(provider, name) for name in names)


def test_azure_offers_its_makers_models() -> None:
    assert {"gpt-4o", "gpt-5.4", "o1-mini"} <= set(list_models("azure"))


def test_existing_records_are_named_priced_and_restored(account: Account) -> None:
    records = [used(), used(cost_usd=Decimal(7), cost_basis="billed", billing_account=None), used("another")]
    save_records(account.database, records)
    before = stored(account)
    assert account.row(records[0])["cost_usd"] is None
    done = name_model(account.database, "azure", NAME, "gpt-4o")
    assert (done.records, done.repriced) == (2, 1)
    row = account.row(records[0])
    assert (row["model_name"], row["model_key"], row["cost_usd"]) == ("gpt-4o", "gpt-4o", Decimal("2.5"))
    assert account.row(records[1])["cost_usd"] == 7
    assert money_is_exact(account.stack, account.person)
    assert calculate_differences(account.database, SINCE) == []
    undone = name_model(account.database, "azure", NAME, "")
    assert (undone.records, undone.repriced) == (2, 1)
    assert stored(account) == before


def test_later_imports_use_the_name_and_are_restored_as_well(account: Account) -> None:
    record = used()
    name_model(account.database, "azure", NAME, "gpt-4o")
    save_records(account.database, [record])
    row = account.row(record)
    assert (row["model_name"], row["cost_usd"]) == ("gpt-4o", Decimal("2.5"))
    save_records(account.database, [record])
    assert len(account.rows()) == 1
    name_model(account.database, "azure", NAME, "")
    row = account.row(record)
    assert (row["model_name"], row["cost_usd"], row["metadata"]) == (NAME, None, record.metadata)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from([NAME, HOSTILE, "gpt-4o", "gpt-4o-team", "x"]), min_size=1, max_size=5),
    chosen=st.sampled_from([NAME, HOSTILE, "gpt-4o-team", "x"]),
    model=st.sampled_from(["gpt-4o", "gpt-4o-mini", "house-model"]),
    bases=st.lists(st.sampled_from(["estimated", "included"]), min_size=1, max_size=3),
)
def test_naming_and_taking_it_back_leave_every_record_as_before(
    account: Account, names: list[str], chosen: str, model: str, bases: list[Any]
) -> None:
    save_records(
        account.database,
        [used(name, cost_basis=bases[place % len(bases)]) for place, name in enumerate(names)],
    )
    before = stored(account)
    name_model(account.database, "azure", chosen, model)
    assert all(row["model_name"] != chosen for row in stored(account))
    assert {row["source_key"] for row in stored(account)} == {row["source_key"] for row in before}
    name_model(account.database, "azure", chosen, "")
    assert stored(account) == before
