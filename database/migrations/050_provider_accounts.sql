-- 050_provider_accounts.sql: several accounts at one provider: which of them a day's overlaps are resolved for together.
--
-- A billing account is a provider alone (`openai`), with a name that a user gave (`openai:Private`), or with the account's id, as
-- the data itself names it (`openai:@org-1`). What names no account may be of any account that the workspace's data names in its
-- month. If that is one, it is of this one. If there are several, a bill might be of the wrong one: it replaces an estimate only
-- where each of them has bills in the month, so that the right one's is among them.

-- The accounts of a provider are found in a step each, however many days they have.
create index if not exists day_parts_identified_idx
    on private.day_parts (workspace_id, split_part(billing_account, ':', 1), billing_account, day)
    where split_part(billing_account, ':', 2) like '@%';

-- Accounts whose parts of a day are judged together, and those whose bills cover their estimates besides.
do $$
begin
    if to_regtype('private.account_group') is null then
        create type private.account_group as (accounts text[], covering text[]);
        revoke all on type private.account_group from public;
    end if;
end
$$;

-- The group of an account in the month that begins on this day. An account that a user named is always alone.
create or replace function private.group_accounts(of_workspace uuid, account text, month date)
returns private.account_group
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    provider constant text := split_part(account, ':', 1);
    next_month constant date := month + interval '1 month';
    identified text := '';
    present text[] := array[]::text[];
    all_have_bills boolean := true;
begin
    loop
        exit when account <> provider and split_part(account, ':', 2) not like '@%';
        identified := (
            select p.billing_account
            from private.day_parts as p
            where
                p.workspace_id = of_workspace
                and split_part(p.billing_account, ':', 1) = provider
                and split_part(p.billing_account, ':', 2) like '@%'
                and p.billing_account > identified
            order by p.billing_account
            limit 1
        );
        exit when identified is null;
        if
            exists (
                select
                from private.day_parts as p
                where
                    p.workspace_id = of_workspace and p.billing_account = identified and p.day >= month and p.day < next_month
            )
        then
            present := present || identified;
            all_have_bills := all_have_bills and exists (
                select
                from private.day_parts as p
                where
                    p.workspace_id = of_workspace
                    and p.billing_account = identified
                    and p.day >= month
                    and p.day < next_month
                    and p.cost_basis = 'billed'
            );
        end if;
    end loop;
    if cardinality(present) = 1 and account in (provider, present[1]) then
        return row(array[provider] || present, array[]::text[]);
    end if;
    if cardinality(present) > 1 and account = provider and all_have_bills then
        return row(array[provider], present);
    end if;
    return row(array[account], array[]::text[]);
end
$$;
revoke all on function private.group_accounts(uuid, text, date) from public;

-- The days of these changes with the groups of their accounts.
create or replace function private.grouped_days(changes private.day_parts[])
returns table (workspace_id uuid, accounts text[], covering text[], day date)
language sql
stable
set search_path = ''
as $$
    with days as (
        select distinct c.workspace_id, c.billing_account, c.day, date_trunc('month', c.day::timestamp)::date as month
        from unnest(changes) as c
    ),

    months as materialized (
        select m.workspace_id, m.billing_account, m.month, g.accounts, g.covering
        from (select distinct d.workspace_id, d.billing_account, d.month from days as d) as m
        cross join lateral private.group_accounts(m.workspace_id, m.billing_account, m.month) as g
    )

    select distinct d.workspace_id, m.accounts, m.covering, d.day
    from days as d
    inner join months as m
        on d.workspace_id = m.workspace_id and d.billing_account = m.billing_account and d.month = m.month
$$;
revoke all on function private.grouped_days(private.day_parts[]) from public;

-- Is there more than one dataset or basis on a day of these accounts? Only the two ends of each account's day are read.
create or replace function private.has_overlap(of_workspace uuid, accounts text[], of_day date)
returns boolean
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    return (
        select count(distinct (e.dataset, e.cost_basis)) > 1
        from unnest(accounts) as a (name)
        cross join lateral (
            (
                select p.dataset, p.cost_basis
                from private.day_parts as p
                where (p.workspace_id, p.billing_account, p.day) = (of_workspace, a.name, of_day)
                order by p.dataset, p.cost_basis
                limit 1
            )
            union all
            (
                select p.dataset, p.cost_basis
                from private.day_parts as p
                where (p.workspace_id, p.billing_account, p.day) = (of_workspace, a.name, of_day)
                order by p.dataset desc, p.cost_basis desc
                limit 1
            )
        ) as e
    );
end
$$;
revoke all on function private.has_overlap(uuid, text[], date) from public;

-- The days of these changes that are to be decided, by group. A day on which one dataset reports on one basis is decided
-- already: everything counts. Where the data names no account, which is usual, each account is a group, and no function is
-- called for a day: measured, 4% of a save.
create or replace function private.days_to_decide(changes private.day_parts[])
returns table (workspace_id uuid, accounts text[], covering text[], days date[])
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    if
        not exists (
            select
            from (select distinct c.workspace_id, split_part(c.billing_account, ':', 1) as provider from unnest(changes) as c) as k
            inner join private.day_parts as p
                on k.workspace_id = p.workspace_id and k.provider = split_part(p.billing_account, ':', 1)
            where split_part(p.billing_account, ':', 2) like '@%'
        )
    then
        return query
        select d.workspace_id, array[d.billing_account], array[]::text[], array_agg(d.day)
        from (select distinct c.workspace_id, c.billing_account, c.day from unnest(changes) as c) as d
        where
            (
                select row(p.dataset, p.cost_basis)
                from private.day_parts as p
                where (p.workspace_id, p.billing_account, p.day) = (d.workspace_id, d.billing_account, d.day)
                order by p.dataset, p.cost_basis
                limit 1
            ) <> (
                select row(p.dataset, p.cost_basis)
                from private.day_parts as p
                where (p.workspace_id, p.billing_account, p.day) = (d.workspace_id, d.billing_account, d.day)
                order by p.dataset desc, p.cost_basis desc
                limit 1
            )
            or exists (
                select
                from private.day_parts as p
                where
                    (p.workspace_id, p.billing_account, p.day) = (d.workspace_id, d.billing_account, d.day)
                    and not (p.money_is_effective and p.tokens_are_effective)
            )
        group by d.workspace_id, d.billing_account;
        return;
    end if;
    return query
    select g.workspace_id, g.accounts, g.covering, array_agg(g.day)
    from private.grouped_days(changes) as g
    where
        private.has_overlap(g.workspace_id, g.accounts || g.covering, g.day)
        or exists (
            select
            from private.day_parts as p
            where
                p.workspace_id = g.workspace_id
                and p.billing_account = any (g.accounts)
                and p.day = g.day
                and not (p.money_is_effective and p.tokens_are_effective)
        )
    group by g.workspace_id, g.accounts, g.covering;
end
$$;
revoke all on function private.days_to_decide(private.day_parts[]) from public;

-- The groups of each provider alone in the months of these changes, of the providers whose accounts are named in them: others
-- cannot change a group. By workspace, provider and month.
create or replace function private.groups_of(changes private.day_parts[])
returns jsonb
language plpgsql -- its plan is kept: each save calls it
stable
set search_path = ''
as $$
begin
    return (
        select coalesce(
            jsonb_object_agg(
                concat_ws(' ', a.workspace_id, a.provider, a.month),
                to_jsonb(private.group_accounts(a.workspace_id, a.provider, a.month))
            ),
            '{}'
        )
        from (
            select distinct
                c.workspace_id,
                split_part(c.billing_account, ':', 1) as provider,
                date_trunc('month', c.day::timestamp)::date as month
            from unnest(changes) as c
            where split_part(c.billing_account, ':', 2) like '@%'
        ) as a
    );
end
$$;
revoke all on function private.groups_of(private.day_parts[]) from public;

-- A change of no record on an account's day: the day is decided again.
create or replace function private.unchanged_part(of_workspace uuid, account text, of_day date)
returns private.day_parts
language sql
immutable
set search_path = ''
as $$
    select row(of_workspace, account, of_day, '', '', '', false, '', 0, 0, 0, true, true)::private.day_parts
$$;
revoke all on function private.unchanged_part(uuid, text, date) from public;

-- The days of other accounts that are decided again with these changes: those of providers alone whose group is another one than
-- before, and those that the bills of changed accounts may cover.
create or replace function private.regrouped_days(before jsonb, changes private.day_parts[])
returns private.day_parts[]
language sql
stable
set search_path = ''
as $$
    with known as (
        select
            split_part(b.key, ' ', 1)::uuid as workspace_id,
            split_part(b.key, ' ', 2) as provider,
            split_part(b.key, ' ', 3)::date as month,
            b.value as state
        from jsonb_each(before) as b
    ),

    regrouped as materialized (
        select k.workspace_id, k.provider, k.month, k.state, n.state as now_state
        from known as k
        cross join lateral (select to_jsonb(private.group_accounts(k.workspace_id, k.provider, k.month)) as state) as n
        where k.state <> n.state
    ),

    days as (
        select r.workspace_id, a.name as account, d.day
        from regrouped as r
        cross join lateral (
            select distinct p.day
            from private.day_parts as p
            where
                p.workspace_id = r.workspace_id
                and p.billing_account = r.provider
                and p.day >= r.month
                and p.day < r.month + interval '1 month'
        ) as d
        cross join lateral (
            select jsonb_array_elements_text(s.accounts) as name
            from (
                values (r.state -> 'accounts'), (r.state -> 'covering'), (r.now_state -> 'accounts'), (r.now_state -> 'covering')
            ) as s (accounts)
        ) as a
        union
        select c.workspace_id, split_part(c.billing_account, ':', 1), c.day
        from unnest(changes) as c
        where split_part(c.billing_account, ':', 2) like '@%'
    )

    select array(select private.unchanged_part(d.workspace_id, d.account, d.day) from days as d)
$$;
revoke all on function private.regrouped_days(jsonb, private.day_parts[]) from public;
