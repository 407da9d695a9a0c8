"""Text from outside in Markdown, and cut."""

import re

from hypothesis import given
from hypothesis import strategies as st

from app.formats.text import WORD_JOINER, escape_markdown, shorten
from tests.every_case import every_case

# What GitHub's Markdown makes links of within plain text, after it has removed backslashes.
AUTOLINK = re.compile(r"https?://|\bwww\.|[\w.+-]+@[\w-]+\.\w", re.IGNORECASE)
PIECES = st.sampled_from(
    ["http", "https", "HTTPS", "://", "www", "WWW", ".", "@", "a", "evil.example", " ", "\\"]
)


def test_escaped_markdown_has_no_live_character() -> None:
    assert escape_markdown("![x](data:e.x) $a$ :red[b]\n# c") == (
        r"\!\[x\]\(data\:e\.x\) \$a\$ \:red\[b\] \# c"
    )


@every_case(
    [
        (name,)
        for name in [
            "http://evil.example/x",
            "www.evil.example",
            "WWW.evil.example",
            "a@evil.example",
            "ftp://x",
        ]
    ]
)
def test_addresses_in_names_are_no_links(name: str) -> None:
    escaped = escape_markdown(name)
    assert escaped.replace("\\", "").replace(WORD_JOINER, "") == name
    assert WORD_JOINER in escaped


@given(st.lists(PIECES, max_size=12).map("".join))
def test_nothing_in_escaped_text_looks_like_an_address(text: str) -> None:
    assert not AUTOLINK.search(re.sub(r"\\(.)", r"\1", escape_markdown(text)))


@every_case([("", ""), ("abc", "abc"), ("abcd", "ab…"), ("é…xyz", "é……")])
def test_long_text_is_cut_to_its_length_and_says_so(text: str, shown: str) -> None:
    assert shorten(text, 3) == shown
