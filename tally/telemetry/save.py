"""Saving of telemetry: each call once, however many requests, instruments and sources tell of it.

The requests of a workspace are saved in one transaction, under a lock of its telemetry. What is known of the
same traces and requests is loaded, the choice is made among all of it, and what it changes is saved and taken
back. So the records depend on what was sent, not on its order, or how requests split it, and sending it again
changes nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from tally.api_keys.verification import Grant
from tally.core.records import CostRecord, InvalidRecord, file_under
from tally.ledger.save import Saved, save_records
from tally.storage.database import RETRY, DatabaseError, Unreachable
from tally.storage.postgres import PostgresDatabase
from tally.telemetry.calls import Call
from tally.telemetry.contents import Contents
from tally.telemetry.counting import choose_calls, parents_of
from tally.telemetry.enclosing import Names, SpanKey, Step, labels_of, merge_names, names_of_steps
from tally.telemetry.known_calls import (
    Row,
    make_foreign_links,
    make_links,
    make_marks,
    make_step_links,
    may_return,
    name_statement,
    name_trace,
    names_of,
    pack_call,
    unpack_call,
)
from tally.telemetry.records import make_record
from tally.telemetry.signals import Span
from tally.telemetry.sources import KeySource, open_source


@dataclass(frozen=True, slots=True)
class Sent:
    """The calls that one request told, and all of its spans.

    `parents` are those of spans that it told in another way, `steps` those of them that name what calls are
    inside of; `contents` is what was said, where that is kept.
    """

    grant: Grant
    calls: Sequence[Call]
    spans: Sequence[Span] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    contents: Contents = field(default_factory=dict)
    steps: Mapping[SpanKey, Step] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """Sentences about calls of one request that cannot be counted, or the error that refused all of it."""

    rejected: list[str] = field(default_factory=list)
    error: DatabaseError | None = None


class Counted(NamedTuple):
    """A source's record of a call, by its identity and time."""

    source_id: str
    key: str
    at: datetime


@dataclass(slots=True)
class _Statement:
    """One source's statement about a call; `senders` are the requests that told it, none of a known one."""

    id: str
    source: KeySource
    call: Call
    senders: list[int] = field(default_factory=list)
    is_known: bool = False
    before: Counted | None = None  # the record that it was in
    after: Counted | None = None  # the one that it is in now
    labels_before: Names | None = None  # those of that record
    labels_after: Names | None = None

    @property
    def is_changed(self) -> bool:
        """True where its record is another one, or has other names."""
        return self.before != self.after or self.labels_before != self.labels_after


def save_telemetry(
    connection: psycopg.Connection[Any], sent: Sequence[Sent], program: str = ""
) -> list[Outcome]:
    """Save requests of one workspace for the owners of their keys; raises Unreachable, then none is saved.

    The outcomes are in the order of the requests.
    """
    outcomes = [Outcome() for _ in sent]
    if not any(each.calls or each.spans or each.steps for each in sent):
        return outcomes

    def attempt() -> list[Outcome]:
        owner = PostgresDatabase(connection, sent[0].grant.user_id, sent[0].grant.workspace_id, program)
        with owner.transaction():
            return _Saving(connection, sent, program).run()

    return RETRY(lambda error: isinstance(error, Unreachable) and not connection.closed, attempt)


class _Saving:
    """One transaction."""

    def __init__(self, connection: psycopg.Connection[Any], sent: Sequence[Sent], program: str) -> None:
        self._connection, self._sent, self._program = connection, sent, program
        self._workspace = str(sent[0].grant.workspace_id)
        self._outcomes = [Outcome() for _ in sent]
        self._statements: dict[str, _Statement] = {}  # by identity
        self._sources: dict[str, KeySource] = {}  # by id
        self._parents = parents_of(span for each in sent for span in each.spans)
        for each in sent:
            self._parents |= each.parents
        steps = (item for each in sent for item in each.steps.items())
        self._names = merge_names(
            names_of_steps(span for each in sent for span in each.spans),
            ((span_id, step.names) for (_, span_id), step in steps),
        )

    def run(self) -> list[Outcome]:
        """Save, and return the outcome of each request."""
        for place, each in enumerate(self._sent):
            try:
                self._read(place, each)
            except Unreachable:
                raise
            except DatabaseError as error:
                self._outcomes[place].error = error
        accepted = [
            each for each, outcome in zip(self._sent, self._outcomes, strict=True) if outcome.error is None
        ]
        calls = [call for each in accepted for call in each.calls]
        links = make_links((span for each in accepted for span in each.spans), calls)
        links += [link for each in accepted for link in make_foreign_links(each.parents, each.calls)]
        links += [link for each in accepted for link in make_step_links(each.steps)]
        if not self._statements and not links:
            return self._outcomes
        marks = make_marks(calls)
        self._load_known(calls, links + marks)
        if not links and all(each.is_known for each in self._statements.values()):
            return self._outcomes
        self._save_choice(links + marks)
        return self._outcomes

    def _read(self, place: int, sent: Sent) -> None:
        """Add the statements of a request; makes the sources that are new."""
        database = self._database_of(str(sent.grant.user_id))
        sources = {
            service: open_source(database, sent.grant.key_id, service)
            for service in sorted({call.service for call in sent.calls})  # in one order: no deadlocks
        }
        for call in sent.calls:
            source = self._sources.setdefault(sources[call.service].id, sources[call.service])
            named = str(name_statement(source.id, call))
            self._statements.setdefault(named, _Statement(named, source, call)).senders.append(place)

    def _load_known(self, calls: Sequence[Call], links: Sequence[Row]) -> None:
        """Add what is known of the same traces and requests."""
        traces = {name_trace(call.trace_id) for call in calls if call.span_id}
        known = self._caller.call_private(
            "load_known_calls",
            tenant=self._workspace,
            traces=tuple(traces | {link["trace"] for link in links}),
            names=tuple({name for call in calls for name in names_of(call)}),
        )
        for row in known["calls"]:
            source = self._sources.setdefault(row["import_id"], KeySource.of(row))
            statement = self._statements.setdefault(
                row["id"], _Statement(row["id"], source, unpack_call(row["call"]))
            )
            statement.is_known = True
            if row["counted_key"]:
                at = datetime.fromisoformat(row["counted_at"])
                statement.before = Counted(source.id, row["counted_key"], at)
                statement.labels_before = Names(*row["labels"])
        for spans, parents, labels in known["links"]:
            self._parents |= {span: parent for span, parent in zip(spans, parents, strict=True) if parent}
            self._names = merge_names(self._names, ((span, Names(*names)) for span, names in labels.items()))

    def _save_choice(self, links: Sequence[Row]) -> None:
        """Choose among all statements, and make the records those of the choice."""
        statements = [each.call for each in self._statements.values()]
        chosen = choose_calls(statements, self._parents, self._names)
        by_call = {id(each.call): each for each in self._statements.values()}
        records: dict[KeySource, list[CostRecord]] = defaultdict(list)
        wanted: dict[Counted, bool] = {}  # with whether it is a request with an id
        named: dict[Counted, Names] = {}  # what changes; its records may be there already, by other names
        has_records = any(each.before for each in self._statements.values())
        for call, group in zip(chosen.counted, chosen.statements, strict=True):
            by_source = _by_source([by_call[id(each)] for each in group])
            for source, told in by_source:
                # Of several sources each keeps its own statement: one of them may be excluded or deleted.
                own = call if len(by_source) == 1 else _merge_own(call, told)
                record = self._make_record(source, own, told)
                if record is None:
                    continue
                counted = Counted(source.id, str(record.source_key), record.timestamp)
                wanted[counted] = record.request_id is not None
                for each in told:
                    each.after, each.labels_after = counted, labels_of(own)
                if any(each.before != counted for each in told):
                    records[source].append(record)
                if has_records and any(each.is_changed for each in told):
                    named[counted] = labels_of(own)
        if records:
            self._make_months([record for of_source in records.values() for record in of_source])
        failed = {source.id for source, of_source in records.items() if not self._save(source, of_source)}
        self._name(named, failed)
        self._take_back(wanted, failed)
        self._store(links, failed)

    def _make_record(self, source: KeySource, call: Call, told: Sequence[_Statement]) -> CostRecord | None:
        """The record of what one source tells of a call; None where it is refused."""
        try:
            return file_under(make_record(call, source.paid_by), source.project_id)
        except InvalidRecord as reason:
            self._reject(told, f"The call of {call.model or 'a model'} was refused: {reason}.")
            return None

    def _save(self, source: KeySource, records: Sequence[CostRecord]) -> bool:
        """Save a source's records; False where all are refused."""
        told: dict[Counted | None, list[_Statement]] = defaultdict(list)
        for each in self._statements.values():
            told[each.after].append(each)
        try:
            saved = save_records(self._database_of(source.user_id), records, source.id)
        except Unreachable:
            raise
        except DatabaseError as error:
            for record in records:
                for each in told[Counted(source.id, str(record.source_key), record.timestamp)]:
                    for place in each.senders:
                        self._outcomes[place].error = error
            return False
        for index, reason in saved.rejected:
            record = records[index]
            self._reject(told[Counted(source.id, str(record.source_key), record.timestamp)], reason)
        self._count(source, saved)
        return True

    def _count(self, source: KeySource, saved: Saved) -> None:
        self._database_of(source.user_id).call_private(
            "count_telemetry",
            source=source.id,
            imported=saved.inserted,
            repeated=saved.duplicate,
            restated=saved.restated,
            rejected=len(saved.rejected),
        )

    def _name(self, named: Mapping[Counted, Names], failed: Set[str]) -> None:
        """Give records the names that spans around their calls have told since they were saved."""
        labels = {each: names for each, names in named.items() if each.source_id not in failed}
        if labels:
            self._caller.call_private(
                "label_calls",
                tenant=self._workspace,
                keys=tuple(each.key for each in labels),
                at=tuple(each.at.isoformat() for each in labels),
                labels=[
                    {key: name for key, name in names._asdict().items() if name} for names in labels.values()
                ],
            )

    def _take_back(self, wanted: Mapping[Counted, bool], failed: Set[str]) -> None:
        """Delete records that are no longer those of a call that counts."""
        gone = {
            each.before
            for each in self._statements.values()
            if each.before and each.before not in wanted and each.before.source_id not in failed
        }
        if gone:
            self._caller.call_private(
                "take_back_calls",
                tenant=self._workspace,
                sources=tuple(each.source_id for each in gone),
                keys=tuple(each.key for each in gone),
                at=tuple(each.at.isoformat() for each in gone),
                kept=tuple(each.key for each, is_request in wanted.items() if is_request),
            )

    def _store(self, links: Sequence[Row], failed: Set[str]) -> None:
        """Keep the statements for further requests, as far as they were saved."""
        rows = [
            {
                "id": each.id,
                "import_id": each.source.id,
                "trace": name_trace(each.call.trace_id) if each.call.span_id else None,
                "names": names_of(each.call),
                "call": pack_call(each.call),
                "counted_key": each.after and each.after.key,
                "counted_at": each.after and each.after.at.isoformat(),
                "labels": each.labels_after,
            }
            for each in self._statements.values()
            if may_return(each.call)
            and each.source.id not in failed
            and (each.senders or each.is_changed)
            and (each.before or each.after or not each.call.is_sum)  # a session has many
        ]
        if rows or links:
            self._caller.call_private(
                "store_known_calls", tenant=self._workspace, calls=rows, links=list(links)
            )

    def _reject(self, told: Sequence[_Statement], reason: str) -> None:
        for place in sorted({place for each in told for place in each.senders}):
            self._outcomes[place].rejected.append(reason)

    def _make_months(self, records: Sequence[CostRecord]) -> None:
        """Make the months first: whoever makes one may wait for another who does, and must hold no lock."""
        months = {record.timestamp.date().replace(day=1) for record in records}
        self._caller.call("ensure_months", months=tuple(sorted(months)))

    @property
    def _caller(self) -> PostgresDatabase:
        place = next(place for place, outcome in enumerate(self._outcomes) if outcome.error is None)
        return self._database_of(str(self._sent[place].grant.user_id))

    def _database_of(self, user_id: str) -> PostgresDatabase:
        return PostgresDatabase(self._connection, user_id, self._workspace, self._program)


def _merge_own(call: Call, told: Sequence[_Statement]) -> Call:
    """The call as one source tells it, with all ids that are known of it, and its agent, tool and task.

    Whichever source's record is the event's, costs by agent are the same.
    """
    alike = [replace(each.call, request_ids=call.request_ids) for each in told]
    return replace(choose_calls(alike, {}).counted[0], **labels_of(call)._asdict())


def _by_source(told: Sequence[_Statement]) -> list[tuple[KeySource, list[_Statement]]]:
    """Statements by their source."""
    sources: dict[KeySource, list[_Statement]] = defaultdict(list)
    for each in told:
        sources[each.source].append(each)
    return list(sources.items())
