-- The way back from 078_traces.sql. Weeks go with the table.

drop function if exists public.set_trace_days(uuid, integer);
drop function if exists private.erase_from_spans() cascade; -- with its trigger on auth.users, a table of others
drop trigger if exists workspaces_delete_spans on public.workspaces;
drop function if exists private.delete_spans_of_workspace();
drop function if exists private.span_lock(uuid);
drop function if exists private.max_spans();
drop table if exists private.span_counts;
drop table if exists public.spans;
drop table if exists public.traces;
alter table public.workspaces drop column if exists trace_days;
