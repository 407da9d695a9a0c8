"""Advice as HTML: a saving with its range on a bar, and costs per call before and after a change.

Every text that is not an amount or a day is escaped here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from app.ui.theme import Palette
from tally.core.text import plural

GREEN = {False: "#0B7A4B", True: "#4ADE9A"}  # on light and on dark


@dataclass(frozen=True, slots=True)
class Figure:
    """A saving in large type: what it is, how much, its range, and its places on a bar in percent."""

    label: str
    amount: str
    note: str
    bar: tuple[float, float, float] | None = None


def render_styles(palette: Palette, is_dark: bool) -> str:
    """The style element of the page."""
    return (
        "<style>"
        ".adv{text-align:right;font-size:13.5px;line-height:1.45;color:" + palette.muted + "}"
        ".adv b{display:block;font-size:28px;line-height:1.25;font-weight:650;letter-spacing:-.02em;"
        f"color:{palette.ink};font-variant-numeric:tabular-nums}}"
        f".adv .saved{{color:{GREEN[is_dark]}}}"
        ".adv .track{position:relative;height:8px;border-radius:4px;margin-top:12px;background:"
        f"{palette.track}}}"
        f".adv .track i{{position:absolute;top:0;bottom:0;border-radius:4px;background:{palette.band}}}"
        ".adv .track u{position:absolute;top:-3px;bottom:-3px;width:4px;margin-left:-2px;border-radius:2px;"
        f"background:{palette.accent}}}"
        ".adv.left{text-align:left}.adv .track.waiting{margin-top:6px}"
        ".adv .done{position:absolute;inset:0 auto 0 0;border-radius:4px;background:" + palette.accent + "}"
        ".adv .ends{display:flex;justify-content:space-between;gap:8px}"
        f".adv .ends strong{{font-weight:600;color:{palette.ink}}}"
        ".adv img{display:block;width:100%;height:36px}"
        f".advline{{border-top:1px solid {palette.line};height:0}}"
        "@media(max-width:900px){.adv{text-align:left}}"
        "</style>"
    )


def draw_figure(figure: Figure) -> str:
    """A saving with its range."""
    bar = ""
    if figure.bar:
        low, mid, high = figure.bar
        told = escape(f"{figure.label}: {figure.amount}, {figure.note}", quote=True)
        bar = (
            f'<div class="track" role="img" aria-label="{told}">'
            f'<i style="left:{low:.2f}%;width:{max(high - low, 0):.2f}%"></i>'
            f'<u style="left:{mid:.2f}%"></u></div>'
        )
    return (
        f'<div class="adv"><span>{escape(figure.label)}</span><b>{escape(figure.amount)}</b>'
        f"<span>{escape(figure.note)}</span>{bar}</div>"
    )


def draw_total(amount: str, note: str) -> str:
    """All verified savings of a month."""
    return (
        '<div class="adv left"><span>Saved a month, measured</span>'
        f'<b class="saved">{escape(amount)}</b><span>{escape(note)}</span></div>'
    )


def draw_course(lines: Sequence[str], at: float, told: str, palette: Palette) -> str:
    """Costs per call before and after a change, as an image: Streamlit takes drawings out of HTML."""
    line = "fill='none' stroke-width='1.5' vector-effect='non-scaling-stroke'"
    image = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 30' preserveAspectRatio='none'>"
        f"<line x1='{at:.1f}' x2='{at:.1f}' y1='0' y2='30' stroke='{palette.other}' stroke-dasharray='2 3' "
        "vector-effect='non-scaling-stroke'/>"
        f"<polyline points='{lines[0]}' stroke='{palette.other}' {line}/>"
        f"<polyline points='{lines[1]}' stroke='{palette.accent}' {line}/></svg>"
    )
    return (
        f'<div class="adv"><img src="data:image/svg+xml,{quote(image)}" '
        f'alt="{escape(told, quote=True)}"></div>'
    )


def draw_waiting(days: int, needed: int) -> str:
    """The progress of a measurement."""
    more = max(needed - days, 0)
    left = plural(more, "more day") if more else "Next night"
    share = min(days / needed, 1) * 100 if needed else 0
    return (
        f'<div class="adv left"><div class="ends"><strong>{left}</strong>'
        f'<span>{days} of {needed}</span></div><div class="track waiting">'
        f'<div class="done" style="width:{share:.1f}%"></div></div></div>'
    )
