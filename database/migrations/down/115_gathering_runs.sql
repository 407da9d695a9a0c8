-- The way back from 115_gathering_runs.sql.

drop function if exists private.gathering_experiments(uuid);
drop function if exists public.gather_runs(uuid);
drop function if exists private.gather_experiment(public.experiments);
drop function if exists private.check_run_count(uuid);
drop function if exists private.keep_gathered_runs(public.experiments, timestamptz);
drop function if exists private.matching_calls(public.experiments, timestamptz, timestamptz);
