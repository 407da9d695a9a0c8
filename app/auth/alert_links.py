"""The page of a link by which a mailbox agrees to get alerts. Its reader may have no account.

Opening the link shows a form; only the form agrees, as programs that scan emails open links, too.
"""

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.form_fields import read_fields
from app.auth.form_pages import hide_address, render_agreement
from app.auth.rate_limits import LINKS, TooManyAttempts, network
from tally.core.settings import load_settings
from tally.notifications.links import CONFIRMATION_PATH
from tally.storage.database import DatabaseError, Unreachable

PATH = CONFIRMATION_PATH
TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
TIMEOUT_SECONDS = 30
INCOMPLETE = "This link is incomplete. Copy the whole link from the email."


def routes() -> list[Route]:
    """Routes that need no session."""
    return [Route(PATH, _show, methods=["GET"]), Route(PATH, _submit, methods=["POST"])]


async def _show(request: Request) -> Response:
    token = request.query_params.get("token", "").strip()
    if not TOKEN.fullmatch(token):
        return hide_address(request, _refuse(INCOMPLETE, 404))
    return hide_address(request, render_agreement("open", token=token))


async def _submit(request: Request) -> Response:
    token = (await read_fields(request) or {}).get("token", "")
    host = request.client.host if request.client else None
    return hide_address(request, await run_in_threadpool(_agree, token, host))


def _agree(token: str, host: str | None) -> Response:
    try:
        LINKS.count(network(host))
        if not TOKEN.fullmatch(token):
            return _refuse(INCOMPLETE, 404)
        return render_agreement("done", workspace=_confirm(token))
    except TooManyAttempts as limit:
        response = _refuse(str(limit), 429)
        response.headers["retry-after"] = str(limit.retry_after)
        return response
    except Unreachable as problem:
        return _refuse(f"{problem} The link stays valid: open it again later.", 503)
    except DatabaseError as refused:
        return _refuse(str(refused), 422)


def _confirm(token: str) -> str:
    from tally.storage.postgrest import ask, open_supabase  # imports Supabase, which takes a second

    settings = load_settings()
    client = open_supabase(
        settings.supabase_url, settings.supabase_publishable_key, timeout_seconds=TIMEOUT_SECONDS
    )
    return str(ask(client.rpc("confirm_channel", {"token": token}).execute).data)


def _refuse(reason: str, status: int) -> Response:
    response = render_agreement("refused", reason=reason)
    response.status_code = status
    return response
