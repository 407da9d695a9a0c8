"""Sessions: lifetimes, renewals and confidentiality, the same in a file and in Postgres."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from app.auth.moving_sessions import bring_sessions
from app.auth.postgres_sessions import PostgresSessions
from app.auth.session_keys import session_id
from app.auth.session_store import ABSOLUTE_SECONDS, IDLE_SECONDS, SessionStore, StoreUnreachable
from app.auth.sessions import Sessions
from app.auth.shared_database import SharedDatabase
from app.auth.sqlite_sessions import SqliteSessions
from tally.accounts.auth_client import AuthClient, AuthRefused, AuthUnreachable, Tokens
from tally.local.stack import Stack
from tests.app.accounts import Account
from tests.app.app_server import CHECKOUT
from tests.app.conftest import Project
from tests.app.wire import Wire
from tests.database_fixtures import Connection
from tests.shared_state import web_database_url

REFRESH = "grant_type=refresh_token"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "sessions.db"


@pytest.fixture
def tokens(upstream: AuthClient, account: Account) -> Tokens:
    return upstream.sign_in(account.email, account.password)


class Place:
    """Where sessions are kept: `open` gives a store as one more process has it."""

    def open(self) -> SessionStore:
        raise NotImplementedError

    def age(self, seconds: float) -> None:
        """Let all sessions be older, as after so much time."""
        raise NotImplementedError

    def read(self) -> bytes:
        """All that a thief finds."""
        raise NotImplementedError

    def rename(self, user_id: str) -> None:
        """Give all sessions to another user."""
        raise NotImplementedError


class File(Place):
    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> SessionStore:
        return SqliteSessions(self.path)

    def age(self, seconds: float) -> None:
        with sqlite3.connect(self.path) as database:
            database.execute(
                "update sessions set seen_at = seen_at - ?1, opened_at = opened_at - ?1", [seconds]
            )

    def read(self) -> bytes:
        return b"".join(file.read_bytes() for file in self.path.parent.iterdir())

    def rename(self, user_id: str) -> None:
        with sqlite3.connect(self.path) as thief:
            thief.execute("update sessions set user_id = ?", [user_id])


class Table(Place):
    def __init__(self, url: str, operator: Connection) -> None:
        self._url, self.operator = url, operator
        self._opened: list[SharedDatabase] = []

    def open(self) -> SessionStore:
        self._opened.append(SharedDatabase(self._url))
        return PostgresSessions(self._opened[-1])

    def close(self) -> None:
        for database in self._opened:
            database.close()
        self.operator.execute("delete from private.web_sessions")

    def age(self, seconds: float) -> None:
        self.operator.execute(
            """update private.web_sessions set seen_at = seen_at - make_interval(secs => %(seconds)s),
                opened_at = opened_at - make_interval(secs => %(seconds)s)""",
            {"seconds": seconds},
        )

    def read(self) -> bytes:
        rows = self.operator.execute("select id, user_id::text, sealed from private.web_sessions").fetchall()
        return b"".join(id.encode() + user.encode() + sealed for id, user, sealed in rows)

    def rename(self, user_id: str) -> None:
        self.operator.execute("update private.web_sessions set user_id = %s", [user_id])


@pytest.fixture
def table(stack: Stack) -> Iterator[Table]:
    url = stack.settings()["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as operator:
        table = Table(web_database_url(url), operator)
        yield table
        table.close()


@pytest.fixture(params=["file", "table"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "file":
        return File(request.getfixturevalue("path"))
    found: Place = request.getfixturevalue("table")
    return found


def expiring(tokens: Tokens, seconds: int) -> Tokens:
    """The same tokens with another expiry."""
    return replace(tokens, expires_at=int(time.time()) + seconds)


def test_session_returns_its_user_and_tokens(place: Place, upstream: AuthClient, tokens: Tokens) -> None:
    store = Sessions(place.open(), upstream)
    cookie = store.open(tokens)
    found = store.find(cookie)
    assert found is not None
    assert found.user_id == store.user_of(found.session_id) == tokens.user_id
    assert store.tokens(cookie) == tokens


@pytest.mark.parametrize("cookie", [None, "", "x", "A" * 43, "ü" * 43, "'" * 43, "A" * 44])
def test_unknown_cookie_has_no_session(
    place: Place, upstream: AuthClient, tokens: Tokens, cookie: str | None
) -> None:
    store = Sessions(place.open(), upstream)
    store.open(tokens)
    assert store.find(cookie) is None
    assert store.tokens(cookie) is None


def test_database_holds_neither_cookie_nor_token(place: Place, upstream: AuthClient, tokens: Tokens) -> None:
    cookie = Sessions(place.open(), upstream).open(tokens)
    content = place.read()
    assert session_id(cookie).encode() in content
    for secret in (cookie, tokens.access_token, tokens.refresh_token, tokens.email):
        assert secret.encode() not in content


def test_files_are_readable_by_their_owner_alone(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    store = Sessions(SqliteSessions(path), upstream)
    store.open(tokens)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_tokens_moved_to_another_users_row_are_refused(
    place: Place, upstream: AuthClient, tokens: Tokens, new_account: Callable[[], Account]
) -> None:
    store, stranger = Sessions(place.open(), upstream), new_account()
    cookie = store.open(tokens)
    place.rename(upstream.sign_in(stranger.email, stranger.password).user_id)
    assert store.tokens(cookie) is None
    assert store.find(cookie) is None


def test_idle_session_ends(place: Place, upstream: AuthClient, tokens: Tokens) -> None:
    store = Sessions(place.open(), upstream)
    cookie = store.open(tokens)
    place.age(IDLE_SECONDS - 60)
    assert store.find(cookie)
    place.age(IDLE_SECONDS + 60)
    assert store.find(cookie) is None


def test_used_session_lives_until_its_absolute_end(
    place: Place, upstream: AuthClient, tokens: Tokens
) -> None:
    store = Sessions(place.open(), upstream)
    cookie = store.open(tokens)
    for day in range(6, 30, 6):
        place.age(6 * 86_400)
        assert store.find(cookie), f"day {day}"
    place.age(ABSOLUTE_SECONDS - 24 * 86_400 + 60)
    assert store.find(cookie) is None


def test_sessions_survive_a_restart(place: Place, upstream: AuthClient, tokens: Tokens) -> None:
    cookie = Sessions(place.open(), upstream).open(tokens)
    assert Sessions(place.open(), upstream).tokens(cookie) == tokens


def test_last_workspace_outlives_the_session(
    place: Place, upstream: AuthClient, tokens: Tokens, new_account: Callable[[], Account]
) -> None:
    store, other = Sessions(place.open(), upstream), new_account()
    others = upstream.sign_in(other.email, other.password).user_id
    cookie = store.open(tokens)
    store.save_last_workspace(tokens.user_id, tokens.user_id)
    store.save_last_workspace(tokens.user_id, others)
    store.close(cookie)

    again = Sessions(place.open(), upstream)
    assert (again.last_workspace(tokens.user_id), again.last_workspace(others)) == (others, None)
    again.save_last_workspace(tokens.user_id, None)
    assert again.last_workspace(tokens.user_id) is None


def test_refresh_gives_new_tokens_and_keeps_them(place: Place, upstream: AuthClient, tokens: Tokens) -> None:
    store = Sessions(place.open(), upstream)
    cookie = store.open(expiring(tokens, 30))
    fresh = store.tokens(cookie)
    assert fresh is not None
    assert fresh.refresh_token != tokens.refresh_token
    assert Sessions(place.open(), upstream).tokens(cookie) == fresh


def test_twelve_threads_in_two_stores_refresh_once(
    place: Place, project: Project, wire: Wire, tokens: Tokens
) -> None:
    through_wire = AuthClient(wire.url, project.key)
    stores = [Sessions(place.open(), through_wire) for _ in range(2)]
    cookie = stores[0].open(expiring(tokens, 30))
    start = threading.Barrier(12)

    def ask(n: int) -> Tokens | None:
        start.wait()
        return stores[n % 2].tokens(cookie)

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(ask, range(12)))
    assert wire.count(REFRESH) == 1
    assert len(set(answers)) == 1
    assert answers[0] not in (None, tokens)


def test_unreachable_supabase_keeps_the_session(
    place: Place, project: Project, wire: Wire, tokens: Tokens
) -> None:
    store = Sessions(place.open(), AuthClient(wire.url, project.key))
    cookie = store.open(expiring(tokens, -60))
    wire.cut()
    with pytest.raises(AuthUnreachable, match="cannot reach"):
        store.tokens(cookie)
    assert store.find(cookie)
    wire.mend()
    assert store.tokens(cookie)


def test_valid_token_serves_while_supabase_is_unreachable(
    place: Place, project: Project, wire: Wire, tokens: Tokens
) -> None:
    store, almost_over = Sessions(place.open(), AuthClient(wire.url, project.key)), expiring(tokens, 30)
    cookie = store.open(almost_over)
    wire.cut()
    assert store.tokens(cookie) == almost_over


def test_wrong_key_keeps_the_session(place: Place, project: Project, tokens: Tokens) -> None:
    store = Sessions(place.open(), AuthClient(project.url, "sb_publishable_wrong"))
    cookie = store.open(expiring(tokens, -60))
    with pytest.raises(AuthUnreachable):
        store.tokens(cookie)
    assert store.find(cookie)


def test_session_revoked_upstream_ends_at_its_next_refresh(
    place: Place, upstream: AuthClient, tokens: Tokens
) -> None:
    store = Sessions(place.open(), upstream)
    cookie = store.open(expiring(tokens, -60))
    upstream.sign_out(tokens.access_token, "global")
    assert store.tokens(cookie) is None
    assert store.find(cookie) is None


@pytest.mark.parametrize("seconds", [3600, -60], ids=["token still good", "token expired"])
def test_sign_out_revokes_upstream(place: Place, upstream: AuthClient, tokens: Tokens, seconds: int) -> None:
    cookie = Sessions(place.open(), upstream).open(expiring(tokens, seconds))
    store = Sessions(place.open(), upstream)  # after a restart: it never saw the access token
    store.close(cookie)
    assert store.find(cookie) is None
    with pytest.raises(AuthRefused):
        upstream.refresh(tokens.refresh_token)


def test_sign_out_works_while_supabase_is_unreachable(
    place: Place, project: Project, wire: Wire, tokens: Tokens
) -> None:
    store = Sessions(place.open(), AuthClient(wire.url, project.key))
    cookie = store.open(tokens)
    wire.cut()
    store.close(cookie)
    assert store.find(cookie) is None


def test_sign_out_during_a_refresh_leaves_nothing_alive_upstream(
    place: Place, project: Project, upstream: AuthClient, tokens: Tokens
) -> None:
    refreshed, signed_out, made = threading.Event(), threading.Event(), []

    class Slow(AuthClient):
        def refresh(self, refresh_token: str) -> Tokens:
            made.append(super().refresh(refresh_token))
            refreshed.set()
            signed_out.wait(60)
            return made[-1]

    store = Sessions(place.open(), Slow(project.url, project.key))
    cookie = store.open(expiring(tokens, 30))
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(store.tokens, cookie)
        assert refreshed.wait(60)
        Sessions(place.open(), upstream).close(cookie)
        signed_out.set()
        assert answer.result(60) is None
    with pytest.raises(AuthRefused):
        upstream.refresh(made[0].refresh_token)


def test_closing_all_keeps_one_session_and_other_users(
    place: Place, upstream: AuthClient, tokens: Tokens, new_account: Callable[[], Account]
) -> None:
    stranger = new_account()
    store = Sessions(place.open(), upstream)
    kept, other = store.open(tokens), store.open(tokens)
    strangers = store.open(upstream.sign_in(stranger.email, stranger.password))
    assert store.close_all(tokens.user_id, keep=session_id(kept)) == 1
    assert [bool(store.find(cookie)) for cookie in (kept, other, strangers)] == [True, False, True]


def test_processes_that_start_together_share_the_file(path: Path) -> None:
    code = (
        "import sys, pathlib; from tally.accounts.auth_client import AuthClient, Tokens;"
        "from app.auth.sqlite_sessions import SqliteSessions;"
        "from app.auth.sessions import Sessions;"
        "sys.stdin.readline(); nobody = AuthClient('http://127.0.0.1:9', 'key');"
        "store = Sessions(SqliteSessions(pathlib.Path(sys.argv[1])), nobody);"
        "cookies = [store.open(Tokens('u', 'e', 2**40, 'a', 'r')) for _ in range(20)];"
        "assert all(store.tokens(cookie) for cookie in cookies)"
    )
    command = [sys.executable, "-c", code, str(path)]
    several = [
        subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    time.sleep(1.5)  # let all of them finish importing, so that they meet at the file
    ends = [process.communicate("go\n", timeout=60)[1] for process in several]
    assert [process.returncode for process in several] == [0] * 4, ends
    assert sqlite3.connect(path).execute("select count(*) from sessions").fetchone() == (80,)


class WrongClock(AuthClient):
    """The sign-in service as a machine knows it whose clock is off."""

    def __init__(self, project: Project, off_by: float) -> None:
        super().__init__(project.url, project.key)
        self.off_by = off_by

    def refresh(self, refresh_token: str) -> Tokens:
        fresh = super().refresh(refresh_token)
        return replace(fresh, expires_at=int(fresh.expires_at + self.off_by))


@pytest.mark.parametrize("off_by", [-90, 90], ids=["behind", "ahead"])
def test_clocks_that_differ_by_more_than_a_minute_decide_nothing(
    table: Table, project: Project, wire: Wire, tokens: Tokens, off_by: int
) -> None:
    right = Sessions(table.open(), AuthClient(wire.url, project.key))
    wrong = Sessions(table.open(), WrongClock(project, off_by), now=lambda: time.time() + off_by)
    cookie = right.open(expiring(tokens, 600))
    set_end = "update private.web_sessions set tokens_until = now() + make_interval(secs => %s)"
    table.operator.execute(set_end, [75])
    assert wrong.tokens(cookie) == right.tokens(cookie)
    assert wire.count(REFRESH) == 0, "valid for longer than a minute by the clock of the store"
    table.operator.execute(set_end, [30])
    renewed = wrong.tokens(cookie)
    assert renewed is not None
    assert renewed.refresh_token != tokens.refresh_token
    assert right.tokens(cookie) == renewed
    assert wire.count(REFRESH) == 0, "what the other process renewed is as valid here"


def test_right_to_renew_outlives_a_killed_holder_and_then_is_another_ones(
    table: Table, upstream: AuthClient, tokens: Tokens
) -> None:
    store = table.open()
    sid = session_id(Sessions(store, upstream).open(expiring(tokens, 30)))
    dead, alive = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    assert store.hold(sid, dead)
    assert not store.hold(sid, alive)
    table.operator.execute("update private.web_sessions set held_until = now() - interval '1 second'")
    assert store.hold(sid, alive)
    store.release(sid, dead)  # it was only slow
    assert not store.hold(sid, dead), "the right is another's now"
    store.release(sid, alive)
    assert store.hold(sid, dead)


def test_refresh_token_that_was_used_by_a_process_killed_in_between_still_renews(
    place: Place, upstream: AuthClient, tokens: Tokens
) -> None:
    store = Sessions(place.open(), upstream)
    cookie = store.open(expiring(tokens, 30))
    upstream.refresh(tokens.refresh_token)  # and killed before it could keep the answer
    assert store.tokens(cookie)


def test_sessions_of_a_file_move_into_the_table_and_nobody_is_signed_out(
    path: Path, table: Table, upstream: AuthClient, tokens: Tokens
) -> None:
    before = Sessions(SqliteSessions(path), upstream)
    cookie, closed = before.open(tokens), before.open(tokens)
    before.save_last_workspace(tokens.user_id, tokens.user_id)
    before.close_all(tokens.user_id, keep=session_id(cookie))
    store = table.open()
    assert isinstance(store, PostgresSessions)
    assert bring_sessions(path, store) == 1
    assert bring_sessions(path, store) == 0, "it was moved away"
    after = Sessions(store, upstream)
    assert after.find(closed) is None
    renewed = after.tokens(cookie)
    assert renewed is not None
    assert renewed.user_id == tokens.user_id
    assert after.last_workspace(tokens.user_id) == tokens.user_id


def test_store_that_does_not_answer_ends_no_session(upstream: AuthClient) -> None:
    database = SharedDatabase("postgresql://tally_web:x@127.0.0.1:1/postgres")
    store = Sessions(PostgresSessions(database), upstream)
    try:
        for _ in range(2):
            with pytest.raises(StoreUnreachable, match="cannot reach its session store"):
                store.find("A" * 43)
    finally:
        database.close()
