-- 004_changing_projects.sql: making, renaming, archiving and listing projects; 056_refiling_changes restores them.

-- The project for an admin of its workspace. A project that the caller may not see does not exist for them.
create or replace function private.require_project(asked uuid)
returns public.projects
language plpgsql
stable
set search_path = ''
as $$
declare
    found_project public.projects;
begin
    select p.*
    into found_project
    from public.projects as p
    where
        p.id = asked
        and p.workspace_id = any(array(select private.workspaces_as('viewer')))
        and p.id <> all(array(select private.hidden_projects()));
    if not found then
        raise exception 'There is no such project in your workspaces.' using errcode = '42501';
    end if;
    perform private.require_workspace(found_project.workspace_id, 'admin');
    return found_project;
end
$$;
revoke all on function private.require_project(uuid) from public;

-- Refuses projects that the caller cannot choose for a record: archived ones, and those of other workspaces and hidden ones,
-- between which the caller cannot tell.
create or replace function private.check_chosen_projects(tenant uuid, chosen uuid[])
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    hidden constant uuid[] := array(select private.hidden_projects());
    archived text;
begin
    if exists (
        select from unnest(chosen) as c (id)
        where
            c.id is not null
            and (
                c.id = any (hidden)
                or not exists (select from public.projects as p where p.workspace_id = tenant and p.id = c.id)
            )
    ) then
        raise exception 'There is no such project in this workspace.' using errcode = '23503';
    end if;
    select p.name
    into archived
    from public.projects as p
    where p.id = any (chosen) and p.archived_at is not null
    order by p.name
    limit 1;
    if found then
        raise exception 'The project "%" is archived. Restore it, or choose another one.', archived using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_chosen_projects(uuid, uuid[]) from public;

-- Takes a workspace's row, so that its projects change one at a time, and refuses one active project too many. 10,000 with
-- archived ones: a list that everybody loads must end somewhere.
create or replace function private.check_project_limits(tenant uuid, is_new boolean)
returns void
language plpgsql
set search_path = ''
as $$
declare
    active bigint;
    everything bigint;
begin
    perform from public.workspaces as w where w.id = tenant for no key update;
    select count(*) filter (where p.archived_at is null), count(*)
    into active, everything
    from public.projects as p
    where p.workspace_id = tenant;
    if active >= 1000 then
        raise exception 'A workspace can have 1,000 active projects at most. Archive one first.' using errcode = '22023';
    end if;
    if is_new and everything >= 10000 then
        raise exception 'A workspace can have 10,000 projects at most, archived ones included. Rename an old one instead.'
            using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_project_limits(uuid, boolean) from public;

-- A name in the letters of addresses; the second project of the same name ends in -2.
create or replace function private.free_slug(tenant uuid, name text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    -- Letters lose their accents.
    plain constant text := regexp_replace(lower(normalize(name, nfkd)), '[\u0300-\u036f]', '', 'g');
    base constant text := coalesce(nullif(trim(both '-' from regexp_replace(plain, '[^a-z0-9]+', '-', 'g')), ''), 'project');
    short constant text := trim(trailing '-' from left(base, 100));
begin
    return (
        select s.slug
        from generate_series(1, 10001) as n
        cross join lateral (select short || case when n = 1 then '' else '-' || n end as slug) as s
        where not exists (select from public.projects as p where p.workspace_id = tenant and p.slug = s.slug)
        order by n
        limit 1
    );
end
$$;
revoke all on function private.free_slug(uuid, text) from public;

create or replace function public.create_project(workspace uuid, name text, is_private boolean default false)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    chosen constant text := private.clean_name($2, 'project');
    made uuid;
begin
    perform private.check_project_limits(tenant, true);
    insert into public.projects as p (workspace_id, name, slug, is_private)
    values (tenant, chosen, private.free_slug(tenant, chosen), coalesce($3, false))
    returning p.id into made;
    return made;
end
$$;
revoke all on function public.create_project(uuid, text, boolean) from public, anon, service_role;
grant execute on function public.create_project(uuid, text, boolean) to authenticated;

-- Renames a project or changes who sees it; null leaves it as it is.
create or replace function public.update_project(project uuid, name text default null, is_private boolean default null)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    changed constant public.projects := private.require_project(project);
    chosen constant text := case when $2 is null then changed.name else private.clean_name($2, 'project') end;
begin
    update public.projects as p
    set name = chosen, is_private = coalesce($3, p.is_private)
    where p.id = changed.id and (p.name <> chosen or p.is_private <> $3);
end
$$;
revoke all on function public.update_project(uuid, text, boolean) from public, anon, service_role;
grant execute on function public.update_project(uuid, text, boolean) to authenticated;

-- Its records stay where they are. Rules that file under it stay in the list and apply to nothing until it is restored.
create or replace function public.archive_project(project uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    archived constant public.projects := private.require_project(project);
begin
    update public.projects as p
    set archived_at = now()
    where p.id = archived.id and p.archived_at is null;
end
$$;
revoke all on function public.archive_project(uuid) from public, anon, service_role;
grant execute on function public.archive_project(uuid) to authenticated;

-- Refuses a list that was made from an older one than the present: another admin's change would be lost. A list that is the
-- present one already may be sent again.
create or replace function private.refuse_outdated(what text, before jsonb, present jsonb, wanted jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if before <> present and wanted <> present then
        raise exception 'The % were changed meanwhile. Look at them and save your change again.', what using errcode = '22023';
    end if;
end
$$;
revoke all on function private.refuse_outdated(text, jsonb, jsonb, jsonb) from public;

-- Sets who besides admins sees a private project: the whole list, in place of the one before.
create or replace function public.set_project_members(project uuid, people uuid[], before uuid[] default null)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    changed constant public.projects := private.require_project(project);
begin
    if people is null then
        raise exception 'Say who sees the project.' using errcode = '22023';
    end if;
    if exists (
        select from unnest(people) as u (id)
        where not exists (select from public.members as m where m.workspace_id = changed.workspace_id and m.user_id = u.id)
    ) then
        raise exception 'Only members of the workspace can be given a project. Invite the others first.' using errcode = '22023';
    end if;
    perform from public.projects as p where p.id = changed.id for no key update; -- one list at a time
    perform private.refuse_outdated(
        'members of this project',
        to_jsonb(array(select distinct u.id from unnest(before) as u (id) order by 1)),
        to_jsonb(array(select o.user_id from public.project_members as o where o.project_id = changed.id order by 1)),
        to_jsonb(array(select distinct u.id from unnest(people) as u (id) order by 1))
    )
    where before is not null;
    delete from public.project_members as o
    where o.project_id = changed.id and o.user_id <> all (people);
    insert into public.project_members (workspace_id, project_id, user_id)
    select distinct changed.workspace_id, changed.id, u.id
    from unnest(people) as u (id)
    on conflict do nothing;
end
$$;
revoke all on function public.set_project_members(uuid, uuid[], uuid[]) from public, anon, service_role;
grant execute on function public.set_project_members(uuid, uuid[], uuid[]) to authenticated;

-- The projects that the caller may see, by name, archived ones last: [{id, name, slug, is_private, archived_at, members}], with
-- the ids of the users who see it besides admins.
create or replace function public.list_projects(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'id', p.id, 'name', p.name, 'slug', p.slug, 'is_private', p.is_private, 'archived_at', p.archived_at,
                        'members', coalesce(o.people, array[]::uuid[])
                    )
                    order by p.archived_at is not null, lower(p.name), p.slug
                ),
                '[]'
            )
        from public.projects as p
        left join (
            select m.project_id, array_agg(m.user_id order by m.user_id) as people
            from public.project_members as m
            where m.workspace_id = tenant
            group by m.project_id
        ) as o on p.id = o.project_id
        where p.workspace_id = tenant and p.id <> all (hidden)
    );
end
$$;
revoke all on function public.list_projects(uuid) from public, anon, service_role;
grant execute on function public.list_projects(uuid) to authenticated;
