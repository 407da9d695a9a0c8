"""Figures that programs read: costs, budgets and models, from the functions that the pages ask.

Money is US dollars as text, exact; usage that a plan includes is worth something, but is not spent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, cast, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from tally.budgets.report import describe_status
from tally.budgets.status import load_statuses
from tally.core.dimensions import DIMENSION_NAMES, DIMENSIONS, DimensionName
from tally.pricing.class_prices import ClassPrices
from tally.pricing.list_prices import find_prices
from tally.storage.database import Database
from tally.storage.dimension_costs import COUNTS, load_dimension
from tally.storage.unnamed import UNNAMED, UNNAMED_PEOPLE
from tally.storage.workspaces import load_timezone

OfDays = Literal["day", "month", "provider", "model", "project", "person"]
Group = OfDays | DimensionName
GROUPS: tuple[Group, ...] = (*get_args(OfDays), *DIMENSION_NAMES)
MAX_VALUES = 200  # of a dimension; those beyond are one group
MAX_DAYS = 3_700  # ten years
SPLIT = {"project", "person"}
INCLUDED = "included"


class Days(NamedTuple):
    """A period, both ends included, in the days of a time zone."""

    first: date
    last: date
    timezone: str


@dataclass(slots=True)
class Sum:
    """The sum of rows of daily_costs."""

    cost_usd: Decimal = Decimal(0)
    included_usd: Decimal = Decimal(0)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    unpriced_records: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        cost = Decimal(row["cost_usd"] or 0)
        if row["cost_basis"] == INCLUDED:
            self.included_usd += cost
        else:
            self.cost_usd += cost
        for name in COUNTS:
            self.counts[name] += row[name]
        self.unpriced_records += row["unpriced_records"]

    def describe(self) -> dict[str, Any]:
        """The JSON object of a sum."""
        return {
            "cost_usd": write_usd(self.cost_usd),
            "included_usd": write_usd(self.included_usd),
            **self.counts,
            "unpriced_records": self.unpriced_records,
        }


def write_usd(amount: Decimal) -> str:
    """An amount as text, without zeros at its end."""
    return f"{amount.normalize():f}" if amount else "0"


def choose_days(
    database: Database, first: date | None, last: date | None, now: datetime | None = None
) -> Days:
    """The period that is asked for; by default the workspace's month so far."""
    timezone = load_timezone(database)
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(timezone)).date()
    last = last or max(today, first or today)
    return Days(first or last.replace(day=1), last, timezone)


def explain_fault(days: Days, first: str, last: str) -> str:
    """The reason why a period cannot be read, by the names of its ends; empty for none."""
    if days.first > days.last:
        return f"`{first}` is after `{last}`. Exchange them."
    if (days.last - days.first).days >= MAX_DAYS:
        return "More than ten years are too many at once. Ask for fewer."
    return ""


def load_costs(database: Database, days: Days, group: Group, project: UUID | None = None) -> dict[str, Any]:
    """Costs of a period by day, month, provider, model, project, person or a dimension, and in total."""
    if group in DIMENSIONS:
        return _load_dimension(database, days, group, project)
    split = group if group in SPLIT else None
    rows = list(load_rows(database, days, project, split))
    name = _load_names(database, split) if split else {}
    keys: dict[str, Sum] = {}
    total = Sum()
    for row in rows:
        total.add(row)
        keys.setdefault(_find_key(row, group), Sum()).add(row)
    groups = [
        {group: key, **_name(group, key, name), **found.describe()} for key, found in sorted(keys.items())
    ]
    if group not in ("day", "month"):
        groups.sort(key=lambda each: Decimal(each["cost_usd"]), reverse=True)
    return {
        **describe_days(days),
        "group_by": group,
        "total": total.describe(),
        "groups": groups,
    }


def _load_dimension(
    database: Database, days: Days, dimension: DimensionName, project: UUID | None
) -> dict[str, Any]:
    """The same by a dimension: null is the key of what has no value, or of several values as one."""
    asked = None if project is None else str(project)
    found = load_dimension(database, dimension, (days.first, days.last), MAX_VALUES, asked)
    return {
        **describe_days(days),
        "group_by": dimension,
        "total": found.total.describe(),
        "groups": [{dimension: part.value, "name": part.name, **part.describe()} for part in found.parts],
    }


def describe_days(days: Days) -> dict[str, Any]:
    """The JSON object of a period, with the currency of its figures."""
    return {
        "from": days.first.isoformat(),
        "to": days.last.isoformat(),
        "timezone": days.timezone,
        "currency": "USD",
    }


def load_budgets(database: Database, project: UUID | None = None) -> dict[str, Any]:
    """The state of the budgets; of those of one project where only that may be read."""
    return {
        "budgets": [
            describe_status(status)
            for status in load_statuses(database)
            if project is None or status.budget.scope.project_id == str(project)
        ]
    }


def load_models(database: Database, days: Days, project: UUID | None = None) -> dict[str, Any]:
    """The models that were used, with their cost and the list price of a million tokens."""
    used: dict[tuple[str, str], Sum] = {}
    for row in load_rows(database, days, project):
        used.setdefault((row["provider"], row["model"]), Sum()).add(row)
    dearest = sorted(used.items(), key=lambda each: (-each[1].cost_usd, each[0]))
    return {
        **describe_days(days),
        "models": [
            {
                "provider": provider,
                "model": model,
                **found.describe(),
                "list_price": _describe_price(provider, model),
            }
            for (provider, model), found in dearest
        ],
    }


def load_rows(
    database: Database, days: Days, project: UUID | None, split: str | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of daily_costs, of everything or of a project."""
    asked: dict[str, Any] = {"from_date": days.first.isoformat(), "to_date": days.last.isoformat()}
    if project is not None:
        asked["project"] = str(project)
    if split is not None:
        asked["split"] = split
    columns = cast(dict[str, list[Any]], database.call("daily_costs", **asked))
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _find_key(row: Mapping[str, Any], group: Group) -> str:
    if group == "day":
        return str(row["date"])
    return str(row["date"])[:7] if group == "month" else str(row[group])


def _load_names(database: Database, split: str) -> dict[str, str]:
    """Names of projects or people by id, and of what stands for those that may not be told apart."""
    if split == "project":
        names = {row["id"]: row["name"] for row in database.call("list_projects")}
        return names | UNNAMED
    return {row["user_id"]: row["email"] for row in database.call("list_people")} | UNNAMED_PEOPLE


def _name(group: Group, key: str, names: Mapping[str, str]) -> dict[str, str | None]:
    return {"name": names.get(key)} if group in SPLIT else {}


def _describe_price(provider: str, model: str) -> dict[str, str | None] | None:
    prices = find_prices(provider, model, 0, datetime.now(UTC))
    return None if prices is None else describe_prices(prices)


def describe_prices(prices: ClassPrices) -> dict[str, str | None]:
    """US dollars per million tokens of each class, null where a class has no price."""
    names = {
        "uncached": "input",
        "cached": "cached_input",
        "cache_write": "cache_write",
        "cache_write_1h": "cache_write_1h",
        "output": "output",
    }
    found = {name: prices.by_class[key] for key, name in names.items()}
    return {f"{name}_usd_per_million": None if usd is None else write_usd(usd) for name, usd in found.items()}
