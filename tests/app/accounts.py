"""Accounts on the stack under test, and the ways to sign in to them."""

import uuid
from dataclasses import dataclass, field

import httpx

from app.auth.identity import User
from app.auth.workspaces import personal_workspace
from tally.accounts.auth_client import AuthClient, Tokens

PASSWORD = "correct horse 1"


@dataclass(frozen=True)
class Account:
    """Credentials of an account; `tokens` are those of the sign-up."""

    email: str
    password: str = PASSWORD
    tokens: Tokens | None = field(default=None, compare=False, repr=False)


def sign_up(upstream: AuthClient) -> Account:
    """Create an account."""
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    tokens = upstream.sign_up(email, PASSWORD)
    assert isinstance(tokens, Tokens)
    return Account(email, tokens=tokens)


def sign_in(browser: httpx.Client, account: Account) -> None:
    """Sign in through the form."""
    answer = browser.post("/login", data={"email": account.email, "password": account.password})
    assert answer.status_code == 303, answer.text


def tokens_of(account: Account) -> Tokens:
    """The tokens of the account's sign-up."""
    assert account.tokens is not None
    return account.tokens


def sign_in_user(upstream: AuthClient, account: Account) -> User:
    """The account as the pages know it; its sign-up tokens save another password hash."""
    tokens = account.tokens or upstream.sign_in(account.email, account.password)
    return User(tokens.user_id, tokens.email, tokens.access_token, personal_workspace(tokens.user_id))
