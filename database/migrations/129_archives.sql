-- 129_archives.sql: what may not happen to archived days, and what happens to them when an account or a workspace is deleted.

alter table public.workspaces
    add column if not exists archive_days smallint check (archive_days between 7 and 3650); -- null = records stay here

-- The sources of an archive's records: they come back with it, so that excluding or deleting one stays exact.
create table if not exists private.archived_sources (
    archive_id uuid not null references private.archives (id) on delete cascade,
    import_id uuid not null,
    primary key (archive_id, import_id)
);
create index if not exists archived_sources_import_id_idx on private.archived_sources (import_id);
alter table private.archived_sources enable row level security;
revoke all on private.archived_sources from public, anon, authenticated, service_role;

-- Sent records without those of archived days, which are rejected.
create or replace function private.leave_out_archived(tenant uuid, incoming private.incoming_record[])
returns private.incoming_record[]
language plpgsql
stable
set search_path = ''
as $$
declare
    archived constant datemultirange := private.archived_ranges(tenant);
begin
    if archived is null then
        return incoming;
    end if;
    return array(
        select r
        from unnest(incoming) as r
        where ((r.timestamp at time zone 'UTC')::date <@ archived) is not true
    );
end
$$;
revoke all on function private.leave_out_archived(uuid, private.incoming_record[]) from public;

-- Nothing comes into archived days, through any door: an event may be there already.
create or replace function private.refuse_archived()
returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    refused date;
begin
    if not exists (select from private.archives as a where a.state = 'archived') then
        return null;
    end if;
    select min((c.timestamp at time zone 'UTC')::date)
    into refused
    from changed as c
    inner join private.archives as a
        on c.workspace_id = a.workspace_id
        and (c.timestamp at time zone 'UTC')::date >= a.first_day
        and (c.timestamp at time zone 'UTC')::date < a.end_day
    where a.state = 'archived';
    if refused is not null then
        raise exception '% is archived. Bring it back with "tally archive restore %", then try again.',
            to_char(refused, 'FMMonth YYYY'), to_char(refused, 'YYYY-MM') using errcode = '22023';
    end if;
    return null;
end
$$;
revoke all on function private.refuse_archived() from public;

create or replace trigger cost_records_archived_inserted
    after insert on public.cost_records
    referencing new table as changed
    for each statement when (current_setting('tally.archiving', true) is distinct from 'on')
    execute function private.refuse_archived();
create or replace trigger cost_records_archived_updated
    after update on public.cost_records
    referencing new table as changed
    for each statement when (current_setting('tally.is_flagging', true) is distinct from 'on')
    execute function private.refuse_archived();

-- Where a source has archived records, excluding or deleting it waits for them: their sums do not know sources.
create or replace function private.keep_archived_source()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    month text;
begin
    select to_char(min(a.first_day), 'YYYY-MM')
    into month
    from private.archived_sources as s
    inner join private.archives as a on s.archive_id = a.id
    inner join public.workspaces as w on a.workspace_id = w.id -- not where it is being deleted
    where s.import_id = old.id and a.state = 'archived' and exists (select from auth.users as u where u.id = old.user_id);
    if month is not null then
        raise exception
            'Records of this source are archived, the first in %. Bring them back with "tally archive restore %", then try again.',
            month, month using errcode = '22023';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end
$$;
revoke all on function private.keep_archived_source() from public;

create or replace trigger imports_keep_archived
    before delete on public.imports
    for each row execute function private.keep_archived_source();
create or replace trigger imports_keep_archived_enabled
    before update of is_enabled on public.imports
    for each row when (old.is_enabled <> new.is_enabled)
    execute function private.keep_archived_source();

-- A deleted workspace's files go with the next nightly run, and stay in this list until they are gone.
create or replace function private.delete_archives_of_workspace()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform private.mark_days(old.id, array(select distinct d.date from private.archived_days as d where d.workspace_id = old.id));
    delete from private.archived_days as d where d.workspace_id = old.id;
    update private.archives as a set state = 'deleting', problem = null where a.workspace_id = old.id;
    return null;
end
$$;
revoke all on function private.delete_archives_of_workspace() from public;

create or replace trigger workspaces_delete_archives
    after delete on public.workspaces
    for each row execute function private.delete_archives_of_workspace();

-- In shared workspaces, archived sums of a deleted account become nobody's, as its records do when they come back.
create or replace function private.erase_from_archives()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant uuid;
begin
    for tenant in
        select distinct d.workspace_id
        from private.archived_days as d
        inner join public.workspaces as w on d.workspace_id = w.id
        where d.user_id = old.id
        order by 1
    loop
        perform private.mark_days(
            tenant,
            array(select distinct d.date from private.archived_days as d where d.workspace_id = tenant and d.user_id = old.id)
        );
    end loop;
    update private.archived_days as d set user_id = '00000000-0000-0000-0000-000000000000' where d.user_id = old.id;
    return null;
end
$$;
revoke all on function private.erase_from_archives() from public;

create or replace trigger tally_erase_from_archives
    after delete on auth.users
    for each row execute function private.erase_from_archives();
