"""Settings card: the weekly and the monthly mail, with a preview of each."""

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.auth.same_origin import app_origin
from app.formats.text import escape_markdown
from app.ui.cards import render_heading
from app.ui.notices import explain_refusal
from app.ui.periods import today_in
from app.views.settings.card import announce_in
from tally.core.settings import load_settings
from tally.digests.mail import Envelope, render_preview
from tally.digests.periods import KINDS, Kind, last_period

ABOUT = (
    "What was spent and why it changed, the month's likely end, budgets, unusual days and renewals of each "
    "workspace that you are in, to the address of your account. With nothing to tell, no mail is sent."
)
NO_SERVER = "No mail server is set up (SMTP_URL), so mails only go to the outbox folder of this server."
NOWHERE = "No mail server is set up (SMTP_URL), so no mail can be sent."
NO_ORIGIN = "APP_ORIGIN is not set, so mails have no links, not even to stop them."


def render_digests(user: User) -> None:
    """Switches for both mails; previews are of the workspace that is open."""
    render_heading("Emails")
    st.caption(ABOUT)
    if problem := _find_problem():
        st.caption(problem)
    chosen = data.load_mail_choices(user)
    with st.form("digests", border=False):
        with st.grid(2, min_column_width=260, gap="small"):
            weekly = st.toggle("Weekly, on Monday at 08:00", chosen.weekly)
            monthly = st.toggle("Monthly, on the 1st at 08:00", chosen.monthly)
        is_sent = st.form_submit_button("Save emails")
    if is_sent:
        _save(user, weekly, monthly)
    with st.container(horizontal=True):
        for kind in KINDS:
            if st.button(f"Preview {kind} email", type="tertiary", icon=":material/visibility:"):
                preview_digest(user, kind)


@explain_refusal
def _save(user: User, weekly: bool, monthly: bool) -> None:
    values = {
        "weekly_digest": weekly,
        "monthly_digest": monthly,
        **({"email_notifications": True} if weekly or monthly else {}),
    }
    database_of(user).update("user_preferences", user.user_id, values, key="user_id")
    announce_in("digests", "Emails saved.")
    st.rerun()


@st.dialog("Preview", width="large", icon=":material/mail:")
def preview_digest(user: User, kind: Kind) -> None:
    today = today_in(data.load_preferences(user).zone)
    with st.skeleton(height=360):
        digest = data.load_digest(user, kind, today)
    if digest is None:
        st.info(f"There is nothing to tell about {last_period(kind, today).title}, so no mail is sent.")
        return
    st.caption(f"Subject: {escape_markdown(digest.subject)}")
    envelope = Envelope(kind, user.email, app_origin() or "", user.workspace.workspace_id)
    st.html(render_preview(digest, envelope))


def _find_problem() -> str:
    settings = load_settings()
    if settings.smtp_url is None:
        return NO_SERVER if settings.tally_outbox else NOWHERE
    return "" if app_origin() else NO_ORIGIN
