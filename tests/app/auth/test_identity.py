"""Password changes and sign-outs from the dashboard."""

from pathlib import Path

import pytest

from app.auth import identity, password
from app.auth.identity import User, end_all_sessions
from app.auth.password import change_password
from app.auth.rate_limits import TooManyAttempts
from app.auth.session_keys import session_id
from app.auth.sessions import Sessions
from app.auth.sqlite_sessions import SqliteSessions
from app.auth.workspaces import personal_workspace
from tally.accounts.auth_client import AuthClient, AuthError, AuthRefused
from tests.app.accounts import Account

NEW_PASSWORD = "another horse 2"


class Devices:
    """Two signed-in devices of one account; the dashboard runs on the first."""

    def __init__(self, store: Sessions, upstream: AuthClient, account: Account) -> None:
        self.tokens = [upstream.sign_in(account.email, account.password) for _ in range(2)]
        self.cookies = [store.open(tokens) for tokens in self.tokens]
        first = self.tokens[0]
        self.user = User(first.user_id, first.email, first.access_token, personal_workspace(first.user_id))


@pytest.fixture
def store(upstream: AuthClient, tmp_path: Path) -> Sessions:
    return Sessions(SqliteSessions(tmp_path / "sessions.db"), upstream)


@pytest.fixture
def devices(
    store: Sessions, upstream: AuthClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> Devices:
    devices = Devices(store, upstream, account)
    monkeypatch.setattr(password, "auth_client", lambda: upstream)
    for module in (identity, password):
        monkeypatch.setattr(module, "sessions", lambda: store)
    monkeypatch.setattr(password, "_own_session_id", lambda: session_id(devices.cookies[0]))
    return devices


def test_new_password_works_and_ends_the_other_sessions(
    devices: Devices, store: Sessions, upstream: AuthClient, account: Account
) -> None:
    change_password(devices.user, account.password, NEW_PASSWORD)
    assert upstream.sign_in(account.email, NEW_PASSWORD)
    with pytest.raises(AuthRefused):
        upstream.sign_in(account.email, account.password)
    assert [bool(store.find(cookie)) for cookie in devices.cookies] == [True, False]
    assert upstream.refresh(devices.tokens[0].refresh_token)
    with pytest.raises(AuthRefused):
        upstream.refresh(devices.tokens[1].refresh_token)


@pytest.mark.parametrize(
    ("current", "new", "sentence"),
    [
        ("wrong horse 1", NEW_PASSWORD, "Your current password is wrong."),
        ("correct horse 1", "short", "at least 8 characters"),
        ("correct horse 1", "correct horse 1", "That is already your password."),
    ],
)
def test_refused_password_changes_nothing(
    devices: Devices,
    store: Sessions,
    upstream: AuthClient,
    account: Account,
    current: str,
    new: str,
    sentence: str,
) -> None:
    with pytest.raises(AuthError, match=sentence):
        change_password(devices.user, current, new)
    assert all(store.find(cookie) for cookie in devices.cookies)
    assert upstream.sign_in(account.email, account.password)


def test_open_browser_cannot_be_used_to_guess_the_password(devices: Devices) -> None:
    for _ in range(8):
        with pytest.raises(AuthRefused):
            change_password(devices.user, "wrong horse 1", NEW_PASSWORD)
    with pytest.raises(TooManyAttempts):
        change_password(devices.user, "wrong horse 1", NEW_PASSWORD)


def test_ending_all_sessions_ends_them_on_every_device(devices: Devices, store: Sessions) -> None:
    end_all_sessions(devices.user)
    assert not any(store.find(cookie) for cookie in devices.cookies)


def test_access_token_is_not_printed(devices: Devices) -> None:
    assert devices.user.access_token not in repr(devices.user)
    assert not any(token in repr(devices.tokens[0]) for token in (devices.tokens[0].refresh_token, "eyJ"))
