"""The queue's tables in a schema of their own, which no role of the API reaches.

A job only says that there is something to do; what that is stands in Tally's own tables. So a new version of
the queue replaces the schema with everything in it.
"""

from importlib.metadata import version

from procrastinate.schema import SchemaManager
from psycopg import sql

from forecasting.nightly.database import Connection

NAME = "jobs"
LOCK = "select pg_advisory_xact_lock(hashtextextended('tally.jobs', 0))"
INSTALLED = "select obj_description(to_regnamespace('jobs'), 'pg_namespace')"
RENEW = """
drop schema if exists jobs cascade;
create schema jobs;
set local search_path = jobs"""
CLOSE = """
revoke all on schema jobs from public, anon, authenticated, service_role;
revoke all on all tables in schema jobs from public, anon, authenticated, service_role;
revoke all on all sequences in schema jobs from public, anon, authenticated, service_role;
revoke all on all functions in schema jobs from public, anon, authenticated, service_role"""


def install_schema(connection: Connection) -> bool:
    """Make the schema, or replace that of another version of the queue; false if it was there."""
    wanted = f"procrastinate {version('procrastinate')}"
    with connection.transaction():
        connection.execute(LOCK)
        found = connection.execute(INSTALLED).fetchone()
        if found and found[0] == wanted:
            return False
        connection.execute(RENEW)
        connection.execute(SchemaManager.get_schema())
        connection.execute(CLOSE)
        connection.execute(sql.SQL("comment on schema jobs is {}").format(sql.Literal(wanted)))
    return True
