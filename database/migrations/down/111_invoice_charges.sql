-- The way back from 111_invoice_charges.sql.

drop function if exists private.follow_charges(uuid);
drop function if exists private.post_charges(uuid);
drop function if exists private.write_charges(uuid, private.invoice_charges[], text);
drop function if exists private.wanted_charges(uuid);
drop function if exists private.is_billed(uuid, uuid, text, date, date);
drop index if exists public.cost_records_charges_idx;
drop function if exists private.pair_statements(uuid);
