-- 051_returning_months.sql: what happened while a month was archived happens to it when it comes back.

-- Counts the records of these days again and decides the days: the sums of a month that was archived may be out of date.
create or replace function private.recount_parts(tenant uuid, first_at timestamptz, last_at timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock(private.billing_lock(tenant));
    delete from private.day_parts as p
    where
        p.workspace_id = tenant
        and p.day >= (first_at at time zone 'UTC')::date
        and p.day < (last_at at time zone 'UTC')::date;
    perform set_config('tally.is_flagging', 'on', true);
    update public.cost_records as r
    set money_is_effective = true, tokens_are_effective = true
    where
        r.workspace_id = tenant
        and r.timestamp >= first_at
        and r.timestamp < last_at
        and not (r.money_is_effective and r.tokens_are_effective);
    perform set_config('tally.is_flagging', '', true);
    insert into private.day_parts
    select
        tenant, r.billing_account, (r.timestamp at time zone 'UTC')::date, r.dataset, r.cost_basis, r.model_key,
        r.billed_under_other_name, r.collection_method, sum(r.tokens_used), sum(r.request_count), count(*), true, true
    from public.cost_records as r
    where
        r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < last_at and r.billing_account is not null
    group by 2, 3, 4, 5, 6, 7, 8;
    -- As changes of no record: all records of what is decided are flagged.
    perform private.resolve_overlaps(array(
        select private.unchanged_part(d.workspace_id, d.billing_account, d.day)
        from (
            select distinct p.workspace_id, p.billing_account, p.day
            from private.day_parts as p
            where
                p.workspace_id = tenant
                and p.day >= (first_at at time zone 'UTC')::date
                and p.day < (last_at at time zone 'UTC')::date
        ) as d
    ));
end
$$;
revoke all on function private.recount_parts(uuid, timestamptz, timestamptz) from public;

-- Makes requests of these days that have another record by now superseded statements.
create or replace function private.supersede_repeated(tenant uuid, first_at timestamptz, last_at timestamptz)
returns void
language sql
set search_path = ''
as $$
    with repeated as (
        delete from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= first_at
            and r.timestamp < last_at
            and r.request_id is not null
            and exists (
                select
                from public.cost_records as o
                where
                    o.workspace_id = tenant
                    and o.source_key = r.source_key
                    and o.request_id is not null
                    and (o.timestamp < first_at or o.timestamp >= last_at)
            )
        returning r.*
    )

    insert into public.superseded_records (
        id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, source_key, request_id,
        timestamp, day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
        output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
        charge_type, metadata, created_at, updated_at
    )
    select
        r.id, r.workspace_id, r.user_id, r.project_id, r.project_chosen_by, r.provider_id, r.import_id, r.subscription_id,
        r.source_key, r.request_id, r.timestamp, r.day, r.model_name, r.billing_account, r.dataset, r.billed_under_other_name,
        r.cost_usd, r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
        r.reasoning_tokens, r.request_count, r.collection_method, r.cost_basis, r.charge_type, r.metadata, r.created_at,
        r.updated_at
    from repeated as r
    on conflict do nothing -- a statement saved meanwhile is newer
$$;
revoke all on function private.supersede_repeated(uuid, timestamptz, timestamptz) from public;

-- Records of a workspace are back: what happened to its sources, its events and the time zone meanwhile happens to them now.
create or replace function private.catch_up(tenant uuid, first_at timestamptz, last_at timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
    source uuid;
begin
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    perform private.recount_parts(tenant, first_at, last_at);
    perform private.move_dated_records(tenant, private.timezone_of(tenant));
    for source in
        select i.id
        from public.imports as i
        where i.workspace_id = tenant and not i.is_enabled
        order by 1
    loop
        perform private.supersede_source(tenant, source);
    end loop;
    perform private.move_to_events(
        tenant,
        array(
            select r.source_key
            from public.cost_records as r
            inner join private.event_aliases as a on r.workspace_id = a.workspace_id and r.source_key = a.alias
            where r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < last_at and r.request_id is not null
        )
    );
    perform private.supersede_repeated(tenant, first_at, last_at);
    perform private.select_winners(
        tenant,
        array(
            select distinct s.source_key
            from public.superseded_records as s
            where
                s.workspace_id = tenant
                and s.timestamp >= first_at - interval '1 day'
                and s.timestamp < last_at + interval '1 day'
        )
    );
    perform private.recount_statements(tenant);
end
$$;
revoke all on function private.catch_up(uuid, timestamptz, timestamptz) from public;

-- A month that was archived is back.
create or replace function private.catch_up_month(first_at timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
    last_at constant timestamptz := ((first_at at time zone 'UTC') + interval '1 month') at time zone 'UTC';
    tenant uuid;
begin
    for tenant in
        select r.workspace_id
        from public.cost_records as r
        where r.timestamp >= first_at and r.timestamp < last_at
        union
        select s.workspace_id
        from public.superseded_records as s
        where s.timestamp >= first_at - interval '1 day' and s.timestamp < last_at + interval '1 day'
        union
        select p.workspace_id
        from private.day_parts as p
        where p.day >= (first_at at time zone 'UTC')::date and p.day < (last_at at time zone 'UTC')::date
        order by workspace_id
    loop
        perform private.catch_up(tenant, first_at, last_at);
    end loop;
end
$$;
revoke all on function private.catch_up_month(timestamptz) from public;
