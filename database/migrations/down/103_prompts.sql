-- The way back from 103_prompts.sql. Prompts with their versions and deployments are deleted with it.

drop function if exists private.find_told_version(uuid, text);
drop table if exists public.prompt_deployments;
drop table if exists public.prompt_versions;
drop table if exists public.prompts;
drop function if exists private.keep_prompt_version();
