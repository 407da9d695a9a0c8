"""The card of an uploaded list of invoices."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.invoices import KINDS
from app.formats.text import list_names
from app.ui import columns
from app.ui.notices import announce, explain_refusal
from app.ui.tables import render_table
from tally.core.text import plural
from tally.importers.protocol import Options
from tally.invoices.invoice_csv import InvoiceList, read_invoice_list


def read_list(content: bytes, name: str, answers: Mapping[str, Any]) -> InvoiceList:
    """Read a list with a person's answers; raises what there is to ask or to refuse."""
    options = Options("UTC", day_first=answers.get("day_first"), decimal_comma=answers.get("decimal_comma"))
    return read_invoice_list(content, name, options)


@explain_refusal
def render_invoice_list(user: User, found: InvoiceList, file_id: str) -> None:
    """The invoices of a file, saved together with one press."""
    count = plural(len(found.invoices), "invoice")
    st.caption(f"{count}. Lines and sums of each add up.")
    if found.assumption:
        st.caption(found.assumption)
    if found.unused:
        st.caption(f"Columns left out: {list_names(found.unused, 10, 40)}.")
    rows = [
        (each.seller, each.number, KINDS[each.kind], each.issued_on, (each.total, each.currency))
        for each in found.invoices
    ]
    frame = pd.DataFrame(rows, columns=["seller", "number", "for", "issued", "total"], dtype=object)
    kinds = {
        "seller": columns.name("Seller"),
        "number": columns.name("Number", 150),
        "for": columns.text("For"),
        "issued": columns.day("Issued"),
        "total": columns.own_money("Total"),
    }
    render_table(frame, kinds, "Invoices of this file")
    if st.button(f"Save {count}", type="primary", key=f"save-{file_id}"):
        added, known = data.save_invoices(user, found.invoices)
        announce(f"{plural(added, 'invoice')} added, {known:,} already there.")
        st.session_state.invoices_done.add(file_id)
        st.rerun()
