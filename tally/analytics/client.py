"""The connection to ClickHouse: `http(s)://user:password@host:8123/database`, or `chdb:///folder` in process.

A folder of chdb is for one process, and a process opens one folder. The client is imported when it is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tally.analytics.tables import FACTS, SCHEMA_VERSION, TABLES
from tally.core.errors import TallyError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CONNECT_SECONDS = 3
ANSWER_SECONDS = 30
DATABASE = "tally"  # where an address names none
SCHEMA = "schema"
INSTALLATION = "installation"  # whose rows these are


class EngineError(TallyError):
    """The analytics engine cannot answer; the text says why."""


class EngineDown(EngineError):
    """The engine does not answer; repeating the request is safe."""


class EngineRefused(EngineError):
    """The engine refused a request; others may succeed."""


class EngineOutdated(EngineError):
    """The engine's tables are missing, of another version, or another installation's."""


def open_engine(address: str) -> Client:
    """A client for a database of its own, which `create_tables` makes; raises EngineError."""
    parts = urlsplit(address)
    with explaining():
        import clickhouse_connect

        for name in ("clickhouse_connect", "urllib3.connectionpool"):
            logging.getLogger(name).setLevel(logging.ERROR)  # what fails is raised, too
        if parts.scheme == "chdb":
            return clickhouse_connect.get_client(interface="chdb", path=parts.path)
        client = clickhouse_connect.get_client(
            dsn=parts._replace(path="").geturl(),
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=ANSWER_SECONDS,
            autogenerate_session_id=False,  # a session answers one question at a time
            query_retries=0,
        )
        client.database = parts.path.strip("/") or DATABASE
        return client


def create_tables(client: Client) -> None:
    """Make what is missing of database and tables, and write their version; raises EngineError."""
    name = client.database
    with explaining():
        if name:
            client.database = None
            client.command("create database if not exists {name:Identifier}", {"name": name})
            client.database = name
        for table in TABLES:
            client.command(table.define())
        client.command(FACTS)
    write_fact(client, SCHEMA, str(SCHEMA_VERSION))


def drop_tables(client: Client) -> None:
    """Forget everything; raises EngineError."""
    with explaining():
        for name in ("facts", *(table.name for table in TABLES)):
            client.command(f"drop table if exists {name} sync")


def write_fact(client: Client, name: str, value: str) -> None:
    """Store a fact of the whole engine; raises EngineError."""
    with explaining():
        client.command(
            "insert into facts select {name:String}, {value:String}, max(version) + 1 "
            "from facts where name = {name:String}",
            {"name": name, "value": value},
        )


def read_facts(client: Client) -> dict[str, str]:
    """The facts of the engine by name; empty before its tables are made. Raises EngineError."""
    with explaining():
        if not client.command("exists table facts"):
            return {}
        rows = client.query("select name, value from facts final").result_rows
        return {str(row[0]): str(row[1]) for row in rows}


def check_schema(client: Client, installation: str | None = None) -> None:
    """Raise EngineOutdated unless the engine has these tables, of this installation where one is named."""
    facts = read_facts(client)
    is_other = installation is not None and facts.get(INSTALLATION) != installation
    if is_other or facts.get(SCHEMA) != str(SCHEMA_VERSION):
        raise EngineOutdated(
            "The analytics engine was built by another version of Tally, or for another database. "
            "Run `tally analytics rebuild`."
        )


@contextmanager
def explaining() -> Iterator[None]:
    """Raise what a client of ClickHouse raises as EngineError, with its first line."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("clickhouse_connect", "urllib3", "chdb"):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        if type(error).__name__ == "DatabaseError":  # it answered, with a refusal
            raise EngineRefused(f"The analytics engine could not do this: {reason}") from error
        raise EngineDown(f"The analytics engine did not answer: {reason}") from error
