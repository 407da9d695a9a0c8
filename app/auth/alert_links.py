"""The pages of links by which a mailbox agrees to get alerts, and ends them. Its reader may have no account.

Opening a link shows a form; only the form does it, as programs that scan emails open links, too. Mail
programs end alerts without a page (RFC 8058), so that form takes the token in the address as well.
"""

from functools import partial
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.form_fields import read_fields
from app.auth.form_pages import hide_address, render_agreement
from app.auth.link_tokens import INCOMPLETE, call_with_token, is_token
from app.auth.rate_limits import LINKS, TooManyAttempts, network
from tally.notifications.links import CONFIRMATION_PATH, STOP_PATH
from tally.storage.database import DatabaseError, Unreachable

Action = Literal["confirm", "stop"]
FUNCTIONS: dict[Action, str] = {"confirm": "confirm_channel", "stop": "stop_channel"}
PATHS: dict[Action, str] = {"confirm": CONFIRMATION_PATH, "stop": STOP_PATH}


def routes() -> list[Route]:
    """Routes that need no session."""
    return [
        Route(path, partial(handle, action), methods=[method])
        for action, path in PATHS.items()
        for method, handle in (("GET", _show), ("POST", _submit))
    ]


async def _show(action: Action, request: Request) -> Response:
    token = request.query_params.get("token", "").strip()
    if not is_token(token):
        return hide_address(request, _refuse(INCOMPLETE, 404))
    return hide_address(request, render_agreement(f"{action}_open", token=token))


async def _submit(action: Action, request: Request) -> Response:
    fields = await read_fields(request) or {}
    token = fields.get("token", "")
    if action == "stop" and not token:
        token = request.query_params.get("token", "").strip()
    host = request.client.host if request.client else None
    return hide_address(request, await run_in_threadpool(_act, action, token, host))


def _act(action: Action, token: str, host: str | None) -> Response:
    try:
        LINKS.count(network(host))
        if not is_token(token):
            return _refuse(INCOMPLETE, 404)
        return render_agreement(
            f"{action}_done", workspace=call_with_token(FUNCTIONS[action], {"token": token})
        )
    except TooManyAttempts as limit:
        response = _refuse(str(limit), 429)
        response.headers["retry-after"] = str(limit.retry_after)
        return response
    except Unreachable as problem:
        return _refuse(f"{problem} The link stays valid: open it again later.", 503)
    except DatabaseError as refused:
        return _refuse(str(refused), 422)


def _refuse(reason: str, status: int) -> Response:
    response = render_agreement("refused", reason=reason)
    response.status_code = status
    return response
