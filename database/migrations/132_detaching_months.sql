-- 132_detaching_months.sql: a month of the whole installation leaves the table and comes back (130_archiving.sql does so for one
-- workspace, with its totals).

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
    perform private.attach_piece('cost_records', make_date(year, month, 1));
    perform private.catch_up_month(make_date(year, month, 1)::timestamp at time zone 'UTC');
    perform private.mark_month(partition_name);
    return 'private.' || partition_name;
end
$$;
revoke all on function public.attach_partition(integer, integer) from public, anon, authenticated;
grant execute on function public.attach_partition(integer, integer) to service_role;
