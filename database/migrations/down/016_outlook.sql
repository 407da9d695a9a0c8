-- The way back from 016_outlook.sql.

drop table if exists public.anomalies;
drop index if exists public.forecast_results_day_idx;
alter table public.user_preferences
    drop constraint if exists user_preferences_monthly_limit,
    drop column if exists monthly_limit_usd;
alter table public.forecast_totals
    drop constraint if exists forecast_totals_quantiles,
    drop constraint if exists forecast_totals_days,
    drop column if exists quantiles,
    drop column if exists days_in_80,
    drop column if exists days_in_95;
