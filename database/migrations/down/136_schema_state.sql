-- The way back from 136_schema_state.sql.

drop function if exists private.schema_state();
drop function if exists private.serves_from();
