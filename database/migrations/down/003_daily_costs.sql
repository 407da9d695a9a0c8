-- The way back from 003_daily_costs.sql. The records stay.

drop trigger if exists user_preferences_mark_all_days on public.user_preferences;
drop trigger if exists cost_records_share_timezone on public.cost_records;
drop trigger if exists cost_records_mark_inserted on public.cost_records;
drop trigger if exists cost_records_mark_updated on public.cost_records;
drop trigger if exists cost_records_mark_deleted on public.cost_records;
drop trigger if exists cost_records_mark_truncated on public.cost_records;
drop function if exists public.detach_partition(integer, integer);
drop function if exists public.get_top_models_by_spend(uuid, timestamptz, timestamptz, integer);
drop function if exists public.get_user_total_spend(uuid, timestamptz, timestamptz);
drop function if exists public.daily_costs(date, date);
drop function if exists private.fresh_days(uuid, date, date);
drop function if exists public.refresh_cost_records_daily();
drop function if exists private.check_is_self(uuid);
drop function if exists private.mark_all_days();
drop function if exists private.day_instant(date, text);
drop function if exists private.mark_known_days();
drop function if exists private.mark_updated_days();
drop function if exists private.mark_changed_days();
drop function if exists private.share_timezone();
drop function if exists private.mark_days(uuid, date[]);
drop function if exists private.timezone_lock(uuid);
drop table if exists private.refreshes;
drop table if exists private.stale_days;
drop materialized view if exists private.cost_records_daily;
drop function if exists private.timezone_of(uuid);
