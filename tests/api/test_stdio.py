"""`tally mcp`: the tools over standard input and output, for the account that is signed in on the machine."""

import asyncio
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tally.accounts.cli_session import Credentials, sign_in
from tally.core.records import to_columns
from tally.local.stack import Stack
from tally.storage.postgres import PostgresDatabase
from tests.api.test_reading import record
from tests.program_environment import program_environment
from tests.shared_connections import operator_connection
from tests.tally.people import sign_up

PASSWORD = "correct horse 1"


def test_assistant_asks_as_the_signed_in_account(stack: Stack, tmp_path: Path) -> None:
    settings, person = stack.settings(), sign_up(stack)
    where = settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"]
    sign_in(tmp_path / "collect", Credentials(*where, person.email, PASSWORD))
    with operator_connection(stack, autocommit=True) as connection:
        columns = to_columns([record("1.25"), record("2")])
        PostgresDatabase(connection, person.user_id).call(
            "save_cost_records", import_id=None, records=columns
        )
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tally", "mcp"],
        env=program_environment(TALLY_HOME=str(tmp_path)),
    )

    async def ask() -> Any:
        async with Client(stdio_client(server)) as client:
            tools = await client.list_tools()
            assert "spending" in {tool.name for tool in tools.tools}
            return await client.call_tool("spending", {"group_by": "model"})

    result = asyncio.run(ask())
    assert not result.is_error, result
    found = json.loads(result.content[0].text)
    assert Decimal(found["total"]["cost_usd"]) == Decimal("3.25")


def test_machine_without_an_account_is_told_to_sign_in(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tally", "mcp"],
        env=program_environment(TALLY_HOME=str(tmp_path)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("You're not signed in on this machine.")
    assert ended.stdout == ""
