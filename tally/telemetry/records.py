"""Cost records of calls."""

from decimal import Decimal

from tally.catalog.hosts import LOCAL
from tally.catalog.models import canonical_model
from tally.catalog.payees import OTHER
from tally.catalog.plans import PLANS
from tally.core.encoding import canonical_decimal
from tally.core.records import JSON, MAX_MODEL_NAME, NO_MODEL, CostRecord
from tally.ledger.billing_account import name_account
from tally.pricing.cache_answers import describe_answer
from tally.pricing.estimate import describe_price, estimate
from tally.pricing.list_prices import Priced
from tally.pricing.service_tiers import find_condition
from tally.pricing.usage import STANDARD, Conditions, ModelRef, Usage
from tally.telemetry.calls import Call
from tally.telemetry.counting import key_of
from tally.telemetry.sources import PaidBy

REPORTED = "reported"  # the source of a price: the sender's own calculation
SPEEDS = frozenset({"fast"})
# Field of a call -> its key in metadata; persons and keys under the names that rules of projects look at.
DESCRIBED = {
    "session": "session",
    "project": "project",
    "agent": "agent",
    "task": "task",
    "service": "service",
    "branch": "branch",
    "repository": "repository",
    "person": "user",
    "key_name": "api_key",
    "end_user": "end_user",
    "environment": "environment",
    "container": "container",
    "tool": "tool",
    "prompt_name": "prompt_name",
    "prompt_version": "prompt_version",
    "channel": "channel",
    "trace_id": "trace_id",
    "span_id": "span_id",
}
# The same, for what the call did besides costing money.
INFERENCE = {
    "duration_ms": "duration_ms",
    "first_token_ms": "first_token_ms",
    "status": "status",
    "error_code": "error_code",
    "region": "region",
    "operation": "request_type",
    "service_tier": "service_tier",
}


def make_record(call: Call, paid_by: PaidBy = "api") -> CostRecord:
    """The record of a call that counts; `paid_by` is how its source is paid for."""
    plan = call.plan or (PLANS.get(call.provider, "") if paid_by == "plan" else "")
    payee = call.provider if call.provider == LOCAL else plan or call.provider
    model_name = canonical_model(call.model, call.timestamp.date())[:MAX_MODEL_NAME] or NO_MODEL
    metadata = describe(call)
    request_id = call.request_ids[0] if call.request_ids and call.has_usage else None
    return CostRecord(
        payee,
        call.timestamp,
        model_name,
        _find_cost(call, model_name, metadata),
        key_of(call),
        cost_basis="included" if payee == plan else "estimated",
        collection_method="otlp",
        **(Usage() if call.is_cache_hit else _usage_of(call)).token_counts,
        reasoning_tokens=0 if call.is_cache_hit else call.reasoning_tokens,
        request_count=0 if call.is_sum else 1,
        request_id=request_id,
        billing_account=None if payee in (OTHER, LOCAL) else name_account(payee),
        metadata=metadata,
    )


def describe(call: Call) -> dict[str, JSON]:
    """The facts about a call besides its tokens and cost."""
    found: dict[str, JSON] = {
        key: value for field, key in DESCRIBED.items() if (value := getattr(call, field))
    }
    if call.tags:
        found["tags"] = [f"{name}:{value}" if value else name for name, value in call.tags.items()]
    if call.has_usage and len(call.request_ids) > 1:
        found["request_aliases"] = list(call.request_ids[1:])
    if call.is_sum:  # its trace is none, and its calls may be any number
        del found["trace_id"], found["span_id"]
        return found
    if call.is_cache_hit:  # no model was as fast
        return found
    found["inference"] = {
        key: value for field, key in INFERENCE.items() if (value := getattr(call, field)) not in (None, "")
    }
    return found


def _find_cost(call: Call, model_name: str, metadata: dict[str, JSON]) -> Decimal | None:
    """The list price where every token is in its class, else the cost that the sender calculated."""
    model = ModelRef(call.provider, call.model or NO_MODEL, model_name)
    if call.is_cache_hit:
        metadata |= describe_answer(model, _usage_of(call), call.timestamp, call.saved_usd)
        return Decimal(0)
    if not call.has_usage:
        return None
    if call.reported_usd:
        metadata["reported_usd"] = canonical_decimal(call.reported_usd)
    if call.reported_usd and not call.has_all_classes:
        return _take_reported(call, call.reported_usd, metadata)
    listed_usd = estimate(metadata, model, _usage_of(call), call.timestamp, _find_conditions(call))
    if listed_usd is None and call.reported_usd:
        return _take_reported(call, call.reported_usd, metadata)
    return listed_usd


def _usage_of(call: Call) -> Usage:
    return Usage(
        call.input_tokens,
        call.output_tokens,
        call.cached_input_tokens,
        call.cache_write_tokens,
        call.cache_write_1h_tokens,
    )


def _take_reported(call: Call, usd: Decimal, metadata: dict[str, JSON]) -> Decimal:
    metadata |= describe_price(Priced(usd, REPORTED, price_version="", matched_model=call.model))
    metadata.pop("price_note", None)
    return usd


def _find_conditions(call: Call) -> Conditions:
    """The conditions of a price: its tier of service, or a speed."""
    context: dict[str, str] = {}
    if call.service_tier and (condition := find_condition(call.service_tier)):
        context |= dict([condition])
    if call.speed in SPEEDS:
        context["speed"] = call.speed
    return Conditions(context=context) if context else STANDARD
