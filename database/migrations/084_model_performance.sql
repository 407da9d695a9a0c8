-- 084_model_performance.sql: what calls of models did besides costing money: requests, failures, latency, speed, retries.
--
-- Percentiles are exact, of the calls themselves, at the time of asking. The other way is a sketch for each hour: a histogram
-- with buckets 2% wide, which can be added up for any range, where percentiles of percentiles cannot. Measured with 1,000,000
-- calls in 30 days of 10 models, 4 people and 3 projects, in seconds of processor time for a table of models with their days:
--
--                          exact, from records    exact, from a narrow copy    sketches of latencies
--     1 day, 33,000 calls         0.20                     0.04                     0.03
--     3 days, 100,000             0.63                     0.15                     0.07
--     30 days, 1,000,000          7.5                      2.0                      0.75
--     stored beside records      56 MB (an index)        189 MB                    12 MB
--
-- Sketches are ten times quicker, where a second or less is at stake for 100,000 calls; who sees which call depends on its person
-- and its project, so there is one for each of them, model and hour, with 23 calls on average. For that, each save, refiling,
-- repricing, erasure and change of the source that wins an event would have to add to them and subtract, and whether a
-- superseded statement counts depends on others. What is read from records follows all of it, has their rights, and lasts as
-- long as they do, which is for ever. Hence exact ones, of 2,000,000 calls at most: more are refused with a sentence.

-- Calls by time: in a workspace where most records are imported, a period must not read those.
create index if not exists cost_records_calls_idx
    on public.cost_records (workspace_id, timestamp)
    where collection_method = 'otlp';
create index if not exists superseded_records_calls_idx
    on public.superseded_records (workspace_id, timestamp)
    where collection_method = 'otlp';

create or replace function private.max_calls()
returns bigint
language sql
immutable
set search_path = ''
as $$
    select 2000000::bigint
$$;
revoke all on function private.max_calls() from public;

-- Statements on calls of which no record tells how they went: another source's is the record of the event. One for each event.
create or replace function private.superseded_calls(tenant uuid, first_at timestamptz, last_at timestamptz)
returns setof public.superseded_records
language sql
stable
rows 100
set search_path = ''
as $$
    select s.*
    from public.superseded_records as s
    inner join public.imports as i on s.import_id = i.id and i.is_enabled
    where
        s.workspace_id = tenant and s.timestamp >= first_at and s.timestamp < last_at and s.collection_method = 'otlp'
        and not exists (
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant
                and r.source_key = s.source_key
                and r.timestamp = s.timestamp
                and r.collection_method = 'otlp'
        )
        and not exists (
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant
                and r.request_id is not null
                and r.source_key = s.source_key
                and s.request_id is not null
                and r.collection_method = 'otlp'
        )
        and not exists (
            select
            from public.superseded_records as o
            inner join public.imports as e on o.import_id = e.id and e.is_enabled
            where
                o.workspace_id = tenant
                and o.source_key = s.source_key
                and o.collection_method = 'otlp'
                and o.id < s.id
        )
$$;
revoke all on function private.superseded_calls(uuid, timestamptz, timestamptz) from public;

-- The calls of a period that tell how they went, each once: another source's statement may be the record of the same event, but
-- says nothing of this. `only_own` is the account that sees its own calls alone, null for everybody's. The nil project is none.
-- Of calls with the same `run`, a trace or else a session, one that follows a failed one of its model is a retry.
create or replace function private.model_calls(
    tenant uuid, first_at timestamptz, last_at timestamptz, only_own uuid, hidden uuid[], project uuid
)
returns table (
    provider_id uuid, model_name text, called_at timestamptz, status text, duration_ms bigint, first_token_ms bigint,
    tokens bigint, output_tokens bigint, cost_usd numeric, run text
)
language sql
stable
rows 10000
set search_path = ''
as $$
    select
        c.provider_id,
        c.model_name,
        c.timestamp,
        case
            when c.told ->> 'status' in ('error', 'timeout', 'rate_limited') then c.told ->> 'status' else 'ok'
        end,
        -- Metadata may be anybody's: numbers that no call can have are none.
        case
            when jsonb_typeof(c.told -> 'duration_ms') = 'number' and (c.told -> 'duration_ms')::numeric between 0 and 31622400000
                then (c.told -> 'duration_ms')::bigint
        end,
        case
            when
                jsonb_typeof(c.told -> 'first_token_ms') = 'number'
                and (c.told -> 'first_token_ms')::numeric between 0 and 31622400000
                then (c.told -> 'first_token_ms')::bigint
        end,
        c.tokens_used,
        c.output_tokens,
        c.cost_usd,
        coalesce(c.metadata ->> 'trace_id', c.metadata ->> 'session')
    from (
        select
            r.provider_id, r.model_name, r.timestamp, r.tokens_used, r.output_tokens, r.cost_usd, r.user_id, r.project_id,
            r.metadata, r.metadata -> 'inference' as told
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < last_at and r.collection_method = 'otlp'
        union all
        select
            s.provider_id, s.model_name, s.timestamp, s.tokens_used, s.output_tokens, s.cost_usd, s.user_id, s.project_id,
            s.metadata, s.metadata -> 'inference'
        from private.superseded_calls(tenant, first_at, last_at) as s
        offset 0 -- else each use of `told` would look for it again
    ) as c
    where
        c.told is not null
        and (only_own is null or c.user_id = only_own)
        and (c.user_id = (select auth.uid()) or c.project_id is null or c.project_id <> all (hidden))
        and (
            project is null or coalesce(c.project_id, '00000000-0000-0000-0000-000000000000') = model_calls.project
        )
$$;
revoke all on function private.model_calls(uuid, timestamptz, timestamptz, uuid, uuid[], uuid) from public;

-- What these calls did by model, and by model and bucket of time, of which the whole period is null. Latencies are those of calls
-- that went well: a refusal is quick, and how many there are is told beside them. Tokens a second are those of answers while they
-- were written: after the first token, where a call tells when that came.
create or replace function private.performance_of(
    tenant uuid, first_at timestamptz, last_at timestamptz, bucket text, only_own uuid, hidden uuid[], project uuid
)
returns table (
    provider_id uuid, model_name text, at timestamptz, requests bigint, errors bigint, timeouts bigint, rate_limited bigint,
    retries bigint, timed bigint, percentiles bigint[], first_tokens bigint, first_token_ms bigint, tokens_per_second numeric,
    tokens numeric, cost_usd numeric, priced bigint, unpriced bigint
)
language sql
stable
rows 1000
set search_path = ''
set jit = off
as $$
    with zone as materialized (
        select w.timezone as name from public.workspaces as w where w.id = tenant
    ),

    calls as materialized (
        select c.*, date_trunc(bucket, c.called_at, (select z.name from zone as z)) as at
        from private.model_calls(tenant, $2, $3, $5, $6, $7) as c
    ),

    failed_runs as materialized (
        select distinct c.run from calls as c where c.status <> 'ok' and c.run <> ''
    ),

    retries as (
        select o.provider_id, o.model_name, o.at, count(*) as retries
        from (
            select
                c.provider_id, c.model_name, c.at,
                lag(c.status) over (partition by c.run, c.provider_id, c.model_name order by c.called_at, c.status) <> 'ok' as is_retry
            from calls as c
            inner join failed_runs as f on c.run = f.run
        ) as o
        where o.is_retry
        group by grouping sets ((o.provider_id, o.model_name), (o.provider_id, o.model_name, o.at))
    ),

    sums as (
        select
            c.provider_id, c.model_name, c.at, count(*) as requests, count(*) filter (where c.status = 'error') as errors,
            count(*) filter (where c.status = 'timeout') as timeouts,
            count(*) filter (where c.status = 'rate_limited') as rate_limited,
            count(c.duration_ms) filter (where c.status = 'ok') as timed,
            percentile_disc(array[0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) within group (order by c.duration_ms)
            filter (where c.status = 'ok') as percentiles,
            count(c.first_token_ms) filter (where c.status = 'ok') as first_tokens,
            percentile_disc(0.5) within group (order by c.first_token_ms) filter (where c.status = 'ok') as first_token_ms,
            sum(c.output_tokens) filter (where w.ms > 0) * 1000 / nullif(sum(w.ms) filter (where w.ms > 0), 0) as tokens_per_second,
            sum(c.tokens) as tokens, sum(c.cost_usd) as cost_usd,
            count(*) filter (where c.cost_usd is not null or f.is_free) as priced,
            count(*) filter (where c.cost_usd is null and not f.is_free) as unpriced
        from calls as c
        cross join lateral (
            select case
                when c.status = 'ok' and c.output_tokens > 0 then c.duration_ms - coalesce(c.first_token_ms, 0)
            end as ms
        ) as w
        cross join lateral (select c.status <> 'ok' and c.tokens = 0 as is_free) as f -- as private.is_failed_call
        group by grouping sets ((c.provider_id, c.model_name), (c.provider_id, c.model_name, c.at))
    )

    select
        s.provider_id, s.model_name, s.at, s.requests, s.errors, s.timeouts, s.rate_limited, coalesce(r.retries, 0), s.timed,
        s.percentiles, s.first_tokens, s.first_token_ms, s.tokens_per_second, s.tokens, s.cost_usd, s.priced, s.unpriced
    from sums as s
    left join retries as r
        on s.provider_id = r.provider_id and s.model_name = r.model_name and s.at is not distinct from r.at
$$;
revoke all on function private.performance_of(uuid, timestamptz, timestamptz, text, uuid, uuid[], uuid) from public;

-- What models did in a period, of what the caller may see: {requests, names, models, points}. `models` are the 100 with most
-- requests of all `names`, `points` what the first 20 of them and the chosen ones did by hour (of 8 days at most) or by day (of
-- 400) of the workspace's time zone. The project is one, none for the nil id, or any for null.
create or replace function public.model_performance(
    workspace uuid, first_at timestamptz, last_at timestamptz, granularity text, project uuid default null,
    chosen text[] default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all calls of the period are read
set plan_cache_mode = force_custom_plan -- a connection may keep a plan from when there were few
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
    longest constant interval := case $4 when 'hour' then interval '8 days' when 'day' then interval '401 days' end;
begin
    if longest is null then
        raise exception 'The granularity is hour or day.' using errcode = '22023';
    end if;
    if $2 is null or $3 is null or $2 >= $3 or $3 - $2 > longest then
        raise exception 'Choose a period of up to 8 days by hour, or of up to 400 days by day.' using errcode = '22023';
    end if;
    if
        (
            select count(*) > private.max_calls()
            from (
                select
                from public.cost_records as r
                where r.workspace_id = tenant and r.timestamp >= $2 and r.timestamp < $3 and r.collection_method = 'otlp'
                limit private.max_calls() + 1
            ) as c
        )
    then
        raise exception 'This period has more than % requests. Choose a shorter one.',
            ltrim(to_char(private.max_calls(), '999,999,999'))
            using errcode = '22023';
    end if;
    return (
        with found as materialized (
            select
                p.*, v.name as provider, v.display_name as provider_title,
                case when p.at is null then row_number() over (partition by p.at order by p.requests desc, p.model_name, v.name) end as nth
            from private.performance_of(tenant, $2, $3, $4, only_own, hidden, $5) as p
            inner join public.providers as v on p.provider_id = v.id
        )

        select json_build_object(
            'requests', coalesce(sum(f.requests), 0), 'names', count(*),
            'models', coalesce(
                json_agg(
                    to_jsonb(f) - array['provider_id', 'at', 'nth'] || jsonb_build_object('cost_usd', f.cost_usd::text)
                    order by f.nth
                ) filter (where f.nth <= 100), '[]'
            ),
            'points', coalesce((
                select
                    json_agg(
                        to_jsonb(o) - array['provider_id', 'provider_title', 'nth']
                        || jsonb_build_object('cost_usd', o.cost_usd::text)
                        order by o.at, t.nth
                    )
                from found as o
                inner join found as t
                    on t.at is null and o.provider_id = t.provider_id and o.model_name = t.model_name
                where o.at is not null and (t.nth <= 20 or (t.nth <= 100 and t.model_name = any ($6[1:20])))
            ), '[]')
        )
        from found as f
        where f.at is null
    );
end
$$;
revoke all on function public.model_performance(uuid, timestamptz, timestamptz, text, uuid, text[])
from public, anon, service_role;
grant execute on function public.model_performance(uuid, timestamptz, timestamptz, text, uuid, text[]) to authenticated;
