"""The access rights of the schema public, declared once for every table and function in the catalogs."""

from collections import defaultdict
from collections.abc import Callable
from hashlib import sha256
from random import randint
from typing import Any
from uuid import UUID, uuid4

from psycopg import sql

from tests.database_fixtures import Connection, make_months

COMMANDS = ("select", "insert", "update", "delete")
API_ROLES = ("anon", "authenticated", "service_role")

ROLES = ("viewer", "member", "admin", "owner")  # in a workspace, each with the rights of those before it
OUTSIDERS = ("former", "invited", "stranger")  # who left, who may join, and anybody else
SPLITS = ("own", "admins", "everyone")  # person_split of a workspace

WRITTEN_BY_OWNER = {
    "api_credentials",
    "budget_channels",
    "budget_thresholds",
    "budgets",
    "cost_records",
    "custom_models",
    "imports",
    "model_prices",
    "price_multipliers",
    "subscriptions",
    "user_preferences",
}
READ_BY_OWNER = {
    "anomalies",
    "billing_accounts",
    "effective_records",
    "experiment_runs",
    "experiment_variants",
    "experiments",
    "forecast_results",
    "forecast_totals",
    "job_runs",
    "members",
    "model_aliases",
    "person_aliases",
    "project_members",
    "project_rules",
    "projects",
    "scores",
    "superseded_records",
    "workspaces",
}
MADE_AT_SIGN_UP = {"members", "user_preferences", "workspaces"}
KEY_OF_EVERYBODY = {"members": "workspace_id", "workspaces": "id"}
VIEWS = {"effective_records"}  # their rows are those of a table
READ_BY_EVERYONE = {"exchange_rates", "providers"}
WRITTEN_BY_NOBODY = {  # but by functions; read by its owner and by services
    "advice",
    "alert_events",
    "api_keys",
    "audit_logs",
    "channels",
    "deliveries",
    "delivery_attempts",
    "invitations",
    "prompt_deployments",
    "prompt_versions",
    "prompts",
    "invoice_lines",
    "invoices",
    "provider_jobs",
    "spans",
    "sql_roles",
    "statement_lines",
    "traces",
}
SEEN_BY_ADMINS = {
    "api_credentials",
    "audit_logs",
    "deliveries",
    "delivery_attempts",
    "invitations",
    "job_runs",
    "person_aliases",
    "provider_jobs",
    "sql_roles",
}
# Columns to select where not all are readable.
READABLE = {
    "api_keys": "id,workspace_id,project_id,user_id,name,prefix,last_four,scopes,revoked_at,metadata",
    "channels": "id,workspace_id,kind,name,hint,verified_at,disabled_reason,metadata,created_at",
    "invitations": "id,workspace_id,email,role,invited_by,metadata,created_at,expires_at",
}
OF_ONE_USER = {"user_preferences"}  # of no workspace
# Rows of a person: others read them as admins, or where everyone may.
OF_PEOPLE = {
    "cost_records",
    "effective_records",
    "imports",
    "spans",
    "subscriptions",
    "superseded_records",
    "traces",
}
OF_THEIR_OWNER = {"api_keys"}  # others read them as admins alone
ABOUT_A_PERSON = {"budgets", "scores"}  # `user_id` is whose usage it is about, not whose row
# Members only read them: they are about everybody's usage.
WRITTEN_BY_ADMINS = {
    "budget_channels",
    "budget_thresholds",
    "budgets",
    "custom_models",
    "model_prices",
    "price_multipliers",
}
# Hidden where members see their own costs only.
TOTALS = {
    "advice",
    "alert_events",
    "anomalies",
    "budget_channels",
    "budget_thresholds",
    "budgets",
    "experiment_runs",
    "experiment_variants",
    "experiments",
    "forecast_results",
    "forecast_totals",
    "invoice_lines",
    "invoices",
    "statement_lines",
    "scores",
}

EXECUTED_BY = {
    "accept_invitation": {"authenticated"},
    "agent_days": {"authenticated"},
    "agent_models": {"authenticated"},
    "agent_places": {"authenticated"},
    "agent_session": {"authenticated"},
    "agent_sessions": {"authenticated"},
    "apply_prices": {"authenticated"},
    "archive_project": {"authenticated"},
    "archive_prompt": {"authenticated"},
    "attach_partition": {"service_role"},
    "bring_advice": {"authenticated"},
    "bring_experiment": {"authenticated"},
    "bring_prompt": {"authenticated"},
    "budget_status": {"authenticated"},
    "cancel_invitation": {"authenticated"},
    "change_api_key": {"authenticated"},
    "change_prompt": {"authenticated"},
    "confirm_channel": {"anon", "authenticated"},  # who reads a mailbox may have no account
    "costs_by_dimension": {"authenticated"},
    "count_audit_log": {"authenticated"},
    "count_by_rule": {"authenticated"},
    "create_api_key": {"authenticated"},
    "create_monthly_partition": {"service_role"},
    "create_project": {"authenticated"},
    "create_sql_role": {"authenticated"},
    "create_workspace": {"authenticated"},
    "daily_costs": {"authenticated"},
    "data_version": {"authenticated"},
    "decide_advice": {"authenticated"},
    "decide_invoice": {"authenticated"},
    "delete_invoice": {"authenticated"},
    "remove_sample_prompt": {"authenticated"},
    "delete_statement_line": {"authenticated"},
    "owns_installation": {"authenticated"},
    "decide_experiment": {"authenticated"},
    "delete_experiment": {"authenticated"},
    "delete_missing": {"authenticated"},
    "delete_own_account": {"authenticated"},
    "delete_source": {"authenticated"},
    "delete_view": {"authenticated"},
    "delete_workspace": {"authenticated"},
    "deploy_prompt": {"authenticated"},
    "describe_invitation": {"authenticated"},
    "digest_events": {"authenticated"},
    "digest_facts": {"authenticated"},
    "detach_partition": {"service_role"},
    "ensure_months": {"authenticated", "service_role"},
    "ensure_partitions": {"service_role"},
    "explore_costs": {"authenticated"},
    "explore_rights": {"authenticated"},
    "explore_values": {"authenticated"},
    "find_exported": {"authenticated"},
    "find_prompt": {"authenticated"},
    "find_same_import": {"authenticated"},
    "find_sessions": {"authenticated"},
    "find_traces": {"authenticated"},
    "focus_rows": {"authenticated"},
    "focus_state": {"authenticated"},
    "fold_stale_days": {"service_role"},
    "forecast_state": {"authenticated"},
    "gather_runs": {"authenticated"},
    "first_cost_day": {"authenticated"},
    "get_top_models_by_spend": {"authenticated", "service_role"},
    "get_user_total_spend": {"authenticated", "service_role"},
    "ignore_statement_line": {"authenticated"},
    "installation_state": {"authenticated"},
    "invite": {"authenticated"},
    "invoice_usage": {"authenticated"},
    "label_prompt_version": {"authenticated"},
    "last_run": {"authenticated"},
    "leave_workspace": {"authenticated"},
    "list_calls": {"authenticated"},
    "list_experiments": {"authenticated"},
    "list_estimates": {"authenticated"},
    "list_people": {"authenticated"},
    "list_projects": {"authenticated"},
    "list_prompts": {"authenticated"},
    "list_views": {"authenticated"},
    "list_records": {"authenticated"},
    "list_workspaces": {"authenticated"},
    "model_names": {"authenticated"},
    "model_performance": {"authenticated"},
    "move_experiment": {"authenticated"},
    "name_billing_account": {"authenticated"},
    "name_model": {"authenticated"},
    "pause_channel": {"authenticated"},
    "performance_rights": {"authenticated"},
    "post_due_renewals": {"authenticated"},
    "prepaid_credits": {"authenticated"},
    "preview_aliases": {"authenticated"},
    "prompt_figures": {"authenticated"},
    "prompt_scores": {"authenticated"},
    "prompt_text": {"authenticated"},
    "push_prompt": {"authenticated"},
    "preview_rules": {"authenticated"},
    "refresh_cost_records_daily": {"service_role"},
    "remove_channel": {"authenticated"},
    "remove_member": {"authenticated"},
    "remove_sql_role": {"authenticated"},
    "report_sync": {"authenticated"},
    "preview_restore": {"authenticated"},
    "restore_filing": {"authenticated"},
    "restore_project": {"authenticated"},
    "revoke_api_key": {"authenticated"},
    "rename_view": {"authenticated"},
    "rotate_api_key": {"authenticated"},
    "save_view": {"authenticated"},
    "read_experiment": {"authenticated"},
    "save_experiment": {"authenticated"},
    "save_runs": {"authenticated"},
    "save_scores": {"authenticated"},
    "read_content": {"authenticated"},
    "read_prompt": {"authenticated"},
    "roll_back_prompt": {"authenticated"},
    "read_trace": {"authenticated"},
    "recent_values": {"authenticated"},
    "rule_suggestions": {"authenticated"},
    "save_channel": {"authenticated"},
    "save_provider_jobs": {"authenticated"},
    "save_contents": {"authenticated"},
    "save_cost_records": {"authenticated"},
    "save_invoice": {"authenticated"},
    "save_invoices": {"authenticated"},
    "save_statement_lines": {"authenticated"},
    "save_spans": {"authenticated"},
    "search": {"authenticated"},
    "search_audit_log": {"authenticated"},
    "search_lists": {"authenticated"},
    "search_usage": {"authenticated"},
    "set_alert_rules": {"authenticated"},
    "set_archive_days": {"authenticated"},
    "archive_state": {"authenticated"},
    "archived_stretches": {"authenticated"},
    "set_aliases": {"authenticated"},
    "set_content_rules": {"authenticated"},
    "set_paid_by_plan": {"authenticated"},
    "set_source_enabled": {"authenticated"},
    "set_project_members": {"authenticated"},
    "set_rules": {"authenticated"},
    "set_trace_days": {"authenticated"},
    "source_days": {"authenticated"},
    "source_statements": {"authenticated"},
    "trace_rights": {"authenticated"},
    "unknown_people": {"authenticated"},
    "unpriced_models": {"authenticated"},
    "set_focus_export": {"authenticated"},
    "set_member_limit": {"authenticated"},
    "set_model_limits": {"authenticated"},
    "stop_digests": {"anon", "authenticated"},  # who reads a mailbox may be signed out
    "set_role": {"authenticated"},
    "stop_channel": {"anon", "authenticated"},
    "sum_records": {"authenticated"},
    "test_channel": {"authenticated"},
    "transfer_ownership": {"authenticated"},
    "update_project": {"authenticated"},
    "update_workspace": {"authenticated"},
}

NEEDS_ROLE = {
    "apply_prices": "member",
    "archive_prompt": "admin",
    "bring_prompt": "admin",
    "change_prompt": "member",
    "bring_advice": "admin",
    "bring_experiment": "admin",
    "count_audit_log": "admin",
    "count_by_rule": "admin",
    "create_api_key": "member",
    "create_project": "admin",
    "create_sql_role": "admin",
    "decide_invoice": "admin",
    "delete_invoice": "admin",
    "delete_statement_line": "admin",
    "delete_workspace": "owner",
    "deploy_prompt": "admin",
    "ignore_statement_line": "admin",
    "invite": "admin",
    "label_prompt_version": "member",
    "name_billing_account": "admin",
    "name_model": "admin",
    "post_due_renewals": "member",
    "preview_aliases": "admin",
    "preview_rules": "admin",
    "push_prompt": "member",
    "remove_member": "admin",
    "remove_sample_prompt": "admin",
    "remove_sql_role": "admin",
    "restore_filing": "admin",
    "roll_back_prompt": "admin",
    "rule_suggestions": "admin",
    "save_channel": "admin",
    "save_provider_jobs": "admin",
    "save_contents": "member",
    "save_cost_records": "member",
    "save_invoice": "admin",
    "save_invoices": "admin",
    "save_statement_lines": "admin",
    "save_experiment": "member",
    "save_runs": "member",
    "save_scores": "member",
    "save_spans": "member",
    "search_audit_log": "admin",
    "set_alert_rules": "admin",
    "set_archive_days": "admin",
    "archive_state": "admin",
    "set_aliases": "admin",
    "set_content_rules": "admin",
    "set_focus_export": "admin",
    "set_member_limit": "admin",
    "set_model_limits": "admin",
    "set_role": "admin",
    "set_rules": "admin",
    "set_trace_days": "admin",
    "transfer_ownership": "owner",
    "unknown_people": "admin",
    "update_workspace": "admin",
}  # the others of a workspace need a viewer

FORECAST = {
    "run_id": uuid4(),
    "predicted_cost_usd": 3,
    "lower_bound_80": 2,
    "upper_bound_80": 4,
    "lower_bound_95": 1,
    "upper_bound_95": 5,
}

# What a row of each table needs besides its user.
SAMPLE: dict[str, dict[str, Any]] = {
    "advice": {
        "kind": "caching",
        "subject": '{"model": "claude-sonnet-4-5"}',
        "current_usd": 100,
        "saving_low": 10,
        "saving_mid": 20,
        "saving_high": 30,
        "confidence": "medium",
        "basis": "modelled",
        "window_from": "2026-05-01",
        "window_to": "2026-05-28",
    },
    "alert_events": {
        "kind": "budget",
        "subject": "budget",
        "period_start": "2026-05-01",
        "severity": "warning",
        "state": "open",
        "facts": "{}",
    },
    "anomalies": {"day": "2026-05-01", "kind": "new_model", "model_name": "gpt-5", "actual_usd": 1},
    "api_credentials": {
        "credential_name": "laptop",
        "encrypted_api_key": "encrypted",
        "encryption_key_id": "first",
    },
    "api_keys": {"name": "laptop", "prefix": "tly_Abcd", "last_four": "9xYz", "scopes": ["ingest"]},
    "audit_logs": {"actor": "operator", "action": "update", "table_name": "api_credentials"},
    "billing_accounts": {"account": "openai:acme", "name": "Acme"},
    "channels": {
        "kind": "email",
        "name": "Ann",
        "hint": "a…@example.org",
        "sealed_target": "encrypted",
        "encryption_key_id": "first",
    },
    "budget_channels": {},
    "budget_thresholds": {"kind": "actual", "percent": 80},
    "budgets": {"name": "Everything", "amount": 100},
    "cost_records": {"timestamp": "2026-05-01T12:00:00Z", "model_name": "gpt-5", "cost_usd": 1},
    "custom_models": {"model_name": "ft:gpt-5:acme", "base_model": "gpt-5"},
    "deliveries": {"channel_name": "Ann", "kind": "test"},
    "delivery_attempts": {"number": 1},
    "effective_records": {"timestamp": "2026-05-01T12:00:00Z", "model_name": "gpt-5"},
    "experiment_runs": {"session": "s1", "happened_at": "2026-05-01T12:00:00Z", "source": "api"},
    "experiment_variants": {"nth": 1, "name": "A"},
    "experiments": {"name": "Cheaper"},
    "exchange_rates": {"day": "2026-05-01", "currency": "JPY", "rate": 180},
    "forecast_results": FORECAST
    | {
        "forecast_date": "2026-05-01",
        "confidence_score": 0.5,
        "model_version": "1",
        "training_data_start": "2026-01-01",
        "training_data_end": "2026-04-30",
        "training_record_count": 1,
    },
    "forecast_totals": FORECAST
    | {"kind": "month_end", "period_start": "2026-05-01", "period_end": "2026-05-31", "spent_usd": 0},
    "invitations": {"email": "new@example.org", "role": "member"},
    "imports": {"filename": "costs.csv", "format": "generic", "file_sha256": "0" * 64},
    "job_runs": {"run_id": uuid4(), "day": "2026-05-01"},
    "invoice_lines": {"position": 1, "description": "Usage", "amount": 10},
    "invoices": {
        "seller": "OpenAI, LLC",
        "number": "A-1",
        "kind": "credits",
        "issued_on": "2026-05-01",
        "currency": "USD",
        "subtotal": 10,
        "total": 10,
    },
    "members": {"role": "viewer"},
    "model_aliases": {"name": "my-gpt-prod", "model_name": "gpt-5"},
    "model_prices": {"model_name": "house-model", "input_usd_per_mtok": 1, "output_usd_per_mtok": 2},
    "person_aliases": {"value": "ann@example.org"},
    "provider_jobs": {
        "kind": "batch",
        "told_id": "batch_1",
        "state": "completed",
        "began_at": "2026-05-01T12:00:00Z",
    },
    "price_multipliers": {"billing_account": "openai", "multiplier": 0.85, "valid_from": "2026-05-01"},
    "project_members": {},
    "project_rules": {"position": 1, "field": "folder", "match": "exact", "value": "/work/web"},
    "projects": {"name": "Web", "slug": "web"},
    "prompt_deployments": {"environment": "production", "share": 100, "to_at": "2099-01-01T00:00Z"},
    "prompt_versions": {"number": 1},
    "prompts": {"name": "refund-policy"},
    "providers": {"name": "brand-new", "display_name": "Brand new"},
    "scores": {"name": "correct", "kind": "bool", "value": 1, "scored_by": "code"},
    "spans": {
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "week": "2026-05-04",
        "started_at": "2026-05-05T12:00:00Z",
        "name": "chat",
    },
    "statement_lines": {
        "identity": "a" * 64,
        "kind": "api",
        "product": "OpenAI API",
        "descriptor": "OPENAI",
        "posted_on": "2026-05-01",
        "amount": 10,
        "currency": "USD",
    },
    "sql_roles": {"name": "Metabase"},
    "subscriptions": {
        "plan_name": "Plus",
        "amount_usd": 20,
        "started_on": "2026-05-01",
        "ended_on": "2026-05-01",
        "renewal_day": 1,
    },
    "superseded_records": {"timestamp": "2026-05-01T12:00:00Z", "model_name": "gpt-5", "cost_usd": 1},
    "traces": {
        "trace_id": "a" * 32,
        "week": "2026-05-04",
        "first_at": "2026-05-05T12:00:00Z",
        "last_at": "2026-05-05T12:00:01Z",
    },
    "user_preferences": {},
    "workspaces": {"name": "Team"},
}


_columns: defaultdict[str, set[str]] = defaultdict(set)


def list_tables(connection: Connection) -> list[str]:
    """Every relation of the schema public that the API could show."""
    rows = connection.execute(
        """
        select relname from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
        order by 1"""
    )
    return [name for (name,) in rows]


def list_columns(connection: Connection) -> dict[str, set[str]]:
    """Columns of the tables of the schema public, read once: every migrated database has the same."""
    if not _columns:
        rows = connection.execute(
            """select c.relname, a.attname
            from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
            where c.relnamespace = 'public'::regnamespace and a.attnum > 0"""
        )
        for table, column in rows:
            _columns[table].add(column)
    return _columns


def list_functions(connection: Connection) -> dict[str, str]:
    """Every function of the schema public, with a call that gives it nulls."""
    rows = connection.execute(
        """
        select p.proname, format(
            'select public.%I(%s)', p.proname,
            (select string_agg('null::' || format_type(t.oid, null), ', ' order by t.nth)
            from unnest(p.proargtypes::oid[]) with ordinality as t (oid, nth))
        )
        from pg_proc as p
        where pronamespace = 'public'::regnamespace"""
    )
    return dict(rows.fetchall())


def list_workspace_functions(connection: Connection) -> dict[str, str]:
    """Every function that takes a workspace, with a call for the workspace `%s` and nulls."""
    rows = connection.execute(
        """
        select p.proname, format(
            'select public.%I(%s)', p.proname,
            (
                select string_agg(
                    case when n.name = 'workspace' then '%s' else 'null::' || format_type(t.oid, null) end,
                    ', ' order by t.nth
                )
                from unnest(p.proargtypes::oid[]) with ordinality as t (oid, nth)
                inner join unnest(p.proargnames) with ordinality as n (name, nth) using (nth)
            )
        )
        from pg_proc as p
        where p.pronamespace = 'public'::regnamespace and 'workspace' = any (p.proargnames)"""
    )
    return dict(rows.fetchall())


def sample_row(
    connection: Connection, table: str, user_id: UUID, workspace_id: UUID | None = None
) -> dict[str, Any]:
    """A valid row of a table for a user, by default in the personal workspace."""
    row = dict(SAMPLE[table])
    columns = list_columns(connection)[table]
    if "workspace_id" in columns:
        row["workspace_id"] = workspace_id or user_id
    if "user_id" in columns and table not in ABOUT_A_PERSON:
        row["user_id"] = user_id
    if "provider_id" in columns:
        found = connection.execute("select id from public.providers where name = 'openai'").fetchone()
        row["provider_id"] = found and found[0]
    if table == "cost_records":
        make_months(connection, "2026-05-01")
    if table == "spans":
        connection.execute("select private.create_piece('spans', '2026-05-04')")
    for column, add in _REFERENCES.get(table, {}).items():
        row[column] = add(connection, row["workspace_id"])
    if table == "prompt_deployments":
        query = "select prompt_id from public.prompt_versions where id = %s"
        [[row["prompt_id"]]] = connection.execute(query, [row["version_id"]]).fetchall()
    if table in _HASHED:
        row[_HASHED[table]] = sha256(uuid4().bytes).digest()
    _add_unique(connection, table, user_id, row)
    return row


def _add_unique(connection: Connection, table: str, user_id: UUID, row: dict[str, Any]) -> None:
    if table == "invitations":
        row["token_sha256"] = sha256(uuid4().bytes).digest()
    if table == "api_keys":
        row["key_hash"] = sha256(uuid4().bytes).digest()
    if table == "sql_roles":
        row["role_name"] = f"tally_bi_{uuid4().hex[:12]}"
    if table == "experiment_runs":
        row["experiment_id"] = _experiment_of(connection, row["variant_id"])
    if table == "superseded_records":
        row["import_id"] = _disabled_import(connection, user_id, row["workspace_id"])


def another_row(
    connection: Connection, table: str, user_id: UUID, workspace_id: UUID | None = None
) -> dict[str, Any]:
    """The same, with new values where they are unique."""
    row = sample_row(connection, table, user_id, workspace_id)
    unique: dict[str, Any] = {
        name: str(uuid4())
        for name in ("run_id", "credential_name", "slug", "value", "account", "billing_account", "subject")
        if table != "scores"  # whose value is a number
    }
    unique |= {"position": randint(2, 200), "email": f"{uuid4()}@example.org"}
    if table == "advice":
        unique["subject"] = f'{{"model": "{uuid4()}"}}'
    if table in ("anomalies", "custom_models", "model_prices"):
        unique["model_name"] = str(uuid4())
    if table in ("model_aliases", "prompts"):
        unique["name"] = str(uuid4())
    if table == "experiments":
        unique["name"] = str(uuid4())
    if table in ("spans", "traces"):
        unique["trace_id"] = uuid4().hex
    if table == "invoices":
        unique["number"] = str(uuid4())
    if table == "statement_lines":
        unique["identity"] = sha256(uuid4().bytes).hexdigest()
    return row | {name: value for name, value in unique.items() if name in row}


def fill_workspace(connection: Connection, workspace_id: UUID, users: dict[str, UUID]) -> None:
    """Make a workspace of these people by role, with a row of each in each table that has a user.

    `former` has left, `invited` has an open invitation, `stranger` nothing.
    """
    connection.execute("insert into public.workspaces (id, name) values (%s, 'Team')", [workspace_id])
    members = {role: user_id for role, user_id in users.items() if role not in OUTSIDERS[1:]}
    for role, user_id in members.items():
        connection.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, %s)",
            [workspace_id, user_id, role if role in ROLES else "member"],
        )
    for table in sorted((WRITTEN_BY_OWNER | READ_BY_OWNER | WRITTEN_BY_NOBODY) - MADE_AT_SIGN_UP - VIEWS):
        for role, user_id in members.items():
            row = another_row(connection, table, user_id, workspace_id)
            if role == "owner" or "user_id" in row:
                connection.execute(insert(table, row))
    connection.execute(
        """insert into public.invitations (workspace_id, email, role, token_sha256, invited_by)
        select %s, email, 'admin', sha256(%s), %s from auth.users where id = %s""",
        [workspace_id, workspace_id.bytes, users["owner"], users["invited"]],
    )
    query = "delete from public.members where workspace_id = %s and user_id = %s"
    connection.execute(query, [workspace_id, users["former"]])


def _add_project(connection: Connection, workspace_id: UUID) -> UUID:
    project = SAMPLE["projects"] | {"workspace_id": workspace_id, "slug": str(uuid4())}
    found = connection.execute(insert("projects", project) + sql.SQL(" returning id")).fetchone()
    assert found is not None
    project_id: UUID = found[0]
    return project_id


def _add_delivery(connection: Connection, workspace_id: UUID) -> UUID:
    delivery = SAMPLE["deliveries"] | {"workspace_id": workspace_id}
    [[delivery_id]] = connection.execute(insert("deliveries", delivery) + sql.SQL(" returning id")).fetchall()
    assert isinstance(delivery_id, UUID)
    return delivery_id


def _add_credential(connection: Connection, workspace_id: UUID) -> UUID:
    anybody = """select coalesce(
        (select m.user_id from public.members as m where m.workspace_id = %s limit 1),
        (select u.id from auth.users as u limit 1)
    )"""
    [[owner]] = connection.execute(anybody, [workspace_id]).fetchall()
    row = another_row(connection, "api_credentials", owner, workspace_id)
    [[credential_id]] = connection.execute(
        insert("api_credentials", row) + sql.SQL(" returning id")
    ).fetchall()
    assert isinstance(credential_id, UUID)
    return credential_id


def _add_budget(connection: Connection, workspace_id: UUID) -> UUID:
    budget = SAMPLE["budgets"] | {"workspace_id": workspace_id}
    found = connection.execute(insert("budgets", budget) + sql.SQL(" returning id")).fetchone()
    assert found is not None
    budget_id: UUID = found[0]
    return budget_id


def _add_prompt(connection: Connection, workspace_id: UUID) -> UUID:
    prompt = SAMPLE["prompts"] | {"workspace_id": workspace_id, "name": str(uuid4())}
    [[prompt_id]] = connection.execute(insert("prompts", prompt) + sql.SQL(" returning id")).fetchall()
    assert isinstance(prompt_id, UUID)
    return prompt_id


def _add_prompt_version(connection: Connection, workspace_id: UUID) -> UUID:
    prompt_id = _add_prompt(connection, workspace_id)
    version = SAMPLE["prompt_versions"] | {"workspace_id": workspace_id, "prompt_id": prompt_id}
    [[version_id]] = connection.execute(
        insert("prompt_versions", version) + sql.SQL(" returning id")
    ).fetchall()
    assert isinstance(version_id, UUID)
    return version_id


def _add_channel(connection: Connection, workspace_id: UUID) -> UUID:
    query = "select id from public.channels where workspace_id = %s limit 1"
    for (found,) in connection.execute(query, [workspace_id]).fetchall():
        return UUID(str(found))
    channel = SAMPLE["channels"] | {"workspace_id": workspace_id}
    [[channel_id]] = connection.execute(insert("channels", channel) + sql.SQL(" returning id")).fetchall()
    assert isinstance(channel_id, UUID)
    return channel_id


_HASHED = {"api_keys": "key_hash", "invitations": "token_sha256"}


def _add_invoice(connection: Connection, workspace_id: UUID) -> UUID:
    query = """insert into public.invoices
            (workspace_id, provider_id, seller, number, kind, issued_on, currency, subtotal, total)
        select %s, id, 'OpenAI', gen_random_uuid()::text, 'credits', '2026-05-01', 'USD', 10, 10
        from public.providers where name = 'openai' returning id"""
    [[invoice_id]] = connection.execute(query, [workspace_id]).fetchall()
    assert isinstance(invoice_id, UUID)
    return invoice_id


def _add_experiment(connection: Connection, workspace_id: UUID) -> UUID:
    experiment = {"workspace_id": workspace_id, "name": str(uuid4())}
    [[experiment_id]] = connection.execute(
        insert("experiments", experiment) + sql.SQL(" returning id")
    ).fetchall()
    assert isinstance(experiment_id, UUID)
    return experiment_id


def _add_variant(connection: Connection, workspace_id: UUID) -> UUID:
    variant = SAMPLE["experiment_variants"] | {
        "workspace_id": workspace_id,
        "experiment_id": _add_experiment(connection, workspace_id),
    }
    [[variant_id]] = connection.execute(
        insert("experiment_variants", variant) + sql.SQL(" returning id")
    ).fetchall()
    assert isinstance(variant_id, UUID)
    return variant_id


def _experiment_of(connection: Connection, variant_id: UUID) -> UUID:
    query = "select experiment_id from public.experiment_variants where id = %s"
    [[experiment_id]] = connection.execute(query, [variant_id]).fetchall()
    assert isinstance(experiment_id, UUID)
    return experiment_id


def _add_run(connection: Connection, workspace_id: UUID) -> UUID:
    variant_id = _add_variant(connection, workspace_id)
    run = SAMPLE["experiment_runs"] | {
        "workspace_id": workspace_id,
        "experiment_id": _experiment_of(connection, variant_id),
        "variant_id": variant_id,
    }
    [[run_id]] = connection.execute(insert("experiment_runs", run) + sql.SQL(" returning id")).fetchall()
    assert isinstance(run_id, UUID)
    return run_id


_REFERENCES: dict[str, dict[str, Callable[[Connection, UUID], UUID]]] = {
    "budget_channels": {"budget_id": _add_budget, "channel_id": _add_channel},
    "budget_thresholds": {"budget_id": _add_budget},
    "delivery_attempts": {"delivery_id": _add_delivery},
    "invoice_lines": {"invoice_id": _add_invoice},
    "provider_jobs": {"credential_id": _add_credential},
    "project_members": {"project_id": _add_project},
    "project_rules": {"project_id": _add_project},
    "prompt_deployments": {"version_id": _add_prompt_version},
    "prompt_versions": {"prompt_id": _add_prompt},
    "experiment_runs": {"variant_id": _add_variant},
    "experiment_variants": {"experiment_id": _add_experiment},
    "scores": {"experiment_run_id": _add_run},
}


def _disabled_import(connection: Connection, user_id: UUID, workspace_id: UUID) -> UUID:
    """A disabled source: its statements stay among the superseded records."""
    disabled = SAMPLE["imports"] | {"workspace_id": workspace_id, "user_id": user_id, "is_enabled": False}
    found = connection.execute(insert("imports", disabled) + sql.SQL(" returning id")).fetchone()
    assert found is not None
    import_id: UUID = found[0]
    return import_id


def insert(table: str, row: dict[str, Any]) -> sql.Composed:
    """The statement that inserts a row."""
    return sql.SQL("insert into public.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Literal, row.values())),
    )


def statement(command: str, table: str, row: dict[str, Any], workspace_id: UUID) -> sql.Composed:
    """A command on every row that the caller can reach, or on the workspace's; an insert adds `row`."""
    if command == "insert":
        return insert(table, row)
    if command == "select" and table in KEY_OF_EVERYBODY:  # a stranger has rows, too
        return sql.SQL("select * from public.{} where {} = {}").format(
            sql.Identifier(table), sql.Identifier(KEY_OF_EVERYBODY[table]), workspace_id
        )
    commands = {
        "select": f"select {READABLE.get(table, '*')} from public.{{}}",
        "update": "update public.{} set metadata = '{{\"seen\": true}}'",
        "delete": "delete from public.{}",
    }
    return sql.SQL(commands[command]).format(sql.Identifier(table))


def count_rows(connection: Connection, table: str, workspace_id: UUID, user_id: UUID | None = None) -> int:
    """A table's rows in a workspace, or those of one user in it; of a table without workspaces all."""
    keys = {"workspace_id": workspace_id, "user_id": user_id}
    if table == "workspaces":
        keys = {"id": workspace_id}
    elif table in OF_ONE_USER:
        keys = {"user_id": user_id}
    elif table in READ_BY_EVERYONE:
        keys = {}
    conditions = [
        sql.SQL("{} = {}").format(sql.Identifier(key), value)
        for key, value in keys.items()
        if value is not None
    ]
    query = sql.SQL("select count(*) from public.{} where {}").format(
        sql.Identifier(table), sql.SQL(" and ").join([sql.SQL("true"), *conditions])
    )
    [[count]] = connection.execute(query).fetchall()
    assert isinstance(count, int)
    return count


def expected(actor: str, table: str, command: str) -> str:
    """`denied`, `nothing` (no row is reached) or `own` (the caller's rows; all rows for a service)."""
    if actor == "anon":
        return "denied"
    if table in WRITTEN_BY_NOBODY | VIEWS and command != "select":
        return "denied"
    if actor == "service":
        return "own"
    if table in WRITTEN_BY_OWNER:
        if actor == "owner":
            return "own"
        return "denied" if command == "insert" else "nothing"
    if command != "select":
        return "denied"
    return "own" if actor == "owner" or table in READ_BY_EVERYONE else "nothing"


def expected_of_outsider(table: str, command: str) -> str:
    """The outcome in a workspace of others, of tables that belong to a workspace: `denied` or `nothing`."""
    is_written = table in WRITTEN_BY_OWNER and command in ("update", "delete")
    return "nothing" if is_written or command == "select" else "denied"


def expected_of_role(role: str, table: str, command: str, split: str = "admins") -> str:
    """`denied`, `nothing`, `own` or `all`, in a workspace of several people; an insert adds an own row."""
    if table in OF_ONE_USER:
        return "own"
    if table in READ_BY_EVERYONE:
        return "all" if command == "select" else "denied"
    is_admin = role in ("admin", "owner")
    if command == "select":
        return "all" if is_admin else _read_by_members(table, split)
    if table not in WRITTEN_BY_OWNER:
        return "denied"
    may_write = is_admin or (role == "member" and table not in SEEN_BY_ADMINS | WRITTEN_BY_ADMINS)
    if command == "insert":
        return "own" if may_write else "denied"
    if not may_write:
        return "nothing"
    return "all" if is_admin else "own"


def _read_by_members(table: str, split: str) -> str:
    if table in SEEN_BY_ADMINS or (table in TOTALS and split == "own"):
        return "nothing"
    if table in OF_THEIR_OWNER:
        return "own"
    return "own" if table in OF_PEOPLE and split != "everyone" else "all"
