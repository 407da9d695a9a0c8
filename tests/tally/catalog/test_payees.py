"""The provider that is paid follows the evidence, never the tool."""

import pytest

from tally.catalog.hosts import LOCAL, find_host
from tally.catalog.payees import find_payee
from tally.catalog.providers import PROVIDERS

CLAUDE = "claude-sonnet-4-5-20250929"


@pytest.mark.parametrize(
    ("model", "payee"),
    [
        (CLAUDE, "anthropic"),
        ("Claude Opus 4.7", "anthropic"),
        ("anthropic/claude-opus-4.5", "anthropic"),
        ("gpt-5.2-codex", "openai"),
        ("o3-mini", "openai"),
        ("ft:gpt-4o-mini-2024-07-18:org::id", "openai"),
        ("models/gemini-2.5-flash", "google"),
        ("Grok-4", "xai"),
        ("deepseek/deepseek-chat", "deepseek"),
        ("deepseek-v4-pro", "deepseek"),
        ("glm-5.1", "zai"),
        ("z-ai/glm-5.1", "zai"),
        ("kimi-k3", "moonshot"),
        ("MiniMax-M2.5", "minimax"),
        ("qwen3-coder-plus", "alibaba"),
        ("us.anthropic.claude-opus-4-5-v1:0", "aws-bedrock"),
        ("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws-bedrock"),
        ("bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws-bedrock"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "aws-bedrock"),
        ("amazon.nova-pro-v1:0", "aws-bedrock"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123", "aws-bedrock"),
        ("arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.anthropic.x", "aws-bedrock"),
        ("claude-sonnet-4-5@20250929", "google"),
        ("claude-sonnet-4-5@20250929[1m]", "google"),
        ("claude-opus-4-1@default[1m]", "google"),
        ("publishers/anthropic/models/claude-opus-4-6", "google"),
        ("vertex_ai/claude-opus-4-6", "google"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter"),
        ("accounts/fireworks/models/kimi-k2p6", "fireworks"),
        ("azure/my-deployment", "azure"),
        ("gpt-oss:20b", LOCAL),
        ("qwen3:8b-q4_K_M", LOCAL),
        ("llama3:latest", LOCAL),
        ("ollama/llama3", LOCAL),
        ("mistral-7b.Q4_K_M.gguf", LOCAL),
        ("gpt-oss:120b-cloud", "other"),
        ("gpt-oss-120b", ""),
        ("olive-7b", ""),
        ("unheard/of", ""),
        ("", ""),
    ],
)
def test_payee_is_found_by_the_name_of_the_model(model: str, payee: str) -> None:
    assert find_payee(model) == payee


@pytest.mark.parametrize(
    ("hint", "model", "payee"),
    [
        ("openai", "gpt-5.5", "openai"),
        ("openai", "a-model-of-next-year", "openai"),
        ("openai", "glm-5.1", "zai"),
        ("openai", "gpt-oss:20b", LOCAL),
        ("openai", "gpt-oss-120b", "other"),
        ("anthropic", "us.anthropic.claude-opus-4-5-v1:0", "aws-bedrock"),
        ("ollama", "gpt-oss:20b", LOCAL),
        ("oss", "gpt-oss-20b", LOCAL),
        ("lmstudio", "qwen/qwen3-coder-30b", LOCAL),
        ("LM Studio", "anything", LOCAL),
        ("llama.cpp", "gpt-5.5", LOCAL),
        ("hosted_vllm", "llama-3.3-70b", LOCAL),
        ("zai-coding-plan", "glm-5.1", "zai"),
        ("google-vertex-anthropic", CLAUDE, "google"),
        ("amazon-bedrock", CLAUDE, "aws-bedrock"),
        ("vertex_ai-anthropic_models", CLAUDE, "google"),
        ("gemini", "gemini-2.5-pro", "google"),
        ("azure", "gpt-5.5", "azure"),
        ("opencode", CLAUDE, "other"),
        ("my-proxy", "gpt-5.5", "openai"),
        ("my-proxy", "a-model-of-next-year", ""),
    ],
)
def test_provider_that_the_source_names_comes_first_if_it_can_be_paid(
    hint: str, model: str, payee: str
) -> None:
    assert find_payee(model, hint) == payee


@pytest.mark.parametrize(
    ("ids", "payee"),
    [
        (["msg_vrtx_01", "req_011C"], "google"),
        (["msg_01", "req_vrtx_01"], "google"),
        (["msg_bdrk_01"], "aws-bedrock"),
        (["gen-1234"], "openrouter"),
        (["msg_01abc", "req_011C"], "anthropic"),
        (["", "chatcmpl-1"], "anthropic"),
    ],
)
def test_ids_of_clouds_are_stronger_than_all_names(ids: list[str], payee: str) -> None:
    assert find_payee(CLAUDE, "anthropic", ids) == payee


def test_every_payee_is_a_provider() -> None:
    hints = ("ollama", "vertex_ai_beta", "bedrock_converse", "zai", "kimi-for-coding", "dashscope", "custom")
    assert {find_host(hint) for hint in hints} <= PROVIDERS.keys()
