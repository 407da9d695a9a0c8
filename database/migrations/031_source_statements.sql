-- 031_source_statements.sql: what each source reported, effective or not, so that bills and estimates can be compared.

-- All statements with the figures that their sources reported. `is_effective` is false for superseded ones.
create or replace view private.statements as
select
    r.workspace_id,
    r.user_id,
    r.project_id,
    r.import_id,
    r.timestamp,
    r.model_name,
    r.model_key,
    r.billing_account,
    r.dataset,
    r.collection_method,
    r.cost_basis,
    r.charge_type,
    r.metadata,
    r.cost_usd,
    r.tokens_used,
    r.input_tokens,
    r.output_tokens,
    r.cached_input_tokens,
    r.cache_write_tokens,
    r.reasoning_tokens,
    r.request_count,
    r.money_is_effective,
    r.tokens_are_effective,
    true as is_effective
from public.cost_records as r
union all
select
    s.workspace_id,
    s.user_id,
    s.project_id,
    s.import_id,
    s.timestamp,
    s.model_name,
    s.model_key,
    s.billing_account,
    s.dataset,
    s.collection_method,
    s.cost_basis,
    s.charge_type,
    s.metadata,
    s.cost_usd,
    s.tokens_used,
    s.input_tokens,
    s.output_tokens,
    s.cached_input_tokens,
    s.cache_write_tokens,
    s.reasoning_tokens,
    s.request_count,
    false as money_is_effective,
    false as tokens_are_effective,
    false as is_effective
from public.superseded_records as s;
revoke all on private.statements from public, anon, authenticated, service_role;

-- Sums of statements on these UTC days by day, account, model, source and kind of statement; only of accounts that send bills,
-- with `only_user` only of one user, and of hidden projects only the caller's own. Of accounts that are one
-- (050_provider_accounts.sql) the one with an id.
create or replace function private.sum_statements(tenant uuid, from_date date, to_date date, only_user uuid, hidden uuid[])
returns table (
    day date, billing_account text, model_key text, model_name text, import_id uuid, collection_method text, dataset text,
    cost_basis text, charge_type text, token_type text, is_special boolean, is_effective boolean, cost_usd numeric,
    unpriced_records bigint, tokens numeric, input_tokens numeric, output_tokens numeric, cached_input_tokens numeric,
    cache_write_tokens numeric, reasoning_tokens numeric, requests numeric, records bigint, effective_usd numeric,
    money_is_effective boolean, effective_tokens numeric, tokens_are_effective boolean
)
language sql
stable
set search_path = ''
set work_mem = '64MB' -- a year of single requests is sorted in memory
as $$
    with identified as (
        select
            split_part(p.billing_account, ':', 1) as provider,
            date_trunc('month', p.day::timestamp)::date as month,
            min(p.billing_account) as account
        from private.day_parts as p
        where
            p.workspace_id = tenant
            and split_part(p.billing_account, ':', 2) like '@%'
            and p.day >= date_trunc('month', coalesce(from_date, date '2020-01-01')::timestamp)
            and p.day <= coalesce(to_date, date '2100-01-01') + 31
        group by 1, 2
        having min(p.billing_account) = max(p.billing_account)
    )

    select
        (s.timestamp at time zone 'UTC')::date, coalesce(a.account, s.billing_account), s.model_key, s.model_name, s.import_id,
        s.collection_method, s.dataset, s.cost_basis, s.charge_type,
        -- The kind of tokens that a line of a bill is for; OpenAI names it behind the model.
        coalesce(s.metadata ->> 'token_type', substring(s.metadata ->> 'line_item' from ', (.+)$'), ''),
        -- Batch, a long context or anything else that has a price of its own.
        s.metadata ?| array['context_window', 'service_tier', 'batch', 'speed', 'inference_geo']
        or coalesce(s.metadata ->> 'usage_type', '') = 'batch',
        s.is_effective,
        sum(s.cost_usd), count(*) filter (where s.cost_usd is null and not private.is_failed_call(s.tokens_used, s.metadata)),
        sum(s.tokens_used), sum(s.input_tokens), sum(s.output_tokens), sum(s.cached_input_tokens),
        sum(s.cache_write_tokens), sum(s.reasoning_tokens), sum(s.request_count), count(*),
        sum(case when s.money_is_effective then s.cost_usd else 0.0000000000 end) filter (where s.is_effective),
        coalesce(bool_or(s.money_is_effective and s.cost_usd is distinct from 0), false),
        coalesce(sum(s.tokens_used) filter (where s.tokens_are_effective), 0),
        coalesce(bool_or(s.tokens_are_effective and s.tokens_used + s.request_count > 0), false)
    from private.statements as s
    left join identified as a
        on s.billing_account = a.provider and date_trunc('month', s.timestamp at time zone 'UTC')::date = a.month
    where
        s.workspace_id = tenant
        and s.billing_account is not null
        and s.timestamp >= coalesce(from_date, date '2020-01-01')::timestamp at time zone 'UTC'
        and s.timestamp < (coalesce(to_date, date '2100-01-01') + 1)::timestamp at time zone 'UTC'
        and (only_user is null or s.user_id = only_user)
        and (s.project_id is null or s.project_id <> all (hidden) or s.user_id = auth.uid())
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
$$;
revoke all on function private.sum_statements(uuid, date, date, uuid, uuid[]) from public;

-- What a workspace's sources reported of these UTC days: columns of equal length, a line for each sum of
-- private.sum_statements. `cost_usd` and the tokens are what the source reported; `effective_usd` and `effective_tokens` are
-- what of it is in the totals. Null dates leave an end open.
create or replace function public.source_statements(from_date date, to_date date, workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select
            json_build_object(
                'day', coalesce(json_agg(n.day), '[]'),
                'billing_account', coalesce(json_agg(n.billing_account), '[]'),
                'model', coalesce(json_agg(n.model_key), '[]'),
                'model_name', coalesce(json_agg(n.model_name), '[]'),
                'import_id', coalesce(json_agg(n.import_id), '[]'),
                'kind', coalesce(json_agg(n.kind), '[]'),
                'format', coalesce(json_agg(n.format), '[]'),
                'filename', coalesce(json_agg(n.filename), '[]'),
                'collection_method', coalesce(json_agg(n.collection_method), '[]'),
                'dataset', coalesce(json_agg(n.dataset), '[]'),
                'cost_basis', coalesce(json_agg(n.cost_basis), '[]'),
                'charge_type', coalesce(json_agg(n.charge_type), '[]'),
                'token_type', coalesce(json_agg(n.token_type), '[]'),
                'is_special', coalesce(json_agg(n.is_special), '[]'),
                'is_effective', coalesce(json_agg(n.is_effective), '[]'),
                'cost_usd', coalesce(json_agg(n.cost_usd::text), '[]'),
                'unpriced_records', coalesce(json_agg(n.unpriced_records), '[]'),
                'tokens', coalesce(json_agg(n.tokens), '[]'),
                'input_tokens', coalesce(json_agg(n.input_tokens), '[]'),
                'output_tokens', coalesce(json_agg(n.output_tokens), '[]'),
                'cached_input_tokens', coalesce(json_agg(n.cached_input_tokens), '[]'),
                'cache_write_tokens', coalesce(json_agg(n.cache_write_tokens), '[]'),
                'reasoning_tokens', coalesce(json_agg(n.reasoning_tokens), '[]'),
                'requests', coalesce(json_agg(n.requests), '[]'),
                'records', coalesce(json_agg(n.records), '[]'),
                'effective_usd', coalesce(json_agg(n.effective_usd::text), '[]'),
                'money_is_effective', coalesce(json_agg(n.money_is_effective), '[]'),
                'effective_tokens', coalesce(json_agg(n.effective_tokens), '[]'),
                'tokens_are_effective', coalesce(json_agg(n.tokens_are_effective), '[]')
            )
        from (
            select s.*, i.kind, i.format, i.filename
            from private.sum_statements(
                tenant, from_date, to_date, private.only_own_rows(tenant), array(select private.hidden_projects())
            ) as s
            left join public.imports as i on s.import_id = i.id
            order by
                s.day, s.billing_account, s.model_name, s.dataset, i.filename, s.import_id, s.token_type, s.charge_type,
                s.is_effective desc
        ) as n
    );
end
$$;
revoke all on function public.source_statements(date, date, uuid) from public, anon, service_role;
grant execute on function public.source_statements(date, date, uuid) to authenticated;

-- The figures of a workspace's sources as they were reported, effective or not: columns of equal length, a line for each
-- source, UTC day and basis; `effective_usd` is in the totals. Records without a source have their kind instead: subscriptions,
-- or the way in which they were collected. `project` (the nil id for none) and `account` limit them to one.
create or replace function public.source_days(
    workspace uuid default null, project uuid default null, account text default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_rows(tenant);
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select
            json_build_object(
                'import_id', coalesce(json_agg(d.import_id), '[]'),
                'kind', coalesce(json_agg(d.kind), '[]'),
                'day', coalesce(json_agg(d.day), '[]'),
                'cost_basis', coalesce(json_agg(d.cost_basis), '[]'),
                'cost_usd', coalesce(json_agg(d.cost_usd::text), '[]'),
                'effective_usd', coalesce(json_agg(d.effective_usd::text), '[]'),
                'records', coalesce(json_agg(d.records), '[]'),
                'unpriced_records', coalesce(json_agg(d.unpriced_records), '[]')
            )
        from (
            select
                s.import_id,
                case
                    when s.import_id is not null then null
                    when s.charge_type = 'subscription' then s.charge_type
                    else s.collection_method
                end as kind,
                (s.timestamp at time zone 'UTC')::date as day,
                s.cost_basis,
                sum(s.cost_usd) as cost_usd,
                sum(s.cost_usd) filter (where s.money_is_effective) as effective_usd,
                count(*) as records,
                count(*) filter (
                    where s.cost_usd is null and not private.is_failed_call(s.tokens_used, s.metadata)
                ) as unpriced_records
            from private.statements as s
            where
                s.workspace_id = tenant
                and (only_user is null or s.user_id = only_user)
                and (s.project_id is null or s.project_id <> all (hidden) or s.user_id = auth.uid())
                and (project is null or coalesce(s.project_id, '00000000-0000-0000-0000-000000000000') = project)
                and (account is null or s.billing_account = account)
            group by 1, 2, 3, 4
        ) as d
    );
end
$$;
revoke all on function public.source_days(uuid, uuid, text) from public, anon, service_role;
grant execute on function public.source_days(uuid, uuid, text) to authenticated;
