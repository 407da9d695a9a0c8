-- The way back from 084_model_performance.sql.

drop function if exists public.model_performance(uuid, timestamptz, timestamptz, text, uuid, text[]);
drop function if exists private.performance_of(uuid, timestamptz, timestamptz, text, uuid, uuid[], uuid);
drop function if exists private.model_calls(uuid, timestamptz, timestamptz, uuid, uuid[], uuid);
drop function if exists private.superseded_calls(uuid, timestamptz, timestamptz);
drop function if exists private.max_calls();
drop index if exists public.superseded_records_calls_idx;
drop index if exists public.cost_records_calls_idx;
