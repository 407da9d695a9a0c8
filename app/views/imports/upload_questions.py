"""What a file leaves open: how its dates and numbers read, and which column means what."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.formats.dates import format_day
from app.formats.text import escape_markdown
from app.ui.notices import announce, render_refusal
from app.views.imports import column_mappings
from app.views.imports.uploads import Answers, Choices, Readable, Unmapped
from tally.core.amounts import parse_amount
from tally.core.records import canonical_decimal
from tally.importers import AmbiguousDates, Question, generic
from tally.importers.readers.dates import DateUnreadable, parse_moment
from tally.storage.database import DatabaseError


def render_question(question: Question, choices: Choices, key: str, file_key: str) -> None:
    """Two readings of the file's own examples to choose from."""
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
        Answers(chosen, answers.decimal_comma) if is_dates else Answers(answers.day_first, chosen)
    )
    st.rerun()


def render_unmapped(
    user: User, reading: Unmapped, choices: Choices, file_key: str, is_answered_above: bool
) -> None:
    """Ask for the columns of a file, once for all files with the same header."""
    if is_answered_above:
        st.caption("It has the same columns as a file above and will be read like it.")
        return
    st.caption("Say which of its columns means what. It is remembered for files with the same header.")
    render_mapping(user, reading, choices, file_key)


def render_mapping(user: User, reading: Unmapped | Readable, choices: Choices, file_key: str) -> None:
    """Ask which column means what, and remember it for files with the same header."""
    key = column_mappings.header_key(reading.header)
    chosen_before = {column: heading for heading, column in choices.mappings.get(key, {}).items()}
    guess = column_mappings.guess_columns(reading.header) | chosen_before
    st.dataframe(_sample_frame(reading), hide_index=True, height="content", alt="The first rows of the file")
    headings = [heading for heading in reading.header if heading]
    with st.form(f"mapping-{file_key}", border=False):
        chosen: dict[str, str | None] = {}
        with st.grid(4, min_column_width=158, gap="small"):
            for column, (label, meaning) in column_mappings.COLUMN_MEANINGS.items():
                chosen[column] = st.selectbox(
                    label if column not in generic.REQUIRED else f"{label} (required)",
                    headings,
                    index=headings.index(guess[column]) if guess.get(column) in headings else None,
                    placeholder="No such column",
                    help=meaning,
                    key=f"{column}-{file_key}",
                )
        is_sent = st.form_submit_button("Use these columns", type="primary")
    if is_sent:
        _use_mapping(user, reading.header, chosen, choices)


def _use_mapping(
    user: User, header: Sequence[str], chosen: Mapping[str, str | None], choices: Choices
) -> None:
    mapping = {heading: column for column, heading in chosen.items() if heading}
    missing = [column for column in generic.REQUIRED if not chosen[column]]
    if missing:
        render_refusal(f"Say which column holds the {' and the '.join(missing)}.")
        return
    if len(mapping) < sum(heading is not None for heading in chosen.values()):
        render_refusal("One column of the file is chosen twice. Each can mean one thing only.")
        return
    choices.mappings[column_mappings.header_key(header)] = mapping
    try:
        column_mappings.remember_mapping(user, header, mapping)
        announce("These columns are remembered for files with the same header.")
    except DatabaseError as problem:
        announce(f"The columns are used now, but could not be remembered. {problem}")
    st.rerun()


def _describe_reading(question: Question, option: bool) -> str:
    """One way to read the first example, as Markdown that shows text."""
    example = question.examples[-1] if question.examples else ""
    if not isinstance(question, AmbiguousDates):
        sign = "comma" if option else "point"
        amount = canonical_decimal(parse_amount(example, option))
        reading = f"The {sign} is the decimal sign: {example.strip()} is {amount} dollars"
        return escape_markdown(reading)
    order = "Day first" if option else "Month first"
    try:
        moment = parse_moment(example, "UTC", option)
    except DateUnreadable:
        return order
    return escape_markdown(f"{order}: {example.strip()} is {format_day(moment.timestamp.date())}")


def _sample_frame(reading: Unmapped | Readable) -> pd.DataFrame:
    headings = [heading or f"(column {place})" for place, heading in enumerate(reading.header, start=1)]
    return pd.DataFrame(list(reading.sample), columns=headings, dtype=str)
