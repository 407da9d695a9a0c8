"""LiteLLM's list of models as parts of catalogue entries, read out of its wheel."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tally.catalog.hosts import find_host
from tally.catalog.models import read_model_name

LIST = "litellm/model_prices_and_context_window_backup.json"
MILLION = Decimal(1_000_000)
TUNED = "ft:"
# A part of a path that makes a price one of a size, a quality or a commitment, not of the model.
_PARTIAL = re.compile(
    r"(?:^|/)(?:\d+-x-\d+|max-x-max|\d+-steps|low|medium|high|standard|hd|auto|\*|[0-9]+-month-commitment)(?:/|$)"
)
_TOKENS = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cached",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_token": "output",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
}
_TIERS = {"": "standard", "_batches": "batch", "_flex": "flex", "_priority": "priority"}
_PRICE = re.compile(rf"({'|'.join(_TOKENS)})(?:_above_([0-9]+)k_tokens)?({'|'.join(_TIERS)})")
_UNITS = {
    "output_cost_per_image": ("image", Decimal(1)),
    "input_cost_per_second": ("second", Decimal(1)),
    "output_cost_per_second": ("second", Decimal(1)),
    "input_cost_per_character": ("characters", MILLION),
    "input_cost_per_query": ("query", Decimal(1)),
    "ocr_cost_per_page": ("page", Decimal(1)),
}
_ABILITIES = {
    "supports_function_calling": "tools",
    "supports_vision": "images",
    "supports_response_schema": "structured_output",
    "supports_native_structured_output": "structured_output",
    "supports_prompt_caching": "prompt_cache",
    "supports_reasoning": "reasoning",
    "supports_pdf_input": "pdf",
    "supports_audio_input": "audio",
    "supports_video_input": "video",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer_use",
}
_MODES = {
    "responses": "chat",
    "completion": "chat",
    "image_edit": "image_generation",
    "audio_transcription": "transcription",
    "audio_speech": "speech",
}
_TAKES = {"images": "image", "pdf": "pdf", "audio": "audio", "video": "video"}
_GIVES = {
    "image_generation": "image",
    "video_generation": "video",
    "speech": "audio",
    "embedding": "vector",
    "rerank": "ranking",
}

Entry = Mapping[str, Any]
Key = tuple[str, str]


def read_wheel(wheel: Path) -> dict[str, Entry]:
    """The list as it is in a wheel, its prices exact."""
    with ZipFile(wheel) as opened:
        found = json.loads(opened.read(LIST), parse_float=Decimal)
    return {name: entry for name, entry in found.items() if name != "sample_spec" and isinstance(entry, dict)}


def take(models: Mapping[str, Entry]) -> dict[Key, dict[str, Any]]:
    """Parts of catalogue entries by provider and model; an entry's versions and routes are one model."""
    groups: dict[Key, dict[str, Entry]] = defaultdict(dict)
    tuned: dict[Key, Entry] = {}
    for name, entry in sorted(models.items()):
        provider = find_provider(str(entry.get("litellm_provider") or ""))
        if not provider or _PARTIAL.search(name):
            continue
        if name.startswith(TUNED):
            tuned[provider, _canonical(name.removeprefix(TUNED))] = entry
        else:
            groups[provider, _canonical(name)][name] = entry
    return {key: _describe(key[1], entries, tuned.get(key)) for key, entries in groups.items()}


def find_provider(name: str) -> str:
    """Tally's slug of a provider of the list, or the list's own name."""
    return name if not name else find_host(name) or find_host(name.partition("-")[0]) or name


def _canonical(written: str) -> str:
    return read_model_name(written.rpartition("/")[2]).name


def _describe(model: str, entries: Mapping[str, Entry], tuned: Entry | None) -> dict[str, Any]:
    """The facts of a model from its entries: prices of the plainest name, abilities of all."""
    plainest = min(entries, key=lambda name: _distance(name, model, entries[name]))
    told = entries[plainest]
    mode = _MODES.get(str(told.get("mode")), str(told.get("mode") or "chat"))
    abilities = {ability for field, ability in _ABILITIES.items() if told.get(field)}
    prices = find_prices(told)
    if tuned:
        prices["tuned"] = find_prices(tuned).get("standard", {})
    abilities |= {tier for tier in ("batch", "flex", "priority") if tier in prices}
    if "/v1/batch" in told.get("supported_endpoints", ()):
        abilities.add("batch")
    retirement = find_retirement(model, entries)
    facts = {
        "names": sorted({name for name in entries if name != model}),
        "mode": mode,
        "takes": _list_takes(told, mode, abilities),
        "gives": sorted(told.get("supported_output_modalities") or [_GIVES.get(mode, "text")]),
        "context": _whole(told.get("max_input_tokens")),
        "answer": _whole(told.get("max_output_tokens")),
        "can": sorted(abilities),
        "prices": {tier: found for tier, found in prices.items() if found},
        "retires": retirement and str(retirement["deprecation_date"]),
        "successor": _find_successor(told, retirement),
        "min_cache_tokens": _whole(told.get("prompt_cache_min_tokens")),
        "source": told.get("source"),
    }
    return {name: value for name, value in facts.items() if value}


def _distance(name: str, model: str, entry: Entry) -> tuple[bool, bool, bool, int, int, str]:
    """The order of names: priced, without conditions, the model's own, the shortest route, the latest."""
    last = name.rpartition("/")[2]
    has_price = any(_PRICE.fullmatch(field) for field in entry)
    newest = -int("".join(re.findall("20[0-9]{6}", name.replace("-", ""))[:1]) or 0)
    return (
        not has_price,
        bool(read_model_name(last).conditions),
        last != model,
        name.count("/"),
        newest,
        name,
    )


def find_prices(entry: Entry) -> dict[str, dict[str, str]]:
    """Prices by tier and class: dollars for a million tokens, or for one of another unit."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for field, value in sorted(entry.items()):
        if not _is_amount(value):
            continue
        if field in _UNITS:
            unit, times = _UNITS[field]
            if value:
                found["standard"][unit] = write_decimal(value * times)
        elif told := _PRICE.fullmatch(field):
            tier = _name_tier(_TIERS[told[3]], told[2])
            if tier:
                found[tier][_TOKENS[told[1]]] = write_decimal(value * MILLION)
    _drop_zeros(found["standard"])
    return dict(found)


def _is_amount(value: Any) -> bool:
    """True for a number that may be a price; JSON has NaN and infinity as floats."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and value >= 0


def _name_tier(tier: str, above: str | None) -> str:
    """`standard`, `batch`, `above_200000`; empty for those of both."""
    if above is None:
        return tier
    return f"above_{int(above) * 1000}" if tier == "standard" else ""


def _drop_zeros(standard: dict[str, str]) -> None:
    """Drop prices of 0 for tokens where another unit is what costs: they say that tokens do not count."""
    units = {unit for unit, _ in _UNITS.values()}
    if units & standard.keys():
        for name in [name for name, usd in standard.items() if usd == "0" and name not in units]:
            del standard[name]


def write_decimal(amount: Decimal | int) -> str:
    """A price without zeros at its end."""
    return f"{Decimal(amount).normalize():f}"


def find_retirement(model: str, entries: Mapping[str, Entry]) -> Entry | None:
    """The entry whose day is the model's: its own, else the last version's, provided that each has one."""
    own = [entry for name, entry in entries.items() if name.rpartition("/")[2] == model and is_dated(entry)]
    told = own or list(entries.values())
    return max(told, key=lambda entry: str(entry["deprecation_date"])) if all(map(is_dated, told)) else None


def is_dated(entry: Entry) -> bool:
    """True if the entry names a day."""
    try:
        return bool(date.fromisoformat(str(entry["deprecation_date"])))
    except (KeyError, ValueError):
        return False


def _find_successor(told: Entry, retirement: Entry | None) -> str | None:
    name = (retirement or told).get("successor_model")
    return _canonical(str(name)) if name else None


def _list_takes(told: Entry, mode: str, abilities: Iterable[str]) -> list[str]:
    named = told.get("supported_modalities")
    if named:
        return sorted(named)
    first = "audio" if mode == "transcription" else "text"
    return sorted({first, *(_TAKES[ability] for ability in abilities if ability in _TAKES)})


def _whole(value: Any) -> int | None:
    return int(value) if _is_amount(value) and value else None
