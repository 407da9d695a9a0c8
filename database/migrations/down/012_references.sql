-- The way back from 012_references.sql.

drop trigger if exists imports_delete_records on public.imports;
drop function if exists private.delete_records_of_imports();
drop trigger if exists workspaces_delete_records on public.workspaces;
drop function if exists private.delete_records_of_workspace();
drop function if exists private.delete_archived_records(uuid);
drop trigger if exists providers_keep_used on public.providers;
drop function if exists private.keep_used_providers();
drop trigger if exists cost_records_check_inserted on public.cost_records;
drop trigger if exists cost_records_check_updated on public.cost_records;
drop function if exists private.check_references();
drop function if exists private.check_reference(uuid, uuid, uuid, uuid, uuid);
