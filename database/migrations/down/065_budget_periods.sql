-- The way back from 065_budget_periods.sql.

drop trigger if exists budget_thresholds_renew on public.budget_thresholds;
drop function if exists private.renew_threshold();
drop trigger if exists budgets_forget_forecasts on public.budgets;
drop function if exists private.forget_budget_forecasts();
drop table if exists private.budget_forecasts;
drop function if exists private.budget_period(text, integer, date);
