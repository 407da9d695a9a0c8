"""Counts and changes as text."""

from decimal import Decimal

import pytest

from app.formats.counts import format_change, format_count, format_factor, round_shares
from app.formats.text import DASH
from tests.every_case import every_case


@every_case(
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10K"),
        (12_345, "12.3K"),
        (999_400, "999K"),
        (999_949, "1M"),
        (3_200_000, "3.2M"),
        (999_600_000, "1B"),
        (1_234_000_000_000, "1,234B"),
    ]
)
def test_counts_are_shortened_from_ten_thousand(count: int, text: str) -> None:
    assert format_count(count) == text


@every_case(
    [
        ("3", "2", "+50.0%"),
        ("1", "2", "\N{MINUS SIGN}50.0%"),
        ("22", "2", "+1,000%"),
        ("3", "0", None),
        ("3", "-1", None),
    ]
)
def test_change_is_relative_to_the_period_before(now: str, before: str, text: str | None) -> None:
    assert format_change(Decimal(now), Decimal(before)) == text


@every_case([("4", "4.0x"), ("2.149", "2.1x"), ("0.04", "0.0x"), ("12.5", "13x"), (None, DASH)])
def test_factor_has_a_decimal_below_ten(factor: str | None, text: str) -> None:
    assert format_factor(Decimal(factor) if factor else None) == text


@pytest.mark.parametrize(
    ("shares", "percents"),
    [
        (("0.494", "0.368", "0.036", "0.102"), [49, 37, 4, 10]),
        (("0.494", "0.3655", "0.0355", "0.105"), [49, 37, 4, 10]),
        (("1", "0", "0", "0"), [100, 0, 0, 0]),
    ],
)
def test_shares_in_whole_percents_add_up(shares: tuple[str, ...], percents: list[int]) -> None:
    assert round_shares([Decimal(share) for share in shares]) == percents
