-- The way back from 049_leaving.sql.

-- With their triggers on auth.users, a table of the auth server.
drop function if exists private.erase_from_logs() cascade;
drop function if exists private.pass_on_account() cascade;
drop function if exists private.erase_from_records(uuid, uuid);
drop function if exists private.pass_on_belongings(uuid, uuid, uuid);
drop function if exists private.lock_workspaces(uuid[]);
drop function if exists private.shared_workspaces_of(uuid);
drop trigger if exists members_pass_on_gone on public.members;
drop trigger if exists members_pass_on_demoted on public.members;
drop function if exists private.pass_on_connections();
drop function if exists private.heir_of(uuid, uuid);
