"""Prices of requests against tokens times published rates, worked out by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tally.pricing.list_prices import price
from tally.pricing.listed_models import PRICE_PROVIDERS
from tally.pricing.usage import Conditions, Tier, Usage
from tests.every_case import every_case

MILLION, THOUSAND = 1_000_000, 1_000
NOVEMBER = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Vector:
    """A request and its parts: tokens and their published rate per million."""

    provider: str
    model: str
    usage: Usage
    parts: tuple[tuple[int, str], ...]
    at: datetime = NOVEMBER
    tier: Tier = "request"
    context: tuple[tuple[str, str], ...] = ()

    @property
    def cost_usd(self) -> Decimal:
        """The sum of tokens times rate."""
        return sum((tokens * Decimal(rate) for tokens, rate in self.parts), Decimal(0)) / MILLION

    @property
    def parts_usd(self) -> list[Decimal]:
        """The cost of each class in ascending order; audio is priced as a whole."""
        if self.usage.input_audio_tokens or self.usage.output_audio_tokens:
            return [self.cost_usd]
        return sorted(tokens * Decimal(rate) / MILLION for tokens, rate in self.parts)

    def __str__(self) -> str:
        parts = [self.provider, self.model, f"{self.usage.input_tokens}+{self.usage.output_tokens}"]
        parts += [f"{self.at:%Y-%m-%dT%H:%M}"] if self.at != NOVEMBER else []
        parts += [value for _, value in self.context] + ([self.tier] if self.tier != "request" else [])
        return " ".join(parts)


def at(text: str) -> datetime:
    """A UTC time such as `2026-03-13 12:00`; a day means its noon."""
    return datetime.fromisoformat(text if " " in text else f"{text} 12:00").replace(tzinfo=UTC)


def searches(count: int) -> int:
    """Searches are priced by the thousand."""
    return count * MILLION // THOUSAND


BATCH = (("processing", "batch"),)
FLEX, PRIORITY = (("service_tier", "flex"),), (("service_tier", "priority"),)
FAST = (("speed", "fast"),)

# https://platform.claude.com/docs/en/about-claude/pricing
ANTHROPIC = [
    Vector("anthropic", "claude-opus-4-1-20250805", Usage(1_000, 500), ((1_000, "15"), (500, "75"))),
    Vector("anthropic", "claude-opus-4-5-20251101", Usage(80_000, 2_000), ((80_000, "5"), (2_000, "25"))),
    Vector("anthropic", "claude-3-opus-20240229", Usage(4_000, 100), ((4_000, "15"), (100, "75"))),
    Vector("anthropic", "claude-3-5-haiku-20241022", Usage(9_000, 900), ((9_000, "0.80"), (900, "4"))),
    Vector("anthropic", "claude-haiku-4-5-20251001", Usage(9_000, 900), ((9_000, "1"), (900, "5"))),
    # A read, 5-minute and 1-hour writes: disjoint classes of one input.
    Vector(
        "anthropic",
        "claude-sonnet-4-20250514",
        Usage(10_000, 500, cached_input_tokens=6_000),
        ((4_000, "3"), (6_000, "0.30"), (500, "15")),
    ),
    Vector(
        "anthropic",
        "claude-sonnet-4-20250514",
        Usage(10_000, 500, 6_000, cache_write_tokens=3_000),
        ((1_000, "3"), (6_000, "0.30"), (3_000, "3.75"), (500, "15")),
    ),
    Vector(
        "anthropic",
        "claude-sonnet-4-20250514",
        Usage(10_000, 500, 6_000, 3_000, cache_write_1h_tokens=3_000),
        ((1_000, "3"), (6_000, "0.30"), (3_000, "6"), (500, "15")),
    ),
    Vector(
        "anthropic",
        "claude-opus-4-5",
        Usage(100_000, 1_000, 60_000, 30_000, cache_write_1h_tokens=20_000),
        ((10_000, "5"), (60_000, "0.50"), (10_000, "6.25"), (20_000, "10"), (1_000, "25")),
    ),
    Vector(
        "anthropic",
        "claude-haiku-4-5",
        Usage(50_000, 10, 40_000, 5_000, 1_000),
        ((5_000, "1"), (40_000, "0.10"), (4_000, "1.25"), (1_000, "2"), (10, "5")),
    ),
    # 3 Haiku's writes are published as 0.30, not as 1.25 times its input.
    Vector(
        "anthropic",
        "claude-3-haiku-20240307",
        Usage(30_000, 100, 10_000, 10_000),
        ((10_000, "0.25"), (10_000, "0.03"), (10_000, "0.30"), (100, "1.25")),
    ),
    # More than 200,000 input tokens, cached ones included, raise the price of the whole request.
    Vector("anthropic", "claude-sonnet-4-5", Usage(200_000, 1_000), ((200_000, "3"), (1_000, "15"))),
    Vector("anthropic", "claude-sonnet-4-5", Usage(200_001, 1_000), ((200_001, "6"), (1_000, "22.50"))),
    Vector(
        "anthropic",
        "claude-sonnet-4-5",
        Usage(200_001, 1_000, 150_000, 50_000, cache_write_1h_tokens=20_000),
        ((1, "6"), (150_000, "0.60"), (30_000, "7.50"), (20_000, "12"), (1_000, "22.50")),
    ),
    # Sums of requests, with their tier from the export or unknown.
    Vector("anthropic", "claude-sonnet-4-5", Usage(900_000, 10), ((900_000, "3"), (10, "15")), tier="short"),
    Vector("anthropic", "claude-sonnet-4-5", Usage(9_000, 10), ((9_000, "6"), (10, "22.50")), tier="long"),
    # The long-context premium of the 4.6 models ended on 2026-03-13.
    Vector(
        "anthropic", "claude-opus-4-6", Usage(200_001, 9), ((200_001, "10"), (9, "37.50")), at("2026-03-12")
    ),
    Vector("anthropic", "claude-opus-4-6", Usage(200_001, 9), ((200_001, "5"), (9, "25")), at("2026-03-13")),
    Vector("anthropic", "claude-sonnet-4-6", Usage(200_001), ((200_001, "6"),), at("2026-03-12 23:59")),
    Vector("anthropic", "claude-sonnet-4-6", Usage(200_001), ((200_001, "3"),), at("2026-03-13 00:00")),
    # Batches cost half in every class; they did before the price list had a batch price.
    Vector(
        "anthropic",
        "claude-haiku-4-5",
        Usage(50_000, 1_000, 40_000, 5_000, 1_000),
        ((5_000, "0.50"), (40_000, "0.05"), (4_000, "0.625"), (1_000, "1"), (1_000, "2.50")),
        context=BATCH,
    ),
    Vector(
        "anthropic",
        "claude-sonnet-4-5",
        Usage(200_001, 100),
        ((200_001, "3"), (100, "11.25")),
        context=BATCH,
    ),
    Vector(
        "anthropic",
        "claude-opus-4-5",
        Usage(1_000, 1_000),
        ((1_000, "2.50"), (1_000, "12.50")),
        at("2026-01-05"),
        context=BATCH,
    ),
    Vector("anthropic", "claude-sonnet-4-5", Usage(web_searches=10), ((searches(10), "10"),)),
    Vector(
        "anthropic",
        "claude-opus-5",
        Usage(1_000, 1_000, 500),
        ((500, "10"), (500, "1"), (1_000, "50")),
        context=FAST,
    ),
    # Usage covered by a plan is worth the API's price.
    Vector("claude-desktop", "claude-sonnet-4-5", Usage(7_000, 70), ((7_000, "3"), (70, "15"))),
]

# https://platform.openai.com/docs/pricing; reasoning is output
OPENAI = [
    Vector("openai", "gpt-4o-2024-08-06", Usage(1_000, 100), ((1_000, "2.50"), (100, "10"))),
    Vector("openai", "gpt-4o", Usage(10_000, 500, 8_000), ((2_000, "2.50"), (8_000, "1.25"), (500, "10"))),
    Vector(
        "openai", "gpt-4o-mini", Usage(10_000, 500, 8_000), ((2_000, "0.15"), (8_000, "0.075"), (500, "0.60"))
    ),
    Vector("openai", "gpt-4.1", Usage(10_000, 500, 8_000), ((2_000, "2"), (8_000, "0.50"), (500, "8"))),
    Vector("openai", "gpt-4.1-mini", Usage(10_000, 500), ((10_000, "0.40"), (500, "1.60"))),
    Vector("openai", "gpt-4-turbo", Usage(1_000, 1_000), ((1_000, "10"), (1_000, "30"))),
    Vector("openai", "gpt-4", Usage(1_000, 1_000), ((1_000, "30"), (1_000, "60"))),
    Vector("openai", "gpt-3.5-turbo", Usage(1_000, 1_000), ((1_000, "0.50"), (1_000, "1.50"))),
    Vector("openai", "o1", Usage(1_000, 20_000, 400), ((600, "15"), (400, "7.50"), (20_000, "60"))),
    Vector("openai", "o3-mini", Usage(1_000, 9_000, 500), ((500, "1.10"), (500, "0.55"), (9_000, "4.40"))),
    Vector("openai", "o4-mini", Usage(1_000, 9_000, 400), ((600, "1.10"), (400, "0.275"), (9_000, "4.40"))),
    Vector("openai", "gpt-5", Usage(10_000, 500, 8_000), ((2_000, "1.25"), (8_000, "0.125"), (500, "10"))),
    Vector(
        "openai", "gpt-5-mini", Usage(10_000, 500, 8_000), ((2_000, "0.25"), (8_000, "0.025"), (500, "2"))
    ),
    Vector("openai", "gpt-5-nano", Usage(10_000, 500), ((10_000, "0.05"), (500, "0.40"))),
    Vector("openai", "gpt-5.2", Usage(9_000, 900, 3_000), ((6_000, "1.75"), (3_000, "0.175"), (900, "14"))),
    Vector("openai", "text-embedding-3-small", Usage(80_000), ((80_000, "0.02"),)),
    Vector("openai", "text-embedding-3-large", Usage(80_000), ((80_000, "0.13"),)),
    # o3 became cheaper on 2025-06-10; earlier usage keeps its price.
    Vector("openai", "o3", Usage(1_000, 2_000), ((1_000, "10"), (2_000, "40")), at("2025-06-09 23:59:59")),
    Vector("openai", "o3", Usage(1_000, 2_000), ((1_000, "2"), (2_000, "8")), at("2025-06-10 00:00")),
    Vector(
        "openai",
        "o3",
        Usage(1_000, 2_000, 600),
        ((400, "10"), (600, "2.50"), (2_000, "40")),
        at("2025-06-09"),
    ),
    Vector("openai", "o3", Usage(1_000, 2_000, 600), ((400, "2"), (600, "0.50"), (2_000, "8"))),
    # Input beyond 272,000 tokens doubles the input's price and adds half to the output's.
    Vector("openai", "gpt-5.4", Usage(272_000, 1_000), ((272_000, "2.50"), (1_000, "15"))),
    Vector("openai", "gpt-5.4", Usage(272_001, 1_000), ((272_001, "5"), (1_000, "22.50"))),
    Vector(
        "openai",
        "gpt-5.5",
        Usage(300_000, 1_000, 250_000),
        ((50_000, "10"), (250_000, "1"), (1_000, "45")),
    ),
    Vector("openai", "gpt-5.5", Usage(5_000_000, 10), ((5_000_000, "5"), (10, "30")), tier="unknown"),
    Vector("openai", "gpt-5", Usage(9_000, 900), ((9_000, "0.625"), (900, "5")), context=FLEX),
    Vector(
        "openai",
        "gpt-5",
        Usage(9_000, 900, 3_000),
        ((6_000, "2.50"), (3_000, "0.25"), (900, "20")),
        context=PRIORITY,
    ),
    Vector("openai", "o3", Usage(9_000, 900), ((9_000, "1"), (900, "4")), context=FLEX),
    Vector("openai", "gpt-4o", Usage(9_000, 900), ((9_000, "1.25"), (900, "5")), context=BATCH),
    Vector("openai", "gpt-5.4", Usage(272_001, 10), ((272_001, "2.50"), (10, "11.25")), context=BATCH),
    Vector(
        "openai", "gpt-4.1", Usage(9_000, 900), ((9_000, "1"), (900, "4")), at("2025-09-01"), context=BATCH
    ),
    Vector("chatgpt", "gpt-5-codex", Usage(9_000, 900), ((9_000, "1.25"), (900, "10"))),
]

# https://ai.google.dev/gemini-api/docs/pricing; thinking is output
GOOGLE = [
    Vector("google", "gemini-2.5-pro", Usage(200_000, 1_000), ((200_000, "1.25"), (1_000, "10"))),
    Vector("google", "gemini-2.5-pro", Usage(200_001, 1_000), ((200_001, "2.50"), (1_000, "15"))),
    Vector(
        "google",
        "gemini-2.5-pro",
        Usage(250_000, 1_000, 100_000),
        ((150_000, "2.50"), (100_000, "0.25"), (1_000, "15")),
    ),
    Vector(
        "google",
        "gemini-2.5-flash",
        Usage(50_000, 1_000, 20_000),
        ((30_000, "0.30"), (20_000, "0.03"), (1_000, "2.50")),
    ),
    Vector(
        "google",
        "gemini-2.5-flash",
        Usage(50_000, 1_000, input_audio_tokens=10_000),
        ((40_000, "0.30"), (10_000, "1"), (1_000, "2.50")),
    ),
    Vector("google", "gemini-2.5-flash-lite", Usage(50_000, 1_000), ((50_000, "0.10"), (1_000, "0.40"))),
    Vector("google", "gemini-2.0-flash", Usage(50_000, 1_000), ((50_000, "0.10"), (1_000, "0.40"))),
    Vector("google", "gemini-1.5-pro", Usage(128_000, 1_000), ((128_000, "1.25"), (1_000, "5"))),
    Vector("google", "gemini-1.5-pro", Usage(128_001, 1_000), ((128_001, "2.50"), (1_000, "10"))),
    Vector("google", "gemini-3-pro-preview", Usage(200_001, 1_000), ((200_001, "4"), (1_000, "18"))),
    Vector("google", "gemini-2.5-pro", Usage(9_000, 90), ((9_000, "0.625"), (90, "5")), context=BATCH),
    Vector("gemini-app", "gemini-2.5-flash", Usage(9_000, 90), ((9_000, "0.30"), (90, "2.50"))),
]

OTHERS = [
    Vector("xai", "grok-3", Usage(9_000, 900, 4_000), ((5_000, "3"), (4_000, "0.75"), (900, "15"))),
    Vector(
        "xai", "grok-code-fast-1", Usage(9_000, 900, 4_000), ((5_000, "0.20"), (4_000, "0.02"), (900, "1.50"))
    ),
    # DeepSeek's off-peak discount, 16:30 to 00:30 UTC, until September 2025.
    Vector(
        "deepseek",
        "deepseek-chat",
        Usage(9_000, 900, 4_000),
        ((5_000, "0.27"), (4_000, "0.07"), (900, "1.10")),
        at("2025-06-10 16:29"),
    ),
    Vector(
        "deepseek",
        "deepseek-chat",
        Usage(9_000, 900, 4_000),
        ((5_000, "0.135"), (4_000, "0.035"), (900, "0.55")),
        at("2025-06-10 16:30"),
    ),
    Vector(
        "deepseek",
        "deepseek-reasoner",
        Usage(9_000, 900, 4_000),
        ((5_000, "0.55"), (4_000, "0.14"), (900, "2.19")),
        at("2025-06-10 00:30"),
    ),
    Vector(
        "deepseek",
        "deepseek-reasoner",
        Usage(9_000, 900, 4_000),
        ((5_000, "0.135"), (4_000, "0.035"), (900, "0.55")),
        at("2025-06-10 00:29"),
    ),
    # Then one price for the whole day, which fell twice.
    Vector(
        "deepseek",
        "deepseek-reasoner",
        Usage(9_000, 900, 4_000),
        ((5_000, "0.56"), (4_000, "0.07"), (900, "1.68")),
        at("2025-09-06 20:00"),
    ),
    Vector(
        "deepseek",
        "deepseek-chat",
        Usage(9_000, 900, 4_000),
        ((5_000, "0.28"), (4_000, "0.028"), (900, "0.42")),
        at("2025-09-29 20:00"),
    ),
    Vector("mistral", "codestral-2501", Usage(9_000, 900), ((9_000, "0.30"), (900, "0.90"))),
    Vector("mistral", "mistral-large-3", Usage(9_000, 900), ((9_000, "0.50"), (900, "1.50"))),
    Vector("mistral", "mistral-large-2512", Usage(9_000, 900), ((9_000, "0.50"), (900, "1.50"))),
    Vector("groq", "llama-3.3-70b-versatile", Usage(9_000, 900), ((9_000, "0.59"), (900, "0.79"))),
    Vector("groq", "llama-3.1-8b-instant", Usage(9_000, 900), ((9_000, "0.05"), (900, "0.08"))),
    Vector(
        "openrouter",
        "anthropic/claude-sonnet-4.5",
        Usage(9_000, 900, 4_000, 1_000),
        ((4_000, "3"), (4_000, "0.30"), (1_000, "3.75"), (900, "15")),
    ),
    Vector("cursor", "claude-sonnet-4-5", Usage(9_000, 900), ((9_000, "3"), (900, "15"))),
    Vector("github-copilot", "claude-sonnet-4", Usage(9_000, 900), ((9_000, "3"), (900, "15"))),
    Vector("github-copilot", "claude-opus-4-5", Usage(9_000, 900), ((9_000, "5"), (900, "25"))),
    Vector("azure", "gpt-4o", Usage(9_000, 900), ((9_000, "2.50"), (900, "10"))),
    Vector("azure", "o3-mini", Usage(9_000, 900, 4_000), ((5_000, "1.10"), (4_000, "0.55"), (900, "4.40"))),
    Vector("aws-bedrock", "amazon.nova-pro-v1:0", Usage(9_000, 900), ((9_000, "0.80"), (900, "3.20"))),
    Vector("aws-bedrock", "amazon.nova-micro-v1:0", Usage(9_000, 900), ((9_000, "0.035"), (900, "0.14"))),
    Vector(
        "together",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        Usage(9_000, 900),
        ((9_000, "0.88"), (900, "0.88")),
    ),
    Vector(
        "fireworks",
        "accounts/fireworks/models/deepseek-v3-0324",
        Usage(9_000, 900),
        ((9_000, "0.90"), (900, "0.90")),
    ),
    Vector("cohere", "command-r", Usage(9_000, 900), ((9_000, "0.15"), (900, "0.60"))),
    Vector("cohere", "command-r-plus", Usage(9_000, 900), ((9_000, "2.50"), (900, "10"))),
    # A thousand requests with a high search context cost 12 dollars, in addition to their tokens.
    Vector("perplexity", "sonar", Usage(9_000, 900), ((9_000, "1"), (900, "1"), (searches(1), "12"))),
    Vector(
        "perplexity", "sonar", Usage(9_000, 900, requests=5), ((9_000, "1"), (900, "1"), (searches(5), "12"))
    ),
]

US, EVERYWHERE = (("inference_geo", "us"),), (("inference_geo", "global"),)


def claude(
    model: str, input_rate: str, output_rate: str, day: str = "", input_tokens: int = 100_000, **others: Any
) -> list[Vector]:
    """A plain request, one that reads a tenth from the cache, and one that writes a tenth to it."""
    rate, when, tenth = Decimal(input_rate), at(day) if day else NOVEMBER, input_tokens // 10
    rest, output = (input_tokens - tenth, input_rate), (1_000, output_rate)
    plain, read, write = (
        Usage(input_tokens, 1_000, cached_input_tokens=cached, cache_write_tokens=written)
        for cached, written in ((0, 0), (tenth, 0), (0, tenth))
    )
    return [
        Vector("anthropic", model, plain, ((input_tokens, input_rate), output), when, **others),
        Vector("anthropic", model, read, (rest, (tenth, str(rate / 10)), output), when, **others),
        Vector(
            "anthropic", model, write, (rest, (tenth, str(rate * Decimal("1.25"))), output), when, **others
        ),
    ]


# https://platform.claude.com/docs/en/build-with-claude/fast-mode, .../data-residency, .../context-windows
VARIANTS = [
    *claude("claude-opus-4-6", "30", "150", "2026-03-01", context=FAST),
    *claude("claude-opus-4-6", "60", "225", "2026-03-01", 300_000, context=FAST),
    *claude("claude-opus-4-6", "30", "150", "2026-03-01", 200_000, context=FAST),
    *claude("claude-opus-4-6", "60", "225", "2026-03-12", 200_001, context=FAST),
    *claude("claude-opus-4-6", "30", "150", "2026-03-13", 300_000, context=FAST),
    *claude("claude-opus-4-7", "30", "150", "2026-05-01", context=FAST),
    *claude("claude-opus-4-7", "30", "150", "2026-07-23", 300_000, context=FAST),
    *claude("claude-opus-4-8", "10", "50", context=FAST),
    *claude("claude-sonnet-4-20250514", "3", "15", "2025-08-11", 300_000),
    *claude("claude-sonnet-4-20250514", "6", "22.50", "2025-08-12", 300_000),
    *claude("claude-sonnet-4-20250514", "6", "22.50", "2025-08-12", 200_001),
    *claude("claude-sonnet-4-20250514", "3", "15", "2025-08-12", 200_000),
    *claude("claude-sonnet-4-20250514", "6", "22.50", "2025-09-01", 9_000, tier="long"),
    *claude("claude-sonnet-4-20250514", "3", "15", "2025-09-01", 300_000, tier="short"),
    *claude("claude-opus-4-6", "5.5", "27.5", context=US),
    *claude("claude-opus-4-6", "5", "25", context=EVERYWHERE),
    *claude("claude-opus-4-6", "33", "165", "2026-05-01", context=FAST + US),
    *claude("claude-opus-4-8", "11", "55", context=FAST + US),
    *claude("claude-opus-4-7", "2.75", "13.75", context=BATCH + US),
    *claude("claude-opus-4-5", "5", "25", context=US),
]
LONG_TIERS = [
    # Priority processing has no long contexts: they cost what they cost at the standard tier.
    Vector("openai", model, Usage(tokens, 1_000), ((tokens, rate), (1_000, output)), context=tier)
    for model, tokens, rate, output, tier in (
        ("gpt-5.5", 300_000, "10", "45", PRIORITY),
        ("gpt-5.5", 272_001, "10", "45", PRIORITY),
        ("gpt-5.5", 272_000, "12.5", "75", PRIORITY),
        ("gpt-5.5", 300_000, "5", "22.5", FLEX),
        ("gpt-5.5", 300_000, "5", "22.5", BATCH),
        ("gpt-5.4", 300_000, "5", "22.5", PRIORITY),
        ("gpt-5.4", 100_000, "5", "30", PRIORITY),
    )
]
BEFORE_A_CHANGE = [
    Vector("openai", "o3", Usage(1_000, 100), ((1_000, rate), (100, output)), at(day), context=tier)
    for day, tier, rate, output in (
        ("2025-05-01", BATCH, "5", "20"),
        ("2025-06-09", BATCH, "5", "20"),
        ("2025-06-10", BATCH, "1", "4"),
        ("2026-11-01", BATCH, "1", "4"),
    )
]
MORE_PROVIDERS = [
    Vector(provider, model, Usage(10_000, 1_000, cached), ((10_000 - cached, rate), (1_000, output), *read))
    for provider, model, rate, output, cached, read in (
        # https://docs.z.ai/guides/overview/pricing
        ("zai", "glm-5.1", "1.4", "4.4", 4_000, ((4_000, "0.26"),)),
        # https://bigmodel.cn/pricing, the price of the mainland in US dollars
        ("zhipuai", "glm-5.1", "0.828", "3.31", 0, ()),
        # https://platform.moonshot.ai/docs/pricing/chat
        ("moonshot", "kimi-k3", "3", "15", 4_000, ((4_000, "0.3"),)),
        # https://platform.minimax.io/docs/guides/pricing
        ("minimax", "MiniMax-M2.5", "0.3", "1.2", 4_000, ((4_000, "0.03"),)),
        ("cerebras", "gpt-oss-120b", "0.35", "0.75", 0, ()),
        ("baseten", "moonshotai/Kimi-K2.6", "0.95", "4", 4_000, ((4_000, "0.16"),)),
        ("novita", "deepseek/deepseek-r1-0528", "0.7", "2.5", 4_000, ((4_000, "0.35"),)),
        ("cloudflare", "@cf/openai/gpt-oss-120b", "0.35", "0.75", 0, ()),
        ("databricks", "databricks-glm-5-2", "1.4", "4.4", 4_000, ((4_000, "0.26"),)),
    )
]
# Providers without a list of their own: the maker's price.
MAKERS = [
    Vector(provider, model, Usage(10_000, 1_000), ((10_000, rate), (1_000, output)))
    for provider, model, rate, output in (
        ("other", "glm-5.1", "1.4", "4.4"),
        ("cursor", "kimi-k2.6", "0.95", "4"),
        ("github-copilot", "claude-opus-4-8", "5", "25"),
    )
]
VECTORS = [
    *ANTHROPIC,
    *OPENAI,
    *GOOGLE,
    *OTHERS,
    *VARIANTS,
    *LONG_TIERS,
    *BEFORE_A_CHANGE,
    *MORE_PROVIDERS,
    *MAKERS,
]


@every_case([(vector,) for vector in VECTORS])
def test_request_costs_its_tokens_at_the_published_rates(vector: Vector) -> None:
    conditions = Conditions(vector.tier, dict(vector.context))
    priced = price(vector.provider, vector.model, vector.usage, vector.at, conditions)
    assert priced.cost_usd == vector.cost_usd
    assert priced.price_source == "genai-prices"
    assert priced.matched_model is not None
    assert sorted(usd for usd in priced.usd_by_class.values() if usd) == vector.parts_usd
    assert sum(priced.usd_by_class.values()) == priced.cost_usd


def test_vectors_cover_every_priced_provider() -> None:
    assert len(VECTORS) >= 140
    unpriced = {"elevenlabs"}  # speech is priced by characters and hours, which no record counts
    assert {vector.provider for vector in VECTORS} == {*PRICE_PROVIDERS, "other"} - unpriced


def test_vectors_cover_every_class_tier_and_variant() -> None:
    for name in (
        "cached_input_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
        "input_audio_tokens",
        "web_searches",
    ):
        assert any(getattr(vector.usage, name) for vector in VECTORS), name
    assert {vector.tier for vector in VECTORS} == {"request", "short", "long", "unknown"}
    assert {value for vector in VECTORS for _, value in vector.context} == {
        "batch",
        "flex",
        "priority",
        "fast",
        "us",
        "global",
    }
