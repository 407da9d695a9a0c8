"""The address at which the browser's "Jump to…" searches: no page is run for it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app import data
from app.auth.browser import ADDRESS_HEADER, Browser
from app.auth.cookies import cookie_name
from app.auth.identity import User, load_workspaces
from app.auth.sessions import sessions
from app.auth.workspaces import WORKSPACE, find_workspace, personal_workspace
from app.figures.found_places import describe_hit
from app.figures.settings_places import list_settings
from tally.accounts.auth_client import AuthUnreachable
from tally.search import KINDS, Question
from tally.storage.database import DatabaseError, NotAllowed

PATH = "/jump"
ASKED, KIND = "q", "kind"
FEW, MANY = 6, 51  # of each kind, and of one alone; one more than are shown, which tells that there are more
SIGNED_OUT = "You have been signed out. Sign in again."
NO_MEMBER = "You can't open that workspace. Choose another one."


def routes() -> list[Route]:
    """The route; the gate answers who has no session."""
    return [Route(PATH, _found, methods=["GET"])]


async def _found(request: Request) -> Response:
    return await run_in_threadpool(_answer, request)


def _answer(request: Request) -> Response:
    try:
        user = _find_user(request)
        if user is None:
            return _refuse(SIGNED_OUT, 401)
        return JSONResponse(_search(_in_workspace(user, request), request))
    except NotAllowed:
        return _refuse(NO_MEMBER, 403)
    except (AuthUnreachable, DatabaseError) as problem:
        return _refuse(str(problem), 503)


def _search(user: User, request: Request) -> dict[str, Any]:
    """Search: places, the settings that there are, and whose answer it is."""
    asked = request.query_params.get(ASKED, "")
    kind = request.query_params.get(KIND, "")
    question = Question(asked, (kind,), MANY) if kind in KINDS else Question(asked, most=FEW)
    now = datetime.now(UTC)
    settings = list_settings(user.workspace.is_personal, user.workspace.may_administer)
    return {
        "user": user.user_id,
        "hits": [describe_hit(hit, asked, now) for hit in data.search(user, question)],
        "settings": [[place.name, place.section, place.words] for place in settings],
    }


def _find_user(request: Request) -> User | None:
    tokens = sessions().tokens(request.cookies.get(cookie_name()))
    if tokens is None:
        return None
    browser = Browser(request.headers.get(ADDRESS_HEADER, ""), request.headers.get("User-Agent", ""))
    return User(
        tokens.user_id, tokens.email, tokens.access_token, personal_workspace(tokens.user_id), browser
    )


def _in_workspace(user: User, request: Request) -> User:
    """The user in the workspace that the page shows; raises NotAllowed for one of others."""
    wanted = request.query_params.get(WORKSPACE, "")
    if not wanted or wanted.lower() == user.user_id:
        return user
    found = find_workspace(load_workspaces(user), wanted)
    if found is None:
        raise NotAllowed(NO_MEMBER)
    return replace(user, workspace=found)


def _refuse(reason: str, status: int) -> Response:
    return JSONResponse({"problem": reason}, status)
