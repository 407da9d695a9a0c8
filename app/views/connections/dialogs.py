"""Dialogs that add and delete a connection."""

import streamlit as st
from pydantic import SecretStr

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.formats.text import escape_markdown
from app.parts.source_dialogs import PATIENCE
from app.ui.danger import confirm_danger
from app.ui.notices import announce, explain_refusal, render_refusal
from app.views.connections.jobs import begin_sync
from tally.connectors.connections import (
    APIS,
    MAX_ACCOUNT_LENGTH,
    MAX_NAME_LENGTH,
    Connection,
    NewConnection,
    add_connection,
    delete_connection,
)
from tally.connectors.hosts import MAX_KEY_LENGTH
from tally.connectors.jobs import JOB_ADVICE
from tally.core.errors import TallyError
from tally.core.settings import load_settings
from tally.core.text import plural
from tally.secrets.key_ring import load_key_ring


@st.dialog("Add a connection", icon=":material/key:", width="medium")
def ask_for_key() -> None:
    """Ask for a provider and a key; stores the key only if the provider accepts it."""
    user = identity.current_user()
    provider = st.selectbox("Provider", list(APIS), format_func=lambda slug: APIS[slug].title)
    api = APIS[provider]
    st.caption(escape_markdown(" ".join(filter(None, (api.key_advice, JOB_ADVICE.get(provider))))))
    with st.form(f"connection-{provider}", border=False):
        name = st.text_input("Name", api.title, max_chars=MAX_NAME_LENGTH)
        key = st.text_input(
            api.key_name,
            type="password",
            max_chars=MAX_KEY_LENGTH,
            autocomplete="new-password",
            help="Encrypted before it is stored, and never shown again.",
        )
        account = st.text_input(
            "Account",
            max_chars=MAX_ACCOUNT_LENGTH,
            placeholder="optional",
            help=(
                "Leave this empty unless the key belongs to a different account from your other keys, logs "
                "and files. Spend of accounts with different names is added together."
            ),
        )
        is_sent = st.form_submit_button("Check and add", type="primary", width="stretch")
    if is_sent:
        _add(user, provider, name, SecretStr(key), account)


def _add(user: User, provider: str, name: str, key: SecretStr, account: str) -> None:
    try:
        with st.spinner(f"Checking the key with {APIS[provider].title}…"):
            ring = load_key_ring(load_settings())
            database = database_of(user)
            new = NewConnection(provider, name, key, account)
            connection = add_connection(database, ring, new)
    except TallyError as problem:
        render_refusal(problem)
        return
    begin_sync(user, connection)
    announce(f"{connection.name} connected. The first sync has started.")
    st.rerun()


@st.dialog("Delete this connection?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(connection: Connection) -> None:
    """Explain the effect, confirm, then delete."""
    user = identity.current_user()
    st.text(connection.name)
    count = data.count_records(user, connection.import_id) if connection.import_id else 0
    st.caption("Deletes its key and stops fetching data.")
    with_spend = count > 0 and st.checkbox(
        f"Also delete its imported spend ({plural(count, 'record')})",
        help="Otherwise these records stay in your totals.",
    )
    if not confirm_danger("Delete connection"):
        return
    with st.spinner(f"Deleting… {PATIENCE}" if with_spend else "Deleting…"):
        delete_connection(database_of(user), connection, bool(with_spend))
    data.forget_version(user)
    note = " Its records stay in your totals." if count and not with_spend else ""
    announce(f"{connection.name} deleted.{note}")
    st.rerun()
