-- 138_sql_access.sql: reading a workspace with SQL, for BI tools: a login role of its own each, which sees nothing else.
--
-- What such a role sees is decided by the name that it logged in with, never by a setting, which it could change itself.

do $$
begin
    if not exists (select from pg_roles where rolname = 'tally_bi') then
        create role tally_bi nologin noinherit;
    end if;
end
$$;

-- public.sql_roles: made by functions alone. Its password is told once, and Postgres keeps a hash.
create table if not exists public.sql_roles (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, -- who made it, and as long as that is an admin
    name text not null check (length(name) between 1 and 100),
    role_name text not null unique check (role_name ~ '^tally_bi_[0-9a-f]{12}$'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint sql_roles_of_workspace unique (workspace_id, id)
);
create index if not exists sql_roles_user_id_idx on public.sql_roles (user_id);
alter table public.sql_roles enable row level security;
revoke all on public.sql_roles from anon, authenticated, service_role;
grant select on public.sql_roles to authenticated, service_role;

drop policy if exists sql_roles_select_admin on public.sql_roles;
create policy sql_roles_select_admin
    on public.sql_roles
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

select private.audit_changes_of('public.sql_roles', array['name', 'role_name']);
create or replace trigger sql_roles_bound
    after insert on public.sql_roles referencing new table as added
    for each statement execute function private.refuse_too_many('10', 'SQL roles', 'Remove one on the Keys page.');

-- The workspace of the role that logged in; null for others, and for a role whose maker is no admin any more.
create or replace function private.sql_workspace()
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
    select r.workspace_id
    from public.sql_roles as r
    inner join public.members as m on r.workspace_id = m.workspace_id and r.user_id = m.user_id
    where r.role_name = session_user and m.role in ('admin', 'owner')
$$;
revoke all on function private.sql_workspace() from public;
grant execute on function private.sql_workspace() to tally_bi; -- policies call it

-- Makes a role: {role_name, password}. The password is made here, so that nobody chooses a weak one, and is not told again.
create or replace function public.create_sql_role(workspace uuid, name text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_key_change(workspace, 'admin');
    called constant text := private.clean_name(name, 'role');
    login constant text := 'tally_bi_' || left(replace(gen_random_uuid()::text, '-', ''), 12);
    password constant text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
begin
    insert into public.sql_roles (workspace_id, user_id, name, role_name) values (tenant, auth.uid(), called, login);
    execute format('create role %I login inherit connection limit 5 password %L in role tally_bi', login, password);
    -- What it may do is decided by its rights; these spare the server from mistakes.
    execute format('alter role %I set default_transaction_read_only = on', login);
    execute format('alter role %I set statement_timeout = %L', login, '60s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', login, '60s');
    execute format('alter role %I set search_path = bi', login);
    return jsonb_build_object(
        'role_name', login, 'password', password, 'database', current_database(),
        'host', host(inet_server_addr()), 'port', inet_server_port()
    );
end
$$;
revoke all on function public.create_sql_role(uuid, text) from public, anon, service_role;
grant execute on function public.create_sql_role(uuid, text) to authenticated;

create or replace function public.remove_sql_role(workspace uuid, sql_role uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_key_change(workspace, 'admin');
begin
    delete from public.sql_roles as r where r.workspace_id = tenant and r.id = sql_role;
    if not found then
        raise exception 'This SQL role no longer exists. Reload the page.' using errcode = '22023';
    end if;
end
$$;
revoke all on function public.remove_sql_role(uuid, uuid) from public, anon, service_role;
grant execute on function public.remove_sql_role(uuid, uuid) to authenticated;

-- Ends the role with its row, and its sessions where the owner of this function may end them: without a row they read nothing.
-- A role that cannot be dropped, since a session of it made something, may at least not log in again: it stops no deletion.
create or replace function private.drop_sql_role()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    begin
        perform pg_terminate_backend(a.pid) from pg_stat_activity as a where a.usename = old.role_name;
    exception
        when insufficient_privilege then null;
    end;
    begin
        execute format('drop role if exists %I', old.role_name);
    exception
        when dependent_objects_still_exist then
            execute format('alter role %I nologin', old.role_name);
    end;
    return null;
end
$$;
revoke all on function private.drop_sql_role() from public;

create or replace trigger sql_roles_drop
    after delete on public.sql_roles
    for each row execute function private.drop_sql_role();

-- Whoever leaves a workspace leaves its roles, which do not work again if they come back.
create or replace function private.remove_sql_roles_of_leaver()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from public.sql_roles as r where r.workspace_id = old.workspace_id and r.user_id = old.user_id;
    return null;
end
$$;
revoke all on function private.remove_sql_roles_of_leaver() from public;

create or replace trigger members_remove_sql_roles
    after delete on public.members
    for each row execute function private.remove_sql_roles_of_leaver();
