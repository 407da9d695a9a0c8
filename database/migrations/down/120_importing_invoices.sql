-- The way back from 120_importing_invoices.sql.

drop function if exists public.save_invoices(uuid, jsonb);
