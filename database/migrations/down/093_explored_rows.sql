-- The way back from 093_explored_rows.sql.

drop function if exists private.has_times(private.exploration);
drop function if exists private.explored_times(private.exploration);
drop function if exists private.explored_groups(text[], text[]);
drop function if exists private.explored_grouping(text, text[]);
drop function if exists private.is_grouped_raw(text, text[]);
drop function if exists private.records_to_explore(private.exploration, text[]);
drop function if exists private.days_to_explore(private.exploration, boolean);
drop function if exists private.explored_conditions(private.exploration, text[]);
drop function if exists private.explored_hiding(private.exploration, text);
drop function if exists private.explored_reading(private.exploration);
