-- 091_agent_sessions.sql: what agents used by repository and branch, and by session; one session.

-- Repositories and their branches, in up to 100 days: the 8 repositories of most value, each with its 4 branches of most value;
-- `kind` and `branch_kind` are `value`, `rest` (how many in `members`) or `none`. `branch_kind` is null for the whole repository.
-- `days` has the amounts of each day, paid and included.
create or replace function public.agent_places(
    workspace uuid, agents text[], from_date date, to_date date, person uuid default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records of the period are read
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    zone constant text := private.timezone_of(tenant);
begin
    perform private.check_agent_period(tenant, $3, $4, 100);
    return (
        with sums as materialized (
            select
                (a.at at time zone zone)::date as day, a.repository, a.branch, a.session,
                coalesce(sum(a.cost_usd) filter (where not a.is_included), 0) as cost_usd,
                coalesce(sum(a.cost_usd) filter (where a.is_included), 0) as included_usd,
                sum(a.tokens) as tokens, sum(a.requests) as requests, count(*) filter (where a.cost_usd is null) as unpriced
            from private.agent_records(
                tenant, $2[1:50], private.day_start($3, zone), private.day_start($4 + 1, zone), $5
            ) as a
            group by 1, 2, 3, 4
        ),

        repositories as (
            select
                s.repository,
                row_number() over (order by sum(s.cost_usd + s.included_usd) desc, sum(s.tokens) desc, s.repository) as nth
            from sums as s
            where s.repository is not null
            group by s.repository
        ),

        branches as (
            select
                s.repository, s.branch,
                row_number() over (
                    partition by s.repository order by sum(s.cost_usd + s.included_usd) desc, sum(s.tokens) desc, s.branch
                ) as nth
            from sums as s
            where s.repository is not null and s.branch is not null
            group by s.repository, s.branch
        ),

        named as (
            select
                s.*, case when r.nth is null then 'none' when r.nth > 8 then 'rest' else 'value' end as kind,
                case when r.nth <= 8 then s.repository end as shown,
                case when r.nth <= 8 then case when b.nth is null then 'none' when b.nth > 4 then 'rest' else 'value' end end
                    as branch_kind,
                case when r.nth <= 8 and b.nth <= 4 then s.branch end as shown_branch
            from sums as s
            left join repositories as r on s.repository = r.repository
            left join branches as b on s.repository = b.repository and s.branch = b.branch
        ),

        parts as (
            select
                n.kind, n.shown as repository, n.branch_kind, n.shown_branch as branch, n.day,
                grouping(n.branch_kind) = 0 as is_branch,
                case when grouping(n.branch_kind) = 0 then count(distinct n.branch) else count(distinct n.repository) end as members,
                sum(n.cost_usd) as cost_usd, sum(n.included_usd) as included_usd, sum(n.tokens) as tokens,
                sum(n.requests) as requests, count(distinct n.session) as sessions, sum(n.unpriced) as unpriced
            from named as n
            group by grouping sets ((1, 2), (1, 2, 5), (1, 2, 3, 4), (1, 2, 3, 4, 5))
        )

        select coalesce(json_agg(
            to_jsonb(p) || jsonb_build_object('cost_usd', p.cost_usd::text, 'included_usd', p.included_usd::text)
            order by p.cost_usd + p.included_usd desc, p.tokens desc, p.repository, p.branch, p.day
        ), '[]')
        from parts as p
        where not p.is_branch or p.branch_kind is not null
    );
end
$$;
revoke all on function public.agent_places(uuid, text[], date, date, uuid) from public, anon, service_role;
grant execute on function public.agent_places(uuid, text[], date, date, uuid) to authenticated;

-- Sessions of up to 100 days: {sessions, rows}, the rows being those of most value. `first_context` and `most_context` are input
-- tokens of single requests, `models` the four of most value; agent, repository and branch are those of most records.
create or replace function public.agent_sessions(
    workspace uuid, agents text[], from_date date, to_date date, person uuid default null, top_n integer default 10
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records of the period are read
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    zone constant text := private.timezone_of(tenant);
begin
    perform private.check_agent_period(tenant, $3, $4, 100);
    return (
        with found as materialized (
            select
                a.at, a.agent, a.session, a.repository, a.branch, a.model_name, a.is_included, a.cost_usd, a.tokens, a.input_tokens,
                a.requests, a.source_key
            from private.agent_records(
                tenant, $2[1:50], private.day_start($3, zone), private.day_start($4 + 1, zone), $5
            ) as a
            where a.session is not null
        ),

        sums as (
            select
                f.session, min(f.at) as first_at, max(f.at) as last_at,
                coalesce(sum(f.cost_usd) filter (where not f.is_included), 0) as cost_usd,
                coalesce(sum(f.cost_usd) filter (where f.is_included), 0) as included_usd,
                sum(f.tokens) as tokens, sum(f.requests) as requests, count(*) filter (where f.cost_usd is null) as unpriced,
                max(f.input_tokens) filter (where f.requests <= 1) as most_context, count(*) over () as total
            from found as f
            group by f.session
            order by coalesce(sum(f.cost_usd), 0) desc, sum(f.tokens) desc, f.session
            limit greatest(least($6, 100), 1)
        ),

        described as (
            select
                f.session, mode() within group (order by f.agent) as agent, mode() within group (order by f.repository) as repository,
                mode() within group (order by f.branch) as branch,
                (array_agg(f.input_tokens order by f.at, f.source_key) filter (where f.input_tokens > 0 and f.requests <= 1))[1]
                    as first_context
            from found as f
            where f.session in (select s.session from sums as s)
            group by f.session
        ),

        models as (
            select m.session, (array_agg(m.model_name order by m.usd desc, m.model_name))[1:4] as models
            from (
                select f.session, f.model_name, coalesce(sum(f.cost_usd), 0) as usd
                from found as f
                where f.session in (select s.session from sums as s)
                group by f.session, f.model_name
            ) as m
            group by m.session
        )

        select json_build_object(
            'sessions', coalesce(max(s.total), 0),
            'rows', coalesce(json_agg(
                to_jsonb(s) - 'total' || to_jsonb(d)
                || jsonb_build_object('models', m.models, 'cost_usd', s.cost_usd::text, 'included_usd', s.included_usd::text)
                order by s.cost_usd + s.included_usd desc, s.tokens desc, s.session
            ), '[]')
        )
        from sums as s
        inner join described as d on s.session = d.session
        inner join models as m on s.session = m.session
    );
end
$$;
revoke all on function public.agent_sessions(uuid, text[], date, date, uuid, integer) from public, anon, service_role;
grant execute on function public.agent_sessions(uuid, text[], date, date, uuid, integer) to authenticated;

create index if not exists superseded_records_session_idx
    on public.superseded_records (
        workspace_id, left(coalesce(nullif(btrim(metadata ->> 'session'), ''), nullif(btrim(metadata ->> 'session_id'), '')), 200)
    )
    where metadata ?| array['session', 'session_id'];

-- Of the records of a session that the caller may read, the first time and the last; also of those that only another statement on
-- the same event says to be of it.
create or replace function private.session_times(tenant uuid, session text)
returns table (first_at timestamptz, last_at timestamptz)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    caller constant uuid := auth.uid();
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return query
    select min(f.timestamp), max(f.timestamp)
    from (
        (
            select r.timestamp
            from public.cost_records as r
            where
                r.workspace_id = tenant and r.metadata ?| array['session', 'session_id']
                and left(coalesce(nullif(btrim(r.metadata ->> 'session'), ''), nullif(btrim(r.metadata ->> 'session_id'), '')), 200) = $2
                and (r.user_id = caller or only_own is null and (r.project_id = any (hidden)) is not true)
            offset 0 -- else it would look for the first one by time
        )
        union all
        (
            select s.timestamp
            from public.superseded_records as s
            inner join public.imports as i on s.import_id = i.id and i.is_enabled
            where
                s.workspace_id = tenant and s.metadata ?| array['session', 'session_id']
                and left(coalesce(nullif(btrim(s.metadata ->> 'session'), ''), nullif(btrim(s.metadata ->> 'session_id'), '')), 200) = $2
                and (s.user_id = caller or only_own is null and (s.project_id = any (hidden)) is not true)
            offset 0
        )
    ) as f;
end
$$;
revoke all on function private.session_times(uuid, text) from public;

-- The requests of a session in order, of what the caller may read: {requests, records, first_at, last_at, cost_usd, included_usd,
-- unpriced, days, has_traces, rows}, with the first 5,000 rows, and of all of them `days`, [[day, cost_usd, included_usd]], since
-- each day has its rate of exchange; null for an unknown session. A session is looked for in the 398 days up
-- to its last request.
create or replace function public.agent_session(workspace uuid, session text)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records of the session's days are read
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    asked constant text := left(btrim($2), 200);
    zone constant text := private.timezone_of(tenant);
    first_at timestamptz;
    last_at timestamptz;
begin
    select t.first_at, t.last_at
    into first_at, last_at
    from private.session_times(tenant, asked) as t;
    if asked = '' or last_at is null then
        return null;
    end if;
    first_at := greatest(first_at - interval '1 hour', last_at - interval '398 days');
    last_at := last_at + interval '1 hour';
    perform private.check_agent_period(tenant, (first_at at time zone zone)::date, (last_at at time zone zone)::date, 401);
    return (
        with found as materialized (
            select a.*, row_number() over (order by a.at, a.source_key) as nth
            from private.agent_records(tenant, null, first_at, last_at, null) as a
            where a.session = asked
        ),

        days as (
            select
                (f.at at time zone zone)::date as day, coalesce(sum(f.cost_usd) filter (where not f.is_included), 0) as cost_usd,
                coalesce(sum(f.cost_usd) filter (where f.is_included), 0) as included_usd
            from found as f
            group by 1
        )

        select
            case when count(*) > 0 then json_build_object(
                'requests', sum(f.requests), 'records', count(*), 'first_at', min(f.at), 'last_at', max(f.at),
                'cost_usd', coalesce(sum(f.cost_usd) filter (where not f.is_included), 0)::text,
                'included_usd', coalesce(sum(f.cost_usd) filter (where f.is_included), 0)::text,
                'unpriced', count(*) filter (where f.cost_usd is null),
                'days', (
                    select json_agg(json_build_array(d.day, d.cost_usd::text, d.included_usd::text) order by d.day) from days as d
                ),
                'has_traces', exists (
                    select
                    from public.traces as t
                    where
                        t.workspace_id = tenant and t.session = asked
                        and (
                            t.user_id = auth.uid()
                            or private.only_own_rows(tenant) is null and not t.project_ids && array(select private.hidden_projects())
                        )
                ),
                'rows', json_agg(
                    json_build_object(
                        'at', f.at, 'agent', f.agent, 'repository', f.repository, 'branch', f.branch, 'provider', p.name,
                        'model_name', f.model_name, 'is_included', f.is_included, 'cost_usd', f.cost_usd::text,
                        'input_tokens', f.input_tokens, 'output_tokens', f.output_tokens,
                        'cached_input_tokens', f.cached_input_tokens, 'cache_write_tokens', f.cache_write_tokens,
                        'hour_write_tokens', f.hour_write_tokens, 'requests', f.requests, 'priced_by', f.priced_by
                    )
                    order by f.nth
                ) filter (where f.nth <= 5000)
            ) end
        from found as f
        inner join public.providers as p on f.provider_id = p.id
    );
end
$$;
revoke all on function public.agent_session(uuid, text) from public, anon, service_role;
grant execute on function public.agent_session(uuid, text) to authenticated;
