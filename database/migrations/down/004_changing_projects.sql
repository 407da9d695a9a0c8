-- The way back from 004_changing_projects.sql.

drop function if exists public.list_projects(uuid);
drop function if exists public.set_project_members(uuid, uuid[], uuid[]);
drop function if exists private.refuse_outdated(text, jsonb, jsonb, jsonb);
drop function if exists public.archive_project(uuid);
drop function if exists public.update_project(uuid, text, boolean);
drop function if exists public.create_project(uuid, text, boolean);
drop function if exists private.free_slug(uuid, text);
drop function if exists private.check_project_limits(uuid, boolean);
drop function if exists private.check_chosen_projects(uuid, uuid[]);
drop function if exists private.require_project(uuid);
