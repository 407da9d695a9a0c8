-- The way back from 043_accounts.sql.

drop function if exists public.delete_own_account(text);
drop function if exists public.data_version(uuid);
