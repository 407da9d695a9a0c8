-- The way back from 066_budget_status.sql.

drop function if exists public.budget_status(uuid);
drop function if exists private.budget_facts(uuid[], timestamptz, boolean, boolean, uuid[]);
drop function if exists private.describe_forecast(private.budget_forecasts);
drop function if exists private.budget_record_days(uuid, timestamptz, boolean);
drop function if exists private.has_tag(jsonb, text);
drop function if exists private.budget_days(uuid, timestamptz, boolean);
drop function if exists private.budgets_at(uuid, timestamptz, boolean);
drop function if exists private.is_of_records(public.budgets);
