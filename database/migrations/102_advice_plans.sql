-- 102_advice_plans.sql: what plans cost and covered, what agents were paid for, and what a change did to costs by day, as the
-- search for advice reads them.

-- What a workspace spent in a period of its days without what plans cover, its first day with usage, and how many days of the
-- period had any.
create or replace function private.advice_spend(tenant uuid, from_day date, to_day date)
returns table (spend_usd numeric, first_day date, active_days bigint)
language sql
stable
rows 1
set search_path = ''
as $$
    select
        coalesce(sum(d.total_cost_usd) filter (where d.date between from_day and to_day and d.cost_basis <> 'included'), 0),
        min(d.date) filter (where d.charge_type = 'usage'),
        count(distinct d.date) filter (where d.date between from_day and to_day and d.charge_type = 'usage')
    from private.current_days as d
    where d.workspace_id = tenant and d.date between from_day - 400 and to_day
$$;
revoke all on function private.advice_spend(uuid, date, date) from public;

-- Usage of coding agents at their providers in whole months of the workspace's zone, as objects {provider, agent, months}.
create or replace function private.advice_usages(tenant uuid, from_day date, end_day date)
returns table (usage jsonb)
language plpgsql
stable
rows 10
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    return query
    select jsonb_build_object('provider', p.name, 'agent', m.agent, 'months', jsonb_agg(m.sums order by m.month))
    from (
        select
            r.provider_id, left(btrim(r.metadata ->> 'agent'), 200) as agent,
            date_trunc('month', r.timestamp at time zone zone)::date as month,
            jsonb_build_object(
                'month', date_trunc('month', r.timestamp at time zone zone)::date,
                'paid_usd', coalesce(sum(r.cost_usd) filter (where r.cost_basis <> 'included'), 0)::text,
                'included_usd', coalesce(sum(r.cost_usd) filter (where r.cost_basis = 'included'), 0)::text,
                'unpriced', count(*) filter (where r.cost_usd is null)
            ) as sums
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.charge_type = 'usage' and r.tokens_are_effective
            and r.timestamp >= private.day_start(from_day, zone) and r.timestamp < private.day_start(end_day, zone)
            and btrim(r.metadata ->> 'agent') <> ''
            and (r.tokens_used > 0 or r.cost_usd > 0 and r.metadata -> 'inference' ->> 'status' is not null) -- as in advice_calls
        group by 1, 2, 3
    ) as m
    inner join public.providers as p on m.provider_id = p.id
    group by p.name, m.agent;
end
$$;
revoke all on function private.advice_usages(uuid, date, date) from public;

-- Active subscriptions as objects. `covers` has, by the provider of a plan, the providers whose usage it covers. Sources that
-- ever told of such usage would tell of more: on how many of the last 30 days they reported anything, the last day with such
-- usage, and its value in each whole month in which they reported on 15 days.
create or replace function private.advice_plans(tenant uuid, today date, covers jsonb)
returns table (plan jsonb)
language plpgsql
stable
rows 10
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    zone constant text := private.timezone_of(tenant);
    month_start constant date := date_trunc('month', today)::date;
begin
    return query
    with active as materialized (
        select
            s.id, s.user_id, s.plan_name, s.started_on, p.name as provider,
            case when s.interval = 'year' then round(s.amount_usd / 12, 10) else s.amount_usd end as monthly_usd,
            array(
                select c.id
                from public.providers as c
                where c.name = p.name or c.name in (select v.name from jsonb_array_elements_text(covers -> p.name) as v (name))
            ) as covered
        from public.subscriptions as s
        inner join public.providers as p on s.provider_id = p.id
        where s.workspace_id = tenant and s.started_on <= today and (s.ended_on is null or s.ended_on > today)
    ),

    days as materialized ( -- of sources that ever told of usage that a plan covers
        select
            r.import_id, r.provider_id, (r.timestamp at time zone zone)::date as day,
            count(*) filter (where r.cost_basis = 'included') as included,
            coalesce(sum(r.cost_usd) filter (where r.cost_basis = 'included' and r.tokens_are_effective), 0) as included_usd,
            count(*) filter (where r.cost_basis = 'included' and r.cost_usd is null) as unpriced
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.import_id is not null and r.charge_type = 'usage'
            and r.timestamp >= private.day_start(today - 365, zone) and r.timestamp < private.day_start(today, zone)
            and exists (select from active)
        group by 1, 2, 3
    )

    select
        jsonb_build_object(
            'id', a.id, 'person_id', a.user_id, 'provider', a.provider, 'name', a.plan_name, 'monthly_usd', a.monthly_usd::text,
            'started_on', a.started_on, 'covered_days', o.covered_days, 'last_used', o.last_used, 'months', m.months
        )
    from active as a
    cross join lateral (
        select array(
            select distinct d.import_id from days as d where d.provider_id = any (a.covered) and d.included > 0
        ) as sources
    ) as w
    cross join lateral (
        select
            count(distinct d.day) filter (where d.day > today - 31) as covered_days,
            max(d.day) filter (where d.provider_id = any (a.covered) and d.included > 0) as last_used
        from days as d
        where d.import_id = any (w.sources)
    ) as o
    cross join lateral (
        select coalesce(jsonb_agg(to_jsonb(k) - 'days' order by k.month), '[]') as months
        from (
            select
                date_trunc('month', d.day)::date as month, '0' as paid_usd, count(distinct d.day) as days,
                coalesce(sum(d.included_usd) filter (where d.provider_id = any (a.covered)), 0)::text as included_usd,
                coalesce(sum(d.unpriced) filter (where d.provider_id = any (a.covered)), 0) as unpriced
            from days as d
            where
                d.import_id = any (w.sources) and d.day < month_start and d.day >= month_start - interval '3 months'
                and date_trunc('month', d.day) >= a.started_on
            group by 1
            having count(distinct d.day) >= 15
        ) as k
    ) as m;
end
$$;
revoke all on function private.advice_plans(uuid, date, jsonb) from public;

-- Costs by day and model of what advice is about, in a period of days of the workspace's zone: records of its project, or of
-- none, of its agent (an empty one is none), if it names any, and of one of its models. What has no price is left out.
create or replace function private.advice_days(tenant uuid, from_day date, end_day date, subject jsonb)
returns table (day date, provider text, model_name text, cost_usd numeric, requests bigint)
language plpgsql
stable
rows 200
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    zone constant text := private.timezone_of(tenant);
    only_project constant uuid := (subject ->> 'project_id')::uuid;
    only_agent constant text := subject ->> 'agent';
    models constant text[] := array_remove(array[subject ->> 'model', subject ->> 'to_model'], null);
begin
    return query
    select (c.at at time zone zone)::date, p.name, c.model_name, sum(c.cost_usd), sum(c.requests)::bigint
    from private.advice_calls(tenant, private.day_start(from_day, zone), private.day_start(end_day, zone)) as c
    inner join public.providers as p on c.provider_id = p.id
    where
        c.cost_usd is not null
        and c.project = coalesce(only_project, '00000000-0000-0000-0000-000000000000')
        and (only_agent is null or c.agent = only_agent)
        and (cardinality(models) = 0 or c.model_name = any (models))
    group by 1, 2, 3
    order by 1, 2, 3;
end
$$;
revoke all on function private.advice_days(uuid, date, date, jsonb) from public;

-- The value of what plans covered of an agent's usage at a provider, by day of the workspace's zone.
create or replace function private.advice_worth(tenant uuid, from_day date, end_day date, provider text, agent text)
returns table (day date, included_usd numeric)
language plpgsql
stable
rows 60
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    return query
    select (r.timestamp at time zone zone)::date, coalesce(sum(r.cost_usd), 0)
    from public.cost_records as r
    inner join public.providers as p on r.provider_id = p.id
    where
        r.workspace_id = tenant and r.charge_type = 'usage' and r.tokens_are_effective and r.cost_basis = 'included'
        and r.timestamp >= private.day_start(from_day, zone) and r.timestamp < private.day_start(end_day, zone)
        and p.name = $4 and left(btrim(r.metadata ->> 'agent'), 200) = $5
    group by 1
    order by 1;
end
$$;
revoke all on function private.advice_worth(uuid, date, date, text, text) from public;
