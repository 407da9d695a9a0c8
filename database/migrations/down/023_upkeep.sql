-- The way back from 023_upkeep.sql.

drop function if exists public.refresh_cost_records_daily(boolean);
drop function if exists private.is_refresh_due();
drop function if exists public.fold_stale_days();
drop function if exists private.fold_some_days(integer, uuid);
drop function if exists private.request_forecasts(private.stale_days[]);
drop table if exists private.forecast_requests;
drop function if exists private.upkeep_lock();
drop table if exists private.refreshes;
