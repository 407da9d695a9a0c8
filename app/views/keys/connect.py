"""The card with a new key, shown once, and the settings of each client."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from app.auth import identity
from app.auth.identity import User
from app.data.api_keys import find_first_call, load_api_keys
from app.formats.dates import format_instant
from app.formats.text import escape_markdown
from app.parts.public_origin import public_origin
from app.ui.notices import render_warning
from app.ui.theme import apply_code_styles
from app.views.keys.new_key import Shown, read_new_key, render_done
from tally.api_keys.first_call import describe_call
from tally.api_keys.keys import ApiKey
from tally.api_keys.snippet import EXAMPLE_ORIGIN, NO_KEY, Snippet
from tally.api_keys.snippets import SNIPPETS

POLL_SECONDS = 3
ONCE = "This is the only time the whole key is shown. Copy it before you leave this page."
PLACEHOLDER = f"Put a key in place of {NO_KEY}: Tally shows a whole key only when it is made."
READING = "The key only reads. Programs send it in the header `Authorization: Bearer …`."
BY_NAME = {snippet.name: snippet for snippet in SNIPPETS}


def render_connect(user: User, keys: Sequence[ApiKey], zone: ZoneInfo) -> None:
    """The new key, if there is one, and the settings of the client that is chosen."""
    shown = read_new_key(user)
    with st.container(border=True, key="connect"):
        if shown:
            _render_key(shown)
            if shown.sends:
                key = next((key for key in keys if key.id == shown.key_id), None)
                is_successor = any(each.successor_id == shown.key_id for each in keys)
                _render_first_call(user, key, is_successor, zone)
                st.divider()
        if shown and not shown.sends:
            st.caption(READING)
            return
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.header("Connect a client", anchor=False, width="content")
            chosen = st.selectbox(
                "Client",
                list(BY_NAME),
                format_func=_label,
                key="client",
                label_visibility="collapsed",
                width=300,
            )
        _render_snippet(BY_NAME[chosen], shown.text if shown else None, has_keys=bool(keys))


def _label(name: str) -> str:
    return BY_NAME[name].title


def _render_snippet(snippet: Snippet, key: str | None, has_keys: bool) -> None:
    endpoint = public_origin() or EXAMPLE_ORIGIN
    if obstacle := snippet.explain_obstacle(endpoint):
        render_warning(obstacle)
    st.caption(escape_markdown(f"{snippet.where}."))
    apply_code_styles()
    st.code(snippet.fill(endpoint, key), language=snippet.language, wrap_lines=True)
    notes = [snippet.note] if snippet.note else []
    if key is None:
        notes.append(PLACEHOLDER if has_keys else "Create a key first.")
    if notes:
        st.caption(escape_markdown(" ".join(notes)))


def _render_key(shown: Shown) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header(f"New key: {escape_markdown(shown.name)}", anchor=False, width="content")
        render_done()
    st.code(shown.text, language=None, wrap_lines=True)
    render_warning(ONCE)


def _render_first_call(user: User, key: ApiKey | None, is_successor: bool, zone: ZoneInfo) -> None:
    """The first call that came with the new key, or that there is none yet."""
    if key is None or not key.works(datetime.now(UTC)):
        st.caption("The key no longer works.")
    elif key.last_used_at and is_successor:  # what it sends adds to the source of the key that it replaced
        first = st.session_state.setdefault(f"first-used-{key.id}", key.last_used_at)
        st.caption(f":material/check_circle: First used: {format_instant(first, zone)}")
    elif key.last_used_at and (call := find_first_call(user, key)):
        seen = f"First call seen ({format_instant(call.timestamp, zone)}): {describe_call(call)}"
        st.caption(f":material/check_circle: {escape_markdown(seen)}")
    else:
        _render_waiting(key.id, is_used=key.last_used_at is not None)


@st.fragment(run_every=POLL_SECONDS)
def _render_waiting(key_id: str, is_used: bool) -> None:
    """Wait for the first use and for the first call; each runs the whole page, whose list tells of uses."""
    user = identity.current_user()
    key = next((key for key in load_api_keys(user) if key.id == key_id), None)
    if key is None or not key.works(datetime.now(UTC)) or bool(key.last_used_at) != is_used:
        st.rerun()
    if is_used and find_first_call(user, key):
        st.rerun()
    waits = "The key was used, but no call of a model has come" if is_used else "Waiting for the first call"
    st.caption(f":material/sync: {waits}… Checking every {POLL_SECONDS} seconds.")
