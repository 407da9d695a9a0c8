-- The way back from 012_prices.sql.

drop function if exists public.apply_prices(uuid, json);
drop type if exists public.price_change;
drop function if exists public.list_estimates(timestamptz, uuid, integer);
drop function if exists public.unpriced_models();
drop index if exists public.cost_records_unpriced_idx;
drop table if exists public.model_prices;
