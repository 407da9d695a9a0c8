-- The way back from 112_reconciling_invoices.sql.

drop function if exists public.prepaid_credits(uuid);
drop function if exists private.credit_facts(uuid);
drop function if exists public.invoice_usage(uuid, uuid[]);
drop function if exists private.usage_by_days(uuid, uuid, text[], timestamptz, timestamptz);
drop function if exists private.billing_zone(text);
