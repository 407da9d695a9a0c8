"""Report on this machine's logs: tokens and cost by day, model and token class."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tally.agents.agent import Agent
from tally.agents.events import KnownRequests
from tally.agents.log_files import LogFile
from tally.agents.payment import Payment
from tally.agents.registry import find_agent
from tally.agents.routes import Destination, Routes
from tally.agents.scan import FileRead, ScanProgress, read_agents
from tally.core.day_totals import FORMAT, local_day
from tally.core.progress import Progress

if TYPE_CHECKING:
    from tally.agents.daily_usage import DailyUsage, Group


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
    found = {agent.name: request.logs[agent.name] for agent in request.agents if request.logs[agent.name]}
    meters = {name: ScanProgress(find_agent(name), files, on_progress) for name, files in found.items()}
    reads = read_agents(found, lambda name, count: meters[name].add(count), _load_prices)
    from tally.pricing.list_prices import PRICE_SOURCE, PRICE_VERSION

    return {
        "format": FORMAT,
        "timezone": request.timezone,
        "since": request.since.isoformat() if request.since else None,
        "prices": f"{PRICE_SOURCE} {PRICE_VERSION}",
        "sources": [_report_agent(request, find_agent(name), of_agent) for name, of_agent in reads.items()],
    }


def _load_prices() -> None:
    """Import the prices (0.2 s) while worker processes already read."""
    import_module("tally.agents.daily_usage")


def _report_agent(request: ReportRequest, agent: Agent, reads: Sequence[FileRead]) -> dict[str, Any]:
    from tally.agents.daily_usage import sum_by_day

    events = agent.select_winners((event for read in reads for event in read.events), KnownRequests({}))
    zone = ZoneInfo(request.timezone)
    if request.since:
        events = [event for event in events if local_day(event.timestamp, zone) >= request.since]
    days = sum_by_day(events, zone, request.routes)
    routes = Counter(request.routes.find(event.folder) for event in events)
    payment = request.payments[agent.name]
    return {
        "source": agent.name,
        "title": agent.title,
        "files": len(reads),
        "requests": sum(usage.totals.requests for usage in days.values()),
        "rejected": sum(read.rejected for read in reads),
        "unknown_lines": sum(read.unknown for read in reads),
        "reasons": sorted({reason for read in reads for reason in read.reasons}),
        "left_out": routes["never"],
        "without_folder": routes["no folder"],
        "days": [_to_row(group, usage, payment) for group, usage in sorted(days.items(), key=itemgetter(0))],
    }


def _to_row(group: "Group", usage: "DailyUsage", payment: Payment) -> dict[str, Any]:
    is_plan = payment.is_plan(group.vendor)
    return {
        "day": group.day.isoformat(),
        "model": group.model,
        "provider": payment.find_payee(group.vendor),
        "cost_basis": "included" if is_plan else "estimated",
        "charge_type": "usage",
        "paid_by": "plan" if is_plan else "api",
        "workspace": group.workspace or None,
        "project": group.project or None,
        **usage.to_json(),
    }
