-- 139_sql_views.sql: the schema `bi`, which is all that SQL roles see: stable names, under row-level security.

create schema if not exists bi;
revoke all on schema bi from public;
grant usage on schema bi to tally_bi;

-- The rows of these tables that a SQL role reads: all of its workspace, as its admins do.
do $$
declare
    visible record;
begin
    for visible in
        select *
        from (values
            ('cost_records', 'workspace_id'), ('projects', 'workspace_id'), ('subscriptions', 'workspace_id'),
            ('budgets', 'workspace_id')
        ) as v (name, tenant)
    loop
        execute format('drop policy if exists %I on public.%I', visible.name || '_select_sql', visible.name);
        execute format(
            'create policy %I on public.%I for select to tally_bi using (%I = (select private.sql_workspace()))',
            visible.name || '_select_sql', visible.name, visible.tenant
        );
    end loop;
end
$$;
drop policy if exists providers_select_sql on public.providers;
create policy providers_select_sql
    on public.providers
    for select
    to tally_bi
    using (true);

-- Without a right on the schema public, they are read through these views alone.
grant select on
public.effective_records, public.cost_records, public.projects, public.providers, public.subscriptions, public.budgets
to tally_bi;

-- What counts, record by record: one event once, and what a bill has taken the place of with a cost of 0.
create or replace view bi.records
with (security_invoker = true)
as
select
    r.id,
    r.timestamp,
    p.name as provider,
    r.model_name as model,
    r.project_id,
    r.user_id,
    r.billing_account,
    r.cost_basis,
    r.charge_type,
    r.cost_usd,
    r.tokens_used as tokens,
    r.input_tokens,
    r.output_tokens,
    r.cached_input_tokens,
    r.cache_write_tokens,
    r.reasoning_tokens,
    r.request_count as requests,
    r.collection_method,
    r.metadata
from public.effective_records as r
inner join public.providers as p on r.provider_id = p.id;

create or replace view bi.projects
with (security_invoker = true)
as
select
    p.id,
    p.name,
    p.slug,
    p.is_private,
    p.archived_at,
    p.created_at
from public.projects as p;

create or replace view bi.providers
with (security_invoker = true)
as
select
    p.id,
    p.name,
    p.display_name
from public.providers as p;

create or replace view bi.subscriptions
with (security_invoker = true)
as
select
    s.id,
    p.name as provider,
    s.plan_name,
    s.user_id,
    s.amount_usd,
    s.started_on,
    s.ended_on,
    s.renewal_day,
    s.interval
from public.subscriptions as s
inner join public.providers as p on s.provider_id = p.id;

create or replace view bi.budgets
with (security_invoker = true)
as
select
    b.id,
    b.name,
    b.project_id,
    p.name as provider,
    b.model_name as model,
    b.user_id,
    b.measure,
    b.amount,
    b.currency,
    b.period,
    b.starts_on_day,
    b.counts_subscriptions,
    b.counts_tax,
    b.paused_at
from public.budgets as b
left join public.providers as p on b.provider_id = p.id;

-- A workspace's sums of days, exact at every moment: the view's, and in place of outdated days their totals.
create or replace function private.present_days(tenant uuid, first_day date, last_day date)
returns setof private.folded_days
language plpgsql
stable
rows 1000
set search_path = ''
as $$
declare
    stale constant private.stale_days[] := private.stale_days_of(tenant, first_day, last_day);
    outdated constant date[] := private.outdated_days(tenant, first_day, last_day, stale);
begin
    return query
    select v.*
    from private.cost_records_daily as v
    where v.workspace_id = tenant and v.date >= first_day and v.date <= last_day and v.date <> all (outdated)
    union all
    select f.* from private.outdated_totals(tenant, outdated, stale) as f;
end
$$;
revoke all on function private.present_days(uuid, date, date) from public;

-- The days of a SQL role: the materialized view has no row-level security, so a function is its only door.
create or replace function private.sql_days()
returns table (
    day date, provider text, model text, project_id uuid, user_id uuid, cost_basis text, charge_type text, cost_usd numeric,
    tokens bigint, input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint,
    reasoning_tokens bigint, requests bigint, records bigint, unpriced_records bigint
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select
        d.date, d.provider, d.model_name, nullif(d.project_id, '00000000-0000-0000-0000-000000000000'),
        nullif(d.user_id, '00000000-0000-0000-0000-000000000000'), d.cost_basis, d.charge_type, d.total_cost_usd, d.total_tokens,
        d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
        d.total_reasoning_tokens, d.total_requests, d.record_count, d.unpriced_count
    from private.present_days(private.sql_workspace(), '-infinity', 'infinity') as d;
end
$$;
revoke all on function private.sql_days() from public;
grant execute on function private.sql_days() to tally_bi;

-- Days are the workspace's own. Null as the cost: nothing of it is priced.
create or replace view bi.daily_costs
with (security_invoker = true)
as
select
    d.day,
    d.provider,
    d.model,
    d.project_id,
    d.user_id,
    d.cost_basis,
    d.charge_type,
    d.cost_usd,
    d.tokens,
    d.input_tokens,
    d.output_tokens,
    d.cached_input_tokens,
    d.cache_write_tokens,
    d.reasoning_tokens,
    d.requests,
    d.records,
    d.unpriced_records
from private.sql_days() as d;

create or replace function private.sql_people()
returns table (user_id uuid, email text, role text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return query
    select m.user_id, u.email::text, m.role
    from public.members as m
    inner join auth.users as u on m.user_id = u.id
    where m.workspace_id = private.sql_workspace()
    union all
    select f.user_id, f.email::text, null
    from private.former_members as f
    where
        f.workspace_id = private.sql_workspace()
        and not exists (select from public.members as m where m.workspace_id = f.workspace_id and m.user_id = f.user_id);
end
$$;
revoke all on function private.sql_people() from public;
grant execute on function private.sql_people() to tally_bi;

-- Those who left have no role.
create or replace view bi.people
with (security_invoker = true)
as
select
    p.user_id,
    p.email,
    p.role
from private.sql_people() as p;

grant select on bi.records, bi.daily_costs, bi.projects, bi.people, bi.providers, bi.subscriptions, bi.budgets to tally_bi;
