"""The columns of archived tables, as Postgres, CSV and Parquet have them."""

from dataclasses import dataclass

import pyarrow as pa
from psycopg import sql

from tally.archive.connection import Connection
from tally.archive.problems import ArchiveProblem

TABLES = ("cost_records", "superseded_records")
# A table's rows in an order that one of its indexes has.
ORDERS = {"cost_records": ("timestamp", "source_key"), "superseded_records": ("timestamp", "id")}

COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod)
from pg_catalog.pg_attribute as a
where a.attrelid = to_regclass('public.' || %s) and a.attnum > 0
    and not a.attisdropped and a.attgenerated = ''
order by a.attnum"""

TYPES: dict[str, pa.DataType] = {
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "jsonb": pa.string(),
    "numeric(18,10)": pa.decimal128(18, 10),
    "text": pa.string(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "uuid": pa.string(),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """A table's columns with their types in Postgres."""

    table: str
    types: dict[str, str]

    @property
    def schema(self) -> pa.Schema:
        """The same of a Parquet file."""
        return pa.schema([pa.field(name, TYPES[kind]) for name, kind in self.types.items()])

    @property
    def names(self) -> sql.Composed:
        """Their names, for a query."""
        return sql.SQL(", ").join(map(sql.Identifier, self.types))


def load_columns(connection: Connection, table: str) -> Columns:
    """The columns that are stored; those that are made from others are made again."""
    types = dict(connection.execute(COLUMNS, [table]).fetchall())
    unknown = sorted(set(types.values()) - TYPES.keys())
    if unknown:
        raise ArchiveProblem(f"{table} has columns that archives cannot hold: {', '.join(unknown)}.")
    return Columns(table, types)
