"""What the logs on this machine hold: tokens per day, model and class, and what they cost."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from tally.collectors.logs import Collector, Event, Known
from tally.collectors.payment import Payment
from tally.collectors.scan import LogFile, Meter, Progress, read_logs
from tally.models import canonical_claude

FORMAT = 1  # of the report


@dataclass(frozen=True, slots=True)
class Question:
    """What the report is about."""

    agents: Sequence[Collector]
    logs: Mapping[str, Sequence[LogFile]]
    timezone: str
    since: date | None
    payments: Mapping[str, Payment]


def make_report(question: Question, on_progress: Progress) -> dict[str, Any]:
    """The report, as `tally collect --dry-run --json` prints it."""
    sources = [
        _report_agent(question, agent, question.logs[agent.name], on_progress)
        for agent in question.agents
        if question.logs[agent.name]
    ]
    from tally.pricing import PRICE_SOURCE, PRICE_VERSION

    return {
        "format": FORMAT,
        "timezone": question.timezone,
        "since": question.since.isoformat() if question.since else None,
        "prices": f"{PRICE_SOURCE} {PRICE_VERSION}",
        "sources": sources,
    }


def _load_prices() -> None:
    """It takes a fifth of a second, in which others can begin to read."""
    import_module("tally.collectors.spend")


def _report_agent(
    question: Question, agent: Collector, files: Sequence[LogFile], on_progress: Progress
) -> dict[str, Any]:
    reads = read_logs(agent, files, Meter(agent, files, on_progress).add, _load_prices)
    events = agent.settle((event for read in reads for event in read.events), Known({}))
    days = list(_add_up(question, events, question.payments[agent.name]))
    return {
        "source": agent.name,
        "title": agent.title,
        "files": len(files),
        "requests": sum(row["requests"] for row in days),
        "rejected": sum(read.rejected for read in reads),
        "reasons": sorted({reason for read in reads for reason in read.reasons}),
        "days": days,
    }


def _add_up(question: Question, events: Iterable[Event], payment: Payment) -> Iterable[dict[str, Any]]:
    from tally.collectors.spend import price_event

    zone = ZoneInfo(question.timezone)
    rows: dict[tuple[date, str, str], _Row] = defaultdict(_Row)
    for event in events:
        day = event.timestamp.astimezone(zone).date()
        if not question.since or day >= question.since:
            rows[day, canonical_claude(event.model), event.vendor].add(event, price_event(event).cost_usd)
    for (day, model, vendor), row in sorted(rows.items()):
        paid_by = "plan" if payment.is_plan(vendor) else "api"
        named = {"day": day.isoformat(), "model": model, "provider": payment.find_payee(vendor)}
        yield named | {"paid_by": paid_by} | row.to_json()


@dataclass(slots=True)
class _Row:
    """One model on one day; the classes of input are apart, and what was thought is within the output."""

    requests: int = 0
    uncached_input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    tokens: int = 0
    unpriced_requests: int = 0
    cost_usd: Decimal | None = None

    def add(self, event: Event, cost_usd: Decimal | None) -> None:
        """One request more, at the price of its time."""
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
        if cost_usd is None:
            self.unpriced_requests += 1
        else:
            self.cost_usd = cost_usd if self.cost_usd is None else self.cost_usd + cost_usd

    def to_json(self) -> dict[str, Any]:
        """Money as text, None where nothing of it has a price."""
        return asdict(self) | {"cost_usd": None if self.cost_usd is None else format(self.cost_usd, "f")}
