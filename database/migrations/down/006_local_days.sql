-- The way back from 006_local_days.sql.

drop function if exists private.day_instant(date, text);
drop function if exists private.day_start(date, text);
drop function if exists private.timezone_lock(uuid);
drop function if exists private.timezone_of(uuid);
