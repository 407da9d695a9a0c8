-- The way back from 072_api_keys.sql.

drop trigger if exists members_revoke_keys on public.members;
drop function if exists private.revoke_keys_of_leaver();
drop function if exists private.add_api_key(public.api_keys);
drop function if exists private.check_key_details(uuid, public.api_keys);
drop function if exists private.refuse_ended_key(public.api_keys);
drop function if exists private.require_api_key(uuid);
drop function if exists private.begin_key_change(uuid, text);
drop table if exists public.api_keys;
drop function if exists private.refuse_too_many_keys();
