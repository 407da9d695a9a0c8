-- The way back from 143_search_names.sql. The extensions stay: they may have been there before.

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
drop function if exists private.join_names(uuid);
drop function if exists private.adding_names(text, text);
drop function if exists private.names_in(text);
drop table if exists private.name_changes;
drop table if exists private.search_names;
drop function if exists private.fold_text(text);
