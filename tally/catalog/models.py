"""Canonical model names: `Claude Sonnet 4.5` and `anthropic/claude-4.5-sonnet-thinking` are one model.

A written name is a route (`anthropic/`, `us.anthropic.`), a model and suffixes. Dates, efforts and `-latest`
are dropped; suffixes that change the price become its conditions. A name of no known family stays as written.
Nothing here depends on the price list.
"""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from tally.catalog.hosts import find_host
from tally.catalog.makers import find_family
from tally.catalog.model_patterns import (
    BEDROCK,
    CLAUDE,
    MODELS,
    MOVING_ALIASES,
    PLANS,
    REGIONS,
    ROUTES,
    SPELLINGS,
    SUFFIXES,
)
from tally.core.text import visible

MAX_LENGTH = 300  # longer texts are no names
Condition = tuple[str, str]  # of a price, such as ("speed", "fast")


class ModelName(NamedTuple):
    """A model, and the conditions of its price that were written as part of its name."""

    name: str
    conditions: tuple[Condition, ...] = ()


def canonical_model(written: str, on: date | None = None) -> str:
    """The one name of a model; with a day, also of an alias that its provider moves from model to model."""
    name = read_model_name(written).name
    if on is None or name not in MOVING_ALIASES:
        return name
    return next((model for since, model in reversed(MOVING_ALIASES[name]) if on >= since), "") or name


@lru_cache(100_000)
def read_model_name(written: str) -> ModelName:
    """The canonical name of a model, and what its suffixes say about the price."""
    written = visible(written)
    if len(written) > MAX_LENGTH:
        return ModelName(written)
    name, conditions, before = _without_route(_spell(written)), dict[str, str](), ""
    if not name or _is_plan(name, written):
        return ModelName(_without_host(written))
    while name != before:
        before = name
        name, condition = _without_suffix(name)
        conditions |= dict([condition] if condition else [])
        name = _respell(name)
    return ModelName(name, tuple(conditions.items()))


def _is_plan(name: str, written: str) -> bool:
    """Check whether a display name is one of a subscription: `Claude Max 20x`, `ChatGPT Plus`."""
    is_display_name = re.search(r"\S\s+\S", written)
    return bool(is_display_name) and bool(re.match(PLANS, name) or not re.search("[0-9]", name))


def _spell(written: str) -> str:
    """Lower case, with hyphens in place of blanks and brackets: `Opus 4.7 (Fast)` is `opus-4.7-fast`."""
    name = re.sub(r"[\s_()\[\]-]+", "-", written.lower())
    return re.sub(r"-*([/:@])-*", r"\1", name).strip("-~")


def _without_route(name: str) -> str:
    """The part of a name that starts with a known family; empty if there is none."""
    last = name.rpartition("/")[2]
    parts = [re.sub(f"^(?:{prefix})", "", last) for prefix in (BEDROCK, "", REGIONS, ROUTES)]
    host, colon, rest = last.partition(":")
    parts += [rest] if colon and find_host(host) else []
    return next((part for part in parts if find_family(part)), "")


def _without_host(written: str) -> str:
    """A name of no known family, without the providers before it: `azure/my-deployment`."""
    name = written.strip()
    host, slash, rest = name.partition("/")
    while slash and rest and (find_host(host) or host == "models"):
        name = rest.strip()
        host, slash, rest = name.partition("/")
    return name


def _without_suffix(name: str) -> tuple[str, Condition | None]:
    """A name without its last suffix, and the condition that it stands for."""
    if any(re.fullmatch(model, name) for model in MODELS):
        return name, None
    for families, suffix, condition in SUFFIXES:
        found = re.search(f"(?:{suffix})$", name) if re.match(families, name) else None
        rest = name[: found.start()] if found else ""
        if found and find_family(rest) and (":" in found[0] or re.search("[0-9]", rest)):
            return rest, condition
    return name, None


def _respell(name: str) -> str:
    for pattern, replacement in SPELLINGS:
        name = re.sub(f"^{pattern}", replacement, name)
    claude = next((found for order in CLAUDE if (found := re.fullmatch(order, name))), None)
    return _name_claude(**claude.groupdict()) if claude else name


def _name_claude(family: str, major: str, minor: str | None, rest: str) -> str:
    """The third generation is named claude-3-5-sonnet, later ones claude-sonnet-4-5."""
    version = major if minor in (None, "0") else f"{major}-{minor}"
    return f"claude-{version}-{family}{rest}" if major == "3" else f"claude-{family}-{version}{rest}"
