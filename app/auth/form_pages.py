"""Server-rendered sign-in pages: plain HTML forms without JavaScript."""

from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.auth.local_path import with_next
from tally.accounts.auth_client import MAX_PASSWORD_BYTES, MIN_PASSWORD_LENGTH

Page = Literal["login", "signup", "forgot", "reset"]

# The pages need only their own style sheet, font and images.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
TEMPLATES = Environment(loader=PackageLoader("app.auth"), autoescape=True, undefined=StrictUndefined)
TEMPLATES.globals.update(
    min_password_length=MIN_PASSWORD_LENGTH, max_password_length=MAX_PASSWORD_BYTES, with_next=with_next
)


def hide_address(request: Request, response: Response) -> Response:
    """Keep the page's address, which may contain a token, out of the Referer header.

    Without fetch metadata, as over plain http, the page's form is accepted by its origin, which
    `no-referrer` would hide too.
    """
    has_metadata = "sec-fetch-site" in request.headers
    response.headers["referrer-policy"] = "no-referrer" if has_metadata else "strict-origin"
    return response


def render_page(
    page: Page, *, email: str = "", next_path: str = "", error: str = "", notice: str = ""
) -> HTMLResponse:
    """Render a sign-in page with the entered values and a message. Every value is escaped."""
    return _render(page, email=email, next_path=next_path, error=error, notice=notice)


def render_reset_link(token: str, error: str = "") -> HTMLResponse:
    """Render the page that sets a new password with the token of an emailed link."""
    return _render("reset_link", token=token, error=error)


def render_invitation(state: Literal["signed_out", "open", "refused"], **values: str) -> HTMLResponse:
    """Render the page of an invitation in a state. Every value is escaped."""
    return _render(f"invitation_{state}", **values)


def render_confirmation(state: Literal["open", "refused"], **values: str) -> HTMLResponse:
    """Render the page of a link that confirms something. Every value is escaped."""
    return _render(f"confirmation_{state}", **values)


def render_agreement(state: str, **values: str) -> HTMLResponse:
    """Render the page of a link by which a mailbox agrees to get alerts, or ends them. Values are escaped."""
    return _render(f"alerts_{state}", **values)


def render_unsubscribing(state: Literal["open", "done", "refused"], **values: str) -> HTMLResponse:
    """Render the page of a link that stops a mail. Every value is escaped."""
    return _render(f"unsubscribing_{state}", **values)


def render_unreachable(path: str, reason: str) -> HTMLResponse:
    """Render the page that says that Tally cannot tell who asks, with a link to try again."""
    response = _render("unreachable", path=path, reason=reason)
    response.status_code = 503
    return response


def _render(template: str, **values: str) -> HTMLResponse:
    html = TEMPLATES.get_template(f"{template}.html").render({"error": "", "notice": ""} | values)
    return HTMLResponse(html, headers={"content-security-policy": CONTENT_SECURITY_POLICY})
