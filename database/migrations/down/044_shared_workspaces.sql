-- The way back from 044_shared_workspaces.sql.

drop function if exists public.list_workspaces();
drop function if exists public.delete_workspace(uuid, text);
drop function if exists public.update_workspace(uuid, text, text, text, text);
drop function if exists private.require_shared_workspace(uuid, text);
drop function if exists public.create_workspace(text, text, text);
drop function if exists private.check_currency(text);
