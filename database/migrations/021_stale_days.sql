-- 021_stale_days.sql: which days a change makes stale.

-- A caller's statement takes the lock before its rows, as a change of the time zone does; else the two could deadlock.
create or replace function private.share_timezone()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock_shared(private.timezone_lock(w.id))
    from (select w.id from private.workspaces_as('member') as w (id) order by 1) as w;
    return null;
end
$$;
revoke all on function private.share_timezone() from public;

create or replace trigger cost_records_share_timezone
    before insert or update or delete on public.cost_records
    for each statement execute function private.share_timezone();

create or replace function private.note_divided(tenant uuid)
returns void
language sql
set search_path = ''
as $$
    insert into private.divided_workspaces (workspace_id) values (tenant)
    on conflict do nothing
$$;
revoke all on function private.note_divided(uuid) from public;

create or replace function private.mark_changed_days()
returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    tenant record;
    zone text;
begin
    for tenant in
        select c.workspace_id as id, bool_or(c.project_id is not null or c.user_id <> c.workspace_id) as is_divided
        from changed as c
        group by 1
        order by 1
    loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant.id));
        zone := private.timezone_of(tenant.id);
        perform private.mark_days(
            tenant.id,
            array(select distinct (c.timestamp at time zone zone)::date from changed as c where c.workspace_id = tenant.id)
        );
        if tenant.is_divided and tg_op = 'INSERT' then
            perform private.note_divided(tenant.id);
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.mark_changed_days() from public;

create or replace function private.mark_updated_days()
returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    tenant record;
    zone text;
begin
    for tenant in
        select b.id, bool_or(b.is_divided) as is_divided
        from (
            select c.workspace_id as id, false as is_divided from changed_from as c
            union all
            select c.workspace_id, c.project_id is not null or c.user_id <> c.workspace_id from changed_to as c
        ) as b
        group by 1
        order by 1
    loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant.id));
        zone := private.timezone_of(tenant.id);
        perform private.mark_days(
            tenant.id,
            array(
                select (c.timestamp at time zone zone)::date from changed_from as c where c.workspace_id = tenant.id
                union
                select (c.timestamp at time zone zone)::date from changed_to as c where c.workspace_id = tenant.id
            )
        );
        if tenant.is_divided then
            perform private.note_divided(tenant.id);
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.mark_updated_days() from public;

-- Truncating names no rows: every day that is known may have changed.
create or replace function private.mark_known_days()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform private.mark_days(d.workspace_id, array_agg(distinct d.date))
    from (
        select v.workspace_id, v.date from private.cost_records_daily as v
        union all
        select o.workspace_id, o.date from private.overridden_days as o
    ) as d
    group by d.workspace_id
    order by d.workspace_id;
    return null;
end
$$;
revoke all on function private.mark_known_days() from public;

create or replace trigger cost_records_mark_inserted
    after insert on public.cost_records
    referencing new table as changed
    for each statement execute function private.mark_changed_days();
create or replace trigger cost_records_mark_updated
    after update on public.cost_records
    referencing old table as changed_from new table as changed_to
    for each statement execute function private.mark_updated_days();
create or replace trigger cost_records_mark_deleted
    after delete on public.cost_records
    referencing old table as changed
    for each statement execute function private.mark_changed_days();
create or replace trigger cost_records_mark_truncated
    after truncate on public.cost_records
    for each statement execute function private.mark_known_days();

-- Moves events that are dates to the instants of a new time zone.
create or replace function private.move_dated_records(tenant uuid, zone text)
returns void
language sql
set search_path = ''
as $$
    update public.cost_records as r
    set timestamp = m.moved_to
    from (
        select d.id, d.timestamp, d.source_key, private.day_instant(d.day, zone) as moved_to
        from public.cost_records as d
        where d.workspace_id = tenant and d.day is not null
    ) as m
    where
        r.workspace_id = tenant
        and r.id = m.id
        and r.timestamp = m.timestamp
        and m.timestamp <> m.moved_to
        and not exists (
            select
            from public.cost_records as t
            where t.workspace_id = tenant and t.timestamp = m.moved_to and t.source_key = m.source_key
        )
$$;
revoke all on function private.move_dated_records(uuid, text) from public;

-- A new time zone gives every day new bounds, known days and present marks included.
create or replace function private.mark_all_days()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    first_day date;
    last_day date;
begin
    perform pg_advisory_xact_lock(private.timezone_lock(new.id));
    perform private.move_dated_records(new.id, new.timezone);
    select min(b.first_day), max(b.last_day)
    into first_day, last_day
    from (
        -- No zone is more than a day from UTC.
        select (min(r.timestamp) at time zone 'UTC')::date - 1 as first_day, (max(r.timestamp) at time zone 'UTC')::date + 1 as last_day
        from public.cost_records as r
        where r.workspace_id = new.id
        union all
        select min(d.date), max(d.date) from private.cost_records_daily as d where d.workspace_id = new.id
        union all
        select min(o.date), max(o.date) from private.overridden_days as o where o.workspace_id = new.id
        union all
        select min(s.date), max(s.date) from private.stale_days as s where s.workspace_id = new.id
    ) as b;
    perform private.mark_days(
        new.id, array(select generate_series(first_day::timestamp, last_day::timestamp, interval '1 day')::date)
    );
    return null;
end
$$;
revoke all on function private.mark_all_days() from public;

create or replace trigger workspaces_mark_all_days
    after update of timezone on public.workspaces
    for each row when (old.timezone <> new.timezone) execute function private.mark_all_days();
