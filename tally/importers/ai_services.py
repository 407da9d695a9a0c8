"""Services of clouds that sell usage of models, by their names in bills."""

import re

_NAMES = re.compile(
    r"openai|cognitive ?services|azure ai |foundry|applied ai|ai services"
    r"|vertex ai|gemini|generative (?:language|ai)\b|bedrock"
    r"|\b(?:claude|anthropic|mistral|deepseek|grok|llama|cohere)\b",
    re.IGNORECASE,
)


def is_ai(*names: str) -> bool:
    """Check whether one of a charge's names is of a service that sells usage of models."""
    return any(map(_NAMES.search, names))
