-- 096_saved_views.sql: views of Explore that a person keeps in a workspace: a name, and the query of the page's address.

-- Written and read by the functions below; they go with the membership.
create table if not exists private.saved_views (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null,
    user_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    query text not null check (length(query) between 1 and 4000),
    saved_at timestamptz not null default now(),
    constraint saved_views_once unique (user_id, workspace_id, name),
    constraint saved_views_of_members foreign key (user_id, workspace_id)
    references public.members (user_id, workspace_id) on delete cascade
);
alter table private.saved_views enable row level security;
revoke all on private.saved_views from public, anon, authenticated, service_role;

-- The caller's views in a workspace, by name: [{id, name, query}].
create or replace function public.list_views(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select coalesce(json_agg(json_build_object('id', v.id, 'name', v.name, 'query', v.query) order by lower(v.name), v.name), '[]')
        from private.saved_views as v
        where v.user_id = auth.uid() and v.workspace_id = tenant
    );
end
$$;
revoke all on function public.list_views(uuid) from public, anon, service_role;
grant execute on function public.list_views(uuid) to authenticated;

-- Keeps a view of the caller under a name, in place of another one with it; returns its id.
create or replace function public.save_view(workspace uuid, name text, query text)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    kept constant text := private.clean_name($2, 'view');
    saved uuid;
begin
    if coalesce(length($3), 0) not between 1 and 4000 then
        raise exception 'This view is too long to be saved. Take some of its filters away.' using errcode = '22023';
    end if;
    -- Two calls at once see each other's views.
    perform pg_advisory_xact_lock(hashtextextended('tally.views.' || auth.uid()::text, 0));
    insert into private.saved_views as v (workspace_id, user_id, name, query)
    values (tenant, auth.uid(), kept, $3)
    on conflict on constraint saved_views_once do update
        set query = excluded.query, saved_at = now()
    returning v.id into saved;
    if (select count(*) > 100 from private.saved_views as v where v.user_id = auth.uid() and v.workspace_id = tenant) then
        raise exception 'You can have 100 views in a workspace at most. Delete one that you no longer use.'
            using errcode = '22023';
    end if;
    return saved;
end
$$;
revoke all on function public.save_view(uuid, text, text) from public, anon, service_role;
grant execute on function public.save_view(uuid, text, text) to authenticated;

-- Gives a view of the caller another name.
create or replace function public.rename_view(view uuid, name text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    kept constant text := private.clean_name($2, 'view');
begin
    update private.saved_views as v
    set name = kept
    where v.id = $1 and v.user_id = auth.uid();
    if not found then
        raise exception 'This view no longer exists. Reload the page.' using errcode = '22023';
    end if;
exception
    when unique_violation then
        raise exception 'You have a view of this name already. Choose another name.' using errcode = '22023';
end
$$;
revoke all on function public.rename_view(uuid, text) from public, anon, service_role;
grant execute on function public.rename_view(uuid, text) to authenticated;

-- Deletes a view of the caller, if it is there.
create or replace function public.delete_view(view uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from private.saved_views as v where v.id = $1 and v.user_id = auth.uid();
end
$$;
revoke all on function public.delete_view(uuid) from public, anon, service_role;
grant execute on function public.delete_view(uuid) to authenticated;
