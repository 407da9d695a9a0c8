-- 042_audit.sql: who changed a workspace's rights, money and keys, for its admins to read and for nobody to change.

-- public.audit_logs: who did what to which row, and when. Written by triggers and functions of the database alone. Of an
-- encrypted key it contains that it changed, never the key. People are ids without a reference: the log outlives accounts.
create table if not exists public.audit_logs (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    user_id uuid, -- whose row it was
    -- The user through the API, a key of the workspace, the holder of the secret key, or the holder of a database connection
    -- (jobs, command line).
    actor text not null check (actor in ('person', 'key', 'service', 'operator')),
    actor_id uuid, -- the signed-in user, or the one that an operator acted for
    action text not null check (action ~ '^[a-z_]{1,40}$'),
    table_name text not null check (length(table_name) between 1 and 100),
    row_id uuid, -- null for an entry on several rows
    changed_columns text[] not null default '{}' check (cardinality(changed_columns) <= 100),
    before jsonb check (jsonb_typeof(before) = 'object' and pg_column_size(before) <= 65536), -- values that changed
    after jsonb check (jsonb_typeof(after) = 'object' and pg_column_size(after) <= 65536),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    -- What the request claimed to come from.
    address text check (address ~ '^[0-9A-Fa-f:.]{2,45}$'),
    user_agent text check (length(user_agent) between 1 and 300),
    created_at timestamptz not null default clock_timestamp() -- entries of one transaction keep their order
);
create index if not exists audit_logs_workspace_id_created_at_idx on public.audit_logs (workspace_id, created_at desc);
alter table public.audit_logs enable row level security;
revoke all on public.audit_logs from anon, authenticated, service_role;
grant select on public.audit_logs to authenticated, service_role;

drop policy if exists audit_logs_select_admin on public.audit_logs;
create policy audit_logs_select_admin
    on public.audit_logs
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

-- The caller. Inside a definer function the role is its owner's; the session's user and the token's claims tell who called. What
-- answers programs acts for the owners of their keys (074_api_role.sql).
create or replace function private.current_actor()
returns text
language sql
stable
set search_path = ''
as $$
    select case
        when session_user = 'tally_api' then 'key'
        when session_user <> 'authenticator' then 'operator'
        when auth.uid() is not null then 'person'
        else 'service'
    end
$$;
revoke all on function private.current_actor() from public;

-- A header of the request that PostgREST runs: printable ASCII, at most so long. Its sender may have made it up.
create or replace function private.request_header(name text, at_most integer)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
    return nullif(
        left(
            regexp_replace(
                nullif(current_setting('request.headers', true), '')::json ->> request_header.name, '[^\x20-\x7e]+', '', 'g'
            ),
            at_most
        ),
        ''
    );
exception when others then -- no request, or headers that are no text
    return null;
end
$$;
revoke all on function private.request_header(text, integer) from public;

-- The address of the person behind the request. The dashboard sends that of its user, who is not its caller.
create or replace function private.request_address()
returns text
language sql
stable
set search_path = ''
as $$
    select h.address
    from (
        select
            trim(split_part(
                coalesce(private.request_header('x-tally-address', 500), private.request_header('x-forwarded-for', 500)), ',', 1
            )) as address
    ) as h
    where h.address ~ '^[0-9A-Fa-f:.]{2,45}$'
$$;
revoke all on function private.request_address() from public;

-- Writes an entry: an object with values of the columns of audit_logs. A workspace that is being deleted takes its log along,
-- so nothing is written for it.
create or replace function private.write_audit(tenant uuid, entry jsonb)
returns void
language sql
set search_path = ''
as $$
    insert into public.audit_logs (
        workspace_id, user_id, actor, actor_id, action, table_name, row_id, changed_columns, before, after, metadata, address,
        user_agent
    )
    select
        w.id, e.user_id, private.current_actor(), auth.uid(), e.action, e.table_name, e.row_id, coalesce(e.changed_columns, '{}'),
        e.before, e.after, coalesce(e.metadata, '{}'), o.address, o.user_agent
    from public.workspaces as w
    cross join jsonb_populate_record(null::public.audit_logs, entry) as e
    left join (
        select
            private.request_address() as address,
            coalesce(private.request_header('x-tally-user-agent', 300), private.request_header('user-agent', 300)) as user_agent
    ) as o
        on auth.uid() is null or exists (select from auth.users as u where u.id = auth.uid()) -- not of who just deleted it
    where w.id = tenant and entry is not null
$$;
revoke all on function private.write_audit(uuid, jsonb) from public;

-- The named values of a row; `metadata.key` is a key of its metadata.
create or replace function private.pick_values(row_values jsonb, names text[])
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select coalesce(jsonb_object_agg(n.name, row_values #> string_to_array(n.name, '.')), '{}')
    from unnest(names) as n (name)
$$;
revoke all on function private.pick_values(jsonb, text[]) from public;

-- The entry on one row; null if nothing that is watched changed. `old_values` is null for a new row, `new_values` for a deleted
-- one. Of secret columns it has the names only.
create or replace function private.describe_change(
    of_table text, old_values jsonb, new_values jsonb, watched text[], secret text[] default '{}'
)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
    row_values constant jsonb := coalesce(new_values, old_values);
    is_update constant boolean := old_values is not null and new_values is not null;
    changed constant text[] := array(
        select w
        from unnest(watched) as w
        where old_values #> string_to_array(w, '.') is distinct from new_values #> string_to_array(w, '.')
    );
    shown constant text[] := array(select c from unnest(changed) as c where c <> all (secret));
    before jsonb := private.pick_values(old_values, shown);
    after jsonb := private.pick_values(new_values, shown);
begin
    if is_update and cardinality(changed) = 0 then
        return null;
    end if;
    if not is_update then
        before := jsonb_strip_nulls(before);
        after := jsonb_strip_nulls(after);
    end if;
    return jsonb_build_object(
        'action', case when is_update then 'update' when old_values is null then 'insert' else 'delete' end,
        'table_name', of_table,
        'row_id', row_values -> 'id',
        'user_id', row_values -> 'user_id',
        'changed_columns', case when is_update then to_jsonb(changed) else '[]' end,
        'before', case when old_values is not null then before end,
        'after', case when new_values is not null then after end
    );
end
$$;
revoke all on function private.describe_change(text, jsonb, jsonb, text[], text[]) from public;

-- Logs a statement: up to 20 rows one by one, more as one entry for each workspace with their number. Its arguments are the
-- columns that tell rows apart, those that are watched, and the one that names the workspace.
create or replace function private.audit_rows()
returns trigger
language plpgsql
security definer
set search_path = ''
set enable_nestloop = off -- a plan made for one row is kept for thousands
as $$
declare
    keys constant text[] := tg_argv[0]::text[];
    watched constant text[] := tg_argv[1]::text[];
    is_bulk boolean := false;
    changes jsonb[]; -- at most 21
begin
    if tg_op = 'INSERT' then
        changes := array(select jsonb_build_object('new', to_jsonb(c)) from changed as c limit 21);
    elsif tg_op = 'DELETE' then
        changes := array(select jsonb_build_object('old', to_jsonb(c)) from changed_from as c limit 21);
    elsif (select count(*) > 1000 from changed) then
        is_bulk := true; -- comparing them takes as long as changing them
    else
        changes := array(
            select jsonb_build_object('old', to_jsonb(o), 'new', to_jsonb(n))
            from changed_from as o
            inner join changed as n on private.pick_values(to_jsonb(o), keys) = private.pick_values(to_jsonb(n), keys)
            where private.pick_values(to_jsonb(o), watched) <> private.pick_values(to_jsonb(n), watched)
            limit 21
        );
    end if;
    if is_bulk or cardinality(changes) > 20 then
        execute format(
            'select private.write_audit(b.id, jsonb_build_object(''action'', $1, ''table_name'', $2, ''metadata'', b.counts)) '
            'from (select c.%1$I as id, jsonb_build_object(''rows'', count(*)) as counts from %2$I as c group by 1 order by 1) as b',
            tg_argv[2], case when tg_op = 'DELETE' then 'changed_from' else 'changed' end
        ) using lower(tg_op), tg_table_name;
    else
        perform private.write_audit(
            (coalesce(c -> 'new', c -> 'old') ->> tg_argv[2])::uuid,
            private.describe_change(tg_table_name, c -> 'old', c -> 'new', watched)
        )
        from unnest(changes) as c;
    end if;
    return null;
end
$$;
revoke all on function private.audit_rows() from public;

-- The triggers that log changes of these columns of a table. `condition` limits them to some statements. Preferences are logged
-- in the personal workspace.
create or replace function private.audit_changes_of(
    audited regclass,
    watched text[],
    commands text[] default '{insert,update,delete}',
    condition text default 'true'
)
returns void
language plpgsql
set search_path = ''
as $$
declare
    name constant text := (select c.relname from pg_catalog.pg_class as c where c.oid = audited);
    -- The id, or else the primary key.
    keys constant text[] := coalesce(
        (select array[a.attname::text] from pg_catalog.pg_attribute as a where a.attrelid = audited and a.attname = 'id'),
        (
            select array_agg(a.attname::text order by a.attname)
            from pg_catalog.pg_index as i
            inner join pg_catalog.pg_attribute as a on i.indrelid = a.attrelid and a.attnum = any (i.indkey)
            where i.indrelid = audited and i.indisprimary
        )
    );
    tenant constant text := case name when 'workspaces' then 'id' when 'user_preferences' then 'user_id' else 'workspace_id' end;
    command text;
begin
    foreach command in array commands loop
        execute format(
            'create or replace trigger %I after %s on %s referencing %s for each statement when (%s) '
            'execute function private.audit_rows(%L, %L, %L)',
            format('%s_audit_%s', name, command), command, audited,
            case command
                when 'insert' then 'new table as changed'
                when 'delete' then 'old table as changed_from'
                else 'old table as changed_from new table as changed'
            end,
            condition, keys::text, watched::text, tenant
        );
    end loop;
end
$$;
revoke all on function private.audit_changes_of(regclass, text[], text[], text) from public;
