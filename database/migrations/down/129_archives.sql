-- The way back from 129_archives.sql. What is in the archive stays in its files.

drop function if exists private.erase_from_archives() cascade; -- with its trigger on auth.users, a table of others
drop trigger if exists workspaces_delete_archives on public.workspaces;
drop function if exists private.delete_archives_of_workspace();
drop trigger if exists imports_keep_archived_enabled on public.imports;
drop trigger if exists imports_keep_archived on public.imports;
drop function if exists private.keep_archived_source();
drop trigger if exists cost_records_archived_updated on public.cost_records;
drop trigger if exists cost_records_archived_inserted on public.cost_records;
drop function if exists private.refuse_archived();
drop function if exists private.leave_out_archived(uuid, private.incoming_record[]);
drop table if exists private.archived_sources;
alter table public.workspaces drop column if exists archive_days;
