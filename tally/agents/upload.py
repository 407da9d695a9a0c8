"""Upload of this machine's logs: requests are saved as cost records, then the read positions advance."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tally.agents.agent import Agent
from tally.agents.collection_lock import lock_collection
from tally.agents.events import Event
from tally.agents.log_files import LogFile, stat_logs
from tally.agents.machine import Machine
from tally.agents.payment import Payment
from tally.agents.read_positions import ReadPositions, find_positions
from tally.agents.records import make_record
from tally.agents.registry import AGENTS
from tally.agents.scan import FileRead, ScanProgress, read_logs
from tally.agents.source import SourceResult, add_result, find_source
from tally.core.progress import Progress, ignore_progress
from tally.core.records import CostRecord, InvalidRecord
from tally.core.text import printable
from tally.ledger.save import save_records
from tally.storage.database import Database

BATCH_BYTES = 256_000_000  # of logs per batch; the read positions advance after each
BATCH_RECORDS = 500  # per call: the connection may be slow and the database busy
FIRST_DAY = date.min + timedelta(days=1)  # a zone's first and last day may begin outside the range of UTC
LAST_DAY = date.max - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Selection:
    """Agents to collect, and the first day to include."""

    agents: Sequence[Agent] = AGENTS
    since: date | None = None
    timezone: str = "UTC"  # of `since`

    @property
    def earliest(self) -> datetime | None:
        """Instant at which the first day begins, in UTC."""
        if self.since is None:
            return None
        since = min(max(self.since, FIRST_DAY), LAST_DAY)
        return datetime.combine(since, time(), ZoneInfo(self.timezone)).astimezone(UTC)


ALL = Selection()


def collect_into(
    database: Database,
    machine: Machine | None = None,
    selection: Selection = ALL,
    on_progress: Progress = ignore_progress,
) -> list[SourceResult]:
    """Collect the unread requests in these agents' logs; safe to repeat and to interrupt at any point."""
    machine = machine or Machine()
    earliest = selection.earliest
    with (
        lock_collection(machine.folder),
        closing(ReadPositions(find_positions(machine.folder, database.scope.user_id))) as positions,
    ):
        runs = [
            _Run(database, machine, positions, agent, earliest, on_progress) for agent in selection.agents
        ]
        return [result for run in runs if (result := run.collect())]


@dataclass(slots=True)
class _Run:
    """Collection of one agent's logs."""

    database: Database
    machine: Machine
    positions: ReadPositions
    agent: Agent
    earliest: datetime | None
    on_progress: Progress

    def collect(self) -> SourceResult | None:
        """Collect, and return the counts; None when the agent has no logs here."""
        agent = self.agent
        files = stat_logs(agent.find_files(self.machine.home, self.machine.environment))
        if not files:
            return None
        source = find_source(self.database, agent.name, self.machine.name)
        payment = self.machine.find_payment(agent, source["metadata"].get("paid_by"))
        self._begin(source["id"], payment)
        unread = self.positions.load_files(agent.name, files)
        result = SourceResult(agent.name, agent.title)
        progress = ScanProgress(agent, unread, self.on_progress)
        for batch in _split_batches(unread):
            reads = read_logs(agent, batch, progress.add)
            events = self._select_events(reads)
            self._save(events, payment, source["id"], result)
            for read in reads:
                name = printable(read.file.path.name)
                result.reject([f"{name}: {reason}" for reason in read.reasons], read.rejected)
            self.positions.advance(agent.name, reads, events)
        if result.read:
            add_result(self.database, source, result)
        return result

    def _begin(self, import_id: str, payment: Payment) -> None:
        settings = {
            "paid_by": payment.paid_by,
            "plans": sorted(payment.plans),
            "since": self.earliest and self.earliest.isoformat(),
        }
        self.positions.begin(self.agent.name, import_id, settings)

    def _select_events(self, reads: Sequence[FileRead]) -> list[Event]:
        """Select the effective new statements since the earliest instant."""
        events = [event for read in reads for event in read.events]
        known = self.positions.load_known(self.agent.name, events)
        winners = self.agent.select_winners(events, known)
        return [event for event in winners if self.earliest is None or event.timestamp >= self.earliest]

    def _save(self, events: Sequence[Event], payment: Payment, import_id: str, result: SourceResult) -> None:
        records, refused = _make_records(self.agent.name, events, payment)
        for start in range(0, len(records), BATCH_RECORDS):
            batch = records[start : start + BATCH_RECORDS]
            result.add_saved(save_records(self.database, batch, import_id))
        result.reject(refused)


def _split_batches(files: Sequence[LogFile]) -> Iterator[list[LogFile]]:
    """Split logs into batches of up to `BATCH_BYTES`, at least one log each."""
    batch: list[LogFile] = []
    for file in files:
        if batch and sum(other.unread_bytes for other in batch) + file.unread_bytes > BATCH_BYTES:
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _make_records(
    agent_name: str, events: Sequence[Event], payment: Payment
) -> tuple[list[CostRecord], list[str]]:
    """Return records and refusals, by time, so that each batch is compared with few stored records."""
    records, refused = [], []
    for event in sorted(events, key=lambda event: event.timestamp):
        try:
            records.append(make_record(agent_name, event, payment))
        except InvalidRecord as reason:
            refused.append(str(reason))
    return records, refused
