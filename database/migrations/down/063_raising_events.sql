-- The way back from 063_raising_events.sql.

drop function if exists private.forget_old_events();
drop function if exists private.may_be_told(uuid, text, uuid);
drop function if exists private.is_address_of_member(uuid, text);
drop function if exists private.begin_confirmation(uuid, text, text);
drop function if exists private.enqueue_test(uuid, uuid);
drop table if exists private.sent_tests;
drop function if exists private.clear_event(uuid);
drop trigger if exists channels_verified on public.channels;
drop function if exists private.tell_verified_channel();
drop function if exists private.raise_event(uuid, text, text, uuid, date, text, jsonb, uuid[], text);
