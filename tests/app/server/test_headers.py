"""Every response carries the security headers, and the policy fits the Streamlit that is installed."""

import re

import httpx
import pytest

from app.server.dashboard_page import dashboard_page
from app.server.headers import ALWAYS, INLINE_SCRIPT, dashboard_policy
from tests.app.app_server import AppServer


@pytest.mark.parametrize(
    "path", ["/login", "/", "/_stcore/health", "/nowhere", "/app/static/forms.css", "/media/x", "//x"]
)
@pytest.mark.parametrize("who", ["signed_in", "browser"])
def test_every_response_carries_the_security_headers(
    path: str, who: str, request: pytest.FixtureRequest
) -> None:
    client: httpx.Client = request.getfixturevalue(who)
    answer = client.get(path)
    assert ALWAYS.items() <= dict(answer.headers).items()
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_names_the_code_of_its_first_elements(signed_in: httpx.Client) -> None:
    named = re.findall(r"<([^>]+)>; rel=modulepreload", signed_in.get("/").headers["link"])
    assert len(named) == 1  # one file, which holds them all
    for path in named:
        answer = signed_in.get(path)
        assert answer.status_code == 200
        assert "javascript" in answer.headers["content-type"]
        assert "link" not in answer.headers
    assert "link" not in httpx.get(signed_in.base_url.join("/login")).headers


def test_page_of_traces_names_the_code_of_tables(signed_in: httpx.Client) -> None:
    named = re.findall(r"<([^>]+)>; rel=modulepreload", signed_in.get("/traces").headers["link"])
    assert any("/js/DataFrame." in path for path in named)
    assert {signed_in.get(path).status_code for path in named} == {200}
    assert "DataFrame" not in signed_in.get("/records").headers["link"]


def test_policy_allows_no_eval_and_no_foreign_source() -> None:
    policy = dict(part.strip().split(" ", 1) for part in dashboard_policy().split(";"))
    assert re.fullmatch(r"'self'( 'sha256-[A-Za-z0-9+/]{43}=')+", policy["script-src"])
    assert "unsafe-eval" not in dashboard_policy()
    assert not re.search(r"https?:|\*", dashboard_policy())


def test_every_inline_script_of_streamlits_page_is_found() -> None:
    page = dashboard_page()
    with_source = re.findall(r"<script[^>]*\ssrc=", page)
    assert len(INLINE_SCRIPT.findall(page)) + len(with_source) == page.count("</script>")
    assert dashboard_policy().count("'sha256-") == len(INLINE_SCRIPT.findall(page))


def test_pages_are_never_cached_and_public_files_are(signed_in: httpx.Client) -> None:
    for path in ("/", "/login", "/media/x"):
        assert signed_in.get(path).headers["cache-control"] == "no-store"
    assert "max-age" in signed_in.get("/app/static/forms.css").headers["cache-control"]
    assert signed_in.get("/app/static/nowhere.css").headers["cache-control"] == "no-store"


def test_sign_in_page_needs_no_script_and_nothing_foreign(server: AppServer) -> None:
    answer = httpx.get(f"{server.url}/login")
    assert "script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in re.findall(r'(?:href|src)="([^"]+)"', answer.text):
        assert path.startswith("/")
        assert httpx.get(server.url + path).status_code == 200
