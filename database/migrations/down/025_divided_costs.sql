-- The way back from 025_divided_costs.sql.

drop function if exists private.read_divided(uuid, date, date, private.stale_days[], date[], private.daily_question);
drop function if exists private.read_rollup(uuid, date, date, private.stale_days[], date[], private.daily_question);
drop function if exists private.sum_divided(uuid, date, date, private.stale_days[], date[], private.daily_question);
drop type if exists private.daily_row;
drop function if exists private.ask_for_days(uuid, text, uuid, uuid);
drop function if exists private.find_rollup(private.daily_question);
drop type if exists private.daily_question;
