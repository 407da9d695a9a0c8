-- The way back from 142_noting_names.sql.

drop trigger if exists traces_names_truncated on public.traces;
drop trigger if exists traces_names_deleted on public.traces;
drop trigger if exists traces_names_updated on public.traces;
drop trigger if exists traces_names_inserted on public.traces;
drop trigger if exists cost_records_names_truncated on public.cost_records;
drop trigger if exists cost_records_names_deleted on public.cost_records;
drop trigger if exists cost_records_names_updated on public.cost_records;
drop trigger if exists cost_records_names_inserted on public.cost_records;
drop function if exists private.forget_names();
drop function if exists private.note_names();
