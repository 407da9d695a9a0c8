"""Saving the spans of requests as traces, beside the records of their calls."""

from collections import defaultdict
from collections.abc import Sequence

from api.database import PROGRAM, Connection
from tally.api_keys.verification import Grant
from tally.storage.database import DatabaseError, Unreachable
from tally.storage.postgres import PostgresDatabase
from tally.telemetry.save import Sent
from tally.telemetry.sources import open_source
from tally.traces.spans import describe_priced
from tally.traces.stored_span import StoredSpan, save_contents, save_spans

Result = list[str] | DatabaseError  # sentences about spans that were refused, or the error that refused all
Described = dict[str, list[StoredSpan]]  # by the service whose records they go with, "" for no records


def save_traces(connection: Connection, batch: Sequence[Sent]) -> list[Result]:
    """Save the spans of requests of one workspace; raises Unreachable, then all are to be sent again."""
    results: list[Result] = [[] for _ in batch]
    of_keys: defaultdict[Grant, list[int]] = defaultdict(list)
    for place, sent in enumerate(batch):
        if sent.spans:
            of_keys[sent.grant].append(place)
    for grant, places in of_keys.items():
        described = [_describe(batch[place]) for place in places]
        for place, result in zip(places, _save(connection, grant, described), strict=True):
            results[place] = result
        _save_contents(connection, grant, [batch[place] for place in places])
    return results


def _save(connection: Connection, grant: Grant, requests: Sequence[Described]) -> list[Result]:
    """Save requests of one key together, or each on its own where one has a fault: repeating is safe."""
    try:
        rejected = _save_together(connection, grant, requests)
    except Unreachable:
        raise
    except DatabaseError as error:
        if len(requests) == 1:
            return [error]
    else:
        if not rejected or len(requests) == 1:
            return [rejected for _ in requests]
    return [result for each in requests for result in _save(connection, grant, [each])]


def _save_together(connection: Connection, grant: Grant, requests: Sequence[Described]) -> list[str]:
    database = PostgresDatabase(connection, grant.user_id, grant.workspace_id, PROGRAM)
    project = None if grant.project_id is None else str(grant.project_id)
    rejected: list[str] = []
    for service in dict.fromkeys(service for each in requests for service in each):
        spans = [span for each in requests for span in each.get(service, [])]
        source = open_source(database, grant.key_id, service).id if service else None
        rejected += save_spans(database, spans, project, source).rejected
    return rejected


def _save_contents(connection: Connection, grant: Grant, requests: Sequence[Sent]) -> None:
    """Save what was said in spans that are saved; one that is not has no content."""
    contents = {span: said for each in requests for span, said in each.contents.items()}
    if contents:
        save_contents(PostgresDatabase(connection, grant.user_id, grant.workspace_id, PROGRAM), contents)


def _describe(sent: Sent) -> Described:
    """The spans of a request as they are stored, with their calls at the prices of their records."""
    calls = {(call.trace_id, call.span_id): call for call in sent.calls if call.span_id}
    services = {call.service for call in sent.calls}
    described: defaultdict[str, list[StoredSpan]] = defaultdict(list)
    for span in sent.spans:
        service = str(span.resource.get("service.name") or "")
        described[service if service in services else ""].append(
            describe_priced(span, calls.get((span.trace_id, span.span_id)))
        )
    return described
