"""The settings of each client, as a page and a command show them and as the tests run them."""

from tally.api_keys.snippet import Snippet
from tally.core.errors import TallyError

_PYTHON_EXPORT = """
# pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http {packages}
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

exporter = OTLPSpanExporter("@ENDPOINT@/v1/traces", headers={{"Authorization": "Bearer @KEY@"}})
provider = TracerProvider(resource=Resource.create({{"service.name": "my-app"}}))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)

{instrument}
"""

_ENVIRONMENT = """
export OTEL_EXPORTER_OTLP_ENDPOINT="@ENDPOINT@"
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer @KEY@"
"""

_CURL = """
curl -sS "@ENDPOINT@{path}" --fail-with-body \\
  -H "Authorization: Bearer @KEY@" \\
  -H "Content-Type: application/json" --data-binary @- <<EOF
{body}
EOF
"""

_IN_TRACES_OF_APP = "Where the app starts, before it calls a model"

SNIPPETS: tuple[Snippet, ...] = (
    Snippet(
        "claude-code",
        "Claude Code",
        "Coding agents",
        "~/.claude/settings.json, not the settings of a project; then restart Claude Code",
        """
{
  "env": {
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "@ENDPOINT@",
    "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer @KEY@"
  }
}
""",
        "json",
        "For a team, the same in managed-settings.json. Prompts and answers are not sent.",
    ),
    Snippet(
        "codex",
        "Codex CLI",
        "Coding agents",
        "~/.codex/config.toml",
        """
[otel]
log_user_prompt = false

[otel.exporter.otlp-http]
endpoint = "@ENDPOINT@/v1/logs"
protocol = "json"
headers = { Authorization = "Bearer @KEY@" }
""",
        "toml",
    ),
    Snippet(
        "gemini-cli",
        "Gemini CLI",
        "Coding agents",
        "The environment of the shell, such as ~/.profile",
        """
export GEMINI_TELEMETRY_ENABLED=true
export GEMINI_TELEMETRY_TARGET=local
export GEMINI_TELEMETRY_OTLP_PROTOCOL=http
export GEMINI_TELEMETRY_OTLP_ENDPOINT="@ENDPOINT@"
export GEMINI_TELEMETRY_LOG_PROMPTS=false
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer @KEY@"
""",
        note="Gemini CLI sends prompts unless GEMINI_TELEMETRY_LOG_PROMPTS is false.",
    ),
    Snippet(
        "copilot-cli",
        "Copilot CLI",
        "Coding agents",
        "The environment of the shell, such as ~/.profile",
        """
export COPILOT_OTEL_ENABLED=true
"""
        + _ENVIRONMENT.lstrip("\n"),
        note="COPILOT_OFFLINE turns it off.",
    ),
    Snippet(
        "opencode",
        "opencode",
        "Coding agents",
        'The environment of the shell, and "experimental": {"openTelemetry": true} in opencode.json',
        _ENVIRONMENT,
        note="opencode does not send all of its calls. `tally collect` reads all of them from its database.",
    ),
    Snippet(
        "otel-sdk",
        "OpenTelemetry SDK",
        "Libraries",
        "The environment of the app, in any language",
        """
export OTEL_SERVICE_NAME="my-app"
export OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
"""
        + _ENVIRONMENT.lstrip("\n").replace("Bearer ", "Bearer%20"),  # as the standard says
        note="OTEL_RESOURCE_ATTRIBUTES, such as project.name=shop, says where costs belong.",
    ),
    Snippet(
        "openinference",
        "OpenAI and Anthropic SDKs (OpenInference)",
        "Libraries",
        _IN_TRACES_OF_APP,
        _PYTHON_EXPORT.format(
            packages="openinference-instrumentation-openai openinference-instrumentation-anthropic",
            instrument="""from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()""",
        ),
        "python",
        'Streams tell their tokens with stream_options={"include_usage": True} alone.',
    ),
    Snippet(
        "openllmetry",
        "OpenAI and Anthropic SDKs (OpenLLMetry)",
        "Libraries",
        _IN_TRACES_OF_APP,
        _PYTHON_EXPORT.format(
            packages="opentelemetry-instrumentation-openai opentelemetry-instrumentation-anthropic",
            instrument="""from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()""",
        ),
        "python",
        "TRACELOOP_TRACE_CONTENT=false keeps prompts and answers out of the spans.",
    ),
    Snippet(
        "pydantic-ai",
        "pydantic-ai",
        "Libraries",
        _IN_TRACES_OF_APP,
        """
# pip install "pydantic-ai[logfire]"
import os

import logfire

os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "@ENDPOINT@"
os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = "Authorization=Bearer%20@KEY@"
logfire.configure(send_to_logfire=False, service_name="my-app")
logfire.instrument_pydantic_ai()
""",
        "python",
    ),
    Snippet(
        "langchain",
        "LangChain and LangGraph",
        "Libraries",
        _IN_TRACES_OF_APP,
        _PYTHON_EXPORT.format(
            packages="openinference-instrumentation-langchain",
            instrument="""from openinference.instrumentation.langchain import LangChainInstrumentor

LangChainInstrumentor().instrument()""",
        ),
        "python",
    ),
    Snippet(
        "ai-sdk",
        "Vercel AI SDK",
        "Libraries",
        "instrumentation.ts, or where the app starts",
        """
// npm install @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-http @ai-sdk/otel
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { OpenTelemetry } from "@ai-sdk/otel";
import { registerTelemetry } from "ai";

const traceExporter = new OTLPTraceExporter({
  url: "@ENDPOINT@/v1/traces",
  headers: { Authorization: "Bearer @KEY@" },
});
const sdk = new NodeSDK({ serviceName: "my-app", traceExporter });
sdk.start();
registerTelemetry(new OpenTelemetry());
process.once("beforeExit", () => sdk.shutdown());
""",
        "typescript",
        "Before version 7: not registerTelemetry, but experimental_telemetry: { isEnabled: true } in calls.",
    ),
    Snippet(
        "langfuse",
        "Langfuse SDKs",
        "Libraries",
        "The environment of the app, in place of Langfuse's own",
        """
export LANGFUSE_BASE_URL="@ENDPOINT@"
export LANGFUSE_BASEURL="@ENDPOINT@"
export LANGFUSE_HOST="@ENDPOINT@"
export LANGFUSE_PUBLIC_KEY="tally"
export LANGFUSE_SECRET_KEY="@KEY@"
""",
        note="Newer SDKs read LANGFUSE_BASE_URL, JavaScript 3 LANGFUSE_BASEURL, older Python LANGFUSE_HOST.",
    ),
    Snippet(
        "litellm-sdk",
        "LiteLLM SDK",
        "Gateways and services",
        _IN_TRACES_OF_APP,
        """
# pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
import os

import litellm

os.environ["LANGFUSE_OTEL_HOST"] = "@ENDPOINT@"
os.environ["LANGFUSE_PUBLIC_KEY"] = "tally"
os.environ["LANGFUSE_SECRET_KEY"] = "@KEY@"
litellm.callbacks = ["langfuse_otel"]
""",
        "python",
        "acompletion tells in the background: a program that ends with it should wait a second.",
    ),
    Snippet(
        "litellm-proxy",
        "LiteLLM proxy",
        "Gateways and services",
        "The proxy's config.yaml",
        """
litellm_settings:
  callbacks: ["tally"]
callback_settings:
  tally:
    callback_type: generic_api
    endpoint: @ENDPOINT@/v1/litellm
    headers:
      Authorization: Bearer @KEY@
    event_types: [llm_api_success, llm_api_failure]
    log_format: json_array
""",
        "yaml",
    ),
    Snippet(
        "openrouter",
        "OpenRouter Broadcast",
        "Gateways and services",
        "OpenRouter, Settings, Observability: a destination of the kind OpenTelemetry Collector",
        """
Endpoint: @ENDPOINT@/v1/traces
Headers:  {"Authorization": "Bearer @KEY@"}
""",
        None,
        "Sample 100% of the calls, or costs are missing. Privacy mode keeps prompts out.",
        is_on_internet=True,
    ),
    Snippet(
        "claude-api",
        "Claude API telemetry destination",
        "Gateways and services",
        "Claude Console, as an admin: a telemetry destination",
        """
Endpoint: @ENDPOINT@
Header:   Authorization: Bearer @KEY@
Content:  metadata only
""",
        None,
        "Port 443 and a host name; the console has a button that tests it.",
        is_on_internet=True,
    ),
    Snippet(
        "collector",
        "OpenTelemetry Collector",
        "Gateways and services",
        "The collector's configuration, beside its other exporters",
        """
exporters:
  otlphttp/tally:
    endpoint: @ENDPOINT@
    headers:
      Authorization: Bearer @KEY@
service:
  pipelines:
    traces:
      exporters: [otlphttp/tally]
    logs:
      exporters: [otlphttp/tally]
""",
        "yaml",
        "Add the exporter to the pipelines that there are. Sampled traces count too little.",
    ),
    Snippet(
        "curl",
        "curl with Tally's own JSON",
        "By hand",
        "A shell; the same from any language",
        _CURL.format(
            path="/v1/records",
            body="""\
{"records": [{
  "id": "test-$(date +%s)", "timestamp": "$(date -u +%Y-%m-%dT%H:%M:%SZ)", "service": "my-app",
  "provider": "openai", "model": "gpt-4o", "input_tokens": 1200, "output_tokens": 50
}]}""",
        ),
        note="With the provider's id of the response as `id`, a call counts once. Fields: /v1/openapi.json.",
    ),
    Snippet(
        "curl-otlp",
        "curl with OTLP as JSON",
        "By hand",
        "A shell; the same from any language",
        "\nnow=$(date +%s)"
        + _CURL.format(
            path="/v1/traces",
            body="""\
{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my-app"}}]},
  "scopeSpans": [{"spans": [{
    "traceId": "$(printf %032x $now)", "spanId": "$(printf %016x $now)", "name": "chat gpt-4o", "kind": 3,
    "startTimeUnixNano": "${now}000000000", "endTimeUnixNano": "${now}500000000",
    "attributes": [
      {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
      {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
      {"key": "gen_ai.response.model", "value": {"stringValue": "gpt-4o"}},
      {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 1200}},
      {"key": "gen_ai.usage.output_tokens", "value": {"intValue": 50}}
    ]
  }]}]
}]}""",
        ),
        note="Names of the attributes: OpenTelemetry's conventions for generative AI.",
    ),
)


def find_snippet(name: str) -> Snippet:
    """The settings of a client by its name; raises TallyError for another."""
    found = next((each for each in SNIPPETS if each.name == name.strip().lower()), None)
    if found is None:
        names = ", ".join(each.name for each in SNIPPETS)
        raise TallyError(f"There are no settings for “{name}”. Clients are: {names}.")
    return found
