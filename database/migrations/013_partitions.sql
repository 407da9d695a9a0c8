-- 013_partitions.sql: partitions of every partitioned table in one place, and the months of cost_records: made ahead, made when a
-- save needs them, dropped when they are empty.
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

-- What is partitioned: into pieces of what width and what names, how many are made ahead each night (null: saves make what they
-- need), and how many of the last ones stay though they are empty.
create table if not exists private.partitioned (
    parent text primary key check (parent ~ '^[a-z_]{1,40}$'),
    width text not null check (width in ('day', 'week', 'month')),
    suffix text not null check (length(suffix) between 1 and 40), -- after the parent's name, as to_char writes the first day
    bound text not null check (length(bound) between 1 and 40), -- likewise
    ahead integer check (ahead between 0 and 120),
    kept integer not null check (kept between 0 and 120),
    settings text not null default '' check (length(settings) <= 500) -- of storage
);
alter table private.partitioned enable row level security;
revoke all on private.partitioned from public, anon, authenticated, service_role;
insert into private.partitioned (parent, width, suffix, bound, ahead, kept, settings)
values (
    'cost_records', 'month', 'YYYY_MM', 'YYYY-MM-DD" 00:00:00+00"', 3, 1,
    'autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02'
)
on conflict (parent) do update set settings = excluded.settings;

create or replace function private.attach_piece(of_parent text, starts date)
returns void
language plpgsql
set search_path = ''
as $$
declare
    how constant private.partitioned := (select p from private.partitioned as p where p.parent = of_parent);
begin
    execute format(
        'alter table public.%I attach partition private.%I for values from (%L) to (%L)',
        of_parent,
        of_parent || '_' || to_char(starts, how.suffix),
        to_char(starts, how.bound),
        to_char(starts + ('1 ' || how.width)::interval, how.bound)
    );
end
$$;
revoke all on function private.attach_piece(text, date) from public;

-- One partition, made apart and then attached: `partition of` would lock out every reader. What is there already,
-- attached or archived, is left alone. Returns whether it was made.
create or replace function private.create_piece(of_parent text, starts date)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
    how constant private.partitioned := (select p from private.partitioned as p where p.parent = of_parent);
    partition_name constant text := of_parent || '_' || to_char(starts, how.suffix);
begin
    -- Looked at before and after: saves into what exists must not queue for the lock.
    if to_regclass(format('private.%I', partition_name)) is not null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.partitions.' || of_parent, 0));
    if
        to_regclass(format('private.%I', partition_name)) is not null
        or (of_parent = 'cost_records' and exists (select from private.archived_months as a where a.month = starts))
    then
        return false;
    end if;
    execute format(
        'create table private.%I (like public.%I including defaults including constraints including generated)',
        partition_name, of_parent
    );
    execute format('alter table private.%I enable row level security', partition_name);
    execute format('revoke all on private.%I from public, anon, authenticated, service_role', partition_name);
    if how.settings <> '' then
        execute format('alter table private.%I set (%s)', partition_name, how.settings);
    end if;
    perform private.attach_piece(of_parent, starts);
    return true;
end
$$;
revoke all on function private.create_piece(text, date) from public;

create or replace function private.create_month(month date)
returns boolean
language sql
set search_path = ''
as $$
    select private.create_piece('cost_records', month)
$$;
revoke all on function private.create_month(date) from public;

-- Drops partitions in which nothing is left, but for the last ones, which may yet be filled. Returns how many.
create or replace function private.drop_empty_partitions()
returns integer
language plpgsql
set search_path = ''
set lock_timeout = '2s' -- readers wait behind it
as $$
declare
    piece record;
    is_empty boolean;
    dropped integer := 0;
begin
    for piece in
        select p.parent, c.relname as name
        from private.partitioned as p
        inner join pg_catalog.pg_inherits as i on i.inhparent = to_regclass('public.' || p.parent)
        inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
        where
            c.relname < p.parent || '_' || to_char(
                date_trunc(p.width, now() at time zone 'UTC') - p.kept * ('1 ' || p.width)::interval, p.suffix
            )
        order by 1, 2
    loop
        execute format('select not exists (select from private.%I)', piece.name) into is_empty;
        if is_empty then
            begin
                -- Locked first: what is saved into it now, stays.
                execute format('lock table private.%I in access exclusive mode', piece.name);
                execute format('select not exists (select from private.%I)', piece.name) into is_empty;
                if is_empty then
                    execute format('drop table private.%I', piece.name);
                    dropped := dropped + 1;
                end if;
            exception
            when lock_not_available then
                null; -- the next night
            end;
        end if;
    end loop;
    return dropped;
end
$$;
revoke all on function private.drop_empty_partitions() from public;

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
