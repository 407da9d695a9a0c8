"""Only names of this machine and of its public address reach Tally (DNS rebinding)."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from app.auth.same_origin import app_origin
from app.server.hosts import is_known_host, own_names
from tests.app.accounts import Account
from tests.app.app_server import AppServer


@pytest.fixture(autouse=True)
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SUPABASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SUPABASE_PUBLISHABLE_KEY", "key")
    monkeypatch.setenv("APP_ORIGIN", "https://tally.example.org:8443")
    app_origin.cache_clear()
    own_names.cache_clear()
    yield
    app_origin.cache_clear()
    own_names.cache_clear()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8501",
        "LOCALHOST.:8501",
        "tally.localhost:8501",
        "127.0.0.1:8501",
        "[::1]:8501",
        "192.168.1.20:8501",
        "tally.example.org",
        "TALLY.example.org:8443",
        socket.gethostname(),
    ],
)
def test_own_names_are_known(host: str) -> None:
    assert is_known_host(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ":8501",
        "evil.example",
        "evil.example:8501",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "tally.example.org.evil.example",
        "user@localhost",
        "localhost/evil",
        "localhost:port",
        "[::1",
        "evillocalhost",
    ],
)
def test_other_names_are_refused(host: str | None) -> None:
    assert not is_known_host(host)


@pytest.mark.parametrize("path", ["/login", "/", "/_stcore/health", "/app/static/style.css", "/media/x.csv"])
def test_foreign_name_gets_421_everywhere(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path, headers={"host": "evil.example"})
    assert (answer.status_code, "evil.example" in answer.text) == (421, False)
    assert "not known under this name" in answer.text


def test_foreign_page_makes_no_account_and_signs_nobody_in(
    server: AppServer, browser: httpx.Client, account: Account
) -> None:
    foreign = {"host": f"evil.example:{server.port}", "origin": f"http://evil.example:{server.port}"}
    form = {"email": account.email, "password": account.password}
    for path in ("/login", "/signup"):
        answer = browser.post(path, data=form, headers=foreign)
        assert (answer.status_code, "set-cookie" in answer.headers) == (421, False)
