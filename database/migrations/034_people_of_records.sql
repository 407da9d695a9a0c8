-- 034_people_of_records.sql: previewing and setting aliases of people; names in records that no alias knows.

-- One alias from JSON; 22023 with a sentence that names it by its place. Whoever left the workspace keeps theirs.
create or replace function private.read_alias(tenant uuid, place integer, asked json)
returns public.person_aliases
language plpgsql
stable
set search_path = ''
as $$
declare
    alias public.person_aliases;
begin
    if json_typeof(asked) is distinct from 'object' then
        raise exception 'Alias % must be an object with value and user_id.', place using errcode = '22023';
    end if;
    alias.id := gen_random_uuid();
    alias.workspace_id := tenant;
    alias.value := lower(private.trim_text(asked ->> 'value'));
    if alias.value is null then
        raise exception 'Alias % has no value. Give an e-mail, an id or a machine''s owner.', place using errcode = '22023';
    end if;
    if length(alias.value) > 300 then
        raise exception 'The value of alias % has % characters; 300 are possible.', place, length(alias.value)
            using errcode = '22023';
    end if;
    select m.user_id
    into alias.user_id
    from (
        select w.user_id from public.members as w where w.workspace_id = tenant
        union
        select a.user_id from public.person_aliases as a where a.workspace_id = tenant
    ) as m
    where m.user_id::text = lower(asked ->> 'user_id');
    if not found then
        raise exception 'Alias % is for an account that is not a member of this workspace.', place using errcode = '22023';
    end if;
    alias.metadata := '{}';
    alias.created_at := now();
    return alias;
end
$$;
revoke all on function private.read_alias(uuid, integer, json) from public;

create or replace function private.read_aliases(tenant uuid, aliases json)
returns public.person_aliases[]
language plpgsql
stable
set search_path = ''
as $$
declare
    read_aliases public.person_aliases[];
    twice record;
begin
    if json_typeof(aliases) is distinct from 'array' then
        raise exception 'Aliases must be an array of objects.' using errcode = '22023';
    end if;
    if json_array_length(aliases) > 2000 then
        raise exception 'A workspace can have 2,000 aliases at most; these are %.', json_array_length(aliases)
            using errcode = '22023';
    end if;
    read_aliases := array(
        select private.read_alias(tenant, e.place::integer, e.asked)
        from json_array_elements(aliases) with ordinality as e (asked, place)
        order by e.place
    );
    select min(a.place) as first_place, max(a.place) as last_place
    into twice
    from unnest(read_aliases) with ordinality as a (id, workspace_id, value, user_id, metadata, created_at, place)
    group by a.value
    having count(*) > 1
    order by 2
    limit 1;
    if found then
        raise exception 'Alias % has the same value as alias %. Remove one of them.', twice.last_place, twice.first_place
            using errcode = '22023';
    end if;
    return read_aliases;
end
$$;
revoke all on function private.read_aliases(uuid, json) from public;

-- The workspace's statements of sources with their traits; of an event with several statements the record has those of the one
-- that knows best whose it is.
create or replace function private.described_people(tenant uuid, aliases public.person_aliases[])
returns table (
    is_record boolean, id uuid, at timestamptz, user_id uuid, cost_basis text, cost_usd numeric, traits private.traits
)
language plpgsql
stable
rows 100000
set search_path = ''
set work_mem = '64MB'
as $$
declare
    keys constant uuid[] := array(
        select distinct s.source_key from public.superseded_records as s where s.workspace_id = tenant
    );
begin
    return query
    select s.is_record, s.id, s.at, s.user_id, s.cost_basis, s.cost_usd, coalesce(e.traits, s.traits)
    from private.described_statements(tenant, array['person', 'source']) as s
    left join private.people_of_events(tenant, aliases, keys, '-infinity', 'infinity') as e
        on e.is_record and s.id = e.id
    where s.import_id is not null;
end
$$;
revoke all on function private.described_people(uuid, public.person_aliases[]) from public;

-- What these aliases would move. Without an alias a record is of whoever brought its source; hand entries stay whose they are.
create or replace function private.plan_aliases(tenant uuid, aliases public.person_aliases[])
returns private.filing_move[]
language plpgsql
stable
set search_path = ''
set work_mem = '64MB'
as $$
begin
    return array(
        select
            row(
                k.traits, k.user_id, private.person_of(a.user_id, k.user_id, i), k.records, k.superseded, k.billed_usd, k.estimated_usd,
                k.included_usd, k.first_at, k.last_at
            )::private.filing_move
        from (
            select
                s.traits,
                s.user_id,
                count(*) filter (where s.is_record) as records,
                count(*) filter (where not s.is_record) as superseded,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'billed'), 0) as billed_usd,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'estimated'), 0) as estimated_usd,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'included'), 0) as included_usd,
                min(s.at) filter (where s.is_record) as first_at,
                max(s.at) filter (where s.is_record) as last_at
            from private.described_people(tenant, aliases) as s
            group by s.traits, s.user_id
        ) as k
        inner join public.imports as i on (k.traits).source = i.id
        left join unnest(aliases) as a on a.value = private.clean_value('person', (k.traits).person)
        where k.user_id <> private.person_of(a.user_id, k.user_id, i)
    );
end
$$;
revoke all on function private.plan_aliases(uuid, public.person_aliases[]) from public;

-- Moves what was planned, as private.move_to_projects does.
create or replace function private.move_to_people(tenant uuid, aliases public.person_aliases[], plan private.filing_move[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set work_mem = '64MB'
as $$
begin
    if cardinality(plan) = 0 then
        return;
    end if;
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as k
    set user_id = p.to_id
    from private.described_people(tenant, aliases) as s
    inner join unnest(plan) as p on s.traits = p.traits and s.user_id = p.from_id
    where k.workspace_id = tenant and k.id = s.id and not s.is_record;
    update public.cost_records as r
    set user_id = p.to_id
    from private.described_people(tenant, aliases) as s
    inner join unnest(plan) as p on s.traits = p.traits and s.user_id = p.from_id
    where r.workspace_id = tenant and r.id = s.id and r.timestamp = s.at and s.is_record;
    perform set_config('tally.is_flagging', '', true);
end
$$;
revoke all on function private.move_to_people(uuid, public.person_aliases[], private.filing_move[]) from public;

-- What these aliases would move if they were the workspace's, as private.describe_moves.
create or replace function public.preview_aliases(workspace uuid, aliases json)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return private.describe_moves(tenant, private.plan_aliases(tenant, private.read_aliases(tenant, aliases)), 'person');
end
$$;
revoke all on function public.preview_aliases(uuid, json) from public, anon, service_role;
grant execute on function public.preview_aliases(uuid, json) to authenticated;

-- Aliases as they are sent, to compare lists.
create or replace function private.write_aliases(aliases public.person_aliases[])
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select coalesce(jsonb_object_agg(a.value, a.user_id), '{}') from unnest(aliases) as a
$$;
revoke all on function private.write_aliases(public.person_aliases[]) from public;

-- Makes these the workspace's aliases and gives its records to the people that they name, in one transaction; answers as the
-- preview. `before` is the list as the caller read it, so that nobody's change is lost.
create or replace function public.set_aliases(workspace uuid, aliases json, before json default null)
returns json
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s' -- PostgREST applies it: all records may move
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    checked public.person_aliases[];
    plan private.filing_move[];
    described json;
begin
    perform private.wait_to_file(tenant);
    checked := private.read_aliases(tenant, aliases);
    perform private.refuse_outdated(
        'names of people',
        (select coalesce(jsonb_object_agg(e ->> 'value', e ->> 'user_id'), '{}') from json_array_elements(before) as e),
        private.write_aliases(array(select a from public.person_aliases as a where a.workspace_id = tenant)),
        private.write_aliases(checked)
    )
    where before is not null;
    delete from public.person_aliases as o
    where o.workspace_id = tenant and o.value not in (select a.value from unnest(checked) as a);
    insert into public.person_aliases as o
    select a.*
    from unnest(checked) as a
    on conflict (workspace_id, value) do update
        set user_id = excluded.user_id
        where o.user_id <> excluded.user_id;
    plan := private.plan_aliases(tenant, checked);
    perform private.move_to_people(tenant, checked, plan);
    described := private.describe_moves(tenant, plan, 'person');
    perform private.audit_moves(tenant, described, 'assign_records');
    return described;
end
$$;
revoke all on function public.set_aliases(uuid, json, json) from public, anon, service_role;
grant execute on function public.set_aliases(uuid, json, json) to authenticated;

-- Names of people in records without an alias, dearest first: [{value, records, cost_usd}]. What a plan includes is no cost.
create or replace function public.unknown_people(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return (
        select
            coalesce(
                json_agg(json_build_object('value', u.value, 'records', u.records, 'cost_usd', u.cost_usd::text) order by u.nth),
                '[]'
            )
        from (
            select
                n.value, sum(n.records)::bigint as records, sum(n.cost_usd) as cost_usd,
                row_number() over (order by sum(n.cost_usd) desc, sum(n.included_usd) desc, sum(n.records) desc, n.value) as nth
            from private.name_traits(tenant, array['person'], false) as n
            where not exists (select from public.person_aliases as a where a.workspace_id = tenant and a.value = n.value)
            group by n.value
            order by nth
            limit 200
        ) as u
    );
end
$$;
revoke all on function public.unknown_people(uuid) from public, anon, service_role;
grant execute on function public.unknown_people(uuid) to authenticated;
