-- The way back from 094_explored_cells.sql.

drop function if exists private.explored_cells(private.exploration);
drop function if exists private.explored_query(private.exploration, boolean, text[]);
drop function if exists private.fine_sums(private.exploration, boolean, text[]);
drop function if exists private.explored_measure(text);
drop function if exists private.explored_sums(private.exploration);
drop function if exists private.explored_class(text);
