"""A table of an export of everything: its file, its columns, and how they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tally.moving import cells
from tally.moving.cells import Parse

Row = dict[str, Any]

EXACT = ("_usd", "_mtok", "multiplier", "metadata", "amount")
# Of invoices, experiments and advice.
EXACT_NAMES = frozenset(
    "subtotal discount tax total applied_balance usd_rate quantity unit_price margin value".split()  # noqa: SIM905
) | {"saving_low", "saving_mid", "saving_high", "dismissed_saving"}
PROVIDER, PERSON = "provider", "person"  # names in place of provider_id and user_id
NAME, EMAIL = cells.text(100), cells.text(320)


@dataclass(frozen=True, slots=True)
class Table:
    """A table, whose CSV file has its name. Columns in `required` have no empty cells.

    `filled` are texts that may be empty, but not null. `before` is before the first row, for an index that
    serves only what is compared with its order.
    """

    name: str
    columns: Mapping[str, Parse]
    required: frozenset[str]
    order: Sequence[str] = ("id",)
    filled: frozenset[str] = field(default_factory=frozenset)
    before: dict[str, Any] | None = None

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.csv"

    @property
    def query(self) -> str:
        """The columns to select."""
        stored = {PROVIDER: "provider_id", PERSON: "user_id"}
        names = dict.fromkeys([*(stored.get(name, name) for name in self.columns), *self.order])
        return ",".join(f"{name}::text" if self.is_exact(name) else name for name in names)

    def is_exact(self, name: str) -> bool:
        """True for a column whose JSON numbers would be rounded on their way."""
        return name.endswith(EXACT) or name in EXACT_NAMES


def make_table(name: str, required: str, columns: Mapping[str, Parse], **others: Any) -> Table:
    """A table; `required` has the names of its columns without empty cells."""
    return Table(name, columns, frozenset(required.split()), **others)
