"""The difference between a bill and an estimate is explained by parts that add up to it exactly."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tally.ledger.rates import Rates, find_rates
from tally.ledger.reconcile import PARTS, Variance, explain_variance
from tally.ledger.statements import (
    Statement,
    Unit,
    classify_tokens,
    find_bill,
    group_units,
    list_estimators,
    select_estimates,
)
from tests.every_case import every_case

DAY = date(2026, 11, 1)
UNIT = Unit("anthropic", DAY, "claude-sonnet-4-5")
RATES = Rates(Decimal(3), Decimal("0.3"), Decimal("3.75"), Decimal(15))


def state(dataset: str, basis: str, cost: str | None, **values: Any) -> Statement:
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
    return state("anthropic_cost", "billed", cost, token_type=token_type, money_is_effective=True, **values)


def usage(cost: str | None, **values: Any) -> Statement:
    return state("anthropic_usage", "estimated", cost, **values)


def logs(cost: str | None, **values: Any) -> Statement:
    return state("requests", "estimated", cost, **values)


def explain(*statements: Statement, estimator: str = "anthropic_usage") -> dict[str, Decimal]:
    """The parts other than zero."""
    variance = explain_variance(statements, estimator, RATES)
    assert sum(variance.parts.values()) == variance.total
    return {name: part for name, part in variance.parts.items() if part}


def test_bill_that_agrees_needs_no_explanation() -> None:
    assert explain(bill("3"), usage("3", tokens=10, input_tokens=10)) == {}


def test_taxes_and_credits_are_separate_parts() -> None:
    parts = explain(
        bill("10"), bill("1.90", charge_type="tax"), bill("-4", charge_type="credit"), usage("10", tokens=5)
    )
    assert parts == {"tax": Decimal("1.90"), "credits": Decimal(-4)}


def test_tokens_only_in_the_usage_export_are_volume() -> None:
    of_logs = logs("6", tokens=600, input_tokens=600)
    of_usage = usage("10", tokens=1000, input_tokens=1000)
    assert explain(bill("10.50"), of_usage, of_logs, estimator="requests") == {
        "volume": Decimal(4),
        "rest": Decimal("0.50"),
    }
    assert explain(bill("10.50"), of_usage, of_logs) == {"rest": Decimal("0.50")}


def test_tokens_only_on_the_bill_are_priced_like_the_estimated_ones() -> None:
    of_bill = state("openrouter_api_activity", "billed", "10", tokens=1000, money_is_effective=True)
    assert explain(of_bill, logs("6", tokens=750), estimator="requests") == {
        "volume": Decimal(2),
        "rest": Decimal(2),
    }


def test_cache_lines_are_compared_with_their_share_of_the_estimate() -> None:
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


def test_difference_on_input_and_output_lines_is_volume_where_only_logs_count_tokens() -> None:
    of_logs = logs("18", tokens=2_000_000, input_tokens=1_000_000, output_tokens=1_000_000)
    lines = [bill("6", "uncached_input_tokens"), bill("30", "output_tokens")]
    assert explain(*lines, of_logs, estimator="requests") == {"volume": Decimal(18)}


def test_tier_is_a_part_where_both_sides_separate_it() -> None:
    lines = [bill("3", "input_no_cache"), bill("2", "input_no_cache", is_special=True)]
    standard = usage("3", tokens=1_000_000, input_tokens=1_000_000)
    batch = usage("1.50", tokens=1_000_000, input_tokens=1_000_000, is_special=True)
    assert explain(*lines, standard, batch) == {"tier": Decimal("0.50")}


def test_bill_without_lines_leaves_the_difference_unexplained() -> None:
    assert explain(bill("5"), logs("3", tokens=9, input_tokens=9), estimator="requests") == {
        "rest": Decimal(2)
    }


def test_usage_without_an_estimate_is_volume_unless_it_has_no_tokens() -> None:
    assert explain(bill("5", "output")) == {"volume": Decimal(5)}
    assert explain(bill("5")) == {"rest": Decimal(5)}


def test_estimate_without_a_bill_is_a_variance() -> None:
    variance = explain_variance([usage("3", tokens=10)], "anthropic_usage", RATES)
    assert (variance.billed_usd, variance.estimated_usd, variance.total) == (
        Decimal(0),
        Decimal(3),
        Decimal(-3),
    )


def test_unpriced_records_are_counted() -> None:
    unpriced = usage(None, unpriced_records=2, tokens=8)
    variance = explain_variance([bill("5"), unpriced], "anthropic_usage", RATES)
    assert (variance.unpriced_records, variance.rest) == (2, Decimal(5))


def test_ineffective_statements_explain_nothing() -> None:
    superseded = bill("99", "output", is_effective=False)
    assert (
        explain(superseded, bill("5"), usage("5", tokens=1), logs("1", tokens=99, is_effective=False)) == {}
    )


def test_bill_whose_money_counts_is_compared() -> None:
    database = state("anthropic_api_cost", "billed", "7", money_is_effective=True)
    csv = state("anthropic_cost", "billed", "5")
    assert find_bill([csv, database]) == "anthropic_api_cost"
    assert explain(csv, database, usage("5", tokens=1)) == {"rest": Decimal(2)}


def test_estimator_with_most_tokens_comes_first() -> None:
    assert list_estimators([logs("1", tokens=5), usage("1", tokens=9), logs("1", tokens=5)]) == [
        "requests",
        "anthropic_usage",
    ]


def test_sum_over_all_models_makes_the_day_one_unit() -> None:
    statements = [bill("5", model=""), usage("1", model="a"), usage("2", model="b", day=date(2026, 11, 2))]
    assert group_units(statements) == {
        Unit("anthropic", DAY, ""): statements[:2],
        Unit("anthropic", date(2026, 11, 2), "b"): statements[2:],
    }
    assert (
        len(
            group_units(
                [bill("5", model="a"), usage("1", model="b"), bill("1", model="", is_effective=False)]
            )
        )
        == 3
    )


@every_case(
    [
        ("cache_creation.ephemeral_1h_input_tokens", "cache"),
        ("cached input", "cache"),
        ("uncached_input_tokens", "input"),
        ("input_no_cache", "input"),
        ("output", "output"),
        ("web search", ""),
        ("", ""),
    ]
)
def test_token_types_are_classified_by_their_names(token_type: str, kind: str) -> None:
    assert classify_tokens(token_type) == kind


def test_rates_are_list_prices_and_none_for_unknown_models() -> None:
    assert find_rates("anthropic", UNIT.model, DAY) == RATES
    assert find_rates("anthropic", "house-model", DAY) is None
    assert find_rates("anthropic", "", DAY) is None


def test_provider_of_a_unit_is_the_one_that_bills() -> None:
    assert UNIT.provider == UNIT._replace(billing_account="anthropic:second").provider == "anthropic"


MONEY = st.decimals(0, 99_999_999, places=10)
STATEMENTS = st.builds(
    Statement,
    day=st.just(DAY),
    billing_account=st.just("anthropic"),
    model=st.just(UNIT.model),
    dataset=st.sampled_from(["anthropic_cost", "anthropic_usage", "requests"]),
    cost_basis=st.sampled_from(["billed", "estimated", "included"]),
    cost_usd=MONEY | st.none(),
    charge_type=st.sampled_from(["usage", "tax", "credit", "adjustment"]),
    token_type=st.sampled_from(["", "input_no_cache", "input_cache_read", "output", "web search"]),
    is_special=st.booleans(),
    is_effective=st.booleans(),
    money_is_effective=st.booleans(),
    unpriced_records=st.integers(0, 2),
    tokens=st.integers(0, 10**12),
    input_tokens=st.integers(0, 10**12),
    cached_input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 10**12),
    requests=st.integers(0, 10**6),
)


@given(st.lists(STATEMENTS, max_size=8), st.sampled_from(["anthropic_usage", "requests", "absent"]))
def test_parts_add_up_to_the_variance(statements: list[Statement], estimator: str) -> None:
    variance = explain_variance(statements, estimator, RATES)
    assert sum(variance.parts.values()) == variance.total
    assert set(variance.parts) == set(PARTS)
    estimates = select_estimates([s for s in statements if s.is_effective], estimator)
    assert variance.estimated_usd == sum(s.cost_usd or 0 for s in estimates)


@given(st.lists(STATEMENTS, max_size=5), st.lists(STATEMENTS, max_size=5))
def test_variances_add_up(first: list[Statement], second: list[Statement]) -> None:
    one, other = (explain_variance(statements, "requests", RATES) for statements in (first, second))
    both = one + other
    assert both.total == one.total + other.total == sum(both.parts.values())
    assert both + Variance() == both
