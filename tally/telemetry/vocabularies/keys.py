"""Attribute keys by their meaning, in every vocabulary; of several, the first that is present counts."""

from collections.abc import Sequence

Keys = Sequence[str]

PROVIDER: Keys = (
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "ai.model.provider",
    "provider_name",  # Codex
)
MODEL: Keys = (
    "gen_ai.response.model",
    "ai.response.model",
    "langfuse.observation.model.name",
    "llm.response.model_name",
    "llm.response.model",
    "llm.model_name",
    "embedding.model_name",
    "gen_ai.request.model",
    "ai.model.id",
    "llm.request.model_name",
    "llm.request.model",
    "model",
    "slug",
)
RESPONSE_ID: Keys = ("gen_ai.response.id", "ai.response.id", "llm.response.id")
REQUEST_ID: Keys = (
    "anthropic.request.id",
    "gen_ai.request.id",
    "openai.response.request_id",
    "request_id",
)
INPUT: Keys = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",  # of embeddings
    "llm.usage.prompt_tokens",
    "llm.usage.input_tokens",
)
OUTPUT: Keys = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "llm.usage.completion_tokens",
    "llm.usage.output_tokens",
)
CACHE_READ: Keys = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.input_tokens.cached",  # Sentry
    "gen_ai.usage.cached_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
    "llm.usage.cache_read_input_tokens",
)
CACHE_WRITE: Keys = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.input_tokens.cache_write",  # Sentry
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
    "llm.usage.cache_creation_input_tokens",
)
CACHE_WRITE_1H: Keys = (
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
    "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
    "gen_ai.usage.details.ephemeral_1h_input_tokens",
)
CACHE_WRITE_5M: Keys = (
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
    "gen_ai.usage.cache_creation.ephemeral_5m_input_tokens",
    "gen_ai.usage.details.ephemeral_5m_input_tokens",
)
REASONING: Keys = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",  # OpenLLMetry
    "gen_ai.usage.output_tokens.reasoning",  # OpenRouter, Sentry
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
)
COST: Keys = (
    "gen_ai.usage.cost",  # OpenLIT
    "gen_ai.usage.total_cost",  # OpenRouter, Latitude
    "gen_ai.cost.total_cost",  # LiteLLM
    "llm.cost.total",  # OpenInference
    "operation.cost",  # Logfire, pydantic-ai
    "cost_usd",  # Claude Code
)
# Objects that are written as text.
LANGFUSE_USAGE = "langfuse.observation.usage_details"
LANGFUSE_COST = "langfuse.observation.cost_details"
LANGSMITH_INPUT = "gen_ai.usage.input_token_details"
LANGSMITH_OUTPUT = "gen_ai.usage.output_token_details"
LOGFIRE_USAGE = "gen_ai.usage.raw"
LITELLM_USAGE = "metadata.usage_object"
AI_SDK_METADATA = "ai.response.providerMetadata"

SESSION: Keys = (
    "gen_ai.conversation.id",
    "session.id",
    "conversation.id",  # Codex
    "langsmith.trace.session_id",
    "langfuse.session.id",
    "ai.telemetry.metadata.sessionId",
    "thread.id",
)
PERSON: Keys = (
    "user.email",
    "user.id",
    "langfuse.user.id",
    "ai.telemetry.metadata.userId",
    "metadata.user_api_key_user_id",
    "metadata.user_api_key_alias",
)
END_USER: Keys = ("enduser.id", "end_user.id", "customer.id", "metadata.user_api_key_end_user_id")
AGENT: Keys = ("gen_ai.agent.name", "agent.name", "agent_name", "llm.agent.name", "gen_ai.agent.id")
TOOL: Keys = ("gen_ai.tool.name", "tool.name", "ai.toolCall.name")
OPERATION: Keys = ("gen_ai.operation.name",)
KIND: Keys = (
    "openinference.span.kind",
    "langfuse.observation.type",
    "traceloop.span.kind",
    "langsmith.span.kind",
)
AI_SDK_OPERATION = "ai.operationId"
TIER: Keys = (
    "gen_ai.openai.response.service_tier",
    "openai.response.service_tier",
    "anthropic.response.service_tier",
    "gen_ai.response.service_tier",
    "service_tier",
)
SPEED: Keys = ("anthropic.usage.speed", "speed")
REGION: Keys = ("cloud.region", "aws.region", "gen_ai.request.region")
ERROR: Keys = ("error.type", "exception.type")
HTTP_STATUS: Keys = ("http.response.status_code", "http.status_code", "status_code", "error.code")
DURATION_MS: Keys = ("duration_ms",)
FIRST_TOKEN_MS: Keys = ("ttft_ms", "ai.response.msToFirstChunk", "gen_ai.server.time_to_first_token_ms")
FIRST_TOKEN_SECONDS: Keys = (
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.server.time_to_first_token",
)
PROJECT: Keys = ("project.name", "project", "tally.project", "langfuse.trace.metadata.project")
ENVIRONMENT: Keys = ("deployment.environment.name", "deployment.environment", "langfuse.environment", "env")
BRANCH: Keys = ("vcs.ref.head.name", "git.branch", "github.copilot.git.branch")
REPOSITORY: Keys = ("vcs.repository.name", "vcs.repository.url.full", "github.copilot.git.repository")
PROMPT_NAME: Keys = ("gen_ai.prompt.name", "langfuse.observation.prompt.name", "traceloop.prompt.key")
PROMPT_VERSION: Keys = (
    "gen_ai.prompt.version",
    "langfuse.observation.prompt.version",
    "llm.prompt_template.version",
    "traceloop.prompt.version",
)

# Calls are counted by these: they are kept however many others an item has.
KNOWN = frozenset(
    {
        *(*PROVIDER, *MODEL, *RESPONSE_ID, *REQUEST_ID),
        *(*INPUT, *OUTPUT, *CACHE_READ, *CACHE_WRITE, *CACHE_WRITE_1H, *CACHE_WRITE_5M, *REASONING, *COST),
        *(LANGFUSE_USAGE, LANGFUSE_COST, LANGSMITH_INPUT, LANGSMITH_OUTPUT, LOGFIRE_USAGE, LITELLM_USAGE),
        *(AI_SDK_METADATA, AI_SDK_OPERATION, *SESSION, *OPERATION, *KIND, *TIER, *SPEED),
    }
)
