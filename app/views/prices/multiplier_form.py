"""Dialogs that add, change and delete a multiplier: each says what it changes, and reprices."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.figures.source_names import describe_billing_account
from app.formats.amount_field import read_amount
from app.formats.dates import format_day
from app.formats.text import escape_markdown
from app.parts.provider_choice import choose_provider
from app.ui.danger import confirm_danger
from app.ui.notices import announce, explain_refusal
from app.ui.periods import EARLIEST_DAY
from app.views.prices.price_form import PRICED_FROM
from app.views.prices.repricing import describe_change, show_repricing
from tally.core.amounts import AmountUnreadable
from tally.core.records import CostRecord
from tally.core.text import plural
from tally.pricing.multipliers import MAX_MULTIPLIER, MULTIPLIER_PLACES, Multiplier, Multipliers
from tally.pricing.reprice import Concerns, apply_prices, calculate_differences
from tally.storage.database import DatabaseError

ALL_ACCOUNTS = ""
MAX_NOTE_LENGTH = 500
LATEST_DAY = date(2099, 12, 31)
YEAR = timedelta(days=365)
PREVIEW = "multiplier-preview"  # session key: the change that is shown, and its preview
INTERRUPTED = "Not all estimates are repriced: preview the changes below, then apply them."


@st.dialog("Discount or markup", icon=":material/percent:", width="medium")
def edit_multiplier(before: Multiplier | None, today: date) -> None:
    """Ask for a multiplier, show what it changes, then save it and reprice."""
    user = identity.current_user()
    draft, problem = None, ""
    try:
        draft = _render_fields(user, before, today)
        _check(user, draft)
    except AmountUnreadable as incomplete:
        draft, problem = None, str(incomplete)
    if problem:
        st.caption(escape_markdown(problem))
    is_previewed = st.button(
        "Preview changes", icon=":material/difference:", width="stretch", disabled=draft is None
    )
    if draft is not None and (is_previewed or _is_shown(user, before, draft)):
        _confirm(user, before, draft)


@st.dialog("Delete this multiplier?", icon=":material/delete:")
def confirm_deletion(multiplier: Multiplier) -> None:
    """Show what its deletion changes, then delete it and reprice."""
    user = identity.current_user()
    st.text(describe_multiplier(user, multiplier))
    _confirm(user, multiplier, None)


def describe_multiplier(user: User, multiplier: Multiplier) -> str:
    """A multiplier in words: its account, factor and days."""
    days = f"from {format_day(multiplier.valid_from)}"
    if multiplier.valid_to:
        days += f" to {format_day(multiplier.valid_to)}"
    return f"{name_account(user, multiplier)}, {show_multiplier(multiplier.multiplier)}, {days}"


def name_account(user: User, multiplier: Multiplier) -> str:
    """The account of a multiplier, or all of its provider."""
    providers = {provider.slug: provider.name for provider in data.load_providers(user)}
    return _name_account(
        multiplier.provider, multiplier.billing_account, providers, data.load_account_names(user)
    )


def show_multiplier(multiplier: Decimal) -> str:
    """A multiplier with all its decimals."""
    return f"\N{MULTIPLICATION SIGN} {multiplier.normalize():f}"


def _render_fields(user: User, before: Multiplier | None, today: date) -> Multiplier:
    """The multiplier in the fields; raises AmountUnreadable while one is missing or wrong."""
    key = f"multiplier-{before.id if before else 'new'}"
    providers = data.load_providers(user)
    with st.grid(2, min_column_width=180, gap="small"):
        provider = choose_provider(providers, f"{key}-provider", before.provider if before else None)
        account = _choose_account(user, provider, before, today)
        factor = st.text_input(
            "Multiplier",
            f"{before.multiplier:f}" if before else "",
            max_chars=40,
            placeholder="0.85",
            help="0.85 for a discount of 15%, 1.1 for a markup of 10%",
            key=f"{key}-factor",
        )
        note = st.text_input(
            "Note (optional)", before.note if before else "", max_chars=MAX_NOTE_LENGTH, key=f"{key}-note"
        )
        start = st.date_input(
            "First day",
            before.valid_from if before else today.replace(day=1),
            EARLIEST_DAY,
            LATEST_DAY,
            format="YYYY-MM-DD",
            key=f"{key}-start",
        )
        end = st.date_input(
            "Last day (optional)",
            before.valid_to if before else None,
            EARLIEST_DAY,
            LATEST_DAY,
            format="YYYY-MM-DD",
            key=f"{key}-end",
        )
    if provider is None:
        raise AmountUnreadable("Choose the provider.")
    if start is None or (end is not None and end < start):
        raise AmountUnreadable("Enter a first day, and no last day before it.")
    multiplier = read_multiplier(factor)
    return Multiplier(
        provider.slug, account, multiplier, start, end, note.strip(), before.id if before else ""
    )


def _choose_account(
    user: User, provider: data.Provider | None, before: Multiplier | None, today: date
) -> str | None:
    """Draw the field of accounts that the workspace has; None for all accounts."""
    slug = provider.slug if provider else ""
    given = data.load_account_names(user)
    statements = data.load_statements(user, today - YEAR, today)
    known = {*given, *statements["billing_account"].dropna()}
    known |= {before.billing_account} if before and before.billing_account else set()
    accounts = sorted(account for account in known if account.partition(":")[0] == slug)
    options = [ALL_ACCOUNTS, *accounts]
    chosen = before.billing_account if before and before.provider == slug else None
    names = {found.slug: found.name for found in data.load_providers(user)}
    account = st.selectbox(
        "Billing account",
        options,
        index=options.index(chosen or ALL_ACCOUNTS),
        format_func=lambda account: _name_account(slug, account or None, names, given),
        key=f"multiplier-account-{before.id if before else 'new'}-{slug}",
    )
    return account or None


def _name_account(
    provider: str, account: str | None, providers: dict[str, str], given: dict[str, str]
) -> str:
    if account is None:
        return f"All accounts of {providers[provider]}" if provider else "All accounts"
    if account == provider and account not in given:
        return f"{providers.get(provider, provider)}, where no account is named"
    return describe_billing_account(account, providers, given)


def read_multiplier(text: str) -> Decimal:
    """Parse a multiplier such as 0.85; raises AmountUnreadable with a sentence for the user."""
    if not text.strip():
        raise AmountUnreadable("Enter the multiplier, for example 0.85 for a discount of 15%.")
    try:
        multiplier = read_amount(text)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(str(unreadable).replace("The amount", "The multiplier")) from None
    if not 0 < multiplier <= MAX_MULTIPLIER:
        raise AmountUnreadable(f"Enter a multiplier above 0 and up to {MAX_MULTIPLIER}.")
    if multiplier != round(multiplier, MULTIPLIER_PLACES):
        raise AmountUnreadable(f"The multiplier has more than {MULTIPLIER_PLACES} decimals. Round it.")
    return multiplier


def _check(user: User, draft: Multiplier) -> None:
    for other in data.load_multipliers(user):
        if other.id != draft.id and other.overlaps(draft):
            raise AmountUnreadable(
                f"Another one is valid on some of these days: {describe_multiplier(user, other)}. "
                "Choose other days, or change that one."
            )


@explain_refusal
def _confirm(user: User, before: Multiplier | None, draft: Multiplier | None) -> None:
    """Show the change from one multiplier to another, None where there is none, and make it."""
    if not _is_shown(user, before, draft):
        with st.spinner("Recalculating estimates…"):
            st.session_state[PREVIEW] = (user.scope, before, draft), _preview(user, before, draft)
    st.text(st.session_state[PREVIEW][1])
    if draft is None:
        is_confirmed = confirm_danger("Delete and reprice")
    else:
        is_confirmed = st.button("Save and reprice", type="primary", width="stretch")
    if not is_confirmed:
        return
    _save(user, before, draft)
    del st.session_state[PREVIEW]
    done = "saved" if draft else "deleted"
    since, concerns = _find_concerned(before, draft)
    try:
        with show_repricing(user) as on_progress:
            applied = apply_prices(database_of(user), since, on_progress, concerns).applied
        announce(f"Multiplier {done}. {plural(applied, 'estimate')} repriced.")
    except DatabaseError:
        st.session_state[PRICED_FROM] = since
        announce(f"Multiplier {done}. {INTERRUPTED}")
    st.rerun()


def _is_shown(user: User, before: Multiplier | None, draft: Multiplier | None) -> bool:
    shown, _text = st.session_state.get(PREVIEW, (None, ""))
    return bool(shown == (user.scope, before, draft))


def _preview(user: User, before: Multiplier | None, draft: Multiplier | None) -> str:
    present = data.load_workspace_prices(user)
    others = [other for other in present.multipliers if before is None or other.id != before.id]
    multipliers = Multipliers([*others, *([draft] if draft else [])], data.load_preferences(user).timezone)
    since, concerns = _find_concerned(before, draft)
    prices = replace(present, multipliers=multipliers)
    return describe_change(calculate_differences(database_of(user), since, concerns, prices))


def _find_concerned(before: Multiplier | None, draft: Multiplier | None) -> tuple[date, Concerns]:
    """The first day of a change, and the records of its accounts."""
    changed = [multiplier for multiplier in (before, draft) if multiplier]

    def concerns(record: CostRecord) -> bool:
        return any(multiplier.concerns(record) for multiplier in changed)

    return min(multiplier.valid_from for multiplier in changed), concerns


def _save(user: User, before: Multiplier | None, draft: Multiplier | None) -> None:
    database = database_of(user)
    if draft is None:
        database.delete("price_multipliers", before.id if before else "")
    else:
        ids = {provider.slug: provider.provider_id for provider in data.load_providers(user)}
        row = draft.to_json(ids[draft.provider])
        if before is None:
            database.insert("price_multipliers", row)
        else:
            database.update("price_multipliers", before.id, row)
    data.forget_version(user)
