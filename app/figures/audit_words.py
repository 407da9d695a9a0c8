"""Entries of the audit log in words: who, which action, and its details."""

from collections.abc import Mapping
from typing import Any

from app.figures.audit_values import format_value, label_column
from app.figures.filing import Rule
from app.figures.filing_words import describe_rule
from tally.core.text import plural

Entry = Mapping[str, Any]
Names = Mapping[str, str]

# What a row of each table is, and the column that names it.
NOUNS = {
    "api_credentials": ("key", "credential_name"),
    "api_keys": ("API key", "name"),
    "billing_accounts": ("account name", "name"),
    "channels": ("channel", "name"),
    "budget_channels": ("channel of a budget", "channel_id"),
    "budget_thresholds": ("threshold", "percent"),
    "budgets": ("budget", "name"),
    "custom_models": ("model", "model_name"),
    "cost_records": ("entry", "model_name"),
    "experiment_variants": ("variant of an experiment", "name"),
    "experiments": ("experiment", "name"),
    "imports": ("source", "filename"),
    "invitations": ("invitation", "email"),
    "invoices": ("invoice", "number"),
    "members": ("member", "user_id"),
    "model_aliases": ("name of a model", "name"),
    "model_prices": ("price", "model_name"),
    "person_aliases": ("name of a person", "value"),
    "price_multipliers": ("multiplier", "billing_account"),
    "project_members": ("project member", "user_id"),
    "project_rules": ("rule", "value"),
    "projects": ("project", "name"),
    "prompt_deployments": ("deployment of a prompt", "environment"),
    "prompt_versions": ("version of a prompt", "number"),
    "prompts": ("prompt", "name"),
    "statement_lines": ("charge of a statement", "product"),
    "sql_roles": ("SQL role", "name"),
    "subscriptions": ("subscription", "plan_name"),
    "user_preferences": ("setting", ""),
    "workspaces": ("workspace", ""),
}
VERBS = {"insert": "Added", "update": "Changed", "delete": "Deleted"}
ACTIONS = {
    ("api_keys", "insert"): "Created API key",
    ("archives", "archived"): "Archived records",
    ("archives", "restored"): "Restored records",
    ("cost_records", "assign_records"): "Assigned records",
    ("cost_records", "file_records"): "Moved records",
    ("cost_records", "reprice"): "Repriced records",
    ("focus_exports", "delete"): "Stopped FOCUS files",
    ("focus_exports", "insert"): "Started FOCUS files",
    ("invitations", "cancel"): "Cancelled invitation",
    ("invitations", "invite"): "Invited",
    ("members", "join"): "Joined",
    ("members", "leave"): "Left",
    ("members", "remove"): "Removed member",
    ("members", "update"): "Changed role",
    ("projects", "insert"): "Created project",
    ("span_contents", "expired"): "Deleted prompts and answers",
    ("traces", "expired"): "Deleted traces",
    ("workspaces", "insert"): "Created workspace",
}
OF_ONE_COLUMN = {
    ("api_credentials", "encrypted_api_key"): ("Replaced key", "Replaced key"),
    ("api_credentials", "is_active"): ("Resumed key", "Paused key"),
    ("api_keys", "revoked_at"): ("Revoked API key", "Restored API key"),
    ("api_keys", "successor_id"): ("Rotated API key", "Changed API key"),
    ("channels", "disabled_reason"): ("Stopped channel", "Resumed channel"),
    ("channels", "paused_at"): ("Paused channel", "Resumed channel"),
    ("channels", "verified_by"): ("Verified channel", "Changed target"),
    ("budgets", "paused_at"): ("Paused budget", "Resumed budget"),
    ("imports", "is_enabled"): ("Included source", "Excluded source"),
    ("project_rules", "position"): ("Moved rule", "Moved rule"),
    ("projects", "archived_at"): ("Archived project", "Restored project"),
}
# Columns that need no label: there is only one meaning, or the action says it.
UNLABELLED = {"position", "role"}
MONEY = ("amount_usd", "cost_usd")
OPERATOR = "operator"


def name_actor(entry: Entry) -> str:
    """The author of a change; an operator is the worker, the nightly run or a command that alone does it."""
    if entry["actor"] == "person":
        return entry["actor_email"] or "A deleted account"
    if entry["actor"] == "key":
        return f"A key of {entry['actor_email']}" if entry["actor_email"] else "A key"
    if entry["actor"] != OPERATOR:
        return "The server"
    program = str(entry.get("user_agent") or "")
    if program.lower().startswith("tally ") and entry["actor_email"]:
        return f"{program} for {entry['actor_email']}"
    if entry["action"] == "reprice":
        return "tally reprice"
    return "tally keys" if "encrypted_api_key" in entry["changed_columns"] else "Tally, in the background"


def name_action(entry: Entry) -> str:
    """The action in a word or two."""
    table, action = entry["table_name"], entry["action"]
    if (table, action) in ACTIONS:
        return ACTIONS[table, action]
    noun = NOUNS.get(table, (table.replace("_", " "), ""))[0]
    changed = [column for column in entry["changed_columns"] if column != "encryption_key_id"]
    if "successor_id" in changed:
        changed = ["successor_id"]  # and the end of the key that was rotated
    if action == "update" and len(changed) == 1 and (table, changed[0]) in OF_ONE_COLUMN:
        if changed[0] == "encrypted_api_key" and entry["actor"] == OPERATOR:
            return "Re-encrypted key"
        then, otherwise = OF_ONE_COLUMN[table, changed[0]]
        return then if (entry["after"] or {}).get(changed[0]) else otherwise
    return f"{VERBS.get(action) or action.replace('_', ' ').capitalize()} {noun}"


def describe_details(entry: Entry, names: Names) -> str:
    """Each changed value, before and after; `names` maps ids of projects, people and others to names."""
    metadata = entry["metadata"]
    if "rows" in metadata:
        return f"{metadata['rows']:,} at once"
    if "records" in metadata:
        return _describe_records(metadata)
    if "expired" in metadata:
        return (
            f"{metadata['expired']:,}, older than {plural(int(metadata['days']), 'day')}, as the setting says"
        )
    subject = _name_subject(entry, names)
    changes = _list_changes(entry, names)
    return ": ".join(text for text in (subject, "; ".join(changes)) if text)


def _describe_records(metadata: Mapping[str, Any]) -> str:
    count = plural(int(metadata["records"]), "record")
    if "first_day" in metadata:
        why = ", as the setting says" if metadata.get("reason") == "setting" else ", by tally archive"
        return f"{count} of {metadata['first_day']} to {metadata['last_day']}{why}"
    if "before_usd" in metadata:
        before, after = (format_value(name, metadata[name], {}) for name in ("before_usd", "after_usd"))
        return f"{count}, {before} to {after}"
    replaced = int(metadata.get("superseded_records") or 0)
    return f"{count}, and {plural(replaced, 'replaced one')}" if replaced else count


def _name_subject(entry: Entry, names: Names) -> str:
    values = {**(entry["before"] or {}), **(entry["after"] or {})}
    table = entry["table_name"]
    if table == "project_rules" and "field" in values and "project_id" in values:
        rule = Rule(values["field"], values["match"], values["value"], values["project_id"])
        values_by_name = {(rule.field, rule.value): names.get(rule.value, rule.value)}
        goal = names.get(rule.project_id, "a project")
        return f"{describe_rule(rule, values_by_name)}, to {goal}"
    column = NOUNS.get(table, ("", "name"))[1]
    if not column:  # a personal workspace has the id of its user
        return str(values.get("name") or "") if entry["action"] == "insert" else ""
    if column == "user_id":
        return entry["user_email"] or names.get(entry["user_id"] or "", "a deleted account")
    if table == "api_credentials":
        provider = names.get(entry["metadata"].get("provider") or "", "")
        return f"{provider} {entry['metadata'].get('credential_name') or ''}".strip()
    if table == "budget_thresholds" and "percent" in values:
        reached = "forecast" if values.get("kind") == "forecast" else "spent"
        return f"{values['percent']}% {reached}"
    if table == "price_multipliers" and "provider_id" in values and not values.get(column):
        return f"All accounts of {names.get(values['provider_id'], 'a provider')}"
    return names.get(entry["row_id"] or "") or str(values.get(column) or "")


def _list_changes(entry: Entry, names: Names) -> list[str]:
    before, after = entry["before"] or {}, entry["after"] or {}
    if entry["action"] == "update":
        return [
            _describe_change(entry, column, names)
            for column in entry["changed_columns"]
            if column in before or column in after
            if (entry["table_name"], column) not in OF_ONE_COLUMN or column in UNLABELLED
        ]
    return _list_values(entry["table_name"], {**before, **after}, names)


def _describe_change(entry: Entry, column: str, names: Names) -> str:
    before, after = (
        format_value(column, (entry[side] or {}).get(column), names) for side in ("before", "after")
    )
    label = "" if column in UNLABELLED else f"{label_column(column)}: "
    return f"{label}{before} to {after}"


def _list_values(table: str, values: Mapping[str, Any], names: Names) -> list[str]:
    """The main values of a row that was added or deleted."""
    if table in ("invitations", "members"):
        return [f"as {values['role']}"] if values.get("role") else []
    if table == "project_members":
        return [names.get(values.get("project_id", ""), "a project")]
    if table == "person_aliases":
        return [f"is {names.get(values.get('user_id', ''), 'a deleted account')}"]
    if table == "billing_accounts":
        return [f"for {values['account']}"] if values.get("account") else []
    if table == "model_aliases":
        return [f"is {values['model_name']}"] if values.get("model_name") else []
    if table == "price_multipliers":
        return [f"× {values['multiplier']}"] if values.get("multiplier") else []  # noqa: RUF001
    return [format_value(name, values[name], names) for name in MONEY if values.get(name) is not None]
