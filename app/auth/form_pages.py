"""Server-rendered sign-in pages: plain HTML forms without JavaScript."""

from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from tally.accounts.auth_client import MAX_PASSWORD_BYTES, MIN_PASSWORD_LENGTH

Page = Literal["login", "signup", "forgot", "reset"]

# The pages need only their own style sheet, font and images.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
TEMPLATES = Environment(loader=PackageLoader("app.auth"), autoescape=True, undefined=StrictUndefined)
TEMPLATES.globals.update(min_password_length=MIN_PASSWORD_LENGTH, max_password_length=MAX_PASSWORD_BYTES)


def render_page(
    page: Page, *, email: str = "", next_path: str = "", error: str = "", notice: str = ""
) -> HTMLResponse:
    """Render a sign-in page with the entered values and a message. Every value is escaped."""
    template = TEMPLATES.get_template(f"{page}.html")
    html = template.render(email=email, next_path=next_path, error=error, notice=notice)
    return HTMLResponse(html, headers={"content-security-policy": CONTENT_SECURITY_POLICY})
