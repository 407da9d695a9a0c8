-- The way back from 030_sources.sql.

drop function if exists public.set_paid_by_plan(uuid, boolean);
drop function if exists public.delete_missing(uuid, text, date, date, uuid[]);
drop function if exists public.delete_source(uuid);
drop function if exists public.set_source_enabled(uuid, boolean);
drop trigger if exists imports_change_enabled on public.imports;
drop function if exists private.change_enabled();
drop function if exists private.supersede_source(uuid, uuid);
drop function if exists private.keep_all_statements(uuid, public.imports, text, private.incoming_record[]);
drop function if exists private.restatable(uuid, uuid, uuid[], timestamptz, timestamptz);
