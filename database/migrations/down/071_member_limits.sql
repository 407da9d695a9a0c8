-- The way back from 071_member_limits.sql.

drop function if exists public.set_member_limit(uuid, uuid, numeric, bigint);
drop function if exists private.limit_member(uuid, uuid, text, numeric);
drop function if exists private.member_limits(uuid);
drop function if exists private.member_budgets(uuid);
