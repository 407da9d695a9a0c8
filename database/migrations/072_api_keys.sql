-- 072_api_keys.sql: keys with which programs send what they spend, or read it. A key acts for its owner in one workspace.

-- public.api_keys: written by functions only. Whoever makes a key sends its SHA-256, which no API role reads or filters on; the
-- key itself is stored nowhere.
create table if not exists public.api_keys (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    project_id uuid, -- null where rules file what it sends, and for reading all projects
    user_id uuid not null references auth.users (id) on delete cascade, -- its owner
    name text not null check (length(name) between 1 and 100),
    prefix text not null check (prefix ~ '^tly_[0-9A-Za-z]{4}$'), -- with the last four so much that people know which one it is
    last_four text not null check (last_four ~ '^[0-9A-Za-z]{4}$'),
    key_hash bytea not null unique check (octet_length(key_hash) = 32),
    scopes text[] not null check (scopes <@ array['ingest', 'read', 'prompts'] and cardinality(scopes) between 1 and 3),
    requests_per_minute integer check (requests_per_minute between 1 and 100000), -- null: the installation's default
    tokens_per_minute bigint check (tokens_per_minute between 1 and 1000000000000), -- null: no limit
    expires_at timestamptz check (expires_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    last_used_at timestamptz check (last_used_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    revoked_at timestamptz check (revoked_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    successor_id uuid, -- the key that replaces it; both work until it expires
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint api_keys_of_workspace unique (workspace_id, id),
    constraint api_keys_project
    foreign key (workspace_id, project_id) references public.projects (workspace_id, id) on delete cascade,
    constraint api_keys_successor
    foreign key (workspace_id, successor_id) references public.api_keys (workspace_id, id) on delete set null (successor_id)
    deferrable initially deferred -- it is named before it is added, or it would be one key too many
);
create index if not exists api_keys_user_id_idx on public.api_keys (user_id);
create index if not exists api_keys_project_id_idx on public.api_keys (workspace_id, project_id);
create index if not exists api_keys_successor_id_idx on public.api_keys (workspace_id, successor_id);
alter table public.api_keys enable row level security;
revoke all on public.api_keys from anon, authenticated, service_role;
grant select (
    id, workspace_id, project_id, user_id, name, prefix, last_four, scopes, requests_per_minute, tokens_per_minute, expires_at,
    last_used_at, revoked_at, successor_id, metadata, created_at
) on public.api_keys to authenticated, service_role;

-- Viewers make no keys, but see those that they made as members: these still read.
drop policy if exists api_keys_select_own on public.api_keys;
create policy api_keys_select_own
    on public.api_keys
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('admin')))
        or (user_id = (select auth.uid()) and workspace_id = any(array(select private.workspaces_as('viewer'))))
    );

-- Not its use, which would be an entry a minute.
select private.audit_changes_of(
    'public.api_keys',
    array[
        'name', 'prefix', 'last_four', 'project_id', 'scopes', 'requests_per_minute', 'tokens_per_minute', 'expires_at',
        'revoked_at', 'successor_id'
    ]
);

-- 100 keys that work, without those that were rotated and end within days. As private.refuse_too_many otherwise.
create or replace function private.refuse_too_many_keys()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    workspace uuid;
begin
    for workspace in select distinct a.workspace_id from added as a order by a.workspace_id loop
        perform pg_advisory_xact_lock(hashtextextended('tally.bound.api_keys.' || workspace::text, 0));
        if
            (
                select count(*) > 100
                from public.api_keys as k
                where
                    k.workspace_id = workspace
                    and k.revoked_at is null
                    and k.successor_id is null
                    and (k.expires_at is null or k.expires_at > now())
            )
        then
            raise exception 'A workspace can have 100 live keys at most. Revoke one that is no longer used.' using errcode = '22023';
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.refuse_too_many_keys() from public;

create or replace trigger api_keys_bound
    after insert on public.api_keys referencing new table as added
    for each statement execute function private.refuse_too_many_keys();

-- Whoever leaves a workspace leaves its keys, which do not work again if they come back.
create or replace function private.revoke_keys_of_leaver()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.api_keys as k
    set revoked_at = now()
    where k.workspace_id = old.workspace_id and k.user_id = old.user_id and k.revoked_at is null;
    return null;
end
$$;
revoke all on function private.revoke_keys_of_leaver() from public;

create or replace trigger members_revoke_keys
    after delete on public.members
    for each row when (old.workspace_id <> old.user_id) execute function private.revoke_keys_of_leaver();

-- Takes the workspace's row, so that its keys and people change one at a time, and checks the caller's role as it is then.
create or replace function private.begin_key_change(asked uuid, at_least text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(asked, at_least);
begin
    perform from public.workspaces as w where w.id = tenant for no key update;
    return private.require_workspace(tenant, at_least);
end
$$;
revoke all on function private.begin_key_change(uuid, text) from public;

-- A key that the caller may change: an own one, or as an admin any of the workspace.
create or replace function private.require_api_key(wanted uuid)
returns public.api_keys
language plpgsql
set search_path = ''
as $$
declare
    found_one public.api_keys;
begin
    select k.* into found_one
    from public.api_keys as k
    where
        k.id = wanted
        and (
            k.workspace_id = any(array(select private.workspaces_as('admin')))
            or (k.user_id = auth.uid() and k.workspace_id = any(array(select private.workspaces_as('viewer'))))
        );
    if not found then
        raise exception 'This key no longer exists. Reload the list of keys.' using errcode = '22023';
    end if;
    perform private.begin_key_change(found_one.workspace_id, 'viewer');
    select k.* into found_one from public.api_keys as k where k.id = wanted for no key update;
    return found_one;
end
$$;
revoke all on function private.require_api_key(uuid) from public;

create or replace function private.refuse_ended_key(found_one public.api_keys)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if found_one.revoked_at is not null or found_one.expires_at <= now() then
        raise exception 'This key no longer works. Create another one.' using errcode = '22023';
    end if;
    if found_one.successor_id is not null then
        raise exception 'This key was rotated and ends soon. Change the one that replaces it.' using errcode = '22023';
    end if;
end
$$;
revoke all on function private.refuse_ended_key(public.api_keys) from public;

-- Refuses a project, limits or an end that no key can have.
create or replace function private.check_key_details(tenant uuid, given public.api_keys)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    perform private.check_chosen_projects(tenant, array[given.project_id]);
    if given.requests_per_minute not between 1 and 100000 then
        raise exception 'Limit requests to between 1 and 100,000 a minute, or leave the limit out.' using errcode = '22023';
    end if;
    if given.tokens_per_minute not between 1 and 1000000000000 then
        raise exception 'Limit tokens to between 1 and 1,000,000,000,000 a minute, or leave the limit out.' using errcode = '22023';
    end if;
    if given.expires_at <= now() or given.expires_at > timestamptz '2100-01-01T00:00Z' then
        raise exception 'Let the key expire at a time to come, before 2100, or leave the time out.' using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_key_details(uuid, public.api_keys) from public;

-- Adds a key whose values are checked already. Of those that ended, the newest 1,000 are kept.
create or replace function private.add_api_key(wanted public.api_keys)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
    made uuid;
begin
    if
        octet_length(wanted.key_hash) = 32
        and wanted.prefix ~ '^tly_[0-9A-Za-z]{4}$'
        and wanted.last_four ~ '^[0-9A-Za-z]{4}$'
    then
        insert into public.api_keys as k (
            id, workspace_id, project_id, user_id, name, prefix, last_four, key_hash, scopes, requests_per_minute,
            tokens_per_minute, expires_at
        )
        values (
            wanted.id, wanted.workspace_id, wanted.project_id, wanted.user_id, wanted.name, wanted.prefix, wanted.last_four,
            wanted.key_hash, wanted.scopes, wanted.requests_per_minute, wanted.tokens_per_minute, wanted.expires_at
        )
        on conflict (key_hash) do nothing
        returning k.id into made;
        if made is null then -- sent again
            select k.id into made
            from public.api_keys as k
            where
                k.key_hash = wanted.key_hash
                and k.user_id = wanted.user_id
                and k.workspace_id = wanted.workspace_id
                and k.created_at > now() - interval '5 minutes'
                and k.revoked_at is null;
        end if;
    end if;
    if made is null then
        raise exception 'This is not a new key. Create another one.' using errcode = '22023';
    end if;
    delete from public.api_keys as k
    where k.id in (
        select e.id
        from public.api_keys as e
        where e.workspace_id = wanted.workspace_id and least(e.revoked_at, e.expires_at) <= now()
        order by least(e.revoked_at, e.expires_at) desc
        offset 1000
    );
    return made;
end
$$;
revoke all on function private.add_api_key(public.api_keys) from public;
