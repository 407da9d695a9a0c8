"""What a request out of a log costs, and the record of it."""

from decimal import Decimal

from tally.collectors.logs import Event
from tally.collectors.payment import Payment
from tally.models import canonical_claude
from tally.pricing import PRICE_SOURCE, PRICE_VERSION, Priced, Usage, price
from tally.records import JSON, CostRecord, identity, request_identity

# Copilot has no prices by the token: what its models are worth is what their makers ask.
PRICED_AS = {"github-copilot": "other"}


def price_event(event: Event) -> Priced:
    """The list price of a request at its time, or what the tool itself wrote down."""
    if event.logged_usd:
        return Priced(Decimal(event.logged_usd), price_source="opencode", price_version="", matched_model="")
    usage = Usage(
        event.input_tokens,
        event.output_tokens,
        event.cached_input_tokens,
        event.cache_write_tokens,
        event.cache_write_1h_tokens,
        web_searches=event.web_searches,
    )
    context = dict([event.context]) if event.context else None
    return price(
        PRICED_AS.get(event.vendor, event.vendor), event.model, usage, event.timestamp, context=context
    )


def make_record(agent_name: str, event: Event, payment: Payment) -> CostRecord:
    """A request as Tally keeps it."""
    payee = payment.find_payee(event.vendor)
    model_name = canonical_claude(event.model)
    priced = price_event(event)
    named = request_identity(event.request_id) if event.request_id else identity(agent_name, event.name)
    return CostRecord(
        payee,
        event.timestamp,
        model_name,
        priced.cost_usd,
        named,
        cost_basis="included" if payment.is_plan(event.vendor) else "estimated",
        collection_method="local_log",
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        cached_input_tokens=event.cached_input_tokens,
        cache_write_tokens=event.cache_write_tokens,
        reasoning_tokens=event.reasoning_tokens,
        request_count=1,
        metadata=_metadata(event, payee, model_name, priced),
    )


def _metadata(event: Event, payee: str, model_name: str, priced: Priced) -> dict[str, JSON]:
    said: dict[str, JSON] = {
        "ledger": payee,
        "request_id": event.request_id,
        "session": event.session,
        "project": event.project,
        "model": event.model if event.model != model_name else "",
        "cache_write_1h_tokens": event.cache_write_1h_tokens,
        "web_searches": event.web_searches,
        "price_context": dict([event.context]) if event.context else None,
        "price_model": priced.matched_model,
        "price_note": priced.note,
    }
    if priced.cost_usd is not None:
        said |= {"price_source": priced.price_source, "price_version": priced.price_version}
    return {key: value for key, value in said.items() if value}


__all__ = ["PRICE_SOURCE", "PRICE_VERSION", "make_record", "price_event"]
