-- 080_trace_sums.sql: what a trace tells is summed from its spans each time, never added to: neither order nor repetition
-- changes it.

-- The calls of models in these traces that count. One that contains another call repeats it and does not count, unless both have
-- ids of their provider; of several with the same id, which second instruments tell, the one with most tokens does.
create or replace function private.counted_calls(tenant uuid, ids text[], weeks date[])
returns setof public.spans
language sql
stable
rows 1000
set search_path = ''
as $$
    with recursive calls as materialized (
        select s.*
        from public.spans as s
        where s.workspace_id = tenant and s.trace_id = any (ids) and s.week = any (weeks) and s.is_call
    ),

    above (trace_id, week, span_id, is_named) as (
        select c.trace_id, c.week, c.parent_span_id, c.request_id <> ''
        from calls as c
        where c.parent_span_id <> ''
        union
        select a.trace_id, a.week, p.parent_span_id, a.is_named
        from above as a
        cross join lateral (
            select s.parent_span_id
            from public.spans as s
            where s.workspace_id = tenant and s.trace_id = a.trace_id and s.span_id = a.span_id and s.week = a.week
            limit 1 -- one look-up after the other, in the index
        ) as p
        where p.parent_span_id <> ''
    )

    select distinct on (c.trace_id, c.request_id, case c.request_id when '' then c.span_id end) c.*
    from calls as c
    where
        not exists (
            select from above as a
            where a.trace_id = c.trace_id and a.span_id = c.span_id and not (a.is_named and c.request_id <> '')
        )
    order by
        c.trace_id, c.request_id, case c.request_id when '' then c.span_id end, c.input_tokens + c.output_tokens desc,
        c.cost_usd desc nulls last, c.span_id
$$;
revoke all on function private.counted_calls(uuid, text[], date[]) from public;

-- What all spans of these traces say together. The root is the first span without a parent, or else the first. A retry is a span
-- after a failed sibling of the same kind and name.
create or replace function private.described_traces(tenant uuid, ids text[], weeks date[])
returns table (
    trace_id text, week date, user_id uuid, project_ids uuid[], first_at timestamptz, last_at timestamptz, name text,
    status text, service text, session text, person text, agent text, spans bigint, errors bigint, retries bigint
)
language sql
stable
rows 1000
set search_path = ''
as $$
    select
        f.trace_id,
        min(f.week),
        case when count(distinct f.user_id) = 1 then (array_agg(f.user_id))[1] end,
        coalesce(array_agg(distinct f.project_id) filter (where f.project_id is not null), '{}'),
        min(f.started_at),
        max(f.started_at + f.duration_us * interval '1 microsecond'),
        (array_agg(f.name order by f.parent_span_id <> '', f.started_at, f.span_id))[1],
        (array_agg(f.status order by f.parent_span_id <> '', f.started_at, f.span_id))[1],
        (array_agg(f.service order by f.service = '', f.parent_span_id <> '', f.started_at, f.span_id))[1],
        (array_agg(f.session order by f.session = '', f.started_at, f.span_id))[1],
        (array_agg(f.person order by f.person = '', f.started_at, f.span_id))[1],
        (array_agg(f.agent order by f.agent = '', f.started_at, f.span_id))[1],
        count(*),
        count(*) filter (where f.status <> 'ok'),
        count(*) filter (where f.is_retry)
    from (
        select
            s.*,
            lag(s.status) over (
                partition by s.trace_id, s.parent_span_id, s.kind, s.name order by s.started_at, s.span_id
            ) <> 'ok' as is_retry
        from public.spans as s
        where s.workspace_id = tenant and s.trace_id = any (ids) and s.week = any (weeks)
    ) as f
    group by f.trace_id
$$;
revoke all on function private.described_traces(uuid, text[], date[]) from public;

-- Sums these traces again.
create or replace function private.sum_traces(tenant uuid, ids text[], weeks date[])
returns void
language sql
set search_path = ''
as $$
    with counted as materialized (
        select c.* from private.counted_calls(tenant, ids, weeks) as c
    ),

    sums as (
        select
            c.trace_id, count(*) as calls, count(*) filter (where c.cost_usd is null and c.input_tokens + c.output_tokens > 0) as unpriced,
            sum(c.input_tokens) as input_tokens, sum(c.output_tokens) as output_tokens,
            sum(c.cached_input_tokens) as cached_input_tokens, sum(c.cache_write_tokens) as cache_write_tokens,
            sum(c.reasoning_tokens) as reasoning_tokens, sum(c.cost_usd) as cost_usd
        from counted as c
        group by c.trace_id
    ),

    models as (
        select m.trace_id, (array_agg(m.model order by m.tokens desc, m.model))[1:20] as models
        from (
            select c.trace_id, c.model, sum(c.input_tokens + c.output_tokens) as tokens
            from counted as c
            where c.model <> ''
            group by c.trace_id, c.model
        ) as m
        group by m.trace_id
    )

    insert into public.traces as t (
        workspace_id, trace_id, week, user_id, project_ids, first_at, last_at, duration_us, name, service, session, person,
        agent, status, spans, errors, retries, calls, unpriced, input_tokens, output_tokens, cached_input_tokens,
        cache_write_tokens, reasoning_tokens, cost_usd, models
    )
    select
        tenant, d.trace_id, d.week, d.user_id, d.project_ids, d.first_at, d.last_at,
        (extract(epoch from d.last_at - d.first_at) * 1000000)::bigint, d.name, d.service, d.session, d.person, d.agent,
        case when d.status <> 'ok' then 'error' when d.retries > 0 then 'retried' else 'ok' end,
        d.spans, d.errors, d.retries, coalesce(s.calls, 0), coalesce(s.unpriced, 0), coalesce(s.input_tokens, 0),
        coalesce(s.output_tokens, 0), coalesce(s.cached_input_tokens, 0), coalesce(s.cache_write_tokens, 0),
        coalesce(s.reasoning_tokens, 0), s.cost_usd, coalesce(m.models, '{}')
    from private.described_traces(tenant, ids, weeks) as d
    left join sums as s on d.trace_id = s.trace_id
    left join models as m on d.trace_id = m.trace_id
    order by d.trace_id
    on conflict (workspace_id, trace_id) do update
        set
            user_id = excluded.user_id, project_ids = excluded.project_ids, first_at = excluded.first_at,
            last_at = excluded.last_at, duration_us = excluded.duration_us, name = excluded.name, service = excluded.service,
            session = excluded.session, person = excluded.person, agent = excluded.agent, status = excluded.status,
            spans = excluded.spans, errors = excluded.errors, retries = excluded.retries, calls = excluded.calls,
            unpriced = excluded.unpriced, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            cached_input_tokens = excluded.cached_input_tokens, cache_write_tokens = excluded.cache_write_tokens,
            reasoning_tokens = excluded.reasoning_tokens, cost_usd = excluded.cost_usd, models = excluded.models
$$;
revoke all on function private.sum_traces(uuid, text[], date[]) from public;

create or replace function private.count_spans_of(tenant uuid, weeks jsonb)
returns bigint
language sql
stable
set search_path = ''
set enable_sort = off -- as in private.check_spans
as $$
    select coalesce(sum(t.spans), 0)
    from jsonb_object_keys(weeks) as k (trace_id)
    cross join lateral (
        select f.spans from public.traces as f
        where f.workspace_id = tenant and f.trace_id >= k.trace_id and f.trace_id <= k.trace_id
        order by f.trace_id
        limit 1
    ) as t
$$;
revoke all on function private.count_spans_of(uuid, jsonb) from public;

-- Saves up to 5,000 spans of the workspace, as the caller. Returns {inserted, known, rejected: [{index, reason}]}; those that
-- are known may have told more than before.
create or replace function public.save_spans(spans json, workspace uuid default null)
returns json
language plpgsql
security definer
set search_path = ''
set lock_timeout = '6s' -- less than the API's limit: who waits too long is told to, and repeats it
set plan_cache_mode = force_generic_plan
set enable_seqscan = off -- a connection keeps its plans, which may be from when a week was empty
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    incoming private.incoming_span[];
    refused jsonb;
    weeks jsonb;
    spans_before bigint;
    changed text[];
    inserted bigint := 0;
begin
    if json_typeof(spans) = 'array' then
        incoming := array(select r from json_populate_recordset(null::private.incoming_span, spans) as r);
    end if;
    if incoming is null or cardinality(incoming) > 5000 then
        raise exception 'Spans must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.span_lock(tenant));
    refused := (select jsonb_object_agg(c.nth, c.reason) from private.check_spans(tenant, incoming) as c);
    if refused is not null then
        incoming := array(
            select r.span
            from (select row_number() over () as nth, u as span from unnest(incoming) as u) as r
            where not refused ? r.nth::text
        );
    end if;
    if cardinality(incoming) > 0 then
        perform private.check_chosen_projects(
            tenant, (select array_agg(distinct r.project_id) from unnest(incoming) as r where r.project_id is not null)
        );
        weeks := (select jsonb_object_agg(w.trace_id, w.week) from private.weeks_of_traces(tenant, incoming) as w);
        perform private.create_piece('spans', w.week)
        from (select distinct v.value::date as week from jsonb_each_text(weeks) as v order by 1) as w;
        spans_before := private.count_spans_of(tenant, weeks);
        changed := private.store_spans(tenant, incoming, weeks);
    end if;
    if changed is not null then
        perform private.sum_traces(tenant, changed, array(select distinct v.value::date from jsonb_each_text(weeks) as v));
        inserted := private.count_spans_of(tenant, weeks) - spans_before;
        insert into private.span_counts as c (workspace_id, spans)
        values (tenant, inserted)
        on conflict (workspace_id) do update set spans = c.spans + excluded.spans;
    end if;
    return json_build_object(
        'inserted', inserted,
        'known', coalesce(cardinality(incoming), 0) - inserted,
        'rejected', coalesce(
            (select json_agg(json_build_object('index', r.key::integer - 1, 'reason', r.value) order by r.key::integer)
            from jsonb_each_text(refused) as r), '[]'
        )
    );
end
$$;
revoke all on function public.save_spans(json, uuid) from public, anon, service_role;
grant execute on function public.save_spans(json, uuid) to authenticated;
