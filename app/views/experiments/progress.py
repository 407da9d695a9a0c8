"""The variants of an experiment as HTML, each with a bar of its runs against those that are planned."""

from collections.abc import Sequence
from html import escape

from app.ui.theme import Palette
from tally.experiments.evaluation import Side

BEYOND = 1.2  # the bar ends this far beyond the plan
STYLES = (
    ".tly-runs{display:grid;gap:12px}.tly-runs div{display:flex;align-items:center;gap:12px}"
    ".tly-runs .bar{position:relative;flex:1;height:8px;border-radius:4px}"
    ".tly-runs .bar i{position:absolute;left:0;top:0;height:8px;border-radius:4px}"
    ".tly-runs .bar b{position:absolute;top:-3px;width:2px;height:14px;background:currentColor}"
    ".tly-runs .count{min-width:96px;text-align:right;font-variant-numeric:tabular-nums}"
)


def draw_progress(sides: Sequence[Side], planned: int, palette: Palette) -> str:
    """The markup of all variants."""
    rows = "".join(
        _draw_row(side, planned, palette.other if side.variant.is_baseline else palette.accent, palette)
        for side in sides
    )
    return f'<style>{STYLES}</style><div class="tly-runs">{rows}</div>'


def _draw_row(side: Side, planned: int, colour: str, palette: Palette) -> str:
    width = min(side.runs / (planned * BEYOND), 1) * 100
    variant = side.variant
    said = f"{side.runs:,} of {planned:,} runs"
    match = escape(variant.describe() or "its runs are sent") + (" · baseline" if variant.is_baseline else "")
    return (
        f'<section><strong>{escape(variant.name)}</strong> <span style="color:{palette.muted}">{match}</span>'
        f'<div><span class="bar" role="img" aria-label="{said}" style="background:{palette.track}">'
        f'<i style="width:{width:.1f}%;background:{colour}"></i>'
        f'<b style="left:{100 / BEYOND:.1f}%"></b></span>'
        f'<span class="count">{side.runs:,} of {planned:,}</span></div></section>'
    )
