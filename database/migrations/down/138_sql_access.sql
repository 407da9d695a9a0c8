-- The way back from 138_sql_access.sql. The role tally_bi stays: other databases of the server may use it.

drop trigger if exists members_remove_sql_roles on public.members;
drop function if exists private.remove_sql_roles_of_leaver();
drop function if exists public.remove_sql_role(uuid, uuid);
drop function if exists public.create_sql_role(uuid, text);
drop function if exists private.sql_workspace();
delete from public.sql_roles; -- ends the roles
drop table if exists public.sql_roles;
drop function if exists private.drop_sql_role();
