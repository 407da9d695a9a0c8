-- The way back from 095_explore_costs.sql.

drop function if exists public.explore_values(uuid, text, jsonb, date, date, text, integer, numeric[]);
drop function if exists public.explore_costs(uuid, text, text[], jsonb, date, date, text, integer, numeric[], jsonb);
drop function if exists private.answer_explored(private.exploration);
drop function if exists private.placed_cells(private.exploration);
drop function if exists private.explored_name(text, text, text);
drop function if exists private.told_dimensions(private.exploration);
drop function if exists private.is_of_days(private.exploration);
