"""`tally owner`: the first account owns the installation until another one is named."""

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.local.stack import Stack
from tests.shared_connections import operator_connection
from tests.tally.people import sign_up

FIRST = "select email from auth.users order by created_at, id limit 1"


@pytest.fixture(autouse=True)
def unnamed(stack: Stack) -> Iterator[None]:
    """No owner is named before a test, nor after it."""
    with operator_connection(stack, autocommit=True) as connection:
        connection.execute("delete from private.installation")
        yield
        connection.execute("delete from private.installation")


def tally_owner(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["owner", *arguments])


def test_first_account_owns_the_installation_until_another_is_named(stack: Stack) -> None:
    other = sign_up(stack)
    with operator_connection(stack, autocommit=True) as connection:
        first = connection.execute(FIRST).fetchone()
    assert first is not None
    assert tally_owner().output == f"The owner of this installation is {first[0]}.\n"
    named = f"The owner of this installation is {other.email}.\n"
    assert [tally_owner(f" {other.email.upper()} ").output, tally_owner().output] == [named, named]


def test_unknown_address_changes_nothing(stack: Stack) -> None:
    sign_up(stack)
    before = tally_owner().output
    refused = tally_owner("nobody@example.com")
    assert (refused.exit_code, "no account with the address nobody@example.com" in refused.output) == (
        1,
        True,
    )
    assert tally_owner().output == before
