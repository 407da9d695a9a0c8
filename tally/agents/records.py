"""Cost record of a logged request."""

from decimal import Decimal

from tally.agents.checkouts import find_repository
from tally.agents.events import Event
from tally.agents.json_values import last_folder
from tally.agents.payment import Payment
from tally.agents.prices import conditions_of, logged_price, usage_of
from tally.catalog.models import canonical_model
from tally.core.records import JSON, CostRecord, identity, request_identity
from tally.ledger.billing_account import name_account
from tally.pricing.estimate import describe_price, estimate
from tally.pricing.usage import ModelRef

# Agents whose telemetry tells no ids of requests, or sums alone: of a session, either that or the log counts.
ONE_CHANNEL = ("claude-code", "codex", "gemini-cli")


def make_record(agent_name: str, event: Event, payment: Payment) -> CostRecord:
    """Return the cost record of a request."""
    payee, is_plan = payment.find_payee(event.vendor), payment.is_plan(event.vendor)
    model_name = canonical_model(event.model, event.timestamp.date())
    described = {
        "agent": agent_name,
        "session": event.session,
        "project": last_folder(event.folder),
        "branch": event.branch,
        "repository": event.repository or find_repository(event.folder),
        "channel": agent_name if event.session and agent_name in ONE_CHANNEL else "",
    }
    metadata: dict[str, JSON] = {key: value for key, value in described.items() if value}
    if event.request_id and event.other_ids:
        metadata["request_aliases"] = list(event.other_ids)
    named = request_identity(event.request_id) if event.request_id else identity(agent_name, event.name)
    return CostRecord(
        payee,
        event.timestamp,
        model_name,
        _estimate(agent_name, event, model_name, metadata),
        named,
        cost_basis="included" if is_plan else "estimated",
        collection_method="local_log",
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        cached_input_tokens=event.cached_input_tokens,
        cache_write_tokens=event.cache_write_tokens,
        reasoning_tokens=event.reasoning_tokens,
        request_count=event.requests,
        request_id=event.request_id or None,
        billing_account=name_account(payee, account_id=event.account if is_plan else ""),
        metadata=metadata,
    )


def _estimate(agent_name: str, event: Event, model_name: str, metadata: dict[str, JSON]) -> Decimal | None:
    """Price like `price_event`, and add the source of the price to the metadata."""
    if event.logged_usd:
        priced = logged_price(event, agent_name)
        metadata |= describe_price(priced)
        return priced.cost_usd
    model = ModelRef(event.vendor, event.model, model_name)
    return estimate(metadata, model, usage_of(event), event.timestamp, conditions_of(event))
