"""Records of calls."""

from datetime import UTC, datetime
from decimal import Decimal

from tally.catalog.plans import PLANS
from tally.core.records import NO_MODEL, identity, request_identity
from tally.telemetry.calls import Call
from tally.telemetry.counting import key_of
from tally.telemetry.records import make_record
from tests.every_case import every_case

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
ANTHROPIC = {
    "provider": "anthropic",
    "model": "claude-sonnet-4-5",
    "input_tokens": 15_912,
    "output_tokens": 340,
    "cached_input_tokens": 15_000,
    "cache_write_tokens": 900,
    "has_usage": True,
    "has_cache_detail": True,
}


def make_call(**fields: object) -> Call:
    return Call(timestamp=AT, **(ANTHROPIC | fields))  # type: ignore[arg-type]


def test_record_is_named_by_the_canonical_id_and_carries_the_others() -> None:
    record = make_record(make_call(request_ids=("msg_00000001", "req_00000001")))
    assert record.source_key == request_identity("msg_00000001")
    assert record.request_id == "msg_00000001"
    assert record.metadata["request_aliases"] == ["req_00000001"]
    assert record.collection_method == "otlp"


def test_record_without_an_id_is_named_by_its_span() -> None:
    record = make_record(make_call(trace_id="t", span_id="s"))
    assert record.source_key == identity("otlp", "t", "s")
    assert record.request_id is None
    assert (record.metadata["trace_id"], record.metadata["span_id"]) == ("t", "s")


def test_event_of_an_agent_is_named_by_what_it_says() -> None:
    event = make_call(channel="codex", session="s1", trace_id="t", parent_span_id="p")
    record = make_record(event)
    assert record.source_key == key_of(event) != make_record(make_call(channel="codex")).source_key
    assert record.metadata["channel"] == "codex"


def test_call_without_usage_is_a_request_without_price_and_without_the_id() -> None:
    """A log may know the tokens under the same id, and zero must not stand for them."""
    silent = Call(AT, "anthropic", "claude-sonnet-4-5", ("msg_00000001",), status="error", error_code="429")
    record = make_record(silent)
    assert (record.cost_usd, record.request_count, record.tokens_used) == (None, 1, 0)
    assert record.request_id is None
    assert "request_aliases" not in record.metadata
    assert record.source_key != request_identity("msg_00000001")
    assert record.metadata["inference"] == {"status": "error", "error_code": "429"}


def test_reported_cost_counts_where_classes_are_missing() -> None:
    """Claude Code does not tell how long its 900 tokens are kept: for five minutes, it were 0.013011."""
    record = make_record(make_call(reported_usd=Decimal("0.013686")))
    assert record.cost_usd == Decimal("0.013686")
    assert record.metadata["price_source"] == "reported"


def test_list_price_counts_where_each_token_is_in_its_class() -> None:
    told = make_call(reported_usd=Decimal("0.5"), cache_write_1h_tokens=300, has_all_classes=True)
    record = make_record(told)
    assert record.cost_usd == Decimal("0.013686")
    assert record.metadata["reported_usd"] == "0.5"
    assert record.metadata["price_source"] == "genai-prices"


def test_reported_cost_counts_where_there_is_no_list_price() -> None:
    unlisted = make_call(provider="other", model="mine", reported_usd=Decimal("0.25"), has_all_classes=True)
    assert make_record(unlisted).cost_usd == Decimal("0.25")


def test_unknown_price_is_none() -> None:
    record = make_record(make_call(provider="other", model=""))
    assert (record.cost_usd, record.model_name, record.billing_account) == (None, NO_MODEL, None)


@every_case([(vendor,) for vendor in PLANS])
def test_usage_of_a_plan_is_included_and_paid_to_its_provider(vendor: str) -> None:
    record = make_record(make_call(provider=vendor), paid_by="plan")
    assert (record.provider, record.cost_basis) == (PLANS[vendor], "included")
    assert record.billing_account == PLANS[vendor]


def test_plan_of_a_source_covers_no_provider_without_one() -> None:
    assert make_record(make_call(provider="groq"), paid_by="plan").cost_basis == "estimated"


def test_plan_that_the_agent_tells_goes_before_the_source() -> None:
    record = make_record(make_call(provider="openai", plan="chatgpt"), paid_by="api")
    assert (record.provider, record.cost_basis) == ("chatgpt", "included")


def test_faster_and_slower_tiers_have_their_own_prices() -> None:
    usual, fast, batch = (
        make_record(make_call(provider="anthropic", model="claude-opus-4-6", **changes))
        for changes in ({}, {"speed": "fast"}, {"service_tier": "batch"})
    )
    assert usual.cost_usd is not None
    assert fast.cost_usd is not None
    assert batch.cost_usd is not None
    assert batch.cost_usd < usual.cost_usd < fast.cost_usd


def test_metadata_has_what_rules_and_pages_look_at() -> None:
    call = make_call(
        duration_ms=900, person="u1", key_name="web", branch="main", tags={"team": "red", "night": ""}
    )
    metadata = make_record(call).metadata
    assert metadata["tags"] == ["team:red", "night"]
    assert (metadata["user"], metadata["api_key"], metadata["branch"]) == ("u1", "web", "main")
    assert metadata["inference"] == {"duration_ms": 900, "status": "ok"}
