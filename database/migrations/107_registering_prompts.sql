-- 107_registering_prompts.sql: prompts and versions that records name, registered by the worker.

-- What records name, in order: names and versions are found one after the other, without reading the records, and the records of
-- a prompt and a period. Texts are cut, because long ones do not fit an index.
create index if not exists cost_records_prompt_idx
    on public.cost_records (
        workspace_id, left(coalesce(btrim(metadata ->> 'prompt_name'), ''), 200),
        left(coalesce(btrim(metadata ->> 'prompt_version'), ''), 100), timestamp
    )
    where metadata ? 'prompt_name';
create index if not exists superseded_records_prompt_idx
    on public.superseded_records (
        workspace_id, left(coalesce(btrim(metadata ->> 'prompt_name'), ''), 200),
        left(coalesce(btrim(metadata ->> 'prompt_version'), ''), 100), timestamp
    )
    where metadata ? 'prompt_name';

-- private.prompt_registrations: when a workspace's prompts were last registered.
create table if not exists private.prompt_registrations (
    workspace_id uuid primary key references public.workspaces (id) on delete cascade,
    registered_at timestamptz not null
);
alter table private.prompt_registrations enable row level security;
revoke all on private.prompt_registrations from public, anon, authenticated, service_role;

-- Workspaces whose sources saved since; a save that began before may have ended after, hence the minutes.
create or replace function private.unregistered_workspaces()
returns setof uuid
language sql
stable
set search_path = ''
as $$
    select i.workspace_id
    from public.imports as i
    left join private.prompt_registrations as r on i.workspace_id = r.workspace_id
    group by i.workspace_id, r.registered_at
    having r.registered_at is null or max(i.updated_at) > r.registered_at - interval '10 minutes'
$$;
revoke all on function private.unregistered_workspaces() from public;

-- Names of prompts in the records of a workspace, each with its versions and the time of the first record of each.
create or replace function private.told_prompts(tenant uuid)
returns table (name text, version text, first_at timestamptz)
language sql
stable
rows 100
set search_path = ''
set enable_seqscan = off -- by a plan from when there were few records, each step would read all of them
set enable_bitmapscan = off
as $$
    with recursive pairs as (
        (
            select
                left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200) as name,
                left(coalesce(btrim(r.metadata ->> 'prompt_version'), ''), 100) as version, r.timestamp as first_at
            from public.cost_records as r
            where r.workspace_id = tenant and r.metadata ? 'prompt_name'
            order by 1, 2, 3
            limit 1
        )
        union all
        select n.name, n.version, n.first_at
        from pairs as p
        cross join lateral (
            select
                left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200) as name,
                left(coalesce(btrim(r.metadata ->> 'prompt_version'), ''), 100) as version, r.timestamp as first_at
            from public.cost_records as r
            where
                r.workspace_id = tenant and r.metadata ? 'prompt_name'
                and (
                    left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200),
                    left(coalesce(btrim(r.metadata ->> 'prompt_version'), ''), 100)
                ) > (p.name, p.version)
            order by 1, 2, 3
            limit 1
        ) as n
    ),

    superseded as (
        (
            select
                left(coalesce(btrim(s.metadata ->> 'prompt_name'), ''), 200) as name,
                left(coalesce(btrim(s.metadata ->> 'prompt_version'), ''), 100) as version, s.timestamp as first_at
            from public.superseded_records as s
            where s.workspace_id = tenant and s.metadata ? 'prompt_name'
            order by 1, 2, 3
            limit 1
        )
        union all
        select n.name, n.version, n.first_at
        from superseded as p
        cross join lateral (
            select
                left(coalesce(btrim(s.metadata ->> 'prompt_name'), ''), 200) as name,
                left(coalesce(btrim(s.metadata ->> 'prompt_version'), ''), 100) as version, s.timestamp as first_at
            from public.superseded_records as s
            where
                s.workspace_id = tenant and s.metadata ? 'prompt_name'
                and (
                    left(coalesce(btrim(s.metadata ->> 'prompt_name'), ''), 200),
                    left(coalesce(btrim(s.metadata ->> 'prompt_version'), ''), 100)
                ) > (p.name, p.version)
            order by 1, 2, 3
            limit 1
        ) as n
    )

    select t.name, t.version, min(t.first_at)
    from (
        (select p.name, p.version, p.first_at from pairs as p limit 20000) -- each step is a look-up: it ends here
        union all
        (select s.name, s.version, s.first_at from superseded as s limit 20000)
    ) as t
    where t.name <> '' and t.name !~ '[[:cntrl:]]'
    group by t.name, t.version
$$;
revoke all on function private.told_prompts(uuid) from public;

-- The version that records name, as versions are numbered: "v8" is "8".
create or replace function private.told_version(version text)
returns text
language sql
immutable
set search_path = ''
as $$
    select regexp_replace($1, '^[vV]?0*([1-9][0-9]{0,3})$', '\1')
$$;
revoke all on function private.told_version(text) from public;

-- The project of a prompt that records name: the only one that has it; of several that are all private the first, whose people
-- alone see it. Null where anybody's records name it.
create or replace function private.project_of_prompt(tenant uuid, prompt text)
returns uuid
language sql
stable
set search_path = ''
as $$
    select case
        when count(*) = count(d.project_id) and (count(*) = 1 or bool_and(j.is_private))
            then (array_agg(d.project_id order by j.is_private desc, d.project_id))[1]
    end
    from (
        select r.project_id
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.metadata ? 'prompt_name'
            and left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200) = prompt
        union
        select s.project_id
        from public.superseded_records as s
        where
            s.workspace_id = tenant and s.metadata ? 'prompt_name'
            and left(coalesce(btrim(s.metadata ->> 'prompt_name'), ''), 200) = prompt
    ) as d
    left join public.projects as j on d.project_id = j.id
$$;
revoke all on function private.project_of_prompt(uuid, text) from public;

-- Registers a version of a prompt that records name, unless it is known: under its number where that is free, else under the next
-- one. True if it was new.
create or replace function private.register_prompt_version(prompt public.prompts, told text, first_at timestamptz)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
    newest integer;
    own_number integer;
begin
    if private.find_told_version(prompt.id, told) is not null then
        return false;
    end if;
    select coalesce(max(v.number), 0) into newest from public.prompt_versions as v where v.prompt_id = prompt.id;
    if told ~ '^[1-9][0-9]{0,3}$' then
        select told::integer into own_number
        where not exists (select from public.prompt_versions as v where v.prompt_id = prompt.id and v.number = told::integer);
    end if;
    insert into public.prompt_versions (workspace_id, prompt_id, number, told_version, created_at)
    values (
        prompt.workspace_id, prompt.id, coalesce(own_number, newest + 1), case when own_number is null then told end, first_at
    );
    return true;
end
$$;
revoke all on function private.register_prompt_version(public.prompts, text, timestamptz) from public;

create or replace function private.max_told_versions()
returns integer
language sql
immutable
set search_path = ''
as $$
    select 500
$$;
revoke all on function private.max_told_versions() from public;

-- Registers the prompts and versions that records of a workspace name; returns how many were new. Repeated, it finds none. Beyond
-- the bounds of a workspace it registers no more: their figures are told by the name in the records.
create or replace function private.register_prompts(tenant uuid)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    added integer := 0;
    room integer;
    told record;
    prompt public.prompts;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.prompts.' || tenant::text, 0));
    perform set_config('tally.is_registering', 'on', true);
    room := 2000 - (select count(*) from public.prompts as p where p.workspace_id = tenant);
    insert into public.prompts (workspace_id, project_id, name)
    select tenant, private.project_of_prompt(tenant, n.name), n.name
    from (
        select t.name, min(t.first_at) as first_at
        from private.told_prompts(tenant) as t
        where not exists (select from public.prompts as p where p.workspace_id = tenant and p.name = t.name)
        group by t.name
        order by 2, 1
        limit greatest(room, 0)
    ) as n;
    get diagnostics added = row_count;
    if added = greatest(room, 0) then
        added := added + private.replace_archived_prompts(tenant);
    end if;
    room := 10000 - (select count(*) from public.prompt_versions as v where v.workspace_id = tenant);
    for told in
        select f.*
        from (
            select
                p.id as prompt_id, private.told_version(t.version) as version, min(t.first_at) as first_at,
                (select count(*) from public.prompt_versions as v where v.prompt_id = p.id)
                + row_number() over (partition by p.id order by min(t.first_at), private.told_version(t.version)) as nth
            from private.told_prompts(tenant) as t
            inner join public.prompts as p on p.workspace_id = tenant and t.name = p.name
            where t.version <> '' and t.version !~ '[[:cntrl:]]'
                and private.find_told_version(p.id, private.told_version(t.version)) is null
            group by p.id, private.told_version(t.version)
        ) as f
        where f.nth <= private.max_told_versions()
        -- Free numbers first, so that names do not take theirs.
        order by
            f.prompt_id,
            f.version !~ '^[1-9][0-9]{0,3}$'
            or exists (select from public.prompt_versions as v where v.prompt_id = f.prompt_id and v.number::text = f.version),
            length(f.version), f.first_at, f.version
    loop
        exit when room <= 0;
        select p.* into prompt from public.prompts as p where p.id = told.prompt_id;
        if private.register_prompt_version(prompt, told.version, told.first_at) then
            added := added + 1;
            room := room - 1;
        end if;
    end loop;
    perform set_config('tally.is_registering', '', true);
    insert into private.prompt_registrations as r (workspace_id, registered_at)
    select w.id, now() from public.workspaces as w where w.id = tenant
    on conflict (workspace_id) do update set registered_at = excluded.registered_at;
    return added;
end
$$;
revoke all on function private.register_prompts(uuid) from public;
