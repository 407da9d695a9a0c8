-- The way back from 047_people_list.sql.

drop function if exists public.list_people(uuid);
drop function if exists private.last_active_days(uuid);
