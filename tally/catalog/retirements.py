"""The days from which providers no longer serve a model, as far as the catalogue has them."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import NamedTuple

from tally.catalog.entries import load_catalogue


class Retirement(NamedTuple):
    """The first day without a model, and the one that its provider recommends instead, if it named one."""

    day: date
    successor: str | None


def find_retirement(provider: str, model: str) -> Retirement | None:
    """The retirement of a model of a provider; both as records name them."""
    return _load().get((provider, model))


def list_retirements(first: date, last: date) -> dict[tuple[str, str], Retirement]:
    """The retirements of some days, by provider and model."""
    return {name: one for name, one in _load().items() if first <= one.day <= last}


@cache
def _load() -> Mapping[tuple[str, str], Retirement]:
    return {
        entry.key: Retirement(entry.retires, entry.successor)
        for entry in load_catalogue().entries
        if entry.retires is not None
    }
