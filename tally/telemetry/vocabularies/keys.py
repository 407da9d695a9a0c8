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
# Metrics that tell what no event may tell; all others repeat spans and logs.
COUNTED_METRICS = frozenset({"claude_code.token.usage", "claude_code.cost.usage"})
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
    "user.id",
    "langfuse.user.id",
    "ai.telemetry.metadata.userId",
    "metadata.user_api_key_user_id",
)
END_USER: Keys = (
    "enduser.id",
    "end_user.id",
    "customer.id",
    "customer.name",
    "tenant.id",
    "enduser.pseudo.id",
    "llm.user",
    "metadata.user_api_key_end_user_id",
)
AGENT: Keys = ("gen_ai.agent.name", "agent.name", "agent_name", "llm.agent.name", "gen_ai.agent.id")
TASK: Keys = (
    "task.name",
    "tally.task",
    "gen_ai.task.name",
    "gen_ai.workflow.name",
    "traceloop.workflow.name",  # OpenLLMetry
    "langfuse.trace.name",
    "task.id",
    "gen_ai.task.id",
)
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
ERROR: Keys = ("error.type", "exception.type", "error_type")
HTTP_STATUS: Keys = ("http.response.status_code", "http.status_code", "status_code", "error.code")
DURATION_MS: Keys = ("duration_ms",)
DURATION_SECONDS: Keys = ("duration",)  # of Logfire's span about a stream
FIRST_TOKEN_MS: Keys = ("ttft_ms", "ai.response.msToFirstChunk", "gen_ai.server.time_to_first_token_ms")
FIRST_TOKEN_SECONDS: Keys = (
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.server.time_to_first_token",
)
PROJECT: Keys = ("project.name", "project", "tally.project", "langfuse.trace.metadata.project")
ENVIRONMENT: Keys = ("deployment.environment.name", "deployment.environment", "langfuse.environment", "env")
BRANCH: Keys = (
    "vcs.ref.head.name",
    "vcs.repository.ref.name",
    "git.branch",
    "github.copilot.git.branch",
)
REPOSITORY: Keys = (
    "vcs.repository.url.full",  # it names the owner, too
    "vcs.repository.name",
    "git.repository_url",  # Datadog
    "git.repository",
    "github.copilot.git.repository",
)
CONTAINER: Keys = (
    "container.name",
    "k8s.container.name",
    "k8s.deployment.name",
    "faas.name",
    "k8s.pod.name",
    "container.id",
)
PAID_WITH: Keys = ("auth_mode", "auth_type")
PROMPT_NAME: Keys = ("gen_ai.prompt.name", "langfuse.observation.prompt.name", "traceloop.prompt.key")
PROMPT_VERSION: Keys = (
    "gen_ai.prompt.version",
    "langfuse.observation.prompt.version",
    "llm.prompt_template.version",
    "traceloop.prompt.version",
)

# Of coding agents' own events; Claude Code's input does not contain what was cached.
AGENT_INPUT: Keys = ("input_token_count", "input_tokens")
AGENT_OUTPUT: Keys = ("output_token_count", "output_tokens")
AGENT_CACHE_READ: Keys = ("cached_token_count", "cached_content_token_count", "cache_read_tokens")
AGENT_CACHE_WRITE: Keys = ("cache_write_token_count", "cache_creation_tokens")
AGENT_REASONING: Keys = ("reasoning_token_count", "thoughts_token_count")
AGENT_TOOL_TOKENS: Keys = ("tool_token_count",)

# Field -> its keys.
FIELDS: dict[str, Keys] = {
    "provider": PROVIDER,
    "model": MODEL,
    "address": ("server.address", "gen_ai.openai.api_base"),
    "response id": RESPONSE_ID,
    "request id": REQUEST_ID,
    "input tokens": INPUT,
    "output tokens": OUTPUT,
    "cache reads": CACHE_READ,
    "cache writes": CACHE_WRITE,
    "one-hour cache writes": CACHE_WRITE_1H,
    "five-minute cache writes": CACHE_WRITE_5M,
    "reasoning tokens": REASONING,
    "agent input": AGENT_INPUT,
    "agent output": AGENT_OUTPUT,
    "agent cache reads": AGENT_CACHE_READ,
    "agent cache writes": AGENT_CACHE_WRITE,
    "agent reasoning": AGENT_REASONING,
    "tool tokens": AGENT_TOOL_TOKENS,
    "cost": COST,
    "session": SESSION,
    "person": PERSON,
    "end user": END_USER,
    "agent": AGENT,
    "task": TASK,
    "tool": TOOL,
    "operation": OPERATION,
    "kind": KIND,
    "AI SDK operation": (AI_SDK_OPERATION,),
    "tier": TIER,
    "speed": SPEED,
    "region": REGION,
    "error": ERROR,
    "HTTP status": HTTP_STATUS,
    "duration": DURATION_MS,
    "duration s": DURATION_SECONDS,
    "first token ms": FIRST_TOKEN_MS,
    "first token s": FIRST_TOKEN_SECONDS,
    "project": PROJECT,
    "environment": ENVIRONMENT,
    "branch": BRANCH,
    "repository": REPOSITORY,
    "container": CONTAINER,
    "prompt name": PROMPT_NAME,
    "prompt version": PROMPT_VERSION,
    "service": ("service.name",),
    "paid with": PAID_WITH,
}

# Paths in an object of usage, as providers and gateways write it.
USAGE_READ: Keys = (
    "cache_read_input_tokens",
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "cache_read",
)
USAGE_WRITE: Keys = (
    "cache_creation_input_tokens",
    "prompt_tokens_details.cache_creation_tokens",
    "prompt_tokens_details.cache_write_tokens",
    "cache_creation",
)
USAGE_1H: Keys = (
    "cache_creation.ephemeral_1h_input_tokens",
    "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    "ephemeral_1h_input_tokens",
)
USAGE_5M: Keys = (
    "cache_creation.ephemeral_5m_input_tokens",
    "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
    "ephemeral_5m_input_tokens",
)
USAGE_REASONING: Keys = (
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "reasoning",
)

# Keys whose last part names a tag, and keys of lists of tags.
TAG_PREFIXES = (
    "tally.tag.",
    "langfuse.trace.metadata.",
    "langfuse.observation.metadata.",
    "ai.telemetry.metadata.",
    "ai.settings.context.",
    "traceloop.association.properties.",
    "langsmith.metadata.",
    "trace.metadata.",
)
TAG_LISTS = ("langfuse.trace.tags", "tag.tags", "tags", "langsmith.span.tags", "metadata.tags")
# What SDKs add to every resource; other keys are chosen in OTEL_RESOURCE_ATTRIBUTES.
AUTOMATIC_RESOURCE = (
    *("service.", "telemetry.", "host.", "os.", "process.", "device.", "webengine.", "browser."),
    *("cloud.", "k8s.", "container.", "faas.", "aws.", "gcp.", "azure.", "deployment.", "logfire."),
    *("opencode.", "session.", "user.", "enduser.", "project.", "library.", "otel.", "model_id", "env"),
    *("vcs.", "git.", "langfuse.", "conversation.", "gen_ai.", "customer.", "end_user.", "project"),
)

# What a program may say for all its calls.
OF_PROGRAMS = frozenset(
    {
        *("session", "service", "person", "project", "end_user", "branch", "repository"),
        *("agent", "task"),
        *("environment", "container", "region"),
    }
)

# Operations and kinds of spans that sum up calls, or are none.
COUNTED_OPERATIONS = frozenset(
    {"chat", "generate_content", "text_completion", "completion", "embeddings", "responses"}
)
AGGREGATES = frozenset(
    {
        *("invoke_agent", "create_agent", "agent_step", "invoke_workflow", "plan", "execute_tool"),
        *("retrieval", "handle_responses"),
    }
)
COUNTED_KINDS = frozenset({"llm", "embedding", "generation", "completion", "chat"})
AI_SDK_AGGREGATES = frozenset(
    {
        *("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject"),
        *("ai.embed", "ai.embedMany", "ai.toolCall"),
    }
)
AGGREGATED_USAGE = "gen_ai.aggregated_usage.input_tokens"
# Beginnings of ids that instruments invent: they are none of the provider's.
INVENTED_IDS = ("aitxt-", "aiobj-", "run-", "lc_run-", "run--")

# Calls are counted by these: they are kept however many others an item has.
KNOWN = frozenset(
    {
        *(key for keys in FIELDS.values() for key in keys),
        *(LANGFUSE_USAGE, LANGFUSE_COST, LANGSMITH_INPUT, LANGSMITH_OUTPUT, LOGFIRE_USAGE, LITELLM_USAGE),
        *(AI_SDK_METADATA, AGGREGATED_USAGE),
    }
)
