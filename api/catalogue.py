"""The catalogue of models as programs search it, with prices at the workspace's own mix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from api.figures import choose_days, load_rows, write_usd
from tally.catalog.entries import LIST_TITLES, Entry, Prices, load_catalogue
from tally.catalog.providers import find_provider
from tally.catalog.search import Filters, Index
from tally.pricing.catalogue_prices import USUAL_MIX, PricedEntry, find_mix, price_entries
from tally.pricing.custom_models import load_custom_models, make_entries
from tally.pricing.workspace_prices import load_workspace_prices
from tally.storage.database import Database

DAYS = timedelta(days=89)
LIMIT, MOST = 50, 200
MAX_CONTEXT = 10**9


class CatalogueFault(ValueError):
    """A question that cannot be answered; the text says what to send."""


@dataclass(frozen=True, slots=True)
class CatalogueQuestion:
    """Words and filters, and which of the models found."""

    words: str = ""
    filters: Filters = field(default_factory=Filters)
    used_only: bool = False
    limit: int = LIMIT
    offset: int = 0


class Use(NamedTuple):
    """Use of a workspace in 90 days: cost by model, and its mix of classes of tokens."""

    cost_usd: Mapping[tuple[str, str], Decimal]
    mix: Mapping[str, Decimal] | None


@cache
def list_abilities() -> tuple[str, ...]:
    """Abilities of models, as the catalogue names them."""
    return tuple(sorted({ability for entry in load_catalogue().entries for ability in entry.can}))


@cache
def list_modes() -> tuple[str, ...]:
    """The kinds of models."""
    return tuple(sorted({entry.mode for entry in load_catalogue().entries}))


def read_question(asked: Mapping[str, str]) -> CatalogueQuestion:
    """The question in parameters of an address; raises CatalogueFault."""
    provider = asked.get("provider", "")
    return CatalogueQuestion(
        words=asked.get("q", ""),
        filters=Filters(
            providers=frozenset({find_provider(provider) or provider} if provider else ()),
            can=_read_names(asked, "can", list_abilities()),
            modes=_read_names(asked, "mode", list_modes()),
            min_context=_read_number(asked, "min_context", 0, MAX_CONTEXT),
            has_open_weights=_read_flag(asked, "open_weights"),
        ),
        used_only=_read_flag(asked, "used") or False,
        limit=_read_number(asked, "limit", LIMIT, MOST, least=1),
        offset=_read_number(asked, "offset", 0, MAX_CONTEXT),
    )


def _read_names(asked: Mapping[str, str], name: str, known: Sequence[str]) -> frozenset[str]:
    names = frozenset(filter(None, asked.get(name, "").split(",")))
    if names - set(known):
        raise CatalogueFault(f"`{name}` takes {', '.join(known)}; several with commas between them.")
    return names


def _read_number(asked: Mapping[str, str], name: str, usual: int, most: int, least: int = 0) -> int:
    text = asked.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise CatalogueFault(f"`{name}` is a whole number from {least} to {most:,}.")
    return int(text)


def _read_flag(asked: Mapping[str, str], name: str) -> bool | None:
    text = asked.get(name)
    if text not in (None, "true", "false"):
        raise CatalogueFault(f"`{name}` is true or false.")
    return None if text is None else text == "true"


def load_found(database: Database, question: CatalogueQuestion, project: UUID | None) -> dict[str, Any]:
    """The models of the catalogue and of the workspace that a question finds, the best or cheapest first."""
    today = choose_days(database, None, None).last
    use = load_use(database, today, project)
    mix = use.mix or USUAL_MIX
    custom = load_workspace_prices(database).custom
    found = _search(database, question, use)
    priced = price_entries(found, mix, custom, today)
    if question.words.strip():
        place = {entry.key: nth for nth, entry in enumerate(found)}
        priced.sort(key=lambda each: place[each.entry.key])
    page = priced[question.offset : question.offset + question.limit]
    end = question.offset + len(page)
    catalogue = load_catalogue()
    return {
        "catalogue_of": catalogue.day.isoformat(),
        "lists": [{"name": LIST_TITLES[name], "version": version} for name, version in catalogue.lists],
        "mix": {name: write_usd(share) for name, share in mix.items()},
        "mix_is_own": use.mix is not None,
        "total": len(priced),
        "next_offset": end if end < len(priced) else None,
        "models": [describe(each, use.cost_usd, today) for each in page],
    }


def load_use(database: Database, today: date, project: UUID | None) -> Use:
    """Use of the last 90 days, of everything or of a project."""
    days = choose_days(database, today - DAYS, today)
    costs: dict[tuple[str, str], Decimal] = {}
    counts = dict.fromkeys(("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens"), 0)
    for row in load_rows(database, days, project):
        key = row["provider"], row["model"]
        costs[key] = costs.get(key, Decimal(0)) + Decimal(row["cost_usd"] or 0)
        for name in counts:
            counts[name] += row[name]
    return Use(costs, find_mix(*counts.values()))


def _search(database: Database, question: CatalogueQuestion, use: Use) -> list[Entry]:
    """The workspace's own models come before those of the lists."""
    own = make_entries(load_custom_models(database))
    own_keys = {entry.key for entry in own}
    found = [
        *Index(own).search(question.words, question.filters),
        *(entry for entry in index().search(question.words, question.filters) if entry.key not in own_keys),
    ]
    return [entry for entry in found if not question.used_only or entry.key in use.cost_usd]


@cache
def index() -> Index:
    """The words of the catalogue."""
    return Index(load_catalogue().entries)


def describe(priced: PricedEntry, used: Mapping[tuple[str, str], Decimal], today: date) -> dict[str, Any]:
    """The JSON object of a model; prices are US dollars as text, for a million tokens or one of a unit."""
    entry = priced.entry
    cost = used.get(entry.key)
    return {
        "provider": entry.provider,
        "model": entry.model,
        "names": list(entry.names),
        "mode": entry.mode,
        "takes": list(entry.takes),
        "gives": list(entry.gives),
        "can": sorted(entry.can),
        "context_tokens": entry.context,
        "answer_tokens": entry.answer,
        "min_cache_tokens": entry.min_cache_tokens,
        "open_weights": entry.has_open_weights,
        "is_own": entry.is_own,
        "base_model": entry.base,
        "prices": _write_prices(priced.prices),
        "price_is_own": priced.is_own,
        "at_mix_usd": None if priced.at_mix is None else write_usd(priced.at_mix),
        "tiers": {
            name: {tier: _write_prices(prices) for tier, prices in tiers.items()}
            for name, tiers in entry.prices.items()
        },
        "lists_differ_in": [difference.price_class for difference in entry.list_differences()],
        "retires": entry.retires and entry.retires.isoformat(),
        "is_retired": entry.retires is not None and entry.retires <= today,
        "successor": entry.successor,
        "source": entry.source,
        "used_cost_usd": None if cost is None else write_usd(cost),
    }


def _write_prices(prices: Prices) -> dict[str, str]:
    return {name: write_usd(usd) for name, usd in prices.items()}
