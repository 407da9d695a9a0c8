"""Metrics of Claude Code count where a session tells no events, once, until events or logs tell its calls."""

import json
from collections.abc import Iterator
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tally.telemetry.counting import choose_calls
from tally.telemetry.decoding import decode_metrics
from tally.telemetry.records import make_record
from tally.telemetry.vocabularies import read_calls
from tests.database_fixtures import Connection, Project
from tests.every_case import every_case
from tests.tally.telemetry import captures
from tests.tally.telemetry.captures import Request
from tests.tally.telemetry.senders import Sender, add_key
from tests.tally.telemetry.test_save import collect

CAPTURE = "claude-code-json"
[LOGS, METRICS] = captures.load(CAPTURE)
SERVED = (15_912, 340)


def metrics(**changes: Any) -> dict[str, Any]:
    """The captured metrics, with other values of some keys wherever they are."""

    def change(found: Any) -> Any:
        if isinstance(found, dict):
            return {key: changes.get(key, change(value)) for key, value in found.items()}
        return [change(each) for each in found] if isinstance(found, list) else found

    changed: dict[str, Any] = change(json.loads(METRICS.body))
    return changed


def request_of(told: dict[str, Any]) -> Request:
    return METRICS._replace(body=json.dumps(told).encode())


@pytest.fixture
def sender(project: Project, database: Connection, user: UUID) -> Iterator[Sender]:
    """Claude Code on a laptop."""
    with project.connect("tally_api") as connection:
        yield Sender(connection, database, add_key(database, user))


def tokens(sender: Sender) -> list[tuple[int, int]]:
    return [(record[2], record[3]) for record in sender.records()]


def test_sums_alone_are_the_usage_of_a_session() -> None:
    [call] = captures.choose([METRICS]).counted
    assert (call.input_tokens, call.output_tokens, call.cached_input_tokens) == (*SERVED, 15_000)
    [expected], described = captures.expected(CAPTURE)["calls"], captures.describe(call)
    assert {key: described[key] for key in captures.FACTS} == {key: expected[key] for key in captures.FACTS}
    assert make_record(call).request_count == 0, "their number is not told"


def test_captured_sums_since_the_start_never_count() -> None:
    requests = captures.load("claude-code-proto-traces")
    [told] = [request for request in requests if request.signal == "metrics"]
    assert captures.choose([told]).counted == []


def test_both_encodings_are_the_same() -> None:
    body = json_format.ParseDict(json.loads(METRICS.body), ExportMetricsServiceRequest()).SerializeToString()
    as_protobuf, as_json = decode_metrics(body, is_json=False), decode_metrics(METRICS.body, is_json=True)
    assert read_calls(as_protobuf).calls == read_calls(as_json).calls != []


@every_case([(temporality,) for temporality in [2, "AGGREGATION_TEMPORALITY_CUMULATIVE", 0, None]])
def test_sums_since_the_start_of_a_program_never_count(temporality: object) -> None:
    decoded = decode_metrics(json.dumps(metrics(aggregationTemporality=temporality)).encode(), is_json=True)
    assert (decoded.points, decoded.rejected) == ([], [])


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"asDouble": -1}, "no count"), ({"timeUnixNano": "1"}, "in 1970"), ({"asDouble": 1e300}, "refused")],
)
def test_impossible_sums_are_refused_with_a_sentence(changes: dict[str, Any], says: str) -> None:
    decoded = decode_metrics(json.dumps(metrics(**changes)).encode(), is_json=True)
    found = read_calls(decoded)
    assert found.calls == []
    assert any(says in sentence for sentence in [*decoded.rejected, *found.rejected])


def test_events_of_a_session_are_counted_in_place_of_its_sums() -> None:
    told = captures.read([METRICS, LOGS])
    choice = choose_calls(*told)
    assert [call.is_sum for call in choice.counted] == [False]
    assert [call.is_sum for call in choice.dropped] == [True]


@pytest.mark.parametrize("requests", [[METRICS, LOGS], [LOGS, METRICS]], ids=["sums first", "events first"])
def test_events_win_whenever_they_come(sender: Sender, requests: list[Request]) -> None:
    for request in [*requests, *requests[::-1]]:
        sender.send(request)
        assert tokens(sender) == [SERVED]
    of_sums = "select count(*) from public.cost_records where metadata ? 'channel'"
    assert sender.database.execute(of_sums).fetchall() == [(0,)]
    [[kept]] = sender.database.execute("select count(*) from private.telemetry_calls").fetchall()
    sender.send(request_of(metrics(timeUnixNano="1795832420534000000")))
    assert tokens(sender) == [SERVED], "nor do later sums count"
    assert sender.database.execute("select count(*) from private.telemetry_calls").fetchall() == [(kept,)]


def test_sums_of_each_period_count_once(sender: Sender) -> None:
    later = request_of(metrics(timeUnixNano="1795832420534000000", startTimeUnixNano="1795832410534000000"))
    for request in (METRICS, later, METRICS, later):
        sender.send(request)
    assert tokens(sender) == [SERVED, SERVED]


@pytest.mark.parametrize("order", list(permutations(("sums", "logs", "events"))), ids=" ".join)
def test_sums_events_and_the_agents_log_count_each_call_once(sender: Sender, order: tuple[str, ...]) -> None:
    calls = captures.choose([LOGS]).counted
    for source in (*order, *order):
        if source == "logs":
            collect(sender, "claude-code", calls)
        else:
            sender.send(METRICS if source == "sums" else LOGS)
        assert tokens(sender) == [SERVED], source
