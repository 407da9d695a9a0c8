-- The way back from 125_analytics_outbox.sql.

drop function if exists private.note_deleted_person_for_engine() cascade; -- with its trigger on auth.users, a table of others
drop trigger if exists imports_engine_enabled on public.imports;
drop trigger if exists imports_engine_deleted on public.imports;
drop function if exists private.note_source_for_engine();
drop trigger if exists workspaces_engine_deleted on public.workspaces;
drop function if exists private.note_deleted_workspace_for_engine();
drop trigger if exists traces_engine_delete on public.traces;
drop trigger if exists traces_engine_update on public.traces;
drop trigger if exists traces_engine_insert on public.traces;
drop trigger if exists superseded_records_engine_delete on public.superseded_records;
drop trigger if exists superseded_records_engine_update on public.superseded_records;
drop trigger if exists superseded_records_engine_insert on public.superseded_records;
drop trigger if exists cost_records_engine_delete on public.cost_records;
drop trigger if exists cost_records_engine_update on public.cost_records;
drop trigger if exists cost_records_engine_insert on public.cost_records;
drop function if exists private.note_traces_delete_for_engine();
drop function if exists private.note_traces_update_for_engine();
drop function if exists private.note_traces_insert_for_engine();
drop function if exists private.note_superseded_delete_for_engine();
drop function if exists private.note_superseded_update_for_engine();
drop function if exists private.note_superseded_insert_for_engine();
drop function if exists private.note_records_delete_for_engine();
drop function if exists private.note_records_update_for_engine();
drop function if exists private.note_records_insert_for_engine();
drop table if exists private.analytics_parked;
drop table if exists private.analytics_tasks;
drop table if exists private.analytics_outbox;
drop sequence if exists private.analytics_version;
drop table if exists private.analytics_engine;
