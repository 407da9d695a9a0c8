"""A period's progress as HTML: what is spent, the likely end, and a bar. It has no text from outside."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from app.figures.labels import Anchor, Label, Placed, place_labels
from app.figures.progress import Bar, Progress, draw_bar
from app.figures.progress_words import (
    Words,
    describe_bar,
    describe_chance,
    describe_likely,
    describe_range,
    list_facts,
)
from app.formats.units import format_chosen, format_whole
from app.ui.theme import Palette

WIDTHS = {"wide": 560, "narrow": 270}  # pixels: the narrowest bars with all labels, and those of a phone
STYLES = " ".join((Path(__file__).resolve().parents[1] / "static" / "progress.css").read_text().split())


def render_styles(palette: Palette) -> str:
    """The style element of every bar on a page."""
    colours = {
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.line,
        "surface": palette.surface,
        "track": palette.track,
        "accent": palette.accent,
        "wide": palette.wide_band,
        "band": palette.band,
        "warn": palette.warn.fill,
        "bad": palette.bad.fill,
        "badink": palette.bad.ink,
        "warnink": palette.warn.ink,
        "calm": palette.other,
    }
    listed = ";".join(f"--tly-{name}:{colour}" for name, colour in colours.items())
    return f"<style>:root{{{listed}}}{STYLES}</style>"


def hero(progress: Progress, unit: str, earlier: str, absence: str = "") -> str:
    """Spent, limit and likely end in large type, the bar with labels, and the facts to act on.

    `earlier` names the period before at the same day; `absence` says why there is no forecast.
    """
    likely, chance = describe_likely(progress, unit), describe_chance(progress)
    said = [f"<span>{_mark_up(words)}</span>" for words in (likely or ((absence, False),), chance) if words]
    limit = (
        "" if progress.limit is None else f" <small>of {escape(format_chosen(progress.limit, unit))}</small>"
    )
    spent = escape(format_whole(progress.spent, unit))
    facts = "".join(f"<span>{_mark_up(words)}</span>" for words in list_facts(progress, unit, earlier))
    return (
        f'<div class="tly"><div class="line"><div class="big">{spent}{limit}</div>'
        f'<div class="say">{" <i>·</i> ".join(said)}</div></div>'
        f"{_labelled_bar(progress, unit, earlier)}"
        + (f'<div class="facts">{facts}</div>' if facts else "")
        + "</div>"
    )


def thin_bar(progress: Progress, unit: str, earlier: str) -> str:
    """A bar without labels, which ends at 130% of its limit, so that the limits of several bars align."""
    full = progress.limit and progress.limit * 13 / 10
    bar = draw_bar(progress, full)
    calm = "calm" if progress.limit is not None and progress.spent < progress.limit else ""
    kind = "tly paused" if progress.is_paused else "tly"
    return f'<div class="{kind}">{_track(bar, describe_bar(progress, unit, earlier), "thin", calm)}</div>'


def heads(names: Sequence[str]) -> str:
    """The heads of rows with numbers."""
    listed = "".join(f"<span>{name}</span>" for name in names)
    return f'<div class="tly"><div class="tlyrow head">{listed}</div></div>'


def legend() -> str:
    """The colours of thin bars, in words."""
    parts = (
        ("spent", "spent"),
        ("range", "range"),
        ("risk", "range above the limit"),
        ("over", "spent above the limit"),
        ("ink", "likely end"),
        ("cap", "limit"),
    )
    listed = "".join(f'<span><i class="{kind}"></i>{text}</span>' for kind, text in parts)
    return f'<div class="legend" aria-hidden="true">{listed}</div>'


def _mark_up(words: Words) -> str:
    return "".join(f"<b>{escape(text)}</b>" if stands_out else escape(text) for text, stands_out in words)


def _labelled_bar(progress: Progress, unit: str, earlier: str) -> str:
    if (progress.limit, progress.likely, progress.before) == (None, None, None):
        return ""  # nothing to compare with
    bar = draw_bar(progress)
    above, below = _list_labels(progress, bar, unit, earlier)
    tip = "" if bar.before is None else f'<i class="tip" style="left:{bar.before:.2%}"></i>'
    return (
        f'<div class="row top" aria-hidden="true">{_place(above)}</div>'
        f"{_track(bar, describe_bar(progress, unit, earlier), '', '', tip)}"
        f'<div class="row" aria-hidden="true" style="margin-top:6px">{_place(below)}</div>'
        f"{_explain_tip(below)}"
    )


def _track(bar: Bar, text: str, size: str, limit_kind: str, more: str = "") -> str:
    parts = [
        f'<i class="{part.kind}{" first" if part.start == 0 else ""}" '
        f'style="left:{part.start:.2%};width:{part.end - part.start:.2%}"></i>'
        for part in bar.parts
    ]
    marks = {f"cap {limit_kind}": bar.limit, "mark": bar.likely, "ago": None if size else bar.before}
    parts += [f'<i class="{kind}" style="left:{at:.2%}"></i>' for kind, at in marks.items() if at is not None]
    return f'<div class="track {size}" role="img" aria-label="{escape(text)}">{"".join(parts)}{more}</div>'


def _list_labels(progress: Progress, bar: Bar, unit: str, earlier: str) -> tuple[list[Label], list[Label]]:
    """The labels above the bar and below it, the most important ones first."""
    above, below = [], []
    reaches = progress.limit is not None and progress.upper is not None and progress.upper > progress.limit
    if bar.limit is not None and progress.limit is not None:
        sides: tuple[Anchor, ...] = ("end", "start") if reaches else ("start", "end")
        text = f"limit {format_chosen(progress.limit, unit)}"
        above.append(Label("limit", text, bar.limit, sides))
    if within := describe_range(progress, unit):
        end = max(part.end for part in bar.parts if part.kind in ("range", "risk", "ahead", "spent", "over"))
        at, side = (bar.limit, "start") if reaches and bar.limit is not None else (end, "end")
        above.append(Label("within", f"range {within}", at, (side, "middle", "end")))  # type: ignore[arg-type]
    if bar.likely is not None and progress.likely is not None:
        text = f"likely {format_whole(progress.likely, unit)}"
        below.append(Label("likely", text, bar.likely, ("middle", "end", "start")))
    if bar.before is not None and progress.before is not None:
        text = f"{earlier} {format_whole(progress.before, unit)}"
        below.append(Label("before", text, bar.before, ("end", "start", "middle")))
    return above, below


def _place(labels: list[Label]) -> str:
    return "".join(
        _label(placed, kind) for kind, width in WIDTHS.items() for placed in place_labels(labels, width)
    )


def _explain_tip(labels: list[Label]) -> str:
    """A line with the mark of the period before, in bars of a width that has no room for its label."""
    return "".join(
        f'<div class="key {kind}" aria-hidden="true"><i></i>{escape(label.text)}</div>'
        for kind, width in WIDTHS.items()
        for label in labels
        if label.kind == "before" and label not in [placed.label for placed in place_labels(labels, width)]
    )


def _label(placed: Placed, kind: str) -> str:
    label = placed.label
    return (
        f'<span class="{kind} {label.kind} {placed.anchor}" style="left:{label.at:.2%}">'
        f"{escape(label.text)}</span>"
    )
