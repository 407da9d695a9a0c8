-- The way back from 141_cache_answers.sql.

drop function if exists private.advice_answers(uuid, timestamptz, timestamptz);
drop function if exists private.has_cache_answers(uuid, timestamptz, timestamptz);
drop index if exists public.cost_records_cache_hit_idx;
