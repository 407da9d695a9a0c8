"""A database that tests use in turn: emptied after each test, replaced when a test changed its schema."""

from collections import defaultdict
from itertools import count
from typing import Any

import psycopg

from tests.database.cluster import TEMPLATE, Cluster
from tests.shared_connections import RESET

MAX_MONTHS = 24  # every plan over the records opens all of them
_copies = count(1)

TABLES = """
select c.oid::regclass::text from pg_class as c
where c.relnamespace::regnamespace::text in ('public', 'private', 'auth')
    and c.relkind = any (%s) and not c.relispartition
order by 1"""

# Months come with saves, and stay; every other change of the schema is to be seen in these.
OURS = """
select *, xmin from pg_class
where not relispartition
    and relnamespace in (select oid from pg_namespace where nspname !~ '^(pg_|information_)')"""
STATE = "relname, row(relkind, relnatts, relchecks, relrowsecurity, relacl, reloptions)::text"

# Counts tell what is gone, and transactions since the copy was made what is new.
CHANGES = f"""
with ours as materialized ({OURS}),
since as materialized (select age(%(since)s::xid) as age)
select 'relations', count(*)::text from ours
union all select 'triggers', count(*)::text from pg_trigger where tgrelid in (select oid from ours)
union all select 'constraints', count(*)::text from pg_constraint where conrelid in (select oid from ours)
union all select 'policies', count(*)::text from pg_policy
union all
select * from (
    select 'functions', count(*) || '+' || count(*) filter (where age(xmin) < (select age from since))
    from pg_proc
) as functions
union all select {STATE} from ours where age(xmin) < (select age from since)
union all
select 'attribute', attname from pg_attribute
where age(xmin) < (select age from since) and attrelid in (select oid from ours)
union all
select 'trigger', tgname from pg_trigger
where age(xmin) < (select age from since) and tgrelid in (select oid from ours)
union all select 'policy', polname from pg_policy where age(xmin) < (select age from since)"""


# Its plans are kept, which take longer than running them.
EMPTY = """
create function pg_temp.empty_tables() returns void language plpgsql as $$
begin
    {};
end
$$"""


class Lent(psycopg.Connection[Any]):
    """A connection that goes back to its database at the end of a `with` block, instead of being closed."""

    database: "Reused"
    user: str

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self.closed:
            self.rollback() if kind else self.commit()
        self.database.take_back(self)


class Reused:
    """A copy of the template, and the connections to it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.name = f"reused_{next(_copies)}"
        cluster.clone(TEMPLATE, self.name)
        self.idle: defaultdict[str, list[Lent]] = defaultdict(list)
        self.lent: list[Lent] = []
        self.admin = cluster.connect(self.name, "supabase_admin")
        self.admin.execute("set session_replication_role = replica; set lock_timeout = '10s'")
        self.tables = self._list("r", "p")
        self.views = self._list("m")
        self.rows = {table: rows for table in self._list("r") if (rows := self._copy(table))}
        self.made_at = self.filled_at = self._read_transaction()
        self.counted = {table: self._count(table) for table in self.rows}
        emptied = "; ".join(f"delete from {table}" for table in self.tables if table not in self.rows)
        self.admin.execute(EMPTY.format(emptied).encode())
        self.relations = set(self.admin.execute(f"select {STATE} from ({OURS}) as ours".encode()))
        self.changes = set(self._read_changes())

    def connect(self, user: str) -> psycopg.Connection[Any]:
        """A connection as if new: a new one would read the catalog and compile every function again."""
        try:
            connection = self.idle[user].pop()
        except IndexError:
            url = self.cluster.url(self.name, user)
            connection = Lent.connect(url, autocommit=True)
            connection.database, connection.user = self, user
        self.lent.append(connection)
        return connection

    def take_back(self, connection: Lent) -> None:
        """Reset a connection for the next user."""
        self.lent.remove(connection)
        try:
            connection.rollback()
            connection.autocommit, connection.isolation_level = True, None
            connection.execute(RESET)
        except psycopg.OperationalError:  # closed by the test, or by the server
            connection.close()
        else:
            self.idle[connection.user].append(connection)

    def restore(self) -> bool:
        """Bring back the rows of the template; False when that is not enough."""
        for connection in list(self.lent):
            self.take_back(connection)
        if self.is_changed():
            return False
        self.admin.execute("select pg_temp.empty_tables()")
        changed = [table for table, counted in self.counted.items() if self._count(table) != counted]
        for table in changed:
            self.admin.execute(f"delete from {table}".encode())
            with self.admin.cursor().copy(f"copy {table} from stdin".encode()) as copy:
                copy.write(self.rows[table])
        if changed:
            self.filled_at = self._read_transaction()
        for view in self.views:
            if self.admin.execute(f"select from {view} limit 1".encode()).rowcount:
                self.admin.execute(f"refresh materialized view {view}".encode())
        return True

    def is_changed(self) -> bool:
        """Is the schema another one, or were too many months added?"""
        query = "select from pg_inherits where inhparent = 'public.cost_records'::regclass"
        changes = set(self._read_changes()) - self.changes
        return not changes <= self.relations or self.admin.execute(query).rowcount > MAX_MONTHS

    def drop(self) -> None:
        """Drop the database."""
        for connection in (*self.lent, *(each for idle in self.idle.values() for each in idle), self.admin):
            connection.close()
        self.cluster.drop(self.name)

    def _read_transaction(self) -> str:
        [[number]] = self.admin.execute("select pg_current_xact_id()::xid::text").fetchall()
        return str(number)

    def _read_changes(self) -> list[tuple[Any, ...]]:
        return self.admin.execute(CHANGES.encode(), {"since": self.made_at}).fetchall()

    def _count(self, table: str) -> tuple[Any, ...] | None:
        """The number of rows, and of those that are newer than the last filling."""
        query = f"select count(*), count(*) filter (where age(xmin) < age(%s::xid)) from {table}"
        return self.admin.execute(query.encode(), [self.filled_at]).fetchone()

    def _list(self, *kinds: str) -> list[str]:
        return [name for (name,) in self.admin.execute(TABLES, [list(kinds)])]

    def _copy(self, table: str) -> bytes:
        with self.admin.cursor().copy(f"copy {table} to stdout".encode()) as copy:
            return b"".join(map(bytes, copy))
