"""Upload of this machine's logs: requests are saved as cost records, then the read positions advance."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tally.agents.agent import Agent
from tally.agents.collection_lock import lock_collection
from tally.agents.folder_rules import load_rules
from tally.agents.log_files import LogFile, stat_logs
from tally.agents.machine import Machine
from tally.agents.plan_accounts import account_of
from tally.agents.read_positions import ReadPositions, find_positions
from tally.agents.registry import AGENTS
from tally.agents.route_lookup import resolve_routes
from tally.agents.routes import Destination, Routes
from tally.agents.scan import FileRead, ScanProgress, read_logs
from tally.agents.sorting import LEFT_OUT, SortedEvents, sort_events
from tally.agents.source import MachineSource, SourceResult, add_source, find_source
from tally.core.progress import Progress, ignore_progress
from tally.core.text import printable
from tally.storage.database import Database, Row
from tally.storage.workspaces import list_workspaces

BATCH_BYTES = 256_000_000  # of logs per batch; the read positions advance after each
READERS = 2  # version of the readers: a new one reads all logs again, for what earlier ones missed
FIRST_DAY = date.min + timedelta(days=1)  # a zone's first and last day may begin outside the range of UTC
LAST_DAY = date.max - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Selection:
    """Agents to collect, the first day to include, and whether to begin again."""

    agents: Sequence[Agent] = AGENTS
    since: date | None = None
    timezone: str = "UTC"  # of `since`
    from_start: bool = False  # read logs again that were read before

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
    """Collect the unread requests in these agents' logs; safe to repeat and to interrupt at any point.

    Folder rules of this machine may send some to other workspaces than the database's, or keep them here.
    """
    machine = machine or Machine()
    routes = resolve_routes(load_rules(machine.folder), database)
    personal = database.scope.user_id
    with (
        lock_collection(machine.folder),
        closing(ReadPositions(find_positions(machine.folder, personal), personal)) as positions,
    ):
        left = positions.list_workspaces() - {place.workspace_id for place in routes.workspaces}
        if left:  # of those that the account has left itself, nobody can say what is there
            left &= {workspace.id for workspace in list_workspaces(database)}
        runs = [
            _Run(database, machine, positions, agent, selection, routes, left, on_progress)
            for agent in selection.agents
        ]
        return [result for run in runs for result in run.collect()]


@dataclass(slots=True)
class _Run:
    """Collection of one agent's logs."""

    database: Database
    machine: Machine
    positions: ReadPositions
    agent: Agent
    selection: Selection
    routes: Routes
    left_workspaces: Collection[str]  # collected into before, and by no rule any more
    on_progress: Progress

    def collect(self) -> list[SourceResult]:
        """Collect, and return the counts by workspace; none when the agent has no logs here."""
        agent = self.agent
        files = stat_logs(agent.find_files(self.machine.home, self.machine.environment))
        if not files:
            return []
        if self.selection.from_start:
            self.positions.start_again(agent.name)
        for workspace_id in self.left_workspaces:
            row = find_source(self._in_workspace(workspace_id), agent.name, self.machine.name)
            self.positions.forget_deleted(agent.name, workspace_id, row["id"] if row else None)
        sources = {place.workspace_id: self._open_source(place) for place in self.routes.workspaces}
        unread = self.positions.load_files(agent.name, files)
        accounts = self.machine.find_plan_accounts(agent)
        progress = ScanProgress(agent, unread, self.on_progress)
        for batch in _split_batches(unread):
            reads = read_logs(agent, batch, progress.add)
            events = self._sort(reads, accounts)
            for workspace_id, filed in events.sent.items():
                sources[workspace_id].save(filed)
            self._reject(reads, sources)
            default = sources[self.routes.default.workspace_id].result
            default.left_out += len(events.left_out)
            default.without_folder += len(events.without_folder)
            default.elsewhere += events.elsewhere
            self.positions.advance(agent.name, reads, events.by_workspace)
        results = [source.finish() for source in sources.values()]
        return [results[0], *(result for result in results[1:] if result.read)]

    def _in_workspace(self, workspace_id: str) -> Database:
        is_own = workspace_id == self.database.scope.workspace_id
        return self.database if is_own else self.database.in_workspace(workspace_id)

    def _open_source(self, place: Destination) -> MachineSource:
        database = self._in_workspace(place.workspace_id)
        row = find_source(database, self.agent.name, self.machine.name)
        payment = self.machine.find_payment(self.agent, row["metadata"].get("paid_by") if row else None)
        earliest = self.selection.earliest
        settings = {
            "paid_by": payment.paid_by,
            "plans": sorted(payment.plans),
            "since": earliest and earliest.isoformat(),
            "readers": READERS,
        }
        import_id = row["id"] if row else None
        self.positions.begin(self.agent.name, place.workspace_id, import_id, settings)

        def add() -> Row:
            added = add_source(database, self.agent.name, self.machine.name)
            self.positions.store_source(self.agent.name, place.workspace_id, added["id"], settings)
            return added

        result = SourceResult(self.agent.name, self.agent.title, place.workspace_id, place.workspace_name)
        return MachineSource(database, payment, result, row, add)

    def _sort(self, reads: Sequence[FileRead], accounts: Mapping[Path, str]) -> SortedEvents:
        """Sort the effective new statements since the earliest instant by where they go."""
        events = [
            event._replace(account=account) if account else event
            for read in reads
            for account in [account_of(read.file.path, accounts)]
            for event in read.events
        ]
        winners = self.agent.select_winners(events, self.positions.load_known(self.agent.name, events))
        earliest = self.selection.earliest
        recent = [event for event in winners if earliest is None or event.timestamp >= earliest]
        return sort_events(recent, self.routes, self.positions.load_workspaces(self.agent.name, recent))

    def _reject(self, reads: Sequence[FileRead], sources: Mapping[str, MachineSource]) -> None:
        """Count rejected lines where the other requests of their log go.

        Where that is unclear, and some folders are kept apart, the log's name stays on this machine.
        """
        for read in reads:
            routes = [self.routes.find(event.folder) for event in read.events]
            found = {route.workspace_id if isinstance(route, Destination) else LEFT_OUT for route in routes}
            workspace_id = found.pop() if len(found) == 1 else None
            if (read.rejected or read.unknown) and workspace_id != LEFT_OUT:
                is_clear = workspace_id is not None or not self.routes.keeps_apart
                name = f"{printable(read.file.path.name)}: " if is_clear else ""
                source = sources[workspace_id or self.routes.default.workspace_id]
                source.reject([f"{name}{reason}" for reason in read.reasons], read.rejected, read.unknown)


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
