"""Model families and who made them, by how their names start."""

import re
from functools import lru_cache

# Slug of the maker -> how names of its models start, in lower case with hyphens. Models that their maker does
# not sell by the request (open weights) have none.
FAMILIES: tuple[tuple[str, str], ...] = (
    ("", r"gpt-oss"),
    ("anthropic", r"claude|(?:opus|sonnet|haiku|fable|mythos)-[0-9]"),
    (
        "openai",
        r"gpt|chatgpt|o[1-9](?:-|$)|text-embedding-(?:3|ada)|text-davinci|davinci|whisper|dall-e|tts-|codex"
        r"|omni-moderation|computer-use",
    ),
    ("google", r"gemini|imagen|veo-|text-bison|text-embedding-00|embedding-001"),
    (
        "mistral",
        r"(?:open-|labs-)?(?:mistral|mixtral|codestral|ministral|pixtral|magistral|devstral|voxtral)",
    ),
    ("xai", r"grok"),
    ("deepseek", r"deepseek"),
    ("cohere", r"command|embed-|rerank"),
    ("perplexity", r"sonar|pplx"),
    ("zai", r"glm"),
    ("moonshot", r"kimi|moonshot"),
    ("minimax", r"minimax|m2-her"),
    ("alibaba", r"qwen|qwq|qvq"),
    ("xiaomi", r"mimo-"),
    ("cursor", r"composer-[0-9]"),
    ("", r"gemma|(?:meta-)?llama|phi-[0-9]|nova-|titan-|jamba"),
)


@lru_cache(10_000)
def find_family(name: str) -> tuple[str, str] | None:
    """Maker and family of a name in lower case with hyphens; None for a name of no known family."""
    for maker, names in FAMILIES:
        if found := re.match(names, name):
            return maker, found[0]
    return None
