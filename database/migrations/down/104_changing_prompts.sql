-- The way back from 104_changing_prompts.sql.

drop function if exists public.bring_prompt(uuid, json, json, json);
drop function if exists public.archive_prompt(uuid, text, boolean);
drop function if exists public.change_prompt(uuid, text, text[], uuid);
drop function if exists public.label_prompt_version(uuid, text, integer, text[]);
drop function if exists private.take_labels(uuid, integer, text[]);
drop function if exists public.push_prompt(uuid, text, text, text, text[], text[]);
drop function if exists private.clean_prompt_labels(text[]);
drop function if exists private.clean_words(text[], text, integer);
drop function if exists private.require_prompt_version(public.prompts, integer);
drop function if exists private.require_prompt(uuid, text, boolean);
