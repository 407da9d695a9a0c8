"""Known providers and their aliases."""

import re
import unicodedata

# Slug -> display name; the database is seeded with these. Files may use any of a provider's names:
# "Claude" is the subscription, "Anthropic" or "Claude API" is the API.
PROVIDERS = {
    "anthropic": "Anthropic",
    "claude-desktop": "Claude",
    "openai": "OpenAI",
    "chatgpt": "ChatGPT",
    "google": "Google",
    "gemini-app": "Gemini",
    "mistral": "Mistral",
    "xai": "xAI",
    "deepseek": "DeepSeek",
    "groq": "Groq",
    "openrouter": "OpenRouter",
    "cursor": "Cursor",
    "github-copilot": "GitHub Copilot",
    "perplexity": "Perplexity",
    "azure": "Azure",
    "aws-bedrock": "Amazon Bedrock",
    "together": "Together AI",
    "fireworks": "Fireworks AI",
    "cohere": "Cohere",
    "elevenlabs": "ElevenLabs",
    "replicate": "Replicate",
    "midjourney": "Midjourney",
    "huggingface": "Hugging Face",
    "litellm": "LiteLLM",
    "helicone": "Helicone",
    "langfuse": "Langfuse",
    "windsurf": "Windsurf",
    "other": "Other",
    "zai": "Z.ai",
    "moonshot": "Moonshot AI",
    "minimax": "MiniMax",
    "alibaba": "Alibaba Cloud",
    "xiaomi": "Xiaomi",
    "zhipuai": "Zhipu AI",
    "cerebras": "Cerebras",
    "baseten": "Baseten",
    "novita": "Novita AI",
    "cloudflare": "Cloudflare",
    "databricks": "Databricks",
    "local": "Local models",
}

ALIASES = {
    "anthropic": ("anthropic api", "claude api", "anthropic claude", "anthropic console", "claude console"),
    "claude-desktop": ("claude ai", "claude app", "claude pro", "claude max", "claude team"),
    "openai": ("open ai", "openai api", "openai platform", "gpt"),
    "chatgpt": ("chat gpt", "chatgpt plus", "chatgpt pro", "chatgpt team", "chatgpt business"),
    "google": (
        "gemini",
        "gemini api",
        "google gemini",
        "google ai studio",
        "vertex ai",
        "google vertex ai",
        "gcp",
    ),
    "gemini-app": (
        "gemini app",
        "gemini advanced",
        "google ai pro",
        "google ai ultra",
        "google one ai premium",
    ),
    "mistral": ("mistral ai", "la plateforme"),
    "xai": ("x ai", "grok", "xai grok"),
    "groq": ("groqcloud", "groq cloud"),
    "openrouter": ("open router",),
    "cursor": ("cursor ai", "cursor com"),
    "github-copilot": ("copilot", "gh copilot"),
    "perplexity": ("perplexity ai", "pplx"),
    "azure": ("azure openai", "azure open ai", "microsoft azure", "azure ai", "azure ai foundry"),
    "aws-bedrock": ("aws", "bedrock", "aws bedrock", "amazon web services"),
    "together": ("togetherai",),
    "fireworks": ("fireworksai",),
    "elevenlabs": ("eleven labs",),
    "huggingface": ("hf",),
    "windsurf": ("codeium",),
    "zai": ("zai api", "z ai api"),
    "moonshot": ("moonshot", "kimi"),
    "alibaba": ("alibaba", "aliyun", "dashscope", "qwen"),
    "zhipuai": ("zhipu", "bigmodel"),
    "novita": ("novita",),
    "cloudflare": ("workers ai", "cloudflare workers ai"),
}


def normalise_name(text: str) -> str:
    """Name without case, width, spacing and punctuation: `X.AI` and `x-ai` are equal."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s._/-]+", " ", folded).strip()


_SLUGS = {
    normalise_name(name): slug
    for slug, display_name in PROVIDERS.items()
    for name in (slug, display_name, *ALIASES.get(slug, ()))
}


def find_provider(name: str) -> str | None:
    """Slug of a provider by any of its names, or None."""
    return _SLUGS.get(normalise_name(name))
