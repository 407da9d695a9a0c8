"""Two texts by lines and words."""

from hypothesis import given
from hypothesis import strategies as st

from tally.prompts.comparison import MAX_LINES, Span, compare, compare_words

TEXTS = st.text(alphabet="ab .\n", max_size=60)


@given(before=TEXTS, after=TEXTS)
def test_both_texts_are_there_whole_and_only_differences_are_marked(before: str, after: str) -> None:
    rows = compare(before, after)
    assert rows is not None
    sides = [[row.before for row in rows if row.before], [row.after for row in rows if row.after]]
    for side, text in zip(sides, (before, after), strict=True):
        assert "\n".join("".join(span.text for span in line.spans) for line in side) == text
        assert [line.number for line in side] == list(range(1, len(side) + 1))
    for row in rows:
        if row.before and row.after:
            kept = [
                "".join(s.text for s in side.spans if not s.is_changed) for side in (row.before, row.after)
            ]
            assert kept[0].split() == kept[1].split()
    assert any(row.is_changed for row in rows) == (before != after)


def test_words_are_marked_not_letters() -> None:
    left, right = compare_words("older than thirty (30) days", "older than 30 days")
    assert "".join(span.text for span in left if span.is_changed) == "thirty ()"
    assert right == (Span("older than 30 days", False),)


def test_texts_that_are_too_long_are_not_compared() -> None:
    assert compare("a\n" * MAX_LINES, "b") is None


def test_many_equal_lines_and_long_lines_are_compared_in_time() -> None:
    assert compare("\n" * (MAX_LINES // 2 - 2), "\n" * (MAX_LINES // 2 - 5) + "x") is not None
    rows = compare("word " * 100_000, "word " * 100_000 + "end")
    assert rows is not None
    assert [row.is_changed for row in rows] == [True]
