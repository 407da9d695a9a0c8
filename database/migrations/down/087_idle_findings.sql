-- The way back from 087_idle_findings.sql.

drop function if exists private.failing_values(uuid, timestamptz, integer, integer);
drop function if exists private.idle_connections(uuid, timestamptz, integer);
drop function if exists private.idle_keys(uuid, timestamptz, integer);
