"""Settings of services that do not run here, held against their documentation; and curl.

OpenRouter and the Claude API are on the internet, and no package has the OpenTelemetry Collector. A test
reads the settings as they do, and sends what they send.
"""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.api.test_otlp import JSON, as_json, call_span
from tests.clients.counted import CHAT, MESSAGE, load_counted
from tests.clients.machine import NEEDS_CURL, Machine
from tests.database_fixtures import Connection

CHAT_ATTRIBUTES = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.response.model": "gpt-4o",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.input_tokens": 1_200,
    "gen_ai.usage.output_tokens": 50,
    "gen_ai.usage.cache_read.input_tokens": 1_000,
}
MESSAGE_ATTRIBUTES = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.response.model": "claude-sonnet-4-5",
    "gen_ai.response.id": "msg_1",
    "anthropic.request.id": "req_1",
    "gen_ai.usage.input_tokens": 15_912,
    "gen_ai.usage.output_tokens": 340,
    "gen_ai.usage.cache_read.input_tokens": 15_000,
    "gen_ai.usage.cache_write.input_tokens": 900,
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 600,
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 300,
}
CHARGED = Decimal("0.0021")  # by OpenRouter


def fields_of(snippet: str) -> dict[str, str]:
    """The fields of a form, by their labels."""
    return {
        label: value.strip() for label, _, value in (line.partition(":") for line in snippet.splitlines())
    }


def export(base: str, headers: dict[str, str], attributes: dict[str, Any]) -> None:
    """Send a span as protobuf in gzip to the path of traces under an address."""
    exporter = OTLPSpanExporter(f"{base}/v1/traces", headers=headers, compression=Compression.Gzip)
    provider = TracerProvider(resource=Resource({"service.name": "elsewhere"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("call") as span:
        span.set_attributes(attributes)
    provider.shutdown()


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_openrouter_tests_the_connection_then_sends_json(
    machine: Machine, database: Connection, method: str
) -> None:
    form = fields_of(machine.snippet("openrouter"))
    client = httpx.Client(headers=json.loads(form["Headers"]) | {"content-type": JSON}, timeout=30)
    with client:
        tested = client.request(
            method, form["Endpoint"], content=b"{}", headers={"X-Test-Connection": "true"}
        )
        assert tested.status_code == 200
        charged = {"gen_ai.provider.name": "openrouter", "gen_ai.usage.total_cost": float(CHARGED)}
        span = call_span(**(CHAT_ATTRIBUTES | charged))  # type: ignore[arg-type]
        sent = client.request(method, form["Endpoint"], content=as_json(span))
        assert sent.status_code == 200
    [counted] = load_counted(database)
    assert counted[2:6] == CHAT[2:6]
    assert (counted.provider, counted.cost_usd) == ("openrouter", CHARGED)


def test_claude_api_appends_the_path_to_the_endpoint(machine: Machine, database: Connection) -> None:
    form = fields_of(machine.snippet("claude-api"))
    name, _, value = form["Header"].partition(":")
    export(form["Endpoint"], {name: value.strip()}, MESSAGE_ATTRIBUTES)
    assert load_counted(database) == [MESSAGE]


def test_collector_sends_the_pipelines_that_name_its_exporter(machine: Machine, database: Connection) -> None:
    settings = yaml.safe_load(machine.snippet("collector"))
    [(name, exporter)] = settings["exporters"].items()
    assert name.partition("/")[0] == "otlphttp"
    assert set(exporter) == {"endpoint", "headers"}  # documented; gzip and protobuf are the defaults
    pipelines = settings["service"]["pipelines"]
    assert set(pipelines) == {"traces", "logs"}  # metrics say nothing that these do not
    assert all(pipeline == {"exporters": [name]} for pipeline in pipelines.values())
    export(exporter["endpoint"], exporter["headers"], CHAT_ATTRIBUTES)
    assert load_counted(database) == [CHAT]


@NEEDS_CURL
@pytest.mark.parametrize("name", ["curl", "curl-otlp"])
def test_curl_sends_a_call(machine: Machine, database: Connection, name: str) -> None:
    said = machine.run(["sh", machine.write("work/send.sh", machine.snippet(name))])
    assert "{" in said
    assert load_counted(database) == [
        CHAT._replace(cached_input_tokens=0, cost_usd=(1_200 * Decimal("2.5") + 50 * 10) / 1_000_000)
    ]
