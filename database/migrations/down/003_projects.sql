-- The way back from 003_projects.sql.

drop table if exists public.project_members;
drop table if exists public.projects;
drop function if exists private.hidden_projects();
