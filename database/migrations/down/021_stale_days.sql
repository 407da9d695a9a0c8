-- The way back from 021_stale_days.sql.

drop trigger if exists workspaces_mark_all_days on public.workspaces;
drop function if exists private.mark_all_days();
drop function if exists private.move_dated_records(uuid, text);
drop trigger if exists cost_records_share_timezone on public.cost_records;
drop trigger if exists cost_records_mark_inserted on public.cost_records;
drop trigger if exists cost_records_mark_updated on public.cost_records;
drop trigger if exists cost_records_mark_deleted on public.cost_records;
drop trigger if exists cost_records_mark_truncated on public.cost_records;
drop function if exists private.mark_known_days();
drop function if exists private.mark_updated_days();
drop function if exists private.mark_changed_days();
drop function if exists private.note_divided(uuid);
drop function if exists private.share_timezone();
