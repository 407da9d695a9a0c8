"""Lists with bars as HTML: names that lead on, amounts, shares; all texts are escaped.

They need no code of charts or tables, which is much of what a browser loads for a page.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from app.ui.agent_markup import draw_line
from app.ui.theme import Palette

SPARK_WIDTH, SPARK_HEIGHT = 72, 22
STYLE = (
    "<style>"
    ".tbl-bars,.tbl-rows{{font:400 14px/1.45 Inter,system-ui,sans-serif;color:{ink};width:100%;margin:0;"
    "padding:0}}"
    ".tbl-bars{{margin:0!important;padding:0!important}}"
    ".tbl-bars a,.tbl-rows a{{color:inherit;text-decoration:underline;text-decoration-color:{line};"
    "text-underline-offset:3px}}"
    ".tbl-bars a:hover,.tbl-rows a:hover{{color:{accent};text-decoration-color:currentColor}}"
    ".tbl-bars li{{list-style:none;margin:0 0 10px!important;padding:0!important;display:grid;gap:4px 12px;"
    "grid-template-columns:minmax(0,1fr) auto}}"
    ".tbl-bars li>:first-child,.tbl-rows td:first-child>*{{overflow:hidden;text-overflow:ellipsis;"
    "white-space:nowrap;unicode-bidi:isolate}}"
    ".tbl-bars b,.tbl-rows td{{font-weight:400;font-variant-numeric:tabular-nums}}"
    ".tbl-bars i,.tbl-rows i{{display:block;height:7px;border-radius:4px;background:{track};overflow:hidden}}"
    ".tbl-bars i{{grid-column:1/-1}}"
    ".tbl-bars i>i,.tbl-rows i>i{{border-radius:4px}}"
    ".tbl-rows{{border-collapse:collapse;table-layout:auto}}"
    ".tbl-rows th{{font-weight:500;color:{muted};font-size:13px;text-align:right;white-space:nowrap}}"
    ".tbl-rows td,.tbl-rows th{{padding:8px 0 8px 14px;border-bottom:1px solid {line};text-align:right;"
    "white-space:nowrap}}"
    ".tbl-rows th:first-child,.tbl-rows td:first-child{{text-align:left;padding-left:0;width:99%;"
    "max-width:0}}"
    ".tbl-rows td:first-child>*{{display:block}}"
    ".tbl-rows tr:last-child td{{border-bottom:0}}"
    ".tbl-rows .bar{{display:flex;gap:10px;align-items:center;justify-content:flex-end}}"
    ".tbl-rows .bar i{{width:52px}}"
    ".tbl-rows .bar span{{min-width:2.7em}}"
    ".tbl-rows img{{display:block;margin-left:auto}}"
    "@media(max-width:640px){{.tbl-rows .less{{display:none}}.tbl-rows .bar i{{display:none}}}}"
    "</style>"
)


class Bar(NamedTuple):
    """A named amount; the bar of the largest one has the length 1. Without an address it leads nowhere."""

    name: str
    amount: str
    length: float
    colour: str
    address: str = ""


class Row(NamedTuple):
    """A row of the table of models."""

    name: str
    amount: str
    share: float  # percent
    requests: str
    trend: Sequence[float]
    address: str


def render_bars(bars: Sequence[Bar], palette: Palette, title: str) -> str:
    """Names and amounts above their bars."""
    items = "".join(
        f"<li>{_name(bar.name, bar.address)}<b>{escape(bar.amount)}</b>"
        f'<i aria-hidden="true"><i style="width:{_percent(bar.length)}%;background:{bar.colour}"></i></i>'
        "</li>"
        for bar in bars
    )
    return f'{_style(palette)}<ul class="tbl-bars" aria-label="{escape(title)}">{items}</ul>'


def render_rows(rows: Sequence[Row], palette: Palette, title: str) -> str:
    """The table of models: cost, share, requests, and the last days as a line."""
    heads = "<th>Model</th><th>Cost</th><th>Share</th>" + "".join(
        f'<th class="less">{name}</th>' for name in ("Requests", "Trend")
    )
    body = "".join(
        f"<tr><td>{_name(row.name, row.address)}</td><td>{escape(row.amount)}</td>"
        f'<td><span class="bar"><i aria-hidden="true"><i style="width:{_percent(row.share / 100)}%;'
        f'background:{palette.accent}"></i></i><span>{row.share:.0f}%</span></span></td>'
        f'<td class="less">{escape(row.requests)}</td><td class="less">{_spark(row.trend, palette)}</td></tr>'
        for row in rows
    )
    return (
        f'{_style(palette)}<table class="tbl-rows" aria-label="{escape(title)}">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _style(palette: Palette) -> str:
    return STYLE.format(
        ink=palette.ink, line=palette.line, accent=palette.accent, track=palette.track, muted=palette.muted
    )


def _name(name: str, address: str) -> str:
    text = escape(name)
    if not address:
        return f'<span title="{text}">{text}</span>'
    return f'<a class="tally-go" href="{escape(address)}" target="_self" title="{text}">{text}</a>'


def _percent(length: float) -> str:
    return f"{100 * min(max(length, 0.0), 1.0):.1f}"


def _spark(values: Sequence[float], palette: Palette) -> str:
    if not values:
        return ""
    line = escape(draw_line([max(value, 0.0) for value in values], palette.accent))
    return f'<img alt="" width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" src="{line}">'
