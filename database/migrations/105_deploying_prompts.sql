-- 105_deploying_prompts.sql: which versions of a prompt an environment is given, rolling back, and what is deployed.

-- The slots of a version from one place on up to another, counted from its first.
create or replace function private.slots_between(slots int4multirange, first_place integer, last_place integer)
returns int4multirange
language sql
immutable
set search_path = ''
as $$
    select
        coalesce(
            range_agg(
                int4range(
                    lower(p.slot) + greatest(first_place - p.skipped, 0)::integer,
                    least(upper(p.slot), lower(p.slot) + (last_place - p.skipped)::integer)
                )
            ), '{}'
        )
    from (
        select
            r.slot,
            sum(upper(r.slot) - lower(r.slot)) over (order by r.slot) - (upper(r.slot) - lower(r.slot)) as skipped
        from unnest(slots) as r (slot)
    ) as p
    where p.skipped < last_place and p.skipped + upper(p.slot) - lower(p.slot) > first_place
$$;
revoke all on function private.slots_between(int4multirange, integer, integer) from public;

-- The slots of each version that an environment is given now.
create or replace function private.live_slots(of_prompt uuid, environment text)
returns table (version_id uuid, number integer, slots int4multirange)
language sql
stable
set search_path = ''
as $$
    select
        d.version_id, v.number,
        coalesce(
            d.slots,
            int4multirange(
                int4range(
                    (sum(d.share * 100) over (order by v.number) - d.share * 100)::integer,
                    (sum(d.share * 100) over (order by v.number))::integer
                )
            )
        )
    from public.prompt_deployments as d
    inner join public.prompt_versions as v on d.version_id = v.id
    where d.prompt_id = of_prompt and d.environment = $2 and d.to_at is null
$$;
revoke all on function private.live_slots(uuid, text) from public;

-- Slots for the shares of a new split: a version keeps those that it has, as many as its share allows, and those that are free
-- then go to the versions that lack some. So no more keys move than the shares ask for, however many versions there are.
create or replace function private.share_slots(prompt public.prompts, environment text, shares jsonb)
returns table (version_id uuid, share numeric, slots int4multirange)
language sql
stable
set search_path = ''
as $$
    with wanted as (
        select
            private.require_prompt_version(prompt, s.key::integer) as id, s.key::integer as number, s.value::numeric as share,
            (s.value::numeric * 100)::integer as size
        from jsonb_each_text($3) as s
        where s.value::numeric > 0
    ),

    kept as materialized (
        select w.id, w.number, w.share, w.size, private.slots_between(coalesce(l.slots, '{}'), 0, w.size) as slots
        from wanted as w
        left join private.live_slots(prompt.id, $2) as l on w.id = l.version_id
    ),

    lacking as (
        select
            k.*,
            k.size - (select coalesce(sum(upper(r.slot) - lower(r.slot)), 0) from unnest(k.slots) as r (slot))::integer as missing
        from kept as k
    )

    select
        l.id, l.share,
        l.slots + private.slots_between(
            '{[0,10000)}'::int4multirange - (select coalesce(range_agg(k.slots), '{}') from kept as k),
            (sum(l.missing) over (order by l.number) - l.missing)::integer, (sum(l.missing) over (order by l.number))::integer
        )
    from lacking as l
$$;
revoke all on function private.share_slots(public.prompts, text, jsonb) from public;

-- Opens rows of an environment with these shares by version number, and closes those before. `source` is the beginning of the
-- deployment that is rolled back to: keys get the versions that they had then.
create or replace function private.open_deployment(
    prompt public.prompts, environment text, shares jsonb, source timestamptz default null
)
returns void
language plpgsql
set search_path = ''
as $$
declare
    -- After all rows before, also those of this transaction: rows of one deployment begin at the same instant.
    at constant timestamptz := greatest(
        clock_timestamp(),
        (
            select max(d.from_at) + interval '1 microsecond'
            from public.prompt_deployments as d
            where d.prompt_id = prompt.id and d.environment = $2
        )
    );
    rows constant jsonb := (
        select jsonb_agg(to_jsonb(s)) from private.share_slots(prompt, $2, shares) as s -- before the rows that it reads are closed
    );
begin
    update public.prompt_deployments as d
    set to_at = at
    where d.prompt_id = prompt.id and d.environment = $2 and d.to_at is null;
    insert into public.prompt_deployments (
        workspace_id, prompt_id, environment, version_id, share, slots, from_at, deployed_by, metadata
    )
    select
        prompt.workspace_id, prompt.id, $2, s.version_id, s.share, case when source is null then s.slots else b.slots end, at,
        auth.uid(), case when source is null then '{}' else jsonb_build_object('rolled_back_to', source) end
    from jsonb_to_recordset(rows) as s (version_id uuid, share numeric, slots int4multirange)
    left join public.prompt_deployments as b
        on b.prompt_id = prompt.id and b.environment = $2 and b.from_at = source and b.version_id = s.version_id;
end
$$;
revoke all on function private.open_deployment(public.prompts, text, jsonb, timestamptz) from public;

-- 22023 for shares that are none, or do not add up to 100%.
create or replace function private.check_shares(shares jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    total numeric;
begin
    if
        jsonb_typeof(shares) is distinct from 'object'
        or (select count(*) not between 1 and 20 from jsonb_object_keys(shares))
        or exists (
            select
            from jsonb_each(shares) as s
            where s.key !~ '^[1-9][0-9]{0,5}$' or jsonb_typeof(s.value) <> 'number'
        )
    then
        raise exception 'Give up to 20 versions by number, each with its share of the traffic in percent.' using errcode = '22023';
    end if;
    if exists (select from jsonb_each_text(shares) as s where s.value::numeric not between 0 and 100) then
        raise exception 'A share is 0 to 100%%.' using errcode = '22023';
    end if;
    if exists (select from jsonb_each_text(shares) as s where s.value::numeric <> round(s.value::numeric, 2)) then
        raise exception 'Give shares with two decimals at most.' using errcode = '22023';
    end if;
    total := (select trim_scale(sum(s.value::numeric)) from jsonb_each_text(shares) as s);
    if total <> 100 then
        raise exception 'These shares add up to %, not to 100%%.', total || '%' using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_shares(jsonb) from public;

-- The split of an environment at an instant: its beginning, its shares by version number, and what it was rolled back to.
create or replace function private.split_at(of_prompt uuid, environment text, instant timestamptz)
returns table (from_at timestamptz, shares jsonb, source timestamptz)
language sql
stable
set search_path = ''
as $$
    select d.from_at, jsonb_object_agg(v.number::text, trim_scale(d.share)), max((d.metadata ->> 'rolled_back_to')::timestamptz)
    from public.prompt_deployments as d
    inner join public.prompt_versions as v on d.version_id = v.id
    where
        d.prompt_id = of_prompt and d.environment = $2
        and d.from_at = (
            select max(o.from_at)
            from public.prompt_deployments as o
            where o.prompt_id = of_prompt and o.environment = $2 and o.from_at <= instant
        )
    group by d.from_at
$$;
revoke all on function private.split_at(uuid, text, timestamptz) from public;

-- The split that ran before the one that runs; rolled back twice, the one before that. No row where there is none.
create or replace function private.split_before(of_prompt uuid, environment text)
returns table (from_at timestamptz, shares jsonb)
language sql
stable
set search_path = ''
as $$
    select b.from_at, b.shares
    from private.split_at(of_prompt, $2, 'infinity') as c
    cross join lateral private.split_at(of_prompt, $2, coalesce(c.source, c.from_at) - interval '1 microsecond') as b
$$;
revoke all on function private.split_before(uuid, text) from public;

-- Gives an environment versions of a prompt by their shares, {"7": 90, "8": 10}: {environment, shares, is_new}.
create or replace function public.deploy_prompt(workspace uuid, prompt text, environment text, shares jsonb)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    deployed constant public.prompts := private.require_prompt(tenant, $2, true);
    before jsonb;
    after jsonb;
begin
    if coalesce($3 !~ '^[a-z0-9][a-z0-9._-]{0,49}$' or $3 = 'latest', true) then
        raise exception 'Name the environment with small letters, digits, dots and hyphens, such as production.'
            using errcode = '22023';
    end if;
    perform private.check_shares($4);
    after := (
        select jsonb_object_agg(s.key, trim_scale(s.value::numeric)) from jsonb_each_text($4) as s where s.value::numeric > 0
    );
    before := (select s.shares from private.split_at(deployed.id, $3, 'infinity') as s);
    if before is distinct from after then
        perform private.open_deployment(deployed, $3, after);
    end if;
    return json_build_object('environment', $3, 'shares', after, 'is_new', before is distinct from after);
end
$$;
revoke all on function public.deploy_prompt(uuid, text, text, jsonb) from public, anon, service_role;
grant execute on function public.deploy_prompt(uuid, text, text, jsonb) to authenticated;

-- Deploys once more what an environment was given before: {environment, shares}. Nothing is deleted.
create or replace function public.roll_back_prompt(workspace uuid, prompt text, environment text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    deployed constant public.prompts := private.require_prompt(tenant, $2, true);
    before record;
begin
    select b.from_at, b.shares into before from private.split_before(deployed.id, $3) as b;
    if before.shares is null then
        raise exception 'Nothing ran before that in %. Deploy a version instead.', coalesce(left($3, 50), 'this environment')
            using errcode = '22023';
    end if;
    perform private.open_deployment(deployed, $3, before.shares, before.from_at);
    return json_build_object('environment', $3, 'shares', before.shares);
end
$$;
revoke all on function public.roll_back_prompt(uuid, text, text) from public, anon, service_role;
grant execute on function public.roll_back_prompt(uuid, text, text) to authenticated;

-- What runs of a prompt: [{environment, from_at, shares, before}], by environment.
create or replace function private.describe_live(of_prompt uuid)
returns json
language sql
stable
set search_path = ''
as $$
    select coalesce(
        json_agg(
            json_build_object('environment', e.environment, 'from_at', s.from_at, 'shares', s.shares, 'before', b.shares)
            order by e.environment = 'production' desc, e.environment
        ), '[]'
    )
    from (
        select distinct d.environment from public.prompt_deployments as d where d.prompt_id = of_prompt
    ) as e
    cross join lateral private.split_at(of_prompt, e.environment, 'infinity') as s
    left join lateral private.split_before(of_prompt, e.environment) as b on true
$$;
revoke all on function private.describe_live(uuid) from public;
