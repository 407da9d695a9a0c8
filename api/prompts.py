"""Endpoints of prompts: the version that a program is given, the list, and pushing a version."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api import addresses
from api.answers import NO_STORE, Refusal
from api.database import Pool, is_own_sentence
from api.reading import read_query
from api.records import STORABLE, describe
from api.service import Call, Workers
from tally.api_keys.verification import Grant
from tally.prompts.content import MAX_BYTES, PromptError
from tally.prompts.serving import Given, find_given
from tally.prompts.stored import (
    PRODUCTION,
    PromptSummary,
    Text,
    load_prompt,
    load_prompts,
    load_text,
    push_prompt,
)
from tally.storage.database import Database, DatabaseError

REVALIDATE = {"cache-control": "private, no-cache"}
MAX_KEY = 1_000
FAULTY = "The prompt is not as described. Nothing was pushed."

T = TypeVar("T")


class PushedPrompt(BaseModel):
    """A text that is to be the newest version of a prompt."""

    model_config = ConfigDict(extra="forbid", title="PushedPrompt")

    name: Annotated[str, Field(min_length=1, max_length=100), STORABLE, AfterValidator(str.strip)]
    text: str = Field(min_length=1, max_length=MAX_BYTES, description="Up to 1 MB in UTF-8.")
    message: Annotated[str, Field(max_length=500), STORABLE] = Field("", description="What changed.")
    labels: list[Annotated[str, Field(min_length=1, max_length=50), STORABLE]] = Field(
        default_factory=list, max_length=20
    )


class Asked(NamedTuple):
    """The version that a program asks for: by its number, else by a label and a key."""

    name: str
    label: str
    key: str | None
    version: int | None


class Prompts:
    """The endpoints of prompts, each as the key's owner."""

    def __init__(self, pool: Pool, workers: Workers) -> None:
        self._pool, self._workers = pool, workers

    async def list(self, call: Call) -> Response:
        """The prompts that are not archived, with what runs of each."""
        read_query(call, ())
        found = await self._run(call.grant, load_prompts)
        prompts = [_describe(prompt) for prompt in found if _is_open_to(call.grant, prompt.project_id)]
        return JSONResponse({"prompts": prompts}, headers=NO_STORE)

    async def push(self, call: Call) -> Response:
        """Keep a text as the newest version of a prompt."""
        try:
            sent = PushedPrompt.model_validate_json(call.body)
        except ValidationError as error:
            raise Refusal(400, FAULTY, details=describe(error)) from None

        def push(database: Database) -> dict[str, Any]:
            _check_project(database, call.grant, sent.name)
            pushed = push_prompt(database, sent.name, sent.text, sent.message, sent.labels)
            return {"name": sent.name, "version": pushed.number, **pushed._asdict()}

        answer = await self._run(call.grant, push, refused=400)
        del answer["number"]
        return JSONResponse(answer, headers=NO_STORE)

    async def give(self, call: Call) -> Response:
        """The version of a label, and of a key where several run; 304 where the program has it."""
        asked = _read_asked(call)
        given = await self._run(call.grant, lambda database: _find(database, call.grant, asked))
        etag = f'"{given.number}-{(given.sha256 or "")[:32]}"'
        headers = {"etag": etag, **REVALIDATE}
        if _has(call.request, etag):
            return Response(status_code=304, headers=headers)
        text = await self._run(call.grant, lambda database: load_text(database, given.name, given.number))
        return JSONResponse(_describe_given(given, asked, text), headers=headers)

    async def _run(self, grant: Grant, act: Callable[[Database], T], refused: int = 404) -> T:
        try:
            return await self._workers.run(self._pool.act, grant, act)
        except PromptError as error:
            raise Refusal(refused, str(error)) from None
        except DatabaseError as error:
            if not is_own_sentence(error):
                raise
            raise Refusal(refused, str(error)) from None


def _read_asked(call: Call) -> Asked:
    query = read_query(call, {"label", "key", "version"})
    name = call.request.scope["path"].removeprefix(f"{addresses.PROMPTS}/")
    version, key = query.get("version"), query.get("key")
    if version is not None and ("label" in query or key is not None):
        raise Refusal(400, "A version is one: leave `label` and `key` out, or `version`.")
    if version is not None and not (version.isascii() and version.isdigit() and len(version) <= 6):
        raise Refusal(400, "`version` is the number of a version, such as 8.")
    if key is not None and len(key) > MAX_KEY:
        raise Refusal(400, f"`key` has more than {MAX_KEY:,} characters. Send an id.")
    return Asked(name, query.get("label", PRODUCTION), key, None if version is None else int(version))


def _find(database: Database, grant: Grant, asked: Asked) -> Given:
    if asked.version is None:
        given = find_given(database, asked.name, asked.label, asked.key)
    else:
        prompt = load_prompt(database, asked.name)
        version = prompt.version(asked.version)
        if version is None:
            raise PromptError(f"The prompt “{asked.name[:100]}” has no version {asked.version}.")
        given = Given(prompt.name, prompt.project_id, version.number, version.sha256, False)
    if not _is_open_to(grant, given.project_id):
        raise _no_prompt(asked.name)
    return given


def _check_project(database: Database, grant: Grant, name: str) -> None:
    """A key of a project changes no prompt of another one."""
    if grant.project_id is not None:
        others = [prompt for prompt in load_prompts(database, name) if prompt.name == name]
        if any(not _is_open_to(grant, prompt.project_id) for prompt in others):
            raise PromptError(f"The prompt “{name}” is another project's. Use a key of that project.")


def _is_open_to(grant: Grant, project_id: str | None) -> bool:
    """A key of a project reads its prompts, and those of no project."""
    return grant.project_id is None or project_id in (None, str(grant.project_id))


def _no_prompt(name: str) -> PromptError:
    return PromptError(f"There is no prompt “{name[:100]}” in this workspace. Check its name.")


def _has(request: Request, etag: str) -> bool:
    """True if one of the tags of If-None-Match is this one."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in tags or "*" in tags


def _describe(prompt: PromptSummary) -> dict[str, Any]:
    return {
        "name": prompt.name,
        "tags": prompt.tags,
        "versions": prompt.versions,
        "newest": prompt.newest,
        "live": [
            {"environment": share.environment, "version": share.number, "percent": float(share.percent)}
            for share in prompt.live
        ],
    }


def _describe_given(given: Given, asked: Asked, text: Text) -> dict[str, Any]:
    return {
        "name": given.name,
        "version": given.number,
        "label": asked.label if asked.version is None else None,
        "is_split": given.is_split,
        "text": text.content,
        "sha256": text.sha256,
        "variables": text.variables,
        "message": text.message,
    }
