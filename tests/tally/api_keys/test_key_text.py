"""The text of keys: random, and checked without a database."""

import re
import string
from hashlib import sha256
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from tally.api_keys.key_text import (
    DIGITS,
    KEY_LENGTH,
    hash_key,
    is_key_text,
    make_key_text,
    show_key,
    split_shown,
)
from tests.every_case import every_case


def test_keys_are_of_one_form_and_never_the_same() -> None:
    made = {make_key_text() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch("tly_[0-9A-Za-z]{36}", text) for text in made)
    assert all(map(is_key_text, made))
    assert {character for text in made for character in text[4:34]} == set(DIGITS)


def test_the_checksum_is_the_crc_of_all_before_it() -> None:
    text = make_key_text()
    number = 0
    for digit in text[-6:]:
        number = number * 62 + (string.digits + string.ascii_uppercase + string.ascii_lowercase).index(digit)
    assert number == crc32(text[:-6].encode())


@given(place=st.integers(0, KEY_LENGTH - 1), other=st.sampled_from([*DIGITS, " ", "ä", "\n", "_"]))
def test_one_changed_character_is_found(place: int, other: str) -> None:
    text = make_key_text()
    changed = text[:place] + other + text[place + 1 :]
    assert is_key_text(changed) == (changed == text)


@given(place=st.integers(4, KEY_LENGTH - 2))
def test_two_exchanged_characters_are_found(place: int) -> None:
    text = make_key_text()
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert is_key_text(swapped) == (swapped == text)


@every_case([(text,) for text in ["", "tly_", "tly_" + "0" * 36, "TLY_" + "0" * 36, "x" * 100_000]])
def test_other_texts_are_no_keys(text: str) -> None:
    assert not is_key_text(text)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert not is_key_text(text)


@every_case([(around,) for around in ["{} ", " {}", "{}\n", "{}0"]])
def test_a_key_with_something_around_it_is_none(around: str) -> None:
    assert not is_key_text(around.format(make_key_text()))


def test_a_key_is_shown_by_its_ends_and_stored_as_its_hash() -> None:
    text = make_key_text()
    shown = show_key(*split_shown(text))
    assert shown == f"{text[:8]}…{text[-4:]}"
    assert len(shown) == 13
    assert hash_key(text) == sha256(text.encode()).digest()
