"""Settings card: what the channels of a workspace hear about besides its budgets."""

from dataclasses import asdict

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.ui.cards import render_heading
from app.ui.notices import explain_refusal
from app.views.settings.card import announce_in
from tally.alerts.rules import AlertRules, Kind

ABOUT = "Sent once, to the workspace's channels. What happened before is only listed."
# Label of each kind, and of its limit: the rule's name, its label and its largest value.
LABELS: dict[Kind, str] = {
    "anomaly": "A day out of the ordinary",
    "new_model": "A new model with a share of the spend",
    "silent_source": "A machine or connection that fell silent",
    "renewal": "A subscription that renews soon",
    "price": "A list price of a model in use that changed",
    "retirement": "A model in use that retires",
    "bill": "A bill that differs from its estimate",
    "idle": "Unused keys or connections, failing agents",
    "credits": "Prepaid credits that end or expire soon",
}
LIMITS: dict[str, tuple[str, int]] = {
    "new_model_percent": ("Share of a new model, %", 100),
    "silent_days": ("Days without data", 90),
    "renewal_days": ("Days before a renewal", 30),
    "retirement_days": ("Days before a model retires", 365),
    "credit_days": ("Days before credits end", 60),
    "bill_percent": ("Difference of a bill, %", 1000),
}


def render_alert_rules(user: User) -> None:
    """Switches and limits: a form for admins, a list for others."""
    rules = data.load_alert_rules(user)
    render_heading("What to alert about")
    if not user.workspace.may_administer:
        wanted = [label for kind, label in LABELS.items() if rules.wants(kind)]
        st.text("\n".join(wanted) if wanted else "Nothing but budgets.")
        return
    st.caption(ABOUT)
    with st.form("alert-rules", border=False):
        with st.grid(2, min_column_width=280, gap="small"):
            kinds = {kind: st.toggle(label, rules.wants(kind)) for kind, label in LABELS.items()}
        with st.grid(4, min_column_width=158, gap="small"):
            limits = {
                name: st.number_input(label, 1, largest, getattr(rules, name), step=1)
                for name, (label, largest) in LIMITS.items()
            }
        is_sent = st.form_submit_button("Save alerts")
    if is_sent:
        _save(user, AlertRules(**kinds, **limits))


@explain_refusal
def _save(user: User, rules: AlertRules) -> None:
    database_of(user).call("set_alert_rules", rules=asdict(rules))
    data.forget_version(user)
    announce_in("alerts", "Alerts saved.")
    st.rerun()
