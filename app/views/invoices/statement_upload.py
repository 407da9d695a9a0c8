"""The card of an uploaded statement: its questions, and the charges that would be kept."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.notices import announce, explain_refusal, render_warning
from app.ui.tables import render_table
from tally.core.text import plural
from tally.importers.protocol import AmbiguousDates, MissingColumns, Options, Question
from tally.invoices.statement_csv import COLUMNS, Answers, read_statement_csv
from tally.invoices.statements import Statement, read_ofx
from tally.invoices.stored import find_usd_rate

ASKED = {"date": "Date", "description": "Merchant or description", "amount": "Amount"}


def read_statement(data_: bytes, filename: str, currency: str, answers: Mapping[str, Any]) -> Statement:
    """Read a statement with a person's answers; raises what there is to ask or to refuse."""
    if filename.lower().endswith((".ofx", ".qfx")):
        return read_ofx(data_, currency)
    mapping = {heading: column for column, heading in answers.get("columns", {}).items()}
    options = Options("UTC", day_first=answers.get("day_first"), decimal_comma=answers.get("decimal_comma"))
    return read_statement_csv(data_, filename, Answers(currency, mapping or None, options))


def render_statement(user: User, found: Statement | Question | MissingColumns, file_id: str) -> None:
    """A question about the file, or its charges for AI."""
    if isinstance(found, MissingColumns):
        _ask_columns(found, file_id)
    elif isinstance(found, Question):
        _ask(found, file_id)
    else:
        _render_charges(user, found, file_id)


def _answer(file_id: str, **given: Any) -> None:
    answers = st.session_state.get(f"answers-{file_id}", {})
    st.session_state[f"answers-{file_id}"] = answers | given
    st.rerun()


def _ask_columns(missing: MissingColumns, file_id: str) -> None:
    st.text(str(missing))
    chosen = {}
    with st.grid(3, min_column_width=180, gap="small"):
        for column, label in ASKED.items():
            guess = next((name for name in missing.found if name.casefold() in COLUMNS[column]), None)
            index = missing.found.index(guess) if guess else None
            chosen[column] = st.selectbox(
                label, missing.found, index=index, placeholder="Choose a column", key=f"{column}-{file_id}"
            )
    is_whole = all(chosen.values()) and len(set(chosen.values())) == len(chosen)
    if st.button("Use these columns", disabled=not is_whole, key=f"columns-{file_id}"):
        _answer(file_id, columns=chosen)


def _ask(question: Question, file_id: str) -> None:
    st.text(str(question))
    choices = ("Day first", "Month first") if isinstance(question, AmbiguousDates) else ("Comma", "Point")
    name = "day_first" if isinstance(question, AmbiguousDates) else "decimal_comma"
    with st.container(horizontal=True, gap="small"):
        for choice in choices:
            if st.button(choice, key=f"{choice}-{file_id}"):
                _answer(file_id, **{name: choice == choices[0]})


@explain_refusal
def _render_charges(user: User, found: Statement, file_id: str) -> None:
    count = len(found.lines)
    st.caption(
        escape_markdown(
            f"{plural(count, 'charge')} for AI in {plural(found.read, 'line')}. All others are forgotten."
        )
    )
    if found.untold:
        charges = plural(found.untold, "charge")
        st.caption(f"{charges} of an app store may be a plan. Add such a plan as a subscription.")
    if found.rejected:
        first = found.rejected[0]
        lines = plural(len(found.rejected), "line")
        render_warning(f"{lines} could not be read, first line {first.line}: {first.reason}")
    if count:
        rows = [
            (line.posted_on, line.product, line.descriptor, (line.amount, line.currency))
            for line in found.lines
        ]
        frame = pd.DataFrame(rows, columns=["day", "product", "descriptor", "amount"], dtype=object)
        kinds = {
            "day": columns.day("Posted"),
            "product": columns.name("Product"),
            "descriptor": columns.name("On the statement", 300),
            "amount": columns.own_money("Amount"),
        }
        render_table(frame, kinds, "Charges for AI on this statement")
    label = f"Keep {plural(count, 'charge')}" if count else "Forget this file"
    if st.button(label, type="primary", key=f"keep-{file_id}"):
        if count:
            rates = data.load_rates(user)
            rated = [(line, find_usd_rate(rates, line.currency, line.posted_on)[0]) for line in found.lines]
            added, known = data.save_statement_lines(user, rated)
            announce(f"{plural(added, 'charge')} added, {known:,} already there.")
        st.session_state.invoices_done.add(file_id)
        st.rerun()
