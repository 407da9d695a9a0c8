-- The way back from 033_prices.sql.

drop function if exists public.unpriced_models(uuid);
drop table if exists public.model_prices;
