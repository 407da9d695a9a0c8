"""Costs of a period by a dimension of records, as `costs_by_dimension` answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from tally.core.dimensions import DIMENSIONS, DimensionName
from tally.storage.database import Database

PartKind = Literal["value", "rest", "none", "hidden"]
COUNTS = ("tokens", "input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "requests")
HIDDEN = "Others' records"  # the caller may count them, but not read them


@dataclass(frozen=True, slots=True)
class DimensionPart:
    """Records with one value, or without one; amounts in US dollars. What plans include was not paid."""

    kind: PartKind
    name: str
    cost_usd: Decimal
    included_usd: Decimal
    counts: Mapping[str, int]
    unpriced_records: int

    @property
    def value(self) -> str | None:
        """The value, None where the name stands for several or for none."""
        return self.name if self.kind == "value" else None

    def describe(self) -> dict[str, str | int]:
        """The JSON object of its figures; amounts are text, without zeros at their end."""
        return {
            "cost_usd": f"{self.cost_usd.normalize():f}",
            "included_usd": f"{self.included_usd.normalize():f}",
            **self.counts,
            "unpriced_records": self.unpriced_records,
        }


@dataclass(frozen=True, slots=True)
class DimensionCosts:
    """All of a period, and its parts, dearest first, which add up to it."""

    total: DimensionPart
    parts: tuple[DimensionPart, ...]

    @property
    def has_values(self) -> bool:
        """True if some records name the dimension."""
        return any(part.kind == "value" for part in self.parts)


def ask_for(
    dimension: DimensionName, days: tuple[date, date], top: int, project: str | None = None
) -> dict[str, Any]:
    """The arguments of the function, of a period with both ends."""
    return {
        "dimension": dimension,
        "from_date": days[0].isoformat(),
        "to_date": days[1].isoformat(),
        "top_n": top,
        "project": project,
    }


def load_dimension(
    database: Database,
    dimension: DimensionName,
    days: tuple[date, date],
    top: int,
    project: str | None = None,
) -> DimensionCosts:
    """Costs by a dimension, of everything or of a project; raises DatabaseError."""
    return read_dimension(
        dimension, database.call("costs_by_dimension", **ask_for(dimension, days, top, project))
    )


def read_dimension(dimension: DimensionName, answer: Mapping[str, Any]) -> DimensionCosts:
    """The answer of the function."""
    parts = tuple(_read_part(part["kind"], _name(dimension, part), part) for part in answer["parts"])
    return DimensionCosts(_read_part("rest", "Total", answer["total"]), parts)


def _name(dimension: DimensionName, part: Mapping[str, Any]) -> str:
    names = {"none": DIMENSIONS[dimension].none, "hidden": HIDDEN, "rest": f"Other ({part['values']})"}
    return names.get(part["kind"]) or str(part["value"])


def _read_part(kind: PartKind, name: str, part: Mapping[str, Any]) -> DimensionPart:
    return DimensionPart(
        kind,
        name,
        Decimal(part["cost_usd"]),
        Decimal(part["included_usd"]),
        {count: int(part[count]) for count in COUNTS},
        part["unpriced_records"],
    )
