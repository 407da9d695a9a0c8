"""The versions of a prompt: a table, and estimates with their intervals."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

import pandas as pd
import streamlit as st

from app import data
from app.figures.prompt_words import (
    describe_interval,
    show_latency,
    show_money,
    show_rate,
    show_score,
    show_tokens,
)
from app.formats.dates import format_day
from app.formats.text import DASH, escape_markdown
from app.ui import charts, columns
from app.ui.cards import render_heading, render_subheading
from app.ui.line_list import Line, render_lines
from app.ui.theme import current_palette
from app.views.prompts.address import Shown
from tally.core.text import plural
from tally.prompts.figures import PromptFigures, VersionFigures
from tally.prompts.scores import PromptScores
from tally.prompts.stored import Prompt, Version
from tally.statistics.intervals import MIN_RUNS, Interval, TooFew

MOST_SHOWN = 8
HUNDRED = Decimal(100)
INTERVAL_WIDTH = 150  # pixels
Show = Callable[[float], str]


class Measure(NamedTuple):
    """A figure of versions with its interval, and what it is counted from."""

    title: str
    read: Callable[[VersionFigures], Interval | TooFew]
    show: Show
    units: str = "calls"


def render_versions(shown: Shown, prompt: Prompt, figures: PromptFigures | None) -> None:
    """The card with the table of versions, newest first."""
    called = {one.number: one for one in figures.versions} if figures else {}
    with st.container(border=True):
        render_heading("Versions", plural(len(prompt.versions), "version"))
        if not prompt.versions:
            st.text("No call names a version yet. Send one with the prompt's name, or push a text.")
            return
        people = {key: person.email for key, person in data.load_people(shown.user).items()}
        frame = pd.DataFrame(
            {
                "version": f"v{version.number}",
                "message": _describe_version(version),
                "author": people.get(version.author_id or "", ""),
                "day": format_day(shown.day_of(version.created_at)),
                "labels": ", ".join(_list_labels(prompt, version)) or DASH,
                "calls": called[version.number].calls if version.number in called else 0,
                "each": _describe_cost(shown, called.get(version.number)),
                "interval": _describe_bounds(shown, called.get(version.number)),
            }
            for version in prompt.versions
        )
        kinds = {
            "version": columns.text("Version"),
            "message": columns.name("Message", most_width=210),
            "author": columns.name("Author", most_width=110),
            "day": columns.text("Date"),
            "labels": columns.fitting_text("Runs and labels", most_width=190),
            "calls": columns.count("Calls"),
            "each": columns.figure("Cost per call"),
            "interval": columns.figure("95% interval", INTERVAL_WIDTH),
        }
        if not frame["author"].any():
            del frame["author"]
        lines = [
            Line(
                f"{row.version} {row.message}".strip(),
                " · ".join(str(part) for part in (row.day, row.labels, f"{row.calls:,} calls", row.each)),
            )
            for row in frame.itertuples()
        ]
        render_lines(frame, kinds, "Versions of the prompt", "versions", lines)
        loose = [one for one in called.values() if one.number is None]
        notes = [f"{plural(one.calls, 'call')} {one.name}" for one in loose]
        if notes:
            st.caption("Besides: " + ", ".join(notes) + ".")


def render_intervals(shown: Shown, figures: PromptFigures, scores: PromptScores) -> None:
    """Cost, tokens, latency, errors and scores of the newest versions, each with its 95% interval."""
    versions = list(figures.versions)[:MOST_SHOWN]
    with st.container(border=True):
        render_heading("By version", f"dot: estimate · line: 95% interval · {shown.days} days")
        with st.grid(2, min_column_width=260, gap="medium"):
            money = show_money(shown.money)
            for measure in (*_list_measures(money), *_list_scores(versions, scores)):
                with st.container(gap="xsmall"):
                    render_subheading(escape_markdown(measure.title))
                    _render_estimates(measure, versions)


def _list_measures(money: Show) -> Sequence[Measure]:
    return (
        Measure("Cost per call, mean", lambda one: one.cost_interval, money),
        Measure("Tokens per call, mean", lambda one: one.token_interval, show_tokens),
        Measure("Latency, median", lambda one: one.latency_interval, show_latency),
        Measure("Failed calls", lambda one: one.error_interval, show_rate),
    )


def _list_scores(versions: Sequence[VersionFigures], scores: PromptScores) -> Sequence[Measure]:
    """The measure of the main score, where any version has it."""
    main = scores.of(versions[0].prompt)
    if not main:
        return ()

    def read(one: VersionFigures) -> Interval | TooFew:
        found = scores.of_version(one.prompt, one.number, one.told)
        return TooFew("no run is scored") if found is None else found.interval

    kind = {"bool": "pass rate", "rating": "rating, mean", "number": "mean"}[main[0].kind]
    return (Measure(f"Score: {main[0].name}, {kind}", read, show_score(main[0].kind), "scored runs"),)


def _render_estimates(measure: Measure, versions: Sequence[VersionFigures]) -> None:
    title, read, show, units = measure
    colours = colour_versions(versions)
    rows = [
        charts.Estimate(one.name, *found, colours[one.name])
        for one in versions
        if isinstance(found := read(one), Interval)
    ]
    if not rows:
        st.caption(f"Too few {units} tell it: {MIN_RUNS} of a version are needed.")
        return
    said = "; ".join(f"{row.name} {show(row.value)} ({show(row.low)} to {show(row.high)})" for row in rows)
    st.plotly_chart(
        charts.estimates(rows, show, current_palette()),
        theme=None,
        key=f"estimates-{title}",
        config=charts.config("USD"),
        alt=f"{title}: {said}.",
    )
    few = [one.name for one in versions if isinstance(read(one), TooFew)]
    if few:
        st.caption(f"Too few {units}: {', '.join(few)}.")


def colour_versions(versions: Sequence[VersionFigures]) -> dict[str, str]:
    """A colour for each version, the newest first."""
    palette = current_palette()
    return {
        one.name: palette.series[place] if place < len(palette.series) else palette.other
        for place, one in enumerate(versions)
    }


def _describe_version(version: Version) -> str:
    if version.message:
        return version.message
    if version.told:
        return f"named {version.told}"
    return "" if version.sha256 else "named by calls, without a text"


def _list_labels(prompt: Prompt, version: Version) -> list[str]:
    running = [
        live.environment if share == HUNDRED else f"{live.environment} {share.normalize():f}%"
        for live in prompt.live
        if (share := live.shares.get(version.number))
    ]
    return [*running, *version.labels]


def _describe_cost(shown: Shown, figures: VersionFigures | None) -> str:
    each = None if figures is None else figures.usd_per_call
    return DASH if each is None else shown.money(each)


def _describe_bounds(shown: Shown, figures: VersionFigures | None) -> str:
    if figures is None:
        return DASH
    return describe_interval(figures.cost_interval, show_money(shown.money))
