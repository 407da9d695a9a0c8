-- The way back from 085_costs_by_dimension.sql.

drop function if exists public.recent_values(uuid);
drop function if exists public.costs_by_dimension(uuid, text, date, date, integer, uuid);
drop function if exists private.sum_dimension(uuid, text, timestamptz, timestamptz, private.daily_question);
