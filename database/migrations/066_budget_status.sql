-- 066_budget_status.sql: what is spent of budgets, exact at every moment, and their facts for pages, alerts and commands.

-- True for a budget of a scope that the sums of days do not tell apart.
create or replace function private.is_of_records(b public.budgets)
returns boolean
language plpgsql -- its plan is kept
immutable
set search_path = ''
as $$
begin
    return num_nonnulls(b.tag, b.billing_account, b.agent, b.environment, b.customer) > 0;
end
$$;
revoke all on function private.is_of_records(public.budgets) from public;

-- Budgets with their current period, the one before it, and the instants between which their records are.
create or replace function private.budgets_at(tenant uuid, as_of timestamptz, with_previous boolean)
returns table (
    id uuid, workspace_id uuid, project_id uuid, provider_id uuid, model_name text, user_id uuid, billing_account text, tag text,
    agent text, environment text, customer text, of_records boolean, measure text, counts_subscriptions boolean,
    counts_tax boolean, zone text, since date, today date, this daterange, before daterange
)
language plpgsql -- its plan is kept
stable
rows 10
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        b.id, b.workspace_id, b.project_id, b.provider_id, b.model_name, b.user_id, b.billing_account, b.tag, b.agent,
        b.environment, b.customer, private.is_of_records(b), b.measure, b.counts_subscriptions, b.counts_tax, w.timezone,
        lower(case when with_previous then p.before else c.this end), t.today, c.this, p.before
    from public.budgets as b
    inner join public.workspaces as w on b.workspace_id = w.id
    cross join lateral (select (as_of at time zone w.timezone)::date as today) as t
    cross join lateral (select private.budget_period(b.period, b.starts_on_day, t.today) as this) as c
    cross join lateral (select private.budget_period(b.period, b.starts_on_day, lower(c.this) - 1) as before) as p
    where b.workspace_id = tenant;
end
$$;
revoke all on function private.budgets_at(uuid, timestamptz, boolean) from public;

-- Money or tokens of a workspace's budgets by day, from the sums of days: those of the daily view, folded ones, and stale ones
-- from the records, as pages read them. What a plan includes is worth, not money; its tokens are tokens.
create or replace function private.budget_days(tenant uuid, as_of timestamptz, with_previous boolean)
returns table (budget_id uuid, day date, amount numeric)
language plpgsql
stable
rows 100
set search_path = ''
set plan_cache_mode = force_generic_plan -- planned for all workspaces at once, they took minutes instead of seconds
as $$
declare
    first_day date;
    last_day date;
    stale private.stale_days[];
    outdated date[];
begin
    select min(a.since), max(a.today) into first_day, last_day
    from private.budgets_at(tenant, as_of, with_previous) as a
    where not a.of_records;
    stale := private.stale_days_of(tenant, first_day, last_day);
    outdated := private.outdated_days(tenant, first_day, last_day, stale);
    return query
    with days as materialized (
        select
            d.date, d.provider_id, d.project_id, d.user_id, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd,
            d.total_tokens
        from private.cost_records_daily as d
        where d.workspace_id = tenant and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
        union all
        select
            f.date, f.provider_id, f.project_id, f.user_id, f.model_name, f.cost_basis, f.charge_type, f.total_cost_usd,
            f.total_tokens
        from private.outdated_totals(tenant, outdated, stale) as f
        where cardinality(outdated) > 0
    )

    select a.id, d.date, coalesce(sum(case a.measure when 'tokens' then d.total_tokens else d.total_cost_usd end), 0)
    from private.budgets_at(tenant, as_of, with_previous) as a
    inner join days as d
        on d.date >= a.since and d.date <= a.today
        and (a.provider_id is null or d.provider_id = a.provider_id)
        and (a.project_id is null or d.project_id = a.project_id)
        and (a.user_id is null or d.user_id = a.user_id)
        and (a.model_name is null or d.model_name = a.model_name)
    where
        not a.of_records
        and (a.measure = 'tokens' or d.cost_basis <> 'included')
        and (a.counts_subscriptions or d.charge_type <> 'subscription')
        and (a.counts_tax or d.charge_type <> 'tax')
    group by a.id, d.date;
end
$$;
revoke all on function private.budget_days(uuid, timestamptz, boolean) from public;

-- True if metadata has the tag, alone or in its list.
create or replace function private.has_tag(metadata jsonb, tag text)
returns boolean
language plpgsql -- its plan is kept
immutable
set search_path = ''
as $$
declare
    tags constant jsonb := coalesce(nullif(metadata -> 'tags', '[]'), metadata -> 'tag');
begin
    if jsonb_typeof(tags) = 'array' then
        return tags ? $2 or exists (select from jsonb_array_elements_text(tags) as e (tag) where e.tag = $2);
    end if;
    return coalesce(tags #>> '{}' = $2, false);
end
$$;
revoke all on function private.has_tag(jsonb, text) from public;

-- The same of budgets whose scope no sum of days has: from the records of the period.
create or replace function private.budget_record_days(tenant uuid, as_of timestamptz, with_previous boolean)
returns table (budget_id uuid, day date, amount numeric)
language plpgsql
stable
rows 100
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        a.id,
        (r.timestamp at time zone a.zone)::date,
        coalesce(
            sum(
                case
                    when a.measure = 'tokens' then case when r.tokens_are_effective then r.tokens_used else 0 end
                    when r.money_is_effective then r.cost_usd
                end
            ), 0
        )
    from (
        select b.*, private.day_start(b.since, b.zone) as ts_from, private.day_start(b.today + 1, b.zone) as ts_to
        from private.budgets_at(tenant, as_of, with_previous) as b
        where b.of_records
    ) as a
    inner join public.cost_records as r
        on r.workspace_id = tenant and r.timestamp >= a.ts_from and r.timestamp < a.ts_to
        and (a.billing_account is null or r.billing_account = a.billing_account)
        and (a.tag is null or private.has_tag(r.metadata, a.tag))
        and private.has_dimensions(r.metadata, a.agent, a.environment, a.customer)
        and (a.provider_id is null or r.provider_id = a.provider_id)
        and (a.project_id is null or r.project_id = a.project_id)
        and (a.user_id is null or r.user_id = a.user_id)
        and (a.model_name is null or r.model_name = a.model_name)
    where
        (a.measure = 'tokens' or r.cost_basis <> 'included')
        and (a.counts_subscriptions or r.charge_type <> 'subscription')
        and (a.counts_tax or r.charge_type <> 'tax')
    group by a.id, (r.timestamp at time zone a.zone)::date;
end
$$;
revoke all on function private.budget_record_days(uuid, timestamptz, boolean) from public;

-- A stored forecast as JSON; amounts are texts, since a float would round them.
create or replace function private.describe_forecast(f private.budget_forecasts)
returns json
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    if f.budget_id is null then
        return null;
    end if;
    return json_build_object(
        'made_on', f.made_on, 'made_at', f.made_at, 'days', to_json(f.days::text[]), 'quantiles', to_json(f.quantiles::text[])
    );
end
$$;
revoke all on function private.describe_forecast(private.budget_forecasts) from public;

-- The facts of budgets as of an instant, from which tally/budgets/status.py calculates the rest: amounts by day from the first of
-- the period before, what the newest run predicts, and what the last one did that was made an hour or more before.
create or replace function private.budget_facts(
    tenants uuid[], as_of timestamptz, with_previous boolean, with_records boolean, wanted uuid[]
)
returns table (workspace_id uuid, budget_id uuid, facts json)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    tenant uuid;
begin
    foreach tenant in array tenants loop
        return query
        with spent as materialized (
            select s.budget_id, json_object_agg(s.day, s.amount::text) as days
            from (
                select d.* from private.budget_days(tenant, as_of, with_previous) as d
                union all
                select d.* from private.budget_record_days(tenant, as_of, with_previous) as d where with_records
            ) as s
            group by s.budget_id
        )

        select
            b.workspace_id, b.id,
            json_build_object(
                'id', b.id, 'name', b.name, 'project_id', b.project_id, 'project', j.name, 'provider_id', b.provider_id,
                'provider', p.name, 'model_name', b.model_name, 'user_id', b.user_id, 'person', u.email,
                'billing_account', b.billing_account, 'tag', b.tag, 'agent', b.agent,
                'environment', b.environment, 'customer', b.customer, 'measure', b.measure, 'amount', b.amount::text,
                'currency', b.currency, 'period', b.period, 'starts_on_day', b.starts_on_day,
                'counts_subscriptions', b.counts_subscriptions, 'counts_tax', b.counts_tax, 'paused_at', b.paused_at,
                'created_at', b.created_at, 'today', a.today, 'period_start', lower(a.this), 'period_end', upper(a.this) - 1,
                'previous_start', lower(a.before), 'previous_end', upper(a.before) - 1, 'days', s.days,
                'thresholds', (
                    select
                        json_agg(
                            json_build_object(
                                'id', t.id, 'kind', t.kind, 'percent', t.percent,
                                'since', (t.created_at at time zone a.zone)::date
                            ) order by t.kind, t.percent
                        )
                    from public.budget_thresholds as t
                    where t.budget_id = b.id
                ),
                'channels', (select json_agg(c.channel_id) from public.budget_channels as c where c.budget_id = b.id),
                'forecast', private.describe_forecast(f), 'earlier_forecast', private.describe_forecast(e)
            )
        from private.budgets_at(tenant, as_of, with_previous) as a
        inner join public.budgets as b on a.id = b.id
        left join spent as s on b.id = s.budget_id
        left join public.projects as j on b.project_id = j.id
        left join public.providers as p on b.provider_id = p.id
        left join auth.users as u on b.user_id = u.id
        left join lateral (
            select n.*
            from private.budget_forecasts as n
            where n.budget_id = b.id and n.period_start = lower(a.this) and n.made_on <= a.today
            order by n.made_on desc, n.made_at desc
            limit 1
        ) as f on true
        left join lateral (
            select n.*
            from private.budget_forecasts as n
            where n.budget_id = b.id and n.period_start = lower(a.this) and n.made_at <= f.made_at - interval '1 hour'
            order by n.made_at desc
            limit 1
        ) as e on true
        where
            (wanted is null or b.id = any (wanted))
            and (with_records or not a.of_records);
    end loop;
end
$$;
revoke all on function private.budget_facts(uuid[], timestamptz, boolean, boolean, uuid[]) from public;

-- The budgets of a workspace that the caller may see, by name: as the policies of public.budgets say.
create or replace function public.budget_status(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    is_admin constant boolean := exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant);
    shows_totals constant boolean := private.only_own_totals(tenant) is null;
    hidden constant uuid[] := array(select private.hidden_projects());
    visible constant uuid[] := array(
        select b.id
        from public.budgets as b
        where
            b.workspace_id = tenant
            and (is_admin or b.user_id = auth.uid() or (b.user_id is null and shows_totals))
            and (b.project_id is null or b.project_id <> all (hidden))
    );
begin
    if cardinality(visible) = 0 then
        return json '[]';
    end if;
    return (
        select coalesce(json_agg(f.facts order by f.facts ->> 'name', f.budget_id), '[]')
        from private.budget_facts(array[tenant], now(), true, true, visible) as f
    );
end
$$;
revoke all on function public.budget_status(uuid) from public, anon, service_role;
grant execute on function public.budget_status(uuid) to authenticated;
