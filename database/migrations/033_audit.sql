-- 033_audit.sql: what happened to a workspace's provider keys and prices, for its admins to read and for nobody to change.

-- public.audit_logs: who did what to which row, and when. Written by triggers and functions of the database alone. Of an
-- encrypted key it contains that it changed, never the key.
create table if not exists public.audit_logs (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, -- whose row it was
    -- The user through the API, the holder of the secret key, or the holder of a database connection (jobs, command line).
    actor text not null check (actor in ('person', 'service', 'operator')),
    actor_id uuid, -- the signed-in user, or the one that an operator acted for
    action text not null check (action in ('insert', 'update', 'delete', 'reprice')),
    table_name text not null check (length(table_name) between 1 and 100),
    row_id uuid,
    changed_columns text[] not null default '{}' check (cardinality(changed_columns) <= 100),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now()
);
create index if not exists audit_logs_workspace_id_created_at_idx on public.audit_logs (workspace_id, created_at desc);
create index if not exists audit_logs_user_id_idx on public.audit_logs (user_id);
alter table public.audit_logs enable row level security;
revoke all on public.audit_logs from anon, authenticated, service_role;
grant select on public.audit_logs to authenticated, service_role;

drop policy if exists audit_logs_select_admin on public.audit_logs;
create policy audit_logs_select_admin
    on public.audit_logs
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

-- The caller. Inside a definer function the role is its owner's; the session's user and the token's claims tell who called.
create or replace function private.current_actor()
returns text
language sql
stable
set search_path = ''
as $$
    select case
        when session_user <> 'authenticator' then 'operator'
        when auth.uid() is not null then 'person'
        else 'service'
    end
$$;
revoke all on function private.current_actor() from public;

-- An account or workspace that is being deleted takes its log along, so nothing is written for it.
create or replace function private.write_audit(
    tenant uuid, user_id uuid, action text, table_name text, row_id uuid, changed_columns text[], metadata jsonb
)
returns void
language sql
set search_path = ''
as $$
    insert into public.audit_logs (workspace_id, user_id, actor, actor_id, action, table_name, row_id, changed_columns, metadata)
    select w.id, u.id, private.current_actor(), auth.uid(), $3, $4, $5, $6, $7
    from public.workspaces as w
    inner join auth.users as u on u.id = $2
    where w.id = $1
$$;
revoke all on function private.write_audit(uuid, uuid, text, text, uuid, text[], jsonb) from public;

-- Syncing changes its own state all the time; only changes that a user would ask about are logged.
create or replace function private.audit_credential()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    watched constant text[] := array[
        'workspace_id', 'user_id', 'provider_id', 'credential_name', 'encrypted_api_key', 'encryption_key_id', 'is_active', 'validation_status'
    ];
    before constant jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
    after constant jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
    row_values constant jsonb := case when tg_op = 'DELETE' then before else after end;
    changed text[] := '{}';
begin
    if tg_op = 'UPDATE' then
        changed := array(select c from unnest(watched) as c where before -> c is distinct from after -> c);
        if cardinality(changed) = 0 then
            return null;
        end if;
        -- The first check of a key belongs to adding it.
        if
            changed = array['validation_status']
            and old.validation_status = 'pending'
            and old.last_validated_at is null
            and new.validation_status = 'valid'
        then
            return null;
        end if;
    end if;
    perform private.write_audit(
        (row_values ->> 'workspace_id')::uuid, (row_values ->> 'user_id')::uuid, lower(tg_op), 'api_credentials',
        (row_values ->> 'id')::uuid, changed,
        jsonb_build_object(
            'credential_name', row_values -> 'credential_name',
            'provider', (select p.name from public.providers as p where p.id = (row_values ->> 'provider_id')::uuid),
            'is_active', row_values -> 'is_active',
            'validation_status', row_values -> 'validation_status'
        )
    );
    return null;
end
$$;
revoke all on function private.audit_credential() from public;

create or replace trigger api_credentials_audit
    after insert or update or delete on public.api_credentials
    for each row execute function private.audit_credential();
