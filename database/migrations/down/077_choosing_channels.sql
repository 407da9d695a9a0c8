-- The way back from 077_choosing_channels.sql.

drop trigger if exists cost_records_settle_channels on public.cost_records;
drop function if exists private.split_by_channel(uuid, text, private.incoming_record[]);
drop function if exists private.compare_channels_of_deleted();
drop function if exists private.compare_channels_of(uuid, uuid[]);
drop function if exists private.compare_channels(uuid);
drop function if exists private.change_channel(uuid, uuid, text);
