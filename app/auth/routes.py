"""Routes for signing up, in and out, and for resetting a password."""

import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app.auth.cookies import clear_cookie, cookie_name, devices_of, remember_device, set_cookie
from app.auth.form_fields import read_fields
from app.auth.form_pages import Page, hide_address, render_page, render_reset_link
from app.auth.local_path import local_path, with_next
from app.auth.mail_links import RECOVERY, SPENT_RESET, is_token, redeem_link
from app.auth.rate_limits import CODES_SENT, CODES_TRIED, LINKS, SIGN_INS, SIGN_UPS, TooManyAttempts, network
from app.auth.sessions import sessions
from tally.accounts.auth_client import (
    AuthError,
    AuthRefused,
    AuthUnreachable,
    Tokens,
    auth_client,
    check_new_password,
)
from tally.core.settings import load_settings

EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
CODE = re.compile(r"[0-9]{6,10}")  # a Supabase project may use codes longer than 6 digits

CODE_SENT = "If there is an account for {email}, we sent it a 6-digit code. It is valid for one hour."
CODE_IN_OUTBOX = (
    "No mail server is set up (SMTP_URL). If there is an account for {email}, the email with its 6-digit "
    "code is in the outbox folder of this server. It is valid for one hour."
)
CONFIRM_FIRST = (
    "We sent an email to {email}, unless it has an account already. Follow its link to confirm your address, "
    "then sign in."
)
CONFIRM_BY_CODE = (
    "We sent a 6-digit code to {email}. Enter it and choose your password. It is valid for one hour."
)
INVITED_ONLY = "New accounts need an invitation here. Use the email address that was invited."
NOT_SIGNED_OUT = "You are still signed in."
STORE_BROKEN = "Tally cannot write its session store. Check the server's free disk space, then try again."

STATUSES = {
    "invalid_credentials": 401,
    "too_many_passwords": 429,
    "too_many_codes": 429,
    "over_request_rate_limit": 429,
    "over_email_send_rate_limit": 429,
}

Endpoint = Callable[[Request], Awaitable[Response]]


class Spent(AuthRefused):
    """A code or link that cannot be used again."""


@dataclass(frozen=True, slots=True)
class Form:
    """Submitted values and the client that sent them."""

    email: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    token: str = field(repr=False)  # of an emailed link, in place of email and code
    next_path: str
    host: str | None
    cookies: Mapping[str, str] = field(repr=False)


def routes() -> list[Route]:
    """Routes that need no session."""
    handlers: dict[Page, Callable[[Form], Response]] = {
        "login": _sign_in,
        "signup": _sign_up,
        "forgot": _send_code,
        "reset": _reset_password,
    }
    pages = [Route(f"/{page}", _show(page), methods=["GET"]) for page in handlers]
    forms = [Route(f"/{page}", _submit(page, handle), methods=["POST"]) for page, handle in handlers.items()]
    return [
        *pages,
        *forms,
        Route("/logout", _sign_out, methods=["POST"]),
        Route("/logout", _redirect_home, methods=["GET"]),
        Route("/signed-out.js", _leave_dashboard, methods=["GET"]),
    ]


def _sign_in(form: Form) -> Response:
    SIGN_INS.count(form.host, form.email)
    email = _checked_email(form)
    try:
        tokens = auth_client().sign_in(email, form.password, devices_of(form.cookies))
    except AuthRefused as refused:
        if refused.code == "too_many_passwords":
            SIGN_INS.forget_unjudged(email)
        raise
    SIGN_INS.forgive(form.host, form.email)
    return _begin_session(form, tokens)


def _sign_up(form: Form) -> Response:
    SIGN_UPS.count(form.host, form.email)
    answer = auth_client().sign_up(_checked_email(form), check_new_password(form.password))
    if isinstance(answer, Tokens):
        return _begin_session(form, answer)
    page: Page = "reset" if answer == "code" else "login"
    notice = (CONFIRM_BY_CODE if answer == "code" else CONFIRM_FIRST).format(email=form.email)
    return render_page(page, email=form.email, next_path=form.next_path, notice=notice)


def _send_code(form: Form) -> Response:
    CODES_SENT.count(form.host, form.email)
    auth_client().send_reset_code(_checked_email(form))
    settings = load_settings()
    is_in_outbox = settings.smtp_url is None and settings.tally_outbox is not None
    notice = (CODE_IN_OUTBOX if is_in_outbox else CODE_SENT).format(email=form.email)
    return render_page("reset", email=form.email, next_path=form.next_path, notice=notice)


def _reset_password(form: Form) -> Response:
    password = check_new_password(form.password)  # before redeeming the code or link
    tokens = _redeem_link(form) if form.token else _redeem_code(form)
    try:
        auth_client().change_password(tokens.access_token, password)
    except AuthRefused as refused:
        if refused.code != "same_password":  # the account has that password already
            auth_client().sign_out(tokens.access_token)
            raise Spent(f"{refused} The code is used up. Request a new one.", refused.code) from None
    auth_client().sign_out(tokens.access_token, "others")
    sessions().close_all(tokens.user_id)
    return _begin_session(form, tokens)


def _redeem_code(form: Form) -> Tokens:
    email = _checked_email(form)
    CODES_TRIED.count(form.host, email)
    tokens = auth_client().redeem_reset_code(email, _checked_code(form), devices_of(form.cookies))
    CODES_TRIED.forgive(form.host, email)
    return tokens


def _redeem_link(form: Form) -> Tokens:
    LINKS.count(network(form.host))
    try:
        tokens = redeem_link(RECOVERY, form.token) if is_token(form.token) else None
    except AuthRefused as refused:
        raise Spent(SPENT_RESET if refused.code == "otp_expired" else str(refused)) from None
    if tokens is None:
        raise Spent(SPENT_RESET)
    return tokens


def _begin_session(form: Form, tokens: Tokens) -> Response:
    sessions().close(form.cookies.get(cookie_name()))
    response = RedirectResponse(local_path(form.next_path), 303)
    set_cookie(response, sessions().open(tokens))
    remember_device(response, form.cookies, tokens.device)
    return response


def _checked_email(form: Form) -> str:
    if not EMAIL.fullmatch(form.email) or not form.email.isprintable():  # invisible characters are pasted
        raise AuthRefused("That does not look like an email address. Check it and try again.")
    return form.email


def _checked_code(form: Form) -> str:
    code = re.sub(r"[\s-]", "", form.code)
    if not CODE.fullmatch(code):
        raise AuthRefused("That code isn't valid. Enter the 6-digit code from the email.")
    return code


def _show(page: Page) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        next_path = local_path(request.query_params.get("next", ""))
        if await _is_signed_in(request):
            return RedirectResponse(next_path, 303)
        notice = await run_in_threadpool(_find_notice) if page == "signup" else ""
        return hide_address(request, render_page(page, next_path=next_path, notice=notice))

    return endpoint


async def _is_signed_in(request: Request) -> bool:
    """False where the session store does not answer, too: the page says so once it is sent."""
    try:
        return await sessions().look_up(request.cookies.get(cookie_name())) is not None
    except AuthUnreachable:
        return False


def _find_notice() -> str:
    """The notice of the page for new accounts; none if the sign-in service does not answer."""
    try:
        return INVITED_ONLY if auth_client().needs_invitation() else ""
    except AuthError:
        return ""


def _submit(page: Page, handle: Callable[[Form], Response]) -> Endpoint:
    """Handle a submitted form off the event loop; on failure the page is shown again with a message."""

    async def endpoint(request: Request) -> Response:
        form = await _read_form(request)
        if form is None:
            response: Response = render_page(
                page, error="The form is too long. Shorten the text and try again."
            )
            response.status_code = 413
            return response
        try:
            return await run_in_threadpool(handle, form)
        except (AuthError, sqlite3.Error) as error:
            return _show_error(page, form, error)

    return endpoint


def _show_error(page: Page, form: Form, error: AuthError | sqlite3.Error) -> Response:
    text = STORE_BROKEN if isinstance(error, sqlite3.Error) else str(error)
    if not form.token:
        response = render_page(page, email=form.email, next_path=form.next_path, error=text)
    elif isinstance(error, Spent):
        response = render_page("forgot", error=text)
    else:
        response = render_reset_link(form.token, text)
    response.status_code = _status_of(error)
    if isinstance(error, TooManyAttempts):
        response.headers["retry-after"] = str(error.retry_after)
    return response


def _status_of(error: AuthError | sqlite3.Error) -> int:
    if isinstance(error, TooManyAttempts):
        return 429
    if isinstance(error, AuthRefused):
        return STATUSES.get(error.code, 422)
    return 503


async def _read_form(request: Request) -> Form | None:
    fields = await read_fields(request)
    if fields is None:
        return None
    return Form(
        email=fields.get("email", "").strip().lower()[:254],
        password=fields.get("password", ""),
        code=fields.get("code", "")[:20],
        token=fields.get("token", "")[:300],
        next_path=local_path(fields.get("next", "")),
        host=request.client.host if request.client else None,
        cookies=request.cookies,
    )


async def _sign_out(request: Request) -> Response:
    next_path = local_path((await read_fields(request) or {}).get("next", ""))
    try:
        await run_in_threadpool(sessions().close, request.cookies.get(cookie_name()))
    except (
        AuthUnreachable
    ) as problem:  # without its cookie, the session would stay open with nobody to end it
        response: Response = render_page("login", next_path=next_path, error=f"{NOT_SIGNED_OUT} {problem}")
        response.status_code = 503
        return response
    response = RedirectResponse(with_next("/login", next_path), 303)
    clear_cookie(response)
    return response


async def _redirect_home(_: Request) -> Response:
    """Redirect to the start page; without this route, Streamlit would answer with an empty page."""
    return RedirectResponse("/", 303)


async def _leave_dashboard(_: Request) -> Response:
    """Script that an open dashboard loads when its session has ended."""
    return PlainTextResponse("location.replace('/login')\n", media_type="text/javascript")
