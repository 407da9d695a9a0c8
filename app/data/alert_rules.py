"""A workspace's choice of alerts besides those of budgets, and its limits of models."""

from app.auth.identity import User, supabase_client
from app.data.reading import fetch_rows
from tally.alerts.model_limits import ModelLimit, read_limits
from tally.alerts.rules import AlertRules, read_rules


def load_alert_rules(user: User) -> AlertRules:
    """The rules of the workspace that is open."""
    table = supabase_client(user).table("workspaces")
    rows = fetch_rows(table.select("alert_rules").eq("id", user.workspace.workspace_id))
    return read_rules(rows[0]["alert_rules"] if rows else {})


def load_model_limits(user: User) -> list[ModelLimit]:
    """The limits of error rates and latencies of the workspace that is open."""
    table = supabase_client(user).table("workspaces")
    rows = fetch_rows(table.select("model_limits").eq("id", user.workspace.workspace_id))
    return read_limits(rows[0]["model_limits"] if rows else [])
