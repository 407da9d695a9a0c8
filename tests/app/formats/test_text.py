"""Text from outside in Markdown."""

from app.formats.text import escape_markdown


def test_escaped_markdown_has_no_live_character() -> None:
    assert escape_markdown("![x](http://e.x) $a$ :red[b]\n# c") == (
        r"\!\[x\]\(http\://e\.x\) \$a\$ \:red\[b\] \# c"
    )
