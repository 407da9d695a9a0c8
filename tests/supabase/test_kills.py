"""kill -9 while a command works: a few of the moments that `python -m bench kills` goes through."""

from collections.abc import Iterator

import pytest

from bench.kill_actions import Action, Backup, Migrate, furnish
from bench.killing import BACKEND, Machine, machine
from bench.kills import measure_action


@pytest.fixture(scope="module")
def furnished() -> Iterator[Machine]:
    """A Tally with records, which the last action stops: it updates a copy of it."""
    with machine() as running:
        furnish(running)
        yield running


@pytest.mark.parametrize("action", [Backup, Migrate])
def test_database_that_is_killed_midway_loses_nothing_and_is_named(
    furnished: Machine, action: type[Action]
) -> None:
    [outcome] = measure_action(action(furnished), 1, (BACKEND,)).values()
    assert outcome.faults == []
    assert outcome.kills == 1
    assert outcome.slowest is not None  # how long it took is the bench's to say
