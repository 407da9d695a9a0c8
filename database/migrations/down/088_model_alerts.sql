-- The way back from 088_model_alerts.sql.

drop function if exists private.model_health(uuid, integer, timestamptz);
drop function if exists public.set_model_limits(uuid, jsonb);
drop function if exists private.are_model_limits(jsonb);
alter table if exists public.workspaces drop column if exists model_limits;
