-- The way back from 064_budgets.sql.

drop table if exists public.budget_channels;
drop table if exists public.budget_thresholds;
drop table if exists public.budgets;
drop function if exists private.renew_thresholds();
drop function if exists private.check_threshold_count();
drop function if exists private.check_budget();
drop function if exists private.budget_currencies();
