-- 046_people.sql: who is in a workspace, roles, leaving.

-- Names of people who left or were removed: their records keep them. Nobody who deleted the account is here.
create table if not exists private.former_members (
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    email text check (length(email) <= 320),
    left_at timestamptz not null default now(),
    primary key (user_id, workspace_id)
);
create index if not exists former_members_workspace_id_idx on private.former_members (workspace_id);
alter table private.former_members enable row level security;
revoke all on private.former_members from public, anon, authenticated, service_role;

select private.note_changes_of('public.members');

-- A personal workspace has one member.
create or replace function private.keep_personal()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if exists (select from public.workspaces as w where w.id = new.workspace_id and w.personal_user_id <> new.user_id) then
        raise exception 'Nobody can join a personal workspace.' using errcode = '23514';
    end if;
    return new;
end
$$;
revoke all on function private.keep_personal() from public;

create or replace trigger members_keep_personal
    before insert on public.members
    for each row when (new.workspace_id <> new.user_id) execute function private.keep_personal();

-- Whoever leaves stays known by name.
create or replace function private.remember_member()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into private.former_members (workspace_id, user_id, email)
    select w.id, u.id, left(u.email, 320)
    from public.workspaces as w
    inner join auth.users as u on u.id = old.user_id
    where w.id = old.workspace_id
    on conflict (user_id, workspace_id) do update
        set
            email = excluded.email,
            left_at = excluded.left_at;
    return null;
end
$$;
revoke all on function private.remember_member() from public;

create or replace trigger members_remember
    after delete on public.members
    for each row when (old.workspace_id <> old.user_id) execute function private.remember_member();

-- The rank of a role, higher with more rights; null for a word that is no role.
create or replace function private.rank_of(role text)
returns integer
language sql
immutable
set search_path = ''
as $$
    select array_position(array['viewer', 'member', 'admin', 'owner'], role)
$$;
revoke all on function private.rank_of(text) from public;

-- Begins a change of a workspace's people: one at a time, so that what is checked stays true. Returns the workspace.
create or replace function private.begin_change(asked uuid, at_least text)
returns uuid
language plpgsql
set search_path = ''
as $$
begin
    perform private.require_shared_workspace(asked, at_least);
    perform from public.workspaces as w where w.id = asked for no key update;
    return private.require_shared_workspace(asked, at_least); -- the caller's role may have changed meanwhile
end
$$;
revoke all on function private.begin_change(uuid, text) from public;

-- The rank of a person whom the caller may change: nobody above the caller.
create or replace function private.require_rank_over(tenant uuid, person uuid)
returns integer
language plpgsql
stable
set search_path = ''
as $$
declare
    mine constant integer := (
        select private.rank_of(m.role) from public.members as m where m.workspace_id = tenant and m.user_id = auth.uid()
    );
    theirs constant integer := (
        select private.rank_of(m.role) from public.members as m where m.workspace_id = tenant and m.user_id = person
    );
begin
    if theirs is null then
        raise exception 'This person is not a member of the workspace. Reload the list of people.' using errcode = '22023';
    end if;
    if mine is null or mine < theirs then
        raise exception 'This person''s role is above yours. Ask an owner to do this.' using errcode = '42501';
    end if;
    return theirs;
end
$$;
revoke all on function private.require_rank_over(uuid, uuid) from public;

-- Refuses what would leave a workspace without an owner: the person is one, and no other is there.
create or replace function private.require_another_owner(tenant uuid, person uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if
        exists (
            select from public.members as m where m.workspace_id = tenant and m.user_id = person and m.role = 'owner'
        )
        and not exists (
            select from public.members as m where m.workspace_id = tenant and m.user_id <> person and m.role = 'owner'
        )
    then
        raise exception 'A workspace needs an owner. Make another member the owner first, or delete the workspace.'
            using errcode = '22023';
    end if;
end
$$;
revoke all on function private.require_another_owner(uuid, uuid) from public;

-- Gives a member a role: nobody above the caller, no role above the caller's.
create or replace function public.set_role(workspace uuid, person uuid, role text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_change(workspace, 'admin');
begin
    if private.rank_of($3) is null then
        raise exception 'Choose one of the roles owner, admin, member and viewer.' using errcode = '22023';
    end if;
    perform private.require_rank_over(tenant, $2);
    if private.rank_of($3) > private.require_rank_over(tenant, auth.uid()) then
        raise exception 'You cannot give a role above your own. Ask an owner to do this.' using errcode = '42501';
    end if;
    if $3 <> 'owner' then
        perform private.require_another_owner(tenant, $2);
    end if;
    update public.members as m set role = $3 where m.workspace_id = tenant and m.user_id = $2 and m.role <> $3;
end
$$;
revoke all on function public.set_role(uuid, uuid, text) from public, anon, service_role;
grant execute on function public.set_role(uuid, uuid, text) to authenticated;

-- Makes another member an owner; the caller stays as an admin.
create or replace function public.transfer_ownership(workspace uuid, person uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_change(workspace, 'owner');
begin
    perform private.require_rank_over(tenant, $2);
    if $2 = auth.uid() then
        raise exception 'You are an owner already. Choose another member.' using errcode = '22023';
    end if;
    update public.members as m set role = 'owner' where m.workspace_id = tenant and m.user_id = $2 and m.role <> 'owner';
    update public.members as m set role = 'admin' where m.workspace_id = tenant and m.user_id = auth.uid();
end
$$;
revoke all on function public.transfer_ownership(uuid, uuid) from public, anon, service_role;
grant execute on function public.transfer_ownership(uuid, uuid) to authenticated;

-- Removes a member, nobody above the caller. Their records stay.
create or replace function public.remove_member(workspace uuid, person uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_change(workspace, 'admin');
begin
    perform private.require_rank_over(tenant, $2);
    perform private.require_another_owner(tenant, $2);
    delete from public.members as m where m.workspace_id = tenant and m.user_id = $2;
end
$$;
revoke all on function public.remove_member(uuid, uuid) from public, anon, service_role;
grant execute on function public.remove_member(uuid, uuid) to authenticated;

-- Leaves a workspace. What the caller brought stays.
create or replace function public.leave_workspace(workspace uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_change(workspace, 'viewer');
begin
    perform private.require_another_owner(tenant, auth.uid());
    delete from public.members as m where m.workspace_id = tenant and m.user_id = auth.uid();
end
$$;
revoke all on function public.leave_workspace(uuid) from public, anon, service_role;
grant execute on function public.leave_workspace(uuid) to authenticated;
