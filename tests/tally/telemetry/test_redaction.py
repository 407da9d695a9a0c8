"""Secrets and personal data are taken out of what was said, wherever in a text they are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.telemetry.redaction import CARD, EMAIL, KEY, REMOVED, Redaction

RULES = Redaction(("Project Falcon", "Acme"))
FOUND = {
    "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWx": KEY,
    "sk-proj-1234567890abcdef1234": KEY,
    "tly_4f2a9c7e1b3d5a8f6c0e4f2a9c7e1b3d": KEY,
    "AKIAIOSFODNN7EXAMPLE": KEY,
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a": KEY,
    "xoxb-123456789012-abcdefghijkl": KEY,
    "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY": KEY,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP": KEY,
    "ada.lovelace+bills@example.co.uk": EMAIL,
    "4111 1111 1111 1111": CARD,
    "4111-1111-1111-1111": CARD,
    "378282246310005": CARD,
    "project falcon": REMOVED,
    "ACME": REMOVED,
}
KEPT = (
    "task-based-approach-to-management",
    "1795832410000000000",  # a time
    "4111 1111 1111 1112",  # no card's check digit
    "Acmes",
    "max_tokens: 4096",
    "2026-11-28 12:00:00",
    "@decorator",
)
AROUND = st.sampled_from(["", " ", "\n", '"', "\\n", "(", "key: ", "日本 "])


@pytest.mark.parametrize(("secret", "mark"), FOUND.items())
@given(before=AROUND, after=st.sampled_from(["", " ", "\n", '"', "\\n", ")", ". "]))
def test_secret_is_replaced_wherever_it_is(secret: str, mark: str, before: str, after: str) -> None:
    redacted = RULES.redact(f"say{before or ' '}{secret}{after}")
    assert secret not in redacted
    assert mark in redacted


@pytest.mark.parametrize("secret", FOUND)
def test_secret_in_messages_of_json_is_replaced(secret: str) -> None:
    said = json.dumps([{"role": "user", "content": f"first\n{secret}\nlast"}])
    redacted = RULES.redact(said)
    assert secret not in redacted
    assert "first" in redacted
    assert "last" in redacted


@pytest.mark.parametrize("text", KEPT)
def test_other_text_is_kept(text: str) -> None:
    assert RULES.redact(text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: hunter2hunter2", "hunter2"),
        ('{"api_key": "0123456789abcdef"}', "0123456789abcdef"),
        ("Authorization: Bearer abcdefghijklmnopqrstuvwxyz", "abcdefghijkl"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow and then it ends", "MIIEow"),
    ],
)
def test_secret_is_known_by_its_name(text: str, secret: str) -> None:
    assert secret not in RULES.redact(text)
    assert KEY in RULES.redact(text)


@given(st.text(max_size=300))
def test_redacted_text_is_the_same_when_redacted_again(text: str) -> None:
    once = RULES.redact(text)
    assert RULES.redact(once) == once


@pytest.mark.parametrize(
    "piece", ["a@", "4 ", "sk-", "eyJ", "-----BEGIN PRIVATE KEY-----", "password: ", "a.", "1"]
)
def test_long_hostile_text_is_quick(piece: str) -> None:
    text = piece * (65_536 // len(piece))
    assert len(RULES.redact(text)) <= len(text) * 3
