-- 131_archive_settings.sql: when a workspace's records go to the archive, what is there, and what the log says of it.

-- An entry in the log of its workspace: what happened to a stretch, and why.
create or replace function private.log_archive(archive private.archives, action text)
returns void
language sql
set search_path = ''
as $$
    select private.write_audit(
        archive.workspace_id,
        jsonb_build_object(
            'action', action, 'table_name', 'archives', 'row_id', archive.id, 'metadata', jsonb_build_object(
                'first_day', archive.first_day, 'last_day', archive.end_day - 1, 'records', archive.records + archive.statements,
                'reason', archive.reason
            )
        )
    )
$$;
revoke all on function private.log_archive(private.archives, text) from public;

-- An entry on what was deleted because it was older than its workspace keeps it: traces, or what was said in them.
create or replace function private.log_expired(tenant uuid, of_table text, expired bigint)
returns void
language sql
set search_path = ''
as $$
    select private.write_audit(
        tenant,
        jsonb_build_object(
            'action', 'expired', 'table_name', of_table, 'metadata', jsonb_build_object(
                'expired', expired, 'days', (
                    select case of_table when 'traces' then w.trace_days else coalesce(w.content_days, 0) end
                    from public.workspaces as w
                    where w.id = tenant
                )
            )
        )
    )
$$;
revoke all on function private.log_expired(uuid, text, bigint) from public;

-- The stretches that a workspace's setting sends to the archive now: whole months, or days where it keeps less than a month. Not
-- what a budget still counts from records, and for 30 days not what was brought back.
create or replace function private.stretches_to_archive(tenant uuid, as_of timestamptz default now())
returns table (first_day date, end_day date)
language plpgsql
stable
set search_path = ''
as $$
declare
    days constant integer := (select w.archive_days from public.workspaces as w where w.id = tenant);
    limit_day constant date := least(
        (as_of at time zone 'UTC')::date - greatest(days, 2),
        (select min(b.since) - 1 from private.budgets_at(tenant, as_of, true) as b where b.of_records)
    );
begin
    if days is null then
        return;
    end if;
    return query
    with months as (
        select m.month::date as month, (m.month + interval '1 month')::date as next_month
        from generate_series(
            date_trunc('month', (
                select min(r.timestamp) from public.cost_records as r where r.workspace_id = tenant
            ) at time zone 'UTC'),
            limit_day::timestamp,
            interval '1 month'
        ) as m (month)
    ),

    stretches as (
        select
            coalesce(
                (
                    select max(a.end_day)
                    from private.archives as a
                    where a.workspace_id = tenant and a.state = 'archived' and a.first_day >= m.month and a.first_day < m.next_month
                ), m.month
            ) as first_day,
            case when days >= 31 then m.next_month else least(m.next_month, limit_day) end as end_day
        from months as m
    )

    select s.first_day, s.end_day
    from stretches as s
    where
        s.end_day > s.first_day
        and s.end_day <= limit_day
        and exists (
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant
                and r.timestamp >= s.first_day::timestamp at time zone 'UTC'
                and r.timestamp < s.end_day::timestamp at time zone 'UTC'
        )
        and not exists (
            select
            from private.archives as a
            where
                a.workspace_id = tenant and a.state = 'restored' and a.restored_at > as_of - interval '30 days'
                and a.first_day < s.end_day and a.end_day > s.first_day
        )
    order by s.first_day;
end
$$;
revoke all on function private.stretches_to_archive(uuid, timestamptz) from public;

-- Keep records here for so many days; null for good. Up to a month days go one by one, beyond it whole months.
create or replace function public.set_archive_days(workspace uuid, days integer)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    before_days smallint;
begin
    if $2 not between 7 and 3650 then
        raise exception 'Keep records in the database for 7 to 3,650 days, or always.' using errcode = '22023';
    end if;
    select w.archive_days into before_days from public.workspaces as w where w.id = tenant for update;
    if before_days is distinct from $2 then
        update public.workspaces as w set archive_days = $2 where w.id = tenant;
    end if;
end
$$;
revoke all on function public.set_archive_days(uuid, integer) from public, anon, service_role;
grant execute on function public.set_archive_days(uuid, integer) to authenticated;

-- The archived stretches of a workspace: [{first_day, last_day}], neighbours as one. Pages name them where they read records.
create or replace function public.archived_stretches(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select coalesce(
            json_agg(json_build_object('first_day', lower(s.days), 'last_day', upper(s.days) - 1) order by lower(s.days)), '[]'
        )
        from unnest(private.archived_ranges(tenant)) as s (days)
    );
end
$$;
revoke all on function public.archived_stretches(uuid) from public, anon, service_role;
grant execute on function public.archived_stretches(uuid) to authenticated;

-- What an admin sees of the archive: the setting, each stretch with its state, and what the next nightly run will send there.
create or replace function public.archive_state(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return json_build_object(
        'days', (select w.archive_days from public.workspaces as w where w.id = tenant),
        'archives', (
            select coalesce(
                json_agg(
                    json_build_object(
                        'first_day', a.first_day, 'last_day', a.end_day - 1, 'state', a.state, 'records', a.records + a.statements,
                        'bytes', a.bytes, 'problem', a.problem, 'archived_at', a.archived_at, 'restored_at', a.restored_at
                    )
                    order by a.first_day desc, a.created_at desc
                ), '[]'
            )
            from private.archives as a
            where a.workspace_id = tenant
        ),
        'due', (
            select coalesce(
                json_agg(json_build_object('first_day', s.first_day, 'last_day', s.end_day - 1) order by s.first_day), '[]'
            )
            from private.stretches_to_archive(tenant) as s
        )
    );
end
$$;
revoke all on function public.archive_state(uuid) from public, anon, service_role;
grant execute on function public.archive_state(uuid) to authenticated;
