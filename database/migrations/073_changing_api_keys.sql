-- 073_changing_api_keys.sql: making, changing, rotating and revoking keys, and verifying those that programs send.

-- Makes a key of the caller: {name, project_id, prefix, last_four, key_hash, scopes, requests_per_minute, tokens_per_minute,
-- expires_at}. Returns its id.
create or replace function public.create_api_key(workspace uuid, details jsonb)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_key_change(workspace, 'member');
    given public.api_keys := jsonb_populate_record(null::public.api_keys, details);
begin
    given.name := private.clean_name(given.name, 'key');
    if given.scopes is null or given.scopes = '{}' or not given.scopes <@ array['ingest', 'read', 'prompts'] then
        raise exception 'Choose what the key may do: send, read, or prompts alone.' using errcode = '22023';
    end if;
    perform private.check_key_details(tenant, given);
    given.id := gen_random_uuid();
    given.workspace_id := tenant;
    given.user_id := auth.uid();
    given.scopes := array(
        select s.name from unnest(array['ingest', 'read', 'prompts']) as s (name) where s.name = any (given.scopes)
    );
    return private.add_api_key(given);
end
$$;
revoke all on function public.create_api_key(uuid, jsonb) from public, anon, service_role;
grant execute on function public.create_api_key(uuid, jsonb) to authenticated;

-- Changes the name, the project, the limits or the end of a key: those that `details` names. Its scopes stay.
create or replace function public.change_api_key(api_key uuid, details jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.api_keys := private.require_api_key(api_key);
    wanted public.api_keys := jsonb_populate_record(found_one, coalesce(details, '{}'));
begin
    perform private.refuse_ended_key(found_one);
    wanted.name := private.clean_name(wanted.name, 'key');
    perform private.check_key_details(found_one.workspace_id, wanted);
    update public.api_keys as k
    set
        name = wanted.name,
        project_id = wanted.project_id,
        requests_per_minute = wanted.requests_per_minute,
        tokens_per_minute = wanted.tokens_per_minute,
        expires_at = wanted.expires_at
    where k.id = found_one.id;
end
$$;
revoke all on function public.change_api_key(uuid, jsonb) from public, anon, service_role;
grant execute on function public.change_api_key(uuid, jsonb) to authenticated;

-- Ends a key at once, and for good.
create or replace function public.revoke_api_key(api_key uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.api_keys := private.require_api_key(api_key);
begin
    update public.api_keys as k set revoked_at = now() where k.id = found_one.id and k.revoked_at is null;
end
$$;
revoke all on function public.revoke_api_key(uuid) from public, anon, service_role;
grant execute on function public.revoke_api_key(uuid) to authenticated;

-- Replaces an own key by a new one of the same name, project, scopes and limits: {prefix, last_four, key_hash, expires_at}. The
-- old one works for `overlap` seconds more. Not an admin: the new key acts for its owner. Returns the id of the new one.
create or replace function public.rotate_api_key(api_key uuid, details jsonb, overlap integer)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.api_keys := private.require_api_key(api_key);
    given constant public.api_keys := jsonb_populate_record(found_one, coalesce(details, '{}'));
    wanted public.api_keys := found_one;
begin
    if found_one.user_id <> auth.uid() then
        raise exception 'Only its owner can rotate a key. Revoke it, and ask for another one.' using errcode = '42501';
    end if;
    if exists (select from public.api_keys as k where k.id = found_one.successor_id and k.key_hash = given.key_hash) then
        return found_one.successor_id; -- sent again
    end if;
    perform private.begin_key_change(found_one.workspace_id, 'member');
    perform private.refuse_ended_key(found_one);
    if overlap is null or overlap not between 0 and 604800 then
        raise exception 'Let the old key work for 7 days at most.' using errcode = '22023';
    end if;
    if exists (
        select from public.api_keys as k
        where k.successor_id = found_one.id and k.revoked_at is null and k.expires_at > now()
    ) then
        raise exception 'The key that this one replaced still works. Revoke it first, or wait until it ends.' using errcode = '22023';
    end if;
    wanted.id := gen_random_uuid();
    wanted.prefix := given.prefix;
    wanted.last_four := given.last_four;
    wanted.key_hash := given.key_hash;
    wanted.expires_at := given.expires_at;
    perform private.check_key_details(found_one.workspace_id, wanted);
    update public.api_keys as k
    set successor_id = wanted.id, expires_at = least(k.expires_at, now() + make_interval(secs => overlap))
    where k.id = found_one.id;
    return private.add_api_key(wanted);
end
$$;
revoke all on function public.rotate_api_key(uuid, jsonb, integer) from public, anon, service_role;
grant execute on function public.rotate_api_key(uuid, jsonb, integer) to authenticated;

-- The key with this SHA-256 and what it may do now: a viewer's key reads. None if it was revoked or has expired, if its owner
-- left or is blocked, or if its project is archived or hidden from the owner. For the operator and for what answers programs.
create or replace function private.verify_api_key(digest bytea)
returns table (
    key_id uuid,
    user_id uuid,
    workspace_id uuid,
    project_id uuid,
    name text,
    scopes text[],
    requests_per_minute integer,
    tokens_per_minute bigint
)
language plpgsql -- its plan is kept for the session
stable
rows 1
security definer -- its caller reads no table
set search_path = ''
as $$
begin
    return query
    select
        k.id, k.user_id, k.workspace_id, k.project_id, k.name, a.scopes, k.requests_per_minute, k.tokens_per_minute
    from public.api_keys as k
    inner join public.members as m on k.user_id = m.user_id and k.workspace_id = m.workspace_id
    inner join auth.users as u on k.user_id = u.id
    left join public.projects as p on k.project_id = p.id
    cross join lateral (
        select case when m.role = 'viewer' then array_remove(k.scopes, 'ingest') else k.scopes end as scopes
    ) as a
    where
        k.key_hash = digest
        and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now())
        and a.scopes <> '{}'
        -- A column that only hosted projects have.
        and coalesce((to_jsonb(u) ->> 'banned_until')::timestamptz, '-infinity') <= now()
        and (
            k.project_id is null
            or (
                p.archived_at is null
                and (
                    not p.is_private
                    or m.role in ('admin', 'owner')
                    or exists (
                        select from public.project_members as o where o.project_id = p.id and o.user_id = m.user_id
                    )
                )
            )
        );
end
$$;
revoke all on function private.verify_api_key(bytea) from public;

-- Notes that a key was used, at most once a minute; true if it did.
create or replace function private.touch_api_key(api_key uuid)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.api_keys as k
    set last_used_at = now()
    where k.id = api_key and (k.last_used_at is null or k.last_used_at <= now() - interval '1 minute');
    return found;
end
$$;
revoke all on function private.touch_api_key(uuid) from public;
