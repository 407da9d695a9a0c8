-- 081_finding_traces.sql: lists of traces and of sessions, with what the caller may see; dropping what is too old.

-- Traces of a period that meet the conditions, of which null is any: {traces, errors, retried, cost_usd, unpriced, p50_us,
-- p95_us, services, models, points, rows}. Services and models are those of the whole period, points some 400 of the traces as
-- [duration_us, cost_usd, status], rows one page. A text is looked for in names, services, sessions and people, and at the
-- beginning of ids.
create or replace function public.find_traces(
    workspace uuid, first_at timestamptz, last_at timestamptz, search text, status text, service text, model text,
    session text, sort text, skip integer, page_rows integer
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        with period as materialized (
            select
                t.trace_id, t.first_at, t.duration_us, t.cost_usd, t.unpriced, t.status, t.service, t.models,
                ($4 is null or starts_with(t.trace_id, lower($4))
                    or strpos(lower(concat_ws(chr(10), t.name, t.service, t.session, t.person)), lower($4)) > 0)
                and ($5 is null or t.status = $5) and ($6 is null or t.service = $6)
                and ($7 is null or $7 = any (t.models))
                and ($8 is null or t.session = $8) as is_match
            from public.traces as t
            where
                t.workspace_id = tenant and t.first_at >= $2 and t.first_at < $3
                and (t.user_id = (select auth.uid()) or (only_own is null and not t.project_ids && hidden))
        ),

        matches as materialized (
            select p.*, row_number() over () as nth, count(*) over () as total from period as p where p.is_match
        ),

        page as (
            select m.trace_id, row_number() over () as nth
            from (
                select m.trace_id
                from matches as m
                order by
                    case $9 when 'slowest' then m.duration_us when 'dearest' then m.cost_usd end desc nulls last,
                    m.first_at desc, m.trace_id
                offset greatest($10, 0) limit least($11, 200)
            ) as m
        )

        select json_build_object(
            'traces', count(*), 'cost_usd', sum(m.cost_usd)::text, 'unpriced', count(*) filter (where m.unpriced > 0),
            'errors', count(*) filter (where m.status = 'error'), 'retried', count(*) filter (where m.status = 'retried'),
            'p50_us', percentile_disc(0.5) within group (order by m.duration_us),
            'p95_us', percentile_disc(0.95) within group (order by m.duration_us),
            'services', (
                select json_agg(s.service order by s.service)
                from (select distinct p.service from period as p where p.service <> '' limit 100) as s
            ),
            'models', (
                select json_agg(s.model order by s.model)
                from (select distinct u.model from period as p cross join unnest(p.models) as u (model) limit 100) as s
            ),
            'points', json_agg(json_build_array(m.duration_us, m.cost_usd, m.status)) filter (where m.nth % (1 + m.total / 400) = 0),
            'rows', (
                select
                    json_agg(
                        json_build_object(
                            'trace_id', t.trace_id, 'name', t.name, 'service', t.service, 'session', t.session,
                            'status', t.status, 'first_at', t.first_at, 'duration_us', t.duration_us, 'spans', t.spans,
                            'errors', t.errors, 'retries', t.retries, 'unpriced', t.unpriced, 'models', t.models,
                            'tokens', t.input_tokens + t.output_tokens, 'cost_usd', t.cost_usd::text
                        )
                        order by g.nth
                    )
                from page as g
                inner join public.traces as t on t.workspace_id = tenant and g.trace_id = t.trace_id
            )
        )
        from matches as m
    );
end
$$;
revoke all on function public.find_traces(
    uuid, timestamptz, timestamptz, text, text, text, text, text, text, integer, integer
) from public, anon, service_role;
grant execute on function public.find_traces(
    uuid, timestamptz, timestamptz, text, text, text, text, text, text, integer, integer
) to authenticated;

-- Sessions of a period: conversations of traces; {sessions, rows}.
create or replace function public.find_sessions(
    workspace uuid, first_at timestamptz, last_at timestamptz, search text, sort text, skip integer, page_rows integer
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        with sessions as materialized (
            select
                t.session, count(*) as traces, min(t.first_at) as first_at, max(t.last_at) as last_at,
                sum(t.duration_us) as duration_us, sum(t.spans) as spans, sum(t.errors) as errors, sum(t.retries) as retries,
                sum(t.input_tokens + t.output_tokens) as tokens, sum(t.unpriced) as unpriced, sum(t.cost_usd) as cost_usd,
                max(t.service) as service, max(t.person) as person, max(t.agent) as agent
            from public.traces as t
            where
                t.workspace_id = tenant
                and t.first_at >= $2
                and t.first_at < $3
                and (t.user_id = (select auth.uid()) or (only_own is null and not t.project_ids && hidden))
                and t.session <> ''
                and (
                    $4 is null
                    or strpos(lower(concat_ws(chr(10), t.name, t.service, t.session, t.person)), lower($4)) > 0
                )
            group by t.session
        )

        select json_build_object(
            'sessions', (select count(*) from sessions),
            'rows', (
                select json_agg(r.session order by r.nth)
                from (
                    select
                        row_number() over () as nth,
                        json_build_object(
                            'session', s.session, 'traces', s.traces, 'first_at', s.first_at, 'last_at', s.last_at,
                            'duration_us', s.duration_us, 'spans', s.spans, 'errors', s.errors, 'retries', s.retries,
                            'tokens', s.tokens, 'unpriced', s.unpriced, 'cost_usd', s.cost_usd::text, 'service', s.service,
                            'person', s.person, 'agent', s.agent
                        ) as session
                    from (
                        select o.*
                        from sessions as o
                        order by
                            case $5 when 'slowest' then o.duration_us end desc nulls last,
                            case $5 when 'dearest' then o.cost_usd end desc nulls last,
                            o.last_at desc, o.session
                        offset greatest($6, 0) limit least($7, 200)
                    ) as s
                ) as r
            )
        )
    );
end
$$;
revoke all on function public.find_sessions(uuid, timestamptz, timestamptz, text, text, integer, integer)
from public, anon, service_role;
grant execute on function public.find_sessions(uuid, timestamptz, timestamptz, text, text, integer, integer) to authenticated;

-- The spans of a trace that the caller may see, as columns without tags, resource and metadata; null if there are none.
create or replace function public.read_trace(workspace uuid, trace_id text)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
    in_week constant date := (select t.week from public.traces as t where t.workspace_id = tenant and t.trace_id = $2);
begin
    return (
        select case when count(*) > 0 then json_build_object(
            'span_id', json_agg(s.span_id), 'parent_span_id', json_agg(s.parent_span_id), 'started_at', json_agg(s.started_at),
            'duration_us', json_agg(s.duration_us), 'kind', json_agg(s.kind), 'name', json_agg(s.name),
            'service', json_agg(s.service), 'status', json_agg(s.status), 'error', json_agg(s.error),
            'is_call', json_agg(s.is_call), 'request_id', json_agg(s.request_id), 'provider', json_agg(s.provider),
            'model', json_agg(s.model), 'input_tokens', json_agg(s.input_tokens), 'output_tokens', json_agg(s.output_tokens),
            'cached_input_tokens', json_agg(s.cached_input_tokens), 'cache_write_tokens', json_agg(s.cache_write_tokens),
            'reasoning_tokens', json_agg(s.reasoning_tokens), 'cost_usd', json_agg(s.cost_usd::text),
            'first_token_us', json_agg(s.first_token_us), 'session', json_agg(s.session), 'person', json_agg(s.person),
            'agent', json_agg(s.agent), 'prompt_name', json_agg(s.prompt_name), 'prompt_version', json_agg(s.prompt_version)
        ) end
        from public.spans as s
        where
            s.workspace_id = tenant
            and s.trace_id = $2
            and s.week = in_week
            and (
                s.user_id = (select auth.uid())
                or (only_own is null and (s.project_id is null or s.project_id <> all (hidden)))
            )
    );
end
$$;
revoke all on function public.read_trace(uuid, text) from public, anon, service_role;
grant execute on function public.read_trace(uuid, text) to authenticated;

-- Drops some of a workspace's traces that ended before the days for which it keeps them; returns how many.
create or replace function private.drop_old_traces(tenant uuid, most integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    days constant integer := (select w.trace_days from public.workspaces as w where w.id = tenant);
    dropped record;
begin
    perform pg_advisory_xact_lock(private.span_lock(tenant));
    with gone as (
        delete from public.traces as t
        where
            t.workspace_id = tenant
            and t.trace_id in (
                select o.trace_id
                from public.traces as o
                where o.workspace_id = tenant and o.last_at < now() - days * interval '1 day'
                order by o.last_at
                limit most
            )
        returning t.trace_id, t.week, t.spans
    ),

    gone_spans as (
        delete from public.spans as s
        using gone as g
        where s.workspace_id = tenant and g.trace_id = s.trace_id and g.week = s.week
    )

    select count(*) as traces, coalesce(sum(g.spans), 0) as spans into dropped from gone as g;
    update private.span_counts as c set spans = greatest(c.spans - dropped.spans, 0) where c.workspace_id = tenant;
    return dropped.traces;
end
$$;
revoke all on function private.drop_old_traces(uuid, integer) from public;
