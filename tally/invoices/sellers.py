"""Sellers of AI: which provider an invoice is of, and whether it is of usage, a plan or credits."""

import re

from tally.invoices.invoice import Kind

# Begins the seller's name -> the provider of its API, and that of its plans.
SELLERS = (
    ("anthropic", "anthropic", "claude-desktop"),
    ("openai", "openai", "chatgpt"),
    ("anysphere", "cursor", "cursor"),
    ("cursor", "cursor", "cursor"),
    ("github", "github-copilot", "github-copilot"),
    ("google", "google", "gemini-app"),
    ("mistral", "mistral", "mistral"),
    ("openrouter", "openrouter", "openrouter"),
    ("perplexity", "perplexity", "perplexity"),
    ("x.ai", "xai", "xai"),
    ("xai", "xai", "xai"),
    ("elevenlabs", "elevenlabs", "elevenlabs"),
    ("eleven labs", "elevenlabs", "elevenlabs"),
    ("midjourney", "midjourney", "midjourney"),
    ("replicate", "replicate", "replicate"),
    ("together", "together", "together"),
    ("fireworks", "fireworks", "fireworks"),
    ("groq", "groq", "groq"),
    ("cohere", "cohere", "cohere"),
    ("hugging face", "huggingface", "huggingface"),
    ("deepseek", "deepseek", "deepseek"),
    ("codeium", "windsurf", "windsurf"),
    ("exafunction", "windsurf", "windsurf"),
    ("windsurf", "windsurf", "windsurf"),
)
# Providers whose invoices are of plans where nothing tells what they are for.
OF_PLANS = frozenset(
    {"chatgpt", "claude-desktop", "cursor", "elevenlabs", "gemini-app", "github-copilot", "midjourney"}
    | {"perplexity", "windsurf"}
)
_CREDITS = re.compile(r"\bcredits?\b|\bprepa(?:id|yment)\b|\btop[- ]?up\b", re.I)
_PLAN = re.compile(
    r"\b(?:plan|plus|pro|max|ultra|team|business|enterprise|premium|standard|seats?|subscription)\b", re.I
)
_USAGE = re.compile(r"\b(?:usage|tokens?|api|requests?|overage|on-demand|metered)\b", re.I)


def guess_kind(text: str) -> Kind:
    """The kind of an invoice by the descriptions of its lines; a plan where they tell none."""
    return find_kind(text) or "subscription"


def find_kind(text: str) -> Kind | None:
    """The kind of an invoice that the descriptions of its lines tell."""
    if _CREDITS.search(text):
        return "credits"
    if _USAGE.search(text):
        return "usage"
    return "subscription" if _PLAN.search(text) else None


def guess_provider(seller: str, kind: Kind) -> str | None:
    """The provider's slug; None for a seller that is not known."""
    name = seller.casefold()
    for beginning, api, plans in SELLERS:
        if re.match(rf"{re.escape(beginning)}\b", name):
            return plans if kind == "subscription" else api
    return None
