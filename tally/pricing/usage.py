"""Usage to be priced: token counts, the model that used them, and the conditions that change the price."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypedDict

MILLION = 1_000_000  # prices are in US dollars per million tokens
LEAST_CACHED_TOKENS = 1_024  # the shortest prompt that a cache keeps

# Some models cost more in requests with a long context. The tier is known from a single request's tokens
# ("request"), from the export ("short", "long"), or, for a sum of requests, not at all (priced as short).
Tier = Literal["request", "short", "long", "unknown"]


class TokenCounts(TypedDict):
    """The token counts that a record has columns for."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int


class Usage(NamedTuple):
    """Tokens of one or more requests; input includes cache reads and writes, writes include 1-hour ones.

    A tuple, because importing a file makes one for each row.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    cached_audio_tokens: int = 0
    output_audio_tokens: int = 0
    web_searches: int = 0
    requests: int = 1

    @property
    def has_extra_counts(self) -> bool:
        """Check whether there are counts that a record has no columns for."""
        return bool(
            self.cache_write_1h_tokens
            or self.input_audio_tokens
            or self.output_audio_tokens
            or self.cached_audio_tokens
            or self.web_searches
        )

    @property
    def token_counts(self) -> TokenCounts:
        """The token columns of a record with this usage."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_input_tokens": self.cached_input_tokens,
            "cache_write_tokens": self.cache_write_tokens,
        }


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions that change a price; `context` names batch, tier or speed as genai-prices does."""

    tier: Tier = "request"
    context: Mapping[str, str] = field(default_factory=dict)


STANDARD = Conditions()
SUM_OF_REQUESTS = Conditions(tier="unknown")


class ModelRef(NamedTuple):
    """A provider's model as the source names it, and as the record will name it if that differs."""

    provider: str
    name: str
    canonical_name: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names to look the price up by, best first."""
        is_renamed = self.canonical_name not in ("", self.name)
        return (self.name, self.canonical_name) if is_renamed else (self.name,)
