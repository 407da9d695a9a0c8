"""The card of the chart: what the question comes to, the chart, and its legend; each part filters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import streamlit as st

from app.figures.engine_words import describe_source
from app.figures.explore_change import NEW, calculate_change, show_change
from app.figures.explore_series import Moment, begin_with_costs, fill, list_moments, parse_moment
from app.figures.explore_view import ExploreView
from app.figures.explore_words import CHART_ICONS, CHARTS, MEASURES, describe_split
from app.figures.exploring import Group, Key, Point
from app.formats.dates import format_day, format_span
from app.formats.text import escape_markdown
from app.parts.explore_address import count_clicks, read_view, show
from app.ui import charts
from app.ui.theme import Palette, current_palette
from app.views.explore.answer import Answer, sum_before
from tally.core.text import plural

CHART = "explore_chart_kind"
DAYS_A_WEEK = 7
MOST_WEEKS_BY_MONTH, WEEKS_OF_A_NAME = 60, 3  # a calendar names months, then quarters; room of a name
LEAST_STEPS = 12
DESCRIBED = 12
PARENT = "parent-"  # begins the key of a tile that has others in it


def render_chart_card(answer: Answer) -> None:
    """Title, total, choice of charts, the chart, its legend, and what to know about it."""
    palette = current_palette()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(width="content", gap=None, key="explore_total"):
            st.header(title_of(answer), anchor=False, width="content")
            _render_total(answer)
        _choose_chart(answer.view.chart)
    kind = answer.view.chart
    if kind in ("bars", "lines"):
        _render_course(answer, palette)
    elif kind == "heatmap":
        _render_heatmap(answer, palette)
    elif kind == "calendar":
        _render_calendar(answer, palette)
    else:
        _render_treemap(answer, palette)
    for note in list_notes(answer):
        st.caption(escape_markdown(note))


def title_of(answer: Answer) -> str:
    """The question as a title."""
    title = MEASURES[answer.view.measure].title.rstrip(",")
    if answer.view.chart == "heatmap":
        return f"{title} by weekday and hour"
    return f"{title}{describe_split(answer.now.question.by)}"


def _render_total(answer: Answer) -> None:
    now, before = answer.now.total.value, answer.before.total.value if answer.before else None
    change = calculate_change(now, before) if answer.is_compared else None
    has_direction = change is not None and change != NEW and round(change) != 0
    is_more = change is not None and change > 0
    st.metric(
        title_of(answer),
        answer.show(now),
        None if change is None else show_change(change),
        # Streamlit reads the direction from a sign that figures do not have.
        delta_color=("red" if is_more else "green") if has_direction else "off",
        delta_arrow=("up" if is_more else "down") if has_direction else "off",
        delta_description=describe_before(answer),
        label_visibility="collapsed",
    )


def describe_before(answer: Answer) -> str | None:
    """The amount of the earlier period with its days; None where no day of it is known."""
    known = answer.known_before
    if answer.before is None or answer.before.total.value is None or known is None:
        return None
    told = f"vs {answer.show(answer.before.total.value)}"
    if known.since:
        return f"{told}, since {format_day(known.since)} only"
    return f"{told}, {format_span(known.first, known.last)}" if known.is_complete else None


def _choose_chart(kind: str) -> None:
    st.session_state[CHART] = kind
    st.segmented_control(
        "Chart",
        list(CHARTS),
        format_func=lambda name: f":material/{CHART_ICONS[name]}: {CHARTS[name]}",
        required=True,
        key=CHART,
        on_change=_change_chart,
        label_visibility="collapsed",
    )


def _change_chart() -> None:
    show(replace(read_view(), chart=st.session_state[CHART]))


def _render_course(answer: Answer, palette: Palette) -> None:
    course = make_course(answer, palette)
    make = charts.stacked_bars if answer.view.chart == "bars" else charts.lines
    _draw(make(course, palette), answer, describe(answer))
    render_legend(answer, palette, course.earlier.name if course.earlier else None)


def make_course(answer: Answer, palette: Palette) -> charts.Course:
    """The groups at every step of the period, and the period before beside them."""
    question = answer.now.question
    moments = list_moments(answer.granularity, question.first, question.last)
    if answer.view.preset == "All" and not answer.view.days:
        found = (parse_moment(point.at) for point in answer.now.points if point.at is not None)
        moments = begin_with_costs(moments, found, LEAST_STEPS)
    absent = None if answer.unit == "ratio" else 0.0
    bands = [
        charts.Band(group.label, colour, fill(answer.points_of(place), moments, absent))
        for place, (group, colour) in enumerate(zip(answer.now.groups, answer.colours(palette), strict=True))
    ]
    earlier = _align_before(answer, moments, palette)
    return charts.Course(moments, bands, earlier, answer.granularity, answer.unit, answer.currency)


def _align_before(answer: Answer, moments: Sequence[Moment], palette: Palette) -> charts.Band | None:
    """The steps of the earlier period in the places of those of this one."""
    sums = sum_before(answer)
    if answer.before is None or not any(sums.values()):
        return None
    question = answer.before.question
    earlier = list_moments(answer.granularity, question.first, question.last)[: len(moments)]
    values = fill(sums, earlier)
    compared = "Last year" if answer.view.compared == "year" else "Previous"
    name = f"{compared}, {format_span(question.first, question.last)}"
    return charts.Band(name, palette.ghost, values + [None] * (len(moments) - len(values)))


def _render_heatmap(answer: Answer, palette: Palette) -> None:
    cells = lay_out_hours(answer)
    ticks = [(hour, f"{hour:02}:00") for hour in range(0, 24, 4)]
    st.plotly_chart(
        charts.grid_of_cells(cells, charts.WEEKDAYS, ticks, palette),
        theme=None,
        key="explore_heatmap",
        config=picture_config(answer.currency),
        alt=_describe_cells(answer, cells),
    )


def lay_out_hours(answer: Answer) -> list[charts.Cell]:
    """A cell for each hour of each weekday."""
    values = answer.points_of(0)
    return [
        charts.Cell(
            slot % 24,
            slot // 24,
            float(values.get(slot) or 0),
            f"{charts.WEEKDAYS[slot // 24]} {slot % 24:02}:00 · {answer.show(values.get(slot) or 0)}",
            slot,
        )
        for slot in range(DAYS_A_WEEK * 24)
    ]


def _render_calendar(answer: Answer, palette: Palette) -> None:
    """A year in one line of weeks; on narrow pages in two halves, one above the other."""
    cells, ticks = lay_out_days(answer)
    rows = ("Mon", "", "Wed", "", "Fri", "", "")
    with st.container(key="wide-calendar"):
        _draw(charts.grid_of_cells(cells, rows, ticks, palette), answer, _describe_cells(answer, cells))
    half = max((cell.column for cell in cells), default=0) // 2 + 1
    with st.container(key="narrow-calendar"):
        for nth in (0, 1):
            part = [
                cell._replace(column=cell.column - nth * half) for cell in cells if cell.column // half == nth
            ]
            figure = charts.grid_of_cells(part, rows, cut_labels(ticks, half * nth, half), palette)
            _draw(figure, answer, _describe_cells(answer, part), f"-{nth}")
    st.caption("Select a day to see its hours.")


def cut_labels(ticks: Sequence[tuple[int, str]], start: int, columns: int) -> list[tuple[int, str]]:
    """The labels of some columns; the first of them has that of the month it is in, where there is room."""
    labels = [(column - start, name) for column, name in ticks if start <= column < start + columns]
    begun = [name for column, name in ticks if column < start]
    if begun and (not labels or labels[0][0] >= WEEKS_OF_A_NAME):
        return [(0, begun[-1]), *labels]
    return labels


def lay_out_days(answer: Answer) -> tuple[list[charts.Cell], list[tuple[int, str]]]:
    """A cell for each day of the period, by week and weekday, and where months begin."""
    question, values = answer.now.question, answer.points_of(0)
    monday = question.first - timedelta(days=question.first.weekday())
    cells = []
    for nth in range((question.last - question.first).days + 1):
        day = question.first + timedelta(days=nth)
        value = values.get(datetime(day.year, day.month, day.day)) or 0  # noqa: DTZ001 - a local day
        column = (day - monday).days // DAYS_A_WEEK
        name = f"{day:%a} {format_day(day)} · {answer.show(value)}"
        cells.append(charts.Cell(column, day.weekday(), float(value), name, day.isoformat()))
    return cells, label_months(question.first, question.last)


def label_months(first: date, last: date) -> list[tuple[int, str]]:
    """The first week, and those in which months begin; in long periods those of quarters, with the year."""
    monday = first - timedelta(days=first.weekday())
    days = [first + timedelta(days=nth) for nth in range((last - first).days + 1)]
    is_long = len(days) > MOST_WEEKS_BY_MONTH * DAYS_A_WEEK
    pattern, apart = ("%b %Y", 2 * WEEKS_OF_A_NAME) if is_long else ("%b", WEEKS_OF_A_NAME)
    named = [day for day in days if day.day == 1 and (not is_long or day.month % 3 == 1)]
    ticks = [((day - monday).days // DAYS_A_WEEK, f"{day:{pattern}}") for day in named]
    is_free = not ticks or ticks[0][0] >= apart
    return [(0, f"{first:{pattern}}"), *ticks] if is_free else ticks


def _render_treemap(answer: Answer, palette: Palette) -> None:
    tiles = make_tiles(answer, palette)
    if not tiles:
        st.text("Nothing above zero to draw. The table below has every group.")
        return
    figure = charts.treemap(tiles, answer.unit, answer.currency, palette)
    _draw(figure, answer, describe(answer))


def make_tiles(answer: Answer, palette: Palette) -> list[charts.Tile]:
    """Groups above zero, those of two groupings within the value of the first."""
    tiles: list[charts.Tile] = []
    parents: dict[Key, int] = {}  # values of the first grouping, with the place of their first group
    sums: dict[Key, float] = {}
    colours = answer.colours(palette)
    for place, (group, colour) in enumerate(zip(answer.now.groups, colours, strict=True)):
        value = float(group.value or 0)
        if value <= 0:
            continue
        parent, name = "", group.label
        if len(group.keys) > 1:
            key, name = group.keys[0], group.keys[-1].label
            parent = f"{PARENT}{parents.setdefault(key, place)}"
            sums[key] = sums.get(key, 0) + value
        tiles.append(charts.Tile(f"group-{place}", parent, name, value, colour))
    return [
        charts.Tile(f"{PARENT}{place}", "", key.label, sums[key], palette.track)
        for key, place in parents.items()
    ] + tiles


def render_legend(answer: Answer, palette: Palette, earlier: str | None) -> None:
    """The groups with their colours as buttons that filter."""
    colours = answer.colours(palette)
    rules = "".join(
        f".st-key-legend-{place} button::before{{background:{colour}}}"
        for place, colour in enumerate(colours)
    )
    if not answer.view.by and not earlier:
        return
    st.html(f"<style>{rules}.st-key-legend-earlier::before{{background:{palette.ghost}}}</style>")
    with st.container(horizontal=True, gap="small", key="explore_legend"):
        for place, group in enumerate(answer.now.groups) if answer.view.by else ():
            st.button(
                escape_markdown(group.label),
                type="tertiary",
                key=f"legend-{place}",
                disabled=not group.is_filterable,
                on_click=drill_into,
                args=(group,),
            )
        if earlier:
            with st.container(key="legend-earlier", width="content"):
                st.caption(escape_markdown(earlier))


def drill_into(group: Group) -> None:
    """Filter by a group, where it can be."""
    if group.is_filterable:
        show(drill(read_view(), group))


def drill(view: ExploreView, group: Group) -> ExploreView:
    """The state that shows a group alone, by what comes next."""
    return view.drill({name: key.value for name, key in zip(view.by, group.keys, strict=False)})


def picture_config(currency: str) -> dict[str, Any]:
    """Plotly's configuration with its button for pictures, hidden, which the export menu presses."""
    return charts.config(currency) | {"displayModeBar": True, "modeBarButtons": [["toImage"]]}


def _draw(figure: Any, answer: Answer, alt: str, suffix: str = "") -> None:
    """A chart that filters by what is clicked."""
    key = f"explore_chart-{count_clicks()}{suffix}"
    st.plotly_chart(
        figure,
        theme=None,
        key=key,
        config=picture_config(answer.currency),
        alt=alt,
        on_select=lambda: _click(key, answer),
        selection_mode="points",
    )


def _click(key: str, answer: Answer) -> None:
    points = st.session_state.get(key, {}).get("selection", {}).get("points", [])
    if points:
        follow_click(points[0], answer)


def follow_click(point: Mapping[str, Any], answer: Answer) -> None:
    """Filter by the group of a bar, point or tile; a day of the calendar becomes the period."""
    asked = point.get("customdata")
    asked = asked[0] if isinstance(asked, list | tuple) else asked
    view = read_view()
    if view.chart == "calendar" and isinstance(asked, str):
        day = date.fromisoformat(asked)
        show(replace(view, chart="bars", days=(day, day), per=None))
        return
    tile = str(point.get("id", ""))
    if tile.startswith(PARENT):
        key = answer.now.groups[int(tile.removeprefix(PARENT))].keys[0]
        if key.kind != "hidden":
            show(view.drill({view.by[0]: key.value}))
        return
    place = int(tile.removeprefix("group-")) if tile.startswith("group-") else asked
    if isinstance(place, int) and 0 <= place < len(answer.now.groups):
        drill_into(answer.now.groups[place])


def describe(answer: Answer) -> str:
    """The chart as text, for screen readers; the table below has every group."""
    parts = [f"{group.label} {answer.show(group.value)}" for group in answer.now.groups[:DESCRIBED]]
    return f"{title_of(answer)}, {answer.show(answer.now.total.value)} in total: {', '.join(parts)}."


def _describe_cells(answer: Answer, cells: Sequence[charts.Cell]) -> str:
    dearest = sorted(cells, key=lambda cell: -cell.value)[:3]
    names = "; ".join(cell.name for cell in dearest if cell.value > 0)
    return f"{title_of(answer)}. Highest: {names or 'none'}."


def list_notes(answer: Answer) -> list[str]:
    """Sentences on what the figures include and leave out."""
    notes = []
    total = answer.now.total
    if answer.now.overlaps:
        notes.append(
            "A record with several tags counts in each of them: groups add up to more than the total."
        )
    if total.unpriced_records:
        verbs = ("has", "counts") if total.unpriced_records == 1 else ("have", "count")
        records = plural(total.unpriced_records, "record")
        notes.append(f"{records} {verbs[0]} no price yet and {verbs[1]} as nothing here.")
    untold = [point for point in answer.now.points if point.at is None and point.value]
    if hidden := [point for point in untold if not point.has_day_only]:
        notes.append(f"{_name_sum(hidden, answer)} of others' is in no hour: when others worked is not told.")
    if dated := [point for point in untold if point.has_day_only]:
        notes.append(f"{_name_sum(dated, answer)} has a day but no hour, and is not in this chart.")
    return [*notes, *filter(None, [describe_source(answer.now.source)])]


def _name_sum(points: Sequence[Point], answer: Answer) -> str:
    """The sum of points with its unit; prices of requests have none."""
    if answer.unit == "ratio":
        return "What some requests cost"
    amount = answer.show(sum(point.value or 0 for point in points))
    return amount if answer.unit == "money" else f"{amount} {answer.unit}"
