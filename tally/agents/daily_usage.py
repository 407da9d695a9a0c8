"""Usage and cost of logged requests by day, model and destination."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tally.agents.events import Event
from tally.agents.prices import find_event_prices
from tally.agents.routes import Destination, Routes
from tally.catalog.models import canonical_model
from tally.core.day_totals import DayTotals, local_day
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
    """Totals of one group, and their cost by class."""

    totals: DayTotals = field(default_factory=DayTotals)
    usd_by_class: dict[str, Decimal] = field(default_factory=dict)

    def add(self, counts: "_Counts", usd_by_class: Mapping[str, Decimal] | None) -> None:
        """Add requests and their costs, None where these are unknown."""
        added = counts.totals
        self.totals.requests += added.requests
        self.totals.count_input(*added.input_by_class)
        self.totals.count_output(added.output_tokens, added.reasoning_tokens)
        self.totals.count_cost(
            None if usd_by_class is None else sum(usd_by_class.values(), Decimal(0)), max(added.requests, 1)
        )
        for name, usd in (usd_by_class or {}).items():
            self.usd_by_class[name] = self.usd_by_class.get(name, 0) + usd

    def to_json(self) -> dict[str, Any]:
        """Return totals and the parts of the cost; these are decimal text, None when nothing has a price."""
        if self.totals.cost_usd is None:
            return self.totals.to_json() | dict.fromkeys(COSTS.values())
        parts = {name: self.usd_by_class.get(key, Decimal(0)) for key, name in COSTS.items()}
        return self.totals.to_json() | {name: format(usd, "f") for name, usd in parts.items()}


class _Terms(NamedTuple):
    """Terms of a price: the costs of requests that share them add up to the cost of their sum."""

    prices: ClassPrices | None
    logged_usd: str
    used: tuple[int, ...]  # classes of tokens: one without a price makes its requests unpriced


@dataclass(slots=True)
class _Counts:
    """Sums of requests that are priced on the same terms: pricing each request takes three times as long."""

    totals: DayTotals = field(default_factory=DayTotals)
    web_searches: int = 0
    events: int = 0

    def add(self, event: Event) -> None:
        """Add a request."""
        totals = self.totals
        self.events += 1
        totals.requests += event.requests
        totals.count_input(
            event.input_tokens,
            event.cached_input_tokens,
            event.cache_write_tokens,
            event.cache_write_1h_tokens,
        )
        totals.count_output(event.output_tokens, event.reasoning_tokens)
        self.web_searches += event.web_searches

    def price(self, terms: _Terms) -> Mapping[str, Decimal] | None:
        """Return costs by class; None where they are unknown."""
        totals = self.totals
        if terms.logged_usd:
            return {OTHER: Decimal(terms.logged_usd) * self.events}
        if terms.prices is None:
            return None
        input_tokens, cached, written, written_1h = totals.input_by_class
        usage = Usage(
            input_tokens,
            totals.output_tokens,
            cached,
            written,
            written_1h,
            web_searches=self.web_searches,
            requests=totals.requests,
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
            group = Group(local_day(event.timestamp, zone), model, event.vendor, *place)
            sums[group, _find_terms(event)].add(event)
    days: dict[Group, DailyUsage] = defaultdict(DailyUsage)
    for (group, terms), counts in sums.items():
        days[group].add(counts, counts.price(terms))
    return days


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
