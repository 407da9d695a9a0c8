-- The way back from 122_prompt_scores.sql.

drop function if exists public.prompt_scores(uuid, date, date, uuid, text);
