-- 087_idle_findings.sql: what is paid for or open without use: keys and connections without data, agents and environments that
-- never succeed. Jobs raise them as events; nothing here changes anything.

-- Working keys that no program used for some days, since their last use or else their making.
create or replace function private.idle_keys(tenant uuid, as_of timestamptz, idle_days integer)
returns table (id uuid, name text, user_id uuid, since timestamptz, was_used boolean)
language sql
stable
set search_path = ''
as $$
    select k.id, k.name, k.user_id, coalesce(k.last_used_at, k.created_at), k.last_used_at is not null
    from public.api_keys as k
    where
        k.workspace_id = tenant
        and k.revoked_at is null
        and k.successor_id is null
        and (k.expires_at is null or k.expires_at > as_of)
        and coalesce(k.last_used_at, k.created_at) <= as_of - make_interval(days => idle_days)
$$;
revoke all on function private.idle_keys(uuid, timestamptz, integer) from public;

-- Active connections that were synced of late, and whose source has no record of some days: since the last one, or else since
-- they were made.
create or replace function private.idle_connections(tenant uuid, as_of timestamptz, idle_days integer)
returns table (id uuid, name text, provider text, since timestamptz, had_records boolean, problem text)
language sql
stable
set search_path = ''
as $$
    select c.id, c.credential_name, p.display_name, coalesce(l.last_at, c.created_at), l.last_at is not null, c.last_error
    from public.api_credentials as c
    inner join public.providers as p on c.provider_id = p.id
    left join public.imports as i on c.workspace_id = i.workspace_id and c.id = i.credential_id
    cross join lateral (
        select max(s.timestamp) as last_at
        from (
            select r.timestamp from public.cost_records as r where r.import_id = i.id and r.timestamp <= as_of
            union all
            select k.timestamp
            from public.superseded_records as k
            where k.workspace_id = tenant and k.import_id = i.id and k.timestamp <= as_of
        ) as s
    ) as l
    where
        c.workspace_id = tenant
        and c.is_active
        and c.metadata ->> 'reads' is distinct from 'jobs' -- which bring no records
        and c.last_sync_at > as_of - interval '7 days'
        and c.created_at <= as_of - make_interval(days => idle_days)
        and coalesce(l.last_at, c.created_at) <= as_of - make_interval(days => idle_days)
$$;
revoke all on function private.idle_connections(uuid, timestamptz, integer) from public;

-- Agents, environments and containers all of whose calls failed in some days, if they were some calls at least. A call whose
-- outcome nobody told may have succeeded, and what a plan pays costs nothing. The person is the only one whose calls they are,
-- where people are not told apart any of them; the project is a private one if there is any, so that the event stays hidden.
create or replace function private.failing_values(tenant uuid, as_of timestamptz, window_days integer, least_calls integer)
returns table (dimension text, value text, calls bigint, cost_usd numeric, user_id uuid, project_id uuid)
language plpgsql
stable
rows 10
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    tells_people constant boolean := (select w.person_split = 'everyone' from public.workspaces as w where w.id = tenant);
begin
    return query
    select
        c.dimension,
        c.value,
        count(*),
        coalesce(sum(c.cost_usd), 0),
        case when not tells_people or count(distinct c.user_id) = 1 then (min(c.user_id::text))::uuid end,
        (
            coalesce(
                min(c.project_id::text) filter (where p.is_private),
                case when count(distinct c.project_id) = 1 and count(c.project_id) = count(*) then min(c.project_id::text) end
            )
        )::uuid
    from (
        select
            v.dimension,
            left(btrim(v.value), 200) as value,
            case when r.money_is_effective and r.cost_basis <> 'included' then r.cost_usd end as cost_usd,
            r.user_id, r.project_id,
            coalesce(r.metadata -> 'inference' ->> 'status' in ('error', 'timeout', 'rate_limited'), false) as has_failed
        from public.cost_records as r
        cross join lateral (
            values
            ('agent', r.metadata ->> 'agent'), ('environment', r.metadata ->> 'environment'),
            ('container', r.metadata ->> 'container')
        ) as v (dimension, value)
        where
            r.workspace_id = tenant and r.timestamp > as_of - make_interval(days => window_days) and r.timestamp <= as_of
            and v.value <> ''
    ) as c
    left join public.projects as p on p.workspace_id = tenant and c.project_id = p.id
    where c.value <> ''
    group by c.dimension, c.value
    having count(*) >= least_calls and bool_and(c.has_failed);
end
$$;
revoke all on function private.failing_values(uuid, timestamptz, integer, integer) from public;
