"""Data of the pages: rows of the user's workspace, read through their client and cached by data version."""

from app.data.alert_rules import load_alert_rules, load_model_limits
from app.data.anomalies import load_anomalies
from app.data.audit_log import count_audit_log, load_audit_log
from app.data.budgets import (
    USUAL_THRESHOLDS,
    WHOLE_MONTH,
    BudgetDraft,
    create_budget,
    delete_budget,
    load_budget_events,
    load_budgets,
    load_month_limits,
    pause_budget,
    update_budget,
)
from app.data.channels import load_channels, load_findings
from app.data.daily_costs import load_daily, load_model_names, parse_daily
from app.data.digests import load_digest, load_mail_choices
from app.data.dimension_costs import load_dimension_costs, load_recent_values
from app.data.explore import (
    Explored,
    Group,
    Question,
    find_last_year,
    find_previous,
    load_explored,
    load_values,
)
from app.data.forecasts import (
    ForecastState,
    load_forecast,
    load_forecast_state,
    load_last_run,
    load_newest_forecast,
)
from app.data.people import Invitation, load_invitations, load_people, load_use_of_month
from app.data.performance import load_performance
from app.data.preferences import (
    Preferences,
    load_currency,
    load_preference_metadata,
    load_preferences,
    load_rates,
)
from app.data.prices import (
    load_custom_prices,
    load_model_aliases,
    load_multipliers,
    load_price_differences,
    load_unpriced_models,
    load_workspace_prices,
)
from app.data.projects import Project, Split, load_projects, load_projects_with_costs, load_split
from app.data.providers import Provider, load_providers
from app.data.reading import data_version, forget_version, load_role
from app.data.records import (
    PAGE_ROWS,
    RecordFilter,
    count_import_records,
    day_start,
    load_newest_requests,
    load_records_count,
    load_records_page,
)
from app.data.saved_views import SavedView, delete_view, load_views, rename_view, save_view
from app.data.sources import (
    IMPORTS_SHOWN,
    load_account_names,
    load_connections,
    load_import_list,
    load_rejected,
    load_sample_source,
    load_source_days,
    load_sources,
    load_statements,
)
from app.data.subscriptions import load_subscriptions
from app.data.totals import load_forecast_totals, load_past_totals
from app.data.traces import (
    ContentRules,
    load_content,
    load_content_rules,
    load_sessions,
    load_span_details,
    load_trace_days,
    load_traces,
    load_waterfall,
)
from app.figures.forecast_series import ForecastSeries

__all__ = [
    "IMPORTS_SHOWN",
    "PAGE_ROWS",
    "USUAL_THRESHOLDS",
    "WHOLE_MONTH",
    "BudgetDraft",
    "ContentRules",
    "Explored",
    "ForecastSeries",
    "ForecastState",
    "Group",
    "Invitation",
    "Preferences",
    "Project",
    "Provider",
    "Question",
    "RecordFilter",
    "SavedView",
    "Split",
    "count_audit_log",
    "count_import_records",
    "create_budget",
    "data_version",
    "day_start",
    "delete_budget",
    "delete_view",
    "find_last_year",
    "find_previous",
    "forget_version",
    "load_account_names",
    "load_alert_rules",
    "load_anomalies",
    "load_audit_log",
    "load_budget_events",
    "load_budgets",
    "load_channels",
    "load_connections",
    "load_content",
    "load_content_rules",
    "load_currency",
    "load_custom_prices",
    "load_daily",
    "load_digest",
    "load_dimension_costs",
    "load_explored",
    "load_findings",
    "load_forecast",
    "load_forecast_state",
    "load_forecast_totals",
    "load_import_list",
    "load_invitations",
    "load_last_run",
    "load_mail_choices",
    "load_model_aliases",
    "load_model_limits",
    "load_model_names",
    "load_month_limits",
    "load_multipliers",
    "load_newest_forecast",
    "load_newest_requests",
    "load_past_totals",
    "load_people",
    "load_performance",
    "load_preference_metadata",
    "load_preferences",
    "load_price_differences",
    "load_projects",
    "load_projects_with_costs",
    "load_providers",
    "load_rates",
    "load_recent_values",
    "load_records_count",
    "load_records_page",
    "load_rejected",
    "load_role",
    "load_sample_source",
    "load_sessions",
    "load_source_days",
    "load_sources",
    "load_span_details",
    "load_split",
    "load_statements",
    "load_subscriptions",
    "load_trace_days",
    "load_traces",
    "load_unpriced_models",
    "load_use_of_month",
    "load_values",
    "load_views",
    "load_waterfall",
    "load_workspace_prices",
    "parse_daily",
    "pause_budget",
    "rename_view",
    "save_view",
    "update_budget",
]
