-- The way back from 006_forecasts.sql.

drop table if exists public.job_runs;
drop table if exists public.forecast_totals;
drop table if exists public.forecast_results;
drop function if exists private.note_job_change();
drop table if exists private.job_changes;
