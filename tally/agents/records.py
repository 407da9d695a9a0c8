"""Price of a logged request, and its cost record."""

from decimal import Decimal

from tally.agents.events import Event
from tally.agents.json_values import last_folder
from tally.agents.payment import Payment
from tally.catalog.models import canonical_claude
from tally.core.records import JSON, CostRecord, identity, request_identity
from tally.ledger.billing_account import name_account
from tally.pricing.estimate import describe_price, estimate
from tally.pricing.list_prices import Priced, price
from tally.pricing.usage import STANDARD, Conditions, ModelRef, Usage


def price_event(event: Event) -> Priced:
    """Return the list price of a request at its time, or the cost that the agent logged."""
    if event.logged_usd:
        return _logged_price(event)
    return price(event.vendor, event.model, _usage(event), event.timestamp, _conditions(event))


def make_record(agent_name: str, event: Event, payment: Payment) -> CostRecord:
    """Return the cost record of a request."""
    payee, is_plan = payment.find_payee(event.vendor), payment.is_plan(event.vendor)
    model_name = canonical_claude(event.model)
    described = {
        "session": event.session,
        "project": last_folder(event.folder),
        "branch": event.branch,
        "repository": event.repository,
    }
    metadata: dict[str, JSON] = {key: value for key, value in described.items() if value}
    named = request_identity(event.request_id) if event.request_id else identity(agent_name, event.name)
    return CostRecord(
        payee,
        event.timestamp,
        model_name,
        _estimate(event, model_name, metadata),
        named,
        cost_basis="included" if is_plan else "estimated",
        collection_method="local_log",
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        cached_input_tokens=event.cached_input_tokens,
        cache_write_tokens=event.cache_write_tokens,
        reasoning_tokens=event.reasoning_tokens,
        request_count=1,
        request_id=event.request_id or None,
        billing_account=name_account(payee, account_id=event.account if is_plan else ""),
        metadata=metadata,
    )


def _estimate(event: Event, model_name: str, metadata: dict[str, JSON]) -> Decimal | None:
    """Price like `price_event`, and add the source of the price to the metadata."""
    if event.logged_usd:
        priced = _logged_price(event)
        metadata |= describe_price(priced)
        return priced.cost_usd
    model = ModelRef(event.vendor, event.model, model_name)
    return estimate(metadata, model, _usage(event), event.timestamp, _conditions(event))


def _logged_price(event: Event) -> Priced:
    return Priced(
        Decimal(event.logged_usd), price_source="opencode", price_version="", matched_model=event.model
    )


def _usage(event: Event) -> Usage:
    return Usage(
        event.input_tokens,
        event.output_tokens,
        event.cached_input_tokens,
        event.cache_write_tokens,
        event.cache_write_1h_tokens,
        web_searches=event.web_searches,
    )


def _conditions(event: Event) -> Conditions:
    return Conditions(context=dict([event.context])) if event.context else STANDARD
