-- The way back from 107_registering_prompts.sql.

drop function if exists private.register_prompts(uuid);
drop function if exists private.max_told_versions();
drop function if exists private.register_prompt_version(public.prompts, text, timestamptz);
drop function if exists private.project_of_prompt(uuid, text);
drop function if exists private.told_version(text);
drop function if exists private.told_prompts(uuid);
drop function if exists private.unregistered_workspaces();
drop table if exists private.prompt_registrations;
drop index if exists public.superseded_records_prompt_idx;
drop index if exists public.cost_records_prompt_idx;
