"""The cards that a personal and a shared workspace both have."""

from zoneinfo import ZoneInfo

from app import data
from app.auth.identity import User
from app.ui.periods import today_in
from app.views.settings.alert_rules_card import render_alert_rules
from app.views.settings.card import card
from app.views.settings.channels_card import render_channels
from app.views.settings.contents_card import render_contents
from app.views.settings.model_limits_card import render_model_limits
from app.views.settings.projects_card import render_projects_card
from app.views.settings.traces_card import render_traces


def render_workspace_cards(user: User, zone: ZoneInfo) -> None:
    """Projects and rules, alerts, and what is kept of traces."""
    with card("projects"):
        render_projects_card(user, today_in(zone), data.load_currency(user).code)
    with card("channels"):
        render_channels(user, zone)
    with card("alerts"):
        render_alert_rules(user)
    with card("model_limits"):
        render_model_limits(user)
    with card("traces"):
        render_traces(user)
    with card("contents"):
        render_contents(user)
