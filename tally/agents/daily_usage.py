"""Usage and cost of logged requests by day, model and destination."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tally.agents.events import Event
from tally.agents.prices import find_event_prices
from tally.agents.routes import Destination, Routes
from tally.catalog.models import canonical_model
from tally.pricing.class_prices import ClassPrices
from tally.pricing.list_prices import OTHER, calculate_costs
from tally.pricing.usage import Usage

# Price class -> key of its cost in the report.
COSTS = {
    "uncached": "uncached_input_usd",
    "cached": "cached_input_usd",
    "cache_write": "cache_write_5m_usd",
    "cache_write_1h": "cache_write_1h_usd",
    "output": "output_usd",
    "web_search": "web_search_usd",
    OTHER: "other_usd",  # fees per request, and costs that the agent logged
}


class Group(NamedTuple):
    """Day, model, provider of the API, and names of the workspace and the project."""

    day: date
    model: str
    vendor: str
    workspace: str
    project: str


@dataclass(slots=True)
class DailyUsage:
    """Sums of one group; input is split by class, output includes reasoning."""

    requests: int = 0
    uncached_input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    tokens: int = 0
    unpriced_requests: int = 0
    usd_by_class: dict[str, Decimal] = field(default_factory=dict)

    def add(self, counts: "_Counts", usd_by_class: Mapping[str, Decimal] | None) -> None:
        """Add requests and their costs, None where these are unknown."""
        self.requests += counts.requests
        self.uncached_input_tokens += counts.input_tokens - counts.cached_tokens - counts.write_tokens
        self.cached_input_tokens += counts.cached_tokens
        self.cache_write_5m_tokens += counts.write_tokens - counts.write_1h_tokens
        self.cache_write_1h_tokens += counts.write_1h_tokens
        self.output_tokens += counts.output_tokens
        self.reasoning_tokens += counts.reasoning_tokens
        self.tokens += counts.input_tokens + counts.output_tokens
        if usd_by_class is None:
            self.unpriced_requests += counts.requests
        else:
            for name, usd in usd_by_class.items():
                self.usd_by_class[name] = self.usd_by_class.get(name, 0) + usd

    def to_json(self) -> dict[str, Any]:
        """Return counts and costs; costs are decimal text, None when no request has a price."""
        counts = {name: count for name, count in asdict(self).items() if name != "usd_by_class"}
        if not self.usd_by_class:
            return counts | dict.fromkeys(["cost_usd", *COSTS.values()])
        costs = {name: self.usd_by_class.get(key, Decimal(0)) for key, name in COSTS.items()}
        costs = {"cost_usd": sum(costs.values(), Decimal(0))} | costs
        return counts | {name: format(usd, "f") for name, usd in costs.items()}


class _Terms(NamedTuple):
    """Terms of a price: the costs of requests that share them add up to the cost of their sum."""

    prices: ClassPrices | None
    logged_usd: str
    used: tuple[int, ...]  # classes of tokens: one without a price makes its requests unpriced


@dataclass(slots=True)
class _Counts:
    """Sums of requests that are priced on the same terms: pricing each request takes three times as long."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    write_tokens: int = 0
    write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    web_searches: int = 0

    def add(self, event: Event) -> None:
        """Add a request."""
        self.requests += 1
        self.input_tokens += event.input_tokens
        self.output_tokens += event.output_tokens
        self.cached_tokens += event.cached_input_tokens
        self.write_tokens += event.cache_write_tokens
        self.write_1h_tokens += event.cache_write_1h_tokens
        self.reasoning_tokens += event.reasoning_tokens
        self.web_searches += event.web_searches

    def price(self, terms: _Terms) -> Mapping[str, Decimal] | None:
        """Return costs by class; None where they are unknown."""
        if terms.logged_usd:
            return {OTHER: Decimal(terms.logged_usd) * self.requests}
        if terms.prices is None:
            return None
        usage = Usage(
            self.input_tokens,
            self.output_tokens,
            self.cached_tokens,
            self.write_tokens,
            self.write_1h_tokens,
            web_searches=self.web_searches,
            requests=self.requests,
        )
        try:
            by_class = calculate_costs(terms.prices, usage)
        except ValueError:  # more cached tokens than input tokens
            return None
        return by_class if by_class is None else by_class or {OTHER: Decimal(0)}


def sum_by_day(events: Iterable[Event], zone: ZoneInfo, routes: Routes) -> dict[Group, DailyUsage]:
    """Sum the requests that leave this machine, each at the price of its time."""
    sums: dict[tuple[Group, _Terms], _Counts] = defaultdict(_Counts)
    for event in events:
        route = routes.find(event.folder)
        if isinstance(route, Destination):
            place = (route.workspace_name, route.project_name)
            model = canonical_model(event.model, event.timestamp.date())
            group = Group(day_of(event, zone), model, event.vendor, *place)
            sums[group, _find_terms(event)].add(event)
    days: dict[Group, DailyUsage] = defaultdict(DailyUsage)
    for (group, terms), counts in sums.items():
        days[group].add(counts, counts.price(terms))
    return days


def day_of(event: Event, zone: ZoneInfo) -> date:
    """Return the day of a request in a timezone."""
    return event.timestamp.astimezone(zone).date()


def _find_terms(event: Event) -> _Terms:
    if event.logged_usd:
        return _Terms(None, event.logged_usd, ())
    uncached = event.input_tokens - event.cached_input_tokens - event.cache_write_tokens
    used = (
        (uncached > 0) - (uncached < 0),
        event.cached_input_tokens > 0,
        event.cache_write_tokens > event.cache_write_1h_tokens,
        event.cache_write_1h_tokens > 0,
        event.output_tokens > 0,
        event.web_searches > 0,
    )
    return _Terms(find_event_prices(event), "", used)
