"""The catalogue of models that comes with Tally: their abilities and their prices by two lists.

The data come from genai-prices and LiteLLM's list of models (both MIT licence), whose versions are in the
file. `make catalogue` writes it again from newer ones. Nothing of it is read before it is needed.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tally.catalog.providers import PROVIDERS

FILE = Path(__file__).with_name("catalogue.json.gz")
# The list that Tally prices by comes first.
LISTS = ("genai-prices", "litellm")
LIST_TITLES = {"genai-prices": "genai-prices", "litellm": "LiteLLM"}
STANDARD, TUNED = "standard", "tuned"
# Words in names of providers that Tally does not know, as these write themselves.
SPELLED = {
    **{word: word.upper() for word in ("ai", "aws", "gmi", "nlp", "oci", "nim", "pse", "scx")},
    **{"huggingface": "Hugging Face", "ovhcloud": "OVHcloud", "ai21": "AI21", "deepinfra": "DeepInfra"},
    **{"sambanova": "SambaNova", "runwayml": "Runway", "wandb": "Weights & Biases", "nvidia": "NVIDIA"},
    **{"assemblyai": "AssemblyAI", "friendliai": "FriendliAI", "publicai": "PublicAI", "aiml": "AI/ML"},
}
NOTHING: Mapping[str, Decimal] = MappingProxyType({})

Prices = Mapping[str, Decimal]  # dollars for a million tokens by class, or for one of another unit


class Difference(NamedTuple):
    """A class of tokens whose price the lists tell differently."""

    price_class: str
    by_list: Mapping[str, Decimal]


class PriceSince(NamedTuple):
    """The standard prices since a day; None for the first known ones."""

    day: date | None
    prices: Prices


class Catalogue(NamedTuple):
    """All entries, the day of their lists, and name and version of each list."""

    day: date
    lists: tuple[tuple[str, str], ...]
    entries: tuple["Entry", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of a provider. None is what no list tells."""

    provider: str  # its slug, or the name in the list of one that Tally does not know
    model: str
    title: str = ""
    names: tuple[str, ...] = ()  # versions and aliases
    mode: str = "chat"
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    context: int | None = None
    answer: int | None = None  # tokens of the longest one
    can: frozenset[str] = frozenset()
    prices: Mapping[str, Mapping[str, Prices]] = field(default_factory=dict)  # by list and tier
    history: tuple[PriceSince, ...] = ()
    retires: date | None = None
    successor: str | None = None
    min_cache_tokens: int | None = None
    has_open_weights: bool | None = None
    is_deprecated: bool = False
    source: str | None = None
    base: str | None = None  # of a model of the workspace
    is_own: bool = False  # one of the workspace

    @property
    def key(self) -> tuple[str, str]:
        """Provider and name."""
        return self.provider, self.model

    @property
    def provider_title(self) -> str:
        """The provider's name for people."""
        return title_provider(self.provider)

    def find_prices(self, day: date, tier: str = STANDARD) -> Prices:
        """The prices of a tier on a day, by the first list that has them; empty without any."""
        if tier == STANDARD and self.history:
            valid = [since.prices for since in self.history if since.day is None or since.day <= day]
            return valid[-1] if valid else NOTHING
        return next((found for name in LISTS if (found := self.prices.get(name, {}).get(tier))), NOTHING)

    def list_differences(self) -> tuple[Difference, ...]:
        """The classes whose standard price differs between the lists."""
        told = {name: tiers.get(STANDARD, NOTHING) for name, tiers in self.prices.items()}
        classes = sorted({price_class for prices in told.values() for price_class in prices})
        found = [
            Difference(each, {name: prices[each] for name, prices in told.items() if each in prices})
            for each in classes
        ]
        return tuple(each for each in found if len(set(each.by_list.values())) > 1)


def title_provider(provider: str) -> str:
    """The name for people of a provider by its slug, or by the name that a list has."""
    words = provider.replace("_", " ").replace("-", " ").split()
    return PROVIDERS.get(provider) or " ".join(SPELLED.get(word, word.title()) for word in words)


@cache
def load_catalogue() -> Catalogue:
    """The catalogue that comes with Tally, read once."""
    return read_file(FILE)


def read_file(file: Path) -> Catalogue:
    """A catalogue in a compressed file."""
    return read(gzip.decompress(file.read_bytes()).decode())


def read(text: str) -> Catalogue:
    """A catalogue as the file has it: a head, and one entry a line."""
    head, *lines = text.splitlines()
    told = json.loads(head)
    lists = tuple((each["name"], each["version"]) for each in told["lists"])
    entries = tuple(map(_read_entry, json.loads(f"[{','.join(lines)}]")))
    return Catalogue(date.fromisoformat(told["date"]), lists, entries)


@cache
def index_entries() -> Mapping[tuple[str, str], Entry]:
    """The entries by provider and name."""
    return {entry.key: entry for entry in load_catalogue().entries}


def find_entry(provider: str, model: str) -> Entry | None:
    """The entry of a model as records name it."""
    return index_entries().get((provider, model))


def _read_entry(told: Mapping[str, Any]) -> Entry:
    retires = told.get("retires")
    return Entry(
        provider=told["provider"],
        model=told["model"],
        title=told.get("title", ""),
        names=tuple(told.get("names", ())),
        mode=told.get("mode", "chat"),
        takes=tuple(told.get("takes", ())),
        gives=tuple(told.get("gives", ())),
        context=told.get("context"),
        answer=told.get("answer"),
        can=frozenset(told.get("can", ())),
        prices={
            name: {tier: _read_prices(prices) for tier, prices in tiers.items()}
            for name, tiers in told.get("prices", {}).items()
        },
        history=_read_history(told.get("history", ())),
        retires=date.fromisoformat(retires) if retires else None,
        successor=told.get("successor"),
        min_cache_tokens=told.get("min_cache_tokens"),
        has_open_weights=told.get("open"),
        is_deprecated=bool(told.get("deprecated")),
        source=told.get("source"),
    )


def _read_prices(told: Mapping[str, str]) -> Prices:
    return {name: Decimal(usd) for name, usd in told.items()}


def _read_history(told: Sequence[tuple[str | None, Mapping[str, str]]]) -> tuple[PriceSince, ...]:
    return tuple(
        PriceSince(date.fromisoformat(since) if since else None, _read_prices(prices))
        for since, prices in told
    )
