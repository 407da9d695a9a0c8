-- The way back from 061_channels.sql.

drop function if exists public.stop_channel(text);
drop function if exists public.confirm_channel(text);
drop function if exists public.test_channel(uuid);
drop function if exists public.remove_channel(uuid);
drop function if exists public.pause_channel(uuid, boolean);
drop function if exists public.save_channel(uuid, uuid, jsonb);
drop function if exists private.sends_days_from(uuid, jsonb, date);
drop function if exists private.require_channel(uuid);
drop table if exists public.channels;
