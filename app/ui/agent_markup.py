"""Cards, heatmaps, bars and tables of coding agents as HTML; all texts are escaped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from app.figures.agent_days import HeatDay
from app.ui.theme import LIGHT, Palette

STYLES = " ".join((Path(__file__).resolve().parents[1] / "static" / "agents.css").read_text().split())
LEVELS = {
    True: ("#ECEEF3", "#D6D3FA", "#A8A2F3", "#7A72EC", "#4338CA"),
    False: ("#20262F", "#2F2C63", "#4F49A8", "#7A73E0", "#B3AEFF"),
}
TONES = {
    True: {"badsoft": "#FDE8E6", "badink": "#B42318", "goodsoft": "#DFF7EA", "goodink": "#0B6B43"},
    False: {"badsoft": "#3A1A1B", "badink": "#FF8A80", "goodsoft": "#0F2E22", "goodink": "#4ADE9A"},
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHOWN_WEEKDAYS = ("Mon", "", "Wed", "", "Fri", "", "")
SPARK_WIDTH, SPARK_HEIGHT = 220, 40
UNQUOTED = " =:/',"


class Card(NamedTuple):
    """A card with a figure: its label, the figure, a pill with its tone, a note, and a line."""

    label: str
    figure: str
    pill: str = ""
    tone: str = ""
    note: str = ""
    line: Sequence[float] = ()
    colour: str = ""


class PlanCard(NamedTuple):
    """The card of plans: a figure, a bar with a mark for the price, and what is said below."""

    label: str
    figure: str
    small: str
    filled: float  # 0 to 1
    mark: float | None
    price: str
    said: str
    value: str


class Part(NamedTuple):
    """A bar with a name, its amount, what that is of, and texts below."""

    name: str
    amount: str
    of: str
    share: float
    below: tuple[str, str] = ("", "")
    colour: str = ""


class Amount(NamedTuple):
    """A coloured name with a count and an amount."""

    name: str
    colour: str
    quantity: str
    amount: str


class TableRow(NamedTuple):
    """A row of a table: its kind (`whole` or `branch`), the texts of its cells, and a line at its end."""

    kind: str
    cells: Sequence[str]
    line: Sequence[float]


def colour_levels(palette: Palette) -> tuple[str, ...]:
    """The colours of levels from 0 to 4."""
    return LEVELS[palette is LIGHT]


def render_styles(palette: Palette) -> str:
    """The style element of everything here."""
    colours = {
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.line,
        "surface": palette.surface,
        "track": palette.track,
        "accent": palette.accent if palette is not LIGHT else "#4338CA",
        "soft": palette.wide_band,
        "band": palette.band,
        "head": palette.track,
        **TONES[palette is LIGHT],
        **{f"l{level}": colour for level, colour in enumerate(colour_levels(palette))},
    }
    listed = ";".join(f"--agt-{name}:{colour}" for name, colour in colours.items())
    return f"<style>:root{{{listed}}}{STYLES}</style>"


def cards(shown: Sequence[Card | PlanCard], kind: str = "") -> str:
    """A row of cards; on narrow pages two beside each other, and the last one alone."""
    listed = "".join(
        _plan_card(card) if isinstance(card, PlanCard) else _card(card, nth == len(shown) - 1)
        for nth, card in enumerate(shown)
    )
    return f'<div class="agt"><div class="cards {kind}">{listed}</div></div>'


def _card(card: Card, is_last: bool) -> str:
    pill = f'<span class="pill {card.tone}">{escape(card.pill)}</span> ' if card.pill else ""
    note = f'<span class="muted">{escape(card.note)}</span>' if card.note else ""
    line = spark(card.line, card.colour) if any(card.line) else ""
    return (
        f'<div class="card{" last" if is_last else ""}"><div class="label">{escape(card.label)}</div>'
        f'<div class="big">{escape(card.figure)}</div><div>{pill}{note}</div>{line}</div>'
    )


def _plan_card(card: PlanCard) -> str:
    mark = (
        ""
        if card.mark is None
        else f'<em style="left:{card.mark:.2%}"></em>'
        f'<span style="left:{card.mark:.2%}">{escape(card.price)}</span>'
    )
    bar = f'<div class="bar" aria-hidden="true"><i style="width:{card.filled:.2%}"></i>{mark}</div>'
    return (
        f'<div class="card plan"><div class="label">{escape(card.label)}</div>'
        f'<div class="big">{escape(card.figure)} <small>{escape(card.small)}</small></div>'
        f"{bar if card.mark is not None else ''}"
        f'<div class="ends"><span>{escape(card.said)}</span><b>{escape(card.value)}</b></div></div>'
    )


def spark(values: Sequence[float], colour: str) -> str:
    """A small line over its area, as an image that says nothing more than the figure beside it."""
    return f'<img class="spark" alt="" src="{draw_line(values, colour)}">'


def draw_line(values: Sequence[float], colour: str) -> str:
    """A line as the address of an image; that of a single value is level."""
    values = values if len(values) > 1 else [*values, *values]
    top = max(values, default=0) or 1
    step = SPARK_WIDTH / max(len(values) - 1, 1)
    points = [
        (round(nth * step, 1), round(SPARK_HEIGHT - 2 - value / top * (SPARK_HEIGHT - 4), 1))
        for nth, value in enumerate(values)
    ]
    path = " ".join(f"{x},{y}" for x, y in points)
    image = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {SPARK_WIDTH} {SPARK_HEIGHT}' "
        f"preserveAspectRatio='none'><polygon points='0,{SPARK_HEIGHT} {path} {SPARK_WIDTH},{SPARK_HEIGHT}' "
        f"fill='{colour}' opacity='.15'/><polyline points='{path}' fill='none' stroke='{colour}' "
        "stroke-width='2' vector-effect='non-scaling-stroke'/></svg>"
    )
    return f"data:image/svg+xml,{quote(image, UNQUOTED)}"


def scale(low: str, high: str) -> str:
    """The colours of the levels between two texts."""
    squares = "".join(f'<i class="l{level}"></i>' for level in range(5))
    return f'<span class="agts" aria-hidden="true">{escape(low)} {squares} {escape(high)}</span>'


def year(
    weeks: Sequence[Sequence[HeatDay]], tips: Mapping[date, str], months: Mapping[int, str], text: str
) -> str:
    """The squares of a year by week; `months` are labels by week, `tips` texts by day."""
    columns = []
    for nth, week in enumerate(weeks):
        squares = "".join(
            '<i style="visibility:hidden"></i>'
            if day.level is None
            else f'<i class="l{day.level}" title="{escape(tips[day.day])}"></i>'
            for day in week
        )
        columns.append(f'<div class="wk"><span>{escape(months.get(nth, ""))}</span>{squares}</div>')
    days = "".join(f"<span>{day}</span>" for day in SHOWN_WEEKDAYS)
    return (
        f'<div class="agt"><div role="img" aria-label="{escape(text)}" class="year">'
        f'<div class="days" aria-hidden="true">{days}</div>{"".join(columns)}</div></div>'
    )


def facts(listed: Iterable[tuple[str, str]]) -> str:
    """Figures in a row, each with its name below."""
    shown = "".join(f"<div><b>{escape(figure)}</b>{escape(name)}</div>" for figure, name in listed)
    return f'<div class="agt"><div class="facts">{shown}</div></div>'


def week_hours(levels: Sequence[Sequence[int]], text: str, below: str) -> str:
    """The hours of the week as squares."""
    rows = "".join(
        f"<span>{WEEKDAYS[day]}</span>"
        + "".join(
            f'<i class="l{level}" title="{WEEKDAYS[day]} {hour:02}:00"></i>' for hour, level in enumerate(row)
        )
        for day, row in enumerate(levels)
    )
    ends = "".join(f'<span style="grid-column:span 6">{hour:02}:00</span>' for hour in range(0, 24, 6))
    return (
        f'<div class="agt"><div class="hours" role="img" aria-label="{escape(text)}">{rows}<span></span>'
        f'{ends}</div><div class="ends"><span class="muted">{escape(below)}</span>'
        f"{scale('Less', 'More')}</div></div>"
    )


def parts(listed: Iterable[Part]) -> str:
    """Bars below their names."""
    shown = "".join(
        f'<div class="part"><div class="ends"><span class="name">{escape(part.name)}</span>'
        f'<span><b>{escape(part.amount)}</b> <span class="muted">{escape(part.of)}</span></span></div>'
        f'<div class="bar" aria-hidden="true"><i style="width:{min(max(part.share, 0), 1):.2%}'
        f'{f";background:{part.colour}" if part.colour else ""}"></i></div>'
        + (
            f'<div class="ends muted"><span>{escape(part.below[0])}</span>'
            f"<span>{escape(part.below[1])}</span></div>"
            if any(part.below)
            else ""
        )
        + "</div>"
        for part in listed
    )
    return f'<div class="agt">{shown}</div>'


def amounts(listed: Iterable[Amount]) -> str:
    """Names with their colours, counts and amounts, one a line."""
    shown = "".join(
        f'<div class="amount"><i style="background:{line.colour}"></i>'
        f'<span class="name">{escape(line.name)}</span>'
        f'<span class="muted">{escape(line.quantity)}</span><b>{escape(line.amount)}</b></div>'
        for line in listed
    )
    return f'<div class="agt">{shown}</div>'


def table(heads: Sequence[str], rows: Iterable[TableRow], palette: Palette) -> str:
    """A table whose first column is text, the others numbers, and the last one, on wide pages, a line."""
    named = "".join(
        f'<th scope="col"{_class_of(nth, len(heads))}>{escape(head)}</th>' for nth, head in enumerate(heads)
    )
    return (
        f'<div class="agt"><table><thead><tr>{named}</tr></thead>'
        f"<tbody>{''.join(_row(row, palette) for row in rows)}</tbody></table></div>"
    )


def _row(row: TableRow, palette: Palette) -> str:
    cells = "".join(
        f"<td{_class_of(nth, len(row.cells) + 1)}{_title_of(nth, text)}>{escape(text)}</td>"
        for nth, text in enumerate(row.cells)
    )
    colour = palette.accent if row.kind == "whole" else palette.other
    line = f'<img alt="" src="{draw_line(row.line, colour)}">' if any(row.line) else ""
    return f'<tr class="{row.kind}">{cells}<td class="wide">{line}</td></tr>'


def _class_of(nth: int, count: int) -> str:
    kinds = (["r"] if nth else []) + (["wide"] if nth >= count - 2 and nth else [])
    return f' class="{" ".join(kinds)}"' if kinds else ""


def _title_of(nth: int, text: str) -> str:
    return "" if nth else f' title="{escape(text)}"'
