"""The link that stops a mail: pressed by a mail program, opened by a scanner, or guessed."""

from uuid import UUID

import httpx
import pytest

from tally.local.stack import Stack
from tests.app.accounts import Account
from tests.app.app_server import AppServer
from tests.shared_connections import operator_connection

TOKEN = "u" * 43
ONE_CLICK = "List-Unsubscribe=One-Click"
LINK = f"/unsubscribe?kind=weekly&token={TOKEN}"


@pytest.fixture
def token(stack: Stack, account: Account) -> str:
    """The token in the links of the account's mails."""
    with operator_connection(stack) as connection:
        connection.execute("delete from private.unsubscribing where token = %s", [TOKEN])
        connection.execute("select private.unsubscribe_token(%s, %s)", [user_of(stack, account), TOKEN])
    return TOKEN


def user_of(stack: Stack, account: Account) -> UUID:
    with operator_connection(stack) as connection:
        [[user]] = connection.execute(
            "select id from auth.users where email = %s", [account.email]
        ).fetchall()
    assert isinstance(user, UUID)
    return user


def wants(stack: Stack, account: Account) -> tuple[bool, bool]:
    """The account's choice: weekly, monthly."""
    with operator_connection(stack) as connection:
        [row] = connection.execute(
            "select weekly_digest, monthly_digest from public.user_preferences where user_id = %s",
            [user_of(stack, account)],
        ).fetchall()
    return row[0], row[1]


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("origin", [{}, {"origin": "https://mail.example"}, {"sec-fetch-site": "cross-site"}])
@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_of_a_mail_program_stops_the_mail_without_a_session(
    server: AppServer, stack: Stack, account: Account, origin: dict[str, str], encoding: str
) -> None:
    if encoding.startswith("multipart"):
        content = (
            '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
        )
        headers = origin | {"content-type": f"{encoding}; boundary=b"}
    else:
        content, headers = ONE_CLICK, origin | {"content-type": encoding}
    with httpx.Client(base_url=server.url) as program:
        answer = program.post(LINK, content=content, headers=headers)
    assert (answer.status_code, wants(stack, account)) == (200, (False, True))
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("token")
def test_opening_the_link_shows_a_button_that_stops_the_mail(
    browser: httpx.Client, stack: Stack, account: Account
) -> None:
    for _ in range(2):  # as a mail scanner does
        page = browser.get(f"/unsubscribe?kind=monthly&token={TOKEN}")
        assert page.status_code == 200
        assert "Stop the monthly mail</button>" in page.text
    assert wants(stack, account) == (True, True)
    done = browser.post("/unsubscribe", data={"kind": "monthly", "token": TOKEN})
    assert "no more monthly mails" in done.text
    assert wants(stack, account) == (True, False)


@pytest.mark.usefixtures("token")
def test_answer_tells_nobody_whether_a_token_is_known(
    browser: httpx.Client, stack: Stack, account: Account
) -> None:
    answers = {
        (answer.status_code, answer.text)
        for known in (TOKEN, "v" * 43)
        for answer in [browser.post(f"/unsubscribe?kind=weekly&token={known}", content=ONE_CLICK)]
    }
    assert len(answers) == 1
    shown = {
        browser.get(f"/unsubscribe?kind=weekly&token={known}").text.replace(known, "")
        for known in (TOKEN, "v" * 43)
    }
    assert len(shown) == 1
    assert wants(stack, account) == (False, True)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?kind=weekly",
        f"?kind=daily&token={TOKEN}",
        "?kind=weekly&token=short",
        f"?kind=<b>&token={TOKEN}",
    ],
)
def test_incomplete_link_says_so(browser: httpx.Client, query: str) -> None:
    for answer in (
        browser.get(f"/unsubscribe{query}"),
        browser.post(f"/unsubscribe{query}", content=ONE_CLICK),
    ):
        assert answer.status_code == 404
        assert "This link is incomplete." in answer.text
