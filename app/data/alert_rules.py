"""A workspace's choice of alerts besides those of budgets."""

from app.auth.identity import User, supabase_client
from app.data.reading import fetch_rows
from tally.alerts.rules import AlertRules, read_rules


def load_alert_rules(user: User) -> AlertRules:
    """The rules of the workspace that is open."""
    table = supabase_client(user).table("workspaces")
    rows = fetch_rows(table.select("alert_rules").eq("id", user.workspace.workspace_id))
    return read_rules(rows[0]["alert_rules"] if rows else {})
