-- The way back from 140_day_webhooks.sql.

drop function if exists private.note_sent_day(uuid, date, text);
drop function if exists private.figures_of_day(uuid, date);
drop function if exists private.describe_day(uuid, date);
drop function if exists private.enqueue_days();
drop function if exists private.days_to_send(public.channels);
drop function if exists private.digests_of_days(uuid, date, date);
drop function if exists private.sums_of_days(uuid, date, date);
drop function if exists private.told_days();
drop table if exists private.sent_days;
