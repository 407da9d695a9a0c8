"""Families of models with published weights, and of those without, by how their names start."""

import re

_OPEN = re.compile(
    r"gpt-oss|(?:code)?llama|gemma|mixtral|phi-[0-9]|open-(?:mistral|mixtral|codestral)|mistral-(?:7b|nemo|small-3)"
    r"|deepseek-(?:r1|v[23]|coder-v2)|qwen(?:1\.5|2|2\.5|3)-[0-9]|qwq-32b|kimi-k2|glm-4\.[5-7]|falcon|olmo|granite"
    r"|nemotron|starcoder|whisper|stable-diffusion|flux-1-(?:dev|schnell)|bge-|dbrx|devstral-small|minimax-m2"
)
_CLOSED = re.compile(
    r"claude|gpt-(?:3\.5|[4-9])|o[1-9](?:-|$)|chatgpt|gemini|dall-e|text-embedding|tts-|grok-[2-9]|sonar|nova-|titan"
    r"|imagen|veo-"
)


def has_open_weights(model: str) -> bool | None:
    """True for published weights, False for those kept, None where it is not known; by the canonical name."""
    name = model.rpartition("/")[2].lower()
    if _OPEN.match(name):
        return True
    return False if _CLOSED.match(name) else None
