"""List price of a logged request."""

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from tally.agents.events import Event
from tally.catalog.models import canonical_model
from tally.pricing.class_prices import ClassPrices
from tally.pricing.data_residency import EVERYWHERE, RESIDENCY
from tally.pricing.list_prices import Priced, add_named, find_prices, price_model
from tally.pricing.usage import STANDARD, SUM_OF_REQUESTS, Conditions, ModelRef, Usage


def price_event(event: Event) -> Priced:
    """Return the list price of a request at its time, or the cost that the agent logged."""
    if event.logged_usd:
        return logged_price(event, "log")
    model = ModelRef(event.vendor, event.model, canonical_model(event.model))
    return price_model(model, usage_of(event), event.timestamp, conditions_of(event))


def find_event_prices(event: Event) -> ClassPrices | None:
    """Return the prices of a request's classes of tokens; None where `price_event` has no price either."""
    try:
        conditions = _named_conditions(event.context, event.inference_geo, event.is_sum, event.model)
        for name in _names(event.model):
            prices = find_prices(event.vendor, name, event.input_tokens, event.timestamp, conditions)
            if prices is not None:
                return prices
    except Exception:
        return None  # no failure of the price library may lose the usage itself
    return None


def logged_price(event: Event, agent_name: str) -> Priced:
    """Return the cost that the agent logged."""
    return Priced(
        Decimal(event.logged_usd), price_source=agent_name, price_version="", matched_model=event.model
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
        requests=event.requests,
    )


def conditions_of(event: Event) -> Conditions:
    """Return the conditions of a request that change its price."""
    return _conditions(event.context, event.inference_geo, event.is_sum)


@lru_cache(1_000)
def _conditions(context: tuple[str, str] | None, place: str, is_sum: bool) -> Conditions:
    found = dict([context]) if context else {}
    if place not in EVERYWHERE:
        found[RESIDENCY] = place
    usual = SUM_OF_REQUESTS if is_sum else STANDARD
    return replace(usual, context=found) if found else usual


@lru_cache(10_000)
def _named_conditions(context: tuple[str, str] | None, place: str, is_sum: bool, model: str) -> Conditions:
    return add_named(_conditions(context, place, is_sum), model)


@lru_cache(10_000)
def _names(model: str) -> tuple[str, ...]:
    return ModelRef("", model, canonical_model(model)).names
