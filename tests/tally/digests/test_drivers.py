"""The parts of a change: they add up to it, exactly, and each is what its name says."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tally.digests.drivers import UNDIVIDED, Change, explain_change, find_largest_change, sum_by_model
from tally.digests.facts import Cost
from tests.every_case import every_case

DAY = date(2026, 11, 24)
CENT = Decimal("0.01")
amounts = some.decimals(min_value="-1e6", max_value="1e9", places=10)
costs = some.lists(
    some.builds(
        Cost,
        day=some.just(DAY),
        model=some.sampled_from(["a", "b", "c", "d"]),
        charge_type=some.sampled_from(["usage", "usage", "usage", "subscription", "tax", "credit"]),
        amount=amounts,
        tokens=some.integers(0, 10**15) | some.just(0),
    ),
    max_size=12,
)


def used(model: str, usd: str, tokens: int, charge_type: str = "usage") -> Cost:
    return Cost(DAY, model, charge_type, Decimal(usd), tokens)


@given(costs, costs)
def test_parts_add_up_to_the_change_in_cents(before: list[Cost], after: list[Cost]) -> None:
    change = explain_change(before, after)
    assert sum(amount for _, amount in change.reasons) == change.total
    exact = sum((cost.amount for cost in after), Decimal(0)) - sum(
        (cost.amount for cost in before), Decimal(0)
    )
    assert abs(change.total - exact) <= CENT / 2
    assert all(
        part == part.quantize(CENT) for part in (change.volume, change.mix, change.price, change.other)
    )


@given(costs)
def test_nothing_changes_without_a_change(both: list[Cost]) -> None:
    assert explain_change(both, both) == Change(*[Decimal(0)] * 5)


@every_case(
    [
        ([used("cheap", "2", 200), used("dear", "20", 200)], "volume"),
        ([used("cheap", "0.5", 50), used("dear", "15", 150)], "mix"),
        ([used("cheap", "1", 100), used("dear", "14", 100)], "price"),
        ([used("cheap", "1", 100), used("dear", "10", 100), used("Plus", "20", 0, "subscription")], "other"),
        ([used("cheap", "1", 100), used("dear", "10", 100), used("images", "4", 0)], "other"),
    ]
)
def test_a_change_of_one_kind_has_one_part(after: list[Cost], part: str) -> None:
    change = explain_change([used("cheap", "1", 100), used("dear", "10", 100)], after)
    assert change.total != 0
    parts = {name: getattr(change, name) for name in ("volume", "mix", "price", "other")}
    assert parts == {name: change.total if name == part else Decimal(0) for name in parts}


def test_a_new_model_is_a_matter_of_the_mix() -> None:
    change = explain_change([used("old", "10", 100)], [used("old", "5", 50), used("new", "20", 50)])
    assert change == Change(Decimal(15), Decimal(0), Decimal(15), Decimal(0), Decimal(0))


def test_usage_after_none_is_volume() -> None:
    change = explain_change([], [used("old", "5", 50), used("Plus", "20", 0, "subscription")])
    assert change == Change(Decimal(25), Decimal(5), Decimal(0), Decimal(0), Decimal(20))


@pytest.mark.parametrize("later", ["gpt-5", "gpt-5-2026-11"])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_usage_with_tokens_in_one_period_only_is_not_divided(later: str, is_reversed: bool) -> None:
    """A bill without tokens, and telemetry: it was not 158 of tokens more and 153 of other costs less."""
    bill, telemetry = [used("gpt-5", "153", 0)], [used(later, "158", 9000)]
    plans = [used("Plus", "20", 0, "subscription")]
    change = (
        explain_change(telemetry, [*bill, *plans]) if is_reversed else explain_change(bill, telemetry + plans)
    )
    undivided = Decimal(-5 if is_reversed else 5)
    assert change.reasons == [("costs without tokens", Decimal(20)), (UNDIVIDED, undivided)]


def test_other_models_are_divided_beside_one_that_cannot_be() -> None:
    before = [used("mini", "10", 100), used("gpt-5", "153", 0)]
    after = [used("mini", "20", 200), used("gpt-5", "158", 9000)]
    assert explain_change(before, after).reasons == [("more tokens", Decimal(10)), (UNDIVIDED, Decimal(5))]


def test_what_never_has_tokens_hides_no_change_of_tokens() -> None:
    before = [used("images", "4", 0), used("gpt-5", "10", 100)]
    assert explain_change(before, [used("images", "5", 0)]).reasons == [
        ("fewer tokens", Decimal(-10)),
        ("costs without tokens", Decimal(1)),
    ]


def test_largest_change_names_one_model_and_no_subscription() -> None:
    before = sum_by_model([used("a", "10", 1), used("b", "5", 1), used("Plus", "90", 0, "subscription")])
    after = sum_by_model([used("a", "11", 1), used("b", "1", 1)])
    assert find_largest_change(before, after) == ("b", Decimal(5), Decimal(1))
    assert find_largest_change(before, before) is None
