-- The way back from 116_bringing_runs.sql.

drop function if exists public.save_scores(uuid, text, jsonb);
drop function if exists public.save_runs(uuid, text, jsonb, jsonb, text);
drop function if exists private.keep_runs(public.experiments, jsonb, text);
drop function if exists private.keep_scores(uuid, jsonb);
drop function if exists private.check_score_kinds(public.experiments, jsonb);
drop function if exists private.find_experiment(uuid, text);
