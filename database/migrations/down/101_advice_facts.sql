-- The way back from 101_advice_facts.sql.

drop function if exists private.advice_shapes(uuid, timestamptz, timestamptz, integer[]);
drop function if exists private.advice_cells(uuid, timestamptz, timestamptz);
drop function if exists private.advice_steps(uuid, timestamptz, timestamptz);
drop function if exists private.advice_calls(uuid, timestamptz, timestamptz);
drop function if exists private.max_advice_records();
