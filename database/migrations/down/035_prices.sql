-- The way back from 035_prices.sql.

drop function if exists public.unpriced_models(uuid);
drop table if exists public.model_aliases;
drop table if exists public.price_multipliers;
drop function if exists private.refuse_second_multiplier();
drop table if exists public.model_prices;
