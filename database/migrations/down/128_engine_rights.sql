-- The way back from 128_engine_rights.sql.

drop function if exists public.performance_rights(uuid, timestamptz, timestamptz, text);
drop function if exists public.trace_rights(uuid, text);
drop function if exists public.explore_rights(uuid, text, text[], jsonb, date, date, text, integer, numeric[], jsonb);
drop function if exists private.engine_rights(uuid, uuid[]);
