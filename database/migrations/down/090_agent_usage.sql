-- The way back from 090_agent_usage.sql.

drop function if exists public.agent_models(uuid, text[], date, date, uuid);
drop function if exists public.agent_days(uuid, text[], date, date, uuid);
drop function if exists private.check_agent_period(uuid, date, date, integer);
drop function if exists private.agent_records(uuid, text[], timestamptz, timestamptz, uuid);
drop function if exists private.hour_writes(jsonb, bigint);
drop function if exists private.told_places(uuid, timestamptz, timestamptz, uuid, uuid[]);
drop function if exists private.max_agent_records();
drop index if exists public.cost_records_session_idx;
