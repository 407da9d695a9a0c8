-- The way back from 137_focus_rows.sql.

drop function if exists public.focus_rows(timestamptz, timestamptz, uuid);
drop function if exists private.focus_details(jsonb, boolean);
