-- The way back from 127_shipping.sql.

drop trigger if exists cost_records_engine_truncated on public.cost_records;
drop function if exists private.ship_all_again();
drop function if exists private.analytics_lag(uuid);
drop function if exists private.compact_outbox(bigint);
drop function if exists private.rebuild_for_engine(uuid);
drop function if exists private.ship_again(uuid, timestamptz, timestamptz);
drop function if exists private.analytics_is_pending(uuid, timestamptz, timestamptz);
drop function if exists private.archived_parts(uuid, timestamptz, timestamptz);
drop function if exists private.is_archived_for_engine(uuid, timestamptz);
