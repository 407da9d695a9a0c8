-- 013_partitions.sql: the months of cost_records: made ahead, made when a save needs them, archived.
--
-- Every plan over the table opens all of its months, so only months that are needed exist. There is no default partition:
-- attaching a month would lock it exclusively, and with it every reader.

-- Months that were taken out of the table: nothing may fill them by accident, even after the detached partition was dropped.
create table if not exists private.archived_months (
    month date primary key check (month between date '2020-01-01' and date '2100-01-01'),
    archived_at timestamptz not null default now()
);
alter table private.archived_months enable row level security;
revoke all on private.archived_months from public, anon, authenticated, service_role;

-- The tables of archived months, as long as they are in the database.
create or replace function private.archived_tables()
returns setof regclass
language sql
stable
set search_path = ''
as $$
    select t.name
    from private.archived_months as a
    cross join lateral (select to_regclass('private.cost_records_' || to_char(a.month, 'YYYY_MM')) as name) as t
    where t.name is not null
    order by a.month
$$;
revoke all on function private.archived_tables() from public;

create or replace function private.attach_month(partition_name text, month date)
returns void
language plpgsql
set search_path = ''
as $$
begin
    execute format(
        'alter table public.cost_records attach partition private.%I for values from (%L) to (%L)',
        partition_name,
        to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
    );
end
$$;
revoke all on function private.attach_month(text, date) from public;

-- One month's partition; what is there already, attached or archived, is left alone. Returns whether it was made.
create or replace function private.create_month(month date)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
    partition_name constant text := 'cost_records_' || to_char(month, 'YYYY_MM');
begin
    -- Looked at before and after: saves into months that exist must not queue for the lock.
    if to_regclass(format('private.%I', partition_name)) is not null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.partitions', 0));
    if
        to_regclass(format('private.%I', partition_name)) is not null
        or exists (select from private.archived_months as a where a.month = create_month.month)
    then
        return false;
    end if;
    -- Made apart and then attached: `partition of` would lock out every reader of the whole table.
    execute format(
        'create table private.%I (like public.cost_records including defaults including constraints including generated)', partition_name
    );
    execute format('alter table private.%I enable row level security', partition_name);
    execute format('revoke all on private.%I from public, anon, authenticated, service_role', partition_name);
    execute format(
        'alter table private.%I set (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)',
        partition_name
    );
    perform private.attach_month(partition_name, month);
    return true;
end
$$;
revoke all on function private.create_month(date) from public;

create or replace function public.create_monthly_partition(year integer, month integer)
returns text
language plpgsql
security definer
set search_path = ''
as $$
begin
    if not coalesce(month between 1 and 12 and year between 2020 and extract(year from now()) + 10, false) then
        raise exception 'No such month: year %, month %.', year, month using errcode = '22023';
    end if;
    if exists (select from private.archived_months as a where a.month = make_date(year, create_monthly_partition.month, 1)) then
        raise exception 'Year %, month % has been archived.', year, month using errcode = '22023';
    end if;
    perform private.create_month(make_date(year, month, 1));
    return format('private.cost_records_%s_%s', year, lpad(month::text, 2, '0'));
end
$$;
revoke all on function public.create_monthly_partition(integer, integer) from public, anon, authenticated;
grant execute on function public.create_monthly_partition(integer, integer) to service_role;

-- The last month and those from now on to `months_ahead`; returns how many were made.
create or replace function public.ensure_partitions(months_ahead integer default 3)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    this_month constant date := date_trunc('month', now() at time zone 'UTC');
begin
    if not coalesce(months_ahead between 0 and 120, false) then
        raise exception 'months_ahead must be 0 to 120, not %.', months_ahead using errcode = '22023';
    end if;
    return (
        select count(*) filter (where private.create_month((this_month + make_interval(months => n))::date))
        from generate_series(-1, months_ahead) as n
    );
end
$$;
revoke all on function public.ensure_partitions(integer) from public, anon, authenticated;
grant execute on function public.ensure_partitions(integer) to service_role;

select public.ensure_partitions();

-- The months that a save needs and that do not exist yet. Signed-in users may call it, so it is bounded: 2020 to one year
-- ahead.
create or replace function public.ensure_months(months date[])
returns integer
language sql
security definer
set search_path = ''
as $$
    select count(*) filter (where private.create_month(m.month))
    from (
        select distinct date_trunc('month', u.month::timestamp)::date as month
        from unnest(months) as u (month)
    ) as m
    where
        m.month >= date '2020-01-01'
        and m.month <= now() + interval '1 year'
$$;
revoke all on function public.ensure_months(date[]) from public, anon;
grant execute on function public.ensure_months(date[]) to authenticated, service_role;

-- Does every month of this stretch exist?
create or replace function private.has_months(first_at timestamptz, last_at timestamptz)
returns boolean
language sql
stable
set search_path = ''
as $$
    select not exists (
        select
        from generate_series(
            date_trunc('month', first_at at time zone 'UTC'), last_at at time zone 'UTC', interval '1 month'
        ) as m
        where to_regclass('private.cost_records_' || to_char(m, 'YYYY_MM')) is null
    )
$$;
revoke all on function private.has_months(timestamptz, timestamptz) from public;

-- Marks all days of a month's table: attaching and detaching fire no trigger.
create or replace function private.mark_month(partition_name text)
returns void
language plpgsql
set search_path = ''
as $$
declare
    tenant uuid;
    zone text;
begin
    for tenant in execute format('select distinct workspace_id from private.%I order by 1', partition_name) loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
        zone := private.timezone_of(tenant);
        execute format(
            'select private.mark_days($1, array('
            'select distinct (timestamp at time zone $2)::date from private.%I where workspace_id = $1))',
            partition_name
        ) using tenant, zone;
    end loop;
end
$$;
revoke all on function private.mark_month(text) from public;

-- A change of the time zone takes its lock before the table's, so everyone does.
create or replace function private.share_timezones_of(partition_name text)
returns void
language plpgsql
set search_path = ''
as $$
declare
    tenant uuid;
begin
    for tenant in execute format('select distinct workspace_id from private.%I order by 1', partition_name) loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    end loop;
end
$$;
revoke all on function private.share_timezones_of(text) from public;

-- Archival: takes a month out of the table and returns its name for export; never drops.
create or replace function public.detach_partition(year integer, month integer)
returns text
language plpgsql
security definer
set search_path = ''
set lock_timeout = '2s' -- whoever reads meanwhile waits, too
as $$
declare
    partition_name constant text := format('cost_records_%s_%s', year, lpad(month::text, 2, '0'));
begin
    if not exists (
        select
        from pg_catalog.pg_inherits as i
        where
            i.inhparent = 'public.cost_records'::regclass
            and i.inhrelid = to_regclass(format('private.%I', partition_name))
    ) then
        raise exception 'There is no attached partition for year %, month %.', year, month using errcode = '22023';
    end if;
    perform private.share_timezones_of(partition_name);
    execute format('alter table public.cost_records detach partition private.%I', partition_name);
    insert into private.archived_months (month) values (make_date(year, month, 1)) on conflict do nothing;
    perform private.mark_month(partition_name);
    return 'private.' || partition_name;
exception
when lock_not_available then
    raise exception 'The records are in use. Nothing was archived; try again later.' using errcode = '55P03';
end
$$;
revoke all on function public.detach_partition(integer, integer) from public, anon, authenticated;
grant execute on function public.detach_partition(integer, integer) to service_role;

-- Deletes archived records whose workspace or source was deleted meanwhile; those of a deleted account become nobody's.
create or replace function private.forget_deleted(partition_name text)
returns void
language plpgsql
set search_path = ''
as $$
begin
    execute format(
        'delete from private.%I as r where '
        'not exists (select from public.workspaces as w where w.id = r.workspace_id) '
        'or (r.import_id is not null and not exists (select from public.imports as i where i.id = r.import_id))',
        partition_name
    );
    execute format(
        'update private.%I as r set user_id = $1 '
        'where r.user_id <> $1 and not exists (select from auth.users as u where u.id = r.user_id)',
        partition_name
    ) using uuid '00000000-0000-0000-0000-000000000000';
end
$$;
revoke all on function private.forget_deleted(text) from public;

-- Brings an archived month back, as long as its table is in the database. Its records are counted as if they had been here
-- all along (private.catch_up_month).
create or replace function public.attach_partition(year integer, month integer)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
    partition_name constant text := format('cost_records_%s_%s', year, lpad(month::text, 2, '0'));
begin
    delete from private.archived_months as a
    where a.month = make_date(year, attach_partition.month, 1) and to_regclass(format('private.%I', partition_name)) is not null;
    if not found then
        raise exception 'There is no archived table for year %, month %.', year, month using errcode = '22023';
    end if;
    perform private.share_timezones_of(partition_name);
    perform private.forget_deleted(partition_name);
    perform private.attach_month(partition_name, make_date(year, month, 1));
    perform private.catch_up_month(make_date(year, month, 1)::timestamp at time zone 'UTC');
    perform private.mark_month(partition_name);
    return 'private.' || partition_name;
end
$$;
revoke all on function public.attach_partition(integer, integer) from public, anon, authenticated;
grant execute on function public.attach_partition(integer, integer) to service_role;
