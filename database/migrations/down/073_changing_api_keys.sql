-- The way back from 073_changing_api_keys.sql.

drop function if exists private.touch_api_key(uuid);
drop function if exists private.verify_api_key(bytea);
drop function if exists public.rotate_api_key(uuid, jsonb, integer);
drop function if exists public.revoke_api_key(uuid);
drop function if exists public.change_api_key(uuid, jsonb);
drop function if exists public.create_api_key(uuid, jsonb);
