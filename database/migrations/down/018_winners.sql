-- The way back from 018_winners.sql.

drop trigger if exists imports_enable_waits on public.imports;
drop trigger if exists imports_delete_waits on public.imports;
drop trigger if exists cost_records_delete_waits on public.cost_records;
drop trigger if exists cost_records_choose_deleted on public.cost_records;
drop trigger if exists superseded_records_select_updated on public.superseded_records;
drop trigger if exists superseded_records_select_inserted on public.superseded_records;
drop function if exists private.wait_for_saves();
drop function if exists private.select_winners_of_changed();
drop function if exists private.select_winners(uuid, uuid[]);
drop function if exists private.move_statements(uuid, uuid[]);
drop function if exists private.promote_best_statements(uuid, uuid[], uuid[], uuid[], timestamptz[]);
drop function if exists private.contested_events(uuid, uuid[]);
drop function if exists private.move_superseded_days(uuid, uuid[]);
