-- The way back from 002_workspaces.sql.

-- With its trigger on auth.users, a table of the auth server.
drop function if exists private.create_personal_workspace() cascade;
drop function if exists private.note_changes_of(regclass, text, regproc);
drop table if exists private.workspace_changes;
drop function if exists private.note_change();
drop function if exists private.require_workspace(uuid, text);
drop policy if exists workspaces_select_member on public.workspaces;
drop policy if exists members_select_member on public.members;
drop function if exists private.only_own_totals(uuid);
drop function if exists private.only_own_rows(uuid);
drop function if exists private.workspaces_showing_totals();
drop function if exists private.workspaces_showing_people();
drop function if exists private.workspaces_as(text);
drop table if exists public.members;
drop function if exists private.keep_an_owner();
drop table if exists public.workspaces;
