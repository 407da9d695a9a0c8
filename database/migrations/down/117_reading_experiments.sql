-- The way back from 117_reading_experiments.sql.

drop function if exists public.bring_experiment(uuid, jsonb);
drop function if exists public.read_experiment(uuid);
drop function if exists private.seen_runs(public.experiments);
drop function if exists public.list_experiments(uuid);
