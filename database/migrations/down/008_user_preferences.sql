-- The way back from 008_user_preferences.sql.

-- With its trigger on auth.users, a table of the auth server.
drop function if exists private.create_user_preferences() cascade;
drop table if exists public.user_preferences;
drop function if exists private.follow_timezone();
