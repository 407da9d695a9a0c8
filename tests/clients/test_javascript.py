"""JavaScript libraries with the settings of the page Keys: each call is on Tally once."""

from tests.clients.counted import CHAT, UNDATED_MESSAGE, load_counted
from tests.clients.fake_provider import FakeProvider
from tests.clients.machine import Machine
from tests.database_fixtures import Connection

AI_SDK_CALLS = """
import { generateText, streamText } from "ai";
import { createAnthropic } from "@ai-sdk/anthropic";
import { openai } from "@ai-sdk/openai";

await generateText({ model: openai.chat("gpt-4o"), prompt: "Say hello" });
const anthropic = createAnthropic({ baseURL: process.env.ANTHROPIC_BASE_URL + "/v1" });
const stream = streamText({ model: anthropic("claude-sonnet-4-5"), prompt: "Say hello" });
for await (const _ of stream.textStream);
"""
LANGFUSE_SPANS = """
import { startObservation } from "@langfuse/tracing";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { NodeSDK } from "@opentelemetry/sdk-node";

const sdk = new NodeSDK({ spanProcessors: [new LangfuseSpanProcessor()] });
sdk.start();
const usageDetails = { input: 200, input_cached_tokens: 1000, output: 50 };
startObservation("told", { model: "gpt-4o", usageDetails }, { asType: "generation" }).end();
await sdk.shutdown();
"""
LANGFUSE_CALLS = """
import { Langfuse } from "langfuse";

const langfuse = new Langfuse();
const trace = langfuse.trace({ name: "story", userId: "ada", sessionId: "1" });
const usageDetails = {
  prompt_tokens: 1200,
  completion_tokens: 50,
  total_tokens: 1250,
  prompt_tokens_details: { cached_tokens: 1000 },
};
trace.generation({ name: "told", model: "gpt-4o", usageDetails }).end({ output: "Hello" });
await langfuse.shutdownAsync();
"""


def test_calls_of_the_ai_sdk_count_though_its_agents_repeat_them(
    machine: Machine, provider: FakeProvider, database: Connection
) -> None:
    machine.write("work/instrumentation.mjs", machine.snippet("ai-sdk"))
    machine.run_node("javascript", 'import "./instrumentation.mjs";\n' + AI_SDK_CALLS)
    assert sorted(provider.served) == ["chat gpt-4o", "messages claude-sonnet-4-5"]
    assert load_counted(database) == sorted([CHAT, UNDATED_MESSAGE])


def test_generations_of_the_older_langfuse_sdk_count(machine: Machine, database: Connection) -> None:
    machine.run_node("javascript", LANGFUSE_CALLS, machine.snippet("langfuse"))
    assert load_counted(database) == [CHAT]


def test_generations_of_the_langfuse_sdk_count(machine: Machine, database: Connection) -> None:
    machine.run_node("javascript", LANGFUSE_SPANS, machine.snippet("langfuse"))
    assert load_counted(database) == [CHAT]
