-- 071_member_limits.sql: what a member's usage should not exceed in a month are budgets of that person.

-- Of each person the oldest budget of a calendar month without any other scope: in US dollars, and in tokens.
create or replace function private.member_budgets(tenant uuid)
returns table (budget_id uuid, user_id uuid, measure text, amount numeric)
language sql
stable
set search_path = ''
as $$
    select distinct on (b.user_id, b.measure) b.id, b.user_id, b.measure, b.amount
    from public.budgets as b
    where
        b.workspace_id = tenant
        and b.user_id is not null
        and num_nonnulls(b.project_id, b.provider_id, b.model_name) = 0
        and not private.is_of_records(b)
        and b.period = 'month'
        and b.starts_on_day = 1
        and (b.measure = 'tokens' or b.currency = 'USD')
    order by b.user_id, b.measure, b.created_at, b.id
$$;
revoke all on function private.member_budgets(uuid) from public;

create or replace function private.member_limits(tenant uuid)
returns table (user_id uuid, monthly_usd numeric, monthly_tokens bigint)
language sql
stable
set search_path = ''
as $$
    select
        b.user_id,
        max(b.amount) filter (where b.measure = 'cost'),
        max(b.amount) filter (where b.measure = 'tokens')::bigint
    from private.member_budgets(tenant) as b
    group by b.user_id
$$;
revoke all on function private.member_limits(uuid) from public;

-- Makes, changes or, for null, deletes one of these budgets.
create or replace function private.limit_member(tenant uuid, person uuid, measured text, wanted numeric)
returns void
language plpgsql
set search_path = ''
as $$
declare
    found_one uuid := (
        select b.budget_id from private.member_budgets(tenant) as b where b.user_id = person and b.measure = measured
    );
begin
    if wanted is null then
        delete from public.budgets as b where b.id = found_one;
    elsif found_one is not null then
        update public.budgets as b set amount = wanted where b.id = found_one and b.amount <> wanted;
    else
        insert into public.budgets (workspace_id, name, user_id, measure, amount)
        values (tenant, case measured when 'cost' then 'Monthly limit' else 'Monthly tokens' end, person, measured, wanted)
        returning id into found_one;
        insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
        select tenant, found_one, t.kind, t.percent
        from (values ('actual', 80), ('actual', 100), ('forecast', 100)) as t (kind, percent);
    end if;
end
$$;
revoke all on function private.limit_member(uuid, uuid, text, numeric) from public;

-- Limits what a person's usage should cost or take in a month; null for none. Limits warn and block nothing.
create or replace function public.set_member_limit(
    workspace uuid, person uuid, monthly_usd numeric, monthly_tokens bigint
)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_change(workspace, 'admin');
begin
    perform private.require_rank_over(tenant, $2);
    if $3 <= 0 or $3 > 99999999 or round($3, 10) = 0 then -- NaN is above any number
        raise exception 'Limit the cost to an amount between $0 and $99,999,999, or leave it out.' using errcode = '22023';
    end if;
    if $4 <= 0 or $4 > 1000000000000000 then
        raise exception 'Limit the tokens to a number between 1 and 1,000,000,000,000,000, or leave it out.' using errcode = '22023';
    end if;
    perform private.limit_member(tenant, $2, 'cost', trim_scale(round($3, 10)));
    perform private.limit_member(tenant, $2, 'tokens', $4);
end
$$;
revoke all on function public.set_member_limit(uuid, uuid, numeric, bigint) from public, anon, service_role;
grant execute on function public.set_member_limit(uuid, uuid, numeric, bigint) to authenticated;

-- Nobody changes a budget of a person above them, nor its thresholds and channels, through any door.
create or replace function private.keep_limits_of_those_above()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    before constant jsonb := to_jsonb(old);
    after constant jsonb := to_jsonb(new);
begin
    perform private.require_rank_over(m.workspace_id, m.user_id)
    from public.members as m
    where
        m.workspace_id = coalesce(after ->> 'workspace_id', before ->> 'workspace_id')::uuid
        and m.user_id in (
            select unnest(array[before ->> 'user_id', after ->> 'user_id'])::uuid
            union all
            select b.user_id
            from public.budgets as b
            where b.id in ((before ->> 'budget_id')::uuid, (after ->> 'budget_id')::uuid)
        );
    return null;
end
$$;
revoke all on function private.keep_limits_of_those_above() from public;

-- Without an account it is a job. What follows from another change is no change of its own: who leaves takes a limit along.
do $$
declare
    written text;
begin
    foreach written in array array['budgets', 'budget_thresholds', 'budget_channels'] loop
        execute format(
            'create or replace trigger %1$s_keep_limits after insert or update or delete on public.%1$s '
            'for each row when (pg_trigger_depth() = 0 and auth.uid() is not null) '
            'execute function private.keep_limits_of_those_above()', written
        );
    end loop;
end
$$;
