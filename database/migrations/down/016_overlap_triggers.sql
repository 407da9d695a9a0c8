-- The way back from 016_overlap_triggers.sql.

drop trigger if exists cost_records_count_inserted on public.cost_records;
drop trigger if exists cost_records_count_deleted on public.cost_records;
drop trigger if exists cost_records_count_updated on public.cost_records;
drop trigger if exists cost_records_count_truncated on public.cost_records;
drop function if exists private.forget_parts();
drop function if exists private.count_parts();
drop function if exists private.has_superseded_parts(private.day_parts[]);
drop function if exists private.change_parts(private.day_parts[]);
drop function if exists private.parts_from_before(private.day_parts[], private.day_parts[]);
drop function if exists private.net_changes(private.day_parts[]);
drop function if exists private.flag_written(private.written_record[]);
drop type if exists private.written_record;
drop function if exists private.billing_lock(uuid);
