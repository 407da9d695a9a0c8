-- The way back from 083_known_calls.sql.

drop function if exists private.label_calls(uuid, uuid[], timestamptz[], json);
drop function if exists private.take_back_calls(uuid, uuid[], uuid[], timestamptz[], uuid[]);
drop function if exists private.records_of_calls(uuid, uuid[], timestamptz[]);
drop function if exists private.store_known_calls(uuid, json, json);
drop function if exists private.load_known_calls(uuid, uuid[], uuid[]);
