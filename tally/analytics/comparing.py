"""Sums of both sides by workspace, table and month, which must be equal to the last digit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tally.analytics.client import explaining
from tally.analytics.outbox import Connection
from tally.analytics.tables import RECORDS, SUPERSEDED, TABLES, TRACES, Table, month_bounds

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Key = tuple[UUID, str, int]  # workspace, table, and the UTC month as 202611
Sums = tuple[int | Decimal, ...]

# What is summed beside the number of rows, in the SQL of both: money and tokens as far as they count.
_TOKENS = (
    "tokens_used",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "request_count",
)
SUMMED = {
    RECORDS.name: (
        "case when money_is_effective = 1 then cost_usd end",
        *(f"case when tokens_are_effective = 1 then {name} end" for name in _TOKENS),
        "is_unpriced",
    ),
    SUPERSEDED.name: ("cost_usd", *_TOKENS),
    TRACES.name: ("cost_usd", "input_tokens", "output_tokens", "spans", "calls", "errors"),
}
# Wide enough for a billion rows of the greatest amounts.
POSTGRES_SUM = "coalesce(sum(({}))::numeric(38, 10), 0)"
ENGINE_SUM = "sum(coalesce(toDecimal256({}, 10), 0))"
POSTGRES = """
select workspace_id, to_char({time} at time zone 'UTC', 'YYYYMM')::integer, count(*), {sums}
from private.engine_{table}
group by 1, 2"""
ENGINE = """
select workspace_id, toYYYYMM({time}) as month, count(), {sums}
from {table} final
group by workspace_id, month"""
HAS_ARCHIVE = """
select exists (
    select from private.archived_parts(%(tenant)s, %(first_at)s, %(last_at)s)
)"""
IS_PENDING = """
select private.analytics_is_pending(%(tenant)s, %(first_at)s, %(last_at)s)"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A month whose sums differ: those of both sides, and whether some of it is yet to be shipped."""

    workspace_id: UUID
    table: str
    month: int
    postgres: Sums
    engine: Sums
    is_pending: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The number of months compared, their records and money, and those that differ."""

    months: int
    records: int
    cost_usd: Decimal
    differences: list[Difference]


def compare(connection: Connection, client: Client) -> Comparison:
    """Compare all sums; months with days in an archive are left out, as Postgres has not all of them."""
    ours: dict[Key, Sums] = {}
    theirs: dict[Key, Sums] = {}
    for table in TABLES:
        ours |= _sum_postgres(connection, table)
        theirs |= _sum_engine(client, table)
    differing = [key for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]
    records = [sums for (_, table, _), sums in ours.items() if table == RECORDS.name]
    return Comparison(
        len(ours),
        sum(int(sums[0]) for sums in records),
        sum((Decimal(sums[1]) for sums in records), Decimal(0)),
        [
            Difference(
                *key, ours.get(key, (0, 0)), theirs.get(key, (0, 0)), _ask(connection, IS_PENDING, key)
            )
            for key in differing
            if not _ask(connection, HAS_ARCHIVE, key)
        ],
    )


def _sum_postgres(connection: Connection, table: Table) -> dict[Key, Sums]:
    sums = ", ".join(POSTGRES_SUM.format(each) for each in SUMMED[table.name])
    query = POSTGRES.format(time=table.time, table=table.name, sums=sums)
    return _by_key(table, connection.execute(query.encode()).fetchall())


def _sum_engine(client: Client, table: Table) -> dict[Key, Sums]:
    sums = ", ".join(ENGINE_SUM.format(each) for each in SUMMED[table.name])
    query = ENGINE.format(time=table.time, table=table.name, sums=sums)
    with explaining():
        return _by_key(table, client.query(query).result_rows)


def _by_key(table: Table, rows: Any) -> dict[Key, Sums]:
    return {(tenant, table.name, month): tuple(sums) for tenant, month, *sums in rows}


def _ask(connection: Connection, query: str, key: Key) -> bool:
    [(answer,)] = connection.execute(query, {"tenant": key[0], **month_bounds(key[2])}).fetchall()
    return bool(answer)
