-- The way back from 038_forecasts.sql.

drop table if exists public.forecast_totals;
drop table if exists public.forecast_results;
