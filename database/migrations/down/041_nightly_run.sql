-- The way back from 041_nightly_run.sql.

drop function if exists public.last_run(uuid);
drop function if exists private.steps_beside_forecast(uuid);
drop function if exists private.omit_series(jsonb, uuid[]);
drop table if exists public.job_runs;
drop table if exists public.anomalies;
