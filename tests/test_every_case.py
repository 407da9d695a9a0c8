"""A test of many cases fails for each case that fails, and says which."""

import pytest

from tests.every_case import every_case


def test_cases_that_fail_are_listed_and_the_others_still_checked() -> None:
    checked = []

    @every_case([(1, "a"), (2, "b"), (3, "c"), (4, "d")])
    def check(number: int, text: str) -> None:
        checked.append(text)
        assert number != 1
        with pytest.raises(ValueError, match="not 3"):
            raise ValueError("not 3" if number == 3 else "another")

    with pytest.raises(AssertionError) as failed:
        check()
    assert checked == ["a", "b", "c", "d"]
    listed = str(failed.value).splitlines()
    assert listed[0].startswith("3 of 4 cases fail")
    for case in ("(1, 'a'): AssertionError", "(2, 'b')", "(4, 'd')"):
        assert any(line.startswith(case) for line in listed)


def test_no_cases_are_no_success() -> None:
    nothing: list[tuple[int]] = []

    @every_case(nothing)
    def check(number: int) -> None:
        assert number

    with pytest.raises(AssertionError, match="no cases"):
        check()
