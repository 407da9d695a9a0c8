-- The way back from 076_session_channels.sql.

drop trigger if exists cost_records_channels_inserted on public.cost_records;
drop trigger if exists cost_records_channels_deleted on public.cost_records;
drop trigger if exists cost_records_channels_updated on public.cost_records;
drop trigger if exists superseded_records_channels_inserted on public.superseded_records;
drop trigger if exists superseded_records_channels_deleted on public.superseded_records;
drop trigger if exists superseded_records_channels_updated on public.superseded_records;
drop function if exists private.count_channels();
drop function if exists private.add_to_channels(private.session_channels[]);
drop function if exists private.session_of(jsonb);
drop table if exists private.session_channels;
