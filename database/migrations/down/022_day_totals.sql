-- The way back from 022_day_totals.sql.

drop function if exists private.sum_days(private.stale_days[]);
drop function if exists private.has_archived(private.stale_days[]);
drop function if exists private.sum_records(private.stale_days[]);
drop view if exists private.current_days;
drop table if exists private.folded_days;
drop table if exists private.overridden_days;
