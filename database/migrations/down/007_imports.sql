-- The way back from 007_imports.sql.

drop table if exists public.imports;
