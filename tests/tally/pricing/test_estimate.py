"""Estimates store their inputs, so that repricing gives the same record, and follow custom prices."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from tally.core.records import JSON, CostBasis, CostRecord
from tally.importers import Options, identify_all, parse_tables, read_tables
from tally.importers.protocol import merge
from tally.pricing.custom_prices import CustomPrice, CustomPrices
from tally.pricing.estimate import estimate, estimate_record, is_repriceable, price_with
from tally.pricing.usage import STANDARD, Conditions, ModelRef, Tier, Usage
from tally.pricing.workspace_prices import LIST_PRICES, WorkspacePrices
from tests.every_case import every_case
from tests.tally.importers.golden import FIXTURES, load_sample

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
MODELS = (
    ModelRef("anthropic", "claude-sonnet-4-5"),
    ModelRef("openai", "gpt-5.4"),
    ModelRef("google", "gemini-2.5-pro"),
    ModelRef("deepseek", "deepseek-chat"),
    ModelRef("cursor", "claude-opus-4-5"),
    ModelRef("openai", "model-nobody-knows"),
)
CONTEXTS: tuple[dict[str, str], ...] = ({}, {"processing": "batch"}, {"service_tier": "flex"})


def record_of(
    model: ModelRef,
    usage: Usage,
    conditions: Conditions = STANDARD,
    at: datetime = AT,
    cost_basis: CostBasis = "estimated",
) -> CostRecord:
    """A record as importers and agents make it."""
    metadata: dict[str, JSON] = {}
    cost_usd = estimate(metadata, model, usage, at, conditions)
    return CostRecord(
        model.provider,
        at,
        model.name,
        cost_usd,
        uuid4(),
        cost_basis=cost_basis,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        request_count=usage.requests,
        metadata=metadata,
    )


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Tokens of one request, whose input includes cache reads and writes."""
    count = st.integers(0, 300_000)
    uncached, cached, write, hour = (draw(count) for _ in range(4))
    return Usage(
        uncached + cached + write + hour,
        draw(count),
        cached,
        write + hour,
        hour,
        web_searches=draw(st.integers(0, 5)),
    )


@settings(deadline=None)
@given(
    st.sampled_from(MODELS),
    usages(),
    st.sampled_from(("request", "short", "long", "unknown")),
    st.sampled_from(CONTEXTS),
    st.integers(0, 600),
)
def test_repricing_a_record_gives_the_same_record(
    model: ModelRef, usage: Usage, tier: Tier, context: dict[str, str], days: int
) -> None:
    record = record_of(model, usage, Conditions(tier, context), AT - timedelta(days=days))
    assert estimate_record(record) == record
    if usage != Usage():
        assert estimate_record(replace(record, cost_usd=None)) == record


@every_case([(case,) for case in sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir())])
def test_every_estimate_of_every_export_can_be_repriced(case: str) -> None:
    name, content = load_sample(case)
    tables = read_tables(content, name)
    importer = identify_all(tables)
    assert importer is not None
    for record in parse_tables(importer, tables, Options(timezone="America/New_York")).records:
        assert not is_repriceable(record) or estimate_record(record) == record


@settings(deadline=None)
@given(st.sampled_from(MODELS), st.lists(usages(), min_size=2, max_size=5))
def test_a_sum_of_requests_is_repriced_as_its_requests_or_not_at_all(
    model: ModelRef, requests: list[Usage]
) -> None:
    records = [record_of(model, usage) for usage in requests]
    total = records[0]
    for record in records[1:]:
        total = merge(total, record)
    if is_repriceable(total):
        assert estimate_record(total).cost_usd == total.cost_usd


def test_included_usage_is_priced_like_estimated_usage() -> None:
    usage = Usage(10_000, 500, 6_000)
    included = record_of(ModelRef("claude-desktop", "claude-sonnet-4-5"), usage, cost_basis="included")
    estimated = record_of(ModelRef("anthropic", "claude-sonnet-4-5"), usage)
    assert included.cost_usd == estimated.cost_usd == Decimal("0.0213")
    assert estimate_record(included) == included


def test_the_sources_model_name_is_stored_if_the_record_has_another() -> None:
    metadata: dict[str, JSON] = {}
    estimate(metadata, ModelRef("openai", "gpt-4o-2024-05-13", "gpt-4o"), Usage(1_000), AT)
    assert metadata["model"] == "gpt-4o-2024-05-13"
    record = replace(record_of(ModelRef("openai", "gpt-4o"), Usage(1_000)), metadata=metadata)
    assert estimate_record(record).metadata["price_model"] == metadata["price_model"]


def test_images_are_not_free_for_having_no_tokens() -> None:
    record = replace(record_of(ModelRef("openai", "gpt-image-1"), Usage()), cost_usd=None, metadata={})
    assert estimate_record(record).cost_usd is None


def custom_prices_of(model_name: str, *, replaces_list: bool) -> WorkspacePrices:
    """Two US dollars per million tokens, valid on all days."""
    price = CustomPrice("openai", model_name, date(2020, 1, 1), Decimal(2), Decimal(2))
    return WorkspacePrices(CustomPrices([replace(price, replaces_list=replaces_list)]))


def test_a_custom_price_replaces_the_list_price_only_when_it_is_set_to() -> None:
    record = record_of(ModelRef("openai", "gpt-5.4"), Usage(1_000_000))
    [replaced] = price_with([record], custom_prices_of("gpt-5.4", replaces_list=True))
    [beside] = price_with([record], custom_prices_of("gpt-5.4", replaces_list=False))
    assert replaced.cost_usd == Decimal(2)
    assert beside.cost_usd == record.cost_usd != Decimal(2)


def test_a_custom_price_prices_a_model_that_no_list_has() -> None:
    record = record_of(ModelRef("openai", "model-nobody-knows"), Usage(500_000, 500_000))
    [priced] = price_with([record], custom_prices_of("model-nobody-knows", replaces_list=False))
    assert record.cost_usd is None
    assert priced.cost_usd == Decimal(2)


@every_case([(name,) for name in ["gpt-5.4", "GPT-5.4", "openai/gpt-5.4", "gpt-5.4-2026-03-05"]])
def test_a_custom_price_is_for_a_model_by_any_name(name: str) -> None:
    record = record_of(ModelRef("openai", "gpt-5.4"), Usage(1_000_000))
    [priced] = price_with([record], custom_prices_of(name, replaces_list=True))
    assert priced.cost_usd == Decimal(2)


def test_custom_prices_leave_billed_records_and_other_models_alone() -> None:
    billed = replace(record_of(ModelRef("openai", "gpt-5.4"), Usage(1_000_000)), cost_basis="billed")
    other = record_of(ModelRef("openai", "gpt-5.2"), Usage(1_000_000))
    assert price_with([billed, other], custom_prices_of("gpt-5.4", replaces_list=True)) == [billed, other]


def test_records_stay_as_they_are_without_custom_prices() -> None:
    records = [record_of(ModelRef("openai", "gpt-5.4"), Usage(1_000_000))]
    assert price_with(records, LIST_PRICES) is records
