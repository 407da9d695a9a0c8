-- 049_leaving.sql: what happens to what a person brought when they leave a workspace or delete their account. A workspace's
-- totals do not depend on who stays.

-- Who takes over from a person: the owner, or else admin, who is there longest; null if there is none.
create or replace function private.heir_of(tenant uuid, leaver uuid)
returns uuid
language sql
stable
set search_path = ''
as $$
    select m.user_id
    from public.members as m
    where m.workspace_id = tenant and m.user_id <> leaver and m.role in ('owner', 'admin')
    order by private.rank_of(m.role) desc, m.joined_at, m.user_id
    limit 1
$$;
revoke all on function private.heir_of(uuid, uuid) from public;

-- Syncs run with the rights of a connection's user, which take an admin: whoever is none any more passes connections on.
create or replace function private.pass_on_connections()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    heir constant uuid := private.heir_of(old.workspace_id, old.user_id);
begin
    if heir is not null then
        update public.api_credentials as c
        set user_id = heir
        where c.workspace_id = old.workspace_id and c.user_id = old.user_id;
        -- What a connection brings from now on is its new owner's; what it brought stays whose it is (private.person_of).
        update public.imports as i
        set
            user_id = heir,
            metadata = i.metadata || jsonb_build_object(
                'former_users', coalesce(i.metadata -> 'former_users', '[]') || to_jsonb(old.user_id::text)
            )
        where i.workspace_id = old.workspace_id and i.user_id = old.user_id and i.credential_id is not null;
    end if;
    return null;
end
$$;
revoke all on function private.pass_on_connections() from public;

create or replace trigger members_pass_on_demoted
    after update on public.members
    for each row when (new.role not in ('owner', 'admin')) execute function private.pass_on_connections();
create or replace trigger members_pass_on_gone
    after delete on public.members
    for each row when (old.workspace_id <> old.user_id) execute function private.pass_on_connections();

-- The shared workspaces that have anything of a person, in the order in which they are locked.
create or replace function private.shared_workspaces_of(person uuid)
returns setof uuid
language sql
stable
set search_path = ''
as $$
    select w.id
    from (
        select m.workspace_id as id from public.members as m where m.user_id = person
        union
        select f.workspace_id from private.former_members as f where f.user_id = person
        union
        select i.workspace_id from public.imports as i where i.user_id = person
        union
        select s.workspace_id from public.subscriptions as s where s.user_id = person
        union
        select p.workspace_id from public.model_prices as p where p.user_id = person
        union
        select m.workspace_id from public.price_multipliers as m where m.user_id = person
        union
        select c.workspace_id from public.api_credentials as c where c.user_id = person
        union
        select s.workspace_id from public.superseded_records as s where s.user_id = person
    ) as w
    where w.id <> person
    order by w.id
$$;
revoke all on function private.shared_workspaces_of(uuid) from public;

-- Locks these workspaces as saves and changes of their people do, in the same order: no deadlocks.
create or replace function private.lock_workspaces(ids uuid[])
returns void
language plpgsql
set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock_shared(private.timezone_lock(w.id)) from unnest(ids) as w (id);
    perform pg_advisory_xact_lock(private.save_lock(w.id)) from unnest(ids) as w (id);
    perform from public.workspaces as w where w.id = any (ids) order by w.id for no key update;
end
$$;
revoke all on function private.lock_workspaces(uuid[]) from public;

-- Gives what a person owns in a workspace to another member, and forgets which connections were theirs.
create or replace function private.pass_on_belongings(tenant uuid, leaver uuid, heir uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
    -- The heir may have a machine of the same name.
    update public.imports as i
    set filename = left(i.filename, 240) || ' ' || left(i.id::text, 8)
    from public.imports as o
    where
        i.workspace_id = tenant
        and i.user_id = leaver
        and i.kind = 'machine'
        and o.workspace_id = tenant
        and o.user_id = heir
        and o.kind = 'machine'
        and o.format = i.format
        and o.filename = i.filename;
    update public.imports as i set user_id = heir where i.workspace_id = tenant and i.user_id = leaver;
    update public.imports as i
    set metadata = jsonb_set(i.metadata, '{former_users}', (i.metadata -> 'former_users') - leaver::text)
    where i.workspace_id = tenant and i.metadata -> 'former_users' ? leaver::text;
    update public.model_prices as p set user_id = heir where p.workspace_id = tenant and p.user_id = leaver;
    update public.price_multipliers as m set user_id = heir where m.workspace_id = tenant and m.user_id = leaver;
    update public.subscriptions as s set user_id = heir where s.workspace_id = tenant and s.user_id = leaver;
    update public.api_credentials as c set user_id = heir where c.workspace_id = tenant and c.user_id = leaver;
end
$$;
revoke all on function private.pass_on_belongings(uuid, uuid, uuid) from public;

-- Makes records of a deleted account those of nobody, the nil id: they have no reference, and stay in all totals.
create or replace function private.erase_from_records(tenant uuid, leaver uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
    update public.superseded_records as s
    set user_id = '00000000-0000-0000-0000-000000000000'
    where s.workspace_id = tenant and s.user_id = leaver;
    perform set_config('tally.is_flagging', 'on', true); -- the statement stays what its source reported, and when
    update public.cost_records as r
    set user_id = '00000000-0000-0000-0000-000000000000'
    where r.workspace_id = tenant and r.user_id = leaver;
    perform set_config('tally.is_flagging', '', true);
end
$$;
revoke all on function private.erase_from_records(uuid, uuid) from public;

-- An account that is deleted leaves what it brought to shared workspaces, without its name. Its personal workspace goes.
create or replace function private.pass_on_account()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    shared constant uuid[] := array(select private.shared_workspaces_of(old.id));
    tenant uuid;
    heir uuid;
    archived regclass;
begin
    perform private.lock_workspaces(shared);
    foreach tenant in array shared loop
        heir := private.heir_of(tenant, old.id);
        if heir is not null then -- otherwise nobody is left there
            perform private.pass_on_belongings(tenant, old.id, heir);
            perform private.erase_from_records(tenant, old.id);
        end if;
    end loop;
    for archived in select private.archived_tables() loop
        execute format(
            'update %s as r set user_id = $1 where r.user_id = $2 and r.workspace_id <> $2', archived
        ) using uuid '00000000-0000-0000-0000-000000000000', old.id;
    end loop;
    return old;
end
$$;
revoke all on function private.pass_on_account() from public;

create or replace trigger tally_pass_on
    before delete on auth.users
    for each row execute function private.pass_on_account();

-- What the log tells of a deleted account: an id, what it did and when.
create or replace function private.erase_from_logs()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.audit_logs as a
    set address = null, user_agent = null
    where a.actor_id = old.id;
    update public.audit_logs as a
    set after = a.after - 'email'
    where a.table_name = 'invitations' and a.after ->> 'email' = lower(old.email);
    return null;
end
$$;
revoke all on function private.erase_from_logs() from public;

-- Its name sorts behind those of foreign keys, so it runs when they have deleted.
create or replace trigger tally_erase
    after delete on auth.users
    for each row execute function private.erase_from_logs();
