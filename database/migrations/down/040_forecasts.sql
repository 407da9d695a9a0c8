-- The way back from 040_forecasts.sql.

drop table if exists public.forecast_totals;
drop table if exists public.forecast_results;
