"""The legend of several charts, or of a table with bars."""

from collections.abc import Collection, Iterable
from html import escape

SQUARE = "width:10px;height:10px;border-radius:3px;background:{}"
DOTTED = "width:16px;height:0;border-top:2px dotted {};vertical-align:middle"


def render_legend(colours: Iterable[tuple[str, str]], ink: str, dotted: Collection[str] = ()) -> str:
    """Names or values with their colours, as HTML; those that are `dotted` are lines."""
    items = "".join(
        f'<span style="white-space:nowrap"><i style="display:inline-block;margin-right:6px;'
        f'{(DOTTED if name in dotted else SQUARE).format(colour)}"></i>{escape(name)}</span>'
        for name, colour in colours
    )
    style = f"display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;color:{ink}"
    return f'<div class="tally-legend" style="{style}">{items}</div>'
