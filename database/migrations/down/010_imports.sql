-- The way back from 010_imports.sql.

drop function if exists public.find_exported(json, uuid);
drop function if exists public.find_same_import(text, text, bigint, uuid);
drop function if exists private.require_source(uuid);
drop function if exists private.workspace_of_source(uuid);
drop table if exists public.imports;
drop function if exists private.own_sources();
