"""Two texts side by side as HTML; everything from outside is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from app.ui.theme import Palette
from tally.core.text import plural
from tally.prompts.comparison import Row, Side

MOST_ROWS = 600
CONTEXT = 3  # equal lines shown around a change
STYLES = (
    ".prompt-diff{width:100%;border-collapse:collapse;table-layout:fixed;font-size:.875rem}"
    ".prompt-diff td,.prompt-diff th{padding:.3rem .6rem;vertical-align:top;text-align:left;"
    "border-bottom:1px solid var(--line);overflow-wrap:anywhere;white-space:pre-wrap;font-weight:400}"
    ".prompt-diff th{font-weight:600}.prompt-diff .n{width:3rem;color:var(--muted);text-align:right}"
    ".prompt-diff del{background:var(--gone);border-radius:.2rem}"
    ".prompt-diff ins{background:var(--come);border-radius:.2rem}"
    ".prompt-diff .gap{color:var(--muted);text-align:center}"
    "@media (max-width:640px){.prompt-diff tr{display:grid;grid-template-columns:3rem 1fr}"
    ".prompt-diff .gap{grid-column:1/-1}.prompt-diff .n{width:auto}.prompt-diff .same{display:none}}"
)


def render_comparison(rows: Sequence[Row], names: tuple[str, str], palette: Palette, is_light: bool) -> str:
    """The lines of two texts beside each other; equal lines far from a change are left out."""
    gone, come = ("#FDE8E6", "#DFF7EA") if is_light else ("#4A1F20", "#123D2B")
    colours = f"--line:{palette.grid};--muted:{palette.muted};--gone:{gone};--come:{come}"
    heads = "".join(f'<th class="n"></th><th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(_render_rows(rows))
    return (
        f"<style>{STYLES}</style>"
        f'<table class="prompt-diff" style="{colours}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _render_rows(rows: Sequence[Row]) -> Iterable[str]:
    near = {
        place + step
        for place, row in enumerate(rows)
        if row.is_changed
        for step in range(-CONTEXT, CONTEXT + 1)
    }
    shown = hidden = 0
    for place, row in enumerate(rows):
        if (place not in near and len(rows) > 4 * CONTEXT) or shown >= MOST_ROWS:
            hidden += 1
            continue
        if hidden:
            yield _render_gap(hidden)
            hidden = 0
        shown += 1
        sides = _render_side(row.before, "del"), _render_side(row.after, "ins", not row.is_changed)
        yield f"<tr>{''.join(sides)}</tr>"
    if hidden:
        yield _render_gap(hidden)


def _render_gap(lines: int) -> str:
    return f'<tr><td class="gap" colspan="4">{plural(lines, "more line")}</td></tr>'


def _render_side(side: Side | None, mark: str, is_same: bool = False) -> str:
    """The cells of a line; on phones, where lines are below each other, the same line is there once."""
    if side is None:
        return '<td class="n same"></td><td class="same"></td>'
    text = "".join(
        f"<{mark}>{escape(span.text)}</{mark}>" if span.is_changed else escape(span.text)
        for span in side.spans
    )
    number, content = ("n same", ' class="same"') if is_same else ("n", "")
    return f'<td class="{number}">{side.number}</td><td{content}>{text}</td>'
