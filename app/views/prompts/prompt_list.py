"""The list of prompts: sums, what is certain of new versions, the table, and how prompts get here."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pandas as pd
import streamlit as st

from app import data
from app.figures.prompt_words import (
    compare_quality_in_words,
    describe_change,
    describe_quality,
    describe_ratio,
    describe_runs,
    format_signed_percent,
    rank_quality,
)
from app.formats.dates import format_short_day
from app.formats.money import format_money
from app.formats.text import DASH, escape_markdown
from app.ui import columns
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.navigation import switch_page
from app.ui.tables import render_table
from app.ui.theme import apply_code_styles
from app.views.prompts.address import Shown, open_prompt
from tally.core.text import plural
from tally.prompts.figures import PromptFigures, PromptSums, find_news
from tally.prompts.scores import PromptScores, Scores
from tally.prompts.stored import PRODUCTION, PromptSummary

ALL, SPLIT, UNSCORED, ARCHIVED = "All", "Split", "Without scores", "Archived"
MOST_PROMPTS = 2000  # of a workspace, as the database bounds them
MOST_LINES = 100  # each is an element of the page, on phones or not
NEW = 1e9  # sorts after every change
ABOUT = (
    "Change: the cost of a call against the same days before. Costs are those of the calls that name the "
    "prompt, at their own prices. Quality: the main score of experiments' runs, which you bring; nothing is "
    "judged by Tally. Select a prompt to open it."
)


def render_list(shown: Shown) -> None:
    """The page without a prompt."""
    with st.skeleton(height=480):
        prompts = data.load_prompts(shown.user)
        archived = data.load_prompts(shown.user, "", True)
    known = {one.name for each in (prompts, archived) for one in each}
    if shown.project_id is not None:
        prompts, archived = (
            [one for one in each if one.project_id in (None, shown.project_id)]
            for each in (prompts, archived)
        )
    figures = None
    if prompts or archived:
        figures = shown.load_figures()
    if figures is not None:
        _render_sums(shown, prompts, figures)
        scores = shown.load_scores()
        _render_news(figures, scores)
        _render_table(shown, (prompts, archived), figures, scores)
        if len(known) >= MOST_PROMPTS:
            st.caption(describe_full(len(figures.sum_up().keys() - known)))
    render_ways_in(is_empty=not prompts and not archived)


def describe_full(unlisted: int) -> str:
    """The sentence of a workspace that has as many prompts as it can have."""
    full = f"A workspace can have {MOST_PROMPTS:,} prompts, and this one has them."
    room = "Archived ones that nobody pushed, tagged or deployed give their place to names that are called."
    if not unlisted:
        return f"{full} {room}"
    more = "1 more that calls name is" if unlisted == 1 else f"{unlisted:,} more that calls name are"
    return f"{full} {more} not listed, but counted above. {room}"


def _render_sums(shown: Shown, prompts: Sequence[PromptSummary], figures: PromptFigures) -> None:
    code = shown.currency.code
    sums = figures.sum_up().values()
    running = [prompt.runs() for prompt in prompts]
    splits = sum(len(shares) > 1 for shares in running)
    first = shown.period[0]
    rolled_out = sorted(
        (share.since, prompt.name, share.number)
        for prompt in prompts
        for share in prompt.runs(PRODUCTION)
        if shown.day_of(share.since) >= first
    )
    cost = shown.convert(sum((one.cost_usd for one in sums), Decimal(0)))
    calls = sum(one.calls for one in sums)
    with st.container(border=True), st.grid(5, min_column_width=140, gap="small"):
        _metric("Prompts", f"{len(prompts):,}", plural(sum(prompt.versions for prompt in prompts), "version"))
        _metric(
            "In production",
            plural(sum(map(len, running)), "version"),
            f"{plural(splits, 'prompt')} with a split" if splits else "no split",
        )
        _metric(
            "Calls with a prompt", f"{calls:,}", _describe_share(calls, shown.count_all_calls(), shown.days)
        )
        _metric("Cost", format_money(cost, code), f"in {shown.days} days")
        newest = "none"
        if rolled_out:
            since, name, number = rolled_out[-1]
            newest = f"{name} v{number}, {format_short_day(shown.day_of(since), shown.today)}"
        _metric("Rolled out", plural(len(rolled_out), "version"), newest)


def _describe_share(calls: int, all_calls: int, days: int) -> str:
    """The share of all calls; the days alone where bills count fewer calls than programs told."""
    if not 0 < calls <= all_calls:
        return f"in {days} days"
    share = calls / all_calls
    return "less than 1% of all calls" if share < 0.01 else f"{share:.0%} of all calls"


def _metric(label: str, value: str, note: str) -> None:
    with st.container(gap=None):
        st.metric(label, value)
        st.caption(escape_markdown(note))


def _render_news(figures: PromptFigures, scores: PromptScores) -> None:
    if (news := find_news(figures)) is None:
        return
    base, other, ratio = news
    text = escape_markdown(f"{other.prompt}: {describe_ratio(base, other, ratio)}.")
    told = [scores.of_version(one.prompt, one.number, one.told) for one in (base, other)]
    quality = escape_markdown(compare_quality_in_words(told[0], told[1], (base.name, other.name)))
    st.info(f"**{text}**  \n{quality}", icon=":material/info:")


def _sort_kinds(
    prompts: Sequence[PromptSummary], archived: Sequence[PromptSummary], quality: Mapping[str, Scores]
) -> dict[str, list[PromptSummary]]:
    """The prompts of each filter; empty ones are left out, and "Without scores" where none has any."""
    unscored = [prompt for prompt in prompts if prompt.name not in quality]
    kinds = {
        ALL: list(prompts),
        SPLIT: [prompt for prompt in prompts if len(prompt.runs()) > 1],
        UNSCORED: unscored if len(unscored) < len(prompts) else [],
        ARCHIVED: list(archived),
    }
    return {name: found for name, found in kinds.items() if found or name == ALL}


def _render_table(
    shown: Shown,
    prompts: tuple[Sequence[PromptSummary], Sequence[PromptSummary]],
    figures: PromptFigures,
    scores: PromptScores,
) -> None:
    """The filters and the rows; `prompts` are those that are not archived, and those that are."""
    quality = {
        prompt.name: found
        for each in prompts
        for prompt in each
        if (found := scores.sum_up(prompt.name)) is not None
    }
    kinds = _sort_kinds(*prompts, quality)
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            search = st.text_input(
                "Search",
                placeholder="Prompt, tag or message",
                key="search",
                bind="query-params",
                max_chars=200,
                label_visibility="collapsed",
                width=280,
            ).strip()
            kind = ALL
            if len(kinds) > 1:
                kind = (
                    st.segmented_control(
                        "Kind",
                        list(kinds),
                        default=ALL,
                        required=True,
                        key="kind",
                        format_func=lambda name: f"{name} {len(kinds[name]):,}",
                        label_visibility="collapsed",
                    )
                    or ALL
                )
        listed = kinds[kind]
        if search:
            names = {one.name for one in data.load_prompts(shown.user, search, kind == ARCHIVED)}
            listed = [prompt for prompt in listed if prompt.name in names]
        if not listed:
            st.text("No prompt is found." if search else "No prompts here.")
            return
        _render_rows(shown, listed, figures, quality)
        st.caption(ABOUT)


def _render_rows(
    shown: Shown, prompts: Sequence[PromptSummary], figures: PromptFigures, quality: Mapping[str, Scores]
) -> None:
    sums, code = figures.sum_up(), shown.currency.code
    nothing = PromptSums(0, Decimal(0), 0)
    rows = sorted(
        ((prompt, sums.get(prompt.name, nothing)) for prompt in prompts),
        key=lambda row: (-row[1].cost_usd, row[0].name),
    )
    key = f"prompts-{hash(tuple(prompt.name for prompt, _ in rows))}"
    place = selected_line(key, len(rows))
    if place is not None:
        open_prompt(rows[place][0].name)
        st.rerun()
    frame = pd.DataFrame(
        {
            "name": prompt.name,
            "versions": prompt.versions,
            "runs": describe_runs(prompt),
            "calls": found.calls,
            "each": found.usd_per_call if found.usd_per_call is not None else columns.ABSENT,
            "change": _change_of(found, figures.before.get(prompt.name)),
            "quality": quality.get(prompt.name, columns.ABSENT),
            "cost": shown.convert(found.cost_usd),
            "days": _list_course(shown, figures, prompt.name),
        }
        for prompt, found in rows
    )
    kinds = {
        "name": columns.name("Prompt"),
        "versions": columns.count("Versions"),
        "runs": columns.fitting_text("Production"),
        "calls": columns.count("Calls"),
        "each": columns.number(
            "Cost per call",
            lambda usd: DASH if usd == columns.ABSENT else shown.money(usd),
            lambda usd: columns.BELOW_ALL if usd == columns.ABSENT else float(usd),
        ),
        "change": columns.number("Change", _show_change),
        "quality": columns.number(
            "Quality",
            lambda scores: DASH if scores == columns.ABSENT else describe_quality(scores),
            lambda scores: columns.BELOW_ALL if scores == columns.ABSENT else rank_quality(scores),
        ),
        "cost": columns.money("Cost", code),
        "days": columns.trend("By day"),
    }
    lines = [
        Line(
            prompt.name,
            " · ".join(
                [
                    plural(found.calls, "call"),
                    *(
                        [f"{shown.money(found.usd_per_call)} per call"]
                        if found.usd_per_call is not None
                        else []
                    ),
                    format_money(shown.convert(found.cost_usd), code),
                    *([describe_quality(quality[prompt.name])] if prompt.name in quality else []),
                    describe_runs(prompt),
                ]
            ),
        )
        for prompt, found in rows
    ]
    if len(lines) > MOST_LINES:
        render_table(frame, kinds, "Prompts", key=key)
    else:
        render_choices(frame, kinds, "Prompts", key, lines)


def _change_of(now: PromptSums, before: PromptSums | None) -> float | None:
    if not now.calls:
        return None
    if before is None or not before.calls:
        return NEW
    return describe_change(now, before)


def _show_change(change: float) -> str:
    return "new" if change >= NEW else format_signed_percent(change)


def _list_course(shown: Shown, figures: PromptFigures, name: str) -> list[float]:
    """The cost of a call by day; days without calls go on with that of the day before."""
    course: list[float] = []
    for usd in figures.costs_by_day(name):
        course.append(float(shown.convert(usd)) if usd is not None else course[-1] if course else 0.0)
    return course if any(course) else []


def render_ways_in(is_empty: bool) -> None:
    """The ways in: by names in telemetry, by the command, and by the API."""
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.header("No prompts yet" if is_empty else "How prompts get here", anchor=False, width="content")
            if st.button("Set up", icon=":material/chevron_right:", key="set_up_prompts"):
                switch_page("keys")
        left, right = st.columns([1, 1.25], gap="medium")
        with left:
            _render_words()
        with right:
            apply_code_styles()
            st.code(
                'span.set_attribute("gen_ai.prompt.name", "refund-policy")\n'
                'span.set_attribute("gen_ai.prompt.version", "8")',
                language="python",
                wrap_lines=True,
            )
            st.code("tally prompts push refund-policy.txt", language="bash", wrap_lines=True)


def _render_words() -> None:
    """The words beside the examples."""
    st.text(
        "Send the name and the version of a prompt with each call: a new version appears within minutes of "
        "its first call. Its text is optional. Push it to compare versions by words, to deploy and roll "
        "back, and to let programs fetch what runs: GET /v1/prompts/NAME."
    )
