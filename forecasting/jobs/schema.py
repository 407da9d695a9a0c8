"""The queue's tables in a schema of their own, which no role of the API reaches.

A job only says that there is something to do; what that is stands in Tally's own tables. So a new version of
the queue replaces the schema with everything in it.
"""

import re
from importlib.metadata import version

from procrastinate.schema import SchemaManager
from psycopg import sql

from forecasting.jobs.queue import STALLED_SECONDS
from forecasting.nightly.database import Connection
from tally.core.errors import TallyError

NAME = "jobs"
LOCK = "select pg_advisory_xact_lock(hashtextextended('tally.jobs', 0))"
INSTALLED = "select obj_description(to_regnamespace('jobs'), 'pg_namespace')"
RENEW = """
drop schema if exists jobs cascade;
create schema jobs;
set local search_path = jobs"""
IN_USE = """
select from jobs.procrastinate_workers as w where w.last_heartbeat > now() - make_interval(secs => %s)"""
CLOSE = """
revoke all on schema jobs from public, anon, authenticated, service_role;
revoke all on all tables in schema jobs from public, anon, authenticated, service_role;
revoke all on all sequences in schema jobs from public, anon, authenticated, service_role;
revoke all on all functions in schema jobs from public, anon, authenticated, service_role"""


class NewerQueue(TallyError):
    """Workers of a newer version are at work, with a queue of theirs."""


def install_schema(connection: Connection) -> bool:
    """Make the schema, or replace that of another version of the queue; false if it was there.

    Raises NewerQueue where workers of a newer version use theirs: an upgrade has both side by side.
    """
    wanted = f"procrastinate {version('procrastinate')}"
    with connection.transaction():
        connection.execute(LOCK)
        found = connection.execute(INSTALLED).fetchone()
        if found and found[0] == wanted:
            return False
        if found and found[0] and _number(found[0]) > _number(wanted) and _is_in_use(connection):
            raise NewerQueue("Workers of a newer version of Tally do what there is to do. Replace this one.")
        connection.execute(RENEW)
        connection.execute(SchemaManager.get_schema())
        connection.execute(CLOSE)
        connection.execute(sql.SQL("comment on schema jobs is {}").format(sql.Literal(wanted)))
    return True


def _number(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", name))


def _is_in_use(connection: Connection) -> bool:
    return connection.execute(IN_USE, [STALLED_SECONDS]).rowcount > 0
