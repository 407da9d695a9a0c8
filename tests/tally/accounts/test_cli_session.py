"""CLI sessions on a real stack: stored, renewed one at a time, ended."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tally.accounts.cli_session import CliSession, Credentials, load_session, open_database, sign_in, sign_out
from tally.core.errors import NotSignedIn, TallyError
from tally.local.stack import Stack
from tally.storage.workspaces import load_timezone
from tests.tally.people import Person

PASSWORD = "correct horse 1"
NO_TEXTS = json.dumps(dict.fromkeys(("address", "publishable_key", "email", "user_id", "refresh_token"), 5))


@pytest.fixture
def session(stack: Stack, person: Person, tmp_path: Path) -> CliSession:
    """A session that is stored in `tmp_path`."""
    settings = stack.settings()
    address, key = settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"]
    session, _ = sign_in(tmp_path, Credentials(address, key, person.email, PASSWORD))
    return session


def test_stored_session_opens_the_database_of_its_account(
    session: CliSession, person: Person, tmp_path: Path
) -> None:
    assert load_session(tmp_path) == session
    renewed, database = open_database(tmp_path)
    assert renewed.user_id == person.user_id
    assert load_timezone(database) == "UTC"
    assert load_session(tmp_path) == renewed != session


def test_parallel_renewals_do_not_end_the_session(session: CliSession, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        renewed = list(threads.map(lambda _: open_database(tmp_path)[0].refresh_token, range(4)))
    assert len({session.refresh_token, *renewed}) == 5
    open_database(tmp_path)


def test_session_that_was_ended_elsewhere_has_ended_here(session: CliSession, tmp_path: Path) -> None:
    stored = (tmp_path / "account.json").read_text()
    assert sign_out(tmp_path)
    (tmp_path / "account.json").write_text(stored)
    assert load_session(tmp_path) == session
    with pytest.raises(NotSignedIn, match="Your session has ended"):
        open_database(tmp_path)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"address": 1', NO_TEXTS, "[" * 100_000])
def test_missing_or_damaged_session_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "account.json").write_text(content)
    with pytest.raises(NotSignedIn, match="tally login"):
        open_database(tmp_path)


def test_damaged_session_can_be_signed_out(tmp_path: Path) -> None:
    (tmp_path / "account.json").write_text("{")
    assert sign_out(tmp_path)
    assert not sign_out(tmp_path)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("http://127.0.0.1:port", "sb_publishable_x"),
        ("http://127.0.0.1:9", "schlüssel"),
        ("http://127.0.0.1:9", "two\nlines"),
    ],
)
def test_unusable_address_or_key_is_refused(tmp_path: Path, address: str, key: str) -> None:
    with pytest.raises(TallyError, match="or its key cannot be used"):
        sign_in(tmp_path, Credentials(address, key, "ada@example.com", PASSWORD))


def test_unknown_key_is_refused(stack: Stack, person: Person, tmp_path: Path) -> None:
    address = stack.settings()["SUPABASE_URL"]
    with pytest.raises(TallyError, match=f"{address} or its key cannot be used"):
        sign_in(tmp_path, Credentials(address, "sb_publishable_unknown", person.email, PASSWORD))


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "no address", "http://["])
def test_address_without_an_answer_is_named(tmp_path: Path, address: str) -> None:
    with pytest.raises(TallyError, match=f"^{re.escape(address)} cannot be reached"):
        sign_in(tmp_path, Credentials(address, "sb_publishable_x", "ada@example.com", PASSWORD))
