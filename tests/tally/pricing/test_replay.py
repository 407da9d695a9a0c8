"""Replayed requests: unchanged ones cost the same, others what their list says, and the rest is counted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.core.errors import TallyError
from tally.core.records import CostRecord, identity
from tally.pricing import replay_groups
from tally.pricing.estimate import estimate_record
from tally.pricing.list_prices import calculate_costs
from tally.pricing.multipliers import Multiplier, Multipliers
from tally.pricing.replay import Replayed, replay_records
from tally.pricing.scenarios import Scenario, Target, parse_plan, parse_range, parse_target
from tally.pricing.tokenizers import SAME, Range
from tally.pricing.workspace_prices import LIST_PRICES, WorkspacePrices
from tests.every_case import every_case

AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAYS = (date(2026, 11, 1), date(2026, 11, 30))
EXACT = {"tokens": SAME, "answers": SAME}


def request(number: int = 0, model: str = "claude-opus-4-6", **values: Any) -> CostRecord:
    """A request at its list price, a minute after the one before."""
    usual: dict[str, Any] = {
        "provider": "anthropic",
        "timestamp": AT + timedelta(minutes=number),
        "input_tokens": 10_000,
        "output_tokens": 1_000,
        "request_count": 1,
    }
    record = CostRecord(
        **usual
        | {"model_name": model, "cost_usd": None, "source_key": identity(number), "cost_basis": "estimated"}
        | values
    )
    return estimate_record(record)


def run(scenario: Scenario, *records: CostRecord) -> Replayed:
    return replay_records(records, scenario, DAYS, LIST_PRICES)


def to(model: str, **ranges: Any) -> Scenario:
    return Scenario({"claude-opus-4-6": Target(model, **ranges)})


def test_another_model_costs_what_its_list_says() -> None:
    found = run(to("claude-haiku-4-5", **EXACT), request(), request(1))
    assert found.before_usd == 2 * (10_000 * Decimal(5) + 1_000 * Decimal(25)) / 1_000_000
    assert found.after_usd == (found.before_usd / 5, found.before_usd / 5)
    assert found.requests == 2


def test_tokens_and_answers_make_a_range() -> None:
    ranges = {"tokens": Range(Decimal(1), Decimal(2)), "answers": Range(Decimal(1), Decimal(3))}
    found = run(to("claude-haiku-4-5", **ranges), request())
    assert found.after_usd == (Decimal("0.015"), Decimal("0.035"))


def test_another_family_has_a_range_by_itself() -> None:
    low, high = run(to("gpt-5.4", provider="openai"), request()).after_usd
    exact, _ = run(to("gpt-5.4", provider="openai", **EXACT), request()).after_usd
    assert low < exact < high


def test_a_batch_costs_half_and_a_model_without_one_is_told() -> None:
    found = run(
        Scenario(context={"processing": "batch"}), request(), request(1, "gemini-3-pro", provider="google")
    )
    opus, gemini = found.parts.values()
    assert opus.low_usd == opus.before_usd / 2
    assert (gemini.low_usd, gemini.without_tier) == (gemini.before_usd, 1)


def test_cache_of_five_minutes_serves_what_was_sent_before() -> None:
    session: dict[str, Any] = {"metadata": {"session": "s"}}
    requests = [request(0, **session), request(2, **session), request(30, **session)]
    found = run(Scenario(cache="5m"), *requests)
    written, read = Decimal("6.25"), Decimal("0.5")
    expected = (10_000 * (written + read + written) + 3_000 * Decimal(25)) / 1_000_000
    assert found.after_usd == (expected, found.before_usd), "at worst as it was"
    assert run(Scenario(cache="1h"), *requests).after_usd[0] < expected


def test_a_cache_serves_at_worst_what_it_served() -> None:
    session: dict[str, Any] = {"metadata": {"session": "s"}}
    later = request(30, **session, cached_input_tokens=2_000, cache_write_tokens=8_000)
    found = run(Scenario(cache="1h"), request(0, **session), later)
    first, answers = 10_000 * Decimal(10), 2_000 * Decimal(25)
    best = first + 10_000 * Decimal("0.5") + answers
    worst = 10_000 * Decimal(5) + 2_000 * Decimal("0.5") + 8_000 * Decimal(10) + answers
    assert found.after_usd == tuple(sorted(usd / 1_000_000 for usd in (best, worst)))


def test_without_a_cache_everything_is_plain_input() -> None:
    cached = request(cached_input_tokens=9_000, cache_write_tokens=1_000)
    found = run(Scenario(cache="off"), cached)
    assert found.after_usd[0] == request().cost_usd
    assert found.before_usd < found.after_usd[0]


def test_a_plan_costs_its_price_in_all_days() -> None:
    found = run(Scenario(plan_usd=Decimal(304)), request())
    assert found.after_usd == (Decimal(300), Decimal(300))
    unlisted = replace(request(), model_name="house-model", cost_basis="billed", cost_usd=Decimal(7))
    assert run(Scenario(plan_usd=Decimal(304)), unlisted).before_usd == 7, "a plan needs no list price"


def test_a_bill_changes_as_its_list_price_does() -> None:
    bill = replace(request(), cost_basis="billed", cost_usd=Decimal(100), metadata={})
    found = run(to("claude-haiku-4-5", **EXACT), bill, request(1))
    assert found.before_usd == 100 + (request().cost_usd or 0)
    assert found.after_usd[0] == found.before_usd / 5
    halves = run(Scenario(context={"processing": "batch"}), bill)
    assert (halves.before_usd, halves.after_usd[0]) == (Decimal(100), Decimal(50))


def test_a_bill_of_a_model_without_a_list_price_is_unpriced() -> None:
    bill = replace(request(model="house-model"), cost_basis="billed", cost_usd=Decimal(9), metadata={})
    found = run(Scenario({"house-model": Target("gpt-5.4", "openai")}), bill, replace(bill, input_tokens=0))
    assert (found.requests, found.unpriced) == (0, 2)


def test_what_is_left_out_is_counted() -> None:
    included = replace(request(1), cost_basis="included", cost_usd=Decimal(3))
    unpriced = replace(request(2, model="claude-opus-4-6"), cost_usd=None)
    other = request(3, "claude-haiku-4-5")
    found = run(to("claude-haiku-4-5"), request(), included, unpriced, other)
    assert (found.requests, found.unpriced, found.others) == (1, 1, 1)
    assert (found.included, int(found.included_usd)) == (1, 3)


def test_a_model_without_a_price_prices_nothing() -> None:
    found = run(to("no-such-model"), request())
    assert (found.requests, found.unpriced, int(found.before_usd)) == (0, 1, 0)


def test_requests_that_do_not_fit_are_counted() -> None:
    found = run(to("claude-haiku-4-5"), request(input_tokens=300_000), request(1))
    [part] = found.parts.values()
    assert (part.requests, part.too_long) == (2, 1)


COUNTS = st.integers(0, 400_000)


@given(
    st.lists(
        st.tuples(COUNTS, COUNTS, COUNTS, st.sampled_from(["claude-opus-4-6", "gpt-5.4", "gemini-2.5-pro"]))
    )
)
def test_the_same_model_costs_the_same(rows: list[tuple[int, int, int, str]]) -> None:
    makers = {"claude-opus-4-6": "anthropic", "gpt-5.4": "openai", "gemini-2.5-pro": "google"}
    records = [
        request(
            n,
            model,
            provider=makers[model],
            input_tokens=plain + cached,
            cached_input_tokens=cached,
            output_tokens=out,
        )
        for n, (plain, cached, out, model) in enumerate(rows)
    ]
    found = run(Scenario({model: Target(model) for model in makers}), *records)
    assert found.after_usd == (found.before_usd, found.before_usd)
    assert found.before_usd == sum((record.cost_usd or Decimal(0) for record in records), Decimal(0))


TWICE, THRICE = Range(Decimal(1), Decimal(2)), Range(Decimal(1), Decimal(3))


@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS, st.sampled_from([1, 1, 5])), min_size=1))
def test_requests_cost_together_what_they_cost_one_by_one(rows: list[tuple[int, int, int, int, int]]) -> None:
    records, moved = [], []
    for n, (plain, cached, written, out, count) in enumerate(rows):
        counts: dict[str, Any] = {
            "input_tokens": plain + cached + written,
            "cached_input_tokens": cached,
            "cache_write_tokens": written,
            "output_tokens": out,
        }
        hour: dict[str, Any] = {"metadata": {"cache_write_1h_tokens": written // 2}}
        records.append(request(n, request_count=count, **counts, **hour))
        more: dict[str, Any] = {name: 2 * value for name, value in counts.items()} | {
            "output_tokens": 3 * out
        }
        twice: dict[str, Any] = {"metadata": {"cache_write_1h_tokens": 2 * (written // 2)}}
        moved.append(request(n, "claude-haiku-4-5", request_count=count, **more, **twice))
    found = run(to("claude-haiku-4-5", tokens=TWICE, answers=THRICE), *records)
    assert found.after_usd[1] == sum((record.cost_usd or Decimal(0) for record in moved), Decimal(0))
    assert found.before_usd == sum((record.cost_usd or Decimal(0) for record in records), Decimal(0))


def test_requests_that_are_priced_alike_are_priced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    records, priced = [request(n % 60) for n in range(2_000)], []

    def calculate(*asked: Any) -> Any:
        priced.append(asked)
        return calculate_costs(*asked)

    monkeypatch.setattr(replay_groups, "calculate_costs", calculate)
    found = run(to("claude-haiku-4-5", tokens=TWICE), *records)
    assert found.requests == 2_000
    assert len(priced) == 2  # the least and the most


def test_a_price_of_its_own_is_not_added_up_with_others() -> None:
    half = Multiplier("anthropic", None, Decimal("0.5"), date(2026, 1, 1))
    prices = WorkspacePrices(multipliers=Multipliers([half], "UTC"))
    found = replay_records([request(), request(1)], to("claude-haiku-4-5", **EXACT), DAYS, prices)
    listed = run(to("claude-haiku-4-5", **EXACT), request(), request(1))
    assert found.after_usd[0] == listed.after_usd[0] / 2


@every_case([(text,) for text in ["gpt-5", "=b", "a=", "", "a"]])
def test_half_a_pair_of_models_is_refused(text: str) -> None:
    with pytest.raises(TallyError, match="Name the model and the one in its place"):
        parse_target(text)


@every_case([(text,) for text in ["", "x", "1.4-0.9", "-1", "NaN", "1-2-3", "1000", "Infinity"]])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TallyError, match="--tokens is a factor or two"):
        parse_range(text, "--tokens")


def test_a_model_of_another_provider_is_named_with_it() -> None:
    assert parse_target("gpt-5=google/gemini-3-pro")[1] == Target("gemini-3-pro", "google")


def test_a_model_without_its_provider_is_its_makers() -> None:
    [part] = run(to("gpt-5.4", **EXACT), request()).parts.values()
    assert part.low_usd == run(to("gpt-5.4", provider="openai", **EXACT), request()).after_usd[0]
    assert Target("claude-haiku-4-5").find_provider("cursor") == "cursor"


def test_a_plan_by_its_name_covers_its_agent_alone() -> None:
    plan = parse_plan("claude max 20x")
    mine = request(1, metadata={"agent": "claude-code"})
    found = run(plan, request(), mine)
    assert (found.requests, found.others, found.before_usd) == (1, 1, mine.cost_usd)
    assert found.plan_usd == 200 * Decimal(30) / Decimal("30.4")


@pytest.mark.parametrize("text", ["", "much", "-1", "NaN", "Claude Mega", "1e9"])
def test_a_plan_that_does_not_exist_is_refused_with_those_that_do(text: str) -> None:
    with pytest.raises(TallyError, match=r"A plan is one of Claude Max 5x, .* or an amount"):
        parse_plan(text)
