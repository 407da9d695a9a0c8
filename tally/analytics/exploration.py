"""A question about costs that Postgres has checked, and the parts of its query: names, conditions, groups.

Query texts are put together from constants of this room; every value of a question is a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tally.analytics.client import EngineError
from tally.analytics.rights import IS_READABLE, NONE, Rights
from tally.analytics.tables import DIMENSIONS

COLUMNS = {
    "provider": "provider_id",
    "model": "model_name",
    "project": "project_id",
    "person": f"nullIf(user_id, {NONE})",  # of an account that was deleted
    "charge_type": "charge_type",
    "cost_basis": "cost_basis",
    "source": "import_id",
    "billing_account": "billing_account",
    "tag": "tags",
}
IDS = frozenset({"project", "person", "source"})
PUBLIC = frozenset({"provider", "model", "charge_type", "cost_basis", "token_class"})
HOURS = frozenset({"hour", "hour_of_day", "weekday_hour"})
BY_MODEL = frozenset({"cost_per_request", "cache_savings"})
CLASSES = ("input", "cache_read", "cache_write", "output", "reasoning", "other")
MOST_DECIMALS = 60  # of a factor: the engine's decimals have 76 digits


@dataclass(frozen=True, slots=True)
class Question:
    """The arguments of `explore_costs`, and what `explore_rights` says of them."""

    measure: str
    by: tuple[str, ...]
    filters: Mapping[str, list[str | None]]
    granularity: str
    top: int
    prices: list[Mapping[str, Any]]
    rights: Rights
    first_at: datetime
    last_at: datetime
    is_of_days: bool
    told: tuple[str, ...]
    times: Mapping[str, list[Any]] | None
    providers: Mapping[str, str]

    @classmethod
    def read(cls, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Question:
        """A question from its arguments and the answer about them."""
        return cls(
            asked["measure"],
            tuple(asked.get("by") or ()),
            asked.get("filters") or {},
            asked.get("granularity", "none"),
            asked.get("top_n", 8),
            asked.get("prices") or [],
            Rights.read(answer),
            datetime.fromisoformat(answer["first_at"]),
            datetime.fromisoformat(answer["last_at"]),
            answer["is_of_days"],
            tuple(answer["told"]),
            answer["times"] if answer["times"] and answer["times"]["starts"] else None,
            answer["providers"],
        )

    @property
    def has_hours(self) -> bool:
        """True if groups are told by the hour, which some records do not have."""
        return self.granularity in HOURS

    @property
    def classes(self) -> list[str]:
        """The classes of tokens that it counts."""
        chosen = self.filters.get("token_class")
        return [name for name in CLASSES if not chosen or name in chosen]

    @property
    def rates(self) -> list[Decimal] | None:
        """Units of a currency for a dollar by time; None where all are one."""
        rates = [Decimal(rate) for rate in self.times["rates"]] if self.times else []
        return rates if any(rate != 1 for rate in rates) else None


def find_key(question: Question, dimension: str) -> str:
    """A dimension of a record; '' or null is none, and tags stay together."""
    if dimension not in DIMENSIONS:
        return COLUMNS[dimension]
    if dimension in question.told:
        return f"if(r.{dimension} != '', r.{dimension}, o.told_{dimension})"
    return dimension


def find_hidden(question: Question, dimension: str) -> str | None:
    """The condition under which a dimension of a record is not the reader's to know; None for never."""
    if question.rights.reads_all or dimension in PUBLIC:
        return None
    if dimension == "project":
        return f"has({{hidden:Array(UUID)}}, ifNull(project_id, {NONE}))"
    return f"not {IS_READABLE}"


def filter_records(question: Question) -> tuple[str, dict[str, Any]]:
    """The conditions of a question's filters, and their parameters."""
    conditions, parameters = ["true"], {}
    for dimension in sorted(question.filters):
        if dimension == "token_class":
            continue
        chosen = question.filters[dimension]
        # The engine has '' for none, which no value is.
        values = [value for value in chosen if value]
        name, key = f"only_{dimension}", find_key(question, dimension)
        if dimension == "provider":
            ids = [provider for provider, slug in question.providers.items() if slug in values]
            parameters[name] = ids
            condition = f"has({{{name}:Array(UUID)}}, {key})"
            is_none = "false"
        elif dimension in IDS:
            parameters[name] = values
            condition = f"has({{{name}:Array(UUID)}}, ifNull({key}, {NONE})) and {key} is not null"
            is_none = f"{key} is null"
        elif dimension == "tag":
            parameters[name] = values
            condition, is_none = f"hasAny({key}, {{{name}:Array(String)}})", f"empty({key})"
        else:
            parameters[name] = values
            condition, is_none = f"has({{{name}:Array(String)}}, {key})", f"{key} = ''"
        conditions.append(f"({condition} or {is_none})" if None in chosen else f"({condition})")
        hidden = find_hidden(question, dimension)
        if hidden is not None:
            conditions.append(f"not ({hidden})")
    return "\n    and ".join(conditions), parameters


def join_told(question: Question) -> str:
    """The join with what other statements on the same events tell, of those that the reader may read."""
    if not question.told:
        return ""
    told = ", ".join(f"minIf({name}, {name} != '') as told_{name}" for name in question.told)
    readable = "true" if question.rights.reads_all else IS_READABLE
    line = "if({0}has_request_id, toDateTime64(0, 6, 'UTC'), {0}timestamp)"
    return f"""left join (
        select source_key, {line.format("")} as line_at, {told}
        from $superseded_around
        where {readable}
        group by source_key, line_at
    ) as o on r.source_key = o.source_key and {line.format("r.")} = o.line_at"""


def decimals_of(*numbers: Decimal) -> int:
    """The decimals that these numbers need; raises EngineError where the engine has not enough digits."""
    needed = max((-int(number.as_tuple().exponent) for number in numbers), default=0)
    if needed > MOST_DECIMALS:
        raise EngineError("The analytics engine cannot multiply by numbers with so many digits.")
    return max(needed, 0)
