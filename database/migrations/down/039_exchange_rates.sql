-- The way back from 039_exchange_rates.sql.

drop table if exists public.exchange_rates;
