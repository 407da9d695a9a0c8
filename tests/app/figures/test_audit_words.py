"""Entries of the audit log in words: never columns, ids or JSON."""

import re
from pathlib import Path
from typing import Any

from app.figures.audit_words import NOUNS, describe_details, name_action, name_actor
from tests.every_case import every_case

NAMES = {
    "key": "laptop (tly_a1B2…9xYz)",
    "shop": "garden-shop",
    "ada": "ada@example.com",
    "openai": "OpenAI",
    "src": "Claude Code on laptop",
}
ON_KEY = {"credential_name": "Main", "provider": "openai"}


def entry(table: str, action: str, **values: Any) -> dict[str, Any]:
    """An entry of `search_audit_log`; `before` and `after` decide the changed columns of an update."""
    before, after = values.get("before"), values.get("after")
    changed = [*{**(before or {}), **(after or {})}] if action == "update" else []
    return {
        "actor": "person",
        "actor_email": "grace@example.com",
        "table_name": table,
        "action": action,
        "row_id": None,
        "user_id": None,
        "user_email": None,
        "changed_columns": changed,
        "before": before,
        "after": after,
        "metadata": {},
        "address": None,
    } | values


@every_case(
    [
        (
            entry(
                "subscriptions",
                "update",
                before={"amount_usd": 100},
                after={"amount_usd": 150},
            ),
            "Changed subscription",
            "Amount: $100.00 to $150.00",
        ),
        (
            entry("budget_thresholds", "insert", after={"kind": "actual", "percent": 100}),
            "Added threshold",
            "100% spent",
        ),
        (
            entry("budget_thresholds", "delete", before={"kind": "forecast", "percent": 100}),
            "Deleted threshold",
            "100% forecast",
        ),
        (
            entry(
                "invitations",
                "invite",
                after={"email": "m@example.com", "role": "member", "invited_by": "ada"},
            ),
            "Invited",
            "m@example.com: as member",
        ),
        (
            entry("api_keys", "insert", row_id="key", after={"name": "laptop", "scopes": ["ingest"]}),
            "Created API key",
            "laptop (tly_a1B2…9xYz)",
        ),
        (
            entry(
                "api_keys",
                "update",
                row_id="key",
                before={"expires_at": None, "successor_id": None},
                after={"expires_at": "2026-11-30T12:00:00+00:00", "successor_id": "new"},
            ),
            "Rotated API key",
            "laptop (tly_a1B2…9xYz): Expires: none to 30 Nov 2026",
        ),
        (
            entry(
                "api_keys",
                "update",
                row_id="key",
                before={"revoked_at": None},
                after={"revoked_at": "2026-11-30T12:00:00+00:00"},
            ),
            "Revoked API key",
            "laptop (tly_a1B2…9xYz)",
        ),
        (
            entry("members", "update", user_id="ada", before={"role": "member"}, after={"role": "admin"}),
            "Changed role",
            "ada@example.com: member to admin",
        ),
        (
            entry("project_rules", "update", row_id="r", before={"position": 3}, after={"position": 4}),
            "Moved rule",
            "3 to 4",
        ),
        (
            entry(
                "project_rules",
                "insert",
                after={
                    "position": 1,
                    "field": "folder",
                    "match": "prefix",
                    "value": "~/a",
                    "project_id": "shop",
                },
            ),
            "Added rule",
            "Folder starts with ~/a, to garden-shop",
        ),
        (
            entry(
                "projects",
                "update",
                row_id="shop",
                before={"archived_at": None},
                after={"archived_at": "2026-11-02T10:00:00+00:00"},
            ),
            "Archived project",
            "garden-shop",
        ),
        (
            entry("budgets", "update", row_id="b", before={"counts_tax": True}, after={"counts_tax": False}),
            "Changed budget",
            "Tax counts: yes to no",
        ),
        (entry("workspaces", "insert", row_id="w", after={"name": "Acme"}), "Created workspace", "Acme"),
        (
            entry(
                "workspaces",
                "update",
                row_id="ada",
                before={"person_split": "own", "name": "A"},
                after={"person_split": "everyone", "name": "B"},
            ),
            "Changed workspace",
            "Who sees whom: only their own costs to everyone's costs; Name: A to B",
        ),
        (
            entry(
                "imports", "update", row_id="src", before={"is_enabled": True}, after={"is_enabled": False}
            ),
            "Excluded source",
            "Claude Code on laptop",
        ),
        (
            entry(
                "cost_records",
                "reprice",
                metadata={"records": 1204, "before_usd": "0", "after_usd": "18.3600000000"},
            ),
            "Repriced records",
            "1,204 records, $0.00 to $18.36",
        ),
        (
            entry(
                "archives",
                "archived",
                metadata={
                    "records": 2120,
                    "first_day": "2026-01-01",
                    "last_day": "2026-01-31",
                    "reason": "setting",
                },
            ),
            "Archived records",
            "2,120 records of 2026-01-01 to 2026-01-31, as the setting says",
        ),
        (
            entry("traces", "expired", metadata={"expired": 1200, "days": 90}),
            "Deleted traces",
            "1,200, older than 90 days, as the setting says",
        ),
        (
            entry("cost_records", "file_records", metadata={"records": 4120, "superseded_records": 0}),
            "Moved records",
            "4,120 records",
        ),
        (entry("project_rules", "delete", metadata={"rows": 25}), "Deleted rule", "25 at once"),
        (
            entry("model_aliases", "insert", after={"name": "my-gpt", "model_name": "gpt-5"}),
            "Added name of a model",
            "my-gpt: is gpt-5",
        ),
        (
            entry("price_multipliers", "delete", before={"billing_account": "openai", "multiplier": 0.85}),
            "Deleted multiplier",
            "openai: × 0.85",  # noqa: RUF001
        ),
        (
            entry("price_multipliers", "insert", after={"provider_id": "p", "multiplier": 1.1}),
            "Added multiplier",
            "All accounts of a provider: × 1.1",  # noqa: RUF001
        ),
        (
            entry("price_multipliers", "update", before={"valid_to": None}, after={"valid_to": "2026-12-31"}),
            "Changed multiplier",
            "Valid to: none to 31 Dec 2026",
        ),
        (
            entry(
                "api_credentials",
                "update",
                changed_columns=["encrypted_api_key", "encryption_key_id"],
                metadata=ON_KEY,
            ),
            "Replaced key",
            "OpenAI Main",
        ),
        (
            entry(
                "api_credentials",
                "update",
                before={"is_active": True},
                after={"is_active": False},
                metadata=ON_KEY,
            ),
            "Paused key",
            "OpenAI Main",
        ),
        (
            entry("something_new", "insert", after={"name": "x", "settings": {"a": [1, 2]}}),
            "Added something new",
            "x",
        ),
        (
            entry(
                "something_new", "update", before={"settings": {"a": 1}}, after={"settings": {"a": [1, 2]}}
            ),
            "Changed something new",
            "Settings: a 1 to a 1, 2",
        ),
        (
            entry("person_aliases", "insert", after={"value": "a@corp", "user_id": "ada"}),
            "Added name of a person",
            "a@corp: is ada@example.com",
        ),
        (entry("focus_exports", "insert"), "Started FOCUS files", ""),
        (entry("focus_exports", "delete"), "Stopped FOCUS files", ""),
    ]
)
def test_entry_in_words(logged: dict[str, Any], action: str, details: str) -> None:
    assert (name_action(logged), describe_details(logged, NAMES)) == (action, details)


@every_case(
    [
        ({}, "grace@example.com"),
        ({"actor_email": None}, "A deleted account"),
        ({"actor": "service"}, "The server"),
        ({"actor": "operator"}, "Tally, in the background"),
        ({"actor": "operator", "user_agent": "Tally API"}, "Tally API for grace@example.com"),
        ({"actor": "operator", "user_agent": "tally import"}, "tally import for grace@example.com"),
        ({"actor": "operator", "action": "reprice"}, "tally reprice"),
        ({"actor": "operator", "changed_columns": ["encrypted_api_key"]}, "tally keys"),
        ({"actor": "key"}, "A key of grace@example.com"),
        ({"actor": "key", "actor_email": None}, "A key"),
    ]
)
def test_author_in_words(values: dict[str, Any], who: str) -> None:
    assert name_actor(entry("projects", "update") | values) == who


def test_every_audited_table_has_a_word() -> None:
    migrations = Path(__file__).parents[3] / "database" / "migrations"
    text = "".join(path.read_text() for path in migrations.glob("*.sql"))
    audited = set(re.findall(r"audit_changes_of\(\s*'public\.(\w+)", text))
    assert audited - {*NOUNS} == set()


def test_an_invoice_is_named_by_its_number() -> None:
    added = entry("invoices", "insert", after={"number": "U-1", "seller": "OpenAI, LLC"})
    assert name_action(added) == "Added invoice"
    assert "U-1" in describe_details(added, NAMES)
