-- The way back from 105_deploying_prompts.sql.

drop function if exists private.describe_live(uuid);
drop function if exists public.roll_back_prompt(uuid, text, text);
drop function if exists public.deploy_prompt(uuid, text, text, jsonb);
drop function if exists private.split_before(uuid, text);
drop function if exists private.split_at(uuid, text, timestamptz);
drop function if exists private.check_shares(jsonb);
drop function if exists private.open_deployment(public.prompts, text, jsonb, timestamptz);
drop function if exists private.share_slots(public.prompts, text, jsonb);
drop function if exists private.live_slots(uuid, text);
drop function if exists private.slots_between(int4multirange, integer, integer);
