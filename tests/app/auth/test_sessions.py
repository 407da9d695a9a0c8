"""Session store: lifetimes, renewals and confidentiality."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from app.auth.session_keys import session_id
from app.auth.sessions import ABSOLUTE_SECONDS, IDLE_SECONDS, Sessions
from tally.accounts.auth_client import AuthClient, AuthRefused, AuthUnreachable, Tokens
from tests.app.accounts import Account
from tests.app.app_server import CHECKOUT
from tests.app.conftest import Project
from tests.app.wire import Wire

REFRESH = "grant_type=refresh_token"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "sessions.db"


@pytest.fixture
def tokens(upstream: AuthClient, account: Account) -> Tokens:
    return upstream.sign_in(account.email, account.password)


def expiring(tokens: Tokens, seconds: int) -> Tokens:
    """The same tokens with another expiry."""
    return replace(tokens, expires_at=int(time.time()) + seconds)


def later(seconds: float) -> Callable[[], float]:
    return lambda: time.time() + seconds


def test_session_returns_its_user_and_tokens(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    store = Sessions(path, upstream)
    cookie = store.open(tokens)
    found = store.find(cookie)
    assert found is not None
    assert found.user_id == store.user_of(found.session_id) == tokens.user_id
    assert store.tokens(cookie) == tokens


@pytest.mark.parametrize("cookie", [None, "", "x", "A" * 43, "ü" * 43, "'" * 43, "A" * 44])
def test_unknown_cookie_has_no_session(
    path: Path, upstream: AuthClient, tokens: Tokens, cookie: str | None
) -> None:
    store = Sessions(path, upstream)
    store.open(tokens)
    assert store.find(cookie) is None
    assert store.tokens(cookie) is None


def test_database_holds_neither_cookie_nor_token(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    cookie = Sessions(path, upstream).open(tokens)
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert session_id(cookie).encode() in content
    for secret in (cookie, tokens.access_token, tokens.refresh_token, tokens.email):
        assert secret.encode() not in content


def test_files_are_readable_by_their_owner_alone(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    store = Sessions(path, upstream)
    store.open(tokens)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_tokens_moved_to_another_users_row_are_refused(
    path: Path, upstream: AuthClient, tokens: Tokens
) -> None:
    store = Sessions(path, upstream)
    cookie = store.open(tokens)
    with sqlite3.connect(path) as thief:
        thief.execute("update sessions set user_id = 'another-user'")
    assert store.tokens(cookie) is None
    assert store.find(cookie) is None


def test_idle_session_ends(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    cookie = Sessions(path, upstream).open(tokens)
    assert Sessions(path, upstream, later(IDLE_SECONDS - 60)).find(cookie)
    assert Sessions(path, upstream, later(IDLE_SECONDS - 60 + IDLE_SECONDS + 60)).find(cookie) is None


def test_used_session_lives_until_its_absolute_end(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    cookie = Sessions(path, upstream).open(tokens)
    for day in range(6, 30, 6):
        assert Sessions(path, upstream, later(day * 86_400)).find(cookie), f"day {day}"
    assert Sessions(path, upstream, later(ABSOLUTE_SECONDS + 60)).find(cookie) is None


def test_sessions_survive_a_restart(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    cookie = Sessions(path, upstream).open(tokens)
    assert Sessions(path, upstream).tokens(cookie) == tokens


def test_last_workspace_outlives_the_session(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    store = Sessions(path, upstream)
    cookie = store.open(tokens)
    store.save_last_workspace(tokens.user_id, "first")
    store.save_last_workspace(tokens.user_id, "second")
    store.close(cookie)

    again = Sessions(path, upstream)
    assert (again.last_workspace(tokens.user_id), again.last_workspace("other")) == ("second", None)
    again.save_last_workspace(tokens.user_id, None)
    assert again.last_workspace(tokens.user_id) is None


def test_refresh_gives_new_tokens_and_keeps_them(path: Path, upstream: AuthClient, tokens: Tokens) -> None:
    store = Sessions(path, upstream)
    cookie = store.open(expiring(tokens, 30))
    fresh = store.tokens(cookie)
    assert fresh is not None
    assert fresh.refresh_token != tokens.refresh_token
    assert Sessions(path, upstream).tokens(cookie) == fresh


def test_twelve_threads_in_two_stores_refresh_once(
    path: Path, project: Project, wire: Wire, tokens: Tokens
) -> None:
    through_wire = AuthClient(wire.url, project.key)
    stores = [Sessions(path, through_wire) for _ in range(2)]
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
    path: Path, project: Project, wire: Wire, tokens: Tokens
) -> None:
    store = Sessions(path, AuthClient(wire.url, project.key))
    cookie = store.open(expiring(tokens, -60))
    wire.cut()
    with pytest.raises(AuthUnreachable, match="cannot reach"):
        store.tokens(cookie)
    assert store.find(cookie)
    wire.mend()
    assert store.tokens(cookie)


def test_valid_token_serves_while_supabase_is_unreachable(
    path: Path, project: Project, wire: Wire, tokens: Tokens
) -> None:
    store, almost_over = Sessions(path, AuthClient(wire.url, project.key)), expiring(tokens, 30)
    cookie = store.open(almost_over)
    wire.cut()
    assert store.tokens(cookie) == almost_over


def test_wrong_key_keeps_the_session(path: Path, project: Project, tokens: Tokens) -> None:
    store = Sessions(path, AuthClient(project.url, "sb_publishable_wrong"))
    cookie = store.open(expiring(tokens, -60))
    with pytest.raises(AuthUnreachable):
        store.tokens(cookie)
    assert store.find(cookie)


def test_session_revoked_upstream_ends_at_its_next_refresh(
    path: Path, upstream: AuthClient, tokens: Tokens
) -> None:
    store = Sessions(path, upstream)
    cookie = store.open(expiring(tokens, -60))
    upstream.sign_out(tokens.access_token, "global")
    assert store.tokens(cookie) is None
    assert store.find(cookie) is None


@pytest.mark.parametrize("seconds", [3600, -60], ids=["token still good", "token expired"])
def test_sign_out_revokes_upstream(path: Path, upstream: AuthClient, tokens: Tokens, seconds: int) -> None:
    cookie = Sessions(path, upstream).open(expiring(tokens, seconds))
    store = Sessions(path, upstream)  # after a restart: it never saw the access token
    store.close(cookie)
    assert store.find(cookie) is None
    with pytest.raises(AuthRefused):
        upstream.refresh(tokens.refresh_token)


def test_sign_out_works_while_supabase_is_unreachable(
    path: Path, project: Project, wire: Wire, tokens: Tokens
) -> None:
    store = Sessions(path, AuthClient(wire.url, project.key))
    cookie = store.open(tokens)
    wire.cut()
    store.close(cookie)
    assert store.find(cookie) is None


def test_sign_out_during_a_refresh_leaves_nothing_alive_upstream(
    path: Path, project: Project, upstream: AuthClient, tokens: Tokens
) -> None:
    refreshed, signed_out, made = threading.Event(), threading.Event(), []

    class Slow(AuthClient):
        def refresh(self, refresh_token: str) -> Tokens:
            made.append(super().refresh(refresh_token))
            refreshed.set()
            signed_out.wait(60)
            return made[-1]

    store = Sessions(path, Slow(project.url, project.key))
    cookie = store.open(expiring(tokens, 30))
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(store.tokens, cookie)
        assert refreshed.wait(60)
        Sessions(path, upstream).close(cookie)
        signed_out.set()
        assert answer.result(60) is None
    with pytest.raises(AuthRefused):
        upstream.refresh(made[0].refresh_token)


def test_closing_all_keeps_one_session_and_other_users(
    path: Path, upstream: AuthClient, tokens: Tokens, new_account: Callable[[], Account]
) -> None:
    stranger = new_account()
    store = Sessions(path, upstream)
    kept, other = store.open(tokens), store.open(tokens)
    strangers = store.open(upstream.sign_in(stranger.email, stranger.password))
    assert store.close_all(tokens.user_id, keep=session_id(kept)) == 1
    assert [bool(store.find(cookie)) for cookie in (kept, other, strangers)] == [True, False, True]


def test_processes_that_start_together_share_the_file(path: Path) -> None:
    code = (
        "import sys, pathlib; from tally.accounts.auth_client import AuthClient, Tokens;"
        "from app.auth.sessions import Sessions;"
        "sys.stdin.readline(); nobody = AuthClient('http://127.0.0.1:9', 'key');"
        "store = Sessions(pathlib.Path(sys.argv[1]), nobody);"
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
