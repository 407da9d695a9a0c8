-- The way back from 136_focus.sql. Which workspaces have their costs kept as files is lost; the files stay.

drop function if exists private.report_focus_export(uuid, integer, integer, text);
drop function if exists private.list_focus_exports();
drop function if exists public.focus_state(uuid);
drop function if exists public.set_focus_export(uuid, boolean);
drop table if exists private.focus_exports;
drop function if exists public.focus_rows(timestamptz, timestamptz, uuid);
drop function if exists private.focus_sums(uuid, timestamptz, timestamptz, private.daily_question, uuid);
drop function if exists private.focus_details(text, jsonb, text, text, text, text, text, jsonb);
