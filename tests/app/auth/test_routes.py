"""Signing up, in and out, and a forgotten password, against the real sign-in service."""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from app.auth import routes
from app.auth.local_path import local_path, with_next
from app.auth.rate_limits import FormLimits
from tally.accounts.auth_client import AuthClient, AuthRefused
from tests.app.accounts import Account, sign_in
from tests.app.app_server import AppServer
from tests.app.auth.mails import mailed_code
from tests.app.conftest import Project
from tests.app.wire import Wire
from tests.every_case import every_case

NEW_PASSWORD = "another horse 2"


def message(answer: httpx.Response) -> str:
    """The error or notice on a page."""
    found = re.search(r'role="(?:alert|status)">([^<]+)<', answer.text)
    return found.group(1).replace("&#39;", "'") if found else ""


def is_signed_in(browser: httpx.Client) -> bool:
    return browser.get("/").status_code == 200


@pytest.fixture
def second_browser(server: AppServer) -> Iterator[httpx.Client]:
    with server.browser() as client:
        yield client


def test_signing_up_makes_an_account_and_signs_in(browser: httpx.Client, upstream: AuthClient) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    answer = browser.post("/signup", data={"email": f"  {email.upper()} ", "password": "correct horse 1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert is_signed_in(browser)
    assert upstream.sign_in(email, "correct horse 1").email == email


def test_cookie_is_opaque_and_out_of_reach_of_scripts(browser: httpx.Client, account: Account) -> None:
    answer = browser.post("/login", data={"email": account.email, "password": account.password})
    cookie = answer.headers["set-cookie"]
    assert re.match(r"tally=[\w-]{43}; ", cookie)
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Domain" not in cookie


def test_on_https_the_cookie_is_secure_and_bound_to_the_host(
    project: Project, tmp_path: Path, account: Account
) -> None:
    environment = project.environment() | {"APP_ORIGIN": "https://tally.example"}
    with AppServer(tmp_path, environment) as server, server.browser() as browser:
        browser.headers["origin"] = "https://tally.example"
        answer = browser.post("/login", data={"email": account.email, "password": account.password})
        cookie = answer.headers["set-cookie"]
        assert re.match(r"__Host-tally=[\w-]{43}; ", cookie)
        assert {"HttpOnly", "SameSite=lax", "Path=/", "Secure"} <= set(cookie.split("; "))
        assert "strict-transport-security" in answer.headers
        value = cookie.split(";")[0]
        assert httpx.get(server.url, headers={"cookie": value}).status_code == 200
        assert httpx.get(server.url, headers={"cookie": value.removeprefix("__Host-")}).status_code == 401


@pytest.mark.parametrize(
    ("form", "values", "status", "sentence"),
    [
        ("/login", {"password": "wrong horse 1"}, 401, "Wrong email or password."),
        ("/login", {"email": "nobody@example.com"}, 401, "Wrong email or password."),
        ("/login", {"email": "not an address"}, 422, "That does not look like an email address."),
        ("/login", {"email": "nul\0@example.com"}, 422, "That does not look like an email address."),
        ("/signup", {"email": "ada@example.com\u200b"}, 422, "That does not look like an email address."),
        ("/signup", {"email": "\u202eada@example.com"}, 422, "That does not look like an email address."),
        ("/login", {"password": ""}, 401, "Wrong email or password."),
        ("/signup", {}, 422, "There is already an account with this email address. Sign in instead."),
        ("/signup", {"email": "new@example.com", "password": "short"}, 422, "Use at least 8 characters."),
        ("/signup", {"email": "new@example.com", "password": "x" * 73}, 422, "Use at most 72 characters."),
        ("/reset", {"code": "000000", "password": NEW_PASSWORD}, 422, "That code is wrong, used or expired."),
        ("/reset", {"code": "", "password": NEW_PASSWORD}, 422, "Enter the 6-digit code from the email."),
    ],
)
def test_refusal_has_a_message_and_keeps_the_email(
    browser: httpx.Client, account: Account, form: str, values: dict[str, str], status: int, sentence: str
) -> None:
    sent = {"email": account.email, "password": account.password} | values
    answer = browser.post(form, data=sent)
    assert answer.status_code == status
    assert sentence in message(answer)
    assert 'role="alert"' in answer.text
    assert f'value="{sent["email"]}"' in answer.text
    assert sent["password"] == "" or f'value="{sent["password"]}"' not in answer.text
    assert not is_signed_in(browser)


def test_typed_markup_stays_text(browser: httpx.Client) -> None:
    answer = browser.post("/login", data={"email": '"><script>alert(1)</script>$email', "password": "x"})
    assert "<script" not in answer.text
    assert "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;$email" in answer.text


def test_oversized_form_is_refused(browser: httpx.Client) -> None:
    assert browser.post("/login", data={"email": "x" * 9000}).status_code == 413
    assert browser.post("/login", content=(b"x" * 1000 for _ in range(10))).status_code == 413


def test_signing_in_leads_to_the_page_that_was_asked_for(browser: httpx.Client, account: Account) -> None:
    form = {"email": account.email, "password": account.password, "next": "/records?range=7d"}
    assert browser.post("/login", data=form).headers["location"] == "/records?range=7d"


@every_case(
    [
        (path,)
        for path in [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "\\\\evil",
            "javascript:x",
            "",
            "/a b",
            "x",
            "/\r\nset-cookie: a=b",
            "/" + "x" * 3000,
        ]
    ]
)
def test_signing_in_never_leads_to_another_site(path: str) -> None:
    assert local_path(path) == "/"


def test_signing_in_again_gives_a_new_cookie_and_ends_the_old_session(
    server: AppServer, browser: httpx.Client, account: Account
) -> None:
    sign_in(browser, account)
    old = browser.cookies["tally"]
    sign_in(browser, account)
    assert browser.cookies["tally"] != old
    assert httpx.get(server.url, headers={"cookie": f"tally={old}"}).status_code == 401


def test_planted_cookie_does_not_become_a_session(
    server: AppServer, browser: httpx.Client, account: Account
) -> None:
    planted = "A" * 43
    browser.cookies.set("tally", planted)
    answer = browser.post("/login", data={"email": account.email, "password": account.password})
    assert planted not in answer.headers["set-cookie"]
    assert httpx.get(server.url, headers={"cookie": f"tally={planted}"}).status_code == 401


def test_signed_in_user_is_sent_away_from_the_sign_in_page(signed_in: httpx.Client) -> None:
    for page in ("/login", "/signup", "/login?next=//evil.example"):
        assert signed_in.get(page).headers["location"] == "/"


def test_sessions_survive_a_server_restart(
    server: AppServer, browser: httpx.Client, account: Account
) -> None:
    sign_in(browser, account)
    server.stop()
    server.start()
    assert is_signed_in(browser)


def test_signing_out_ends_this_session_and_no_other(
    signed_in: httpx.Client, second_browser: httpx.Client, shared_account: Account
) -> None:
    sign_in(second_browser, shared_account)
    answer = signed_in.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert 'tally=""' in answer.headers["set-cookie"]
    assert not is_signed_in(signed_in)
    assert is_signed_in(second_browser)


def test_forgotten_password_is_replaced_with_a_mailed_code(
    project: Project,
    upstream: AuthClient,
    browser: httpx.Client,
    second_browser: httpx.Client,
    account: Account,
) -> None:
    sign_in(second_browser, account)
    asked = browser.post("/forgot", data={"email": account.email})
    assert "No mail server is set up" in message(asked)
    assert "6-digit code is in the outbox folder of this server" in message(asked)
    assert f'value="{account.email}"' in asked.text
    code = mailed_code(project, account)
    form = {"email": account.email, "code": f"{code[:3]} {code[3:]}", "password": NEW_PASSWORD}

    too_short = browser.post("/reset", data=form | {"password": "short"})
    assert "too short" in message(too_short)
    assert browser.post("/reset", data=form).status_code == 303, (
        "the code is still good after a typing mistake"
    )
    assert is_signed_in(browser)
    assert not is_signed_in(second_browser), "a new password ends the other sessions"
    assert upstream.sign_in(account.email, NEW_PASSWORD)
    with pytest.raises(AuthRefused):
        upstream.sign_in(account.email, account.password)

    browser.post("/logout")
    assert "wrong, used or expired" in message(browser.post("/reset", data=form))


def test_requesting_a_code_does_not_reveal_accounts(browser: httpx.Client, account: Account) -> None:
    answers = [
        browser.post("/forgot", data={"email": email}) for email in (account.email, "nobody@example.com")
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    texts = {answer.text.replace(account.email, "X").replace("nobody@example.com", "X") for answer in answers}
    assert len(texts) == 1


def test_reset_with_the_old_password_signs_in(
    project: Project, browser: httpx.Client, account: Account
) -> None:
    browser.post("/forgot", data={"email": account.email})
    form = {"email": account.email, "code": mailed_code(project, account), "password": account.password}
    assert browser.post("/reset", data=form).status_code == 303
    assert is_signed_in(browser)


def test_unreachable_supabase_is_explained_and_ends_no_session(
    browser: httpx.Client, second_browser: httpx.Client, server_wire: Wire, account: Account
) -> None:
    sign_in(browser, account)
    server_wire.cut()
    answer = second_browser.post("/login", data={"email": account.email, "password": account.password})
    assert answer.status_code == 503
    assert message(answer).startswith("Tally cannot reach the sign-in service.")
    assert is_signed_in(browser)


def test_guessing_is_locked_at_one_address_and_the_owner_gets_in_from_another(
    server: AppServer, account: Account
) -> None:
    wrong = {"email": account.email, "password": "wrong horse 1"}
    with server.browser("198.51.100.7") as attacker, server.browser("203.0.113.9") as owner:
        for _ in range(8):
            assert attacker.post("/login", data=wrong).status_code == 401
        locked = attacker.post("/login", data=wrong | {"password": account.password})
        assert locked.status_code == 429
        assert "Too many attempts. Try again in 5 minutes." in message(locked)
        assert 0 < int(locked.headers["retry-after"]) <= 300
        assert f'value="{account.email}"' in locked.text
        sign_in(owner, account)


def test_twenty_wrong_passwords_an_hour_whatever_address_is_claimed(
    server: AppServer, account: Account, second_browser: httpx.Client
) -> None:
    sign_in(second_browser, account)
    second_browser.post("/logout")
    wrong = {"email": account.email, "password": "wrong horse 1"}
    statuses = []
    for host in range(25):
        with server.browser(f"198.51.100.{host}") as attacker:
            statuses.append(attacker.post("/login", data=wrong).status_code)
    assert statuses == [401] * 20 + [429] * 5
    with server.browser("203.0.113.9") as elsewhere:
        locked = elsewhere.post("/login", data=wrong | {"password": account.password})
        assert "use a browser that you have signed in with before" in message(locked)
    sign_in(second_browser, account)  # it signed in before, and a stranger does not lock it out


def test_refused_guesses_of_strangers_do_not_use_up_the_limit_of_the_account(
    monkeypatch: pytest.MonkeyPatch, account: Account, upstream: AuthClient
) -> None:
    monkeypatch.setattr(
        routes, "SIGN_INS", FormLimits("test", attempts=9, network_attempts=99, email_attempts=22)
    )
    monkeypatch.setattr(routes, "auth_client", lambda: upstream)
    device = upstream.sign_in(account.email, account.password).device

    def guess(host: str, cookies: dict[str, str]) -> str:
        form = routes.Form(account.email, "wrong horse 1", "", "", "/", host, cookies)
        with pytest.raises(AuthRefused) as refused:
            routes._sign_in(form)
        return refused.value.code

    codes = [guess(f"198.51.100.{host}", {}) for host in range(40)]
    assert codes == ["invalid_credentials"] * 20 + ["too_many_passwords"] * 20
    assert guess("203.0.113.9", {"tally-device": device}) == "invalid_credentials"


@pytest.mark.parametrize(("form", "tries"), [("/signup", 8), ("/forgot", 1), ("/reset", 6)])
def test_other_forms_are_rate_limited_too(
    server: AppServer, new_account: Callable[[], Account], form: str, tries: int
) -> None:
    values = {"email": new_account().email, "password": NEW_PASSWORD, "code": "123456"}
    with server.browser(f"192.0.2.{tries}") as browser:
        statuses = [browser.post(form, data=values).status_code for _ in range(tries + 1)]
    assert 429 not in statuses[:-1]
    assert statuses[-1] == 429


def test_page_for_new_accounts_asks_for_no_invitation_where_anyone_may_sign_up(
    browser: httpx.Client, server_wire: Wire
) -> None:
    assert message(browser.get("/signup")) == ""
    server_wire.cut()
    assert browser.get("/signup").status_code == 200


@pytest.mark.parametrize(
    ("next_path", "address"),
    [("/", "/login"), ("", "/login"), ("/invitation?token=a-_", "/login?next=%2Finvitation%3Ftoken%3Da-_")],
)
def test_sign_in_page_leads_on(next_path: str, address: str) -> None:
    assert with_next("/login", next_path) == address


def test_every_form_leads_on_to_the_page_that_was_asked_for(browser: httpx.Client) -> None:
    target = "/invitation?token=abc&x=1"
    for page in ("/login", "/signup", "/forgot", "/reset"):
        shown = browser.get(with_next(page, target))
        assert 'name="next" value="/invitation?token=abc&amp;x=1"' in shown.text, page
        links = re.findall(r'href="(/(?:login|signup|forgot)[^"]*)"', shown.text)
        assert all(link.endswith("?next=%2Finvitation%3Ftoken%3Dabc%26x%3D1") for link in links), page
        assert links
        assert shown.headers["referrer-policy"] == "strict-origin"
    fetched = browser.get("/login", headers={"sec-fetch-site": "none"})
    assert fetched.headers["referrer-policy"] == "no-referrer"


def test_signing_out_leads_on_to_sign_in(signed_in: httpx.Client) -> None:
    answer = signed_in.post("/logout", data={"next": "/invitation?token=abc"})
    assert answer.headers["location"] == "/login?next=%2Finvitation%3Ftoken%3Dabc"
