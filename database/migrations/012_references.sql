-- 012_references.sql: references of records and superseded records, checked once a statement. Foreign keys check once a row,
-- which took 63 of the 134 ms of 5,000 rows.

-- Locks and errors are those of a foreign key. The workspace in the pair keeps records off another workspace's source.
create or replace function private.check_reference(
    of_user uuid, of_workspace uuid, of_provider uuid, of_import uuid, of_project uuid
)
returns void
language plpgsql
set search_path = ''
as $$
begin
    perform from auth.users as u where u.id = of_user for key share;
    -- The nil id is that of people who deleted their accounts.
    if not found and of_user is distinct from '00000000-0000-0000-0000-000000000000' then
        raise exception 'This account no longer exists.' using errcode = '23503';
    end if;
    perform from public.workspaces as w where w.id = of_workspace for key share;
    if not found then
        raise exception 'This workspace no longer exists.' using errcode = '23503';
    end if;
    perform from public.providers as p where p.id = of_provider for key share;
    if not found then
        raise exception 'There is no such provider.' using errcode = '23503';
    end if;
    perform from public.imports as i where i.workspace_id = of_workspace and i.id = of_import for key share;
    if not found and of_import is not null then
        raise exception 'This import no longer exists.' using errcode = '23503';
    end if;
    if of_project is not null then
        perform from public.projects as p where p.workspace_id = of_workspace and p.id = of_project for key share;
        if not found then
            raise exception 'There is no such project in this workspace.' using errcode = '23503';
        end if;
    end if;
end
$$;
revoke all on function private.check_reference(uuid, uuid, uuid, uuid, uuid) from public;

-- References that were there before an update are not checked again, as with a foreign key.
create or replace function private.check_references()
returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    -- In one order for everyone: no deadlocks.
    if tg_op = 'INSERT' then
        perform private.check_reference(n.user_id, n.workspace_id, n.provider_id, n.import_id, n.project_id)
        from (
            select distinct c.user_id, c.workspace_id, c.provider_id, c.import_id, c.project_id from changed as c
            order by 1, 2, 3, 4, 5
        ) as n;
    else
        perform private.check_reference(n.user_id, n.workspace_id, n.provider_id, n.import_id, n.project_id)
        from (
            select c.user_id, c.workspace_id, c.provider_id, c.import_id, c.project_id from changed as c
            except
            select c.user_id, c.workspace_id, c.provider_id, c.import_id, c.project_id from changed_from as c
            order by user_id, workspace_id, provider_id, import_id, project_id
        ) as n;
    end if;
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
    referencing old table as changed_from new table as changed
    for each statement
    when (current_setting('tally.is_flagging', true) is distinct from 'on')
    execute function private.check_references();

create or replace function private.keep_used_providers()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if
        exists (select from gone as g where exists (select from public.cost_records as r where r.provider_id = g.id))
        or exists (select from gone as g where exists (select from public.superseded_records as s where s.provider_id = g.id))
        or exists (select from gone as g where exists (select from private.archived_days as a where a.provider_id = g.id))
    then
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

create or replace function private.delete_archived_records(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
    archived regclass;
begin
    for archived in select private.archived_tables() loop
        execute format('delete from %s as r where r.workspace_id = $1', archived) using tenant;
    end loop;
end
$$;
revoke all on function private.delete_archived_records(uuid) from public;

create or replace function private.delete_records_of_workspace()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from public.superseded_records as s
    where s.workspace_id = old.id;
    delete from public.cost_records as r
    where r.workspace_id = old.id;
    perform private.delete_archived_records(old.id);
    delete from private.day_parts as p
    where p.workspace_id = old.id;
    delete from private.event_aliases as a
    where a.workspace_id = old.id;
    delete from private.session_channels as s
    where s.workspace_id = old.id;
    return null;
end
$$;
revoke all on function private.delete_records_of_workspace() from public;

create or replace trigger workspaces_delete_records
    after delete on public.workspaces
    for each row execute function private.delete_records_of_workspace();

create or replace function private.delete_records_of_imports()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant uuid;
    deleted record;
begin
    for tenant in select distinct g.workspace_id from gone as g order by 1 loop
        -- First, or the deletion of its records would make them records.
        with superseded as (
            delete from public.superseded_records as s
            where s.workspace_id = tenant and s.import_id in (select g.id from gone as g)
            returning s.source_key, s.timestamp
        )

        select array_agg(s.source_key) as keys, min(s.timestamp) as first_at, max(s.timestamp) as last_at
        into deleted
        from superseded as s;
        delete from public.cost_records as r
        where r.workspace_id = tenant and r.import_id in (select g.id from gone as g);
        if deleted.keys is not null then
            perform private.settle_events(tenant, deleted.keys, deleted.first_at, deleted.last_at);
        end if;
        perform private.forget_aliases(tenant, array(select g.id from gone as g where g.workspace_id = tenant));
        perform private.compare_channels_of(tenant, array(select g.id from gone as g where g.workspace_id = tenant));
    end loop;
    return null;
end
$$;
revoke all on function private.delete_records_of_imports() from public;

create or replace trigger imports_delete_records
    after delete on public.imports
    referencing old table as gone
    for each statement execute function private.delete_records_of_imports();
