"""Sums of daily costs."""

from decimal import Decimal

import pandas as pd

from app.figures import spend

DAY = pd.Timestamp("2026-03-02")


def make_frame(rows: list[tuple[str, str, str, str, str | None, int, int]]) -> pd.DataFrame:
    columns = ["provider", "model", "charge_type", "cost_basis", "amount", "requests", "unpriced_records"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["date"] = DAY
    amounts = [None if row[4] is None else Decimal(row[4]) for row in rows]
    frame["amount"] = pd.Series(amounts, dtype=object)
    frame["cost"] = [float(amount or 0) for amount in amounts]
    return frame


def test_cost_per_request_counts_metered_usage_only() -> None:
    frame = make_frame(
        [
            ("openai", "gpt-5.5", "usage", "billed", "2", 10, 0),
            ("openai", "(unspecified)", "subscription", "billed", "20", 0, 0),
            ("openai", "gpt-5.5", "usage", "included", "9", 5, 0),
            ("openai", "unknown-1", "usage", "estimated", None, 99, 1),
            ("openai", "file-storage", "usage", "billed", "7", 0, 0),
        ]
    )

    assert spend.calculate_spend(frame).cost_per_request == Decimal("0.2")
    assert spend.calculate_spend(frame).total == Decimal(29)


def test_cost_per_request_divides_a_bill_by_the_requests_of_its_estimates() -> None:
    frame = make_frame(
        [
            ("openai", "gpt-5.5", "usage", "estimated", "0", 10, 0),
            ("openai", "gpt-5.5", "usage", "billed", "3", 0, 0),
            ("anthropic", "claude-sonnet-5", "usage", "estimated", "1", 10, 0),
        ]
    )

    assert spend.calculate_spend(frame).cost_per_request == Decimal("0.2")


def test_cost_per_request_leaves_out_a_day_with_money_of_requests_that_nobody_counted() -> None:
    """Telemetry of one application beside a file without counts: the file's money is not for its requests."""
    frame = make_frame(
        [
            ("openai", "gpt-5.5", "usage", "estimated", "1", 1, 0),
            ("openai", "gpt-5.5", "usage", "billed", "3.9", 0, 0),
            ("anthropic", "claude-sonnet-5", "usage", "estimated", "1", 10, 0),
        ]
    )

    assert spend.calculate_spend(frame).cost_per_request == Decimal("0.1")
    assert spend.calculate_spend(frame.head(2)).cost_per_request is None


def test_cost_per_request_counts_failed_requests_which_cost_nothing() -> None:
    """They have no cost, and are not unpriced."""
    frame = make_frame(
        [
            ("openai", "gpt-5.5", "usage", "estimated", "1", 10, 0),
            ("anthropic", "claude-sonnet-5", "usage", "estimated", None, 10, 0),
        ]
    )

    assert spend.calculate_spend(frame).cost_per_request == Decimal("0.05")


def test_cost_per_request_takes_no_money_for_that_of_requests_that_all_failed() -> None:
    frame = make_frame(
        [
            ("openai", "gpt-5.5", "usage", "estimated", None, 10, 0),
            ("openai", "file-storage", "usage", "billed", "7", 0, 0),
        ]
    )

    assert spend.calculate_spend(frame).cost_per_request is None


def test_cost_per_request_pairs_a_bill_of_other_model_names_with_its_provider() -> None:
    frame = make_frame(
        [
            ("openai", "gpt-5.5", "usage", "estimated", "0", 10, 0),
            ("openai", "gpt-5.5 input", "usage", "billed", "1", 0, 0),
            ("openai", "gpt-5.5 output", "usage", "billed", "2", 0, 0),
            ("anthropic", "claude-sonnet-5", "usage", "estimated", "1", 10, 0),
            ("anthropic", "code-execution", "usage", "billed", "50", 0, 0),
        ]
    )

    assert spend.calculate_spend(frame).cost_per_request == Decimal("0.2")


def test_cost_per_request_is_unknown_without_requests() -> None:
    frame = make_frame([("openai", "gpt-5.5", "usage", "billed", "3", 0, 0)])

    assert spend.calculate_spend(frame).cost_per_request is None
