-- 079_saving_spans.sql: saving spans: late ones, out of order, of one trace over many requests, and those that are sent again.

do $$
begin
    if to_regtype('private.incoming_span') is null then
        create type private.incoming_span as (
            trace_id text,
            span_id text,
            parent_span_id text,
            project_id uuid, -- chosen by the source; else the rules of the workspace decide
            import_id uuid, -- the source of its records, for these rules
            started_at timestamptz,
            duration_us bigint,
            kind text,
            name text,
            service text,
            status text,
            error text,
            is_call boolean,
            request_id text,
            provider text,
            model text,
            input_tokens bigint,
            output_tokens bigint,
            cached_input_tokens bigint,
            cache_write_tokens bigint,
            reasoning_tokens bigint,
            cost_usd numeric(18, 10),
            first_token_us bigint,
            session text,
            person text,
            agent text,
            prompt_name text,
            prompt_version text,
            tags jsonb,
            resource jsonb,
            metadata jsonb
        );
        revoke all on type private.incoming_span from public;
    end if;
end
$$;

-- The week of each of these traces: of one that is there its own, of another that of its first span.
create or replace function private.weeks_of_traces(tenant uuid, incoming private.incoming_span[])
returns table (trace_id text, week date)
language sql
stable
set search_path = ''
set enable_sort = off -- as in private.check_spans
as $$
    select i.trace_id, coalesce(t.week, date_trunc('week', i.started_at at time zone 'UTC')::date)
    from (select r.trace_id, min(r.started_at) as started_at from unnest(incoming) as r group by r.trace_id) as i
    left join lateral (
        select f.week from public.traces as f
        where f.workspace_id = tenant and f.trace_id >= i.trace_id and f.trace_id <= i.trace_id
        order by f.trace_id
        limit 1
    ) as t on true
$$;
revoke all on function private.weeks_of_traces(uuid, private.incoming_span[]) from public;

-- The reason why a span cannot be saved, by what is in it; null where there is none.
create or replace function private.refuse_span(r private.incoming_span, days integer)
returns text
language sql
stable
set search_path = ''
as $$
    select case
        when (r.trace_id ~ '^[0-9a-f]{32}$' and r.trace_id <> repeat('0', 32)) is not true
            then 'A trace id has 32 hexadecimal digits, not all of them zero.'
        when (r.span_id ~ '^[0-9a-f]{16}$' and r.span_id <> repeat('0', 16)) is not true
            then 'A span id has 16 hexadecimal digits, not all of them zero.'
        when coalesce(r.parent_span_id, '') !~ '^([0-9a-f]{16})?$' then 'The id of a parent has 16 hexadecimal digits.'
        when r.started_at is null then 'The start is missing.'
        when r.started_at > now() + interval '1 day' then format('The start %s is in the future.', r.started_at::date)
        when coalesce(r.duration_us, 0) not between 0 and 31622400000000 then 'A span lasts for 0 seconds to 366 days.'
        when r.started_at + coalesce(r.duration_us, 0) * interval '1 microsecond' < now() - days * interval '1 day'
            then format('It ended more than %s days ago, and traces are kept for %s days.', days, days)
        when
            least(r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens, 0) < 0
            or greatest(r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens)
            > 1000000000000000
            then 'Tokens are 0 to 1,000,000,000,000,000 of each class.'
        when r.cost_usd < 0 or r.cost_usd = 'NaN' then 'A cost is 0 or more.'
        when coalesce(r.first_token_us, 0) not between 0 and 31622400000000
            then 'The first token comes within 0 seconds to 366 days.'
        when
            greatest(pg_column_size(r.tags), pg_column_size(r.resource), pg_column_size(r.metadata)) > 4096
            then 'Tags, resource and metadata have 4,096 bytes each at most.'
        when
            'object' <> any (array[
                coalesce(jsonb_typeof(r.tags), 'object'), coalesce(jsonb_typeof(r.resource), 'object'),
                coalesce(jsonb_typeof(r.metadata), 'object')
            ])
            then 'Tags, resource and metadata are objects.'
    end
$$;
revoke all on function private.refuse_span(private.incoming_span, integer) from public;

-- Spans that cannot be saved, as (position, reason). A trace that never ends, or a workspace whose programs send without end,
-- ends at its bound; spans that are there already may be sent again.
create or replace function private.check_spans(tenant uuid, incoming private.incoming_span[])
returns table (nth bigint, reason text)
language plpgsql
stable
set search_path = ''
set enable_sort = off -- the index that has traces in order is that of their ids
as $$
declare
    days constant integer := (select w.trace_days from public.workspaces as w where w.id = tenant);
    present constant bigint := coalesce((select c.spans from private.span_counts as c where c.workspace_id = tenant), 0);
begin
    return query
    -- Looked up one after the other, and once: by a plan from when there were few traces, all of them would be read instead.
    with present_traces as materialized (
        select n.trace_id, f.week, f.spans
        from (select distinct u.trace_id from unnest(incoming) as u) as n
        cross join lateral (
            select t.week, t.spans from public.traces as t
            where t.workspace_id = tenant and t.trace_id >= n.trace_id and t.trace_id <= n.trace_id
            order by t.trace_id
            limit 1
        ) as f
    )

    select i.nth, i.reason
    from (
        select
            c.nth,
            case
                when c.reason is not null then c.reason
                when c.is_known then null
                when c.spans + rank() over (partition by c.trace_id, c.is_new order by c.nth) > 10000
                    then 'A trace can have 10,000 spans at most. Begin a trace for each request or task.'
                when present + rank() over (partition by c.is_new order by c.nth) > private.max_spans()
                    then format(
                        'A workspace can hold %s spans at most. Keep traces for fewer days, or send fewer.',
                        ltrim(to_char(private.max_spans(), '999,999,999'))
                    )
            end as reason
        from (
            select
                r.nth,
                r.trace_id,
                r.reason,
                coalesce(t.spans, 0) as spans,
                s.span_id is not null as is_known,
                r.reason is null and s.span_id is null as is_new
            from (
                select row_number() over () as nth, u.trace_id, u.span_id, private.refuse_span(u, days) as reason
                from unnest(incoming) as u
            ) as r
            left join present_traces as t on r.trace_id = t.trace_id
            -- The limit keeps the look-ups apart, for the same reason.
            left join lateral (
                select k.span_id
                from public.spans as k
                where k.workspace_id = tenant and k.trace_id = t.trace_id and k.span_id = r.span_id and k.week = t.week
                limit 1
            ) as s on true
        ) as c
    ) as i
    where i.reason is not null;
end
$$;
revoke all on function private.check_spans(uuid, private.incoming_span[]) from public;

-- The project of each span, by the rules that file records; null where there are none.
create or replace function private.file_spans(tenant uuid, incoming private.incoming_span[])
returns uuid[]
language plpgsql
stable
set search_path = ''
as $$
declare
    rules constant public.project_rules[] := private.active_rules(tenant);
begin
    if coalesce(cardinality(rules), 0) = 0 then
        return null;
    end if;
    return private.match_rules(
        rules,
        array(
            select
                row(
                    r.metadata ->> 'project', r.metadata ->> 'repository', r.metadata ->> 'branch', null, null, r.person,
                    -- As in records: names with their values.
                    (select jsonb_agg(g.key || case g.value when '' then '' else ':' || g.value end) from jsonb_each_text(r.tags) as g),
                    r.import_id, private.model_key_of(nullif(r.model, '')), null
                )::private.traits
            from unnest(incoming) as r
        )
    );
end
$$;
revoke all on function private.file_spans(uuid, private.incoming_span[]) from public;

-- A span as it is stored: texts cut to their bounds, what is missing filled in.
create or replace function private.stored_span(
    tenant uuid, r private.incoming_span, week date, person_id uuid, filed_project uuid
)
returns public.spans
language sql
stable
set search_path = ''
as $$
    select row(
        tenant, r.trace_id, r.span_id, week,
        case when r.parent_span_id = r.span_id then '' else coalesce(r.parent_span_id, '') end,
        person_id, coalesce(r.project_id, filed_project), r.started_at, coalesce(r.duration_us, 0),
        case when r.kind in ('llm', 'tool', 'agent', 'retrieval', 'http', 'db') then r.kind else 'internal' end,
        coalesce(nullif(left(r.name, 200), ''), '(unnamed)'), coalesce(left(r.service, 200), ''),
        case when r.status in ('error', 'timeout', 'rate_limited') then r.status else 'ok' end,
        coalesce(left(r.error, 300), ''), coalesce(r.is_call, false), coalesce(left(r.request_id, 300), ''),
        coalesce(left(r.provider, 100), ''), coalesce(left(r.model, 200), ''), coalesce(r.input_tokens, 0),
        coalesce(r.output_tokens, 0), coalesce(r.cached_input_tokens, 0), coalesce(r.cache_write_tokens, 0),
        coalesce(r.reasoning_tokens, 0), r.cost_usd, r.first_token_us, coalesce(left(r.session, 200), ''),
        coalesce(left(r.person, 200), ''), coalesce(left(r.agent, 200), ''), coalesce(left(r.prompt_name, 200), ''),
        coalesce(left(r.prompt_version, 100), ''), coalesce(r.tags, '{}'), coalesce(r.resource, '{}'), coalesce(r.metadata, '{}'),
        r.import_id, r.project_id is not null
    )::public.spans
$$;
revoke all on function private.stored_span(uuid, private.incoming_span, date, uuid, uuid) from public;

-- Of two statements on one span the one with the greater rank is kept: the longer one, then the one that tells more. In the end
-- any order decides, so that it is the same in whatever order they come.
create or replace function private.rank_of_span(s public.spans)
returns text
language sql
stable
set search_path = ''
as $$
    select (
        lpad(s.duration_us::text, 20, '0') || s.is_call::integer || lpad((s.input_tokens + s.output_tokens)::text, 20, '0')
        || lpad(coalesce(s.cost_usd::text, ''), 20) || s::text
    ) collate "C"
$$;
revoke all on function private.rank_of_span(public.spans) from public;

-- Adds spans that are new, and keeps the better of two statements on one. A span stays whose it is: others who know its ids
-- cannot change it. Returns the traces that changed.
create or replace function private.store_spans(tenant uuid, incoming private.incoming_span[], weeks jsonb)
returns text[]
language plpgsql
set search_path = ''
as $$
declare
    changed text[];
begin
    with stated as materialized (
        select distinct on ((n.s).trace_id, (n.s).span_id) n.s
        from (
            select
                private.stored_span(
                    tenant, r.given, (weeks ->> (r.given).trace_id)::date, coalesce(a.user_id, auth.uid()), p.project_id
                ) as s,
                r.is_repeated
            from (
                select o.*, count(*) over (partition by (o.given).trace_id, (o.given).span_id) > 1 as is_repeated
                from (select row_number() over () as nth, u as given from unnest(incoming) as u) as o
            ) as r
            left join unnest(private.file_spans(tenant, incoming)) with ordinality as p (project_id, nth) on r.nth = p.nth
            left join public.person_aliases as a
                on
                    a.workspace_id = tenant
                    -- Most spans name none: without the case, nothing would be cleaned for each.
                    and case when (r.given).person <> '' then private.clean_value('person', (r.given).person) end = a.value
            offset 0 -- else each use of the span would make it again
        ) as n
        -- Mostly a span is told once: there is nothing to rank.
        order by (n.s).trace_id, (n.s).span_id, case when n.is_repeated then private.rank_of_span(n.s) end desc
    ),

    stored as (
        insert into public.spans as s
        select (t.s).* from stated as t
        on conflict (workspace_id, trace_id, span_id, week) do update
            set
                parent_span_id = excluded.parent_span_id, project_id = excluded.project_id, started_at = excluded.started_at,
                duration_us = excluded.duration_us, kind = excluded.kind, name = excluded.name, service = excluded.service,
                status = excluded.status, error = excluded.error, is_call = excluded.is_call, request_id = excluded.request_id,
                provider = excluded.provider, model = excluded.model, input_tokens = excluded.input_tokens,
                output_tokens = excluded.output_tokens, cached_input_tokens = excluded.cached_input_tokens,
                cache_write_tokens = excluded.cache_write_tokens, reasoning_tokens = excluded.reasoning_tokens,
                cost_usd = excluded.cost_usd, first_token_us = excluded.first_token_us, session = excluded.session,
                person = excluded.person, agent = excluded.agent, prompt_name = excluded.prompt_name,
                prompt_version = excluded.prompt_version, tags = excluded.tags, resource = excluded.resource,
                metadata = excluded.metadata, import_id = excluded.import_id, is_project_chosen = excluded.is_project_chosen
            where excluded.user_id = s.user_id and private.rank_of_span(excluded) > private.rank_of_span(s)
        returning s.trace_id
    )

    select array_agg(distinct d.trace_id) into changed from stored as d;
    return changed;
end
$$;
revoke all on function private.store_spans(uuid, private.incoming_span[], jsonb) from public;
