"""Session tokens decrypt with their own cookie and for their own account alone."""

import pytest

from app.auth.session_keys import decrypt_tokens, encrypt_tokens, new_cookie, session_id
from tally.secrets.envelope import EnvelopeError

COOKIE = "c" * 43


def test_decrypting_gives_back_the_tokens() -> None:
    encrypted = encrypt_tokens(COOKIE, b"tokens", "u")
    assert b"tokens" not in encrypted
    assert decrypt_tokens(COOKIE, encrypted, "u") == b"tokens"


def test_stored_sessions_decrypt_for_their_cookie_and_account_only() -> None:
    encrypted = encrypt_tokens(COOKIE, b'{"user_id": "u"}', "u")
    assert decrypt_tokens(COOKIE, encrypted, "u") == b'{"user_id": "u"}'
    for cookie, stored, user_id in (
        (new_cookie(), encrypted, "u"),
        (COOKIE, encrypted, "v"),
        (COOKIE, encrypted[:-1], "u"),
        (COOKIE, encrypted + b"A", "u"),
        (COOKIE, b"\xff" + encrypted[1:], "u"),
        (COOKIE, b"", "u"),
    ):
        with pytest.raises(EnvelopeError):
            decrypt_tokens(cookie, stored, user_id)


def test_session_id_does_not_contain_the_cookie() -> None:
    assert COOKIE not in session_id(COOKIE)
    assert session_id(COOKIE) != session_id(new_cookie())
