-- 015_overlaps.sql: overlap resolution: which dataset's money and tokens are effective for a billing account's UTC day.
--
-- Several sources may report one account's day: a bill, a usage export, the logs of a coding agent. The decision is made on
-- sums of parts of the day, not on its records: what a save costs must not grow with the day. Statements are kept, so deleting
-- or disabling a source restores the previous totals exactly.

-- Sums of the records that share everything the decision depends on, and the decision. Datasets come early in the key: whether
-- a day has more than one shows at its two ends.
create table if not exists private.day_parts (
    workspace_id uuid not null,
    billing_account text not null,
    day date not null, -- UTC
    dataset text not null,
    cost_basis text not null,
    model_key text not null,
    billed_under_other_name boolean not null,
    collection_method text not null, -- in the key because the best of several methods cannot be taken back
    tokens numeric not null,
    requests numeric not null,
    records bigint not null,
    money_is_effective boolean not null default true,
    tokens_are_effective boolean not null default true,
    primary key (
        workspace_id, billing_account, day, dataset, cost_basis, model_key, billed_under_other_name, collection_method
    )
);
create index if not exists day_parts_not_effective_idx
    on private.day_parts (workspace_id, billing_account, day)
    where not (money_is_effective and tokens_are_effective);
alter table private.day_parts enable row level security;
revoke all on private.day_parts from public, anon, authenticated, service_role;

-- Rank of collection methods: of two bills the provider's API's wins, of two equal counts of tokens the better kept one.
create or replace function private.authorities()
returns text[]
language sql
immutable
set search_path = ''
as $$
    select array['api_automated', 'csv_import', 'manual_entry', 'otlp', 'local_log']
$$;
revoke all on function private.authorities() from public;

-- Adds differences to the sums of parts; a part without records is gone.
create or replace function private.add_to_day_parts(changes private.day_parts[])
returns void
language sql
set search_path = ''
as $$
    insert into private.day_parts as p
    select c.*
    from unnest(changes) as c
    order by c.workspace_id, c.billing_account, c.day
    on conflict (workspace_id, billing_account, day, dataset, cost_basis, model_key, billed_under_other_name, collection_method)
    do update
        set
            tokens = p.tokens + excluded.tokens,
            requests = p.requests + excluded.requests,
            records = p.records + excluded.records;

    delete from private.day_parts as p
    using unnest(changes) as c
    where
        (p.workspace_id, p.billing_account, p.day, p.dataset, p.cost_basis, p.model_key)
        = (c.workspace_id, c.billing_account, c.day, c.dataset, c.cost_basis, c.model_key)
        and p.billed_under_other_name = c.billed_under_other_name
        and p.collection_method = c.collection_method
        and c.records < 0
        and p.records = 0
$$;
revoke all on function private.add_to_day_parts(private.day_parts[]) from public;

-- The decision for each part of these days. A day falls into units: its models, or the whole day where a dataset sums all
-- models. In a unit, one dataset's bill is the money; estimates are money only where there is no bill. A charge that a bill
-- names differently is in any bill of the day. Tokens, and the money of estimates, are those of the dataset with the most
-- tokens: the others missed some. Bills of the covering accounts are money of theirs alone, and leave no estimate of these.
create or replace function private.judge_parts(of_workspace uuid, accounts text[], covering text[], days date[])
returns setof private.day_parts
language sql
stable
set search_path = ''
as $$
    with parts as (
        select
            p.*,
            array_position(private.authorities(), p.collection_method) as authority,
            bool_or(p.cost_basis = 'billed') over day as is_billed,
            case when bool_or(p.model_key = '' and p.cost_basis = 'billed') over day then '' else p.model_key end as bill_unit,
            case when bool_or(p.model_key = '' and p.tokens + p.requests > 0) over day then '' else p.model_key end as use_unit
        from private.day_parts as p
        where p.workspace_id = of_workspace and p.billing_account = any (accounts) and p.day = any (days)
        window day as (partition by p.day)
    ),

    bills as (
        select distinct on (b.day, b.bill_unit) b.day, b.bill_unit, b.dataset
        from parts as b
        where b.cost_basis = 'billed'
        order by b.day, b.bill_unit, b.authority, b.dataset
    ),

    uses as (
        select distinct on (u.day, u.use_unit) u.day, u.use_unit, u.dataset
        from parts as u
        group by u.day, u.use_unit, u.dataset
        having sum(u.tokens + u.requests) > 0 or bool_or(u.cost_basis <> 'billed')
        order by
            u.day, u.use_unit, sum(u.tokens) desc, u.dataset = 'requests' desc, sum(u.requests) desc, min(u.authority), u.dataset
    )

    select
        p.workspace_id, p.billing_account, p.day, p.dataset, p.cost_basis, p.model_key, p.billed_under_other_name,
        p.collection_method, p.tokens, p.requests, p.records,
        case p.cost_basis
            when 'billed' then p.dataset = b.dataset
            when 'estimated'
                then
                    b.dataset is null
                    and p.dataset = u.dataset
                    and not (p.is_billed and p.billed_under_other_name)
                    and (
                        cardinality(covering) = 0
                        or not exists (
                            select
                            from private.day_parts as c
                            where
                                c.workspace_id = of_workspace
                                and c.billing_account = any (covering)
                                and c.day = p.day
                                and c.cost_basis = 'billed'
                                and (c.model_key in ('', p.model_key) or p.billed_under_other_name)
                        )
                    )
            else p.dataset = u.dataset
        end as money_is_effective,
        coalesce(p.dataset = u.dataset, true) as tokens_are_effective
    from parts as p
    left join bills as b on p.day = b.day and p.bill_unit = b.bill_unit
    left join uses as u on p.day = u.day and p.use_unit = u.use_unit
$$;
revoke all on function private.judge_parts(uuid, text[], text[], date[]) from public;

-- Stores the decisions that changed and returns them.
create or replace function private.decide_parts(of_workspace uuid, accounts text[], covering text[], days date[])
returns setof private.day_parts
language sql
set search_path = ''
set enable_nestloop = off -- measured at 1,250 days: 0.3 against 6.1 ms
set enable_hashjoin = on
set enable_mergejoin = on
as $$
    update private.day_parts as p
    set
        money_is_effective = j.money_is_effective,
        tokens_are_effective = j.tokens_are_effective
    from private.judge_parts(of_workspace, accounts, covering, days) as j
    where
        p.workspace_id = of_workspace
        and p.billing_account = any (accounts)
        and p.day = any (days)
        and p.billing_account = j.billing_account
        and (p.day, p.dataset, p.cost_basis, p.model_key, p.collection_method, p.billed_under_other_name)
        = (j.day, j.dataset, j.cost_basis, j.model_key, j.collection_method, j.billed_under_other_name)
        and (p.money_is_effective, p.tokens_are_effective) <> (j.money_is_effective, j.tokens_are_effective)
    returning p.*
$$;
revoke all on function private.decide_parts(uuid, text[], text[], date[]) from public;

-- Sets the flags of all records of these parts: at most four updates a month. Their parts are compared as hashes; joined to the
-- parts, the update was planned over all of a workspace's records. Parts that differ only in the account are decided alike.
create or replace function private.flag_records(of_workspace uuid, accounts text[], parts private.day_parts[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    flip record;
begin
    perform set_config('tally.is_flagging', 'on', true);
    for flip in
        select
            p.money_is_effective as has_money,
            p.tokens_are_effective as has_tokens,
            min(p.day)::timestamp at time zone 'UTC' as first_at,
            (max(p.day) + 1)::timestamp at time zone 'UTC' as last_at,
            array_agg(
                hash_record_extended(
                    row(p.day, p.model_key, p.dataset, p.cost_basis, p.billed_under_other_name, p.collection_method), 0
                )
            ) as hashes
        from unnest(parts) as p
        group by 1, 2, date_trunc('month', p.day::timestamp)
        order by 3
    loop
        update public.cost_records as r
        set
            money_is_effective = flip.has_money,
            tokens_are_effective = flip.has_tokens
        where
            r.workspace_id = of_workspace
            and r.timestamp >= flip.first_at
            and r.timestamp < flip.last_at
            and r.billing_account = any (accounts)
            and (r.money_is_effective <> flip.has_money or r.tokens_are_effective <> flip.has_tokens)
            and hash_record_extended(
                row(
                    (r.timestamp at time zone 'UTC')::date, r.model_key, r.dataset, r.cost_basis, r.billed_under_other_name,
                    r.collection_method
                ),
                0
            ) = any (flip.hashes);
    end loop;
    perform set_config('tally.is_flagging', '', true);
end
$$;
revoke all on function private.flag_records(uuid, text[], private.day_parts[]) from public;

-- Decides the days of these parts where sources overlap, or did until now.
create or replace function private.resolve_overlaps(changes private.day_parts[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    one record;
    archived datemultirange;
    decided private.day_parts[];
begin
    for one in select d.* from private.days_to_decide(changes) as d order by d.workspace_id, d.accounts loop
        archived := private.archived_ranges(one.workspace_id);
        if archived is not null then -- as was decided when they were archived
            one.days := array(select d.day from unnest(one.days) as d (day) where not d.day <@ archived);
        end if;
        decided := private.parts_from_before(
            array(select p from private.decide_parts(one.workspace_id, one.accounts, one.covering, one.days) as p), changes
        );
        if cardinality(decided) > 0 then
            perform private.flag_records(one.workspace_id, one.accounts, decided);
        end if;
    end loop;
end
$$;
revoke all on function private.resolve_overlaps(private.day_parts[]) from public;
