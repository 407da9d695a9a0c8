-- The way back from 030_exchange_rates.sql.

drop table if exists public.exchange_rates;
