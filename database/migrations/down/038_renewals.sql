-- The way back from 038_renewals.sql.

drop function if exists private.post_due_renewals_for_all();
drop function if exists public.post_due_renewals(uuid);
drop trigger if exists subscriptions_follow on public.subscriptions;
drop function if exists private.follow_subscription();
