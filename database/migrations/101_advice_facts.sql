-- 101_advice_facts.sql: sums of a workspace's records in which advice is found. Jobs alone read them.

create or replace function private.max_advice_records()
returns bigint
language sql
immutable
set search_path = ''
as $$
    select 2000000::bigint
$$;
revoke all on function private.max_advice_records() from public;

-- Paid requests of a period whose tokens count: what plans cover and what has no tokens is left out, but failures that cost
-- something are not. The latest ones, if they are too many. Project and agent are never null: they are joined by.
create or replace function private.advice_calls(tenant uuid, first_at timestamptz, end_at timestamptz)
returns table (
    at timestamptz, is_day boolean, project uuid, agent text, provider_id uuid, model_name text, tier text, session text,
    cost_usd numeric, requests bigint, uncached bigint, cached bigint, write_5m bigint, write_1h bigint, output bigint,
    has_failed boolean, source_key uuid
)
language sql
stable
rows 10000
set search_path = ''
as $$
    select
        r.timestamp, r.day is not null, coalesce(r.project_id, '00000000-0000-0000-0000-000000000000'),
        coalesce(left(nullif(btrim(r.metadata ->> 'agent'), ''), 200), ''), r.provider_id, r.model_name,
        coalesce(
            left(coalesce(
                r.metadata #>> '{price_context,service_tier}', r.metadata #>> '{price_context,processing}',
                r.metadata #>> '{price_context,speed}'
            ), 50),
            ''
        ),
        left(coalesce(nullif(btrim(r.metadata ->> 'session'), ''), nullif(btrim(r.metadata ->> 'session_id'), '')), 200),
        r.cost_usd, greatest(r.request_count, 1),
        greatest(r.input_tokens - r.cached_input_tokens - r.cache_write_tokens, 0), r.cached_input_tokens,
        r.cache_write_tokens - w.hour, w.hour, r.output_tokens,
        coalesce(r.metadata -> 'inference' ->> 'status' in ('error', 'timeout', 'rate_limited'), false), r.source_key
    from public.cost_records as r
    cross join lateral (
        select case when r.cache_write_tokens > 0 then private.hour_writes(r.metadata, r.cache_write_tokens) else 0 end as hour
    ) as w
    where
        r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < end_at
        and r.charge_type = 'usage' and r.cost_basis <> 'included' and r.tokens_are_effective
        and (r.tokens_used > 0 or r.cost_usd > 0 and r.metadata -> 'inference' ->> 'status' is not null)
    order by r.timestamp desc
    limit private.max_advice_records()
$$;
revoke all on function private.advice_calls(uuid, timestamptz, timestamptz) from public;

-- The same calls, each with what it has in common with the one before of its conversation and model.
create or replace function private.advice_steps(tenant uuid, first_at timestamptz, end_at timestamptz)
returns table (
    at timestamptz, is_day boolean, project uuid, agent text, provider_id uuid, model_name text, tier text, session text,
    cost_usd numeric, requests bigint, uncached bigint, cached bigint, write_5m bigint, write_1h bigint, output bigint,
    has_failed boolean, gap interval, shared bigint, is_pause boolean, is_repeat boolean, reusable bigint
)
language sql
stable
rows 10000
set search_path = ''
as $$
    select
        c.at, c.is_day, c.project, c.agent, c.provider_id, c.model_name, c.tier, c.session, c.cost_usd, c.requests, c.uncached,
        c.cached, c.write_5m, c.write_1h, c.output, c.has_failed,
        case when c.session is not null then c.at - c.before_at end,
        case when c.session is not null then least(c.before_input, c.input) end,
        c.session is not null and c.at - c.before_at > interval '5 minutes' and c.at - c.before_at <= interval '1 hour',
        c.session is not null and c.at - c.before_at <= interval '1 minute' and c.before_input = c.input and c.input > 0
        and not c.has_failed and not c.before_failed and c.requests = 1,
        case
            when
                c.session is not null and c.at - c.before_at <= interval '5 minutes'
                and least(c.before_input, c.input) >= 1024 -- shorter prompts are not cached
                then least(greatest(least(c.before_input, c.input) - c.cached - c.write_5m - c.write_1h, 0), c.uncached)
            else 0
        end
    from (
        select
            a.*, a.uncached + a.cached + a.write_5m + a.write_1h as input,
            lag(a.at) over w as before_at,
            lag(a.uncached + a.cached + a.write_5m + a.write_1h) over w as before_input,
            lag(a.has_failed) over w as before_failed
        from private.advice_calls(tenant, first_at, end_at) as a
        window w as (partition by a.session, a.provider_id, a.model_name, a.project, a.agent, a.tier order by a.at, a.source_key)
    ) as c
$$;
revoke all on function private.advice_steps(uuid, timestamptz, timestamptz) from public;

-- Sums of a period by project, agent, provider, model and service tier, as objects, the 500 dearest; amounts are texts. Tokens
-- are those of records with a price.
create or replace function private.advice_cells(tenant uuid, first_at timestamptz, end_at timestamptz)
returns table (cell jsonb)
language plpgsql
stable
rows 500
set search_path = ''
set jit = off
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    return query
    with sums as (
        select
            s.project, s.agent, s.provider_id, s.model_name, s.tier, coalesce(sum(s.cost_usd), 0) as cost_usd,
            coalesce(sum(s.requests) filter (where s.cost_usd is not null), 0) as requests,
            coalesce(sum(s.uncached) filter (where s.cost_usd is not null), 0) as uncached,
            coalesce(sum(s.cached) filter (where s.cost_usd is not null), 0) as cached,
            coalesce(sum(s.write_5m) filter (where s.cost_usd is not null), 0) as write_5m,
            coalesce(sum(s.write_1h) filter (where s.cost_usd is not null), 0) as write_1h,
            coalesce(sum(s.output) filter (where s.cost_usd is not null), 0) as output,
            count(*) filter (where s.cost_usd is null) as unpriced,
            count(distinct (s.at at time zone zone)::date) as active_days, max((s.at at time zone zone)::date) as last_day,
            coalesce(max(s.uncached + s.cached + s.write_5m + s.write_1h) filter (where s.requests = 1), 0) as max_input,
            count(*) filter (where s.has_failed and s.cost_usd > 0) as failed,
            coalesce(sum(s.cost_usd) filter (where s.has_failed), 0)::text as failed_usd,
            count(*) filter (where s.is_repeat) as repeats,
            coalesce(sum(s.cost_usd) filter (where s.is_repeat), 0)::text as repeated_usd,
            count(distinct s.session) as conversations, count(*) filter (where s.gap <= interval '5 minutes') as following,
            count(*) filter (where s.is_pause) as pauses, count(*) filter (where s.gap > interval '1 hour') as long_pauses,
            coalesce(sum(s.reusable), 0) as reusable,
            coalesce(sum(s.uncached - s.reusable) filter (where s.session is not null), 0) as fresh,
            coalesce(sum(least(s.write_5m, s.shared)) filter (where s.is_pause), 0) as rewritten,
            coalesce(sum(least(s.cached, s.shared)) filter (where s.is_pause), 0) as reread
        from private.advice_steps(tenant, first_at, end_at) as s
        group by 1, 2, 3, 4, 5
        order by 6 desc, 4, 1, 2
        limit 500
    )

    select
        to_jsonb(s) - array['project', 'provider_id', 'model_name'] || jsonb_build_object(
            'project_id', nullif(s.project, '00000000-0000-0000-0000-000000000000'), 'project', j.name,
            'agent', nullif(s.agent, ''), 'provider', p.name, 'model', s.model_name, 'cost_usd', s.cost_usd::text
        )
    from sums as s
    inner join public.providers as p on s.provider_id = p.id
    left join public.projects as j on j.workspace_id = tenant and s.project = j.id;
end
$$;
revoke all on function private.advice_cells(uuid, timestamptz, timestamptz) from public;

-- Of the same cells: how many single requests came in each hour of the workspace's zone, as an object, and as another one the
-- sums of those with more input tokens than each of `lengths`, at which a model may cost more.
create or replace function private.advice_shapes(tenant uuid, first_at timestamptz, end_at timestamptz, lengths integer[])
returns table (shape jsonb)
language plpgsql
stable
rows 500
set search_path = ''
set jit = off
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    return query
    with calls as materialized (
        select c.*, c.uncached + c.cached + c.write_5m + c.write_1h as input
        from private.advice_calls(tenant, first_at, end_at) as c
        where c.requests = 1 and not c.is_day
    ),

    of_hours as (
        select
            h.project, h.agent, h.provider_id, h.model_name, h.tier, jsonb_object_agg(h.hour, h.calls) as hours,
            sum(h.calls) as calls
        from (
            select
                c.project, c.agent, c.provider_id, c.model_name, c.tier,
                extract(hour from c.at at time zone zone)::integer as hour, count(*) as calls
            from calls as c
            group by 1, 2, 3, 4, 5, 6
        ) as h
        group by 1, 2, 3, 4, 5
    ),

    of_lengths as (
        select l.project, l.agent, l.provider_id, l.model_name, l.tier, jsonb_object_agg(l.over, l.part) as long
        from (
            select
                c.project, c.agent, c.provider_id, c.model_name, c.tier, t.over,
                jsonb_build_object(
                    'requests', count(*), 'cost_usd', sum(c.cost_usd)::text, 'uncached', sum(c.uncached), 'cached', sum(c.cached),
                    'write_5m', sum(c.write_5m), 'write_1h', sum(c.write_1h), 'output', sum(c.output)
                ) as part
            from calls as c
            inner join unnest(lengths) as t (over) on c.input > t.over
            where c.cost_usd is not null
            group by 1, 2, 3, 4, 5, 6
        ) as l
        group by 1, 2, 3, 4, 5
    )

    select
        jsonb_build_object(
            'project_id', nullif(h.project, '00000000-0000-0000-0000-000000000000'), 'agent', nullif(h.agent, ''),
            'provider', p.name, 'model', h.model_name, 'tier', h.tier, 'hours', h.hours, 'long', coalesce(l.long, '{}')
        )
    from of_hours as h
    inner join public.providers as p on h.provider_id = p.id
    left join of_lengths as l using (project, agent, provider_id, model_name, tier)
    order by h.calls desc, h.model_name
    limit 2000;
end
$$;
revoke all on function private.advice_shapes(uuid, timestamptz, timestamptz, integer[]) from public;
