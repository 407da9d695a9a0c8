"""The legend of several charts, or of a table with bars."""

from collections.abc import Iterable
from html import escape


def render_legend(colours: Iterable[tuple[str, str]], ink: str) -> str:
    """Names or values with their colours, as HTML."""
    items = "".join(
        f'<span style="white-space:nowrap"><i style="display:inline-block;width:10px;height:10px;'
        f'border-radius:3px;margin-right:6px;background:{colour}"></i>{escape(name)}</span>'
        for name, colour in colours
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;color:{ink}">{items}</div>'
