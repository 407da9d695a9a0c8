"""Questions about uploaded files: ambiguous dates and numbers, and unknown columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.formats.dates import format_day
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.notices import announce, render_refusal
from app.ui.tables import render_table
from app.views.imports import column_mappings
from app.views.imports.choices import Answers, Choices
from app.views.imports.uploads import Recognized, Unmapped
from tally.core.amounts import parse_amount
from tally.core.encoding import canonical_decimal
from tally.core.records import CostBasis
from tally.importers import AmbiguousDates, Question, generic
from tally.importers.column_matching import REQUIRED
from tally.importers.readers.dates import DateUnreadable, parse_moment
from tally.storage.database import DatabaseError

BASES: dict[CostBasis, str] = {
    "billed": "Yes",
    "estimated": "No, estimated",
    "included": "No, in a plan",
}


def render_question(question: Question, choices: Choices, key: str, file_key: str) -> None:
    """Ask how to read an ambiguous date or number, with examples from the file."""
    answers = choices.answers.get(key, Answers())
    is_dates = isinstance(question, AmbiguousDates)
    answer = answers.day_first if is_dates else answers.decimal_comma
    chosen = st.radio(
        escape_markdown(str(question)),
        [True, False],
        index=None if answer is None else [True, False].index(answer),
        format_func=lambda option: _describe_reading(question, option),
        key=f"{'dates' if is_dates else 'numbers'}-{file_key}",
    )
    if chosen is None or chosen == answer:
        return
    choices.answers[key] = (
        replace(answers, day_first=chosen) if is_dates else replace(answers, decimal_comma=chosen)
    )
    st.rerun()


def render_cost_basis(choices: Choices, key: str, file_key: str) -> None:
    """Ask what the amounts of a table are; its rows show nothing about that."""
    answers = choices.answers.get(key, Answers())
    answer = answers.cost_basis or generic.UNANSWERED
    chosen = st.segmented_control(
        "Are these amounts billed?",
        [*BASES],
        default=answer,
        format_func=lambda basis: BASES[basis],
        key=f"basis-{file_key}",
    )
    if chosen not in (None, answer):
        choices.answers[key] = replace(answers, cost_basis=chosen)
        st.rerun()


def render_unmapped(
    user: User, upload: Unmapped, choices: Choices, file_key: str, is_answered_above: bool
) -> None:
    """Ask for the meaning of columns, once for all files with the same header."""
    if is_answered_above:
        st.caption("Same columns as a file above; it will be read the same way.")
        return
    st.caption("Match the columns. Your choice is remembered for files with the same header.")
    render_mapping(user, upload, choices, file_key)


def render_mapping(user: User, upload: Unmapped | Recognized, choices: Choices, file_key: str) -> None:
    """Ask for the meaning of each column, and remember it for files with the same header."""
    key = column_mappings.header_key(upload.header)
    remembered = {column: heading for heading, column in choices.mappings.get(key, {}).items()}
    guess = column_mappings.guess_columns(upload.header) | remembered
    sample = _sample_frame(upload)
    render_table(sample, {name: columns.text(name) for name in sample.columns}, "The first rows of the file")
    headings = [heading for heading in upload.header if heading]
    with st.form(f"mapping-{file_key}", border=False):
        chosen: dict[str, str | None] = {}
        with st.grid(4, min_column_width=158, gap="small"):
            for column, (label, meaning) in column_mappings.COLUMN_MEANINGS.items():
                chosen[column] = st.selectbox(
                    label if column not in REQUIRED else f"{label} (required)",
                    headings,
                    index=headings.index(guess[column]) if guess.get(column) in headings else None,
                    placeholder="Not in this file",
                    help=meaning,
                    key=f"{column}-{file_key}",
                )
        is_sent = st.form_submit_button("Use these columns", type="primary")
    if is_sent:
        _use_mapping(user, upload.header, chosen, choices)


def _use_mapping(
    user: User, header: Sequence[str], chosen: Mapping[str, str | None], choices: Choices
) -> None:
    mapping = {heading: column for column, heading in chosen.items() if heading}
    missing = [column for column in REQUIRED if not chosen[column]]
    if missing:
        render_refusal(f"Choose the column for {' and '.join(missing)}.")
        return
    if len(mapping) < sum(heading is not None for heading in chosen.values()):
        render_refusal("A column is chosen twice. Each column can have only one meaning.")
        return
    choices.mappings[column_mappings.header_key(header)] = mapping
    try:
        column_mappings.remember_mapping(user, header, mapping)
        announce("Columns saved for files with the same header.")
    except DatabaseError as problem:
        announce(f"The columns are used for this file, but couldn't be saved. {problem}")
    st.rerun()


def _describe_reading(question: Question, option: bool) -> str:
    """One way to read an example, escaped for Markdown."""
    example = question.examples[-1] if question.examples else ""
    if not isinstance(question, AmbiguousDates):
        separator = "Comma" if option else "Point"
        amount = canonical_decimal(parse_amount(example, option))
        reading = f"{separator} as decimal separator: {example.strip()} is ${amount}"
        return escape_markdown(reading)
    order = "Day first" if option else "Month first"
    try:
        moment = parse_moment(example, "UTC", option)
    except DateUnreadable:
        return order
    return escape_markdown(f"{order}: {example.strip()} is {format_day(moment.timestamp.date())}")


def _sample_frame(upload: Unmapped | Recognized) -> pd.DataFrame:
    headings = [
        heading or _name_column(position, upload.header)
        for position, heading in enumerate(upload.header, start=1)
    ]
    return pd.DataFrame(list(upload.sample), columns=headings, dtype=str)


def _name_column(position: int, header: Sequence[str]) -> str:
    """A name for a column without a heading, which no other column has."""
    name = f"(column {position})"
    while name in header:
        name = f"({name})"
    return name
