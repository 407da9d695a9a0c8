"""Cells of tables that are more than text, as HTML: bars, courses, and marks in a colour."""

from collections.abc import Callable, Sequence
from html import escape

from app.ui.agent_markup import draw_line
from app.ui.theme import Palette

Markup = Callable[[object, Palette], str]
COURSE_WIDTH, COURSE_HEIGHT = 72, 22  # pixels


def draw_bar(most: float, show: Callable[[float], str]) -> Markup:
    """A bar that is full from `most` on, and the number beside it."""

    def draw(value: object, palette: Palette) -> str:
        number = float(str(value))
        filled = min(max(number / most, 0.0), 1.0)
        return (
            f'<span class="bar"><i aria-hidden="true"><i style="width:{filled:.1%};'
            f'background:{palette.accent}"></i></i><span>{escape(show(number))}</span></span>'
        )

    return draw


def draw_course(value: object, palette: Palette) -> str:
    """A small line of numbers, which says nothing more than the chart of the page."""
    numbers = [max(float(each), 0.0) for each in value] if isinstance(value, Sequence) else []
    if not numbers:
        return ""
    line = escape(draw_line(numbers, palette.accent))
    return f'<img alt="" width="{COURSE_WIDTH}" height="{COURSE_HEIGHT}" src="{line}">'


def draw_mark(value: object, _palette: Palette) -> str:
    """A square in a colour."""
    return f'<i class="mark" style="background:{escape(str(value))}"></i>'
