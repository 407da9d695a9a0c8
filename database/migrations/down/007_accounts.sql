-- The way back from 007_accounts.sql.

drop function if exists public.delete_own_account(text);
drop function if exists public.data_version();
