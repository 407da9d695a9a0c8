-- The way back from 011_cost_records.sql. Records are deleted with it.

drop table if exists public.cost_records;
drop function if exists private.choose_project();
