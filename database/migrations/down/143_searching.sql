-- The way back from 143_searching.sql.

drop function if exists private.find_usage(uuid, text, text[], text, boolean, integer);
drop function if exists private.find_entries(uuid, text[], integer);
drop index if exists public.audit_logs_text_idx;
drop function if exists private.audit_text(text, text, jsonb, jsonb, jsonb);
drop function if exists private.used_models(uuid);
drop function if exists private.find_trace_ids(uuid, text, integer);
drop function if exists private.find_request(uuid, text);
drop function if exists private.find_names(uuid, text, text[], boolean, integer);
drop function if exists private.where_text(text[], boolean, text);
