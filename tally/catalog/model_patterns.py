"""Patterns of model names, for names in lower case with hyphens."""

from datetime import date

_VENDORS = (
    "anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|moonshotai|moonshot|zai|minimax|google"
    "|nvidia|writer|xai"
)
# Amazon's ids of models and of inference profiles, which name a region first.
REGIONS = r"(?:us|us-gov|eu|jp|au|ca|sa|me|apac|global|regional)\."
BEDROCK = rf"(?:{REGIONS})?(?:{_VENDORS})\."
# Subscriptions, which are no models.
PLANS = r"claude-(?:pro|max|team|business|enterprise|code|desktop)|chatgpt|gemini-(?:advanced|ultra)"
# Prefixes that are not separated by a slash.
ROUTES = r"(?:databricks|anthropic|openai|google|meta|zai|z-ai)-"

_DATE = r"20[0-9]{2}(?:-[01][0-9]-[0-3][0-9]|[01][0-9][0-3][0-9])"
_EFFORT = r"(?:minimal|low|medium|high|xhigh|extra-high|max|none)(?:-effort|-reasoning)?"
_WITH_EFFORT = r"claude|gpt-[1-9]|codex|gemini|grok|o[1-9]|glm|composer"
_FAST = ("speed", "fast")
_PRIORITY = ("service_tier", "priority")

# Models whose names end like a suffix.
MODELS = (
    r"gpt-[0-9.]+-codex-max",
    r"gpt-4o-2024-05-13",  # cost more than later versions
    r"gemini-2\.5-flash-preview(?:-0[45]-[0-9]{2})?",  # cost less than its successor
    r"deepseek-v4.*-2026[0-9]{4}",  # of different prices
    r"deepseek-v4-flash-latest",
    r"glm-4\.6-20251208",  # OpenRouter's slug of 4.6V
    r"chatgpt-4o-latest",
    r"ministral-8b-latest",
    r"[^0-9]*-latest",  # a family without a version
)
# Families, a suffix at the end of their names, and the condition of the price that it stands for.
SUFFIXES: tuple[tuple[str, str, tuple[str, str] | None], ...] = (
    ("(?!qwen)", rf"[-@]{_DATE}", None),  # Qwen's dated versions have prices of their own
    ("", r"[-@:](?:latest|default)", None),
    ("(?!titan|claude-(?:v|instant))", r"-v?[0-9]+:[0-9]+", None),  # Amazon's versions
    ("claude|gpt-[5-9]|gemini", r"-(?:[1-9]m|200k)(?:-context)?(?:-window)?(?:-internal)?", None),
    (r"(?!qwen|gemini-2\.5-flash-preview)", r":thinking", None),
    ("", r":(?:beta|nitro|floor|exacto|online)", None),
    ("", r"[:-]batch", ("processing", "batch")),
    ("", r"[:-]flex", ("service_tier", "flex")),
    ("", r"[:-]priority", _PRIORITY),
    ("claude", r"-fast(?:-mode)?", _FAST),
    ("gpt-[1-9]", r"-fast(?:-mode)?", ("service_tier", "fast")),  # in Codex and Cursor
    ("claude|gpt-[1-9]|gemini|grok-[34]", r"-(?:thinking|thought)", None),
    (_WITH_EFFORT, rf"-{_EFFORT}", None),
    ("claude", r"-preview|-v[0-9]", None),
    ("gemini", r"-preview(?:-[0-9]{2}-20[0-9]{2}|-[0-9]{2}-[0-9]{2})?", None),
    ("gemini-[12]", r"-00[1-9]", None),
    ("grok-[0-9]", r"-beta", None),
    ("nova", r"-v[0-9]", None),
    ("(?!gemma)", r"-maas", None),  # other makers' on Google's Vertex AI
)
# Spellings at the start of a name, and the usual one.
SPELLINGS = (
    (r"(?=(?:opus|sonnet|haiku|fable|mythos)-[0-9])", "claude-"),
    (r"gpt-?35(?=-|$)", "gpt-3.5"),
    (r"gpt(?=[0-9])", "gpt-"),
    (r"(gpt-[4-9])-([0-9])(?=-[a-z]|$)", r"\1.\2"),
    (
        r"((?:glm|grok|gemini|llama|qwen|mistral-[a-z]+)-?[0-9]|deepseek-v[0-9])-([0-9])(?=-|$)",
        r"\1.\2",
    ),
    (r"gpt-5\.6$", "gpt-5.6-sol"),  # developers.openai.com, Models: the bare name is an alias of Sol
    (r"gemini-2\.5-flash-preview-(?:04-17|05-20)", "gemini-2.5-flash-preview"),
    (r"(gemini-.*)-preview(?=-tts$)", r"\1"),
    (r"grok-4-0709", "grok-4"),
    (r"deepseek\.(?=[rv][0-9])", "deepseek-"),
    (r"((?:deepseek|glm|kimi|minimax|qwen|llama)[a-z0-9-]*?[0-9])p(?=[0-9])", r"\1."),  # Fireworks' dots
    (r"meta-(?=llama)", ""),
    (r"llama-?v?(?=[0-9])", "llama-"),
)
_CLAUDE_FAMILY = r"(?P<family>opus|sonnet|haiku|fable|mythos)"
_CLAUDE_VERSION = r"(?P<major>[0-9]{1,2})(?:[.-](?P<minor>[0-9]{1,2}))?"
_CLAUDE_REST = r"(?P<rest>(?:[^0-9.].*)?)"
CLAUDE = (
    rf"claude-{_CLAUDE_FAMILY}-{_CLAUDE_VERSION}{_CLAUDE_REST}",
    rf"claude-{_CLAUDE_VERSION}-{_CLAUDE_FAMILY}{_CLAUDE_REST}",
)
# Aliases that a provider moves, and the model that each means from a day on, in order; empty where unknown.
# ai.google.dev/gemini-api/docs/changelog of 2025-09-25 and 2026-01-21; google-gemini/gemini-cli#20588 of
# 2026-03-06; `genai-prices` of 2026-10-14. Aliases that bills name, too (`deepseek-chat`), stay.
MOVING_ALIASES: dict[str, tuple[tuple[date, str], ...]] = {
    "gemini-flash-latest": (
        (date(2025, 9, 25), "gemini-2.5-flash"),
        (date(2026, 1, 21), "gemini-3-flash"),
        (date(2026, 5, 19), ""),  # since Gemini 3.5 Flash
        (date(2026, 10, 14), "gemini-3.8-flash"),
    ),
    "gemini-flash-lite-latest": (
        (date(2025, 9, 25), "gemini-2.5-flash-lite"),
        (date(2026, 3, 3), ""),  # since Gemini 3.1 Flash-Lite
        (date(2026, 10, 14), "gemini-3.5-flash-lite"),
    ),
    "gemini-pro-latest": ((date(2026, 1, 21), "gemini-3-pro"), (date(2026, 3, 6), "gemini-3.1-pro")),
}
