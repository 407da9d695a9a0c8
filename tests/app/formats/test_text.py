"""Text from outside in Markdown."""

import pytest

from app.formats.text import WORD_JOINER, escape_markdown, escape_name


def test_escaped_markdown_has_no_live_character() -> None:
    assert escape_markdown("![x](http://e.x) $a$ :red[b]\n# c") == (
        r"\!\[x\]\(http\://e\.x\) \$a\$ \:red\[b\] \# c"
    )


@pytest.mark.parametrize(
    "name", ["http://evil.example/x", "www.evil.example", "WWW.evil.example", "a@evil.example", "ftp://x"]
)
def test_addresses_in_names_are_no_links(name: str) -> None:
    escaped = escape_name(name)
    assert escaped.replace("\\", "").replace(WORD_JOINER, "") == name
    assert WORD_JOINER in escaped
    assert escape_name("plain name") == escape_markdown("plain name")
