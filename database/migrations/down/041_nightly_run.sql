-- The way back from 041_nightly_run.sql.

drop table if exists public.job_runs;
drop table if exists public.anomalies;
