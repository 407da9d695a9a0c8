"""The page that accepts an invitation to a workspace: plain HTML without JavaScript, like the sign-in pages.

The token is in the address and in a hidden field; it reaches neither logs nor other pages.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.auth.browser import Browser
from app.auth.cookies import cookie_name
from app.auth.form_fields import read_fields
from app.auth.form_pages import hide_address, render_invitation
from app.auth.link_tokens import INCOMPLETE, call_with_token, is_token
from app.auth.rate_limits import INVITATIONS, TooManyAttempts, network
from app.auth.sessions import sessions
from app.auth.workspaces import WORKSPACE
from tally.accounts.auth_client import AuthUnreachable, Tokens
from tally.storage.database import DatabaseError, Unreachable

PATH = "/invitation"
OTHER_ADDRESS = "This invitation is for "  # how the database begins the sentence
ROLES = {"admin": "an admin", "member": "a member", "viewer": "a viewer"}


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor with the token of an invitation."""

    token: str = field(repr=False)
    cookie: str | None = field(repr=False)
    browser: Browser

    @property
    def path(self) -> str:
        """The address of the page with this token."""
        return f"{PATH}?token={self.token}"


def routes() -> list[Route]:
    """Routes that need no session."""
    return [
        Route(PATH, _show, methods=["GET"]),
        Route(PATH, _submit, methods=["POST"]),
    ]


async def _show(request: Request) -> Response:
    return await _answer(request, _describe, request.query_params.get("token", ""))


async def _submit(request: Request) -> Response:
    fields = await read_fields(request)
    return await _answer(request, _accept, (fields or {}).get("token", ""))


async def _answer(request: Request, handle: Callable[[Visit, Tokens], Response], token: str) -> Response:
    host = request.client.host if request.client else ""
    browser = Browser(host, request.headers.get("user-agent", ""))
    visit = Visit(token.strip(), request.cookies.get(cookie_name()), browser)
    return hide_address(request, await run_in_threadpool(_handle, visit, handle))


def _handle(visit: Visit, handle: Callable[[Visit, Tokens], Response]) -> Response:
    try:
        INVITATIONS.count(network(visit.browser.address))
        if not is_token(visit.token):
            return _refuse(INCOMPLETE, 404)
        tokens = sessions().tokens(visit.cookie)
        if tokens is None:
            return render_invitation("signed_out", path=visit.path)
        return handle(visit, tokens)
    except TooManyAttempts as limit:
        response = _refuse(str(limit), 429)
        response.headers["retry-after"] = str(limit.retry_after)
        return response
    except (AuthUnreachable, Unreachable, sqlite3.Error) as problem:
        text = "Tally cannot read its session store." if isinstance(problem, sqlite3.Error) else str(problem)
        return _refuse(f"{text} The invitation stays valid: open the link again later.", 503)
    except DatabaseError as refused:
        other = visit.path if str(refused).startswith(OTHER_ADDRESS) else ""
        return _refuse(str(refused), 422, other)


def _describe(visit: Visit, tokens: Tokens) -> Response:
    found = _call(visit, tokens, "describe_invitation")
    if joined := found.get("joined"):
        return _open(tokens, joined)
    expires = datetime.fromisoformat(found["expires_at"])
    return render_invitation(
        "open",
        token=visit.token,
        email=tokens.email,
        workspace=found["workspace"],
        role=ROLES.get(found["role"], "a member"),
        inviter=found["invited_by"],
        expires=f"{expires.day} {expires:%B %Y}",
    )


def _accept(visit: Visit, tokens: Tokens) -> Response:
    from app.auth.identity import forget_workspaces  # imports Streamlit and Supabase, which takes a second

    workspace_id = str(_call(visit, tokens, "accept_invitation"))
    forget_workspaces()
    return _open(tokens, workspace_id)


def _open(tokens: Tokens, workspace_id: str) -> Response:
    sessions().save_last_workspace(tokens.user_id, workspace_id)
    return RedirectResponse(f"/?{WORKSPACE}={workspace_id}", 303)


def _call(visit: Visit, tokens: Tokens, function: str) -> Any:
    token = {"token": visit.token}
    return call_with_token(function, token, tokens.access_token, visit.browser.headers())


def _refuse(reason: str, status: int, other_account: str = "") -> Response:
    """The page with a reason; for another account it offers to sign out and come back."""
    response = render_invitation("refused", reason=reason, path=other_account)
    response.status_code = status
    return response
