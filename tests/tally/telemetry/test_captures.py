"""Requests of real clients: each call once, with the tokens and the cost that the provider served."""

import json

from tally.core.records import CostRecord
from tally.telemetry.counting import choose_calls
from tally.telemetry.records import make_record
from tests.every_case import every_case
from tests.tally.telemetry import captures
from tests.tally.telemetry.captures import Request
from tests.tally.telemetry.otlp import as_protobuf, from_protobuf

OTLP = [name for name in captures.NAMES if name not in ("node-langfuse-legacy", "py-litellm-generic")]
REPEATING = [name for name in captures.NAMES if captures.expected(name)["naive_input"]]


def records(requests: list[Request]) -> list[CostRecord]:
    return [make_record(call) for call in captures.choose(requests).counted]


def in_other_encoding(request: Request) -> Request:
    if request.signal == "metrics":
        return request
    if request.is_json:
        return request._replace(is_json=False, body=as_protobuf(json.loads(request.body)))
    return request._replace(is_json=True, body=from_protobuf(request.body, request.signal))


@every_case([(name,) for name in captures.NAMES])
def test_each_call_counts_once_as_it_was_served(name: str) -> None:
    counted = captures.choose(captures.load(name)).counted
    assert [captures.describe(call) for call in counted] == captures.expected(name)["calls"]


def test_all_captures_are_tested() -> None:
    assert len(captures.NAMES) == len(list(captures.FOLDER.iterdir())) - 1 == 20


@every_case([(name,) for name in REPEATING])
def test_sum_of_everything_is_not_the_usage(name: str) -> None:
    """These captures would be too easy without repetitions."""
    naive = sum(captures.sum_input(request) for request in captures.load(name))
    expected = captures.expected(name)
    assert naive == expected["naive_input"]
    assert naive > sum(call["input"] for call in expected["calls"])


@every_case([(name,) for name in OTLP])
def test_other_encoding_makes_the_same_records(name: str) -> None:
    """Codex's JSON is this of its protobuf."""
    requests = captures.load(name)
    assert records([in_other_encoding(request) for request in requests]) == records(requests)


@every_case([(name,) for name in captures.NAMES])
def test_what_is_sent_again_makes_the_same_records(name: str) -> None:
    requests = captures.load(name)
    assert records(requests + requests[::-1]) == records(requests)


@every_case([(name,) for name in REPEATING])
def test_choice_of_what_is_chosen_is_the_same(name: str) -> None:
    calls, parents, names = captures.read(captures.load(name))
    counted = choose_calls(calls, parents, names).counted
    assert choose_calls(counted, parents, names).counted == counted


def test_no_capture_keeps_what_was_said() -> None:
    said = ("Hello", "Say hello", "sunny", "You are a", "title generator", "weather?")
    for name in OTLP:
        for request in captures.load(name):
            kept = repr(request.decode())
            assert [text for text in said if text in kept] == []


@every_case([(name,) for name in OTLP])
def test_file_of_what_was_sent_names_the_same_calls(name: str) -> None:
    """So that importing it adds nothing."""
    requests = captures.load(name)
    told = captures.in_file(requests)
    sent = [record for record in records(requests) if record.tokens_used]
    assert {record.source_key: figures(record) for record in told} == {
        record.source_key: figures(record) for record in sent
    }


def figures(record: CostRecord) -> tuple[object, ...]:
    account = record.billing_account, record.cost_basis, record.request_id, record.timestamp
    names = (record.metadata.get(name) for name in ("agent", "tool", "task"))
    return record.provider, record.model_name, record.tokens_used, record.cost_usd, *account, *names
