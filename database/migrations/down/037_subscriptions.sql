-- The way back from 037_subscriptions.sql.

drop function if exists private.post_renewals(public.subscriptions);
drop function if exists private.add_renewals(public.subscriptions, date[], text);
drop function if exists private.project_of_plan(public.subscriptions);
drop function if exists private.replaced_renewals(uuid);
drop table if exists private.invoice_charges;
drop function if exists private.renewal_days(public.subscriptions, date);
drop table if exists public.subscriptions;
drop function if exists private.hidden_subscriptions();
