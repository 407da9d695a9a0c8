-- The way back from 041_accounts.sql.

drop function if exists public.delete_own_account(text);
-- With its trigger on auth.users, a table of the auth server.
drop function if exists private.delete_records_of_user() cascade;
drop function if exists private.return_aliased_records(uuid);
drop function if exists public.data_version(uuid);
