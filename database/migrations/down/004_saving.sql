-- The way back from 004_saving.sql. What was saved stays.

drop function if exists public.find_same_import(text, text, bigint);
drop function if exists public.save_cost_records(uuid, json);
drop type if exists public.incoming_record;
