-- 002_workspaces.sql: workspaces and their members. The workspace is the tenant: it owns sources, records, prices and
-- forecasts.

-- public.workspaces: everybody has a personal one, whose id is the user's; nobody can join it.
create table if not exists public.workspaces (
    id uuid primary key default gen_random_uuid(),
    name text not null check (length(name) between 1 and 100),
    personal_user_id uuid unique references auth.users (id) on delete cascade,
    timezone text not null default 'UTC' check (length(timezone) between 1 and 64),
    currency text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
    person_split text not null default 'admins' check (person_split in ('own', 'admins', 'everyone')), -- who sees who spent what
    alert_rules jsonb not null default '{}' check (jsonb_typeof(alert_rules) = 'object' and pg_column_size(alert_rules) <= 1024),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint workspaces_personal check (personal_user_id is null or personal_user_id = id)
);
alter table public.workspaces enable row level security;
revoke all on public.workspaces from anon, authenticated, service_role;
grant select on public.workspaces to authenticated;
grant select, insert, update, delete on public.workspaces to service_role;

-- public.members: written by functions only; no API role may grant itself a role.
create table if not exists public.members (
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    joined_at timestamptz not null default now(),
    primary key (user_id, workspace_id) -- in this order it serves private.workspaces_as
);
create index if not exists members_workspace_id_idx on public.members (workspace_id);
alter table public.members enable row level security;
revoke all on public.members from anon, authenticated, service_role;
grant select on public.members to authenticated;
grant select, insert, update, delete on public.members to service_role;

-- The workspaces in which the caller has at least this role. Policies compare with `= any(array(select …))`: an index
-- condition. `in (select …)` became a filter over every row, measured 100 times slower for a small workspace.
create or replace function private.workspaces_as(at_least text)
returns setof uuid
language plpgsql -- its plan is kept for the session; that of an SQL function is made in each query
stable
security definer
rows 5
set search_path = ''
as $$
begin
    return query
    select m.workspace_id
    from public.members as m
    where
        m.user_id = (select auth.uid())
        and array_position(array['viewer', 'member', 'admin', 'owner'], m.role)
        >= array_position(array['viewer', 'member', 'admin', 'owner'], at_least);
end
$$;
revoke all on function private.workspaces_as(text) from public;
-- A policy needs this; without usage of the schema the API still cannot call it.
grant execute on function private.workspaces_as(text) to authenticated;

-- The workspaces in which the caller reads everybody's rows: as an admin, or where everyone may.
create or replace function private.workspaces_showing_people()
returns setof uuid
language plpgsql -- its plan is kept
stable
security definer
rows 5
set search_path = ''
as $$
begin
    return query
    select m.workspace_id
    from public.members as m
    inner join public.workspaces as w on m.workspace_id = w.id
    where m.user_id = (select auth.uid()) and (m.role in ('admin', 'owner') or w.person_split = 'everyone');
end
$$;
revoke all on function private.workspaces_showing_people() from public;
grant execute on function private.workspaces_showing_people() to authenticated;

-- The workspaces whose totals the caller reads: all but those where members see their own costs only.
create or replace function private.workspaces_showing_totals()
returns setof uuid
language plpgsql -- its plan is kept
stable
security definer
rows 5
set search_path = ''
as $$
begin
    return query
    select m.workspace_id
    from public.members as m
    inner join public.workspaces as w on m.workspace_id = w.id
    where m.user_id = (select auth.uid()) and (m.role in ('admin', 'owner') or w.person_split <> 'own');
end
$$;
revoke all on function private.workspaces_showing_totals() from public;
grant execute on function private.workspaces_showing_totals() to authenticated;

-- For functions that read a workspace past the policies: the caller, where only own rows may be read; null where everybody's.
create or replace function private.only_own_rows(tenant uuid)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
    if tenant = auth.uid() or exists (select from private.workspaces_showing_people() as w (id) where w.id = tenant) then
        return null;
    end if;
    return auth.uid();
end
$$;
revoke all on function private.only_own_rows(uuid) from public;

-- The same for totals, which count other people without naming them.
create or replace function private.only_own_totals(tenant uuid)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
    if tenant = auth.uid() or exists (select from private.workspaces_showing_totals() as w (id) where w.id = tenant) then
        return null;
    end if;
    return auth.uid();
end
$$;
revoke all on function private.only_own_totals(uuid) from public;

drop policy if exists workspaces_select_member on public.workspaces;
create policy workspaces_select_member
    on public.workspaces
    for select
    to authenticated
    using (id = any(array(select private.workspaces_as('viewer'))));

drop policy if exists members_select_member on public.members;
create policy members_select_member
    on public.members
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('viewer'))));

-- The workspace that a function works on: the given one, or else the caller's own. 42501 without the role in it.
create or replace function private.require_workspace(asked uuid, at_least text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
    chosen constant uuid := coalesce(asked, auth.uid());
begin
    if chosen is null then
        raise exception 'Sign in first.' using errcode = '42501';
    end if;
    if exists (select from private.workspaces_as(at_least) as w (id) where w.id = chosen) then
        return chosen;
    end if;
    if exists (select from private.workspaces_as('viewer') as w (id) where w.id = chosen) then
        raise exception 'Your role in this workspace does not allow this.' using errcode = '42501';
    end if;
    raise exception 'You are not a member of this workspace.' using errcode = '42501';
end
$$;
revoke all on function private.require_workspace(uuid, text) from public;

create or replace trigger workspaces_touch
    before update on public.workspaces
    for each row execute function private.touch_updated_at();
create or replace trigger workspaces_check_timezone_insert
    before insert on public.workspaces
    for each row when (new.timezone <> 'UTC') execute function private.check_timezone();
create or replace trigger workspaces_check_timezone_update
    before update on public.workspaces
    for each row when (new.timezone is distinct from old.timezone) execute function private.check_timezone();

-- Without the lock, two last owners who leave at once would leave none.
create or replace function private.keep_an_owner()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    personal uuid;
begin
    select w.personal_user_id into personal from public.workspaces as w where w.id = old.workspace_id for no key update;
    if not found or (personal = old.user_id and not exists (select from auth.users as u where u.id = personal)) then
        return null; -- the workspace itself is being deleted
    end if;
    if
        old.role = 'owner'
        and not exists (select from public.members as m where m.workspace_id = old.workspace_id and m.role = 'owner')
    then
        raise exception 'A workspace needs an owner. Make another member the owner first, or delete the workspace.'
            using errcode = '23514';
    end if;
    return null;
end
$$;
revoke all on function private.keep_an_owner() from public;

do $$
begin
    if not exists (select from pg_catalog.pg_trigger where tgname = 'members_keep_an_owner') then
        create constraint trigger members_keep_an_owner
            after update or delete on public.members
            for each row execute function private.keep_an_owner();
    end if;
end
$$;

create or replace function private.create_personal_workspace()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.workspaces (id, name, personal_user_id) values (new.id, 'Personal', new.id) on conflict do nothing;
    insert into public.members (workspace_id, user_id, role) values (new.id, new.id, 'owner') on conflict do nothing;
    return new;
end
$$;
revoke all on function private.create_personal_workspace() from public;

create or replace trigger tally_create_personal_workspace
    after insert on auth.users
    for each row execute function private.create_personal_workspace();

-- Users who signed up before this schema existed.
do $$
begin
    insert into public.workspaces (id, name, personal_user_id)
    select u.id, 'Personal', u.id
    from auth.users as u
    on conflict do nothing;
    insert into public.members (workspace_id, user_id, role)
    select w.id, w.personal_user_id, 'owner'
    from public.workspaces as w
    where w.personal_user_id is not null
    on conflict do nothing;
end
$$;

-- The transaction that last changed a workspace's prices, forecasts or superseded records: part of its data version.
create table if not exists private.workspace_changes (
    workspace_id uuid primary key references public.workspaces (id) on delete cascade,
    gen xid8 not null
);
alter table private.workspace_changes enable row level security;
revoke all on private.workspace_changes from public, anon, authenticated, service_role;

create or replace function private.note_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into private.workspace_changes (workspace_id, gen)
    select w.id, pg_current_xact_id()
    from public.workspaces as w
    where w.id in (select c.workspace_id from changed as c)
    order by w.id
    on conflict (workspace_id) do update
        set gen = excluded.gen;
    return null;
end
$$;
revoke all on function private.note_change() from public;

-- The three triggers with which a table takes part in the data version, or in what another function notes of its changes.
create or replace function private.note_changes_of(
    noted regclass, verb text default 'note', noting regproc default 'private.note_change'
)
returns void
language plpgsql
set search_path = ''
as $$
declare
    name constant text := (select c.relname from pg_catalog.pg_class as c where c.oid = noted);
    change record;
begin
    for change in select * from (values ('insert', 'new'), ('update', 'new'), ('delete', 'old')) as v (command, side)
    loop
        execute format(
            'create or replace trigger %I after %s on %s referencing %s table as changed '
            'for each statement execute function %s()',
            format('%s_%s_%s', name, verb, change.command), change.command, noted, change.side, noting
        );
    end loop;
end
$$;
revoke all on function private.note_changes_of(regclass, text, regproc) from public;
