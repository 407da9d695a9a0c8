-- 044_shared_workspaces.sql: creating, changing, listing and deleting workspaces.

create or replace function private.check_currency(code text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    if code !~ '^[A-Z]{3}$' then
        raise exception 'Give the currency as three capital letters, such as USD or EUR.' using errcode = '22023';
    end if;
    return code;
end
$$;
revoke all on function private.check_currency(text) from public;

-- Makes a workspace with the caller as its owner.
create or replace function public.create_workspace(name text, timezone text, currency text)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    caller constant uuid := private.require_caller();
    made uuid;
begin
    -- One at a time, or two calls at once would pass the limit.
    perform from auth.users as u where u.id = caller for no key update;
    if
        (
            select count(*) >= 100
            from public.members as m
            where m.user_id = caller and m.role = 'owner' and m.workspace_id <> caller
        )
    then
        raise exception 'You own 100 workspaces. Delete one before you add another.' using errcode = '22023';
    end if;
    insert into public.workspaces (name, timezone, currency)
    values (private.clean_name($1, 'workspace'), coalesce($2, 'UTC'), private.check_currency(coalesce($3, 'USD')))
    returning id into made;
    perform private.write_audit(
        made,
        (
            select private.describe_change('workspaces', null, to_jsonb(w), array['name', 'timezone', 'currency'])
            from public.workspaces as w
            where w.id = made
        )
    );
    insert into public.members (workspace_id, user_id, role) values (made, caller, 'owner');
    return made;
end
$$;
revoke all on function public.create_workspace(text, text, text) from public, anon, service_role;
grant execute on function public.create_workspace(text, text, text) to authenticated;

-- The shared workspace that a function changes; 22023 for a personal one.
create or replace function private.require_shared_workspace(asked uuid, at_least text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(asked, at_least);
begin
    if asked is null then
        raise exception 'Say which workspace you mean.' using errcode = '22023';
    end if;
    if exists (select from public.workspaces as w where w.id = tenant and w.personal_user_id is not null) then
        raise exception 'This is a personal workspace: nobody else can join it. Create a workspace for your team.'
            using errcode = '22023';
    end if;
    return tenant;
end
$$;
revoke all on function private.require_shared_workspace(uuid, text) from public;

-- Changes a workspace's settings; null leaves one as it is. A new time zone moves all days.
create or replace function public.update_workspace(
    workspace uuid, name text, timezone text, currency text, person_split text
)
returns void
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s' -- the API applies it: a new time zone moves many records
as $$
declare
    tenant constant uuid := private.require_shared_workspace(workspace, 'admin');
begin
    if $5 not in ('own', 'admins', 'everyone') then
        raise exception 'Members see their own costs ("own"), also totals ("admins"), or everybody''s costs ("everyone").'
            using errcode = '22023';
    end if;
    -- Before the row, in the order of a save and of a deletion: no deadlocks.
    if $3 is not null then
        perform pg_advisory_xact_lock(private.timezone_lock(tenant));
    end if;
    update public.workspaces as w
    set
        name = coalesce(private.clean_name(coalesce($2, w.name), 'workspace'), w.name),
        timezone = coalesce($3, w.timezone),
        currency = coalesce(private.check_currency($4), w.currency),
        person_split = coalesce($5, w.person_split)
    where w.id = tenant;
end
$$;
revoke all on function public.update_workspace(uuid, text, text, text, text) from public, anon, service_role;
grant execute on function public.update_workspace(uuid, text, text, text, text) to authenticated;

-- Deletes a workspace with all that is in it, for everybody; its name guards against a slip.
create or replace function public.delete_workspace(workspace uuid, name text)
returns void
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s' -- the API applies it
as $$
declare
    tenant constant uuid := private.require_shared_workspace(workspace, 'owner');
begin
    -- The locks of a save, in its order: one that runs is waited for, another one then finds no workspace.
    perform pg_advisory_xact_lock(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    delete from public.workspaces as w where w.id = tenant and w.name = trim($2);
    if not found then
        raise exception 'That is not the name of this workspace. Nothing was deleted.' using errcode = '22023';
    end if;
end
$$;
revoke all on function public.delete_workspace(uuid, text) from public, anon, service_role;
grant execute on function public.delete_workspace(uuid, text) to authenticated;

-- The caller's workspaces: the personal one, then the others by name.
create or replace function public.list_workspaces()
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    caller constant uuid := private.require_caller();
begin
    return (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'id', w.id,
                        'name', w.name,
                        'role', m.role,
                        'is_personal', w.personal_user_id is not null,
                        'timezone', w.timezone,
                        'currency', w.currency,
                        'person_split', w.person_split,
                        'members', (select count(*) from public.members as o where o.workspace_id = w.id)
                    )
                    order by w.personal_user_id is null, lower(w.name), w.id
                ),
                '[]'
            )
        from public.members as m
        inner join public.workspaces as w on m.workspace_id = w.id
        where m.user_id = caller
    );
end
$$;
revoke all on function public.list_workspaces() from public, anon, service_role;
grant execute on function public.list_workspaces() to authenticated;
