"""Dimensions of records: which reach the metadata, from every documented attribute, and from each client."""

from dataclasses import replace
from datetime import UTC, datetime

from api.records import parse
from tally.agents.events import Event
from tally.agents.payment import Payment
from tally.agents.records import make_record as record_of_log
from tally.agents.registry import AGENTS
from tally.core.dimensions import DIMENSIONS, DimensionName
from tally.telemetry.decoding import decode_traces
from tally.telemetry.records import DESCRIBED, make_record
from tally.telemetry.vocabularies import keys, read_calls
from tally.telemetry.vocabularies.litellm_payload import read_payloads
from tests.every_case import every_case
from tests.tally.telemetry import captures
from tests.tally.telemetry.otlp import as_json, span, traces
from tests.tally.telemetry.test_vocabularies import CHAT, read_one

FIELDS = {name: {"customer": "end user", "prompt": "prompt name"}.get(name, name) for name in DIMENSIONS}
KEYS = [(name, key) for name, field in FIELDS.items() for key in keys.FIELDS[field]]
# The dimensions in what each client sends by itself, beyond what its user sets in the environment.
CAPTURED = {
    "claude-code-json": {"agent", "session"},
    "claude-code-proto-traces": {"agent", "session"},
    "codex-binary": {"agent", "session", "environment"},
    "copilot-http": {"agent", "session"},
    "gemini-http": {"agent", "session"},
    "node-ai7-json": {"agent"},
    "py-openai-agents-openinference": {"agent"},
    "node-langfuse-legacy": {"session", "task"},
    "opencode": {"agent", "session", "environment"},
    "py-litellm-langfuse_otel": {"session", "environment", "customer", "task"},
    "py-litellm-otel": {"environment", "customer"},
    "py-openinference": {"environment"},
    "py-pydantic-ai": {"agent", "session"},
}
EVENT = Event("r1", datetime(2026, 5, 4, tzinfo=UTC), "anthropic", "claude-sonnet-4-5", 10, 5)


@every_case([(name,) for name in captures.NAMES])
def test_dimensions_of_a_client_reach_its_records(name: str) -> None:
    found = {
        key for call in captures.choose(captures.load(name)).counted for key in make_record(call).metadata
    }
    reached = {of for of, dimension in DIMENSIONS.items() if found & set(dimension.keys)}
    assert reached == CAPTURED.get(name, set())


@every_case(KEYS)
def test_attribute_of_a_call_is_its_dimension(name: DimensionName, key: str) -> None:
    metadata = make_record(read_one(CHAT | {key: "blue"})).metadata
    assert metadata.get(DIMENSIONS[name].keys[0]) == "blue"


@every_case([(name, key) for name, key in KEYS if name not in ("tool", "prompt")])
def test_resource_sets_it_for_all_calls_of_a_program(name: DimensionName, key: str) -> None:
    request = traces(span(attributes=CHAT), **{"service.name": "shop", key: "blue"})
    (call,) = read_calls(decode_traces(as_json(request), is_json=True)).calls
    metadata = make_record(call).metadata
    assert metadata[DIMENSIONS[name].keys[0]] == "blue"
    assert "tags" not in metadata


def test_call_goes_before_its_program() -> None:
    request = traces(span(attributes=CHAT | {"task.name": "review"}), **{"task.name": "any"})
    (call,) = read_calls(decode_traces(as_json(request), is_json=True)).calls
    assert call.task == "review"


def test_other_keys_of_tasks_and_agents_are_tags() -> None:
    request = traces(span(attributes=CHAT), **{"task.kind": "night", "agent.version": "2"})
    (call,) = read_calls(decode_traces(as_json(request), is_json=True)).calls
    assert call.tags == {"task.kind": "night", "agent.version": "2"}


@every_case(
    [
        ("https://x-access-token:ghs_secret@github.com/org/repo.git", "org/repo"),
        ("git@github.com:org/repo.git", "org/repo"),
        ("/home/ada/repo", "repo"),
        ("org/repo", "org/repo"),
        ("repo", "repo"),
    ]
)
def test_repository_is_named_as_in_logs_and_without_credentials(value: str, name: str) -> None:
    assert read_one(CHAT | {"vcs.repository.url.full": value}).repository == name


def test_checkout_without_a_branch_has_none() -> None:
    assert read_one(CHAT | {"vcs.ref.head.name": "HEAD"}).branch == ""


@every_case([(agent.name,) for agent in AGENTS])
def test_log_of_an_agent_names_the_agent(agent: str) -> None:
    record = record_of_log(agent, replace_session(EVENT), Payment("api"))
    assert {"agent": agent, "session": "s1", "branch": "main"}.items() <= record.metadata.items()


def replace_session(event: Event) -> Event:
    return event._replace(session="s1", branch="main")


def test_gateway_names_the_tool_and_the_task() -> None:
    (payload,) = (
        b'{"id":"chatcmpl-12345678","model":"gpt-4o","endTime":1790000000.5,"prompt_tokens":1,"completion_tokens":1,'
        b'"metadata":{"mcp_tool_call_metadata":{"name":"search"},"requester_metadata":{"trace_name":"triage"}}}',
    )
    (call,) = read_payloads(payload).calls
    assert (call.tool, call.task) == ("search", "triage")


def test_json_of_tally_has_all_dimensions() -> None:
    told = {
        field: "blue" for field, key in DESCRIBED.items() if key in {of.keys[0] for of in DIMENSIONS.values()}
    }
    assert len(told) == len(DIMENSIONS)
    rows = ", ".join(f'"{field}": "{value}"' for field, value in told.items())
    body = (
        '{"records": [{"id": "chatcmpl-12345678", "timestamp": "2026-05-04T00:00:00Z", "provider": "openai", '
        f'"model": "gpt-4o", {rows}}}]}}'
    )
    (call,) = parse(body.encode())
    metadata = make_record(call).metadata
    assert {name for name, of in DIMENSIONS.items() if metadata.get(of.keys[0]) == "blue"} == set(DIMENSIONS)
    (named,) = parse(
        body.replace('"repository": "blue"', '"repository": "https://t:ghp_x@host/org/repo"').encode()
    )
    assert replace(named, repository="blue") == call
    assert named.repository == "org/repo"
