-- The way back from 056_refiling_changes.sql.

drop function if exists public.restore_filing(json, uuid);
drop trigger if exists cost_records_project_refiled on public.cost_records;
drop function if exists private.refile_edited();
drop function if exists public.restore_project(uuid);
drop function if exists public.preview_restore(uuid);
drop function if exists private.plan_restore(public.projects);
drop function if exists private.stays_filed(public.cost_records);
