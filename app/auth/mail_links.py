"""Links in emails of the sign-in service. Opening one shows a page; only the page's form redeems it.

Programs that scan emails open their links, too: a visit must not use one up.
"""

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.auth.cookies import cookie_name, set_cookie
from app.auth.form_fields import read_fields
from app.auth.form_pages import hide_address, render_confirmation, render_page, render_reset_link
from app.auth.link_tokens import INCOMPLETE
from app.auth.rate_limits import LINKS, TooManyAttempts, network
from app.auth.sessions import sessions
from app.auth.spent_links import SPENT_LINKS
from tally.accounts.auth_client import AuthError, AuthRefused, AuthUnreachable, Tokens, auth_client

PATH, CONFIRM = "/auth/v1/verify", "/confirm"  # the sign-in service builds the first from the site's address
TOKEN = re.compile(r"[\w-]{20,200}", re.ASCII)
RECOVERY = "recovery"
# Types of links, and what their button says.
CONFIRMATIONS = {
    "signup": "Confirm email address",
    "email_change": "Confirm email address",
    "magiclink": "Sign in",
    "invite": "Confirm email address",
}
SPENT = "This link was used, replaced by a newer one, or has expired."
SPENT_RESET = f"{SPENT} Request a new code."
SIGN_IN_LATER = "Confirmed. Tally cannot reach its session store: sign in in a moment."
OTHER_ADDRESS = "Confirmed. Follow the link in the email to your other address, too."


def routes() -> list[Route]:
    """Routes that need no session."""
    return [
        Route(PATH, _show, methods=["GET"]),
        Route(CONFIRM, _submit, methods=["POST"]),
        Route(CONFIRM, _show, methods=["GET"]),  # without a token; else Streamlit would answer
    ]


def is_token(text: str) -> bool:
    """Check the form of a token in a link."""
    return TOKEN.fullmatch(text) is not None


async def _show(request: Request) -> Response:
    kind, token = (request.query_params.get(name, "") for name in ("type", "token"))
    if not is_token(token) or kind not in (RECOVERY, *CONFIRMATIONS):
        return hide_address(request, _refuse(INCOMPLETE, 404))
    if token in SPENT_LINKS:
        return hide_address(request, _tell_spent(kind))
    if kind == RECOVERY:
        return hide_address(request, render_reset_link(token))
    return hide_address(
        request, render_confirmation("open", kind=kind, token=token, action=CONFIRMATIONS[kind])
    )


async def _submit(request: Request) -> Response:
    fields = await read_fields(request) or {}
    kind, token = fields.get("kind", ""), fields.get("token", "")
    if not is_token(token) or kind not in CONFIRMATIONS:
        return _refuse(INCOMPLETE, 404)
    host = request.client.host if request.client else None
    return await run_in_threadpool(_confirm, kind, token, host, request.cookies.get(cookie_name()))


def redeem_link(kind: str, token: str) -> Tokens | None:
    """Exchange the token of a link for a session; None while another address must confirm."""
    try:
        tokens = auth_client().redeem_link(kind, token)
    except AuthRefused as refused:
        if refused.code == "otp_expired":
            SPENT_LINKS.add(token)
        raise
    SPENT_LINKS.add(token)
    return tokens


def _confirm(kind: str, token: str, host: str | None, cookie: str | None) -> Response:
    try:
        LINKS.count(network(host))
        tokens = redeem_link(kind, token)
    except TooManyAttempts as limit:
        response = _refuse(str(limit), 429)
        response.headers["retry-after"] = str(limit.retry_after)
        return response
    except AuthRefused as refused:
        return _refuse(SPENT if refused.code == "otp_expired" else str(refused), 422)
    except AuthError as problem:
        return _refuse(f"{problem} The link stays valid.", 503)
    if tokens is None:
        return render_page("login", notice=OTHER_ADDRESS)
    try:
        sessions().close(cookie)
        done = RedirectResponse("/", 303)
        set_cookie(done, sessions().open(tokens))
    except AuthUnreachable:
        return render_page("login", notice=SIGN_IN_LATER)
    return done


def _tell_spent(kind: str) -> Response:
    if kind != RECOVERY:
        return _refuse(SPENT, 410)
    response = render_page("forgot", error=SPENT_RESET)
    response.status_code = 410
    return response


def _refuse(reason: str, status: int) -> Response:
    response = render_confirmation("refused", reason=reason)
    response.status_code = status
    return response
