"""Unknown addresses get a 404 page with a way back; known ones reach the dashboard."""

import httpx
import pytest

from app.ui.pages import PATHS


@pytest.mark.parametrize("path", ["/nosuch", "/records/nosuch", "/Records", "/index.html"])
def test_unknown_address_is_a_404_page_with_a_link_to_the_overview(
    signed_in: httpx.Client, path: str
) -> None:
    response = signed_in.get(path)
    assert response.status_code == 404
    assert "<h1>Page not found</h1>" in response.text
    assert '<a href="/">Go to Overview</a>' in response.text
    assert "script-src" not in response.headers["content-security-policy"]
    assert "link" not in response.headers  # the dashboard's code, which the policy would block


def test_every_page_of_the_dashboard_is_found(signed_in: httpx.Client) -> None:
    assert {path: signed_in.get(path).status_code for path in PATHS} == dict.fromkeys(PATHS, 200)


@pytest.mark.parametrize("path", ["/login/", "/signup/", "/records/"])
def test_slash_at_the_end_changes_nothing(signed_in: httpx.Client, path: str) -> None:
    assert signed_in.get(path, follow_redirects=True).status_code == 200


@pytest.mark.parametrize(
    "path", ["/%3Cscript%3Ealert(1)%3C/script%3E", "//evil.example/%2f..", "/..%2f..%2fetc%2fpasswd", "/%00"]
)
def test_hostile_address_is_not_repeated(signed_in: httpx.Client, path: str) -> None:
    plain = signed_in.get("/nosuch")
    response = signed_in.get(f"{str(signed_in.base_url).rstrip('/')}{path}")
    assert (response.status_code, response.text) == (404, plain.text)
    headless = signed_in.head(f"{str(signed_in.base_url).rstrip('/')}{path}")
    assert (headless.status_code, headless.text) == (404, "")


def test_signed_out_browser_is_sent_to_sign_in_first(browser: httpx.Client) -> None:
    response = browser.get("/nosuch")
    assert (response.status_code, response.headers["location"]) == (303, "/login?next=%2Fnosuch")


@pytest.mark.parametrize("path", ["/app/static/forms.css", "/_stcore/health", "/login"])
def test_files_and_forms_are_no_pages(signed_in: httpx.Client, path: str) -> None:
    assert "Page not found" not in signed_in.get(path).text
