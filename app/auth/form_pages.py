"""The server-rendered pages around signing in: plain HTML forms without any JavaScript."""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

TEMPLATES = Path(__file__).parent / "templates"
TITLES = {
    "login": "Sign in",
    "signup": "Create your account",
    "forgot": "Forgotten password",
    "reset": "Choose a new password",
}


def render_page(
    page: str, *, email: str = "", next_path: str = "", wrong: str = "", good: str = "", status: int = 200
) -> HTMLResponse:
    """One of the pages, with what the person typed and what went wrong or well. Every value is escaped."""
    content = _template(page).substitute(
        notice=_notice(wrong, good),
        email=escape(email),
        next=escape(next_path),
        email_focus="" if email else " autofocus",
        password_focus=" autofocus" if email else "",
    )
    html = _template("page").substitute(title=TITLES[page], content=content)
    return HTMLResponse(html, status, {"content-security-policy": FORM_PAGE_POLICY})


def _notice(wrong: str, good: str) -> str:
    if wrong:
        return f'<p class="wrong" role="alert">{escape(wrong)}</p>\n'
    return f'<p class="good" role="status">{escape(good)}</p>\n' if good else ""


@cache
def _template(name: str) -> Template:
    return Template((TEMPLATES / f"{name}.html").read_text(encoding="utf-8"))


# The sign-in pages need nothing but their own style sheet, font and pictures.
FORM_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
