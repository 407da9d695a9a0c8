-- The way back from 004_providers.sql.

drop table if exists public.providers;
