"""Prices of data residency: where a request must be processed may cost more."""

import re
from decimal import Decimal

from tally.pricing.listed_models import ListedModel

RESIDENCY = "inference_geo"
EVERYWHERE = ("global", "not_available", "")
# platform.claude.com, Data residency: 1.1 times each class of tokens within the US, since Claude 4.6.
US_FACTOR, FIRST_CLAUDE = Decimal("1.1"), (4, 6)

_CLAUDE = re.compile(r"claude-[a-z]+-(?P<major>[0-9]+)(?:-(?P<minor>[0-9]))?")


def find_residency(found: ListedModel, place: str | None) -> tuple[Decimal, str]:
    """The factor of the price of tokens, and a note where none is known for the place."""
    if place is None or place.casefold() in EVERYWHERE:
        return Decimal(1), ""
    named = _CLAUDE.fullmatch(found.model.id)
    version = (int(named["major"]), int(named["minor"] or 0)) if named else (0, 0)
    if place.casefold() == "us" and found.provider.id == "anthropic" and version >= FIRST_CLAUDE:
        return US_FACTOR, ""
    return Decimal(1), f"standard price: none is known for {place}"
