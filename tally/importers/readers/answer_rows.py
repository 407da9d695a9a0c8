"""Saved answers of models' APIs as rows: the usage that each tells, without prompts and texts.

An answer is OpenAI's chat completion, response or embeddings (which other makers' APIs imitate), Anthropic's
message, Gemini's generated content, or OpenRouter's statement about a generation. A line of a batch's results
has one inside, and so may a line of a log, beside a date.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Answer = Mapping[str, Any]

COLUMNS = (
    *(
        "answer",
        "id",
        "time",
        "model",
        "sent_by",
        "status",
        "is_batch",
        "tier",
        "speed",
        "inference_geo",
        "cost",
    ),
    *("input_tokens", "output_tokens", "cache_read", "cache_write", "cache_write_1h", "reasoning"),
    *("input_audio", "cached_audio", "output_audio", "web_searches"),
)
CHAT, RESPONSE, EMBEDDINGS, MESSAGE, GEMINI = "chat", "response", "embeddings", "message", "gemini"
CHAT_OBJECTS = ("chat.completion", "chat.completion.chunk", "text_completion")
INSIDE = ("response", "message", "completion", "body", "answer", "result")
TIMES = ("created", "created_at", "createTime", "createdAt", "timestamp", "date", "time")
MAX_BESIDE = 8  # keys beside an answer in a line of a log
# The columns of OpenRouter's activity export, and the keys of its statement about a generation.
GENERATION = {
    "generation_id": "id",
    "created_at": "created_at",
    "cost_total": "total_cost",
    "tokens_prompt": "native_tokens_prompt",
    "tokens_completion": "native_tokens_completion",
    "tokens_reasoning": "native_tokens_reasoning",
    "tokens_cached": "native_tokens_cached",
    "model_permaslug": "model",
    "provider_name": "provider_name",
    "cancelled": "cancelled",
}


def find_answer(value: object) -> dict[str, object] | None:
    """The row of a saved answer; None for anything else."""
    if not isinstance(value, dict):
        return None
    if kind := _find_kind(value):
        return _read(kind, value, {}, is_batch=False)
    generation = value.get("data")
    if isinstance(generation, dict) and generation.keys() >= {"id", "total_cost", "native_tokens_prompt"}:
        return {column: generation.get(key) for column, key in GENERATION.items()}
    is_line = len(value) <= MAX_BESIDE and not value.keys().isdisjoint(TIMES)
    for inner in _find_inside(value):
        kind = _find_kind(inner)
        is_batch = "custom_id" in value or ("key" in value and kind == GEMINI)
        if kind and (is_batch or is_line):
            return _read(kind, inner, value, is_batch)
    return None


def _find_inside(value: Answer) -> Iterator[Answer]:
    for key in INSIDE:
        inner = value.get(key)
        if isinstance(inner, dict):
            yield inner
            yield from (found for deeper in INSIDE if isinstance(found := inner.get(deeper), dict))


def _find_kind(value: Answer) -> str:
    written = value.get("object")
    if written in CHAT_OBJECTS and "choices" in value:
        return CHAT
    if written == "response" and "output" in value:
        return RESPONSE
    if written == "list" and "model" in value and isinstance(value.get("usage"), dict):
        return EMBEDDINGS
    if value.get("type") == "message" and value.get("role") == "assistant" and "content" in value:
        return MESSAGE
    return GEMINI if "usageMetadata" in value and ("candidates" in value or "modelVersion" in value) else ""


def _read(kind: str, answer: Answer, around: Answer, is_batch: bool) -> dict[str, object]:
    usage = _child(answer, "usageMetadata" if kind == GEMINI else "usage")
    counts = {MESSAGE: _count_message, GEMINI: _count_gemini}.get(kind, _count_openai)(usage)
    told = {
        "id": answer.get("id") or answer.get("responseId"),
        "time": next((found for key in TIMES if (found := answer.get(key) or around.get(key))), None),
        "model": answer.get("model") or answer.get("modelVersion"),
        "sent_by": _find_sender(answer),
        "status": answer.get("status"),
        "is_batch": "true" if is_batch else None,
        "tier": answer.get("service_tier") or usage.get("service_tier") or usage.get("trafficType"),
        "speed": usage.get("speed"),
        "inference_geo": usage.get("inference_geo"),
        "cost": _find_cost(usage),
    }
    return dict.fromkeys(COLUMNS) | {"answer": kind} | told | counts


def _find_cost(usage: Answer) -> object:
    """The cost that the answer tells; Perplexity's tells it in parts, and their sum."""
    cost = usage.get("cost")
    return cost.get("total_cost") if isinstance(cost, dict) else cost


def _find_sender(answer: Answer) -> str:
    """The sender, where it leaves a mark: others speak OpenAI's protocol, too."""
    if answer.get("system_fingerprint") == "fp_ollama":
        return "ollama"
    return "azure" if "prompt_filter_results" in answer else ""


def _count_openai(usage: Answer) -> dict[str, object]:
    of_input = _child(usage, "prompt_tokens_details") or _child(usage, "input_tokens_details")
    of_output = _child(usage, "completion_tokens_details") or _child(usage, "output_tokens_details")
    cached = (of_input.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"), usage.get("cached_tokens"))
    return {
        "input_tokens": _first(usage, "prompt_tokens", "input_tokens"),
        "output_tokens": _add_reasoning(usage, of_output),
        "cache_read": next((count for count in cached if count), None),
        "cache_write": of_input.get("cache_write_tokens"),
        "reasoning": of_output.get("reasoning_tokens"),
        "input_audio": of_input.get("audio_tokens"),
        "output_audio": of_output.get("audio_tokens"),
    }


def _add_reasoning(usage: Answer, of_output: Answer) -> object:
    """The output, with reasoning tokens that some makers count beside it: their total tells."""
    output, reasoning = _first(usage, "completion_tokens", "output_tokens"), of_output.get("reasoning_tokens")
    whole = _sum(_first(usage, "prompt_tokens", "input_tokens"), output, reasoning)
    is_beside = reasoning is not None and str(whole) == str(usage.get("total_tokens"))
    return _sum(output, reasoning) if is_beside else output


def _sum(*counts: object) -> object:
    """The sum of counts as text, or the first that is none, for the importer to reject."""
    texts = [str(count) for count in counts if count is not None]
    wrong = next((text for text in texts if not _is_count(text)), None)
    return str(sum(map(int, texts))) if wrong is None else wrong


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _count_message(usage: Answer) -> dict[str, object]:
    lifetimes = _child(usage, "cache_creation")
    return {
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cache_read": usage.get("cache_read_input_tokens"),
        "cache_write": usage.get("cache_creation_input_tokens"),
        "cache_write_1h": lifetimes.get("ephemeral_1h_input_tokens"),
        "web_searches": _child(usage, "server_tool_use").get("web_search_requests"),
    }


def _count_gemini(usage: Answer) -> dict[str, object]:
    """Thoughts are beside the output, prompts of tools beside the input."""
    return {
        "input_tokens": _sum(usage.get("promptTokenCount"), usage.get("toolUsePromptTokenCount")),
        "output_tokens": _sum(usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount")),
        "cache_read": usage.get("cachedContentTokenCount"),
        "reasoning": usage.get("thoughtsTokenCount"),
        "input_audio": _of_audio(usage.get("promptTokensDetails")),
        "cached_audio": _of_audio(usage.get("cacheTokensDetails")),
        "output_audio": _of_audio(usage.get("candidatesTokensDetails")),
    }


def _of_audio(details: object) -> object:
    listed = details if isinstance(details, list) else []
    parts = (part for part in listed if isinstance(part, dict) and part.get("modality") == "AUDIO")
    return next((part.get("tokenCount") for part in parts), None)


def _first(values: Answer, *keys: str) -> object:
    return next((values[key] for key in keys if values.get(key) is not None), None)


def _child(values: Answer, key: str) -> Answer:
    value = values.get(key)
    return value if isinstance(value, dict) else {}
