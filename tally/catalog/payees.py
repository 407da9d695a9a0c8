"""The provider that is paid for a request, from the evidence of a log, a gateway or a bill.

In this order: the prefix of the request's id, the provider that the source names, the route in the model's
name (`us.anthropic.`, `openrouter/`), and the maker of the model.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from tally.catalog.hosts import LOCAL, find_host
from tally.catalog.makers import find_family
from tally.catalog.model_patterns import BEDROCK
from tally.catalog.models import canonical_model

OTHER = "other"
# Prefixes of the ids of requests and messages.
ID_PREFIXES = {
    "msg_vrtx_": "google",
    "req_vrtx_": "google",
    "msg_bdrk_": "aws-bedrock",
    "req_bdrk_": "aws-bedrock",
    "gen-": "openrouter",
}
# Makers that sell no other makers' models. Sources also name them for anything that speaks their protocol.
OWN_MODELS_ONLY = frozenset(
    {"openai", "anthropic", "deepseek", "xai", "zai", "moonshot", "minimax", "xiaomi"}
)

_PREFIXES = tuple(ID_PREFIXES)
_AMAZON = rf"(?:{BEDROCK})(?=[a-z])|arn:aws[a-z-]*:(?:bedrock|sagemaker):|.*/(?:{BEDROCK})(?=[a-z])"
_GOOGLE = r"(?:.*/)?publishers/|claude-[a-z0-9.-]+@(?:20[0-9]{6}|default|latest)(?:\[[0-9a-z]+\])?$"
# Ollama's tags of a size, and files of weights: `gpt-oss:20b`, `qwen3:8b-q4_K_M`.
_LOCAL = r".+:(?:[0-9.]+[bm](?:-[a-z0-9_.-]+)?|latest|cloud)$|.*\.gguf$|hf\.co/"
_OLLAMA_CLOUD = r".+[:-]cloud$"  # of Ollama's own plans


def find_payee(model: str, hint: str = "", ids: Sequence[str] = ()) -> str:
    """Slug of the provider that is paid; empty where nothing is known.

    `hint` is the provider as the source names it, `ids` are those of the request and its answer.
    """
    for request_id in ids:
        if request_id.startswith(_PREFIXES):
            return next(payee for prefix, payee in ID_PREFIXES.items() if request_id.startswith(prefix))
    return _find_by_names(model, hint)


@lru_cache(100_000)
def _find_by_names(model: str, hint: str) -> str:
    name, named = model.strip().lower(), find_host(hint) if hint else None
    if named is None or named in OWN_MODELS_ONLY:
        if cloud := _find_cloud(name):
            return cloud
        named = named or _find_route(name)
    maker = find_maker(model)
    if named and (named not in OWN_MODELS_ONLY or maker in (None, named)):
        return named
    if re.match(_LOCAL, name):
        return OTHER if re.match(_OLLAMA_CLOUD, name) else LOCAL
    return maker or (OTHER if named else "")


def _find_cloud(name: str) -> str:
    """The cloud that spells names of models like this."""
    if re.match(_AMAZON, name):
        return "aws-bedrock"
    return "google" if re.match(_GOOGLE, name) else ""


def _find_route(name: str) -> str:
    """The provider before a model's name: `azure/`, `accounts/fireworks/`, `openai:`."""
    for separator in "/:":
        before, found, rest = name.partition(separator)
        if found and before in ("accounts", "models"):
            return _find_route(rest)
        if found and (host := find_host(before.lstrip("~"))):
            return host
    return ""


@lru_cache(10_000)
def find_maker(model: str) -> str | None:
    """Slug of the model's maker, empty for open weights, None for an unknown model."""
    family = find_family(canonical_model(model.removeprefix("ft:")))
    return family[0] if family else None
