-- The way back from 110_saving_invoices.sql.

drop function if exists public.delete_statement_line(uuid, uuid);
drop function if exists public.ignore_statement_line(uuid, uuid, boolean);
drop function if exists public.save_statement_lines(uuid, jsonb);
drop function if exists public.delete_invoice(uuid, uuid);
drop function if exists public.decide_invoice(uuid, uuid, text);
drop function if exists public.save_invoice(uuid, jsonb);
drop function if exists private.join_invoice(public.invoices);
drop function if exists private.add_invoice_lines(public.invoices, jsonb);
drop function if exists private.provider_named(text);
drop function if exists private.lock_charges(uuid);
drop function if exists private.invoice_text(text, integer);
