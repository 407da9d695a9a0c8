"""The difference between a bill and an estimate is explained by parts that add up to it exactly."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.ledger.reconcile import (
    PARTS,
    Rates,
    Statement,
    Unit,
    Variance,
    explain_variance,
    find_bill,
    find_rates,
    group_units,
    list_estimators,
    name_kind,
)

DAY = date(2026, 11, 1)
UNIT = Unit("anthropic", DAY, "claude-sonnet-4-5")
RATES = Rates(Decimal(3), Decimal("0.3"), Decimal("3.75"), Decimal(15))


def say(dataset: str, basis: str, cost: str | None, **values: Any) -> Statement:
    return Statement(
        values.pop("day", DAY),
        "anthropic",
        values.pop("model", UNIT.model),
        dataset,
        basis,
        None if cost is None else Decimal(cost),
        **values,
    )


def bill(cost: str, token_type: str = "", **values: Any) -> Statement:
    return say("anthropic_cost", "billed", cost, token_type=token_type, has_money=True, **values)


def usage(cost: str | None, **values: Any) -> Statement:
    return say("anthropic_usage", "estimated", cost, **values)


def logs(cost: str | None, **values: Any) -> Statement:
    return say("requests", "estimated", cost, **values)


def explain(*statements: Statement, estimator: str = "anthropic_usage") -> dict[str, Decimal]:
    """The parts that are not nothing."""
    variance = explain_variance(UNIT, statements, estimator, lambda _: RATES)
    assert sum(variance.parts.values()) == variance.total
    return {name: part for name, part in variance.parts.items() if part}


def test_bill_that_agrees_needs_no_explanation() -> None:
    assert explain(bill("3"), usage("3", tokens=10, input_tokens=10)) == {}


def test_taxes_and_credits_are_parts_of_their_own() -> None:
    parts = explain(
        bill("10"), bill("1.90", charge_type="tax"), bill("-4", charge_type="credit"), usage("10", tokens=5)
    )
    assert parts == {"tax": Decimal("1.90"), "credits": Decimal(-4)}


def test_tokens_that_only_the_usage_export_saw_are_volume() -> None:
    of_logs = logs("6", tokens=600, input_tokens=600)
    of_usage = usage("10", tokens=1000, input_tokens=1000)
    assert explain(bill("10.50"), of_usage, of_logs, estimator="requests") == {
        "volume": Decimal(4),
        "rest": Decimal("0.50"),
    }
    assert explain(bill("10.50"), of_usage, of_logs) == {"rest": Decimal("0.50")}


def test_tokens_that_a_bill_itself_counts_are_worth_what_the_others_are() -> None:
    of_bill = say("openrouter_api_activity", "billed", "10", tokens=1000, has_money=True)
    assert explain(of_bill, logs("6", tokens=750), estimator="requests") == {
        "volume": Decimal(2),
        "rest": Decimal(2),
    }


def test_lines_for_cached_tokens_are_compared_with_their_share_of_the_estimate() -> None:
    # A million each of plain input, cached input, cache writes and output at list price.
    of_usage = usage(
        "22.05",
        tokens=4_000_000,
        input_tokens=3_000_000,
        cached_input_tokens=1_000_000,
        cache_write_tokens=1_000_000,
        output_tokens=1_000_000,
    )
    lines = [
        bill("3.00", "input_no_cache"),
        bill("0.30", "input_cache_read"),
        bill("6.00", "input_cache_write_1h"),
        bill("15.00", "output"),
    ]
    assert explain(*lines, of_usage) == {"cache": Decimal("2.25")}


def test_difference_on_lines_for_input_and_output_is_volume_where_only_logs_saw_tokens() -> None:
    of_logs = logs("18", tokens=2_000_000, input_tokens=1_000_000, output_tokens=1_000_000)
    lines = [bill("6", "uncached_input_tokens"), bill("30", "output_tokens")]
    assert explain(*lines, of_logs, estimator="requests") == {"volume": Decimal(18)}


def test_difference_at_another_tier_is_a_part_where_both_tell_it_apart() -> None:
    lines = [bill("3", "input_no_cache"), bill("2", "input_no_cache", is_special=True)]
    standard = usage("3", tokens=1_000_000, input_tokens=1_000_000)
    batch = usage("1.50", tokens=1_000_000, input_tokens=1_000_000, is_special=True)
    assert explain(*lines, standard, batch) == {"tier": Decimal("0.50")}


def test_bill_without_lines_leaves_the_difference_unexplained() -> None:
    assert explain(bill("5"), logs("3", tokens=9, input_tokens=9), estimator="requests") == {
        "rest": Decimal(2)
    }


def test_usage_that_no_estimate_saw_is_volume_and_a_charge_without_tokens_is_not() -> None:
    assert explain(bill("5", "output")) == {"volume": Decimal(5)}
    assert explain(bill("5")) == {"rest": Decimal(5)}


def test_estimate_that_no_bill_answers_is_a_difference_as_well() -> None:
    variance = explain_variance(UNIT, [usage("3", tokens=10)], "anthropic_usage")
    assert (variance.billed_usd, variance.estimated_usd, variance.total) == (
        Decimal(0),
        Decimal(3),
        Decimal(-3),
    )


def test_unpriced_estimate_says_so() -> None:
    variance = explain_variance(
        UNIT, [bill("5"), usage(None, unpriced_records=2, tokens=8)], "anthropic_usage"
    )
    assert (variance.unpriced_records, variance.rest) == (2, Decimal(5))


def test_words_that_do_not_stand_explain_nothing() -> None:
    silenced = bill("99", "output", stands=False)
    assert explain(silenced, bill("5"), usage("5", tokens=1), logs("1", tokens=99, stands=False)) == {}


def test_bill_that_counts_is_the_one_that_is_compared() -> None:
    database = say("anthropic_api_cost", "billed", "7", has_money=True)
    csv = say("anthropic_cost", "billed", "5")
    assert find_bill([csv, database]) == "anthropic_api_cost"
    assert explain(csv, database, usage("5", tokens=1)) == {"rest": Decimal(2)}


def test_estimator_that_saw_most_comes_first() -> None:
    assert list_estimators([logs("1", tokens=5), usage("1", tokens=9), logs("1", tokens=5)]) == [
        "requests",
        "anthropic_usage",
    ]


def test_sum_over_all_models_makes_the_day_one_unit() -> None:
    said = [bill("5", model=""), usage("1", model="a"), usage("2", model="b", day=date(2026, 11, 2))]
    assert group_units(said) == {
        Unit("anthropic", DAY, ""): said[:2],
        Unit("anthropic", date(2026, 11, 2), "b"): said[2:],
    }
    assert (
        len(group_units([bill("5", model="a"), usage("1", model="b"), bill("1", model="", stands=False)]))
        == 3
    )


@pytest.mark.parametrize(
    ("token_type", "kind"),
    [
        ("cache_creation.ephemeral_1h_input_tokens", "cache"),
        ("cached input", "cache"),
        ("uncached_input_tokens", "input"),
        ("input_no_cache", "input"),
        ("output", "output"),
        ("web search", ""),
        ("", ""),
    ],
)
def test_kinds_of_tokens_are_known_by_the_names_that_providers_give_them(token_type: str, kind: str) -> None:
    assert name_kind(token_type) == kind


def test_rates_are_list_prices_of_the_day_and_none_for_a_model_that_nobody_knows() -> None:
    assert find_rates(UNIT) == RATES
    assert find_rates(UNIT._replace(ledger="anthropic:second")) == RATES
    assert find_rates(UNIT._replace(model="house-model")) is None
    assert find_rates(UNIT._replace(model="")) is None


MONEY = st.decimals(0, 99_999_999, places=10)
STATEMENTS = st.builds(
    Statement,
    day=st.just(DAY),
    ledger=st.just("anthropic"),
    model=st.just(UNIT.model),
    dataset=st.sampled_from(["anthropic_cost", "anthropic_usage", "requests"]),
    cost_basis=st.sampled_from(["billed", "estimated", "included"]),
    cost_usd=MONEY | st.none(),
    charge_type=st.sampled_from(["usage", "tax", "credit", "adjustment"]),
    token_type=st.sampled_from(["", "input_no_cache", "input_cache_read", "output", "web search"]),
    is_special=st.booleans(),
    stands=st.booleans(),
    has_money=st.booleans(),
    unpriced_records=st.integers(0, 2),
    tokens=st.integers(0, 10**12),
    input_tokens=st.integers(0, 10**12),
    cached_input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 10**12),
    requests=st.integers(0, 10**6),
)


@given(st.lists(STATEMENTS, max_size=8), st.sampled_from(["anthropic_usage", "requests", "absent"]))
def test_parts_add_up_to_the_variance_whatever_was_said(said: list[Statement], estimator: str) -> None:
    variance = explain_variance(UNIT, said, estimator, lambda _: RATES)
    assert sum(variance.parts.values()) == variance.total
    assert set(variance.parts) == set(PARTS)
    estimates = [s for s in said if s.stands and s.cost_basis == "estimated" and s.dataset == estimator]
    assert variance.estimated_usd == sum(s.cost_usd or 0 for s in estimates)


@given(st.lists(STATEMENTS, max_size=5), st.lists(STATEMENTS, max_size=5))
def test_variances_add_up(first: list[Statement], second: list[Statement]) -> None:
    one, other = (explain_variance(UNIT, said, "requests", lambda _: RATES) for said in (first, second))
    both = one + other
    assert both.total == one.total + other.total == sum(both.parts.values())
    assert both + Variance() == both
