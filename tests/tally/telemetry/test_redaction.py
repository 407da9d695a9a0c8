"""Secrets and personal data are taken out of what was said, wherever in a text they are."""

import base64
import json
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tally.telemetry.redaction import CARD, EMAIL, KEY, REMOVED, Redaction
from tests.every_case import every_case

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
    "4111.1111.1111.1111": CARD,
    "3782.822463.10005": CARD,
    "4111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111": CARD,
    "4111\N{NARROW NO-BREAK SPACE}1111\N{NARROW NO-BREAK SPACE}1111\N{NARROW NO-BREAK SPACE}1111": CARD,
    "4111\N{NON-BREAKING HYPHEN}1111\N{NON-BREAKING HYPHEN}1111\N{NON-BREAKING HYPHEN}1111": CARD,
    "1//0gAbCdEfGhIjKlMnOpQrStUvWxYz-0123456789": KEY,
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
    "क्\u200dष",  # written with it
    "\U0001f469\u200d\U0001f4bb",
    base64.b64encode(bytes(range(256)) * 4).decode(),
    "https://example.com:8080/a@b",
    "see http://127.0.0.1:8501 and mailto:@",
    "192.168.1001.2002",
    "4111.1111.1111.1112",  # no card's check digit
    "1.4111.1111.1111.1111",  # an identifier of more parts
    "0.41111111111111111",
    "PWD=/home/ada/projects",
    "tests pass: everything",
    "they pass through the gate",
    "--max-tokens 4096 --password-file /run/secrets/database --pass-through yes",
    "--token --verbose",
    "<token>",
    "<tokens>4096</tokens>",
    "password: |",
    "tokens: |\n  1,024 in\n",
)
HIDDEN = ("\u200b", "\u00ad", "\u2060", "\ufeff")  # take no room on a screen
AROUND_ENCODED = ("{}", '{{"env": {{"KEY": "{}"}}}}', "\nexport KEY={}\n")
BEFORE = (" ", "\n", '"', "\\n", "(", "key: ", "日本 ")
AFTER = ("", " ", "\n", '"', "\\n", ")", ". ")


@every_case((*found, before, after) for found in FOUND.items() for before in BEFORE for after in AFTER)
def test_secret_is_replaced_wherever_it_is(secret: str, mark: str, before: str, after: str) -> None:
    redacted = RULES.redact(f"say{before}{secret}{after}")
    assert secret not in redacted
    assert mark in redacted


@every_case([(secret,) for secret in FOUND])
def test_secret_in_messages_of_json_is_replaced(secret: str) -> None:
    said = json.dumps([{"role": "user", "content": f"first\n{secret}\nlast"}])
    redacted = RULES.redact(said)
    assert secret not in redacted
    assert "first" in redacted
    assert "last" in redacted


@every_case(
    (secret, place, hidden) for secret in FOUND for place in range(1, len(secret)) for hidden in HIDDEN
)
def test_secret_is_not_split_by_what_nobody_sees(secret: str, place: int, hidden: str) -> None:
    split = secret[:place] + hidden + secret[place:]
    for said in (split, json.dumps(split), json.dumps(json.dumps(split))):
        redacted = RULES.redact(f"say {said}.")
        assert FOUND[secret] in redacted
        assert secret[-6:] not in redacted


@every_case(product([key for key, mark in FOUND.items() if mark == KEY], AROUND_ENCODED))
def test_key_in_base64_is_replaced(secret: str, said: str) -> None:
    text = said.format(secret).encode()
    for encoded in (base64.b64encode(text), base64.urlsafe_b64encode(text)):
        assert RULES.redact(f"data: {encoded.decode()}.") == f"data: {KEY}."


@every_case([(between,) for between in ["\n", "  ", "\\n", "\N{NO-BREAK SPACE}"]])
def test_chosen_words_are_found_over_a_line_break(between: str) -> None:
    assert RULES.redact(f"about Project{between}Falcon today") == f"about {REMOVED} today"


@every_case([(text,) for text in KEPT])
def test_other_text_is_kept(text: str) -> None:
    assert RULES.redact(text) == text


@every_case(
    [
        ("password: hunter2hunter2", "hunter2"),
        ('{"api_key": "0123456789abcdef"}', "0123456789abcdef"),
        ("Authorization: Bearer abcdefghijklmnopqrstuvwxyz", "abcdefghijkl"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("SECRET_KEY='hunter2hunter2'", "hunter2"),
        ("AccountKey=aHVudGVyMmh1bnRlcjI=;", "aHVudGVyMmh1bnRlcjI"),
        ("password = 'correct horse battery'", "battery"),
        (json.dumps(json.dumps(json.dumps({"password": "hunter2hunter2"}))), "hunter2"),
        ("postgres://ada:hunter2hunter2@db:5432/shop", "hunter2"),
        ("https://hooks.slack.com/services/T0000/B0000/XXXXXXXXXXXXXXXX", "XXXXXXXX"),
        ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghij"),
        ("whsec_abcdefghijklmnopqrstuvwx", "abcdefghij"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----", "lQOYBF"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow and then it ends", "MIIEow"),
        (
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
            "P2/56w",
        ),
        ("DB_PASS=hunter2hunter2", "hunter2"),
        ("export MYSQL_PWD='hunter2hunter2'", "hunter2"),
        ("pass=hunter2hunter2", "hunter2"),
        ("PRIVATE_KEY=0x4c0883a69102937d", "0x4c08"),
        ("psql --password hunter2 --host db", "hunter2"),
        ("login --db-pass 'correct horse battery' now", "battery"),
        ('["--registry-token", "x"] --registry-token hunter2', "hunter2"),
        ("<password>hunter2</password>", "hunter2"),
        ('<ns:db_password type="plain">\n  hunter2\n</ns:db_password>', "hunter2"),
        (json.dumps("<password>\n  hunter2&amp;more\n</password>"), "hunter2"),
        ("<Password><![CDATA[hunter2]]></Password>", "hunter2"),
        ("&lt;apiKey&gt;hunter2&lt;/apiKey&gt;", "hunter2"),
        (r"\u003cpassword\u003ehunter2\u003c/password\u003e", "hunter2"),
        ("password: |\n  hunter2\n  second line\nuser: ada", "second"),
        ("db:\n  secret_key: >-\n    hunter2\n\n    second line", "second"),
        (json.dumps("password: |\n  hunter2\n  second line\nuser: ada"), "second"),
    ],
)
def test_secret_is_known_by_its_name(text: str, secret: str) -> None:
    assert secret not in RULES.redact(text)
    assert KEY in RULES.redact(text)


def test_lines_after_a_block_are_kept() -> None:
    said = "password: |\n  hunter2\n  second\nuser: ada"
    assert RULES.redact(said) == f"password: |\n  {KEY}\nuser: ada"
    assert RULES.redact(json.dumps(said)) == json.dumps(f"password: |\n  {KEY}\nuser: ada")


@given(st.text(max_size=300))
def test_redacted_text_is_the_same_when_redacted_again(text: str) -> None:
    once = RULES.redact(text)
    assert RULES.redact(once) == once


@every_case(
    [
        (piece,)
        for piece in [
            "a@",
            "4 ",
            "sk-",
            "eyJ",
            "-----BEGIN PRIVATE KEY-----",
            "password: ",
            "a.",
            "1",
            "\\",
            "\\u200b",
            "a\u200b",
            "://a:",
            "A" * 99 + "=",
            "password='",
            "--password ",
            "--a-b-c-",
            "<password>",
            "<password ",
            "<password>a",
            "<password>\\n",
            "<a_",
            "a_",
            "&lt;password&gt;",
            "password: |\n ",
            "password: |\\n ",
            "password:|\n",
            "---- BEGIN SSH2 PRIVATE KEY ----",
            "1//0",
            "4111.",
            "4\N{NO-BREAK SPACE}",
            "4\\u00a0",
            "db_pass",
        ]
    ]
)
def test_long_hostile_text_is_quick(piece: str) -> None:
    text = piece * (65_536 // len(piece))
    assert len(RULES.redact(text)) <= len(text) * 3
