"""Records from the providers' APIs: exact amounts, and each token once."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.connectors.connections import APIS
from tally.connectors.datasets import Window
from tally.connectors.errors import UnreadableResponse
from tally.core.records import CostRecord
from tests.tally.connectors.clients import WINDOW, load
from tests.tally.connectors.fake_providers import FakeProviders, Fault

DATASETS = [dataset.name for api in APIS.values() for dataset in api.datasets]
MONEY = ("openai_api_costs", "anthropic_api_cost", "openrouter_api_activity")
MILLION = 1_000_000
SECOND = date(2026, 11, 2)


def cost_by(records: Sequence[CostRecord], of: Callable[[CostRecord], Any]) -> dict[Any, Decimal | None]:
    sums: dict[Any, Decimal | None] = defaultdict(Decimal)
    for record in records:
        before = sums[of(record)]
        sums[of(record)] = None if before is None or record.cost_usd is None else before + record.cost_usd
    return dict(sums)


def on(records: Sequence[CostRecord], day: date, **metadata: Any) -> list[CostRecord]:
    """Return a day's records with this metadata."""
    return [record for record in records if record.day == day and metadata.items() <= record.metadata.items()]


def test_openai_costs_are_exact_to_the_last_digit(providers: FakeProviders) -> None:
    records = load(providers, "openai_api_costs")
    assert cost_by(records, lambda r: (str(r.day), r.model_name)) == {
        ("2026-11-02", "gpt-5.2"): Decimal("0.1421000001"),
        ("2026-11-02", "Code Interpreter, sessions"): Decimal("0.03"),
        ("2026-11-04", "gpt-5.2"): Decimal("1.25"),
        ("2026-11-04", "credit"): Decimal("-0.5"),
    }
    assert {record.cost_basis for record in records} == {"billed"}
    assert [r.charge_type for r in records if r.model_name == "credit"] == ["adjustment"]
    assert on(records, SECOND, line_item="gpt-5.2, output_tokens")[0].metadata["quantity"] == "4210 tokens"


def test_openai_usage_of_every_kind_is_read(providers: FakeProviders) -> None:
    records = load(providers, "openai_api_usage")
    assert {record.metadata["kind"] for record in records} == set(providers.recorded["openai_usage"])
    assert {record.cost_basis for record in records} == {"estimated"}


def test_openai_input_includes_cached_tokens(providers: FakeProviders) -> None:
    [record] = on(
        [r for r in load(providers, "openai_api_usage") if r.request_count == 12], SECOND, kind="completions"
    )
    assert (record.input_tokens, record.cached_input_tokens, record.output_tokens) == (80_000, 30_000, 4_210)
    dollars = (50_000 * Decimal("1.75") + 30_000 * Decimal("0.175") + 4_210 * Decimal(14)) / MILLION
    assert record.cost_usd == dollars


def test_openai_batch_and_flex_have_separate_records_and_prices(providers: FakeProviders) -> None:
    records = load(providers, "openai_api_usage")
    half = Decimal("0.5")
    [batch] = on(records, SECOND, batch="true")
    assert batch.cost_usd == half * (10_000 * Decimal("1.75") + 100 * Decimal(14)) / MILLION
    [flex] = on(records, SECOND, service_tier="flex")
    assert flex.cost_usd == half * (1_000 * Decimal("1.75") + 10 * Decimal(14)) / MILLION


def test_usage_without_tokens_is_unpriced_not_free(providers: FakeProviders) -> None:
    records = load(providers, "openai_api_usage")
    counted = {
        "images": ("gpt-image-1", "images", 4),
        "audio_speeches": ("tts-1", "characters", 4_500),
        "audio_transcriptions": ("whisper-1", "seconds", 340),
        "vector_stores": ("vector stores", "usage_bytes", 123_456_789),
        "code_interpreter_sessions": ("code interpreter", "num_sessions", 1),
        "file_search_calls": ("file search", "num_requests", 9),
    }
    for kind, (model, name, count) in counted.items():
        [record] = on(records, SECOND, kind=kind)
        assert (record.model_name, record.metadata[name], record.cost_usd) == (model, count, None)


def test_web_searches_are_not_counted_as_requests(providers: FakeProviders) -> None:
    [searches] = on(load(providers, "openai_api_usage"), SECOND, kind="web_search_calls")
    assert (searches.request_count, searches.cost_usd) == (0, 3 * Decimal("0.01"))


def test_anthropic_amounts_are_converted_from_cents(providers: FakeProviders) -> None:
    records = load(providers, "anthropic_api_cost")
    assert cost_by(records, lambda r: (str(r.day), r.model_name)) == {
        ("2026-11-02", "claude-sonnet-4-5"): Decimal("1.2378912") + Decimal("0.000375"),
        ("2026-11-02", "web search"): Decimal("0.30"),
        ("2026-11-02", "code execution"): Decimal("0.055"),
        ("2026-11-04", "claude-sonnet-4-5"): Decimal("0.12345"),
    }


def test_anthropic_tokens_are_priced_by_class_tier_and_batch(providers: FakeProviders) -> None:
    records = load(providers, "anthropic_api_usage")
    [cached] = [r for r in on(records, SECOND) if r.cache_write_tokens]
    assert (cached.input_tokens, cached.cached_input_tokens, cached.cache_write_tokens) == (3_200, 200, 1_500)
    tokens = 1_500 * Decimal(3) + 500 * Decimal("3.75") + 1_000 * Decimal(6) + 200 * Decimal("0.3")
    assert cached.cost_usd == (tokens + 500 * Decimal(15)) / MILLION + 3 * Decimal("0.01")
    [batch] = on(records, SECOND, service_tier="batch")
    assert batch.cost_usd == (1_000 * Decimal("1.5") + 100 * Decimal("7.5")) / MILLION
    [long] = on(records, SECOND, context_window="200k-1M")
    assert long.cost_usd == (300_000 * Decimal(6) + 100 * Decimal("22.5")) / MILLION
    assert {r.model_name for r in records} == {"claude-sonnet-4-5", "claude-opus-4-6"}


def test_anthropic_usage_is_read_without_speed_once_its_beta_ends(providers: FakeProviders) -> None:
    by_speed = load(providers, "anthropic_api_usage")
    providers.fail("usage_report/messages", Fault(400))
    together = load(providers, "anthropic_api_usage")
    assert "speed" not in providers.requests[-1].query["group_by[]"]
    assert len(on(by_speed, SECOND, speed="fast")) == 1
    assert sum(r.input_tokens for r in together) == sum(r.input_tokens for r in by_speed)


def test_claude_code_on_a_plan_is_included_and_on_a_key_is_estimated(providers: FakeProviders) -> None:
    records = load(providers, "anthropic_api_claude_code")
    by_basis = {
        basis: {(r.provider, r.billing_account) for r in records if r.cost_basis == basis}
        for basis in {r.cost_basis for r in records}
    }
    assert by_basis == {
        "included": {("claude-desktop", "claude-desktop:@12345678-1234-5678-1234-567812345678")},
        "estimated": {("anthropic", "anthropic")},
    }
    [key] = [r for r in records if r.cost_basis == "estimated"]
    assert key.cost_usd == (100 * Decimal(3) + 10 * Decimal(15)) / MILLION
    assert len(records) == 4  # remote and local use by one user are separate


def test_claude_code_is_fetched_day_by_day(providers: FakeProviders) -> None:
    load(providers, "anthropic_api_claude_code")
    days = [request.query["starting_at"][0] for request in providers.requests_for("claude_code")]
    assert days == [day.isoformat() for day in WINDOW.days]


def test_openrouter_cost_excludes_usage_of_own_upstream_keys(providers: FakeProviders) -> None:
    records = load(providers, "openrouter_api_activity")
    assert cost_by(records, lambda r: str(r.day)) == {
        "2026-11-02": Decimal("0.2500123"),
        "2026-11-04": Decimal("0.015"),
    }
    [own] = on(records, SECOND, byok_usd="0.012")
    assert (own.cost_usd, own.cost_basis) == (Decimal("0.0000123"), "billed")
    assert sum(r.reasoning_tokens for r in records) == 25


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_record_has_day_billing_account_and_dataset(providers: FakeProviders, dataset: str) -> None:
    for record in load(providers, dataset, account="work"):
        assert record.dataset == dataset
        assert record.billing_account == f"{record.provider}:work"
        assert record.collection_method == "api_automated"
        assert record.timestamp.date() == record.day


@pytest.mark.parametrize("dataset", DATASETS)
def test_two_accounts_share_no_record(providers: FakeProviders, dataset: str) -> None:
    default, work = ({r.source_key for r in load(providers, dataset, account=name)} for name in ("", "work"))
    assert default
    assert default.isdisjoint(work)


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name != "openrouter_api_activity"])
def test_page_size_does_not_change_the_records(providers: FakeProviders, dataset: str) -> None:
    at_once = load(providers, dataset)
    providers.page_buckets = 1
    before = len(providers.requests)
    assert load(providers, dataset) == at_once
    assert len(providers.requests) - before >= len(WINDOW.days)


@pytest.mark.parametrize("dataset", DATASETS)
def test_adjacent_windows_give_the_records_of_the_whole(providers: FakeProviders, dataset: str) -> None:
    halves = [Window(date(2026, 11, 1), SECOND), Window(date(2026, 11, 3), date(2026, 11, 5))]
    parts = [record for window in halves for record in load(providers, dataset, window)]
    key = lambda record: str(record.source_key)  # noqa: E731
    assert sorted(parts, key=key) == sorted(load(providers, dataset), key=key)


@pytest.mark.parametrize("dataset", DATASETS)
def test_days_without_usage_have_no_records(providers: FakeProviders, dataset: str) -> None:
    assert load(providers, dataset, Window(date(2026, 10, 1), date(2026, 10, 30))) == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_repeated_rows_of_a_day_are_summed(providers: FakeProviders, dataset: str) -> None:
    def repeat(content: Any) -> Any:
        for holder in content["data"] if "results" in str(content["data"]) else [content]:
            name = "results" if "results" in holder else "data"
            holder[name] = holder[name] * 2
        return content

    once = {record.source_key: record for record in load(providers, dataset)}
    providers.fail("", *[Fault(change=repeat)] * 20)
    for record in load(providers, dataset):
        usual = once[record.source_key]
        assert record.cost_usd == (None if usual.cost_usd is None else 2 * usual.cost_usd)
        assert (record.tokens_used, record.request_count) == (2 * usual.tokens_used, 2 * usual.request_count)
        for name in ("images", "characters", "seconds", "num_requests", "web_searches"):
            assert record.metadata.get(name, 0) == 2 * int(str(usual.metadata.get(name, 0)))


def test_openai_query_has_whole_utc_days_and_group_by_brackets(providers: FakeProviders) -> None:
    load(providers, "openai_api_costs")
    [request] = providers.requests
    assert request.query["start_time"] == ["1793491200"]
    assert request.query["end_time"] == ["1793923200"]
    assert request.query["group_by[]"] == ["project_id", "line_item"]


def rows_of(content: Any) -> list[dict[str, Any]]:
    """Return the rows of any provider's response."""
    return [row for item in content["data"] for row in item.get("results", [item])]


def everywhere(change: Callable[[dict[str, Any]], object]) -> Callable[[Any], Any]:
    """Return a change that applies to every row of a response."""

    def change_all(content: Any) -> Any:
        for row in rows_of(content):
            change(row)
        return content

    return change_all


@pytest.mark.parametrize("dataset", DATASETS)
def test_additional_fields_change_nothing(providers: FakeProviders, dataset: str) -> None:
    usual = load(providers, dataset)
    more = everywhere(lambda row: row.update(brand_new={"deep": [1, 2.5]}, another="x"))
    providers.fail("", *[Fault(change=more)] * 20)
    assert load(providers, dataset) == usual


@pytest.mark.parametrize(
    ("dataset", "field"),
    [
        ("openai_api_costs", "amount"),
        ("openai_api_usage", "input_tokens"),
        ("openai_api_usage", "output_tokens"),
        ("anthropic_api_cost", "amount"),
        ("anthropic_api_cost", "currency"),
        ("anthropic_api_usage", "uncached_input_tokens"),
        ("anthropic_api_claude_code", "model_breakdown"),
        ("openrouter_api_activity", "usage"),
        ("openrouter_api_activity", "date"),
    ],
)
def test_missing_required_field_is_an_error_not_zero(
    providers: FakeProviders, dataset: str, field: str
) -> None:
    providers.fail("", *[Fault(change=everywhere(lambda row: row.pop(field, None)))] * 5)
    with pytest.raises(UnreadableResponse, match="No data was changed"):
        load(providers, dataset)


@pytest.mark.parametrize(
    ("dataset", "field"),
    [
        ("openai_api_costs", "line_item"),
        ("openai_api_usage", "service_tier"),
        ("anthropic_api_usage", "server_tool_use"),
        ("anthropic_api_cost", "description"),
        ("openrouter_api_activity", "endpoint_id"),
    ],
)
def test_missing_descriptive_field_is_accepted(providers: FakeProviders, dataset: str, field: str) -> None:
    usual = load(providers, dataset)
    providers.fail("", *[Fault(change=everywhere(lambda row: row.pop(field, None)))] * 5)
    without = load(providers, dataset)
    tokens = [sum(r.tokens_used for r in records) for records in (usual, without)]
    assert tokens[0] == tokens[1]
    if dataset in MONEY:
        assert cost_by(without, lambda r: str(r.day)) == cost_by(usual, lambda r: str(r.day))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1e999", "1,5", "", None, True, [], "9" * 5_000])
def test_invalid_amount_is_an_error(providers: FakeProviders, value: Any) -> None:
    providers.fail("", Fault(change=everywhere(lambda row: row.update(amount=value))))
    with pytest.raises(UnreadableResponse) as caught:
        load(providers, "anthropic_api_cost")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [-1, 1.5, "7", 10**16, True])
def test_invalid_count_is_an_error(providers: FakeProviders, value: Any) -> None:
    providers.fail("", Fault(change=everywhere(lambda row: row.update(output_tokens=value))))
    with pytest.raises(UnreadableResponse, match="output_tokens"):
        load(providers, "anthropic_api_usage")


def test_other_currency_is_an_error(providers: FakeProviders) -> None:
    providers.fail("", Fault(change=everywhere(lambda row: row.update(currency="EUR"))))
    with pytest.raises(UnreadableResponse, match="EUR"):
        load(providers, "anthropic_api_cost")


def test_bucket_longer_than_a_day_is_an_error(providers: FakeProviders) -> None:
    def widen(content: Any) -> Any:
        for bucket in content["data"]:
            bucket["end_time"] += 86_400
        return content

    providers.fail("costs", Fault(change=widen))
    with pytest.raises(UnreadableResponse, match="more or less than the day"):
        load(providers, "openai_api_costs")


def test_days_outside_the_window_are_ignored(providers: FakeProviders) -> None:
    whole = load(providers, "openai_api_costs")
    widened = providers.answer(
        "openai",
        "/organization/costs",
        {"start_time": ["1793491200"], "end_time": ["1793923200"], "group_by[]": ["project_id", "line_item"]},
        {},
    )
    providers.fail("costs", Fault(change=lambda _: widened | {"has_more": False}))
    second = load(providers, "openai_api_costs", Window(SECOND, SECOND))
    assert second == on(whole, SECOND)


def test_unstorable_names_are_made_storable(providers: FakeProviders) -> None:
    names = iter(["a\x00b, input", "\ud800, input", "x" * 5_000, "<b>gpt</b>, input", "=1+1"])
    hostile = everywhere(lambda row: row.update(line_item=next(names)))
    providers.fail("costs", Fault(change=hostile))
    records = load(providers, "openai_api_costs")
    assert all(record.model_name.isprintable() for record in records)
    assert max(len(record.model_name) for record in records) == 200
    assert sum(record.cost_usd or 0 for record in records) == Decimal("0.9221000001")


@given(cents=st.decimals(Decimal("-1e6"), Decimal("1e6"), places=8))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_fractions_of_a_cent_are_exact(providers: FakeProviders, cents: Decimal) -> None:
    def pay(content: Any) -> Any:
        bucket = next(bucket for bucket in content["data"] if bucket["results"])
        bucket["results"] = [bucket["results"][0] | {"amount": format(cents, "f")}]
        return {**content, "data": [bucket]}

    providers.fail("cost_report", Fault(change=pay))
    [record] = load(providers, "anthropic_api_cost")
    assert record.cost_usd == cents / 100
