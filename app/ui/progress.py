"""A period's progress as HTML: what is spent, the likely end, and a bar. It has no text from outside."""

from html import escape

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
from app.formats.money import format_limit, format_plain
from app.ui.theme import Palette

WIDE, NARROW = 560, 270  # pixels: the narrowest bars with all labels, and with those of a phone
STYLES = """
.tly{container-type:inline-size;font-size:15px;line-height:1.5}
.tly b{font-weight:600;color:var(--ink)}
.tly .line{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 28px}
.tly .big{font-size:40px;font-weight:650;line-height:1.2;letter-spacing:-.02em;white-space:nowrap}
.tly .big small{font-size:19px;font-weight:450;letter-spacing:0;color:var(--muted)}
.tly .say{font-size:17px;color:var(--muted)}
.tly .say span,.tly .facts span{white-space:nowrap}
.tly .facts{display:flex;flex-wrap:wrap;gap:4px 24px;margin-top:14px;padding-top:12px;
border-top:1px solid var(--line);font-size:13.5px;color:var(--muted)}
.tly .row{position:relative;height:20px;font-size:12px;color:var(--muted)}
.tly .row span{position:absolute;white-space:nowrap;line-height:20px}
.tly .row.top{margin-top:14px}
.tly .start{margin-left:6px}.tly .middle{transform:translateX(-50%)}
.tly .end{margin-left:-6px;transform:translateX(-100%)}
.tly .narrow{display:none}
.tly .track{position:relative;height:18px;border-radius:5px;background:var(--track)}
.tly .track i{position:absolute;top:0;bottom:0}
.tly .track .first{border-radius:5px 0 0 5px}
.tly .spent{background:var(--accent)}.tly .over{background:var(--bad)}.tly .ahead{background:var(--wide)}
.tly .range{background:var(--band)}.tly .risk{background:var(--warn)}
.tly.paused .spent{background:var(--calm)}
.tly .track .mark{top:-4px;bottom:-4px;width:3px;margin-left:-1.5px;border-radius:1.5px;background:var(--ink);
box-shadow:0 0 0 1px var(--surface)}
.tly .track .cap{top:-12px;bottom:-6px;width:2px;margin-left:-1px;background:var(--bad)}
.tly .track .ago{width:0;border-left:1.5px dashed var(--surface);margin-left:-1px}
.tly .track .tip{top:20px;bottom:auto;margin-left:-4px;border:4px solid transparent;border-top:0;
border-bottom:6px solid var(--muted)}
.tly .row .limit{color:var(--badink);font-weight:500}.tly .row .likely{color:var(--ink);font-weight:500}
.tly .thin{height:10px}.tly .thin .cap{top:-5px;bottom:-5px}.tly .thin .cap.calm{background:var(--muted)}
@container (max-width:559px){.tly .wide{display:none}.tly .narrow{display:block}
.tly .facts{flex-direction:column}.tly .say i{display:none}.tly .say span{display:block}}
""".replace("\n", "")


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
        "calm": palette.calm.fill,
    }
    listed = ";".join(f"--{name}:{colour}" for name, colour in colours.items())
    return f"<style>.tly{{{listed}}}{STYLES}</style>"


def hero(progress: Progress, currency: str, earlier: str, absence: str = "") -> str:
    """Spent, limit and likely end in large type, the bar with labels, and the facts to act on.

    `earlier` names the period before at the same day; `absence` says why there is no forecast.
    """
    likely, chance = describe_likely(progress, currency), describe_chance(progress)
    said = [f"<span>{_mark_up(words)}</span>" for words in (likely or ((absence, False),), chance) if words]
    limit = (
        ""
        if progress.limit is None
        else f" <small>of {escape(format_limit(progress.limit, currency))}</small>"
    )
    spent = escape(format_plain(progress.spent, currency))
    facts = "".join(f"<span>{_mark_up(words)}</span>" for words in list_facts(progress, currency, earlier))
    return (
        f'<div class="tly"><div class="line"><div class="big">{spent}{limit}</div>'
        f'<div class="say">{" <i>·</i> ".join(said)}</div></div>'
        f"{_labelled_bar(progress, currency, earlier)}"
        + (f'<div class="facts">{facts}</div>' if facts else "")
        + "</div>"
    )


def thin_bar(progress: Progress, currency: str, earlier: str) -> str:
    """A bar without labels, which ends at 130% of its limit, so that the limits of several bars align."""
    full = progress.limit and progress.limit * 13 / 10
    bar = draw_bar(progress, full)
    calm = "calm" if progress.limit is not None and progress.spent < progress.limit else ""
    kind = "tly paused" if progress.is_paused else "tly"
    return f'<div class="{kind}">{_track(bar, describe_bar(progress, currency, earlier), "thin", calm)}</div>'


def _mark_up(words: Words) -> str:
    return "".join(f"<b>{escape(text)}</b>" if stands_out else escape(text) for text, stands_out in words)


def _labelled_bar(progress: Progress, currency: str, earlier: str) -> str:
    if (progress.limit, progress.likely, progress.before) == (None, None, None):
        return ""  # nothing to compare with
    bar = draw_bar(progress)
    above, below = _list_labels(progress, bar, currency, earlier)
    tip = "" if bar.before is None else f'<i class="tip" style="left:{bar.before:.2%}"></i>'
    return (
        f'<div class="row top" aria-hidden="true">{_place(above)}</div>'
        f"{_track(bar, describe_bar(progress, currency, earlier), '', '', tip)}"
        f'<div class="row" aria-hidden="true" style="margin-top:6px">{_place(below)}</div>'
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


def _list_labels(
    progress: Progress, bar: Bar, currency: str, earlier: str
) -> tuple[list[Label], list[Label]]:
    """The labels above the bar and below it, the most important ones first."""
    above, below = [], []
    reaches = progress.limit is not None and progress.upper is not None and progress.upper > progress.limit
    if bar.limit is not None and progress.limit is not None:
        sides: tuple[Anchor, ...] = ("end", "start") if reaches else ("start", "end")
        text = f"limit {format_limit(progress.limit, currency)}"
        above.append(Label("limit", text, bar.limit, sides))
    if within := describe_range(progress, currency):
        end = max(part.end for part in bar.parts if part.kind in ("range", "risk", "ahead", "spent", "over"))
        at, side = (bar.limit, "start") if reaches and bar.limit is not None else (end, "end")
        above.append(Label("within", f"range {within}", at, (side, "middle", "end")))  # type: ignore[arg-type]
    if bar.likely is not None and progress.likely is not None:
        text = f"likely {format_plain(progress.likely, currency)}"
        below.append(Label("likely", text, bar.likely, ("middle", "end", "start")))
    if bar.before is not None and progress.before is not None:
        text = f"{earlier} {format_plain(progress.before, currency)}"
        below.append(Label("before", text, bar.before, ("end", "start", "middle")))
    return above, below


def _place(labels: list[Label]) -> str:
    return "".join(
        _label(placed, kind)
        for kind, width in (("wide", WIDE), ("narrow", NARROW))
        for placed in place_labels(labels, width)
    )


def _label(placed: Placed, kind: str) -> str:
    label = placed.label
    return (
        f'<span class="{kind} {label.kind} {placed.anchor}" style="left:{label.at:.2%}">'
        f"{escape(label.text)}</span>"
    )
