-- The way back from 102_advice_plans.sql.

drop function if exists private.advice_worth(uuid, date, date, text, text);
drop function if exists private.advice_days(uuid, date, date, jsonb);
drop function if exists private.advice_plans(uuid, date, jsonb);
drop function if exists private.advice_usages(uuid, date, date);
drop function if exists private.advice_spend(uuid, date, date);
