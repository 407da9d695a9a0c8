"""What a day cost beyond the usual is told apart into parts that add up to it."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tally.ledger.attribution import Attribution, Model, Usage, attribute
from tally.ledger.reconcile import Rates

CHEAP, DEAR = Model("openai", "small"), Model("openai", "large")
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
MODELS = st.dictionaries(st.sampled_from([CHEAP, DEAR, Model("anthropic", "<b>")]), USAGES)


def explain(before: dict[Model, Usage], day: dict[Model, Usage], rates: Rates | None = None) -> Attribution:
    """A day against one day before it."""
    difference = sum(u.cost_usd for u in day.values()) - sum(u.cost_usd for u in before.values())
    return attribute(before, 1, day, Decimal(difference), lambda _: rates)


def named(found: Attribution) -> dict[str, Decimal]:
    return {name: part for name, part in found.parts.items() if part}


@given(MODELS, MODELS, st.integers(1, 28), st.decimals(-1_000, 1_000, places=10))
def test_the_parts_add_up_to_the_difference(
    before: dict[Model, Usage], day: dict[Model, Usage], days: int, charges: Decimal
) -> None:
    assert attribute(before, days, day, charges, lambda _: LISTED).total == charges


@given(MODELS, MODELS)
def test_what_tokens_explain_leaves_no_rest(before: dict[Model, Usage], day: dict[Model, Usage]) -> None:
    found = explain(before, day, LISTED)
    uncounted = [u for u in (*before.values(), *day.values()) if u.cost_usd and not u.tokens]
    assert uncounted or abs(found.rest) < Decimal("1e-9")


def test_twice_the_tokens_is_volume() -> None:
    found = explain({CHEAP: Usage(Decimal(4), MILLION)}, {CHEAP: Usage(Decimal(8), 2 * MILLION)})
    assert named(found) == {"volume": 4}


def test_the_mean_of_the_days_before_is_the_usual() -> None:
    before = {CHEAP: Usage(Decimal(28 * 4), 28 * MILLION)}
    found = attribute(before, 28, {CHEAP: Usage(Decimal(8), 2 * MILLION)}, Decimal(4), lambda _: None)
    assert named(found) == {"volume": 4}


def test_the_same_tokens_on_a_dearer_model_are_mix() -> None:
    before = {CHEAP: Usage(Decimal(3), 3 * MILLION), DEAR: Usage(Decimal(10), MILLION)}
    found = explain(before, {CHEAP: Usage(Decimal(2), 2 * MILLION), DEAR: Usage(Decimal(20), 2 * MILLION)})
    assert named(found) == {"mix": 9}


def test_a_model_that_was_not_there_before_is_mix_at_its_own_rate() -> None:
    found = explain(
        {CHEAP: Usage(Decimal(4), MILLION)},
        {CHEAP: Usage(Decimal(4), MILLION), DEAR: Usage(Decimal(9), MILLION)},
    )
    assert named(found) == {"volume": 4, "mix": 5}


def test_a_rate_that_rose_is_price() -> None:
    found = explain({CHEAP: Usage(Decimal(4), MILLION)}, {CHEAP: Usage(Decimal(6), MILLION)})
    assert named(found) == {"price": 2}


def test_less_from_the_cache_is_told_apart_from_the_price() -> None:
    before = {CHEAP: Usage(Decimal("0.2"), MILLION, MILLION, MILLION)}
    found = explain(before, {CHEAP: Usage(Decimal("2.5"), MILLION, MILLION, 0)}, LISTED)
    assert named(found) == {"cache": Decimal("1.8"), "price": Decimal("0.5")}
    assert named(explain(before, {CHEAP: Usage(Decimal("2.5"), MILLION, MILLION, 0)})) == {
        "price": Decimal("2.3")
    }


def test_what_has_no_tokens_is_the_rest() -> None:
    found = explain({DEAR: Usage(Decimal(1))}, {DEAR: Usage(Decimal(30)), CHEAP: Usage(Decimal(2), MILLION)})
    assert named(found) == {"volume": 2, "rest": 29}
