"""Progress of a period: its state, what is left, its bar, and its words."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.figures.labels import GAP, LETTER_WIDTH, Anchor, Label, place_labels
from app.figures.progress import Progress, draw_bar
from app.figures.progress_words import describe_bar, describe_chance, describe_likely, list_facts
from tally.budgets.status import State
from tests.every_case import every_case

AMOUNTS = st.decimals(-500, 5000, places=2)
MONTH = Progress(
    spent=Decimal("534.27"),
    days_left=2,
    limit=Decimal(600),
    before=Decimal("487.10"),
    likely=Decimal(565),
    lower=Decimal(548),
    upper=Decimal(590),
    chance=0.12,
)


def in_words(progress: Progress) -> list[str]:
    return ["".join(text for text, _ in words) for words in list_facts(progress, "USD", "last month")]


def change(**fields: object) -> Progress:
    known = {name: getattr(MONTH, name) for name in MONTH.__slots__}
    return Progress(**known | fields)


@every_case(
    [
        (MONTH, State.ON_TRACK),
        (change(chance=0.5), State.LIKELY),
        (change(chance=None), State.NO_FORECAST),
        (change(spent=Decimal(600)), State.EXCEEDED),
        (change(spent=Decimal(700), is_paused=True), State.PAUSED),
        (change(limit=None), None),
    ]
)
def test_state_follows_spend_and_chance(progress: Progress, state: State | None) -> None:
    assert progress.state == state


def test_facts_say_what_is_left_and_what_changed() -> None:
    assert in_words(MONTH) == [
        "$65.73 left",
        "$32.87 a day for the 2 days to come",
        "$47.17 (9.7%) more than last month",
    ]
    assert in_words(change(spent=Decimal(614), before=Decimal(614))) == [
        "$14.00 over",
        "as much as last month",
    ]
    assert in_words(change(days_left=0, limit=None, before=Decimal(0))) == ["$534.27 more than last month"]


def test_a_certain_end_has_no_range_and_an_exceeded_limit_no_chance() -> None:
    certain = change(lower=Decimal("565.2"), upper=Decimal("565.3"))
    assert describe_likely(certain, "USD") == (("likely $565", True),)
    assert describe_chance(change(spent=Decimal(601), chance=1.0)) == ()
    assert describe_bar(MONTH, "USD", "last month") == (
        "Spent $534.27, limit $600, likely $565 (range $548\N{EN DASH}$590), last month $487.10"
    )


@given(
    spent=AMOUNTS,
    limit=st.none() | st.decimals("0.01", 5000, places=2),
    bounds=st.lists(AMOUNTS, min_size=3, max_size=3),
)
def test_parts_of_a_bar_touch_without_overlap(
    spent: Decimal, limit: Decimal | None, bounds: list[Decimal]
) -> None:
    lower, likely, upper = sorted(max(amount, spent) for amount in bounds)
    bar = draw_bar(Progress(spent, 3, limit=limit, before=None, likely=likely, lower=lower, upper=upper))
    assert all(0 <= part.start < part.end <= 1 for part in bar.parts)
    assert all(one.end == other.start for one, other in pairwise(bar.parts))
    if limit is not None and bar.limit is not None:
        for part in bar.parts:
            is_beyond = part.start >= bar.limit - 1e-9
            assert (
                is_beyond
                if part.kind in ("over", "risk")
                else part.kind == "ahead" or part.end <= bar.limit + 1e-9
            )


def test_bars_of_several_budgets_align_at_their_limits() -> None:
    bars = [draw_bar(change(limit=Decimal(limit)), Decimal(limit) * 13 / 10) for limit in (80, 600, 9000)]
    assert len({round(bar.limit or 0, 9) for bar in bars}) == 1


@given(st.lists(st.tuples(st.text("abc 1", min_size=1, max_size=30), st.floats(0, 1)), max_size=4))
def test_labels_never_cover_each_other(found: list[tuple[str, float]]) -> None:
    sides: tuple[Anchor, ...] = ("middle", "start", "end")
    placed = place_labels([Label("", text, at, sides) for text, at in found], 400)
    edges = []
    for label, anchor in placed:
        length, at = LETTER_WIDTH * len(label.text), label.at * 400
        first = {"start": at + GAP, "middle": at - length / 2, "end": at - GAP - length}[anchor]
        edges.append((first, first + length))
    assert all(one[1] <= other[0] or other[1] <= one[0] for n, one in enumerate(edges) for other in edges[:n])
