-- The way back from 005_subscriptions.sql. The renewals that were posted stay as records.

drop function if exists private.post_due_renewals_for_all();
drop function if exists public.post_due_renewals();
drop trigger if exists subscriptions_follow on public.subscriptions;
drop function if exists private.follow_subscription();
drop function if exists private.post_renewals(public.subscriptions);
drop function if exists private.renewal_days(public.subscriptions, date);
drop table if exists public.subscriptions;
