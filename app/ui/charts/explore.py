"""Charts of Explore: stacked bars and lines by group, grids of hours or days, and a treemap."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.figures.explore_series import Moment
from app.figures.shades import mix
from app.formats.measures import format_measure
from app.ui.charts.style import DAY_MS, MOST_TICKS, add_layout, escape_name
from app.ui.theme import Palette

HEIGHT, CELL, TREE_HEIGHT = 360, 30, 420  # pixels
BAR_SHARE, GHOST_SHARE, ALONE_SHARE = 0.5, 0.86, 0.78  # of a slot
SLOTS = {"hour": DAY_MS / 24, "day": DAY_MS, "week": 7 * DAY_MS, "month": 28 * DAY_MS}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NO_GROUP = -1  # the place of bars that stand for no group
FAINTEST = 0.12  # of the accent, in the cell with the least
CELL_SHARE = 0.88
HOVERS = {
    "hour": "%a %-d %b, %H:00",
    "day": "%a %-d %b %Y",
    "week": "Week of %-d %b %Y",
    "month": "%B %Y",
}
TICKS = {"hour": "%H:%M<br>%-d %b", "day": "%-d %b", "week": "%-d %b", "month": "%b %Y"}


class Band(NamedTuple):
    """A group's values at the steps of a chart; None is a gap."""

    name: str
    colour: str
    values: Sequence[float | None]


class Course(NamedTuple):
    """The groups of a chart over time, and the values of the period before, by the same steps."""

    moments: Sequence[Moment]
    bands: Sequence[Band]
    earlier: Band | None
    granularity: str
    unit: str
    currency: str

    def show(self, value: float | None) -> str:
        """A value as text."""
        return format_measure(value, self.unit, self.currency)


class Cell(NamedTuple):
    """A cell of a grid: its column and row from the top, its value, and what it is named."""

    column: int
    row: int
    value: float
    name: str
    key: str | int


class Tile(NamedTuple):
    """A part of a treemap; `parent` is the key of the tile that it is in, or empty."""

    key: str
    parent: str
    name: str
    value: float
    colour: str


def stacked_bars(course: Course, palette: Palette) -> go.Figure:
    """Bars for each step, stacked by group, before those of the period before."""
    figure = go.Figure()
    totals = _list_totals(course)
    slot = SLOTS.get(course.granularity, 1)
    if course.earlier:
        figure.add_bar(
            x=_axis(course),
            y=course.earlier.values,
            base=0,  # keeps them out of the stack
            name=escape_name(course.earlier.name),
            marker={"color": course.earlier.colour, "line_width": 0},
            width=slot * GHOST_SHARE,
            hoverinfo="skip",  # they lie over the bars before them, which a click means
        )
    for place, band in enumerate(course.bands):
        figure.add_bar(
            x=_axis(course),
            y=[value or None for value in band.values],
            name=escape_name(band.name),
            marker={"color": band.colour, "line_width": 0},
            width=slot * (BAR_SHARE if course.earlier else ALONE_SHARE),
            **_texts(course, band, place, totals),
        )
    return _lay_out(figure, course, palette).update_layout(barmode="relative", barcornerradius=3)


def lines(course: Course, palette: Palette) -> go.Figure:
    """A line for each group, and a dotted one for the period before."""
    figure = go.Figure()
    totals = _list_totals(course)
    drawn = [(NO_GROUP, course.earlier)] if course.earlier else []
    for place, band in [*drawn, *enumerate(course.bands)]:
        figure.add_scatter(
            x=_axis(course),
            y=list(band.values),
            name=escape_name(band.name),
            mode="lines+markers",
            cliponaxis=False,  # else the axis cuts the dots of zero in half
            marker={"size": 6 if len(course.moments) <= 62 else 4, "color": band.colour},
            line={"color": band.colour, "width": 2, "dash": "dot" if place == NO_GROUP else "solid"},
            **_texts(course, band, place, totals),
        )
    return _lay_out(figure, course, palette)


def grid_of_cells(
    cells: Sequence[Cell], rows: Sequence[str], ticks: Sequence[tuple[int, str]], palette: Palette
) -> go.Figure:
    """Cells whose colours deepen with their values; `rows` and `ticks` name rows and columns."""
    most = max((cell.value for cell in cells), default=0) or 1
    figure = go.Figure(
        go.Bar(
            x=[cell.column for cell in cells],
            y=[CELL_SHARE] * len(cells),
            base=[len(rows) - 1 - cell.row for cell in cells],
            width=CELL_SHARE,
            customdata=[cell.key for cell in cells],
            hovertext=[cell.name for cell in cells],
            hovertemplate="%{hovertext}<extra></extra>",
            marker={"color": [_deepen(cell.value / most, palette) for cell in cells], "line_width": 0},
            unselected={"marker": {"opacity": 1}},
        )
    )
    _begin(figure, palette, CELL * len(rows) + 46).update_layout(barcornerradius=3)
    figure.update_xaxes(
        tickvals=[column for column, _ in ticks], ticktext=[name for _, name in ticks], tickformat=""
    )
    figure.layout.yaxis.tickformatstops = None
    return figure.update_yaxes(
        tickvals=[len(rows) - 1 - place + CELL_SHARE / 2 for place, name in enumerate(rows) if name],
        ticktext=[name for name in rows if name],
        showgrid=False,
        range=[-0.1, len(rows)],
    )


def treemap(tiles: Sequence[Tile], unit: str, currency: str, palette: Palette) -> go.Figure:
    """Tiles as large as their values."""
    figure = _begin(go.Figure(), palette, TREE_HEIGHT)
    figure.add_trace(
        go.Treemap(
            ids=[tile.key for tile in tiles],
            parents=[tile.parent for tile in tiles],
            labels=[escape_name(tile.name) for tile in tiles],
            values=[tile.value for tile in tiles],
            branchvalues="total",
            text=[format_measure(tile.value, unit, currency) for tile in tiles],
            texttemplate="%{label}<br>%{text}",
            hovertemplate="%{label}<br>%{text} · %{percentRoot:.0%}<extra></extra>",
            marker={
                "colors": [tile.colour for tile in tiles],
                "line": {"width": 2, "color": palette.surface},
                "pad": {"t": 22, "l": 3, "r": 3, "b": 3},
                "cornerradius": 4,
            },
            textfont={"size": 13, "color": [_ink_on(tile.colour) for tile in tiles]},
            tiling={"pad": 2},
            pathbar={"visible": False},
            root={"color": "rgba(0,0,0,0)"},
        )
    )
    return figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0})


def _begin(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    """The layout of all of them; the page has their legend, and pictures of them the page's colour."""
    add_layout(figure, palette, height=height, hovermode="closest", showlegend=False)
    return figure.update_layout(paper_bgcolor=palette.surface)


def _axis(course: Course) -> list[Any]:
    if course.granularity == "weekday":
        return [WEEKDAYS[int(moment) - 1] for moment in course.moments if isinstance(moment, int)]
    if course.granularity == "hour_of_day":
        return [f"{moment:02}:00" for moment in course.moments]
    return list(course.moments)


def _list_totals(course: Course) -> list[str]:
    """The sum of all groups at each step, and the same of the period before, as lines of hover texts."""
    lines = [""] * len(course.moments)
    if course.unit != "ratio" and len(course.bands) > 1:
        steps = zip(*(band.values for band in course.bands), strict=True)
        sums = [sum(value or 0 for value in values) for values in steps]
        lines = [f"<br>of {course.show(total)} in all" for total in sums]
    if course.earlier:
        name = escape_name(course.earlier.name)
        lines = [
            line if value is None else f"{line}<br>{name}: {course.show(value)}"
            for line, value in zip(lines, course.earlier.values, strict=True)
        ]
    return lines


def _texts(course: Course, band: Band, place: int, totals: Sequence[str]) -> dict[str, Any]:
    """The hover texts of a trace, and the place of its group for clicks."""
    name = escape_name(band.name)
    return {
        "customdata": [place] * len(course.moments),
        "hovertext": [
            f"{name_moment(moment, course.granularity)}<br>{name} <b>{course.show(value)}</b>{total}"
            for moment, value, total in zip(course.moments, band.values, totals, strict=True)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "unselected": {"marker": {"opacity": 1}},
        "selected": {"marker": {"opacity": 1}},
    }


def name_moment(moment: Moment, granularity: str) -> str:
    """A step of time as its reader says it."""
    if isinstance(moment, datetime):
        return moment.strftime(HOVERS[granularity])
    return f"{WEEKDAYS[moment - 1]}" if granularity == "weekday" else f"{moment:02}:00"


def _lay_out(figure: go.Figure, course: Course, palette: Palette) -> go.Figure:
    _begin(figure, palette, HEIGHT)
    is_dated = course.granularity in SLOTS
    figure.update_xaxes(tickformat=TICKS.get(course.granularity, ""), type="date" if is_dated else "category")
    if course.granularity == "week" and course.moments:
        every = -(-len(course.moments) // MOST_TICKS)
        figure.update_xaxes(tick0=course.moments[0], dtick=7 * DAY_MS * every)  # on Mondays
    if course.granularity == "month":
        figure.update_xaxes(dtick="M1" if len(course.moments) <= 8 else None)
    elif course.granularity == "hour":
        figure.update_xaxes(dtick=None)
    if course.unit in ("tokens", "requests"):
        figure.layout.yaxis.tickformatstops = None
        figure.layout.yaxis.tickformat = "~s"
    return figure


def _deepen(part: float, palette: Palette) -> str:
    if part <= 0:
        return palette.track
    return mix(palette.surface, palette.accent, FAINTEST + (1 - FAINTEST) * part)


def _ink_on(colour: str) -> str:
    """Black or white, what is easier to read on a colour."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    light = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return "#14181F" if 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] > 0.18 else "#FFFFFF"
