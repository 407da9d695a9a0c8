-- The way back from 057_installation.sql.

revoke usage on schema private from supabase_auth_admin;
drop function if exists private.may_sign_up(text);
drop function if exists public.owns_installation();
drop function if exists private.installation_owner();
drop table if exists private.installation;
