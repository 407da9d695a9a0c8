-- The way back from 009_connections.sql.

drop function if exists public.report_sync(uuid, text, boolean, text, timestamptz);
drop table if exists public.api_credentials;
