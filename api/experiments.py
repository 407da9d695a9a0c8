"""Endpoints of experiments: runs and scores that programs send, all of a request or nothing."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse, Response

from api import addresses
from api.answers import NO_STORE, Refusal
from api.database import Pool, is_own_sentence
from api.records import describe
from api.service import Call, Workers
from tally.api_keys.verification import Grant
from tally.experiments.sent import SentRuns, SentScores, find_clashes, find_repeats
from tally.experiments.stored import list_experiments, save_runs, save_scores
from tally.storage.database import Database, DatabaseError

NOTHING = "Nothing was saved."
TWICE = "A score is there twice."

Body = TypeVar("Body", bound=BaseModel)


class Experiments:
    """The endpoints of experiments, each as the key's owner."""

    def __init__(self, pool: Pool, workers: Workers) -> None:
        self._pool, self._workers = pool, workers

    async def take_runs(self, call: Call) -> Response:
        """Save the runs of an experiment, with their scores."""
        sent, name = _parse(call, SentRuns), _read_name(call, addresses.EXPERIMENT_RUNS)
        _refuse("A run is in two variants.", find_clashes(sent.runs))
        _refuse(TWICE, find_repeats((run.session, score) for run in sent.runs for score in run.scores))
        saved = await self._run(
            call.grant, name, lambda database: save_runs(database, name, sent.runs, "api")
        )
        return JSONResponse(dict(saved), headers=NO_STORE)

    async def take_scores(self, call: Call) -> Response:
        """Save scores of runs that are there."""
        sent, name = _parse(call, SentScores), _read_name(call, addresses.EXPERIMENT_SCORES)
        _refuse(TWICE, find_repeats((score.session, score) for score in sent.scores))
        saved = await self._run(call.grant, name, lambda database: save_scores(database, name, sent.scores))
        return JSONResponse({"scores": saved}, headers=NO_STORE)

    async def _run(self, grant: Grant, name: str, act: Callable[[Database], Any]) -> Any:
        def act_here(database: Database) -> Any:
            _check_project(database, grant, name)
            return act(database)

        try:
            return await self._workers.run(self._pool.act, grant, act_here)
        except DatabaseError as error:
            if not is_own_sentence(error):
                raise
            raise Refusal(400, f"{error} {NOTHING}") from None


def _parse(call: Call, body: type[Body]) -> Body:
    try:
        return body.model_validate_json(call.body)
    except ValidationError as error:
        raise Refusal(400, f"The body is not as described. {NOTHING}", details=describe(error)) from None


def _refuse(reason: str, faults: list[dict[str, str]]) -> None:
    if faults:
        raise Refusal(400, f"{reason} {NOTHING}", details=[*faults])


def _read_name(call: Call, address: str) -> str:
    above, _, below = address.partition("{name}")
    path: str = call.request.scope["path"]
    return path.removeprefix(above).removesuffix(below)


def _check_project(database: Database, grant: Grant, name: str) -> None:
    """A key of a project brings nothing to an experiment of another one."""
    if grant.project_id is None:
        return
    for one in list_experiments(database):
        if (name == one.name or name.lower() == one.id) and one.project_id not in (
            None,
            str(grant.project_id),
        ):
            raise Refusal(403, "This experiment is another project's. Use a key of that project.")
