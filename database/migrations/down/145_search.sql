-- The way back from 145_search.sql.

drop function if exists public.search(uuid, text, text[], integer);
drop function if exists public.search_lists(uuid, text[], json);
drop function if exists public.search_usage(uuid, text, text[], integer);
drop function if exists private.find_usage(uuid, text, text[], text, boolean, integer);
drop function if exists private.find_entries(uuid, text[], integer);
drop index if exists public.audit_logs_text_idx;
drop function if exists private.audit_text(text, text, jsonb, jsonb, jsonb);
