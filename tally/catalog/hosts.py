"""Providers as logs, gateways and paths of models name them."""

from functools import lru_cache

from tally.catalog.providers import find_provider, normalise_name

LOCAL = "local"

# Slug -> names besides the catalogue's. Some mean something else here: `gemini` is Google's API, not its app.
_NAMES = {
    LOCAL: (
        "ollama, ollama chat, lmstudio, lm studio, vllm, hosted vllm, sglang, llamafile, xinference, oss"
        ", llama cpp, llamacpp, llama server, llama swap, localai, mlx, mlx lm, koboldcpp, jan, gpt4all"
        ", ramalama, docker model runner, text generation webui, localhost"
    ),
    "openai": "text completion openai, openai chat, openai responses, openai native",
    "anthropic": "anthropic text, anthropic messages, claude, claude code",
    "google": (
        "gemini, vertex ai beta, google vertex, google vertex anthropic, google gla, google generative ai"
        ", google antigravity, gcp gemini, gcp vertex ai, gcp gen ai, vertexai, vertex, gemini cli"
    ),
    "azure": (
        "azure text, azure cognitive services, azure ai openai, azure ai inference, az ai openai"
        ", az ai inference"
    ),
    "aws-bedrock": "bedrock converse, amazon bedrock, sagemaker, amazon bedrock mantle, bedrock mantle",
    "xai": "x ai",
    "mistral": "mistralai, codestral, mistral chat",
    "together": "together ai, togetherai",
    "fireworks": "fireworks ai",
    "cohere": "cohere chat",
    "zai": "z ai, zai org, zai coding plan, z ai coding plan, thudm",
    "zhipuai": "zhipuai coding plan, bigmodel",
    "moonshot": "moonshotai, moonshotai cn, kimi for coding, kimi, kimi code",
    "minimax": "minimax cn, minimaxai, minimax coding plan",
    "alibaba": "dashscope, qwen, qwencloud, qwen ai platform, alibaba cn, qwen code, alibaba coding plan",
    "xiaomi": "xiaomi mimo",
    "deepseek": "deepseek ai",
    "github-copilot": "github copilot, github models, github copilot enterprise",
    "other": "opencode, opencode zen, vercel, custom",
}
# Ends of servers' names, and who is paid there.
_ADDRESSES = {
    "openrouter.ai": "openrouter",
    "openai.azure.com": "azure",
    "ai.azure.com": "azure",
    "amazonaws.com": "aws-bedrock",
    "aiplatform.googleapis.com": "google",
    "api.groq.com": "groq",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
}
_HOSTS = {normalise_name(name): slug for slug, names in _NAMES.items() for name in names.split(", ")}


@lru_cache(10_000)
def find_host(name: str) -> str | None:
    """Slug of the provider that a log or a gateway calls by this name; None for an unknown one."""
    normal = normalise_name(name)
    if normal.startswith("vertex ai "):  # and a kind of models
        return "google"
    return _HOSTS.get(normal) or find_provider(normal)


@lru_cache(10_000)
def find_host_at(address: str) -> str:
    """Slug of the provider at a server's name or address; empty for others, which any provider may use."""
    server = address.partition("://")[2].partition("/")[0] or address.partition("/")[0]
    return next((slug for end, slug in _ADDRESSES.items() if server.endswith(end)), "")
