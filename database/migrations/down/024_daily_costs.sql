-- The way back from 024_daily_costs.sql.

drop function if exists public.daily_costs(date, date, uuid, uuid, text, uuid);
drop function if exists private.read_undivided(uuid, date, date, private.stale_days[], date[]);
drop function if exists private.undivided_totals(uuid, date[], private.stale_days[]);
drop function if exists private.outdated_totals(uuid, date[], private.stale_days[]);
drop function if exists private.outdated_days(uuid, date, date, private.stale_days[]);
drop function if exists private.stale_days_of(uuid, date, date);
drop function if exists private.json_money(text);
drop function if exists private.json_words(text);
