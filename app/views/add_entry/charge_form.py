"""The form for a single charge."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.formats.amount_field import read_amount
from app.formats.dates import format_day
from app.formats.money import format_usd
from app.parts.provider_choice import choose_provider
from app.parts.record_labels import CHARGES
from app.ui.notices import announce, render_refusal
from app.ui.periods import EARLIEST_DAY
from tally.core.amounts import AmountUnreadable
from tally.core.records import MAX_MODEL_NAME, ChargeType
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.storage.database import DatabaseError

OFFERED_CHARGES: tuple[ChargeType, ...] = ("usage", "subscription", "tax", "credit")
MAX_NOTE_LENGTH = 500
MAX_COUNT = 10**15


@dataclass(frozen=True, slots=True)
class Charge:
    """The values of the submitted form."""

    day: date
    provider: data.Provider | None
    model_name: str
    amount: str
    charge_type: ChargeType
    input_tokens: int
    output_tokens: int
    requests: int
    note: str


def render_charge_form(user: User, timezone: str, today: date) -> None:
    """Ask for a charge and save it. The form's id becomes the entry's, so submitting twice saves once."""
    entry_id: UUID = st.session_state.setdefault("entry_id", uuid4())
    with st.form(f"charge-{entry_id}", border=False):
        charge = _render_fields(data.load_providers(user), today, entry_id)
        is_sent = st.form_submit_button("Add charge", type="primary", icon=":material/add:")
    if not is_sent:
        return
    try:
        announcement = _save(user, entry_id, charge, timezone)
    except (AmountUnreadable, DatabaseError) as problem:
        render_refusal(problem)
        return
    st.session_state.entry_id = uuid4()
    data.forget_version(user)
    announce(announcement)
    st.rerun()


def _render_fields(providers: list[data.Provider], today: date, entry_id: UUID) -> Charge:
    with st.grid(2, min_column_width=220, gap="small"):
        provider = choose_provider(providers, f"provider-{entry_id}")
        model = st.text_input(
            "Model or description",
            max_chars=MAX_MODEL_NAME,
            placeholder="gpt-5.5, API credits, invoice 42…",
            key=f"model-{entry_id}",
        )
        amount = st.text_input("Amount in USD", max_chars=40, placeholder="12.50", key=f"amount-{entry_id}")
        day = st.date_input("Day", today, EARLIEST_DAY, today, format="YYYY-MM-DD", key=f"day-{entry_id}")
        charge_type = st.selectbox(
            "Kind",
            OFFERED_CHARGES,
            format_func=lambda kind: CHARGES[kind],
            help="A credit reduces your spend.",
            key=f"kind-{entry_id}",
        )
        note = st.text_input("Note", "", MAX_NOTE_LENGTH, placeholder="optional", key=f"note-{entry_id}")
    with st.grid(3, min_column_width=150, gap="small"):
        input_tokens, output_tokens, requests = (
            _render_count(label, entry_id) for label in ("Input tokens", "Output tokens", "Requests")
        )
    return Charge(day, provider, model, amount, charge_type, input_tokens, output_tokens, requests, note)


def _render_count(label: str, entry_id: UUID) -> int:
    key = f"{label}-{entry_id}"
    return int(st.number_input(label, 0, MAX_COUNT, value=None, placeholder="optional", key=key) or 0)


def _save(user: User, entry_id: UUID, charge: Charge, timezone: str) -> str:
    """Save the charge and return its announcement."""
    if charge.provider is None:
        raise DatabaseError("Choose a provider, or Other.")
    if not charge.model_name.strip():
        raise DatabaseError("Enter the model, or what the charge was for.")
    cost_usd = read_amount(charge.amount)
    if cost_usd < 0 and charge.charge_type != "credit":
        raise AmountUnreadable("Only a credit can have a negative amount.")
    cost_usd = -abs(cost_usd) if charge.charge_type == "credit" else cost_usd
    add_entry(
        database_of(user),
        ManualEntry(
            entry_id=entry_id,
            provider=charge.provider.slug,
            day=charge.day,
            timezone=timezone,
            model_name=charge.model_name.strip(),
            cost_usd=cost_usd,
            charge_type=charge.charge_type,
            input_tokens=charge.input_tokens,
            output_tokens=charge.output_tokens,
            request_count=charge.requests,
            note=charge.note.strip(),
        ),
    )
    return f"{format_usd(cost_usd)} for {charge.provider.name} on {format_day(charge.day)} added."
