-- The way back from 042_audit.sql.

drop function if exists private.audit_changes_of(regclass, text[], text[], text);
drop function if exists private.audit_rows();
drop function if exists private.describe_change(text, jsonb, jsonb, text[], text[]);
drop function if exists private.pick_values(jsonb, text[]);
drop function if exists private.write_audit(uuid, jsonb);
drop function if exists private.request_address();
drop function if exists private.request_header(text, integer);
drop function if exists private.current_actor();
drop table if exists public.audit_logs;
