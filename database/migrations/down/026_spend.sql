-- The way back from 026_spend.sql.

drop function if exists private.has_dimensions(jsonb, text, text, text);
drop function if exists private.dimension_value(jsonb, text[]);
drop function if exists private.dimension_keys(text);
drop function if exists public.first_cost_day(uuid);
drop function if exists public.model_names(uuid);
drop function if exists public.get_top_models_by_spend(uuid, timestamptz, timestamptz, integer);
drop function if exists private.top_models(uuid, timestamptz, timestamptz, integer);
drop function if exists public.get_user_total_spend(uuid, timestamptz, timestamptz);
drop function if exists private.total_spend(uuid, timestamptz, timestamptz);
drop function if exists private.spent(uuid, timestamptz, timestamptz);
drop function if exists private.check_may_read(uuid);
drop view if exists public.effective_records;
