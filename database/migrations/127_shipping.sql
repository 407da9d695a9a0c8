-- 127_shipping.sql: for whoever ships rows to an analytics engine: what is due, how far behind it is, and everything once more.

-- True for what is in an archive: where Postgres has no such row, the engine keeps its own.
create or replace function private.is_archived_for_engine(tenant uuid, at timestamptz)
returns boolean
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    return tenant is not null and private.is_archived(tenant, (is_archived_for_engine.at at time zone 'UTC')::date);
end
$$;
revoke all on function private.is_archived_for_engine(uuid, timestamptz) from public;

-- True while the engine does not have all of a stretch of time: whoever takes that out of Postgres waits.
create or replace function private.analytics_is_pending(tenant uuid, first_at timestamptz, last_at timestamptz)
returns boolean
language sql
stable
set search_path = ''
as $$
    select exists (select from private.analytics_engine) and (
        exists (
            select
            from private.analytics_outbox as o
            where o.workspace_id = tenant and o.timestamp >= $2 and o.timestamp < $3
        )
        or exists (
            select
            from private.analytics_tasks as t
            where t.workspace_id = tenant and (t.first_at is null or t.first_at < $3 and t.last_at > $2)
        )
    )
$$;
revoke all on function private.analytics_is_pending(uuid, timestamptz, timestamptz) from public;

-- Has a stretch of time shipped once more, a task for each of its UTC months, newest first; what Postgres does not have is
-- deleted in the engine. Returns the number of tasks.
create or replace function private.ship_again(
    tenant uuid, first_at timestamptz, last_at timestamptz, kinds text[] default array['records', 'superseded']
)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
    added bigint;
begin
    insert into private.analytics_tasks (workspace_id, kind, first_at, last_at)
    select tenant, k.kind, b.first_at, b.last_at
    from generate_series(
        date_trunc('month', greatest($2, timestamptz '2020-01-01 00:00Z') at time zone 'UTC'),
        least($3, now() + interval '2 years') at time zone 'UTC', interval '1 month'
    ) as m (month)
    cross join lateral (
        select
            greatest($2, m.month at time zone 'UTC') as first_at,
            least($3, (m.month + interval '1 month') at time zone 'UTC') as last_at
    ) as b
    cross join unnest(kinds) as k (kind)
    where
        exists (select from private.analytics_engine)
        and b.first_at < b.last_at
        and not private.is_archived_for_engine(tenant, b.first_at)
    order by m.month desc;
    get diagnostics added = row_count;
    return added;
end
$$;
revoke all on function private.ship_again(uuid, timestamptz, timestamptz, text[]) from public;

-- Has all of a workspace's months with rows shipped. What was due is in it.
create or replace function private.rebuild_for_engine(tenant uuid)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
    added bigint;
begin
    delete from private.analytics_outbox as o where o.workspace_id = tenant;
    delete from private.analytics_parked as p where p.workspace_id = tenant;
    delete from private.analytics_tasks as t where t.workspace_id = tenant and t.first_at is not null;
    with recursive months as (
        select k.kind, null::timestamptz as first_at, timestamptz '-infinity' as next_at
        from unnest(array['records', 'superseded', 'traces']) as k (kind)
        union all
        select f.kind, f.month at time zone 'UTC', (f.month + interval '1 month') at time zone 'UTC'
        from months as m
        cross join lateral (
            select
                m.kind,
                date_trunc(
                    'month',
                    case m.kind
                        when 'records'
                            then (
                                select r.timestamp from public.cost_records as r
                                where r.workspace_id = tenant and r.timestamp >= m.next_at order by r.timestamp limit 1
                            )
                        when 'superseded'
                            then (
                                select s.timestamp from public.superseded_records as s
                                where s.workspace_id = tenant and s.timestamp >= m.next_at order by s.timestamp limit 1
                            )
                        else (
                            select t.first_at from public.traces as t
                            where t.workspace_id = tenant and t.first_at >= m.next_at order by t.first_at limit 1
                        )
                    end at time zone 'UTC'
                ) as month
        ) as f
        where f.month is not null
    )

    insert into private.analytics_tasks (workspace_id, kind, first_at, last_at)
    select tenant, m.kind, m.first_at, m.next_at
    from months as m
    where m.first_at is not null and not private.is_archived_for_engine(tenant, m.first_at)
    order by m.first_at desc;
    get diagnostics added = row_count;
    return added;
end
$$;
revoke all on function private.rebuild_for_engine(uuid) from public;

-- While the engine is away, keys gather: of a workspace's month that has many, all are one task. Returns how many keys went.
create or replace function private.compact_outbox(at_least bigint)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
    gone bigint;
begin
    with many as materialized (
        select o.workspace_id, o.kind, date_trunc('month', o.timestamp at time zone 'UTC') as month, min(o.noted_at) as noted_at
        from private.analytics_outbox as o
        group by o.workspace_id, o.kind, date_trunc('month', o.timestamp at time zone 'UTC')
        having count(*) >= at_least
    ),

    joined as (
        insert into private.analytics_tasks (workspace_id, kind, noted_at, first_at, last_at)
        select m.workspace_id, m.kind, m.noted_at, m.month at time zone 'UTC', (m.month + interval '1 month') at time zone 'UTC'
        from many as m
    ),

    deleted as (
        delete from private.analytics_outbox as o
        using many as m
        where
            o.workspace_id = m.workspace_id
            and o.kind = m.kind
            and o.timestamp >= m.month at time zone 'UTC'
            and o.timestamp < (m.month + interval '1 month') at time zone 'UTC'
        returning 1
    )

    select count(*) into gone from deleted;
    return gone;
end
$$;
revoke all on function private.compact_outbox(bigint) from public;

-- How far the engine is behind what a workspace has in Postgres, by the clock of Postgres alone: a row if there is an engine.
-- `pending` counts at most 100,000 keys.
create or replace function private.analytics_lag(tenant uuid)
returns table (installation uuid, pending bigint, seconds double precision, parked bigint, is_rebuilding boolean)
language sql
stable
set search_path = ''
as $$
    select
        e.installation,
        (select count(*) from (select from private.analytics_outbox limit 100000) as o),
        greatest(
            extract(epoch from clock_timestamp() - least(
                (select o.noted_at from private.analytics_outbox as o order by o.id limit 1),
                (select min(t.noted_at) from private.analytics_tasks as t where t.workspace_id = tenant or t.kind = 'person')
            )), 0 -- also where there is none, or where the clock was put back
        )::double precision,
        (select count(*) from private.analytics_parked as p where p.workspace_id = tenant),
        exists (select from private.analytics_tasks as t where t.workspace_id = tenant and t.first_at is not null)
    from private.analytics_engine as e
$$;
revoke all on function private.analytics_lag(uuid) from public;

-- Truncating names no rows: every month may have changed.
create or replace function private.ship_all_again()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform private.ship_again(w.id, '-infinity', 'infinity') from public.workspaces as w;
    return null;
end
$$;
revoke all on function private.ship_all_again() from public;

create or replace trigger cost_records_engine_truncated
    after truncate on public.cost_records
    for each statement execute function private.ship_all_again();
