-- The way back from 126_engine_rows.sql.

drop view if exists private.engine_traces;
drop view if exists private.engine_superseded;
drop view if exists private.engine_records;
drop function if exists private.engine_list(text[]);
drop function if exists private.saved_by_cache(jsonb);
