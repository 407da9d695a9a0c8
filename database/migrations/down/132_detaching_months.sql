-- The way back from 132_detaching_months.sql.

drop function if exists public.attach_partition(integer, integer);
drop function if exists private.forget_deleted(text);
drop function if exists public.detach_partition(integer, integer);
drop function if exists private.share_timezones_of(text);
drop function if exists private.mark_month(text);
