-- The way back from 035_prices.sql.

drop function if exists public.unpriced_models(uuid);
drop table if exists public.model_prices;
