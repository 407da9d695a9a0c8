"""kill -9 while a command works: a few of the moments that `python -m bench kills` goes through."""

import pytest

from bench.kill_actions import Action, Backup, Migrate
from bench.killing import BACKEND
from bench.kills import measure_action

HEALTHY_SECONDS = 10


@pytest.mark.parametrize("action", [Backup, Migrate])
def test_database_that_is_killed_midway_loses_nothing_and_is_named(action: type[Action]) -> None:
    [outcome] = measure_action(action(), 1, (BACKEND,)).values()
    assert outcome.faults == []
    assert outcome.kills == 1
    assert outcome.slowest is not None
    assert outcome.slowest < HEALTHY_SECONDS
