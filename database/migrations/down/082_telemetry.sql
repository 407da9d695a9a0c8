-- The way back from 082_telemetry.sql.

drop function if exists private.forget_telemetry();
drop table if exists private.telemetry_links;
drop table if exists private.telemetry_calls;
drop function if exists private.telemetry_lock(uuid);
drop function if exists private.count_telemetry(uuid, bigint, bigint, bigint, bigint);
drop function if exists private.source_of_key(uuid, text, text);
alter table public.imports drop constraint if exists imports_api_key_of_workspace;
