-- The way back from 036_repricing.sql.

drop function if exists public.apply_prices(uuid, json, uuid);
drop function if exists private.audit_repricing(uuid, uuid, bigint, numeric, numeric);
drop function if exists private.reprice(uuid, json);
drop function if exists private.read_price_changes(json);
drop function if exists private.price_keys();
drop type if exists private.price_change;
drop function if exists public.list_estimates(timestamptz, uuid, integer, uuid);
drop view if exists private.estimates;
