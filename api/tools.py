"""Tools of the Model Context Protocol, with which assistants ask for spend, budgets and the forecast."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from api import figures, month
from api.figures import Group
from tally.core.errors import TallyError
from tally.storage.database import Database

Load = Callable[[Database, UUID | None], dict[str, Any]]
Ask = Callable[[Load], Awaitable[dict[str, Any]]]
INSTRUCTIONS = (
    "Tally knows what is spent on AI. Amounts are US dollars as text, in days of the workspace's time zone. "
    "included_usd is what usage would have cost that a plan includes: it was not paid, so never add it to "
    "cost_usd. "
    "A record without a known price is counted in unpriced_records, and its cost is missing from cost_usd."
)
READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


def make_server(ask: Ask, version: str) -> MCPServer[Any]:
    """A server whose tools ask for the database of their caller, and the project that alone it may read."""
    server: MCPServer[Any] = MCPServer("tally", title="Tally", instructions=INSTRUCTIONS, version=version)

    async def answer(load: Load) -> dict[str, Any]:
        try:
            return await ask(load)
        except TallyError as problem:
            raise ToolError(str(problem)) from None

    @server.tool(annotations=READS)
    async def spending(
        from_day: date | None = None, to_day: date | None = None, group_by: Group = "day"
    ) -> dict[str, Any]:
        """Spend of a period, in total and by day, month, provider, model, project, person or dimension.

        Both days are included; by default the month so far.
        """

        def load(database: Database, project: UUID | None) -> dict[str, Any]:
            days = figures.choose_days(database, from_day, to_day)
            if fault := figures.explain_fault(days, "from_day", "to_day"):
                raise TallyError(fault)
            return figures.load_costs(database, days, group_by, project)

        return await answer(load)

    @server.tool(annotations=READS)
    async def today() -> dict[str, Any]:
        """Spend of today and of the month so far, and the month's likely end."""
        return await answer(month.load_today)

    @server.tool(annotations=READS)
    async def forecast() -> dict[str, Any]:
        """The month's likely end with its 80% and 95% ranges, and the predicted days to come."""
        return await answer(month.load_forecast)

    @server.tool(annotations=READS)
    async def budget_status() -> dict[str, Any]:
        """Each budget with its limit, spend, likely end, and the chance of exceeding the limit."""
        return await answer(figures.load_budgets)

    @server.tool(annotations=READS)
    async def explain_day(day: date | None = None) -> dict[str, Any]:
        """The reasons for the spend of a day, by default today, beside the average of the week before it."""
        return await answer(lambda database, project: month.explain_day(database, day, project))

    return server
