-- The way back from 144_searching.sql.

drop function if exists private.used_models(uuid);
drop function if exists private.find_trace_ids(uuid, text, integer);
drop function if exists private.find_request(uuid, text);
drop function if exists private.find_names(uuid, text, text[], boolean, integer);
drop function if exists private.where_text(text[], boolean, text);
