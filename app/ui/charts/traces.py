"""Charts of traces: duration against cost, and the bars of a waterfall."""

from collections.abc import Sequence
from functools import lru_cache
from math import log10
from urllib.parse import quote

import plotly.graph_objects as go  # type: ignore[import-untyped]

from app.formats.durations import format_duration
from app.ui.charts.style import add_layout
from app.ui.theme import Palette

BAR_WIDTH, BAR_HEIGHT = 190, 34  # pixels: as high as a row, or the table would cut the ends off
LEAST_BAR = 2
TICKS = {
    1_000: "1 ms",
    10_000: "10 ms",
    100_000: "0.1 s",
    300_000: "0.3 s",
    1_000_000: "1 s",
    3_000_000: "3 s",
    10_000_000: "10 s",
    30_000_000: "30 s",
    60_000_000: "1 min",
    180_000_000: "3 min",
    600_000_000: "10 min",
    3_600_000_000: "1 h",
    36_000_000_000: "10 h",
}
COSTS = {0.0001: "$0.0001", 0.001: "$0.001", 0.01: "$0.01", 0.1: "$0.10", 1: "$1", 10: "$10", 100: "$100"}
OUTCOMES = (("ok", "OK", "circle"), ("retried", "Retried", "diamond"), ("error", "Error", "x"))


def kind_colours(palette: Palette) -> dict[str, str]:
    """The colour of each kind of span."""
    return {
        "agent": "#7C8798",
        "llm": palette.accent,
        "tool": palette.series[1],
        "retrieval": "#D97706",
        "http": palette.series[5],
        "db": palette.series[3],
        "internal": palette.muted,
    }


def trace_scatter(
    points: Sequence[tuple[int, float | None, str]],
    percentiles: Sequence[tuple[str, int]],
    palette: Palette,
) -> go.Figure:
    """Traces by duration and cost, both on scales of powers of ten; those without a cost are left out."""
    colours = {"ok": palette.accent, "retried": "#D97706", "error": palette.bad.fill}
    figure = go.Figure()
    for status, name, symbol in OUTCOMES:
        found = [(max(us, 1), cost) for us, cost, of in points if of == status and cost]
        figure.add_scatter(
            x=[us for us, _ in found],
            y=[cost for _, cost in found],
            text=[format_duration(us) for us, _ in found],
            mode="markers",
            name=name,
            marker={"color": colours[status], "size": 8, "symbol": symbol, "opacity": 0.7},
            hovertemplate="%{text}, %{y:$,.4f}<extra>%{fullData.name}</extra>",
        )
    add_layout(figure, palette, height=280, hovermode="closest")
    costs = [cost for _, cost, _ in points if cost]
    durations = [max(us, 1) for us, cost, _ in points if cost] + [max(us, 1) for _, us in percentiles]
    figure.update_xaxes(
        type="log",
        tickvals=list(TICKS),
        ticktext=list(TICKS.values()),
        tickformat="",
        range=_find_range(durations),
    )
    figure.update_yaxes(
        type="log",
        rangemode="normal",
        tickvals=list(COSTS),
        ticktext=list(COSTS.values()),
        range=_find_range(costs),
    )
    for row, (label, us) in enumerate(percentiles):
        figure.add_vline(x=max(us, 1), line={"color": palette.muted, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=log10(max(us, 1)),
            y=1 - 0.1 * row,  # two that are close stay readable
            yref="paper",
            text=f"{label} {format_duration(us)}",
            xanchor="left",
            showarrow=False,
            font={"color": palette.muted, "size": 11},
        )
    return figure


def _find_range(values: Sequence[float]) -> tuple[float, float] | None:
    """The powers of ten of an axis: two at least, as equal values would leave it without any width."""
    logarithms = [log10(value) for value in values if value > 0]
    if not logarithms:
        return None
    low, high = min(logarithms), max(logarithms)
    room = max((high - low) * 0.06, (2 - (high - low)) / 2)
    return low - room, high + room


def waterfall_bar(offset_us: int, duration_us: int, whole_us: int, colour: str, palette: Palette) -> str:
    """A bar within the duration of its trace, as the address of an image."""
    whole = max(whole_us, 1)
    width = max(duration_us / whole * BAR_WIDTH, LEAST_BAR)
    start = min(offset_us / whole * BAR_WIDTH, BAR_WIDTH - width)
    before, after = _bar_frame(colour, palette.grid)
    return f"{before}'{start:.1f}' width='{width:.1f}'{after}"


@lru_cache
def _bar_frame(colour: str, line: str) -> tuple[str, str]:
    """The image before and after the place of its bar, encoded once: a trace has thousands."""
    before = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{BAR_WIDTH}' height='{BAR_HEIGHT}'>"
        f"<path d='M0 17H{BAR_WIDTH}' stroke='{line}'/><rect y='11' height='12' rx='2' fill='{colour}' x="
    )
    return f"data:image/svg+xml,{quote(before, UNQUOTED)}", quote("/></svg>", UNQUOTED)


UNQUOTED = " =:/'"
