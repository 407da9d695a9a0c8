"""The tools of the Model Context Protocol, asked by the real client over HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.api.test_reading import record, save
from tests.app.nightly_runs import ADD_DAY, ADD_TOTAL, month_end, month_start
from tests.database_fixtures import Connection, add_user
from tests.days import current_day

TOOLS = {"spending", "today", "forecast", "budget_status", "explain_day"}


def ask(api: ApiServer, key: str, story: Callable[[Client], Awaitable[Any]]) -> Any:
    """Let a client talk to the server."""

    async def tell() -> Any:
        async with (
            httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=30) as http,
            Client(streamable_http_client(f"{api.url}/mcp", http_client=http)) as client,
        ):
            return await story(client)

    return asyncio.run(tell())


def call(api: ApiServer, key: str, tool: str, **arguments: object) -> dict[str, Any]:
    """The answer of a tool."""

    async def story(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    result = ask(api, key, story)
    assert not result.is_error, result
    found: dict[str, Any] = json.loads(result.content[0].text)
    return found


def test_tools_are_listed_and_only_read(api: ApiServer, make_key: MakeKey) -> None:
    async def story(client: Client) -> Any:
        return await client.list_tools()

    tools = ask(api, make_key("read"), story).tools
    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)


def test_tools_answer_as_the_addresses_do(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    save(
        database,
        user,
        record("3"),
        record("1", model="gpt-4o", days_ago=1),
        record("7", cost_basis="included"),
    )
    key = make_key("read")
    assert (
        call(api, key, "spending", group_by="model") == api.client(key).get("/v1/costs?group_by=model").json()
    )
    assert call(api, key, "budget_status") == {"budgets": []}
    today = call(api, key, "today")
    assert (today["day"], today["today"]["cost_usd"], today["today"]["included_usd"]) == (
        current_day().isoformat(),
        "3",
        "7",
    )
    assert today["month_end"] is None
    assert call(api, key, "forecast")["days"] == []


def test_forecast_is_as_it_is_with_what_is_spent_since(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    run, made_at = uuid4(), datetime.now(UTC)
    trained = (current_day() - timedelta(days=41), current_day() - timedelta(days=1), made_at)
    for ahead in range(30):  # $2 a day
        database.execute(ADD_DAY, [run, user, None, current_day() + timedelta(days=ahead), *trained])
    database.execute(ADD_TOTAL, [run, user, None, "month_end", month_start(), month_end(), 0, None])
    save(database, user, record("3"), record("7", cost_basis="included"))
    found = call(api, make_key("read"), "forecast")
    assert (found["spent_usd"], found["month_end"]["likely_usd"]) == ("3", "71.5")  # $1 above the $70.50
    assert found["month_end"]["range_80_usd"] == ["62.25", "81"]
    assert found["month_end"]["range_95_usd"] == ["51", "96"]
    to_come = [(current_day() + timedelta(days=ahead)).isoformat() for ahead in range(1, 30)]
    assert found["days"] == [{"day": day, "cost_usd": "2"} for day in to_come]
    assert call(api, make_key("read"), "today")["month_end"] == found["month_end"]
    stranger = make_key("read", owner=add_user(database))
    assert call(api, stranger, "forecast")["month_end"] is None


def test_day_is_explained_by_the_week_before(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    earlier = [record("1", days_ago=days, input_tokens=100) for days in range(1, 8)]
    save(database, user, *earlier, record("3", input_tokens=300), record("2", model="o3", input_tokens=50))
    found = call(api, make_key("read"), "explain_day", day=current_day().isoformat())
    assert (found["cost_usd"], found["usual_usd"], found["change_usd"]) == ("5", "1", "4")
    assert sum(Decimal(reason["usd"]) for reason in found["reasons"]) == 4
    assert [model["model"] for model in found["models"]] == ["gpt-5", "o3"]


def test_usual_day_is_that_of_the_days_which_are_recorded(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    key, day = make_key("read"), current_day().isoformat()
    save(database, user, record("5"))
    found = call(api, key, "explain_day", day=day)
    assert (found["usual_usd"], found["change_usd"], found["reasons"]) == (None, None, [])
    save(database, user, record("2", days_ago=1), record("4", days_ago=2))
    found = call(api, key, "explain_day", day=day)
    assert (found["usual_usd"], found["change_usd"]) == ("3", "2")
    assert found["usual_is"] == "the average since records begin, 2 days before"


def test_tools_are_those_of_the_keys_owner(
    api: ApiServer, make_key: MakeKey, database: Connection, user: UUID
) -> None:
    save(database, user, record("3"))
    keys = make_key("read"), make_key("read", owner=add_user(database))
    assert [call(api, key, "today")["today"]["cost_usd"] for key in keys] == ["3", "0"]


@pytest.mark.parametrize("scopes", [(), ("ingest",)])
def test_other_keys_ask_nothing(api: ApiServer, make_key: MakeKey, scopes: tuple[str, ...]) -> None:
    client = api.client(make_key(*scopes) if scopes else None)
    assert client.post("/mcp", json={}).status_code == (403 if scopes else 401)


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        ("2026-02-02", "`from_day` is after `to_day`. Exchange them."),
        ("1990-01-01", "More than ten years are too many at once."),
    ],
)
def test_question_that_cannot_be_answered_is_an_error_with_a_sentence(
    api: ApiServer, make_key: MakeKey, first: str, sentence: str
) -> None:
    async def story(client: Client) -> Any:
        return await client.call_tool("spending", {"from_day": first, "to_day": "2026-02-01"})

    result = ask(api, make_key("read"), story)
    assert result.is_error
    assert sentence in result.content[0].text
