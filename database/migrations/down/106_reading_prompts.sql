-- The way back from 106_reading_prompts.sql.

drop function if exists public.find_prompt(uuid, text, text);
drop function if exists public.prompt_text(uuid, text, integer);
drop function if exists public.read_prompt(uuid, text);
drop function if exists public.list_prompts(uuid, text, boolean);
