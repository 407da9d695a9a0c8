-- 022_day_totals.sql: the totals of single days, for reads and folds alike.

-- Days whose totals are in folded_days instead of the view, which is rewritten rarely.
create table if not exists private.overridden_days (
    workspace_id uuid not null,
    date date not null,
    gen xid8 not null, -- that of its mark: folding changes no data, so it changes no data version
    primary key (workspace_id, date)
);
alter table private.overridden_days enable row level security;
revoke all on private.overridden_days from public, anon, authenticated, service_role;

-- The view's rows of overridden days.
create table if not exists private.folded_days (
    workspace_id uuid not null,
    date date not null,
    provider_id uuid not null,
    provider text not null,
    project_id uuid not null,
    user_id uuid not null,
    model_name text not null,
    cost_basis text not null,
    charge_type text not null,
    total_cost_usd numeric,
    total_tokens bigint not null,
    total_input_tokens bigint not null,
    total_output_tokens bigint not null,
    total_cached_input_tokens bigint not null,
    total_cache_write_tokens bigint not null,
    total_reasoning_tokens bigint not null,
    total_requests bigint not null,
    record_count bigint not null,
    unpriced_count bigint not null,
    primary key (workspace_id, date, provider_id, project_id, user_id, model_name, cost_basis, charge_type)
);
alter table private.folded_days enable row level security;
revoke all on private.folded_days from public, anon, authenticated, service_role;

-- The days as the job reads them, exact where none is stale: the view's rows, and those of folded days.
create or replace view private.current_days as
select
    d.workspace_id,
    d.date,
    d.provider_id,
    d.provider,
    d.project_id,
    d.user_id,
    d.model_name,
    d.cost_basis,
    d.charge_type,
    d.total_cost_usd,
    d.total_tokens,
    d.total_input_tokens,
    d.total_output_tokens,
    d.total_cached_input_tokens,
    d.total_cache_write_tokens,
    d.total_reasoning_tokens,
    d.total_requests,
    d.record_count,
    d.unpriced_count
from private.cost_records_daily as d
where not exists (
    select
    from private.overridden_days as o
    where o.workspace_id = d.workspace_id and o.date = d.date
)
union all
select
    f.workspace_id,
    f.date,
    f.provider_id,
    f.provider,
    f.project_id,
    f.user_id,
    f.model_name,
    f.cost_basis,
    f.charge_type,
    f.total_cost_usd,
    f.total_tokens,
    f.total_input_tokens,
    f.total_output_tokens,
    f.total_cached_input_tokens,
    f.total_cache_write_tokens,
    f.total_reasoning_tokens,
    f.total_requests,
    f.record_count,
    f.unpriced_count
from private.folded_days as f;
revoke all on private.current_days from public, anon, authenticated, service_role;

-- Totals of the records of these days. Aggregated in a lateral subquery per day: flattened, it was planned as days x records,
-- 44 times slower. The outer bounds let the executor leave out most months once instead of once a day. One statement for both
-- reads and folds, so it is longer than other functions.
create or replace function private.sum_records(days private.stale_days[])
returns setof private.folded_days
language plpgsql
stable
rows 100
set search_path = ''
set plan_cache_mode = force_generic_plan -- planning over all months costs more than most reads
as $$
declare
    ts_first constant timestamptz := (select min(d.ts_from) from unnest(days) as d);
    ts_last constant timestamptz := (select max(d.ts_to) from unnest(days) as d);
begin
    if ts_first is null then
        return;
    end if;
    return query
    select
        d.workspace_id, d.date, f.provider_id, p.name, f.project_id, f.user_id, f.model_name, f.cost_basis, f.charge_type,
        f.cost,
        least(f.tokens, 9223372036854775807)::bigint,
        least(f.input, 9223372036854775807)::bigint,
        least(f.output, 9223372036854775807)::bigint,
        least(f.cached, 9223372036854775807)::bigint,
        least(f.written, 9223372036854775807)::bigint,
        least(f.reasoning, 9223372036854775807)::bigint,
        least(f.requests, 9223372036854775807)::bigint,
        f.records,
        f.unpriced
    from unnest(days) as d
    cross join lateral (
        select
            r.provider_id,
            coalesce(r.project_id, '00000000-0000-0000-0000-000000000000') as project_id,
            r.user_id,
            r.model_name,
            r.cost_basis,
            r.charge_type,
            sum(case when r.money_is_effective then r.cost_usd else 0.0000000000 end) as cost,
            sum(case when r.tokens_are_effective then r.tokens_used else 0 end) as tokens,
            sum(case when r.tokens_are_effective then r.input_tokens else 0 end) as input,
            sum(case when r.tokens_are_effective then r.output_tokens else 0 end) as output,
            sum(case when r.tokens_are_effective then r.cached_input_tokens else 0 end) as cached,
            sum(case when r.tokens_are_effective then r.cache_write_tokens else 0 end) as written,
            sum(case when r.tokens_are_effective then r.reasoning_tokens else 0 end) as reasoning,
            sum(case when r.tokens_are_effective then r.request_count else 0 end) as requests,
            count(*) as records,
            count(*) filter (
                where r.cost_usd is null and r.money_is_effective
                and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
            ) as unpriced
        from public.cost_records as r
        where
            r.workspace_id = d.workspace_id
            and r.timestamp >= d.ts_from
            and r.timestamp < d.ts_to
            and r.timestamp >= ts_first
            and r.timestamp < ts_last
        group by 1, 2, 3, 4, 5, 6
    ) as f
    inner join public.providers as p on f.provider_id = p.id;
end
$$;
revoke all on function private.sum_records(private.stale_days[]) from public;

-- Have these days records that are archived?
create or replace function private.has_archived(days private.stale_days[])
returns boolean
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    return exists (
        select
        from unnest(days) as d
        inner join private.archived_days as a on d.workspace_id = a.workspace_id and d.date = a.date
    );
end
$$;
revoke all on function private.has_archived(private.stale_days[]) from public;

-- Totals of these days: of their records, and of those that are archived.
create or replace function private.sum_days(days private.stale_days[])
returns setof private.folded_days
language plpgsql
stable
rows 100
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    if not private.has_archived(days) then
        return query select * from private.sum_records(days);
        return;
    end if;
    return query
    select
        t.workspace_id, t.date, t.provider_id, t.provider, t.project_id, t.user_id, t.model_name, t.cost_basis, t.charge_type,
        sum(t.total_cost_usd),
        least(sum(t.total_tokens), 9223372036854775807)::bigint,
        least(sum(t.total_input_tokens), 9223372036854775807)::bigint,
        least(sum(t.total_output_tokens), 9223372036854775807)::bigint,
        least(sum(t.total_cached_input_tokens), 9223372036854775807)::bigint,
        least(sum(t.total_cache_write_tokens), 9223372036854775807)::bigint,
        least(sum(t.total_reasoning_tokens), 9223372036854775807)::bigint,
        least(sum(t.total_requests), 9223372036854775807)::bigint,
        sum(t.record_count)::bigint,
        sum(t.unpriced_count)::bigint
    from (
        select r.* from private.sum_records(days) as r
        union all
        select
            a.workspace_id, a.date, a.provider_id, a.provider, a.project_id, a.user_id, a.model_name, a.cost_basis, a.charge_type,
            a.total_cost_usd, a.total_tokens, a.total_input_tokens, a.total_output_tokens, a.total_cached_input_tokens,
            a.total_cache_write_tokens, a.total_reasoning_tokens, a.total_requests, a.record_count, a.unpriced_count
        from unnest(days) as d
        inner join private.archived_days as a on d.workspace_id = a.workspace_id and d.date = a.date
    ) as t
    group by
        t.workspace_id, t.date, t.provider_id, t.provider, t.project_id, t.user_id, t.model_name, t.cost_basis, t.charge_type;
end
$$;
revoke all on function private.sum_days(private.stale_days[]) from public;
