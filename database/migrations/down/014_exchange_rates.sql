-- The way back from 014_exchange_rates.sql.

drop table if exists public.exchange_rates;
