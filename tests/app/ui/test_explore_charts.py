"""Charts of Explore: what they draw, what a click on them names, and hostile names."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from app.ui import charts
from app.ui.theme import DARK, LIGHT

HOSTILE = "<b>x</b><br><a href='http://x'>"
DAYS = [datetime.fromisoformat(f"2026-11-0{day}") for day in (1, 2, 3)]
BANDS = [
    charts.Band(HOSTILE, "#111111", [1.0, 0.0, 2.0]),
    charts.Band("Other (3)", "#222222", [0.5, 0.0, None]),
]
EARLIER = charts.Band("Previous", "#333333", [4.0, 5.0, None])


def make_course(
    granularity: str = "day",
    moments: Sequence[datetime | int] = DAYS,
    earlier: charts.Band | None = EARLIER,
    unit: str = "money",
) -> charts.Course:
    return charts.Course(moments, BANDS, earlier, granularity, unit, "USD")


def test_bars_are_stacked_before_those_of_the_period_before() -> None:
    ghost, *bars = charts.stacked_bars(make_course(), LIGHT).data
    assert list(ghost.y) == [4.0, 5.0, None]
    assert ghost.base == 0
    assert [list(bar.y) for bar in bars] == [[1.0, None, 2.0], [0.5, None, None]]
    assert [bar.marker.color for bar in bars] == ["#111111", "#222222"]
    assert bars[0].width < ghost.width


def test_each_bar_names_its_group_for_clicks_and_ghosts_take_none() -> None:
    ghost, *bars = charts.stacked_bars(make_course(), LIGHT).data
    assert [set(bar.customdata) for bar in bars] == [{0}, {1}]
    assert ghost.hoverinfo == "skip"


def test_hover_tells_the_step_the_amount_the_sum_and_the_period_before() -> None:
    bars = charts.stacked_bars(make_course(), LIGHT).data[1:]
    assert bars[1].hovertext[0] == (
        "Sun 1 Nov 2026<br>Other (3) <b>$0.50</b><br>of $1.50 in all<br>Previous: $4.00"
    )
    assert "Previous" not in bars[1].hovertext[2]


@pytest.mark.parametrize("draw", [charts.stacked_bars, charts.lines])
def test_hostile_names_are_text(draw: object) -> None:
    figure = draw(make_course(), LIGHT)  # type: ignore[operator]
    assert "<a href" not in figure.to_json()
    assert "&lt;b&gt;" in figure.data[1].hovertext[0]


def test_lines_leave_gaps_where_a_value_is_not_known() -> None:
    figure = charts.lines(make_course(unit="ratio", earlier=None), LIGHT)
    assert list(figure.data[1].y) == [0.5, 0.0, None]
    assert "in all" not in figure.data[0].hovertext[0]


@pytest.mark.parametrize(
    ("granularity", "moments", "first"),
    [("weekday", [1, 2, 3], "Mon"), ("hour_of_day", [0, 1, 2], "00:00"), ("month", DAYS, DAYS[0])],
)
def test_steps_have_names(granularity: str, moments: Sequence[datetime | int], first: object) -> None:
    assert charts.stacked_bars(make_course(granularity, moments), DARK).data[1].x[0] == first


def test_cells_deepen_with_their_values_and_name_their_day() -> None:
    cells = [
        charts.Cell(column, 0, value, f"day {column}", f"2026-11-0{column + 1}")
        for column, value in enumerate((0, 1, 4))
    ]
    [grid] = charts.grid_of_cells(cells, ["Mon", "Tue"], [(0, "Nov")], LIGHT).data
    assert grid.marker.color[0] == LIGHT.track
    assert grid.marker.color[2] == LIGHT.accent
    assert len(set(grid.marker.color)) == 3
    assert list(grid.customdata) == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert set(grid.base) == {1}  # the first row is at the top


def test_tiles_have_their_parents_and_readable_ink() -> None:
    tiles = [
        charts.Tile("parent-main", "", "main", 3, "#ECEEF3"),
        charts.Tile("group-0", "parent-main", HOSTILE, 3, "#111111"),
    ]
    [tree] = charts.treemap(tiles, "money", "USD", LIGHT).data
    assert list(tree.parents) == ["", "parent-main"]
    assert list(tree.text) == ["$3.00", "$3.00"]
    assert "<b>" not in tree.labels[1]
    assert list(tree.textfont.color) == ["#14181F", "#FFFFFF"]
