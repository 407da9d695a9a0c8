"""Attribution of a day's difference from the usual, in parts that add up exactly."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tally.ledger.attribution import Attribution, Model, Usage, attribute
from tally.ledger.rates import Rates

CHEAP, LARGE = Model("openai", "small"), Model("openai", "large")
LISTED = Rates(Decimal(2), Decimal("0.2"), Decimal("2.5"), Decimal(8))
MILLION = 1_000_000

MONEY = st.decimals(0, 10_000, places=6)
USAGES = st.builds(
    lambda cost, tokens, of_input, of_cached: Usage(
        cost, tokens, tokens * of_input // 10, tokens * of_input * of_cached // 100
    ),
    MONEY,
    st.integers(0, 10**9),
    st.integers(0, 10),
    st.integers(0, 10),
)
MODELS = st.dictionaries(st.sampled_from([CHEAP, LARGE, Model("anthropic", "<b>")]), USAGES)


def explain(before: dict[Model, Usage], day: dict[Model, Usage], rates: Rates | None = None) -> Attribution:
    """Attribution of a day compared with one earlier day."""
    difference = sum(u.cost_usd for u in day.values()) - sum(u.cost_usd for u in before.values())
    return attribute(before, 1, day, Decimal(difference), lambda _: rates)


def named(found: Attribution) -> dict[str, Decimal]:
    return {name: part for name, part in found.parts.items() if part}


@given(MODELS, MODELS, st.integers(1, 28), st.decimals(-1_000, 1_000, places=10))
def test_parts_add_up_to_the_difference(
    before: dict[Model, Usage], day: dict[Model, Usage], days: int, charges: Decimal
) -> None:
    assert attribute(before, days, day, charges, lambda _: LISTED).total == charges


@given(MODELS, MODELS)
def test_counted_usage_leaves_no_rest(before: dict[Model, Usage], day: dict[Model, Usage]) -> None:
    found = explain(before, day, LISTED)
    uncounted = [u for u in (*before.values(), *day.values()) if u.cost_usd and not u.tokens]
    assert uncounted or abs(found.rest) < Decimal("1e-9")


def test_twice_the_tokens_is_volume() -> None:
    found = explain({CHEAP: Usage(Decimal(4), MILLION)}, {CHEAP: Usage(Decimal(8), 2 * MILLION)})
    assert named(found) == {"volume": 4}


def test_usual_day_is_the_mean_of_the_days_before() -> None:
    before = {CHEAP: Usage(Decimal(28 * 4), 28 * MILLION)}
    found = attribute(before, 28, {CHEAP: Usage(Decimal(8), 2 * MILLION)}, Decimal(4), lambda _: None)
    assert named(found) == {"volume": 4}


def test_same_tokens_on_a_more_expensive_model_are_mix() -> None:
    before = {CHEAP: Usage(Decimal(3), 3 * MILLION), LARGE: Usage(Decimal(10), MILLION)}
    found = explain(before, {CHEAP: Usage(Decimal(2), 2 * MILLION), LARGE: Usage(Decimal(20), 2 * MILLION)})
    assert named(found) == {"mix": 9}


def test_new_model_is_mix_at_its_own_rate() -> None:
    found = explain(
        {CHEAP: Usage(Decimal(4), MILLION)},
        {CHEAP: Usage(Decimal(4), MILLION), LARGE: Usage(Decimal(9), MILLION)},
    )
    assert named(found) == {"volume": 4, "mix": 5}


def test_higher_rate_is_price() -> None:
    found = explain({CHEAP: Usage(Decimal(4), MILLION)}, {CHEAP: Usage(Decimal(6), MILLION)})
    assert named(found) == {"price": 2}


def test_smaller_cached_share_is_separate_from_the_price() -> None:
    before = {CHEAP: Usage(Decimal("0.2"), MILLION, MILLION, MILLION)}
    found = explain(before, {CHEAP: Usage(Decimal("2.5"), MILLION, MILLION, 0)}, LISTED)
    assert named(found) == {"cache": Decimal("1.8"), "price": Decimal("0.5")}
    assert named(explain(before, {CHEAP: Usage(Decimal("2.5"), MILLION, MILLION, 0)})) == {
        "price": Decimal("2.3")
    }


def test_cost_without_tokens_is_the_rest() -> None:
    found = explain(
        {LARGE: Usage(Decimal(1))}, {LARGE: Usage(Decimal(30)), CHEAP: Usage(Decimal(2), MILLION)}
    )
    assert named(found) == {"volume": 2, "rest": 29}
