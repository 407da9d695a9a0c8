-- The way back from 096_saved_views.sql. Saved views are deleted with it.

drop function if exists public.delete_view(uuid);
drop function if exists public.rename_view(uuid, text);
drop function if exists public.save_view(uuid, text, text);
drop function if exists public.list_views(uuid);
drop table if exists private.saved_views;
