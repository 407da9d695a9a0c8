-- The way back from 091_agent_sessions.sql.

drop function if exists public.agent_session(uuid, text);
drop function if exists private.session_times(uuid, text);
drop function if exists public.agent_sessions(uuid, text[], date, date, uuid, integer);
drop function if exists public.agent_places(uuid, text[], date, date, uuid);
drop index if exists public.superseded_records_session_idx;
