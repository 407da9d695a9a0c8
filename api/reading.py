"""Endpoints that read: costs, budgets, models."""

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from starlette.responses import JSONResponse, Response

from api import catalogue, figures
from api.answers import NO_STORE, Refusal
from api.database import Pool
from api.figures import GROUPS, Days
from api.service import Call, Workers
from tally.advice.kept import STATUSES
from tally.advice.report import describe_all, load_advice
from tally.api_keys.verification import Grant
from tally.storage.database import Database

CATALOGUE = ("list", "q", "provider", "can", "mode", "min_context", "open_weights", "used", "limit", "offset")
Load = Callable[[Database], dict[str, Any]]


class Reading:
    """The endpoints that read, each as the key's owner."""

    def __init__(self, pool: Pool, workers: Workers) -> None:
        self._pool, self._workers = pool, workers

    async def costs(self, call: Call) -> Response:
        """Spend of a period, by day, month, provider, model, project, person or a dimension."""
        asked = read_query(call, {"from", "to", "group_by"})
        group = asked.get("group_by", "day")
        if group not in GROUPS:
            raise Refusal(400, f"group_by is one of {', '.join(GROUPS)}.")
        project = call.grant.project_id

        def load(database: Database) -> dict[str, Any]:
            return figures.load_costs(database, choose_days(database, asked), group, project)

        return await self._answer(call.grant, load)

    async def budget(self, call: Call) -> Response:
        """The budgets: what is spent, and where their periods will likely end."""
        read_query(call, ())
        return await self._answer(
            call.grant, lambda database: figures.load_budgets(database, call.grant.project_id)
        )

    async def advice(self, call: Call) -> Response:
        """The advice that is open, or that was applied or dismissed."""
        status = read_query(call, {"status"}).get("status", "open")
        if status not in STATUSES:
            raise Refusal(400, f"`status` is one of {', '.join(STATUSES)}.")
        project = call.grant.project_id
        return await self._answer(
            call.grant, lambda database: describe_all(load_advice(database, status, project))
        )

    async def models(self, call: Call) -> Response:
        """The models of a period, with what they cost and their list prices; or those of the catalogue."""
        if call.request.query_params.get("list") == "catalogue":
            return await self._catalogue(call)
        asked = read_query(call, {"from", "to", "list"})
        if asked.get("list", "used") != "used":
            raise Refusal(400, "`list` is used or catalogue.")

        def load(database: Database) -> dict[str, Any]:
            return figures.load_models(database, choose_days(database, asked), call.grant.project_id)

        return await self._answer(call.grant, load)

    async def _catalogue(self, call: Call) -> Response:
        asked = read_query(call, CATALOGUE)
        try:
            question = catalogue.read_question(asked)
        except catalogue.CatalogueFault as fault:
            raise Refusal(400, str(fault)) from None
        project = call.grant.project_id
        return await self._answer(
            call.grant, lambda database: catalogue.load_found(database, question, project)
        )

    async def _answer(self, grant: Grant, load: Load) -> Response:
        return JSONResponse(await self.load(grant, load), headers=NO_STORE)

    async def load(self, grant: Grant, load: Load) -> dict[str, Any]:
        """Load figures as the owner of a key."""
        return await self._workers.run(self._pool.act, grant, load)


def read_query(call: Call, known: Collection[str]) -> dict[str, str]:
    """The parameters of the address; raises Refusal for others and repeated ones."""
    found: dict[str, str] = {}
    for name, value in call.request.query_params.multi_items():
        if name not in known:
            takes = f"It takes {', '.join(sorted(known))}." if known else "It takes none."
            raise Refusal(400, f"There is no parameter “{name[:50]}” here. {takes}")
        if name in found:
            raise Refusal(400, f"The parameter {name} is there twice. Send it once.")
        found[name] = value
    return found


def choose_days(database: Database, asked: dict[str, str]) -> Days:
    """The period between `from` and `to`; raises Refusal for one that cannot be."""
    first, last = (read_day(asked, name) for name in ("from", "to"))
    days = figures.choose_days(database, first, last)
    if fault := figures.explain_fault(days, "from", "to"):
        raise Refusal(400, fault)
    return days


def read_day(asked: dict[str, str], name: str) -> date | None:
    """A day as 2026-01-31; None where it is not given."""
    if name not in asked:
        return None
    try:
        return date.fromisoformat(asked[name])
    except ValueError:
        raise Refusal(400, f"`{name}` is not a day such as 2026-01-31.") from None
