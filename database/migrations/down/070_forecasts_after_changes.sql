-- The way back from 070_forecasts_after_changes.sql.

drop function if exists public.forecast_state(uuid);
drop table if exists private.worker_seen;
drop trigger if exists user_preferences_request_forecast on public.user_preferences;
drop trigger if exists workspaces_forget_forecast_requests on public.workspaces;
drop function if exists private.forget_forecast_requests();
drop trigger if exists projects_request_forecast on public.projects;
drop function if exists private.request_one_forecast();
drop function if exists private.request_forecast() cascade; -- with the triggers of subscriptions and budgets
