-- The way back from 118_provider_jobs.sql. Jobs come again with a sync.

drop function if exists public.save_provider_jobs(uuid, text, jsonb, uuid);
drop function if exists private.add_trained_models(uuid, uuid, jsonb);
drop table if exists public.provider_jobs;
