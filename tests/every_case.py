"""A check of many cases in one test, which lists those that fail: a test of its own costs 3 ms of each."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

LONGEST = 300  # characters of a case, or of why it fails
Check = Callable[..., None]


def every_case(cases: Iterable[tuple[Any, ...]]) -> Callable[[Check], Callable[[], None]]:
    """Make a test of all cases out of a check of one, which uses no fixtures."""
    listed = list(cases)

    def decorate(check: Check) -> Callable[[], None]:
        def test() -> None:
            failed = []
            for case in listed:
                try:
                    check(*case)
                except (Exception, pytest.fail.Exception) as error:
                    failed.append(f"{str(case)[:LONGEST]}: {type(error).__name__}: {str(error)[:LONGEST]}")
            assert listed, "There are no cases."
            assert not failed, "\n".join([f"{len(failed)} of {len(listed)} cases fail:", *failed])

        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return decorate
