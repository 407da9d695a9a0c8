"""OpenTelemetry's own SDK and exporter, while the server refuses it, or saves and does not say so."""

from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_api
from tests.api.conftest import MakeKey, settings_of
from tests.api.server import AppInThread
from tests.database_fixtures import Connection, Project

CALLS = 60


class Flaky:
    """A server that treats its first requests as it is told: `refuse` answers 503, `lose` saves before it."""

    def __init__(self, app: ASGIApp, *plan: str) -> None:
        self.app, self.plan, self.requests = app, list(plan), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.requests += 1
        treatment = self.plan.pop(0) if self.plan else "pass"
        if treatment == "lose":
            await self.app(scope, receive, _discard)
        if treatment != "pass":
            await Response("", 503, {"retry-after": "0"})(scope, receive, send)
            return
        await self.app(scope, receive, send)


async def _discard(_: object) -> None:
    return None


@pytest.fixture
def flaky(project: Project) -> Iterator[tuple[Flaky, AppInThread]]:
    app = Flaky(create_api(settings_of(project)).process(), "refuse", "lose", "pass", "lose")
    with AppInThread(app) as running:
        yield app, running


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.Deflate, Compression.NoCompression])
def test_real_exporter_loses_and_doubles_nothing_over_refusals(
    flaky: tuple[Flaky, AppInThread], make_key: MakeKey, database: Connection, compression: Compression
) -> None:
    app, server = flaky
    exporter = OTLPSpanExporter(
        f"{server.url}/v1/traces", headers={"authorization": f"Bearer {make_key()}"}, compression=compression
    )
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=CALLS // 2))
    tracer = provider.get_tracer("test")
    for number in range(CALLS):
        with tracer.start_as_current_span("checkout"), tracer.start_as_current_span("chat gpt-5") as span:
            span.set_attribute("gen_ai.operation.name", "chat")
            span.set_attribute("gen_ai.provider.name", "openai")
            span.set_attribute("gen_ai.response.model", "gpt-5")
            span.set_attribute("gen_ai.usage.input_tokens", number)
            span.set_attribute("gen_ai.usage.output_tokens", 1)
    provider.shutdown()
    assert not app.plan, "every treatment was met"
    saved = database.execute("select input_tokens from public.cost_records order by 1").fetchall()
    assert [tokens for (tokens,) in saved] == list(range(CALLS))
