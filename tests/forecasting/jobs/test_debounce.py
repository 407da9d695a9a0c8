"""Changes are acted on once they pause, not long after the first, and never twice."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from forecasting.jobs.debounce import LONGEST_REPEAT_SECONDS, Debounce, Pace

PACE = Pace(check_seconds=1, quiet_seconds=5, longest_seconds=25)


def acts(versions: Sequence[str | None], pace: Pace = PACE) -> list[int]:
    """The seconds at which a key is acted on, whose version is looked at every second."""
    debounce: Debounce[str] = Debounce(pace)
    return [
        now
        for now, version in enumerate(versions)
        if debounce.take({} if version is None else {"key": version}, now)
    ]


def test_one_change_is_acted_on_when_it_is_quiet() -> None:
    assert acts([None, *["1"] * 20]) == [6]


def test_changes_without_end_are_acted_on_every_longest_seconds() -> None:
    assert acts([str(now) for now in range(80)]) == [25, 51, 77]


def test_change_after_the_act_is_another_change() -> None:
    assert acts(["1"] * 10 + ["2"] * 10) == [5, 15]


def test_what_stays_out_of_date_is_repeated_ever_more_rarely() -> None:
    repeated = acts(["1"] * 20_000)
    pauses = [later - earlier for earlier, later in pairwise(repeated)]
    assert pauses[:4] == [PACE.repeat_seconds * 2**nth for nth in range(4)]
    assert max(pauses) == LONGEST_REPEAT_SECONDS


def test_a_new_change_is_not_held_back_by_failures_of_an_old_one() -> None:
    assert acts(["1"] * 1000 + ["2"] * 10)[-1] == 1005


def test_what_is_only_repeated_is_no_pending_change() -> None:
    debounce: Debounce[str] = Debounce(PACE)
    pending: list[bool] = []
    for _ in range(8):
        debounce.take({"key": "1"}, len(pending))
        pending.append(debounce.has_pending)
    assert pending == [True] * 5 + [False] * 3


def test_what_took_long_rests_while_others_go_on() -> None:
    debounce: Debounce[str] = Debounce(PACE)
    debounce.rest("slow", 20, now=0)
    both = [debounce.take({"slow": "1", "quick": "1"}, now) for now in range(50)]
    assert [(now, key) for now, keys in enumerate(both) for key in keys] == [(5, "quick"), (40, "slow")]


def test_act_that_came_too_early_is_tried_again_after_the_same_pause() -> None:
    debounce: Debounce[str] = Debounce(PACE)
    assert [now for now in range(8) if debounce.take({"key": "1"}, now)] == [5]
    debounce.retry("key", now=8)
    assert [now for now in range(8, 20) if debounce.take({"key": "1"}, now)] == [13]


@given(st.lists(st.integers(0, 3), max_size=120))
def test_every_change_is_acted_on_in_time(changes: list[int]) -> None:
    """Within the longest time after it, whatever comes before and after; and an act needs a change."""
    versions = [str(sum(changes[: nth + 1])) for nth in range(len(changes))] + [str(sum(changes))] * 30
    times = acts(versions)
    changed = [0, *(nth for nth in range(1, len(versions)) if versions[nth] != versions[nth - 1])]
    assert all(any(nth <= now <= nth + 25 for now in times) for nth in changed)
    assert len(times) <= len(changed) + 2
