-- The way back from 114_changing_experiments.sql.

drop function if exists public.delete_experiment(uuid);
drop function if exists public.move_experiment(uuid, text);
drop function if exists public.decide_experiment(uuid, text, jsonb);
drop function if exists public.save_experiment(uuid, jsonb);
drop function if exists private.check_stricter(public.experiments, public.experiments);
drop function if exists private.check_experiment(public.experiments);
drop function if exists private.set_variants(public.experiments, jsonb);
drop function if exists private.check_variants(jsonb);
