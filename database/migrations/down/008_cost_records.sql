-- The way back from 008_cost_records.sql. Records are deleted with it.

drop table if exists public.cost_records;
