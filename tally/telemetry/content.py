"""Attributes that hold what people and models said: they are dropped while a request is decoded.

Prompts, answers, instructions, arguments and results of tools, and what else may quote them: queries,
headers, addresses with parameters. Known keys of counts and costs go before the rule by words, which is
there for vocabularies that Tally does not know.
"""

import re

MAX_KEY = 200
# Counts and costs whose keys end like content: `llm.token_count.prompt`.
KEPT = (
    "llm.token_count.",
    "llm.cost.",
    "llm.usage.",
    "gen_ai.usage.",
    "gen_ai.cost.",
    "ai.usage.",
    "langfuse.observation.usage",
    "langfuse.observation.cost",
    "exception.",
)
NAMES = frozenset(
    {"gen_ai.prompt.name", "gen_ai.prompt.version", "gen_ai.prompt.id", "llm.prompt_template.version"}
)
PREFIXES = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "llm.input_messages",
    "llm.output_messages",
    "llm.prompts",
    "llm.completions",
    "llm.prompt_template",
    "llm.invocation_parameters",
    "llm.tools",
    "llm.functions",
    "llm.request.functions",
    "retrieval.documents",
    "reranker.",
    "embedding.embeddings",
    "embedding.invocation_parameters",
    "tool.parameters",
    "tool.json_schema",
    "input.",
    "output.",
    "ai.prompt",
    "ai.response.text",
    "ai.response.object",
    "ai.response.reasoning",
    "ai.response.files",
    "ai.response.toolCalls",
    "ai.toolCall.args",
    "ai.toolCall.result",
    "ai.value",
    "ai.embedding",
    "ai.schema",
    "ai.request.headers",
    "langfuse.observation.input",
    "langfuse.observation.output",
    "langfuse.observation.model.parameters",
    "langfuse.trace.input",
    "langfuse.trace.output",
    "langfuse.prompt.config",
    "traceloop.entity.input",
    "traceloop.entity.output",
    "traceloop.association.properties.messages",
    "pydantic_ai.all_messages",
    "all_messages_events",
    "logfire.msg",
    "logfire.json_schema",
    "logfire.metrics",
    "request_data",
    "response_data",
    "hidden_params",
    "process.command",
    "exception.stacktrace",
    "error.stack_trace",
    "user.email",  # people are told by ids
    "user.full_name",
    "gen_ai.agent.description",
    "url.full",
    "url.query",
    "http.url",
    "http.target",
    "db.query",
    "db.statement",
    "http.request.header",
    "http.response.header",
)
_WORDS = (
    r"prompts?|completions?|messages?|contents?|inputs?|outputs?|arguments?|args|parameters?|results?|responses?"
    r"|body|texts?|instructions?|statements?|queries|query|choices|tools|functions|definitions|documents"
    r"|events|commands?|stdout|stderr|headers?|cookies?|authorization|reasoning|thinking|transcripts?|kwargs"
    r"|embeddings?|vectors?|passwords?|secrets?|credentials?|(?:api|secret|private)_?keys?|(?:access|refresh|auth|bearer)_?tokens?"
)
# The last word of a key: `tool_input`, `genkit:output`, `mlflow.spanInputs`, `request.body`, `x.prompt.0`.
_CONTENT = re.compile(rf"(?:^|[^a-z])(?:{_WORDS})(?:[._:-](?:json|raw|value|values|[0-9]+))*$")
_HEADER = re.compile(r"(?:^|[._])headers?[._]")
# OpenInference tells the id of a response only within the response.
RESPONSE = "output.value"
RESPONSE_ID = "llm.response.id"


KEYS: dict[str, str] = {}  # keys that came before, as they are kept
MAX_KEYS = 20_000


def find_key(key: str) -> str:
    """The key as it is kept; empty where its value is content or it is no usable key."""
    if not 0 < len(key) <= MAX_KEY:
        return ""
    kept = "" if is_content(key) else "".join(character for character in key if character.isprintable())
    if len(KEYS) < MAX_KEYS:
        KEYS[key] = kept
    return kept


def is_content(key: str) -> bool:
    """Check whether the value under a key may quote a prompt, an answer or a secret."""
    if key in NAMES:
        return False
    if key.startswith(PREFIXES):
        return True
    if key.startswith(KEPT):
        return False
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()  # spanInputs
    return bool(_CONTENT.search(words) or _HEADER.search(words))


def is_content_event(name: str) -> bool:
    """Check whether an event of a span is a message: `gen_ai.user.message`, `gen_ai.choice`."""
    return name.startswith("gen_ai.") and name.endswith((".message", ".choice", ".prompt", ".completion"))
