"""Python SDKs with the settings of the page Keys: each call is on Tally once."""

from decimal import Decimal

import pytest

from tests.clients.conftest import ReadSpend
from tests.clients.counted import CHAT, MESSAGE, RESPONSE, load_counted
from tests.clients.fake_provider import FakeProvider
from tests.clients.machine import Machine
from tests.database_fixtures import Connection

CALLS = """
import anthropic
import openai

messages = [{"role": "user", "content": "Say hello"}]
client = openai.OpenAI()
client.chat.completions.create(model="gpt-4o", messages=messages)
told = {"include_usage": True}
for _ in client.chat.completions.create(model="gpt-4o", messages=messages, stream=True, stream_options=told):
    pass
client.responses.create(model="gpt-5", input="Say hello")
anthropic.Anthropic().messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=messages)
"""
EACH_ONCE = sorted([CHAT, CHAT, RESPONSE, MESSAGE])


@pytest.mark.parametrize("name", ["openinference", "openllmetry"])
def test_calls_of_the_sdks_count_once_though_the_anthropic_sdk_tells_of_its_own_too(
    machine: Machine, provider: FakeProvider, database: Connection, read_spend: ReadSpend, name: str
) -> None:
    machine.run_python("sdks", machine.snippet(name) + CALLS)
    assert len(provider.served) == len(EACH_ONCE)
    assert load_counted(database) == EACH_ONCE
    assert read_spend() == sum(call.cost_usd for call in EACH_ONCE)


FROM_ENVIRONMENT = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
import anthropic

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
messages = [{"role": "user", "content": "Say hello"}]
anthropic.Anthropic().messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=messages)
"""


def test_an_app_with_opentelemetry_takes_the_settings_from_its_environment(
    machine: Machine, provider: FakeProvider, database: Connection
) -> None:
    machine.run_python("sdks", FROM_ENVIRONMENT, machine.snippet("otel-sdk"))
    assert provider.served == ["messages claude-sonnet-4-5"]
    assert load_counted(database) == [MESSAGE]


LANGFUSE_CALLS = """
from langfuse import get_client, observe
from langfuse.openai import openai

client = get_client()


@observe()
def tell():
    messages = [{"role": "user", "content": "Say hello"}]
    openai.OpenAI().chat.completions.create(model="gpt-4o", messages=messages)
    usage = {"input": 12, "output": 340, "cache_read_input_tokens": 15000}
    with client.start_as_current_observation(
        as_type="generation", name="told", model="claude-sonnet-4-5", usage_details=usage
    ):
        pass


tell()
client.flush()
"""
TOLD = MESSAGE._replace(input_tokens=15_012, cache_write_tokens=0, cost_usd=Decimal("0.009636"))


def test_calls_through_the_langfuse_sdk_and_those_told_to_it_count(
    machine: Machine, provider: FakeProvider, database: Connection
) -> None:
    machine.run_python("sdks", LANGFUSE_CALLS, machine.snippet("langfuse"))
    assert provider.served == ["chat gpt-4o"]
    assert load_counted(database) == sorted([CHAT, TOLD])
