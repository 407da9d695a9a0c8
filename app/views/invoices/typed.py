"""The dialog in which an invoice is typed."""

from datetime import date

import streamlit as st

from app.auth import identity
from app.formats.text import escape_markdown
from app.ui.notices import announce, explain_refusal
from app.views.invoices.invoice_form import Given, render_form, save
from tally.core.amounts import AmountUnreadable
from tally.invoices.invoice import Draft, InvoiceRefused


@st.dialog("Enter an invoice", icon=":material/edit:", width="large")
@explain_refusal
def enter_invoice(today: date) -> None:
    """Ask for an invoice, and save it."""
    user = identity.current_user()
    invoice = None
    try:
        invoice = render_form(user, Given(Draft(), "typed", "typed", today))
    except (AmountUnreadable, InvoiceRefused) as incomplete:
        st.caption(escape_markdown(str(incomplete)))
    is_sent = st.button("Save invoice", type="primary", disabled=invoice is None, key="save-typed-invoice")
    if is_sent and invoice is not None:
        announce(save(user, invoice))
        st.rerun()
