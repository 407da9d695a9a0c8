"""The page of a link that stops a mail: one click in a mail program (RFC 8058), or a button.

Opening the link changes nothing, as programs that scan emails open links, too. Mail programs send their POST
without a session, from any site. The answer is the same for any token: it tells nobody about accounts.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.form_fields import read_fields
from app.auth.form_pages import hide_address, render_unsubscribing
from app.auth.link_tokens import INCOMPLETE, call_with_token, is_token
from app.auth.rate_limits import UNSUBSCRIBING, TooManyAttempts, network
from tally.digests.mail import STOP_PATH
from tally.digests.periods import KINDS
from tally.storage.database import DatabaseError

PATH = f"/{STOP_PATH}"


def routes() -> list[Route]:
    """Routes that need no session."""
    return [Route(PATH, _show, methods=["GET"]), Route(PATH, _submit, methods=["POST"])]


async def _show(request: Request) -> Response:
    kind, token = (request.query_params.get(name, "").strip() for name in ("kind", "token"))
    if not _is_complete(kind, token):
        return hide_address(request, _refuse(INCOMPLETE, 404))
    return hide_address(request, render_unsubscribing("open", kind=kind, token=token))


async def _submit(request: Request) -> Response:
    """Take the token of the page's form, or else of the address, as mail programs send it."""
    fields = await read_fields(request) or {}
    kind, token = (
        fields.get(name) or request.query_params.get(name, "").strip() for name in ("kind", "token")
    )
    host = request.client.host if request.client else None
    return hide_address(request, await run_in_threadpool(_stop, kind, token, host))


def _stop(kind: str, token: str, host: str | None) -> Response:
    try:
        UNSUBSCRIBING.count(network(host))
        if not _is_complete(kind, token):
            return _refuse(INCOMPLETE, 404)
        call_with_token("stop_digests", {"token": token, "kind": kind})
    except TooManyAttempts as limit:
        response = _refuse(str(limit), 429)
        response.headers["retry-after"] = str(limit.retry_after)
        return response
    except DatabaseError as problem:
        return _refuse(f"{problem} The link stays valid: open it again later.", 503)
    return render_unsubscribing("done", kind=kind)


def _is_complete(kind: str, token: str) -> bool:
    return kind in KINDS and is_token(token)


def _refuse(reason: str, status: int) -> Response:
    response = render_unsubscribing("refused", reason=reason)
    response.status_code = status
    return response
