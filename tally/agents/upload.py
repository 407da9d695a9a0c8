"""Logs of this machine into an account: what is new, once, and the cursors only when it is there."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tally.agents.logs import Collector, Event
from tally.agents.machine import collecting_folder, machine_name
from tally.agents.payment import PAID_BY, Payment, find_payment
from tally.agents.read_positions import Cursors, one_at_a_time
from tally.agents.records import make_record
from tally.agents.registry import AGENTS
from tally.agents.scan import FileRead, LogFile, Meter, read_logs, stat_logs
from tally.core.progress import Progress, ignore_progress
from tally.core.records import CostRecord, InvalidRecord
from tally.ledger.save import save_records
from tally.storage.database import Database, Query, select_first

AT_ONCE = 256_000_000  # bytes of logs between two steps of the cursors
SOURCE_COLUMNS = (
    "id,kind,format,filename,rows_read,rows_imported,rows_duplicate,rows_restated,rows_rejected,"
    "errors,metadata"
)
RECORDS_AT_ONCE = 500  # a machine may be far away and the database busy
MAX_STORED_REASONS = 100  # of one source, the newest


@dataclass(slots=True)
class SourceResult:
    """What became of one agent's logs: read = added + already_there + rejected."""

    source: str
    title: str
    read: int = 0
    added: int = 0
    already_there: int = 0
    restated: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Machine:
    """Whose logs are read: everything about this machine that collecting depends on."""

    home: Path = field(default_factory=Path.home)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    name: str = field(default_factory=machine_name)
    folder: Path = field(default_factory=collecting_folder)
    payments: Mapping[str, Payment] = field(default_factory=dict)  # where the person said so

    def payment(self, agent: Collector, chosen: str | None = None) -> Payment:
        """How an agent is paid for: as the person said here or chose in Tally, else as its settings look."""
        if agent.name in self.payments:
            return self.payments[agent.name]
        if chosen in PAID_BY:
            return Payment(chosen)
        return find_payment(agent.name, self.home, self.environment)


def collect_into(
    database: Database,
    machine: Machine | None = None,
    agents: Sequence[Collector] = AGENTS,
    since: date | None = None,
    timezone: str = "UTC",
    on_progress: Progress = ignore_progress,
) -> list[SourceResult]:
    """Collect what is new in the logs of these agents; safe to repeat and to interrupt at any point."""
    machine = machine or Machine()
    earliest = datetime.combine(since, time(), ZoneInfo(timezone)).astimezone(UTC) if since else None
    with (
        one_at_a_time(machine.folder),
        closing(Cursors(machine.folder / f"cursors-{_account_of(database)}.sqlite")) as cursors,
    ):
        runs = [_Run(database, machine, cursors, agent, earliest, on_progress) for agent in agents]
        return [result for run in runs if (result := run.collect())]


def _account_of(database: Database) -> str:
    rows = database.select(Query("user_preferences", "user_id", ["user_id"]))
    return str(rows[0]["user_id"]) if rows else "account"


@dataclass(slots=True)
class _Run:
    """One agent's logs on their way."""

    database: Database
    machine: Machine
    cursors: Cursors
    agent: Collector
    earliest: datetime | None
    on_progress: Progress

    def collect(self) -> SourceResult | None:
        """What became of them; None where the agent has no logs here."""
        agent = self.agent
        files = stat_logs(agent.find_files(self.machine.home, self.machine.environment))
        if not files:
            return None
        source = self._find_source()
        payment = self.machine.payment(agent, source["metadata"].get("paid_by"))
        settings = {
            "paid_by": payment.paid_by,
            "plans": sorted(payment.plans),
            "since": self.earliest and self.earliest.isoformat(),
        }
        self.cursors.begin(agent.name, source["id"], settings)
        new = self.cursors.load_files(agent.name, files)
        result = SourceResult(agent.name, agent.title)
        meter = Meter(agent, new, self.on_progress)
        for stretch in _stretches(new):
            self._save(read_logs(agent, stretch, meter.add), payment, source["id"], result)
        if result.read:
            self._add_to_source(source, result)
        return result

    def _save(
        self, reads: Sequence[FileRead], payment: Payment, import_id: str, result: SourceResult
    ) -> None:
        known = self.cursors.load_known(self.agent.name, (event for read in reads for event in read.events))
        events = [
            event
            for event in self.agent.settle((event for read in reads for event in read.events), known)
            if self.earliest is None or event.timestamp >= self.earliest
        ]
        records, refused = _make_records(self.agent.name, events, payment)
        for start in range(0, len(records), RECORDS_AT_ONCE):
            saved = save_records(self.database, records[start : start + RECORDS_AT_ONCE], import_id)
            refused += [reason for _, reason in saved.rejected]
            result.added += saved.inserted
            result.already_there += saved.duplicate
            result.restated += saved.restated
        result.rejected += len(refused) + sum(read.rejected for read in reads)
        result.read = result.added + result.already_there + result.rejected
        result.reasons += refused
        result.reasons += [f"{read.file.path.name}: {reason}" for read in reads for reason in read.reasons]
        self.cursors.advance(self.agent.name, reads, events)

    def _find_source(self) -> dict[str, Any]:
        """The row of `imports` for this agent on this machine, made at the first time."""
        named = {"kind": "machine", "format": self.agent.name, "filename": self.machine.name}
        known = select_first(self.database, Query("imports", SOURCE_COLUMNS, ["id"], named))
        return known or self.database.insert("imports", named | {"status": "done"})

    def _add_to_source(self, source: Mapping[str, Any], result: SourceResult) -> None:
        errors = [{"line": 0, "reason": reason, "row": ""} for reason in result.reasons]
        self.database.update(
            "imports",
            source["id"],
            {
                "rows_read": source["rows_read"] + result.read,
                "rows_imported": source["rows_imported"] + result.added,
                "rows_duplicate": source["rows_duplicate"] + result.already_there,
                "rows_restated": source["rows_restated"] + result.restated,
                "rows_rejected": source["rows_rejected"] + result.rejected,
                "errors": (errors + source["errors"])[:MAX_STORED_REASONS],
                "status": "done",
                "finished_at": datetime.now(UTC).isoformat(),
            },
        )


def _stretches(files: Sequence[LogFile]) -> Iterator[list[LogFile]]:
    stretch: list[LogFile] = []
    for file in files:
        if stretch and sum(other.unread for other in stretch) + file.unread > AT_ONCE:
            yield stretch
            stretch = []
        stretch.append(file)
    if stretch:
        yield stretch


def _make_records(
    agent_name: str, events: Sequence[Event], payment: Payment
) -> tuple[list[CostRecord], list[str]]:
    """In order of time, so that the database compares each batch with its own stretch only."""
    records, refused = [], []
    for event in sorted(events, key=lambda event: event.timestamp):
        try:
            records.append(make_record(agent_name, event, payment))
        except InvalidRecord as reason:
            refused.append(str(reason))
    return records, refused
