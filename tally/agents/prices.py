"""List price of a logged request."""

from decimal import Decimal

from tally.agents.events import Event
from tally.pricing.class_prices import ClassPrices
from tally.pricing.list_prices import Priced, find_prices, price
from tally.pricing.usage import STANDARD, Conditions, Usage


def price_event(event: Event) -> Priced:
    """Return the list price of a request at its time, or the cost that the agent logged."""
    if event.logged_usd:
        return logged_price(event)
    return price(event.vendor, event.model, usage_of(event), event.timestamp, conditions_of(event))


def find_event_prices(event: Event) -> ClassPrices | None:
    """Return the prices of a request's classes of tokens; None where `price_event` has no price either."""
    try:
        conditions = conditions_of(event)
        return find_prices(event.vendor, event.model, event.input_tokens, event.timestamp, conditions)
    except Exception:
        return None  # no failure of the price library may lose the usage itself


def logged_price(event: Event) -> Priced:
    """Return the cost that the agent logged."""
    return Priced(
        Decimal(event.logged_usd), price_source="opencode", price_version="", matched_model=event.model
    )


def usage_of(event: Event) -> Usage:
    """Return the tokens of a request."""
    return Usage(
        event.input_tokens,
        event.output_tokens,
        event.cached_input_tokens,
        event.cache_write_tokens,
        event.cache_write_1h_tokens,
        web_searches=event.web_searches,
    )


def conditions_of(event: Event) -> Conditions:
    """Return the conditions of a request that change its price."""
    return Conditions(context=dict([event.context])) if event.context else STANDARD
