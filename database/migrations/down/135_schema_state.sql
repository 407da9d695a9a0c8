-- The way back from 135_schema_state.sql.

drop function if exists private.schema_state();
drop function if exists private.serves_from();
