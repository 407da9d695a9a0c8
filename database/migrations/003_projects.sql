-- 003_projects.sql: projects of a workspace, and who sees the private ones.

-- public.projects: what records are filed under. Archived, never deleted: old records keep its name.
create table if not exists public.projects (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    name text not null check (length(name) between 1 and 100),
    slug text not null check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 120), -- outlives a renaming: links hold
    is_private boolean not null default false, -- only admins and its members see it; for others it is in "Other projects"
    archived_at timestamptz check (archived_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint projects_slug_once unique (workspace_id, slug),
    constraint projects_of_workspace unique (workspace_id, id),
    -- "Unassigned" and "Other projects" in answers of functions.
    constraint projects_reserved_ids check (
        id not in ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
);
create index if not exists projects_private_idx on public.projects (workspace_id) where is_private;
alter table public.projects enable row level security;
revoke all on public.projects from anon, authenticated, service_role;
grant select on public.projects to authenticated;
grant select, insert, update, delete on public.projects to service_role;

-- public.project_members: who besides admins sees a private project. Whoever leaves the workspace leaves its projects.
create table if not exists public.project_members (
    workspace_id uuid not null,
    project_id uuid not null,
    user_id uuid not null,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    primary key (project_id, user_id),
    constraint project_members_project
    foreign key (workspace_id, project_id) references public.projects (workspace_id, id) on delete cascade,
    constraint project_members_member
    foreign key (user_id, workspace_id) references public.members (user_id, workspace_id) on delete cascade
);
create index if not exists project_members_workspace_id_idx on public.project_members (workspace_id, project_id);
create index if not exists project_members_user_id_idx on public.project_members (user_id, workspace_id);
alter table public.project_members enable row level security;
revoke all on public.project_members from anon, authenticated, service_role;
grant select on public.project_members to authenticated;
grant select, insert, update, delete on public.project_members to service_role;

-- The private projects of the caller's workspaces that the caller may not see.
create or replace function private.hidden_projects()
returns setof uuid
language plpgsql -- its plan is kept
stable
security definer
rows 5
set search_path = ''
as $$
begin
    return query
    select p.id
    from public.members as m
    inner join public.projects as p on m.workspace_id = p.workspace_id
    where
        m.user_id = (select auth.uid())
        and m.role not in ('owner', 'admin')
        and p.is_private
        and not exists (select from public.project_members as o where o.project_id = p.id and o.user_id = m.user_id);
end
$$;
revoke all on function private.hidden_projects() from public;
grant execute on function private.hidden_projects() to authenticated; -- policies call it

drop policy if exists projects_select_visible on public.projects;
create policy projects_select_visible
    on public.projects
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and id <> all(array(select private.hidden_projects()))
    );

drop policy if exists project_members_select_visible on public.project_members;
create policy project_members_select_visible
    on public.project_members
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and project_id <> all(array(select private.hidden_projects()))
    );

create or replace trigger projects_touch
    before update on public.projects
    for each row execute function private.touch_updated_at();

select private.note_changes_of('public.projects');
select private.note_changes_of('public.project_members');
