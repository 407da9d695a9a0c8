-- 010_imports.sql: sources of records; files and exports of one's own that are imported again.

-- public.imports: a file, a connection to a provider's API, one agent's logs on one machine, or what one service sends with an
-- API key. Deleting it deletes its records.
create table if not exists public.imports (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    kind text not null default 'file',
    filename text not null check (length(filename) between 1 and 255),
    format text not null check (length(format) between 1 and 50),
    file_sha256 text check (file_sha256 ~ '^[0-9a-f]{64}$'),
    credential_id uuid,
    api_key_id uuid, -- the first of the keys that replaced one another
    is_enabled boolean not null default true, -- false: the totals are as if it had never been imported
    rows_read bigint not null default 0 check (rows_read between 0 and 1000000000000000),
    rows_imported bigint not null default 0 check (rows_imported between 0 and 1000000000000000),
    rows_duplicate bigint not null default 0 check (rows_duplicate between 0 and 1000000000000000),
    rows_restated bigint not null default 0 check (rows_restated between 0 and rows_duplicate),
    rows_rejected bigint not null default 0 check (rows_rejected between 0 and 1000000000000000),
    status text not null default 'running' check (status in ('running', 'done', 'failed')),
    errors jsonb not null default '[]' check (jsonb_typeof(errors) = 'array' and pg_column_size(errors) <= 1048576),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    finished_at timestamptz check (finished_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    constraint imports_of_workspace unique (workspace_id, id),
    constraint imports_kind check (kind in ('file', 'connection', 'machine', 'key')),
    constraint imports_file check (kind <> 'file' or file_sha256 is not null),
    constraint imports_credential check (kind = 'connection' or credential_id is null),
    constraint imports_api_key check (kind = 'key' or api_key_id is null),
    constraint imports_add_up check (status <> 'done' or rows_read = rows_imported + rows_duplicate + rows_rejected),
    constraint imports_credential_of_workspace
    foreign key (workspace_id, credential_id) references public.api_credentials (workspace_id, id)
    on delete set null (credential_id)
);
create index if not exists imports_workspace_id_created_at_idx on public.imports (workspace_id, created_at desc);
create index if not exists imports_user_id_idx on public.imports (user_id);
-- A machine continues in one row, and so do a connection and a service's key.
create unique index if not exists imports_machine_idx
    on public.imports (workspace_id, user_id, format, filename)
    where kind = 'machine';
create unique index if not exists imports_credential_idx
    on public.imports (workspace_id, credential_id)
    where credential_id is not null;
create unique index if not exists imports_api_key_idx
    on public.imports (workspace_id, api_key_id, filename)
    where api_key_id is not null;
alter table public.imports enable row level security;
revoke all on public.imports from anon, authenticated, service_role;
grant select, delete on public.imports to authenticated;
grant insert (
    id, workspace_id, user_id, kind, filename, format, file_sha256, credential_id, is_enabled, rows_read, rows_imported,
    rows_duplicate, rows_restated, rows_rejected, status, errors, metadata, finished_at
) on public.imports to authenticated;
-- Not what its records refer to it by.
grant update (
    filename, format, file_sha256, is_enabled, rows_read, rows_imported, rows_duplicate, rows_restated, rows_rejected, status,
    errors, metadata, finished_at
) on public.imports to authenticated;
grant select, insert, update, delete on public.imports to service_role;

drop policy if exists imports_select_member on public.imports;
create policy imports_select_member
    on public.imports
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and (user_id = (select auth.uid()) or workspace_id = any(array(select private.workspaces_showing_people())))
    );

drop policy if exists imports_insert_member on public.imports;
create policy imports_insert_member
    on public.imports
    for insert
    to authenticated
    with check (
        workspace_id = any(array(select private.workspaces_as('member')))
        and user_id = (select auth.uid())
        and (credential_id is null or workspace_id = any(array(select private.workspaces_as('admin'))))
    );

-- One's own sources, and as an admin everybody's. Those of connections are the admins': whoever is none any more leaves them.
drop policy if exists imports_update_member on public.imports;
create policy imports_update_member
    on public.imports
    for update
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('member')))
        and (
            (credential_id is null and user_id = (select auth.uid()))
            or workspace_id = any(array(select private.workspaces_as('admin')))
        )
    )
    with check (workspace_id = any(array(select private.workspaces_as('member'))));

drop policy if exists imports_delete_member on public.imports;
create policy imports_delete_member
    on public.imports
    for delete
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('member')))
        and (
            (credential_id is null and user_id = (select auth.uid()))
            or workspace_id = any(array(select private.workspaces_as('admin')))
        )
    );

-- The workspace of a source that the caller may change, or null: one's own, as an admin everybody's.
create or replace function private.workspace_of_source(source uuid)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select i.workspace_id
        from public.imports as i
        where
            i.id = source
            and i.workspace_id = any(array(select private.workspaces_as('member')))
            and (
                (i.credential_id is null and i.user_id = auth.uid())
                or i.workspace_id = any(array(select private.workspaces_as('admin')))
            )
    );
end
$$;
revoke all on function private.workspace_of_source(uuid) from public;

-- The workspace of a source that the caller may change; 42501 otherwise.
create or replace function private.require_source(source uuid)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
    tenant constant uuid := private.workspace_of_source(source);
begin
    if tenant is null then
        raise exception 'This import no longer exists.' using errcode = '42501';
    end if;
    return tenant;
end
$$;
revoke all on function private.require_source(uuid) from public;

-- The caller's sources, for policies of their records; those of connections are the admins'.
create or replace function private.own_sources()
returns setof uuid
language plpgsql -- its plan is kept
stable
security definer
set search_path = ''
as $$
begin
    return query
    select i.id
    from public.imports as i
    where i.user_id = (select auth.uid()) and i.credential_id is null;
end
$$;
revoke all on function private.own_sources() from public;
grant execute on function private.own_sources() to authenticated;

create or replace trigger imports_touch
    before update on public.imports
    for each row execute function private.touch_updated_at();

-- The last import of the same file, if a finished one of the caller has all its records, untouched since; null otherwise. Where
-- there is one, nothing needs to be sent again. The signature stands for what the file was read as, which also depends on the
-- user's answers.
create or replace function public.find_same_import(
    file_sha256 text, signature text, record_count bigint, workspace uuid default null
)
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select i.id
        from public.imports as i
        where
            i.workspace_id = tenant
            and i.user_id = auth.uid()
            and i.file_sha256 = $1
            and i.status = 'done'
            and i.metadata ->> 'signature' = $2
            and (
                select count(*)
                from public.cost_records as r
                where r.workspace_id = i.workspace_id and r.import_id = i.id and r.updated_at <= i.updated_at
            ) = $3
        order by i.created_at desc
        limit 1
    );
end
$$;
revoke all on function public.find_same_import(text, text, bigint, uuid) from public, anon, service_role;
grant execute on function public.find_same_import(text, text, bigint, uuid) to authenticated;

-- Of records of one's own export those that the workspace still has, as their places in `records`, from 0: by their ids, or by
-- the events that they are about, whose records may have other ids by now. `records` are up to 5,000 objects {id, source_key,
-- timestamp}; older exports have no source keys. A record that is a date is less than a day from its former instant.
create or replace function public.find_exported(records json, workspace uuid default null)
returns integer[]
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    ids uuid[];
    keys uuid[];
    first_at timestamptz;
    last_at timestamptz;
begin
    if json_typeof(records) is distinct from 'array' or json_array_length(records) > 5000 then
        raise exception 'Records must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    select array_agg(e.id), array_agg(e.source_key), min(e.timestamp) - interval '1 day', max(e.timestamp) + interval '1 day'
    into ids, keys, first_at, last_at
    from json_to_recordset(records) as e (id uuid, source_key uuid, timestamp timestamptz);
    return array(
        select (e.place - 1)::integer
        from unnest(ids, keys) with ordinality as e (id, source_key, place)
        where
            e.id in (
                select r.id from public.cost_records as r where r.workspace_id = tenant and r.id = any (ids)
                union all
                select s.id from public.superseded_records as s where s.workspace_id = tenant and s.id = any (ids)
            )
            or e.source_key in (
                select r.source_key
                from public.cost_records as r
                where r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp <= last_at
                union all
                select r.source_key
                from public.cost_records as r
                where r.workspace_id = tenant and r.request_id is not null and r.source_key = any (keys)
                union all
                select s.source_key
                from public.superseded_records as s
                where s.workspace_id = tenant and s.source_key = any (keys)
            )
    );
end
$$;
revoke all on function public.find_exported(json, uuid) from public, anon, service_role;
grant execute on function public.find_exported(json, uuid) to authenticated;
