"""The tables of an export against the catalog: a new table or column is moved, or it is said here why not."""

from tally.moving.tables import DAILY, PERSON, PREFERENCES, PROVIDER, REJECTIONS, TABLES, WORKSPACE
from tally.moving.view_tables import VIEWS
from tests.database.access import list_columns, list_tables
from tests.database_fixtures import Project

WITHOUT_ONE = (DAILY, REJECTIONS, VIEWS)  # sums, a column, and a table that its functions alone read
NOT_MOVED = {
    "alert_events": "what another installation told",
    "anomalies": "calculated again",
    "budget_channels": "channels are verified again",
    "audit_logs": "the log of another installation",
    "deliveries": "messages of another installation",
    "delivery_attempts": "as their deliveries",
    "effective_records": "a view",
    "exchange_rates": "fetched again, the same for everybody",
    "forecast_results": "calculated again",
    "forecast_totals": "calculated again",
    "invitations": "bound to accounts",
    "job_runs": "runs of another installation",
    "sql_roles": "roles of another server",
    "members": "accounts",
    "project_members": "accounts",
    "provider_jobs": "fetched again with the key of a connection",
    "providers": "the same everywhere",
    "spans": "kept for some days only",
    "traces": "as their spans",
}
# Whose rows they are, and what the database sets.
SET_BY_IMPORT = {"id", "workspace_id", "user_id", "provider_id", "created_at", "updated_at"}
OF_TABLES = {
    "advice": {"decided_by", "person_id", "subject_hash"},  # accounts, and what follows from the subject
    "api_credentials": {  # named in the file, without what belongs to the key
        "encrypted_api_key",
        "encryption_key_id",
        "is_active",
        "last_error",
        "last_sync_at",
        "last_validated_at",
        "metadata",
        "next_sync_at",
        "validation_status",
    },
    "api_keys": {  # named in the file, without what belongs to the key
        "expires_at",
        "key_hash",
        "last_four",
        "last_used_at",
        "metadata",
        "prefix",
        "project_id",
        "requests_per_minute",
        "scopes",
        "successor_id",
        "tokens_per_minute",
    },
    "billing_accounts": {"metadata"},  # empty, as in the next ones
    "channels": {  # named in the file, without what belongs to the target
        "confirmation_expires_at",
        "confirmation_sha256",
        "created_by",
        "sends_days_from",
        "digest",
        "disabled_at",
        "disabled_reason",
        "encryption_key_id",
        "failures_in_a_row",
        "hint",
        "last_problem",
        "last_sent_at",
        "metadata",
        "must_agree",
        "paused_at",
        "quiet_from",
        "quiet_to",
        "sealed_target",
        "stop_sha256",
        "urgent_passes",
        "verified_at",
        "verified_by",
    },
    "budget_thresholds": {"metadata"},
    "budgets": {"created_by"},
    "cost_records": {"model_key", "money_is_effective", "tokens_are_effective"},  # calculated again
    "experiment_runs": {"metadata"},
    "experiment_variants": {"metadata"},
    "experiments": {"created_by", "decided_by"},
    "imports": {
        "api_key_id",
        "credential_id",
        "errors",
    },  # of this house; a table of their own
    "invoice_lines": {"metadata"},
    "invoices": {"created_by", "decided_at", "decided_by", "metadata"},
    "model_aliases": {"metadata"},
    "person_aliases": {"metadata"},
    "prompt_deployments": {"deployed_by", "metadata", "slots"},  # accounts; keys are drawn again
    "prompt_versions": {"author_id", "content_sha256", "metadata"},
    "prompts": {"metadata"},
    "project_rules": {"metadata", "position"},  # the order of the rows
    "projects": {"metadata"},
    "scores": {"metadata"},
    "statement_lines": {"created_by", "invoice_id", "metadata"},  # linked again
    "superseded_records": {"model_key"},
    # What is said is kept where an admin of the new house chooses so.
    "workspaces": {"archive_days", "content_days", "content_words", "metadata", "personal_user_id"},
}


def test_every_table_is_moved_or_is_known_not_to_be(project: Project) -> None:
    moved = {table.name for table in TABLES if table not in WITHOUT_ONE}
    with project.connect() as connection:
        assert moved | NOT_MOVED.keys() == set(list_tables(connection))
    assert not moved & NOT_MOVED.keys()


def test_every_column_is_moved_or_is_known_not_to_be(project: Project) -> None:
    with project.connect() as connection:
        columns = list_columns(connection)
    for table in TABLES:
        if table in WITHOUT_ONE:
            continue
        moved = set(table.columns) - {PERSON, PROVIDER}
        kept_out = OF_TABLES.get(table.name, set()) | SET_BY_IMPORT
        present = {name for name in columns[table.name] if "pg.dropped" not in name}
        assert moved | kept_out >= present, table.name
        assert moved <= present, table.name
    assert {"timezone", "currency"} <= WORKSPACE.columns.keys() & PREFERENCES.columns.keys()
