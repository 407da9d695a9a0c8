-- The way back from 007_providers.sql.

drop table if exists public.providers;
