-- 085_costs_by_dimension.sql: costs by agent, task, conversation, tool, repository, branch, environment, container, customer
-- or prompt, from the records: these have too many values for the sums of days.

-- Sums of the records of a period by the value of a dimension, with the records that the caller may not read (is_hidden) and
-- those without a value (null) apart. What the statement that counts leaves out may be told by another one on the same event.
create or replace function private.sum_dimension(
    tenant uuid, dimension text, first_at timestamptz, last_at timestamptz, asked private.daily_question
)
returns table (
    value text, is_hidden boolean, cost_usd numeric, included_usd numeric, tokens numeric, input_tokens numeric,
    output_tokens numeric, cached_input_tokens numeric, cache_write_tokens numeric, requests numeric, records bigint,
    unpriced_records bigint
)
language plpgsql
stable
rows 1000
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
set enable_nestloop = off -- with few records expected, it would look each of them up among all of the others
as $$
declare
    key constant text := (private.dimension_keys(dimension))[1];
    other_key constant text := (private.dimension_keys(dimension))[2]; -- mostly null
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
begin
    return query
    with told as materialized (
        select distinct on (s.source_key, case when s.request_id is null then s.timestamp end)
            s.source_key, case when s.request_id is null then s.timestamp end as line_at, v.value
        from public.superseded_records as s
        inner join public.imports as i on s.import_id = i.id and i.is_enabled
        cross join lateral (
            select coalesce(nullif(btrim(s.metadata ->> key), ''), nullif(btrim(s.metadata ->> other_key), '')) as value
        ) as v
        where
            s.workspace_id = tenant and s.timestamp >= first_at - interval '1 day' and s.timestamp < last_at + interval '1 day'
            and v.value is not null
            and (s.user_id = asked.caller or only_own is null and (s.project_id = any (asked.hidden)) is not true)
        order by s.source_key, case when s.request_id is null then s.timestamp end, v.value
    ),

    counted as (
        select
            -- As private.dimension_value, which would take longer, a call for each record.
            left(
                coalesce(nullif(btrim(r.metadata ->> key), ''), nullif(btrim(r.metadata ->> other_key), ''), t.value), 200
            ) as value,
            not (
                r.user_id = asked.caller
                or (only_own is null and (r.project_id = any (asked.hidden)) is not true)
            ) as is_hidden,
            r.cost_basis = 'included' as is_included,
            case when r.money_is_effective then r.cost_usd else 0 end as cost_usd, r.tokens_are_effective as has_tokens,
            r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.request_count,
            r.cost_usd is null and r.money_is_effective
            and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata) as is_unpriced
        from public.cost_records as r
        left join told as t
            on r.source_key = t.source_key and case when r.request_id is null then r.timestamp end is not distinct from t.line_at
        where
            r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < last_at
            and (asked.of_person is null or r.user_id = asked.of_person)
            and (
                asked.of_project is null
                or coalesce(r.project_id, '00000000-0000-0000-0000-000000000000') = asked.of_project
            )
    )

    select
        case when c.is_hidden then null else c.value end,
        c.is_hidden,
        coalesce(sum(c.cost_usd) filter (where not c.is_included), 0),
        coalesce(sum(c.cost_usd) filter (where c.is_included), 0),
        coalesce(sum(c.tokens_used) filter (where c.has_tokens), 0),
        coalesce(sum(c.input_tokens) filter (where c.has_tokens), 0),
        coalesce(sum(c.output_tokens) filter (where c.has_tokens), 0),
        coalesce(sum(c.cached_input_tokens) filter (where c.has_tokens), 0),
        coalesce(sum(c.cache_write_tokens) filter (where c.has_tokens), 0),
        coalesce(sum(c.request_count) filter (where c.has_tokens), 0),
        count(*),
        count(*) filter (where c.is_unpriced)
    from counted as c
    group by 1, 2;
end
$$;
revoke all on function private.sum_dimension(uuid, text, timestamptz, timestamptz, private.daily_question) from public;

-- What the records of a period cost by a dimension, dearest first: {total, parts}. The kind of a part is `value`, `rest`
-- (those beyond the first top_n, with their number as `values`), `none` (records without one) or `hidden` (records that the
-- caller may count but not read). The parts add up to the total, which is that of the same days elsewhere. Amounts are texts,
-- since a float would round them.
create or replace function public.costs_by_dimension(
    workspace uuid, dimension text, from_date date, to_date date, top_n integer default 8, project uuid default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '30s' -- PostgREST applies it: all records of the period are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    asked constant private.daily_question := private.ask_for_days(tenant, null, project, null);
    zone constant text := private.timezone_of(tenant);
    most constant integer := greatest(least(top_n, 1000), 1);
begin
    if private.dimension_keys(dimension) is null then
        raise exception 'Ask for agent, task, session, tool, repository, branch, environment, container, customer or prompt.'
            using errcode = '22023';
    end if;
    if isfinite(from_date) is not true or isfinite(to_date) is not true or to_date - from_date > 3700 then
        raise exception 'Give the first and the last day of a period of at most ten years.' using errcode = '22023';
    end if;
    return (
        with ranked as (
            select
                s.*,
                case when s.is_hidden then 'hidden' when s.value is null then 'none' else 'value' end as kind,
                row_number() over (
                    partition by s.is_hidden or s.value is null
                    order by s.cost_usd desc, s.included_usd desc, s.tokens desc, s.value
                ) as nth
            from private.sum_dimension(
                tenant, dimension, private.day_start(from_date, zone), private.day_start(to_date + 1, zone), asked
            ) as s
        ),

        parts as (
            select
                case when p.kind = 'value' and p.nth > most then 'rest' else p.kind end as kind,
                case when p.kind = 'value' and p.nth <= most then p.value end as value,
                min(p.nth) as nth, count(*) as members, sum(p.cost_usd) as cost_usd, sum(p.included_usd) as included_usd,
                sum(p.tokens) as tokens, sum(p.input_tokens) as input_tokens, sum(p.output_tokens) as output_tokens,
                sum(p.cached_input_tokens) as cached_input_tokens, sum(p.cache_write_tokens) as cache_write_tokens,
                sum(p.requests) as requests, sum(p.records)::bigint as records,
                sum(p.unpriced_records)::bigint as unpriced_records
            from ranked as p
            group by 1, 2
        )

        select
            json_build_object(
                'total', json_build_object(
                    'cost_usd', coalesce(sum(p.cost_usd), 0)::text, 'included_usd', coalesce(sum(p.included_usd), 0)::text,
                    'tokens', coalesce(sum(p.tokens), 0), 'input_tokens', coalesce(sum(p.input_tokens), 0),
                    'output_tokens', coalesce(sum(p.output_tokens), 0),
                    'cached_input_tokens', coalesce(sum(p.cached_input_tokens), 0),
                    'cache_write_tokens', coalesce(sum(p.cache_write_tokens), 0), 'requests', coalesce(sum(p.requests), 0),
                    'records', coalesce(sum(p.records), 0)::bigint,
                    'unpriced_records', coalesce(sum(p.unpriced_records), 0)::bigint
                ),
                'parts', coalesce(
                    json_agg(
                        json_build_object(
                            'kind', p.kind, 'value', p.value, 'values', case when p.kind = 'rest' then p.members end,
                            'cost_usd', p.cost_usd::text, 'included_usd', p.included_usd::text, 'tokens', p.tokens,
                            'input_tokens', p.input_tokens, 'output_tokens', p.output_tokens,
                            'cached_input_tokens', p.cached_input_tokens, 'cache_write_tokens', p.cache_write_tokens,
                            'requests', p.requests, 'records', p.records, 'unpriced_records', p.unpriced_records
                        )
                        order by array_position(array['value', 'rest', 'none', 'hidden'], p.kind), p.nth
                    ), '[]'
                )
            )
        from parts as p
    );
end
$$;
revoke all on function public.costs_by_dimension(uuid, text, date, date, integer, uuid) from public, anon, service_role;
grant execute on function public.costs_by_dimension(uuid, text, date, date, integer, uuid) to authenticated;

-- Values of dimensions that the newest records name which the caller may read, as choices for budgets: {agent, environment,
-- customer}, each sorted. With the caller's rights, under the policies of the records, which may not call private functions.
create or replace function public.recent_values(workspace uuid default null)
returns json
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    tenant constant uuid := coalesce(workspace, auth.uid());
begin
    perform public.data_version(tenant); -- refuses who is no member
    return (
        with newest as materialized (
            select r.metadata
            from public.cost_records as r
            where r.workspace_id = tenant and r.timestamp > now() - interval '90 days'
            order by r.timestamp desc
            limit 5000
        )

        select json_object_agg(d.dimension, d.found)
        from (
            select
                n.dimension,
                coalesce(
                    (
                        select json_agg(v.value order by v.value)
                        from (
                            select distinct
                                left(
                                    coalesce(
                                        nullif(btrim(o.metadata ->> n.key), ''), nullif(btrim(o.metadata ->> n.other_key), '')
                                    ), 200
                                ) as value
                            from newest as o
                            limit 100
                        ) as v
                        where v.value is not null
                    ), '[]'
                ) as found
            from (
                values ('agent', 'agent', null), ('environment', 'environment', null), ('customer', 'end_user', 'customer')
            ) as n (dimension, key, other_key)
        ) as d
    );
end
$$;
revoke all on function public.recent_values(uuid) from public, anon, service_role;
grant execute on function public.recent_values(uuid) to authenticated;
