-- The way back from 069_alert_rules.sql.

drop function if exists private.silent_sources(uuid[], integer);
drop function if exists public.set_alert_rules(uuid, jsonb);
drop function if exists private.are_alert_rules(jsonb);
drop table if exists private.known_prices;
