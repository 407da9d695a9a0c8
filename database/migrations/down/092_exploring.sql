-- The way back from 092_exploring.sql.

drop function if exists private.ask_exploration(private.exploration);
drop function if exists private.check_explored_period(private.exploration);
drop function if exists private.check_filters(jsonb);
drop function if exists private.check_dimension(text);
drop function if exists private.tags_of(jsonb);
drop function if exists private.is_daily_dimension(text);
drop function if exists private.explored_key(text, boolean);
drop function if exists private.explored_column(text);
drop function if exists private.explored_keys(text);
drop type if exists private.explored_cell;
drop type if exists private.exploration;
