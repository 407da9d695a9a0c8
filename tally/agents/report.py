"""Report on this machine's logs: tokens and cost by day, model and token class."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tally.agents.agent import Agent
from tally.agents.events import Event, KnownRequests
from tally.agents.log_files import LogFile
from tally.agents.payment import Payment
from tally.agents.routes import Destination, Routes
from tally.agents.scan import ScanProgress, read_logs
from tally.catalog.models import canonical_claude
from tally.core.progress import Progress

if TYPE_CHECKING:
    from tally.pricing.list_prices import Priced

FORMAT = 1  # version of the report's format
# Price class -> key of its cost in the report.
COSTS = {
    "uncached": "uncached_input_usd",
    "cached": "cached_input_usd",
    "cache_write": "cache_write_5m_usd",
    "cache_write_1h": "cache_write_1h_usd",
    "output": "output_usd",
    "web_search": "web_search_usd",
    "other": "other_usd",  # fees per request, and costs that the agent logged
}


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Agents and logs to report on, and how to count them."""

    agents: Sequence[Agent]
    logs: Mapping[str, Sequence[LogFile]]
    timezone: str
    since: date | None
    payments: Mapping[str, Payment]
    routes: Routes = field(default_factory=lambda: Routes(Destination("")))


def make_report(request: ReportRequest, on_progress: Progress) -> dict[str, Any]:
    """Return the report that `tally collect --dry-run --json` prints."""
    sources = [
        _report_agent(request, agent, request.logs[agent.name], on_progress)
        for agent in request.agents
        if request.logs[agent.name]
    ]
    from tally.pricing.list_prices import PRICE_SOURCE, PRICE_VERSION

    return {
        "format": FORMAT,
        "timezone": request.timezone,
        "since": request.since.isoformat() if request.since else None,
        "prices": f"{PRICE_SOURCE} {PRICE_VERSION}",
        "sources": sources,
    }


def _load_prices() -> None:
    """Import the prices (0.2 s) while worker processes already read."""
    import_module("tally.agents.records")


def _report_agent(
    request: ReportRequest, agent: Agent, files: Sequence[LogFile], on_progress: Progress
) -> dict[str, Any]:
    reads = read_logs(agent, files, ScanProgress(agent, files, on_progress).add, _load_prices)
    winners = agent.select_winners((event for read in reads for event in read.events), KnownRequests({}))
    zone = ZoneInfo(request.timezone)
    events = [event for event in winners if not request.since or _day_of(event, zone) >= request.since]
    days = list(_sum_by_day(request, events, request.payments[agent.name]))
    routes = Counter(request.routes.find(event.folder) for event in events)
    return {
        "source": agent.name,
        "title": agent.title,
        "files": len(files),
        "requests": sum(row["requests"] for row in days),
        "rejected": sum(read.rejected for read in reads),
        "reasons": sorted({reason for read in reads for reason in read.reasons}),
        "left_out": routes["never"],
        "without_folder": routes["no folder"],
        "days": days,
    }


def _sum_by_day(
    request: ReportRequest, events: Iterable[Event], payment: Payment
) -> Iterable[dict[str, Any]]:
    from tally.agents.records import price_event

    zone = ZoneInfo(request.timezone)
    rows: dict[tuple[date, str, str, str, str], _Row] = defaultdict(_Row)
    for event in events:
        route = request.routes.find(event.folder)
        if isinstance(route, Destination):
            place = (route.workspace_name, route.project_name)
            key = (_day_of(event, zone), canonical_claude(event.model), event.vendor, *place)
            rows[key].add(event, price_event(event))
    for (day, model, vendor, workspace, project), row in sorted(rows.items()):
        yield {
            "day": day.isoformat(),
            "model": model,
            "provider": payment.find_payee(vendor),
            "paid_by": "plan" if payment.is_plan(vendor) else "api",
            "workspace": workspace or None,
            "project": project or None,
            **row.to_json(),
        }


def _day_of(event: Event, zone: ZoneInfo) -> date:
    return event.timestamp.astimezone(zone).date()


@dataclass(slots=True)
class _Row:
    """Sums of one model on one day; input is split by class, output includes reasoning."""

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

    def add(self, event: Event, priced: "Priced") -> None:
        """Add a request at the price of its time."""
        self.requests += 1
        self.uncached_input_tokens += (
            event.input_tokens - event.cached_input_tokens - event.cache_write_tokens
        )
        self.cached_input_tokens += event.cached_input_tokens
        self.cache_write_5m_tokens += event.cache_write_tokens - event.cache_write_1h_tokens
        self.cache_write_1h_tokens += event.cache_write_1h_tokens
        self.output_tokens += event.output_tokens
        self.reasoning_tokens += event.reasoning_tokens
        self.tokens += event.tokens
        if priced.cost_usd is None:
            self.unpriced_requests += 1
        else:
            for name, usd in (priced.usd_by_class or {"other": priced.cost_usd}).items():
                self.usd_by_class[name] = self.usd_by_class.get(name, 0) + usd

    def to_json(self) -> dict[str, Any]:
        """Return counts and costs; costs are decimal text, None when no request has a price."""
        counts = {name: count for name, count in asdict(self).items() if name != "usd_by_class"}
        if not self.usd_by_class:
            return counts | dict.fromkeys(["cost_usd", *COSTS.values()])
        costs = {name: self.usd_by_class.get(key, Decimal(0)) for key, name in COSTS.items()}
        costs = {"cost_usd": sum(costs.values(), Decimal(0))} | costs
        return counts | {name: format(usd, "f") for name, usd in costs.items()}
