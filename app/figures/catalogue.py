"""The catalogue as the page shows it: words for abilities, the order of what is found, comparisons."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from app.figures.price_mix import Mix
from app.formats.counts import format_count
from app.formats.dates import format_day
from app.formats.money import format_price, format_usd
from app.formats.text import DASH
from tally.catalog.entries import STANDARD, Entry, Prices, load_catalogue
from tally.catalog.payees import find_maker
from tally.catalog.search import Filters, Index, price_at_mix
from tally.core.text import plural
from tally.pricing.catalogue_prices import PricedEntry

ABILITIES = {
    "tools": "Tools",
    "images": "Images",
    "structured_output": "Structured output",
    "prompt_cache": "Prompt cache",
    "batch": "Batch",
    "reasoning": "Reasoning",
    "pdf": "PDF",
    "audio": "Audio",
    "video": "Video",
    "web_search": "Web search",
    "computer_use": "Computer use",
    "flex": "Flex",
    "priority": "Priority",
}
LONG, OPEN, USED = "Context 200K+", "Open weights", "Used by me"
LONG_TOKENS = 200_000
KINDS = {
    "chat": "Chat",
    "embedding": "Embeddings",
    "image_generation": "Image generation",
    "video_generation": "Video generation",
    "transcription": "Transcription",
    "speech": "Speech",
    "realtime": "Realtime",
    "rerank": "Reranking",
    "ocr": "Reading documents",
    "moderation": "Moderation",
}
BEST, CHEAPEST, MOST_USED, LONGEST = "Best match", "Cheapest at my mix", "Used most", "Longest context"
SORTS = (BEST, CHEAPEST, MOST_USED, LONGEST)
PRICE_LIMITS = {"Up to $0.50": "0.50", "Up to $1": "1", "Up to $3": "3", "Up to $10": "10"}
CLASSES = {
    "input": "Input",
    "cached": "Cache read",
    "cache_write": "Cache write, 5 min",
    "cache_write_1h": "Cache write, 1 h",
    "output": "Output",
    "audio_input": "Audio input",
    "audio_output": "Audio output",
}
UNITS = {
    "image": "an image",
    "second": "a second",
    "characters": "a million characters",
    "query": "a query",
    "page": "a page",
}
TIERS = {
    STANDARD: "Standard",
    "batch": "Batch",
    "flex": "Flex",
    "priority": "Priority",
    "tuned": "Fine-tuned",
}
ABOVE = "above_"
COMPARED = ("input", "cached", "cache_write", "output")

Key = tuple[str, str]
Used = Mapping[Key, Decimal]


class Fact(NamedTuple):
    """A fact of one or more models, as text; the difference where there are two."""

    label: str
    values: tuple[str, ...]
    difference: str = ""


@cache
def list_index() -> Index:
    """The words of the catalogue."""
    return Index(load_catalogue().entries)


@cache
def list_providers() -> Mapping[str, str]:
    """Names of the providers by how entries name them, by name."""
    titles = {entry.provider: entry.provider_title for entry in load_catalogue().entries}
    return dict(sorted(titles.items(), key=lambda each: each[1].casefold()))


@cache
def list_modes() -> tuple[str, ...]:
    """The kinds of models, those with most models first."""
    counts = Counter(entry.mode for entry in load_catalogue().entries)
    return tuple(mode for mode, _ in counts.most_common())


@cache
def _index_labels() -> Mapping[str, Entry]:
    return {label_entry(entry): entry for entry in load_catalogue().entries}


@cache
def list_choices() -> Mapping[str, Entry]:
    """The models at their makers by label, which any search leaves to compare with."""
    return {
        label: entry for label, entry in _index_labels().items() if entry.provider == find_maker(entry.model)
    }


def find_by_label(label: str, own: Iterable[Entry]) -> Entry | None:
    """The model of a label: one of the workspace's own, or of the catalogue."""
    return next((entry for entry in own if label_entry(entry) == label), None) or _index_labels().get(label)


def name_kind(mode: str) -> str:
    """The kind of a model in words."""
    return KINDS.get(mode) or mode.replace("_", " ").capitalize()


def make_filters(provider: str | None, mode: str | None, chosen: Iterable[str], used: Used) -> Filters:
    """The filters of the fields; `chosen` are labels of abilities, and LONG, OPEN and USED."""
    labels = set(chosen)
    return Filters(
        providers=frozenset([provider] if provider else ()),
        modes=frozenset([mode] if mode else ()),
        can=frozenset(name for name, label in ABILITIES.items() if label in labels),
        min_context=LONG_TOKENS if LONG in labels else 0,
        has_open_weights=True if OPEN in labels else None,
        keys=frozenset(used) if USED in labels else None,
    )


def find(own: Sequence[Entry], words: str, filters: Filters) -> list[Entry]:
    """The workspace's own models and those of the lists that have the words, the best first."""
    keys = {entry.key for entry in own}
    listed = [entry for entry in list_index().search(words, filters) if entry.key not in keys]
    return [*Index(own).search(words, filters), *listed]


def arrange(priced: Sequence[PricedEntry], order: str, used: Used, is_found: bool) -> list[PricedEntry]:
    """Models in an order; without words the best are those used, then those that can most."""

    def by_price(each: PricedEntry) -> tuple[bool, Decimal]:
        return each.at_mix is None, each.at_mix or Decimal(0)

    def by_use(each: PricedEntry) -> tuple[Any, ...]:
        entry = each.entry
        is_resold = entry.provider != find_maker(entry.model)
        is_past = entry.is_deprecated or entry.retires is not None
        return (
            -used.get(entry.key, Decimal(-1)),
            not entry.is_own,
            is_resold,
            is_past,
            -len(entry.can),
            *by_price(each),
        )

    if order == CHEAPEST:
        return sorted(priced, key=by_price)
    if order == LONGEST:
        return sorted(priced, key=lambda each: -(each.entry.context or 0))
    return list(priced) if order == BEST and is_found else sorted(priced, key=by_use)


def classes_of(mix: Mix) -> Mapping[str, Decimal]:
    """The shares of a mix by class of the catalogue."""
    return {"input": mix.input, "cached": mix.cached, "cache_write": mix.written, "output": mix.output}


def label_entry(entry: Entry) -> str:
    """A model with its provider, as choices name it."""
    return f"{entry.model} · {entry.provider_title}"


def name_models(entries: Sequence[Entry]) -> list[str]:
    """Models by their names, with the provider where two have the same."""
    counts = Counter(entry.model for entry in entries)
    return [entry.model if counts[entry.model] == 1 else label_entry(entry) for entry in entries]


def format_tokens(tokens: int | None) -> str:
    """A number of tokens, or a dash."""
    return DASH if tokens is None else format_count(tokens)


def describe_units(prices: Prices) -> str:
    """Prices of what is not counted in tokens: `$0.04 an image`."""
    return ", ".join(f"{format_price(prices[name])} {unit}" for name, unit in UNITS.items() if name in prices)


def describe_retirement(entry: Entry, today: date) -> str:
    """The day on which a model retires or did, with its successor; empty for none."""
    if entry.retires is None:
        return ""
    days = (entry.retires - today).days
    day = format_day(entry.retires)
    when = f"retires in {plural(days, 'day')}, on {day}" if days > 0 else f"has been retired since {day}"
    successor = f" Its successor is {entry.successor}." if entry.successor else ""
    return f"{entry.model} of {entry.provider_title} {when}.{successor}"


def price_successor(model: PricedEntry, successor: PricedEntry | None, spent: Decimal) -> Decimal | None:
    """The spend on a model at its successor's prices, for the same tokens in the workspace's mix."""
    if successor is None or not model.at_mix or successor.at_mix is None:
        return None
    return spent * successor.at_mix / model.at_mix


def compare(models: Sequence[PricedEntry], used: Mapping[Key, str]) -> list[Fact]:
    """The facts of up to four models side by side, without those that none of them has."""
    facts = [
        *(_compare_money(CLASSES[name], models, name) for name in COMPARED),
        Fact(
            "At my mix",
            tuple(DASH if each.at_mix is None else format_usd(each.at_mix) for each in models),
            _differ([each.at_mix for each in models]),
        ),
        _fact("Other prices", models, lambda each: describe_units(each.prices)),
        _fact("Batch", models, _describe_batch),
        _compare_tokens("Context", [each.entry.context for each in models]),
        _compare_tokens("Longest answer", [each.entry.answer for each in models]),
        _fact("Takes", models, lambda each: ", ".join(each.entry.takes)),
        _fact("Gives", models, lambda each: ", ".join(each.entry.gives)),
        *(_compare_ability(name, models) for name in (ABILITIES if len(models) > 1 else ())),
        _fact("Caches from", models, lambda each: _describe_cache(each.entry)),
        _fact("Weights", models, lambda each: _describe_weights(each.entry)),
        _fact("Base", models, lambda each: each.entry.base or ""),
        _fact("Retires", models, lambda each: each.entry.retires and format_day(each.entry.retires)),
        _fact("Successor", models, lambda each: each.entry.successor),
        _fact("Spent, 90 days", models, lambda each: used.get(each.entry.key)),
    ]
    return [fact for fact in facts if any(value != DASH for value in fact.values)]


def _fact(label: str, models: Sequence[PricedEntry], describe: Any) -> Fact:
    values = tuple(describe(each) or DASH for each in models)
    is_same = len(models) == 2 and values[0] == values[1] != DASH
    return Fact(label, values, "same" if is_same else "")


def _compare_money(label: str, models: Sequence[PricedEntry], name: str) -> Fact:
    amounts = [each.prices.get(name) for each in models]
    texts = tuple(DASH if usd is None else format_price(usd) for usd in amounts)
    return Fact(label, texts, _differ(amounts))


def _compare_tokens(label: str, counts: Sequence[int | None]) -> Fact:
    difference = _differ([None if count is None else Decimal(count) for count in counts])
    return Fact(label, tuple(map(format_tokens, counts)), difference)


def _differ(values: Sequence[Decimal | None]) -> str:
    """The difference of the second from the first: `67% more`, `4.0 times as much`, `same`."""
    if len(values) != 2 or values[0] is None or values[1] is None:
        return ""
    first, second = values[0], values[1]
    if first == second:
        return "same"
    if not first:
        return "not free"
    ratio = second / first
    if ratio >= 2:
        return f"{ratio:.1f} times as much"
    return f"{ratio - 1:.0%} more" if ratio > 1 else f"{1 - ratio:.0%} less"


def _describe_batch(priced: PricedEntry) -> str:
    """The discount of the batch interface on input."""
    if "batch" not in priced.entry.can:
        return ""
    for tiers in priced.entry.prices.values():
        batch, standard = (tiers.get(tier, {}).get("input") for tier in ("batch", STANDARD))
        if batch is not None and standard:
            return f"{1 - batch / standard:.0%} off" if batch < standard else "same price"
    return "yes"


def list_abilities(entry: Entry) -> str:
    """The abilities of a model in words."""
    return ", ".join(label for name, label in ABILITIES.items() if name in entry.can)


def _compare_ability(name: str, models: Sequence[PricedEntry]) -> Fact:
    """A row of its own for each: a list of words is longer than a column."""
    return _fact(ABILITIES[name], models, lambda each: "yes" if name in each.entry.can else "")


def _describe_cache(entry: Entry) -> str:
    return f"{entry.min_cache_tokens:,} tokens" if entry.min_cache_tokens else ""


def _describe_weights(entry: Entry) -> str:
    return {True: "open", False: "closed", None: ""}[entry.has_open_weights]


def follow(entry: Entry, mix: Mapping[str, Decimal], days: Sequence[date]) -> list[float | None]:
    """The list price at a mix on each of these days, None before the first that is known."""
    prices = [price_at_mix(entry.find_prices(day), mix) for day in days]
    return [None if usd is None else float(usd) for usd in prices]


def list_price_days(entries: Iterable[Entry], first: date, today: date) -> list[date]:
    """The days on which a list price changed, from the first to today."""
    changes = {since.day for entry in entries for since in entry.history if since.day is not None}
    return sorted({first, today, *(day for day in changes if first < day < today)})


def name_tier(tier: str) -> str:
    """A tier of prices in words."""
    if tier.startswith(ABOVE):
        return f"Above {format_count(int(tier.removeprefix(ABOVE)))} tokens"
    return TIERS.get(tier, tier.capitalize())
