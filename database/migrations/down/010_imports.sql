-- The way back from 010_imports.sql.

drop function if exists private.workspace_of_source(uuid);
drop table if exists public.imports;
drop function if exists private.own_sources();
