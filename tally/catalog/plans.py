"""Subscription plans that cover what else an API is paid for."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

# API provider -> the provider of its subscription plan.
PLANS = {
    "anthropic": "claude-desktop",
    "openai": "chatgpt",
    "google": "gemini-app",
    "github-copilot": "github-copilot",
}


class Offer(NamedTuple):
    """A plan that a person can buy, with its list price in a month."""

    name: str
    usd: Decimal


# Of the agents that a plan covers, by agent and API provider, cheapest first.
OFFERS: Mapping[tuple[str, str], Sequence[Offer]] = {
    ("claude-code", "anthropic"): (
        Offer("Claude Max 5x", Decimal(100)),
        Offer("Claude Max 20x", Decimal(200)),
    ),
    ("codex", "openai"): (Offer("ChatGPT Plus", Decimal(20)), Offer("ChatGPT Pro", Decimal(200))),
}
