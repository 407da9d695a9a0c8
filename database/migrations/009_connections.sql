-- 009_connections.sql: encrypted provider keys. The application encrypts them; the database never sees a key.

-- public.api_credentials: one row a connection to a provider's API. Only admins of a workspace reach them.
create table if not exists public.api_credentials (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    credential_name text not null check (length(credential_name) between 1 and 100),
    encrypted_api_key text not null check (length(encrypted_api_key) between 1 and 10000),
    encryption_key_id text not null check (length(encryption_key_id) between 1 and 100),
    is_active boolean not null default true,
    validation_status text not null default 'pending' check (validation_status in ('pending', 'valid', 'invalid')),
    last_validated_at timestamptz check (
        last_validated_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    last_sync_at timestamptz check (last_sync_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    next_sync_at timestamptz check (next_sync_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    last_error text check (length(last_error) <= 2000),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint api_credentials_once unique (workspace_id, provider_id, credential_name),
    constraint api_credentials_of_workspace unique (workspace_id, id)
);
create index if not exists api_credentials_user_id_idx on public.api_credentials (user_id);
create index if not exists api_credentials_provider_id_idx on public.api_credentials (provider_id);
alter table public.api_credentials enable row level security;
revoke all on public.api_credentials from anon, authenticated, service_role;
grant select, delete on public.api_credentials to authenticated;
-- Not the state of syncing: public.report_sync writes it.
grant insert (
    id, workspace_id, user_id, provider_id, credential_name, encrypted_api_key, encryption_key_id, is_active, metadata
) on public.api_credentials to authenticated;
grant update (
    credential_name, encrypted_api_key, encryption_key_id, is_active, metadata
) on public.api_credentials to authenticated;
grant select, insert, update, delete on public.api_credentials to service_role;

drop policy if exists api_credentials_select_admin on public.api_credentials;
create policy api_credentials_select_admin
    on public.api_credentials
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

drop policy if exists api_credentials_insert_admin on public.api_credentials;
create policy api_credentials_insert_admin
    on public.api_credentials
    for insert
    to authenticated
    with check (workspace_id = any(array(select private.workspaces_as('admin'))) and user_id = (select auth.uid()));

drop policy if exists api_credentials_update_admin on public.api_credentials;
create policy api_credentials_update_admin
    on public.api_credentials
    for update
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))))
    with check (workspace_id = any(array(select private.workspaces_as('admin'))));

drop policy if exists api_credentials_delete_admin on public.api_credentials;
create policy api_credentials_delete_admin
    on public.api_credentials
    for delete
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

create or replace trigger api_credentials_touch
    before update on public.api_credentials
    for each row execute function private.touch_updated_at();

-- Stores the outcome of a sync: `status` is null where it says nothing about the key; `is_complete` is false after an error.
create or replace function public.report_sync(
    credential_id uuid, status text, is_complete boolean, error text, next_sync_at timestamptz
)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.api_credentials as c
    set
        validation_status = coalesce($2, c.validation_status),
        last_validated_at = case when $2 = 'valid' then now() else c.last_validated_at end,
        last_sync_at = case when $3 then now() else c.last_sync_at end,
        last_error = left($4, 2000),
        next_sync_at = $5
    where c.id = $1 and c.workspace_id = any(array(select private.workspaces_as('admin')));
    if not found then
        raise exception 'This connection no longer exists.' using errcode = '22023';
    end if;
end
$$;
revoke all on function public.report_sync(uuid, text, boolean, text, timestamptz) from public, anon, service_role;
grant execute on function public.report_sync(uuid, text, boolean, text, timestamptz) to authenticated;
