-- The way back from 038_renewals.sql.

drop function if exists public.post_due_renewals(uuid);
drop function if exists private.post_workspace_renewals(uuid, integer);
drop function if exists private.post_renewals_at_once(uuid, text, integer);
drop function if exists private.check_renewals(uuid, text);
drop function if exists private.correct_renewals(uuid, text);
drop function if exists private.insert_renewals(uuid, uuid[], date[], text);
drop function if exists private.due_renewals(uuid, text);
drop trigger if exists subscriptions_follow on public.subscriptions;
drop function if exists private.follow_subscription();
