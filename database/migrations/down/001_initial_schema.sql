-- The way back from 001_initial_schema.sql. The extensions stay: they may have been there before, and others may use them.

drop table if exists public.imports;
drop table if exists public.api_credentials;
drop table if exists public.user_preferences;
drop table if exists public.providers;
-- With its trigger on auth.users, which only the owner of that table may drop by name.
drop function if exists private.create_user_preferences() cascade;
drop function if exists private.check_timezone();
drop function if exists private.touch_updated_at();
drop schema if exists private;
