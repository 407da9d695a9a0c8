-- The way back from 121_replaying.sql.

drop function if exists public.list_calls(timestamptz, timestamptz, uuid, integer, uuid);
