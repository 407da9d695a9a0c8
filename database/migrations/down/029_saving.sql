-- The way back from 029_saving.sql.

drop function if exists public.save_cost_records(uuid, json, uuid);
drop function if exists private.insert_records(uuid, public.imports, text, private.incoming_record[], uuid[]);
drop function if exists private.save_beside_known(
    uuid, public.imports, text, private.incoming_record[], timestamptz, timestamptz, boolean
);
drop function if exists private.keep_statements(uuid, public.imports, text, private.incoming_record[], uuid[]);
