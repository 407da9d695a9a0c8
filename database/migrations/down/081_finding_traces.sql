-- The way back from 081_finding_traces.sql.

drop function if exists private.drop_old_traces(uuid, integer);
drop function if exists public.read_trace(uuid, text);
drop function if exists public.find_sessions(uuid, timestamptz, timestamptz, text, text, integer, integer);
drop function if exists public.find_traces(
    uuid, timestamptz, timestamptz, text, text, text, text, text, text, integer, integer
);
