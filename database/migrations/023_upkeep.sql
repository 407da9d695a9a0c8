-- 023_upkeep.sql: folding changed days beside the view, and refreshing the view.
--
-- A refresh costs what all of history costs; a fold what the changed days cost: 1/284 to 1/499 of a refresh of 943,000 groups,
-- at 1,000 days. So days are folded after saves and nightly, and the view is refreshed only where reads would find many folded
-- days.

-- When the view was last refreshed: part of every data version.
create table if not exists private.refreshes (
    only_row boolean primary key default true check (only_row),
    gen xid8 not null,
    refreshed_at timestamptz not null
);
alter table private.refreshes enable row level security;
revoke all on private.refreshes from public, anon, authenticated, service_role;

-- Folds and refreshes exclude each other.
create or replace function private.upkeep_lock()
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.refresh', 0)
$$;
revoke all on function private.upkeep_lock() from public;

-- Workspaces whose data changed since their last forecast: what the worker has to do. Saves only mark days, which they did
-- before; the fold that takes marks away leaves a row here. Rows are only added, so that nobody waits for another; a forecast
-- deletes those that it had seen before it read the data.
create table if not exists private.forecast_requests (
    id bigint generated always as identity primary key,
    workspace_id uuid not null,
    gen xid8 not null, -- the newest change
    noted_at timestamptz not null default now()
);
create index if not exists forecast_requests_workspace_id_idx on private.forecast_requests (workspace_id);
alter table private.forecast_requests enable row level security;
revoke all on private.forecast_requests from public, anon, authenticated, service_role;

create or replace function private.request_forecasts(marks private.stale_days[])
returns void
language sql
set search_path = ''
as $$
    insert into private.forecast_requests (workspace_id, gen)
    select distinct on (m.workspace_id) m.workspace_id, m.gen
    from unnest(marks) as m
    inner join public.workspaces as w on m.workspace_id = w.id -- others were deleted
    order by m.workspace_id asc, m.gen desc
$$;
revoke all on function private.request_forecasts(private.stale_days[]) from public;

-- Folds up to `at_most` stale days, of everyone or of one workspace. In this order: marks of transactions that ended before this
-- statement are locked, then their days are summed up by a later statement, which sees all that those transactions wrote, then
-- the marks are deleted. A save that changes one of the days meanwhile waits for the lock and marks the day again. Returns how
-- many days and records that was.
create or replace function private.fold_some_days(
    at_most integer, tenant uuid default null, out days integer, out records bigint
)
language plpgsql
set search_path = ''
as $$
declare
    marks private.stale_days[];
begin
    marks := array(
        select s
        from private.stale_days as s
        where s.gen < pg_snapshot_xmin(pg_current_snapshot()) and (tenant is null or s.workspace_id = tenant)
        order by s.gen, s.workspace_id, s.date
        limit at_most
        for update skip locked
    );
    days := cardinality(marks);

    delete from private.folded_days as f
    using unnest(marks) as m
    where f.workspace_id = m.workspace_id and f.date = m.date;

    with added as (
        insert into private.folded_days
        select d.* from private.sum_days(marks) as d
        returning record_count
    )

    select coalesce(sum(a.record_count), 0) into records from added as a;

    insert into private.overridden_days as o (workspace_id, date, gen)
    select m.workspace_id, m.date, m.gen
    from unnest(marks) as m
    on conflict (workspace_id, date) do update
        set gen = excluded.gen;

    delete from private.stale_days as s
    using unnest(marks) as m
    where s.workspace_id = m.workspace_id and s.date = m.date;
    perform private.request_forecasts(marks);
end
$$;
revoke all on function private.fold_some_days(integer, uuid) from public;

-- Folds stale days and returns how many; call it in transactions of its own until it returns 0. Saves of folded days wait for
-- its end, so it stops after 2,000 days or 42,000 records, about 50 ms.
create or replace function public.fold_stale_days()
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    folded integer := 0;
    records bigint := 0;
    step record;
begin
    if not pg_try_advisory_xact_lock(private.upkeep_lock()) then
        return 0; -- reads stay exact meanwhile
    end if;
    loop
        step := private.fold_some_days(case when records = 0 then 30 else 200 end);
        folded := folded + step.days;
        records := records + step.records;
        exit when step.days = 0 or folded >= 2000 or records >= 42000;
    end loop;
    return folded;
end
$$;
revoke all on function public.fold_stale_days() from public, anon, authenticated;
grant execute on function public.fold_stale_days() to service_role;

-- Would a reader have more than 7 overridden days, does the view have days of a deleted workspace, or is the last refresh a
-- week old?
create or replace function private.is_refresh_due()
returns boolean
language sql
stable
set search_path = ''
as $$
    select
        exists (select from private.overridden_days as o group by o.workspace_id having count(*) > 7)
        or exists (
            select
            from private.overridden_days as o
            where not exists (select from public.workspaces as w where w.id = o.workspace_id)
        )
        or (
            (exists (select from private.overridden_days) or exists (select from private.stale_days))
            and coalesce((select r.refreshed_at from private.refreshes as r), '-infinity') < now() - interval '7 days'
        )
$$;
revoke all on function private.is_refresh_due() from public;

-- Brings the views up to date and returns how many marks and folded days that consumed. Only marks of transactions that ended
-- before the refresh took its snapshot are consumed; of any other it may not have seen the rows.
create or replace function public.refresh_cost_records_daily(only_if_due boolean default false)
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
    horizon xid8;
    summed uuid[];
    consumed bigint;
    unfolded bigint;
begin
    perform pg_advisory_xact_lock(private.upkeep_lock());
    if
        only_if_due and not private.is_refresh_due()
        or not (exists (select from private.stale_days) or exists (select from private.overridden_days))
    then
        return 0;
    end if;
    horizon := pg_snapshot_xmin(pg_current_snapshot());

    refresh materialized view concurrently private.cost_records_daily;
    summed := array(select d.workspace_id from private.divided_workspaces as d);
    refresh materialized view concurrently private.divided_days;
    update private.divided_workspaces as d
    set is_summed = true
    where d.workspace_id = any (summed) and not d.is_summed;

    perform private.request_forecasts(array(select s from private.stale_days as s where s.gen < horizon));

    -- Whoever holds a mark is about to renew it; waiting for them could deadlock.
    delete from private.stale_days as s
    using (
        select o.workspace_id, o.date
        from private.stale_days as o
        where o.gen < horizon
        for update skip locked
    ) as seen
    where s.workspace_id = seen.workspace_id and s.date = seen.date;
    get diagnostics consumed = row_count;

    -- No fold runs beside a refresh: the view has all that was folded.
    delete from private.folded_days;
    delete from private.overridden_days;
    get diagnostics unfolded = row_count;

    insert into private.refreshes (gen, refreshed_at)
    values (pg_current_xact_id(), now())
    on conflict (only_row) do update
        set
            gen = excluded.gen,
            refreshed_at = excluded.refreshed_at;
    return consumed + unfolded;
end
$$;
revoke all on function public.refresh_cost_records_daily(boolean) from public, anon, authenticated;
grant execute on function public.refresh_cost_records_daily(boolean) to service_role;
