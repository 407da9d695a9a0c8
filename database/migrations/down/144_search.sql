-- The way back from 144_search.sql.

drop function if exists public.search(uuid, text, text[], integer);
drop function if exists public.search_lists(uuid, text[]);
drop function if exists public.search_usage(uuid, text, text[], integer);
drop function if exists private.list_used(uuid, text[]);
