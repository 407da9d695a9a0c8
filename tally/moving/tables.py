"""The tables of an export of everything, and what each column accepts."""

from typing import get_args
from uuid import UUID

from tally.core.records import (
    COUNTS,
    MAX_BILLING_ACCOUNT,
    MAX_MODEL_NAME,
    MAX_REQUEST_ID,
    ChargeType,
    CollectionMethod,
    CostBasis,
)
from tally.moving import cells
from tally.moving.advice_table import ADVICE
from tally.moving.cells import Parse
from tally.moving.experiment_tables import EXPERIMENTS, RUNS, SCORES, VARIANTS
from tally.moving.prompt_tables import DEPLOYMENTS, PROMPTS, VERSIONS
from tally.moving.table import EMAIL, NAME, make_table
from tally.moving.table import EXACT as EXACT
from tally.moving.table import PERSON as PERSON
from tally.moving.table import PROVIDER as PROVIDER
from tally.moving.table import Row as Row
from tally.moving.table import Table as Table
from tally.moving.view_tables import VIEWS

WORKSPACE = make_table(
    "workspaces",
    "name timezone currency person_split",
    {
        "name": NAME,
        "timezone": cells.text(64),
        "currency": cells.text(3),
        "person_split": cells.choice("own", "admins", "everyone"),
        "alert_rules": cells.record_of,
        "trace_days": cells.count,
        "model_limits": cells.list_of,
    },
)
PREFERENCES = make_table(
    "user_preferences",
    "currency timezone theme default_date_range email_notifications weekly_digest monthly_digest "
    "forecast_enabled metadata",
    {
        "currency": cells.text(3),
        "timezone": cells.text(64),
        "theme": cells.choice("light", "dark", "system"),
        "default_date_range": cells.choice("7d", "30d", "90d", "1y", "all", "this month"),
        "email_notifications": cells.flag,
        "weekly_digest": cells.flag,
        "monthly_digest": cells.flag,
        "forecast_enabled": cells.flag,
        "metadata": cells.record_of,
    },
    order=("user_id",),
)
PROJECTS = make_table(
    "projects",
    "id name slug is_private",
    {
        "id": cells.identifier,
        "name": NAME,
        "slug": cells.text(120),
        "is_private": cells.flag,
        "archived_at": cells.instant,
    },
    order=("created_at", "id"),
)
RULES = make_table(
    "project_rules",
    "field match value project_id",
    {
        "field": cells.text(30),
        "match": cells.choice("exact", "prefix"),
        "value": cells.text(500),
        "project_id": cells.identifier,
    },
    order=("position", "id"),
)
ALIASES = make_table(
    "person_aliases", "value person", {"value": cells.text(300), PERSON: EMAIL}, order=("value", "id")
)
ACCOUNTS = make_table(
    "billing_accounts", "account name", {"account": cells.text(200), "name": NAME}, order=("account",)
)
MODELS = make_table(
    "model_aliases",
    "provider name model_name",
    {PROVIDER: NAME, "name": cells.text(200), "model_name": cells.text(200)},
)
CUSTOM_MODELS = make_table(
    "custom_models",
    "id provider model_name metadata",
    {
        "id": cells.identifier,
        PROVIDER: NAME,
        "model_name": cells.text(MAX_MODEL_NAME),
        "base_model": cells.text(MAX_MODEL_NAME),
        "note": cells.text(500),
        "metadata": cells.record_of,
    },
    filled=frozenset({"note"}),
)
CONNECTIONS = make_table(
    "api_credentials", "provider credential_name", {PROVIDER: NAME, "credential_name": NAME}
)
KEYS = make_table(
    "api_keys", "name", {PERSON: EMAIL, "name": NAME, "revoked_at": cells.instant}, order=("created_at", "id")
)
CHANNELS = make_table(
    "channels", "kind name", {"kind": cells.text(20), "name": NAME}, order=("created_at", "id")
)
PRICES = make_table(
    "model_prices",
    "id provider model_name valid_from input_usd_per_mtok output_usd_per_mtok request_usd replaces_list"
    " metadata",
    {
        "id": cells.identifier,
        PROVIDER: NAME,
        "model_name": cells.text(MAX_MODEL_NAME),
        "valid_from": cells.day,
        "input_usd_per_mtok": cells.decimal(),
        "output_usd_per_mtok": cells.decimal(),
        "cached_input_usd_per_mtok": cells.decimal(),
        "cache_write_usd_per_mtok": cells.decimal(),
        "cache_write_1h_usd_per_mtok": cells.decimal(),
        "request_usd": cells.decimal(),
        "replaces_list": cells.flag,
        "metadata": cells.record_of,
    },
)
MULTIPLIERS = make_table(
    "price_multipliers",
    "id provider multiplier valid_from metadata",
    {
        "id": cells.identifier,
        PROVIDER: NAME,
        "billing_account": cells.text(MAX_BILLING_ACCOUNT),
        "multiplier": cells.decimal(3, 6),
        "valid_from": cells.day,
        "valid_to": cells.day,
        "note": cells.text(500),
        "metadata": cells.record_of,
    },
    filled=frozenset({"note"}),
)
SUBSCRIPTIONS = make_table(
    "subscriptions",
    "id provider plan_name amount_usd started_on renewal_day interval metadata",
    {
        "id": cells.identifier,
        PERSON: EMAIL,
        PROVIDER: NAME,
        "plan_name": cells.text(200),
        "amount_usd": cells.decimal(),
        "started_on": cells.day,
        "ended_on": cells.day,
        "renewal_day": cells.count,
        "interval": cells.choice("month", "year"),
        "metadata": cells.record_of,
    },
    order=("created_at", "id"),
)
BUDGETS = make_table(
    "budgets",
    "id name measure amount currency period starts_on_day counts_subscriptions counts_tax metadata",
    {
        "id": cells.identifier,
        "name": NAME,
        "project_id": cells.identifier,
        PROVIDER: NAME,
        "model_name": cells.text(MAX_MODEL_NAME),
        PERSON: EMAIL,
        "billing_account": cells.text(MAX_BILLING_ACCOUNT),
        "tag": cells.text(200),
        "agent": cells.text(200),
        "environment": cells.text(200),
        "customer": cells.text(200),
        "measure": cells.choice("cost", "tokens"),
        "amount": cells.decimal(16),
        "currency": cells.text(3),
        "period": cells.choice("day", "week", "month", "quarter", "year"),
        "starts_on_day": cells.count,
        "counts_subscriptions": cells.flag,
        "counts_tax": cells.flag,
        "paused_at": cells.instant,
        "metadata": cells.record_of,
    },
    order=("created_at", "id"),
)
THRESHOLDS = make_table(
    "budget_thresholds",
    "budget_id kind percent",
    {
        "budget_id": cells.identifier,
        "kind": cells.choice("actual", "forecast"),
        "percent": cells.count,
    },
)
SOURCES = make_table(
    "imports",
    "id kind filename format is_enabled rows_read rows_imported rows_duplicate rows_restated rows_rejected"
    " status metadata",
    {
        "id": cells.identifier,
        PERSON: EMAIL,
        "kind": cells.choice("file", "connection", "machine", "key"),
        "filename": cells.text(255),
        "format": cells.text(50),
        "file_sha256": cells.text(64),
        "is_enabled": cells.flag,
        "rows_read": cells.count,
        "rows_imported": cells.count,
        "rows_duplicate": cells.count,
        "rows_restated": cells.count,
        "rows_rejected": cells.count,
        "status": cells.choice("running", "done", "failed"),
        "metadata": cells.record_of,
        "finished_at": cells.instant,
    },
    order=("created_at", "id"),
)
# A row each of what a source's `errors` hold: a cell with all of them would be too long.
REJECTIONS = make_table(
    "import_errors",
    "import_id line",
    {"import_id": cells.identifier, "line": cells.count, "reason": cells.text(2000), "row": cells.text(2000)},
    filled=frozenset({"reason", "row"}),
)
_STATEMENT: dict[str, Parse] = {
    "timestamp": cells.instant,
    "day": cells.day,
    PROVIDER: NAME,
    "model_name": cells.text(MAX_MODEL_NAME),
    "cost_usd": cells.decimal(),
    "cost_basis": cells.choice(*get_args(CostBasis)),
    "charge_type": cells.choice(*get_args(ChargeType)),
    "collection_method": cells.choice(*get_args(CollectionMethod)),
    "tokens_used": cells.count,
    **dict.fromkeys(COUNTS, cells.count),
    PERSON: EMAIL,
    "project_id": cells.identifier,
    "project_chosen_by": cells.choice("person", "source", "event"),
    "import_id": cells.identifier,
    "subscription_id": cells.identifier,
    "source_key": cells.identifier,
    "request_id": cells.text(MAX_REQUEST_ID),
    "billing_account": cells.text(MAX_BILLING_ACCOUNT),
    "dataset": cells.text(100),
    "billed_under_other_name": cells.flag,
    "metadata": cells.record_of,
}
_STATED = (
    "timestamp provider model_name cost_basis charge_type collection_method source_key dataset"
    f" billed_under_other_name metadata tokens_used {' '.join(COUNTS)}"
)
RECORDS = make_table("cost_records", _STATED, _STATEMENT, order=("timestamp", "source_key"))
SUPERSEDED = make_table(
    "superseded_records",
    _STATED,
    _STATEMENT,
    order=("timestamp", "id"),
    before={"timestamp": "2000-01-01T00:00:00Z", "id": str(UUID(int=0))},
)
STATEMENTS = (RECORDS, SUPERSEDED)
# The totals, which an import finds again. Nothing is imported from it.
DAILY = make_table(
    "daily_costs",
    "date provider model cost_basis charge_type tokens requests records unpriced_records",
    {
        "date": cells.day,
        PROVIDER: NAME,
        "model": cells.text(MAX_MODEL_NAME),
        "cost_basis": cells.choice(*get_args(CostBasis)),
        "charge_type": cells.choice(*get_args(ChargeType)),
        "project_id": cells.identifier,
        "cost_usd": cells.decimal(18),
        **dict.fromkeys(("tokens", "requests", "records", "unpriced_records"), cells.total),
    },
)

_AMOUNT = cells.decimal(12)
INVOICES = make_table(
    "invoices",
    "id provider seller number kind issued_on currency subtotal discount tax total applied_balance origin",
    {
        "id": cells.identifier,
        PROVIDER: NAME,
        "seller": cells.text(200),
        "number": NAME,
        "kind": cells.choice("usage", "subscription", "credits"),
        "issued_on": cells.day,
        "paid_on": cells.day,
        "period_start": cells.day,
        "period_end": cells.day,
        "currency": cells.text(3),
        **dict.fromkeys(("subtotal", "discount", "tax", "total", "applied_balance"), _AMOUNT),
        "usd_rate": cells.decimal(6, 12),
        "expires_on": cells.day,
        "card_last_four": cells.text(4),
        "plan_name": cells.text(200),
        "origin": cells.choice("pdf", "csv", "typed"),
        "file_sha256": cells.text(64),
        "decision": cells.choice("accepted", "ignored"),
    },
    order=("created_at", "id"),
)
INVOICE_LINES = make_table(
    "invoice_lines",
    "invoice_id position description amount",
    {
        "invoice_id": cells.identifier,
        "position": cells.count,
        "description": cells.text(500),
        "amount": _AMOUNT,
        "quantity": cells.decimal(16, 20),
        "unit_price": cells.decimal(12, 20),
        "period_start": cells.day,
        "period_end": cells.day,
    },
    order=("invoice_id", "position"),
    filled=frozenset({"description"}),
)
STATEMENT_LINES = make_table(
    "statement_lines",
    "id provider identity kind product descriptor posted_on amount currency is_ignored",
    {
        "id": cells.identifier,
        PROVIDER: NAME,
        "identity": cells.text(64),
        "kind": cells.choice("plan", "api"),
        "product": cells.text(200),
        "descriptor": cells.text(200),
        "posted_on": cells.day,
        "amount": _AMOUNT,
        "currency": cells.text(3),
        "usd_rate": cells.decimal(6, 12),
        "card_last_four": cells.text(4),
        "is_ignored": cells.flag,
    },
    order=("posted_on", "id"),
)

# In the order in which they are imported: each refers to those before it.
TABLES = (
    WORKSPACE,
    PREFERENCES,
    CONNECTIONS,
    KEYS,
    CHANNELS,
    PROJECTS,
    RULES,
    ALIASES,
    ACCOUNTS,
    BUDGETS,
    THRESHOLDS,
    PROMPTS,
    VERSIONS,
    DEPLOYMENTS,
    PRICES,
    MULTIPLIERS,
    MODELS,
    CUSTOM_MODELS,
    SUBSCRIPTIONS,
    SOURCES,
    REJECTIONS,
    *STATEMENTS,
    INVOICES,
    INVOICE_LINES,
    STATEMENT_LINES,
    EXPERIMENTS,
    VARIANTS,
    RUNS,
    SCORES,
    ADVICE,
    VIEWS,
    DAILY,
)
# Columns that name rows of other tables.
REFERENCES = {
    "project_id": PROJECTS,
    "import_id": SOURCES,
    "subscription_id": SUBSCRIPTIONS,
    "budget_id": BUDGETS,
    "prompt_id": PROMPTS,
    "version_id": VERSIONS,
    "invoice_id": INVOICES,
    "experiment_id": EXPERIMENTS,
    "variant_id": VARIANTS,
    "experiment_run_id": RUNS,
}
