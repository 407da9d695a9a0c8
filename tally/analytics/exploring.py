"""Answers to questions about costs, as `explore_costs` and `explore_values` give them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from tally.analytics.exploration import Question
from tally.analytics.explore_query import measure_records
from tally.analytics.numbers import PRECISION, divide
from tally.analytics.rights import Scope
from tally.storage.database import Row

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Keys = tuple[str, str, str, str]  # the kind and the value of both dimensions
AT = "multiIf(timeless = 'hidden', '', timeless = 'day', 'day', label)"
FIGURES = ("amount", "per", "requests", "records", "unpriced")
NUMBERED = frozenset({"weekday", "hour_of_day", "weekday_hour"})


@dataclass(slots=True)
class Sums:
    """Figures of a group, and of it at each time."""

    amount: Decimal = Decimal(0)
    per: int = 0
    requests: int = 0
    records: int = 0
    unpriced: int = 0
    at: dict[str, Sums] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the figures of a row of a query."""
        for name in FIGURES:
            setattr(self, name, getattr(self, name) + row[name])


def explore_costs(client: Client, question: Question) -> Row:
    """The answer to a question; raises EngineError."""
    with localcontext(prec=PRECISION):
        return _explore(client, question)


def _explore(client: Client, question: Question) -> Row:
    scope = Scope(client, question.rights, question.first_at, question.last_at)
    measured, parameters = measure_records(question)
    given = {**parameters, **_name_providers(question), "top": question.top}
    rows = scope.ask(_select_cells(question, measured), given)
    total = Sums()
    if {"tag", "token_class"} & set(question.by):  # groups overlap, or lack records
        for row in scope.ask(_select_total(measured), parameters):
            total.add(row)
    else:
        for row in rows:
            total.add(row)
    return _describe(question, rows, total)


def explore_values(client: Client, question: Question, search: str, at_most: int) -> Row:
    """The values of the question's dimension, dearest first, that contain a text in small letters."""
    scope = Scope(client, question.rights, question.first_at, question.last_at)
    measured, parameters = measure_records(question)
    rows = scope.ask(
        f"""select kind_1 as kind, name_1 as name, group_amount as amount, group_records as records,
            count() over () as found
        from ({_select_groups(question, measured)})
        where kind_1 != 'hidden' and ({{search:String}} = ''
            or (kind_1 = 'value' and position(lowerUTF8(name_1), {{search:String}}) > 0))
        order by amount desc, records desc, kind_1 = 'none', name_1
        limit {{at_most:UInt32}}""",
        {**parameters, **_name_providers(question), "search": search, "at_most": at_most},
    )
    values = [
        {
            "kind": row["kind"],
            "value": row["name"] if row["kind"] == "value" else None,
            "amount": format(row["amount"], "f"),
            "records": row["records"],
        }
        for row in rows
    ]
    return {"values": values, "more": rows[0]["found"] - len(rows) if rows else 0}


def _name_providers(question: Question) -> dict[str, Any]:
    if "provider" not in question.by:
        return {}
    return {
        "provider_ids": list(question.providers.keys()),
        "provider_names": list(question.providers.values()),
    }


def _select_cells(question: Question, measured: str) -> str:
    """Groups that stand alone and the rest, by time: the dearest named ones, and those without a name."""
    return f"""select is_alone, if(is_alone, g.kind_1, '') as k1, if(is_alone, g.value_1, '') as v1,
        if(is_alone, g.kind_2, '') as k2, if(is_alone, g.value_2, '') as v2, cell.1 as at,
        sum(cell.2) as amount, sum(cell.3) as per, sum(cell.4) as requests, sum(cell.5) as records,
        sum(cell.6) as unpriced, any(group_count) as groups
    from (
        select *, count() over () as group_count, kind_1 = 'value' or kind_2 = 'value' as is_named,
            not is_named or row_number() over (
                partition by is_named order by group_amount desc, name_1, name_2, kind_1, kind_2
            ) <= {{top:UInt32}} as is_alone
        from ({_select_groups(question, measured)})
    ) as g array join g.cells as cell
    group by is_alone, k1, v1, k2, v2, at"""


def _select_groups(question: Question, measured: str) -> str:
    """Groups with their amount, their records, their names and their cells by time."""
    return f"""select kind_1, value_1, kind_2, value_2,
        {_select_name(question, 1)} as name_1, {_select_name(question, 2)} as name_2,
        sum(measure) as group_amount, sum(records) as group_records,
        groupArray(({AT}, measure, per, requests, records, missing)) as cells
    from (
        select *,
            if(hidden_1, '', ifNull(toString(shown_1), '')) as value_1,
            if(hidden_2, '', ifNull(toString(shown_2), '')) as value_2,
            multiIf(hidden_1, 'hidden', value_1 = '', 'none', 'value') as kind_1,
            multiIf(hidden_2, 'hidden', value_2 = '', 'none', 'value') as kind_2
        from ({_tell_apart(question, measured)})
    )
    group by kind_1, value_1, kind_2, value_2"""


def _select_name(question: Question, nth: int) -> str:
    value = f"value_{nth}"
    if question.by[nth - 1 : nth] != ("provider",):
        return value
    return f"transform({value}, {{provider_ids:Array(String)}}, {{provider_names:Array(String)}}, {value})"


def _tell_apart(question: Question, measured: str) -> str:
    """The sums, with what is shown of both keys: a row for each tag and each class of tokens."""
    shown, amount = ["key_1", "key_2"], "measure"
    for nth, dimension in enumerate(question.by):
        if dimension == "tag":
            key, hidden = f"key_{nth + 1}", f"hidden_{nth + 1}"
            shown[nth] = f"arrayJoin(if({hidden} or empty({key}), [''], arrayMap(x -> toString(x), {key})))"
        elif dimension == "token_class":
            shown[nth] = "(arrayJoin(arrayFilter(x -> x.2 != 0, shares)) as share).1"
            amount = "toDecimal256(share.2, 0)"
    return f"""select {shown[0]} as shown_1, {shown[1]} as shown_2, hidden_1, hidden_2, timeless, label,
        {amount} as measure, per, requests, records, missing
    from ({measured})"""


def _select_total(measured: str) -> str:
    return f"""select sum(m.measure) as amount, sum(m.per) as per, sum(m.requests) as requests,
        sum(m.records) as records, sum(m.missing) as unpriced
    from ({measured}) as m"""


def _describe(question: Question, rows: Sequence[Row], total: Sums) -> Row:
    alone, rest = _gather(rows)
    placed = sorted(alone.items(), key=lambda group: _rank(question, *group))
    parts = [_describe_part(question, keys, sums) for keys, sums in placed]
    groups = rows[0]["groups"] if rows else 0
    listed = [sums for _, sums in placed]
    if rest is not None:
        figures = _describe_figures(question, rest)
        parts.append({"kind": "rest", "groups": groups - len(placed), "keys": [], **figures})
        listed.append(rest)
    return {
        "total": _describe_figures(question, total),
        "groups": groups,
        "overlaps": "tag" in question.by,
        "parts": parts,
        "points": _describe_points(question, listed),
    }


def _gather(rows: Sequence[Row]) -> tuple[dict[Keys, Sums], Sums | None]:
    alone, rest = defaultdict[Keys, Sums](Sums), Sums()
    has_rest = False
    for row in rows:
        sums = alone[row["k1"], row["v1"], row["k2"], row["v2"]] if row["is_alone"] else rest
        has_rest = has_rest or not row["is_alone"]
        sums.add(row)
        sums.at.setdefault(row["at"], Sums()).add(row)
    return dict(alone), rest if has_rest else None


def _rank(question: Question, keys: Keys, sums: Sums) -> tuple[Any, ...]:
    names = (_name(question, 0, keys[1]) or "", _name(question, 1, keys[3]) or "")
    return -sums.amount, *(name.encode() for name in names), keys[0], keys[2]


def _name(question: Question, nth: int, value: str) -> str:
    if question.by[nth : nth + 1] == ("provider",):
        return question.providers.get(value, value)
    return value


def _describe_part(question: Question, keys: Keys, sums: Sums) -> Row:
    kinds, values = keys[::2], keys[1::2]
    named = [
        {"kind": kinds[nth], "value": _name(question, nth, values[nth]) if kinds[nth] == "value" else None}
        for nth in range(len(question.by))
    ]
    return {"kind": "value", "groups": 1, "keys": named, **_describe_figures(question, sums)}


def _describe_figures(question: Question, sums: Sums) -> Row:
    return {
        "value": _describe_amount(question, sums),
        "requests": sums.requests,
        "records": sums.records,
        "unpriced_records": sums.unpriced,
    }


def _describe_amount(question: Question, sums: Sums) -> str | None:
    if question.measure != "cost_per_request":
        return format(sums.amount, "f")
    return format(divide(sums.amount, Decimal(sums.per)), "f") if sums.per else None


def _describe_points(question: Question, listed: Sequence[Sums]) -> Row:
    if question.granularity == "none":
        return {"part": [], "at": [], "value": []}
    points = sorted((place, not at, len(at), at) for place, sums in enumerate(listed) for at in sums.at)
    return {
        "part": [place for place, *_ in points],
        "at": [_describe_time(question, at) for *_, at in points],
        "value": [_describe_amount(question, listed[place].at[at]) for place, *_, at in points],
    }


def _describe_time(question: Question, at: str) -> str | int | None:
    if not at:
        return None
    return int(at) if question.granularity in NUMBERED and at != "day" else at
