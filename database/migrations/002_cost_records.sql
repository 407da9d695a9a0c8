-- 002_cost_records.sql: what was spent, one row an event, partitioned by month so that a month can be pruned, vacuumed or
-- archived alone.

create table if not exists public.cost_records (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null default auth.uid(), -- references auth.users: see private.check_references()
    provider_id uuid not null, -- references public.providers, likewise
    timestamp timestamptz not null,
    model_name text not null,
    cost_usd numeric(18, 10),
    tokens_used bigint not null default 0,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cached_input_tokens bigint not null default 0,
    cache_write_tokens bigint not null default 0,
    reasoning_tokens bigint not null default 0,
    request_count bigint not null default 0,
    collection_method text not null default 'manual_entry',
    cost_basis text not null default 'billed',
    charge_type text not null default 'usage',
    source_key uuid not null default gen_random_uuid(),
    import_id uuid, -- references the user's own public.imports: see private.check_references()
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (id, timestamp),
    -- Identity. In this order it also serves a user's time range newest first, so that no second index is needed for it.
    constraint cost_records_identity unique (user_id, timestamp, source_key),
    constraint cost_records_model_name check (length(model_name) between 1 and 200),
    constraint cost_records_cost check (
        case
            when cost_usd is null then cost_basis = 'estimated' -- unpriced
            when cost_usd >= 0 then cost_usd <> 'NaN'
            else charge_type in ('credit', 'adjustment')
        end
    ),
    constraint cost_records_counts check (
        least(
            tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count
        ) >= 0
    ),
    constraint cost_records_collection_method check (
        collection_method in ('api_automated', 'manual_entry', 'csv_import', 'local_log', 'otlp')
    ),
    constraint cost_records_cost_basis check (cost_basis in ('billed', 'estimated', 'included')),
    constraint cost_records_charge_type check (charge_type in ('usage', 'subscription', 'credit', 'tax', 'adjustment')),
    constraint cost_records_metadata check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    -- A record that is a date and not an instant says so here; what reads it may trust that it is a date.
    constraint cost_records_day check (
        case
            when metadata ? 'day'
                then coalesce(
                    metadata ->> 'day' ~ '^20[0-9]{2}-[01][0-9]-[0-3][0-9]$' and (metadata ->> 'day')::date is not null, false
                )
            else true
        end
    ),
    -- What a settled estimate was worth: see 009_settlement.sql, which gives it back as a number.
    constraint cost_records_estimate check (
        case
            when metadata ->> 'estimate_usd' is not null then metadata ->> 'estimate_usd' ~ '^[0-9]{1,8}([.][0-9]{1,10})?$'
            else true
        end
    )
) partition by range (timestamp);

-- A user's newest rows at a provider, a provider's time range, and what refers to a provider. The months narrow the time already;
-- measured, the user in the middle makes the first 10 times cheaper, the second no dearer, and the index 7% larger.
create index if not exists cost_records_provider_id_user_id_timestamp_idx
    on public.cost_records (provider_id, user_id, timestamp);
-- Undoing an import; b-tree deduplication keeps it at a few bytes a row.
create index if not exists cost_records_import_id_idx on public.cost_records (import_id) where import_id is not null;
-- The few rows that follow a subscription.
create index if not exists cost_records_subscription_idx on public.cost_records (user_id) where charge_type = 'subscription';
-- A time range over everyone. With the default of 128 pages the planner walks the primary key: measured, 5.5 against 0.9 ms.
create index if not exists cost_records_timestamp_brin
    on public.cost_records using brin (timestamp) with (pages_per_range = 32);

alter table public.cost_records enable row level security;
revoke all on public.cost_records from anon, authenticated, service_role;
grant select, insert, update, delete on public.cost_records to authenticated;
grant select, insert, update, delete on public.cost_records to service_role;

drop policy if exists cost_records_select_own on public.cost_records;
create policy cost_records_select_own
    on public.cost_records
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

drop policy if exists cost_records_insert_own on public.cost_records;
create policy cost_records_insert_own
    on public.cost_records
    for insert
    to authenticated
    with check ((select auth.uid()) = user_id);

drop policy if exists cost_records_update_own on public.cost_records;
create policy cost_records_update_own
    on public.cost_records
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

drop policy if exists cost_records_delete_own on public.cost_records;
create policy cost_records_delete_own
    on public.cost_records
    for delete
    to authenticated
    using ((select auth.uid()) = user_id);

create or replace trigger cost_records_touch
    before update on public.cost_records
    for each row execute function private.touch_updated_at();

-- The references to the user, the provider and the user's import, checked once a statement and not, as foreign keys are, once a
-- row: measured, those took 63 of the 134 ms of 5,000 rows. Locks and errors are those of a foreign key; with the user in the
-- pair, nobody can hang records on a stranger's import.
create or replace function private.check_references()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    named record;
begin
    for named in
        select distinct c.user_id, c.provider_id, c.import_id
        from changed as c
        order by 1, 2, 3 -- one order for everyone: no deadlocks
    loop
        perform from auth.users as u where u.id = named.user_id for key share;
        if not found then
            raise exception 'This account no longer exists.' using errcode = '23503';
        end if;
        perform from public.providers as p where p.id = named.provider_id for key share;
        if not found then
            raise exception 'There is no such provider.' using errcode = '23503';
        end if;
        perform from public.imports as i where i.user_id = named.user_id and i.id = named.import_id for key share;
        if not found and named.import_id is not null then
            raise exception 'This import no longer exists.' using errcode = '23503';
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.check_references() from public;

create or replace trigger cost_records_check_inserted
    after insert on public.cost_records
    referencing new table as changed
    for each statement execute function private.check_references();
create or replace trigger cost_records_check_updated
    after update on public.cost_records
    referencing new table as changed
    for each statement execute function private.check_references();

create or replace function private.keep_used_providers()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if exists (select from gone as g where exists (select from public.cost_records as r where r.provider_id = g.id)) then
        raise exception 'A provider that has records cannot be deleted.' using errcode = '23503';
    end if;
    return null;
end
$$;
revoke all on function private.keep_used_providers() from public;

create or replace trigger providers_keep_used
    after delete on public.providers
    referencing old table as gone
    for each statement execute function private.keep_used_providers();

-- Archived months too, as long as they are in the database.
create or replace function private.delete_records_of_user()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    archived regclass;
begin
    delete from public.cost_records as r
    where r.user_id = old.id;
    for archived in
        select to_regclass('private.cost_records_' || to_char(a.month, 'YYYY_MM'))
        from private.archived_months as a
        order by a.month
    loop
        if archived is not null then
            execute format('delete from %s as r where r.user_id = $1', archived) using old.id;
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.delete_records_of_user() from public;

create or replace trigger tally_delete_records
    after delete on auth.users
    for each row execute function private.delete_records_of_user();

create or replace function private.delete_records_of_imports()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from public.cost_records as r
    using gone as g
    where r.user_id = g.user_id and r.import_id = g.id;
    return null;
end
$$;
revoke all on function private.delete_records_of_imports() from public;

create or replace trigger imports_delete_records
    after delete on public.imports
    referencing old table as gone
    for each statement execute function private.delete_records_of_imports();

-- Catches what no month takes, and refuses it: a row in a default partition would block the month it belongs to.
do $$
begin
    if to_regclass('private.cost_records_default') is null then
        create table private.cost_records_default
            partition of public.cost_records (constraint cost_records_default_stays_empty check (false))
            default;
        alter table private.cost_records_default enable row level security;
        revoke all on private.cost_records_default from public, anon, authenticated, service_role;
    end if;
end
$$;

-- Months that were taken out of the table: nothing may fill them again by accident, even after their export was dropped.
create table if not exists private.archived_months (
    month date primary key,
    archived_at timestamptz not null default now()
);
alter table private.archived_months enable row level security;
revoke all on private.archived_months from public, anon, authenticated, service_role;

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
        'create table private.%I (like public.cost_records including defaults including constraints)', partition_name
    );
    execute format('alter table private.%I enable row level security', partition_name);
    execute format('revoke all on private.%I from public, anon, authenticated, service_role', partition_name);
    execute format(
        'alter table private.%I set (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)',
        partition_name
    );
    execute format(
        'alter table public.cost_records attach partition private.%I for values from (%L) to (%L)',
        partition_name,
        to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
    );
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

-- The months from now on to `months_ahead`; returns how many were made.
create or replace function public.ensure_partitions(months_ahead integer default 6)
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
        from generate_series(0, months_ahead) as n
    );
end
$$;
revoke all on function public.ensure_partitions(integer) from public, anon, authenticated;
grant execute on function public.ensure_partitions(integer) to service_role;

-- The months that a save needs and that do not exist yet. Signed-in users may call it, so it is bounded: 2020 to one year ahead.
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

do $$
begin
    perform private.create_month(m::date)
    from generate_series(
        timestamp '2023-01-01', date_trunc('month', now() at time zone 'UTC') + interval '6 months', interval '1 month'
    ) as m;
end
$$;
