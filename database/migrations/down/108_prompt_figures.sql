-- The way back from 108_prompt_figures.sql.

drop function if exists public.prompt_figures(uuid, date, date, uuid, text);
drop function if exists private.numbered_prompt_calls(uuid, timestamptz, timestamptz, timestamptz, uuid, text);
drop function if exists private.prompt_calls(uuid, timestamptz, timestamptz, uuid, text);
drop function if exists private.milliseconds_in(jsonb, text);
