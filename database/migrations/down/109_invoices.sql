-- The way back from 109_invoices.sql. Invoices and lines of statements go with it; what they brought into the ledger stays.

drop table if exists public.statement_lines;
drop table if exists public.invoice_lines;
drop table if exists public.invoices;
drop function if exists private.explain_broken_charge(text, text);
