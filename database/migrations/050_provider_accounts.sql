-- 050_provider_accounts.sql: several accounts at one provider: which of them a day's overlaps are resolved for together.
--
-- A billing account is a provider alone (`openai`), with a name that a user gave (`openai:Private`), or with the account's id, as
-- the data itself names it (`openai:@org-1`). What names no account is of the only one that the workspace's data names at this
-- provider. With two of them nobody can say whose it is, and a bill of the wrong one must not replace it: it stays by itself.

-- The first and the second account of a provider are found in two steps, however many days they have.
create index if not exists day_parts_identified_idx
    on private.day_parts (workspace_id, split_part(billing_account, ':', 1), billing_account)
    where split_part(billing_account, ':', 2) like '@%';

-- The billing accounts that are one with this account, itself included.
create or replace function private.joined_accounts(of_workspace uuid, account text)
returns text[]
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    provider constant text := split_part(account, ':', 1);
    identified text;
begin
    if account <> provider and split_part(account, ':', 2) not like '@%' then
        return array[account];
    end if;
    select p.billing_account
    into identified
    from private.day_parts as p
    where
        p.workspace_id = of_workspace
        and split_part(p.billing_account, ':', 1) = provider
        and split_part(p.billing_account, ':', 2) like '@%'
    order by p.billing_account
    limit 1;
    if identified is null or account not in (provider, identified) then
        return array[account];
    end if;
    if
        exists (
            select
            from private.day_parts as p
            where
                p.workspace_id = of_workspace
                and split_part(p.billing_account, ':', 1) = provider
                and split_part(p.billing_account, ':', 2) like '@%'
                and p.billing_account > identified
        )
    then
        return array[account];
    end if;
    return array[provider, identified];
end
$$;
revoke all on function private.joined_accounts(uuid, text) from public;

-- Is there more than one dataset or basis on a day of accounts that are one? Only the two ends of each account's day are read.
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

-- The accounts that are one with each provider alone, of the providers whose accounts are named in these changes: a change of
-- others cannot change them. By workspace and provider.
create or replace function private.joins_of(changes private.day_parts[])
returns jsonb
language plpgsql -- its plan is kept: each save calls it
stable
set search_path = ''
as $$
begin
    return (
        select coalesce(
            jsonb_object_agg(a.workspace_id || ' ' || a.provider, to_jsonb(private.joined_accounts(a.workspace_id, a.provider))),
            '{}'
        )
        from (
            select distinct c.workspace_id, split_part(c.billing_account, ':', 1) as provider
            from unnest(changes) as c
            where split_part(c.billing_account, ':', 2) like '@%'
        ) as a
    );
end
$$;
revoke all on function private.joins_of(private.day_parts[]) from public;

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

-- The days to decide again where other accounts are one with a provider alone than before.
create or replace function private.rejoined_days(before jsonb)
returns private.day_parts[]
language sql
stable
set search_path = ''
as $$
    with joins as materialized (
        select
            split_part(b.key, ' ', 1)::uuid as workspace_id,
            split_part(b.key, ' ', 2) as provider,
            b.value as accounts,
            to_jsonb(private.joined_accounts(split_part(b.key, ' ', 1)::uuid, split_part(b.key, ' ', 2))) as now_accounts
        from jsonb_each(before) as b
    )

    select array(
        select private.unchanged_part(j.workspace_id, a.name, d.day)
        from joins as j
        cross join lateral (
            select distinct p.day
            from private.day_parts as p
            where p.workspace_id = j.workspace_id and p.billing_account = j.provider
        ) as d
        cross join lateral (
            select jsonb_array_elements_text(j.accounts)
            union
            select jsonb_array_elements_text(j.now_accounts)
        ) as a (name)
        where j.accounts <> j.now_accounts
    )
$$;
revoke all on function private.rejoined_days(jsonb) from public;
