-- The way back from 007_imports.sql.

drop function if exists private.workspace_of_source(uuid);
drop table if exists public.imports;
