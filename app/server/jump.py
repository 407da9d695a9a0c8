"""The address from which the browser's "Jump to…" reads names, once it is opened: no page is run for it."""

from dataclasses import replace

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
from tally.accounts.auth_client import AuthUnreachable
from tally.storage.database import DatabaseError, NotAllowed

PATH = "/jump"
SIGNED_OUT = "You have been signed out. Sign in again."
NO_MEMBER = "You can't open that workspace. Choose another one."


def routes() -> list[Route]:
    """The route; the gate answers who has no session."""
    return [Route(PATH, _names, methods=["GET"])]


async def _names(request: Request) -> Response:
    return await run_in_threadpool(_answer, request)


def _answer(request: Request) -> Response:
    try:
        user = _find_user(request)
        if user is None:
            return _refuse(SIGNED_OUT, 401)
        return JSONResponse(data.load_jump_names(_in_workspace(user, request)))
    except NotAllowed:
        return _refuse(NO_MEMBER, 403)
    except (AuthUnreachable, DatabaseError) as problem:
        return _refuse(str(problem), 503)


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
