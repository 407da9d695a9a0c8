-- The way back from 123_sample_prompts.sql.

drop function if exists public.remove_sample_prompt(uuid, text);
