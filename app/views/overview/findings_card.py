"""The card of findings: keys and connections without use, agents and environments that always fail."""

from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.alert_words import describe_alert
from app.figures.channels import AlertEvent
from app.formats.text import escape_markdown
from app.ui.cards import render_heading
from app.ui.navigation import switch_page
from app.ui.pages import PAGES
from tally.core.text import plural
from tally.notifications.facts import Facts

SHOWN = 5
TITLES = {page.address: page.title for page in PAGES}


def render_findings(user: User, zone: ZoneInfo) -> None:
    """The open findings, each with what to do about it; no card without any."""
    findings = data.load_findings(user)
    if not findings:
        return
    with st.container(border=True, key="findings"):
        render_heading("Worth a look")
        for finding in findings[:SHOWN]:
            _render_finding(finding, zone)
        if others := findings[SHOWN:]:
            with st.expander(f"{plural(len(others), 'more finding')}"):
                for finding in others:
                    _render_finding(finding, zone)


def _render_finding(finding: AlertEvent, zone: ZoneInfo) -> None:
    facts = Facts(finding.facts, zone)
    told = describe_alert(finding.kind, facts)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
    ):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{escape_markdown(told.title)}**")
            st.caption(escape_markdown(" ".join(told.sentences)))
        page = facts.path()
        if page in TITLES and st.button(
            TITLES[page],
            icon=":material/chevron_right:",
            icon_position="right",
            type="tertiary",
            key=f"finding-{finding.event_id}",
            width="content",
        ):
            switch_page(page)
