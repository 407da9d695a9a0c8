-- The way back from 037_exchange_rates.sql.

drop table if exists public.exchange_rates;
