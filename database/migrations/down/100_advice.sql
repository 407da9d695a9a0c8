-- The way back from 100_advice.sql. Advice is found again; what was decided about it is deleted with it.

drop function if exists public.bring_advice(uuid, jsonb);
drop function if exists private.max_advice();
drop function if exists public.decide_advice(uuid, text);
drop function if exists private.keep_advice(uuid, jsonb, date, date);
drop function if exists private.dismissed_days();
drop table if exists public.advice;
