-- The way back from 071_member_limits.sql.

drop trigger if exists budget_channels_keep_limits on public.budget_channels;
drop trigger if exists budget_thresholds_keep_limits on public.budget_thresholds;
drop trigger if exists budgets_keep_limits on public.budgets;
drop function if exists private.keep_limits_of_those_above();
drop function if exists public.set_member_limit(uuid, uuid, numeric, bigint);
drop function if exists private.limit_member(uuid, uuid, text, numeric);
drop function if exists private.member_limits(uuid);
drop function if exists private.member_budgets(uuid);
