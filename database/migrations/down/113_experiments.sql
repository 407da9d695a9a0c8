-- The way back from 113_experiments.sql. Experiments are deleted with it; the records of their runs stay.

drop function if exists private.matches_overlap(jsonb, jsonb);
drop function if exists private.clean_match(jsonb, text);
drop function if exists private.require_experiment(uuid, text);
drop table if exists public.scores;
drop table if exists public.experiment_runs;
drop table if exists public.experiment_variants;
drop table if exists public.experiments;
