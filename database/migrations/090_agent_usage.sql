-- 090_agent_usage.sql: what coding agents used: their records, and sums by day, hour and model.

-- A session's records, wherever in time: a link has only its name. Names are cut, because long ones do not fit an index.
create index if not exists cost_records_session_idx
    on public.cost_records (
        workspace_id, left(coalesce(nullif(btrim(metadata ->> 'session'), ''), nullif(btrim(metadata ->> 'session_id'), '')), 200)
    )
    where metadata ?| array['session', 'session_id'];

create or replace function private.max_agent_records()
returns bigint
language sql
immutable
set search_path = ''
as $$
    select 2000000::bigint
$$;
revoke all on function private.max_agent_records() from public;

-- Cache writes of a record that last an hour, among those that it counts. Metadata may be anybody's.
create or replace function private.hour_writes(metadata jsonb, cache_write_tokens bigint)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select case
        when jsonb_typeof($1 -> 'cache_write_1h_tokens') = 'number'
            then least(greatest(trunc(($1 ->> 'cache_write_1h_tokens')::numeric), 0), $2)::bigint
        else 0
    end
$$;
revoke all on function private.hour_writes(jsonb, bigint) from public;

-- The agent, session, repository and branch that superseded statements on events of a period name, of those that may be read: by
-- `line_at` where an event has no id. Of several, the first by name.
create or replace function private.told_places(
    tenant uuid, first_at timestamptz, last_at timestamptz, only_own uuid, hidden uuid[]
)
returns table (source_key uuid, line_at timestamptz, agent text, session text, repository text, branch text)
language sql
stable
rows 1000
set search_path = ''
as $$
    select
        s.source_key, case when s.request_id is null then s.timestamp end,
        min(nullif(btrim(s.metadata ->> 'agent'), '')),
        min(coalesce(nullif(btrim(s.metadata ->> 'session'), ''), nullif(btrim(s.metadata ->> 'session_id'), ''))),
        min(nullif(btrim(s.metadata ->> 'repository'), '')), min(nullif(btrim(s.metadata ->> 'branch'), ''))
    from public.superseded_records as s
    inner join public.imports as i on s.import_id = i.id and i.is_enabled
    where
        s.workspace_id = tenant and s.timestamp >= $2 - interval '1 day' and s.timestamp < $3 + interval '1 day'
        and s.metadata ?| array['agent', 'session', 'session_id', 'repository', 'branch']
        and (s.user_id = (select auth.uid()) or only_own is null and (s.project_id = any (hidden)) is not true)
    group by 1, 2
$$;
revoke all on function private.told_places(uuid, timestamptz, timestamptz, uuid, uuid[]) from public;

-- Usage of a period that the caller may read, of these agents (null for any, or none), of one person or of everybody, with
-- effective figures; `cost_usd` is null without a price. What the statement that counts leaves out may be told by another one on
-- the same event: the telemetry of an agent knows no branch, its log does.
create or replace function private.agent_records(
    tenant uuid, agents text[], first_at timestamptz, last_at timestamptz, person uuid
)
returns table (
    at timestamptz, is_day boolean, agent text, session text, repository text, branch text, provider_id uuid, model_name text,
    is_included boolean, cost_usd numeric, tokens bigint, input_tokens bigint, output_tokens bigint, cached_input_tokens bigint,
    cache_write_tokens bigint, hour_write_tokens bigint, requests bigint, priced_by jsonb, source_key uuid
)
language plpgsql
stable
rows 10000
set search_path = ''
set jit = off
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
set enable_nestloop = off -- with few records expected, it would look each of them up among all of the others
as $$
#variable_conflict use_column
declare
    caller constant uuid := auth.uid();
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return query
    with told as materialized (
        select p.* from private.told_places(tenant, $3, $4, only_own, hidden) as p
    ),

    named as (
        select
            r.*,
            left(coalesce(nullif(btrim(r.metadata ->> 'agent'), ''), t.agent), 200) as by_agent,
            coalesce(nullif(btrim(r.metadata ->> 'session'), ''), nullif(btrim(r.metadata ->> 'session_id'), '')) as own_session,
            t.session as told_session, t.repository as told_repository, t.branch as told_branch
        from public.cost_records as r
        left join told as t
            on r.source_key = t.source_key and case when r.request_id is null then r.timestamp end is not distinct from t.line_at
        where
            r.workspace_id = tenant and r.timestamp >= $3 and r.timestamp < $4 and r.charge_type = 'usage'
            and (person is null or r.user_id = person)
            and (r.user_id = caller or only_own is null and (r.project_id = any (hidden)) is not true)
    )

    select
        n.timestamp,
        n.day is not null, n.by_agent,
        left(coalesce(n.own_session, n.told_session), 200),
        left(coalesce(nullif(btrim(n.metadata ->> 'repository'), ''), n.told_repository), 200),
        left(coalesce(nullif(btrim(n.metadata ->> 'branch'), ''), n.told_branch), 200),
        n.provider_id, n.model_name, n.cost_basis = 'included',
        case
            when not n.money_is_effective then 0
            when n.cost_usd is not null then n.cost_usd
            when private.is_failed_call(case when n.tokens_are_effective then n.tokens_used else 0 end, n.metadata) then 0
        end,
        case when n.tokens_are_effective then n.tokens_used else 0 end,
        case when n.tokens_are_effective then n.input_tokens else 0 end,
        case when n.tokens_are_effective then n.output_tokens else 0 end,
        case when n.tokens_are_effective then n.cached_input_tokens else 0 end,
        case when n.tokens_are_effective then n.cache_write_tokens else 0 end,
        case
            when n.tokens_are_effective and n.cache_write_tokens > 0 then private.hour_writes(n.metadata, n.cache_write_tokens) else 0
        end,
        case when n.tokens_are_effective then n.request_count else 0 end,
        case
            when n.metadata ?| array['price_tier', 'price_context']
                then jsonb_build_object('tier', n.metadata -> 'price_tier', 'context', n.metadata -> 'price_context')
        end,
        n.source_key
    from named as n
    where $2 is null or n.by_agent = any ($2);
end
$$;
revoke all on function private.agent_records(uuid, text[], timestamptz, timestamptz, uuid) from public;

-- 22023 for a period that is none or is longer than so many days, 54000 for one with too many records.
create or replace function private.check_agent_period(tenant uuid, from_date date, to_date date, most_days integer)
returns void
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    if (isfinite(from_date) and isfinite(to_date) and to_date - from_date between 0 and most_days - 1) is not true then
        raise exception 'Give the first and the last day of a period of at most % days.', most_days
            using errcode = '22023';
    end if;
    if
        (
            select count(*) > private.max_agent_records()
            from (
                select
                from public.cost_records as r
                where
                    r.workspace_id = tenant and r.timestamp >= private.day_start(from_date, zone)
                    and r.timestamp < private.day_start(to_date + 1, zone)
                limit private.max_agent_records() + 1
            ) as c
        )
    then
        raise exception 'This period has more than % records. Choose a shorter one.',
            ltrim(to_char(private.max_agent_records(), '999,999,999'))
            using errcode = '54000';
    end if;
end
$$;
revoke all on function private.check_agent_period(uuid, date, date, integer) from public;

-- What agents used in up to 400 days: {days, hours, week}, of what the caller may read. `days` are days of the workspace's zone,
-- by agent, `hours` begin at whole hours UTC, which blocks of five hours are made of, and `week` are the hours of the week (1 is
-- Monday) in the last 90 days; the two leave out records of whole days. What plans include is apart from what is paid.
create or replace function public.agent_days(
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
    perform private.check_agent_period(tenant, $3, $4, 400);
    return (
        with sums as materialized (
            select
                date_trunc('hour', a.at, 'UTC') as hour, (a.at at time zone zone)::date as day,
                extract(hour from a.at at time zone zone)::integer as local_hour, a.is_day, a.agent,
                coalesce(sum(a.cost_usd) filter (where not a.is_included), 0) as cost_usd,
                coalesce(sum(a.cost_usd) filter (where a.is_included), 0) as included_usd,
                sum(a.tokens) as tokens, sum(a.requests) as requests, count(*) as records,
                count(*) filter (where a.cost_usd is null) as unpriced
            from private.agent_records(tenant, $2[1:50], private.day_start($3, zone), private.day_start($4 + 1, zone), $5) as a
            group by 1, 2, 3, 4, 5
        ),

        days as (
            select
                s.day, s.agent, sum(s.cost_usd)::text as cost_usd, sum(s.included_usd)::text as included_usd, sum(s.tokens) as tokens,
                sum(s.requests) as requests, sum(s.records) as records, sum(s.unpriced) as unpriced
            from sums as s
            group by s.day, s.agent
        ),

        hours as (
            select s.hour, sum(s.cost_usd)::text as cost_usd, sum(s.included_usd)::text as included_usd, sum(s.requests) as requests
            from sums as s
            where not s.is_day
            group by s.hour
        ),

        week as (
            select
                extract(isodow from s.day)::integer as weekday, s.local_hour as hour, sum(s.cost_usd)::text as cost_usd,
                sum(s.included_usd)::text as included_usd, sum(s.requests) as requests
            from sums as s
            where not s.is_day and s.day > $4 - 90
            group by 1, 2
        )

        select json_build_object(
            'days', (select coalesce(json_agg(d order by d.day, d.agent), '[]') from days as d),
            'hours', (select coalesce(json_agg(h order by h.hour), '[]') from hours as h),
            'week', (select coalesce(json_agg(w order by w.weekday, w.hour), '[]') from week as w)
        )
    );
end
$$;
revoke all on function public.agent_days(uuid, text[], date, date, uuid) from public, anon, service_role;
grant execute on function public.agent_days(uuid, text[], date, date, uuid) to authenticated;

-- Classes of tokens and amounts by day and model, in up to 100 days, of the 40 models of most value; the others are one without
-- a name. Input includes what was read from a cache and written to it, and writes include those that last an hour.
create or replace function public.agent_models(
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
                (a.at at time zone zone)::date as day, a.provider_id, a.model_name,
                coalesce(sum(a.cost_usd) filter (where not a.is_included), 0) as cost_usd,
                coalesce(sum(a.cost_usd) filter (where a.is_included), 0) as included_usd,
                sum(a.tokens) as tokens, sum(a.input_tokens) as input_tokens, sum(a.output_tokens) as output_tokens,
                sum(a.cached_input_tokens) as cached_input_tokens, sum(a.cache_write_tokens) as cache_write_tokens,
                sum(a.hour_write_tokens) as hour_write_tokens, sum(a.requests) as requests,
                count(*) as records, count(*) filter (where a.cost_usd is null) as unpriced
            from private.agent_records(tenant, $2[1:50], private.day_start($3, zone), private.day_start($4 + 1, zone), $5) as a
            group by 1, 2, 3
        ),

        ranked as (
            select
                s.provider_id, s.model_name,
                row_number() over (
                    order by sum(s.cost_usd + s.included_usd) desc, sum(s.tokens) desc, s.model_name, s.provider_id
                ) as nth
            from sums as s
            group by s.provider_id, s.model_name
        ),

        shown as (
            select
                s.day, case when r.nth <= 40 then p.name end as provider, case when r.nth <= 40 then s.model_name end as model_name,
                sum(s.cost_usd)::text as cost_usd, sum(s.included_usd)::text as included_usd, sum(s.tokens) as tokens,
                sum(s.input_tokens) as input_tokens, sum(s.output_tokens) as output_tokens,
                sum(s.cached_input_tokens) as cached_input_tokens, sum(s.cache_write_tokens) as cache_write_tokens,
                sum(s.hour_write_tokens) as hour_write_tokens, sum(s.requests) as requests, sum(s.records) as records,
                sum(s.unpriced) as unpriced, min(r.nth) as nth
            from sums as s
            inner join ranked as r on s.provider_id = r.provider_id and s.model_name = r.model_name
            inner join public.providers as p on s.provider_id = p.id
            group by 1, 2, 3
        )

        select coalesce(json_agg(to_jsonb(s) - 'nth' order by s.day, s.nth), '[]') from shown as s
    );
end
$$;
revoke all on function public.agent_models(uuid, text[], date, date, uuid) from public, anon, service_role;
grant execute on function public.agent_models(uuid, text[], date, date, uuid) to authenticated;
