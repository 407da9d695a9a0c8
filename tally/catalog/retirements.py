"""The days from which providers no longer serve a model, as far as they have told them.

The data come from the list of models in LiteLLM (MIT licence), whose version is in the file.
`python -m tests.tally.catalog.take_retirements WHEEL` takes them from a newer wheel.
"""

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("retirements.json")


class Retirement(NamedTuple):
    """The first day without a model, and the one that its provider recommends instead, if it named one."""

    day: date
    successor: str | None


def find_retirement(provider: str, model: str) -> Retirement | None:
    """The retirement of a model of a provider; both as records name them."""
    told = _load().get(provider, {}).get(model)
    return Retirement(date.fromisoformat(told[0]), told[1] if len(told) > 1 else None) if told else None


def list_retirements(first: date, last: date) -> dict[tuple[str, str], Retirement]:
    """The retirements of some days, by provider and model."""
    names = [(provider, model) for provider, models in _load().items() for model in models]
    found = {name: find_retirement(*name) for name in names}
    return {name: one for name, one in found.items() if one and first <= one.day <= last}


@cache
def _load() -> dict[str, dict[str, list[str]]]:
    models: Any = json.loads(FILE.read_text(encoding="utf-8"))["models"]
    return models  # type: ignore[no-any-return]
