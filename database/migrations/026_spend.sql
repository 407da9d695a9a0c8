-- 026_spend.sql: totals, top models, model names, and the view of what is effective.

-- The records as they count in totals, for direct readers: figures of a statement that is not effective are 0.
create or replace view public.effective_records
with (security_invoker = true) as
select
    r.id,
    r.workspace_id,
    r.user_id,
    r.project_id,
    r.project_chosen_by,
    r.provider_id,
    r.import_id,
    r.subscription_id,
    r.source_key,
    r.request_id,
    r.timestamp,
    r.day,
    r.model_name,
    r.model_key,
    r.billing_account,
    r.dataset,
    case when r.money_is_effective then r.cost_usd else 0.0000000000 end as cost_usd,
    case when r.tokens_are_effective then r.tokens_used else 0 end as tokens_used,
    case when r.tokens_are_effective then r.input_tokens else 0 end as input_tokens,
    case when r.tokens_are_effective then r.output_tokens else 0 end as output_tokens,
    case when r.tokens_are_effective then r.cached_input_tokens else 0 end as cached_input_tokens,
    case when r.tokens_are_effective then r.cache_write_tokens else 0 end as cache_write_tokens,
    case when r.tokens_are_effective then r.reasoning_tokens else 0 end as reasoning_tokens,
    case when r.tokens_are_effective then r.request_count else 0 end as request_count,
    r.collection_method,
    r.cost_basis,
    r.charge_type,
    r.metadata,
    r.money_is_effective,
    r.tokens_are_effective,
    r.created_at,
    r.updated_at
from public.cost_records as r;
revoke all on public.effective_records from anon, authenticated, service_role;
grant select on public.effective_records to authenticated, service_role;

-- 42501 unless the caller is a member of the workspace or a service.
create or replace function private.check_may_read(tenant uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    -- Without claims the connection's own role decides: the job connects as `postgres` and sets none.
    if
        tenant is null
        or (
            not exists (select from private.workspaces_as('viewer') as w (id) where w.id = tenant)
            and coalesce(auth.role(), current_setting('role')) not in ('service_role', 'none', session_user)
        )
    then
        raise exception 'You may only ask about your own spend.' using errcode = '42501';
    end if;
end
$$;
revoke all on function private.check_may_read(uuid) from public;

-- What was spent in [since, until): records, and sums of archived days that begin in it. What plans include is worth, not money.
create or replace function private.spent(tenant uuid, since timestamptz, until timestamptz)
returns table (user_id uuid, provider_id uuid, model_name text, cost_usd numeric, tokens_used numeric, request_count numeric)
language sql
stable
set search_path = ''
as $$
    select r.user_id, r.provider_id, r.model_name, r.cost_usd, r.tokens_used, r.request_count
    from public.effective_records as r
    where
        r.workspace_id = tenant
        and r.timestamp >= since
        and r.timestamp < until
        and r.cost_basis <> 'included'
    union all
    select a.user_id, a.provider_id, a.model_name, a.total_cost_usd, a.total_tokens, a.total_requests
    from private.archived_days as a
    inner join public.workspaces as w on a.workspace_id = w.id
    where
        a.workspace_id = tenant
        and private.day_start(a.date, w.timezone) >= since
        and private.day_start(a.date, w.timezone) < until
        and a.cost_basis <> 'included'
$$;
revoke all on function private.spent(uuid, timestamptz, timestamptz) from public;

-- Money spent in [since, until).
create or replace function private.total_spend(tenant uuid, since timestamptz, until timestamptz)
returns numeric
language plpgsql
stable
set search_path = ''
as $$
declare
    only_user constant uuid := private.only_own_totals(tenant);
begin
    perform private.check_may_read(tenant);
    return (
        select coalesce(sum(r.cost_usd), 0)
        from private.spent(tenant, since, until) as r
        where only_user is null or r.user_id = only_user
    );
end
$$;
revoke all on function private.total_spend(uuid, timestamptz, timestamptz) from public;

-- The API's names for it: "end" and "limit" are words of PL/pgSQL itself, so they stay out of the functions that do the work.
-- user_id may be any workspace's id; a user's own id is the id of the personal workspace.
create or replace function public.get_user_total_spend(user_id uuid, start timestamptz, "end" timestamptz)
returns numeric
language sql
stable
security definer
set search_path = ''
as $$
    select private.total_spend($1, $2, $3)
$$;
revoke all on function public.get_user_total_spend(uuid, timestamptz, timestamptz) from public, anon;
grant execute on function public.get_user_total_spend(uuid, timestamptz, timestamptz) to authenticated, service_role;

-- The models that cost most in [since, until), with their share of the money in percent.
create or replace function private.top_models(tenant uuid, since timestamptz, until timestamptz, at_most integer)
returns table (
    model_name text, provider text, total_cost_usd numeric, total_tokens numeric, total_requests numeric, share numeric
)
language plpgsql
stable
set search_path = ''
as $$
declare
    only_user constant uuid := private.only_own_totals(tenant);
begin
    perform private.check_may_read(tenant);
    return query
    select
        r.model_name,
        p.name,
        coalesce(sum(r.cost_usd), 0),
        sum(r.tokens_used),
        sum(r.request_count),
        round(100 * coalesce(sum(r.cost_usd), 0) / nullif(sum(sum(r.cost_usd)) over (), 0), 4)
    from private.spent(tenant, since, until) as r
    inner join public.providers as p on r.provider_id = p.id
    where only_user is null or r.user_id = only_user
    group by r.model_name, p.name
    order by 3 desc, r.model_name, p.name
    limit greatest(least(at_most, 1000), 0);
end
$$;
revoke all on function private.top_models(uuid, timestamptz, timestamptz, integer) from public;

create or replace function public.get_top_models_by_spend(
    user_id uuid, start timestamptz, "end" timestamptz, "limit" integer default 10
)
returns table (
    model_name text, provider text, total_cost_usd numeric, total_tokens numeric, total_requests numeric, share numeric
)
language sql
stable
security definer
set search_path = ''
as $$
    select * from private.top_models($1, $2, $3, $4)
$$;
revoke all on function public.get_top_models_by_spend(uuid, timestamptz, timestamptz, integer) from public, anon;
grant execute on function public.get_top_models_by_spend(uuid, timestamptz, timestamptz, integer) to authenticated, service_role;

-- Names of a workspace's models, sorted, for filters: a list that does not grow with the records.
create or replace function public.model_names(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_totals(tenant);
    stale constant private.stale_days[] := private.stale_days_of(tenant, '-infinity', 'infinity');
    outdated constant date[] := private.outdated_days(tenant, '-infinity', 'infinity', stale);
begin
    return (
        select coalesce(json_agg(m.model_name order by m.model_name), '[]')
        from (
            select d.model_name
            from private.cost_records_daily as d
            where d.workspace_id = tenant and d.date <> all (outdated) and (only_user is null or d.user_id = only_user)
            union
            select f.model_name
            from private.outdated_totals(tenant, outdated, stale) as f
            where only_user is null or f.user_id = only_user
        ) as m
    );
end
$$;
revoke all on function public.model_names(uuid) from public, anon, service_role;
grant execute on function public.model_names(uuid) to authenticated;

-- The first day of the costs that the caller sees; null without any. An earlier period that begins before it is not complete.
create or replace function public.first_cost_day(workspace uuid default null)
returns date
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_totals(tenant);
    stale constant private.stale_days[] := private.stale_days_of(tenant, '-infinity', 'infinity');
    outdated constant date[] := private.outdated_days(tenant, '-infinity', 'infinity', stale);
begin
    return least(
        (
            select d.date
            from private.cost_records_daily as d
            where d.workspace_id = tenant and d.date <> all (outdated) and (only_user is null or d.user_id = only_user)
            order by d.date
            limit 1
        ),
        (
            select min(f.date)
            from private.outdated_totals(tenant, outdated, stale) as f
            where only_user is null or f.user_id = only_user
        )
    );
end
$$;
revoke all on function public.first_cost_day(uuid) from public, anon, service_role;
grant execute on function public.first_cost_day(uuid) to authenticated;

-- The keys of metadata that name a dimension of a record, of which the first that is filled counts; tally/core/dimensions.py has
-- the same. Null for others.
create or replace function private.dimension_keys(dimension text)
returns text[]
language sql
immutable
set search_path = ''
as $$
    select case
        when dimension in ('agent', 'task', 'tool', 'repository', 'branch', 'environment', 'container') then array[dimension]
        when dimension = 'session' then array['session', 'session_id']
        when dimension = 'customer' then array['end_user', 'customer']
        when dimension = 'prompt' then array['prompt_name']
    end
$$;
revoke all on function private.dimension_keys(text) from public;

-- The value under the first of these keys that is filled, without white space around it; null for none.
create or replace function private.dimension_value(metadata jsonb, keys text[])
returns text
language plpgsql -- its plan is kept
immutable
set search_path = ''
as $$
begin
    return left(coalesce(nullif(btrim(metadata ->> keys[1]), ''), nullif(btrim(metadata ->> keys[2]), '')), 200);
end
$$;
revoke all on function private.dimension_value(jsonb, text[]) from public;

-- True if metadata has these values of dimensions, of which null is any.
create or replace function private.has_dimensions(metadata jsonb, agent text, environment text, customer text)
returns boolean
language plpgsql -- its plan is kept
immutable
set search_path = ''
as $$
begin
    return (agent is null or private.dimension_value(metadata, private.dimension_keys('agent')) is not distinct from agent)
        and (
            environment is null
            or private.dimension_value(metadata, private.dimension_keys('environment')) is not distinct from environment
        )
        and (customer is null or private.dimension_value(metadata, private.dimension_keys('customer')) is not distinct from customer);
end
$$;
revoke all on function private.has_dimensions(jsonb, text, text, text) from public;
