-- The way back from 019_daily_view.sql.

drop materialized view if exists private.cost_records_daily;
drop function if exists private.is_failed_call(bigint, jsonb);
drop function if exists private.mark_days(uuid, date[]);
drop table if exists private.divided_workspaces;
drop table if exists private.stale_days;
drop function if exists private.is_archived(uuid, date);
drop function if exists private.archived_ranges(uuid);
drop table if exists private.archived_days;
drop table if exists private.archives;
