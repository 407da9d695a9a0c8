-- The way back from 029_saving.sql.

drop function if exists public.save_cost_records(uuid, json, uuid);
drop function if exists private.insert_records(uuid, public.imports, text, private.incoming_record[], uuid[]);
drop function if exists private.restatable(uuid, uuid, uuid[], timestamptz, timestamptz);
drop function if exists private.keep_all_statements(uuid, public.imports, text, private.incoming_record[]);
drop function if exists private.keep_statements(uuid, public.imports, text, private.incoming_record[], uuid[]);
