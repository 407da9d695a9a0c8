"""Rules that file records under projects, and what a change of them moves. Money is in US dollars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tally.storage.unnamed import UNASSIGNED


@dataclass(frozen=True, slots=True)
class Rule:
    """Files records under a project if their `field` has the value, or begins with it (match "prefix")."""

    field: str
    match: str
    value: str
    project_id: str

    def to_json(self) -> dict[str, str]:
        """The rule as SQL functions take it."""
        return {
            "field": self.field,
            "match": self.match,
            "value": self.value,
            "project_id": self.project_id,
        }


@dataclass(frozen=True, slots=True)
class Amounts:
    """Money of records by the basis of their costs; included usage is no spend."""

    billed: Decimal
    estimated: Decimal
    included: Decimal

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.billed + other.billed, self.estimated + other.estimated, self.included + other.included
        )


NOTHING = Amounts(Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Move:
    """Records that go from one project or person to another."""

    from_id: str
    to_id: str
    records: int
    amounts: Amounts
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Plan:
    """The effect of a change: its moves, dearest first."""

    moves: tuple[Move, ...]

    @property
    def records(self) -> int:
        """The number of records that move."""
        return sum(move.records for move in self.moves)

    @property
    def amounts(self) -> Amounts:
        """The money of the records that move."""
        return sum((move.amounts for move in self.moves), NOTHING)


def parse_plan(answer: dict[str, Any], what: str) -> Plan:
    """The answer of a function that previews or makes a change of what is filed by project or by person."""
    return Plan(
        tuple(
            Move(
                from_id=move[f"from_{what}"] or UNASSIGNED,
                to_id=move[f"to_{what}"] or UNASSIGNED,
                records=move["records"],
                amounts=Amounts(
                    *(Decimal(move[f"{basis}_usd"]) for basis in ("billed", "estimated", "included"))
                ),
                first_day=date.fromisoformat(move["first_day"]),
                last_day=date.fromisoformat(move["last_day"]),
            )
            for move in answer["moves"]
        )
    )


def shift_rule(rules: Sequence[Rule], place: int, by: int) -> list[Rule]:
    """The rules with the one at `place` moved up (-1) or down (1)."""
    moved = list(rules)
    moved.insert(place + by, moved.pop(place))
    return moved
