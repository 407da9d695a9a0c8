-- 095_explore_costs.sql: the answers to questions about costs: `explore_costs`, `explore_values`.

-- True where sums of days know all that is asked.
create or replace function private.is_of_days(question private.exploration)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    return question.granularity in ('none', 'day', 'week', 'month', 'weekday') and question.measure <> 'cached_requests'
        and (($1).measure <> 'cache_savings' or not private.has_cache_answers(($1).tenant, ($1).first_at, ($1).last_at))
        and not exists (
            select from unnest(question.dimensions || array(select jsonb_object_keys(question.filters))) as n (name)
            where not private.is_daily_dimension(n.name)
        );
end
$$;
revoke all on function private.is_of_days(private.exploration) from public;

-- The dimensions of a question that superseded statements may tell, where there are any in its period.
create or replace function private.told_dimensions(question private.exploration)
returns text[]
language sql
stable
set search_path = ''
as $$
    select coalesce(array_agg(distinct n.name order by n.name), '{}')
    from unnest(($1).dimensions || array(select jsonb_object_keys(($1).filters))) as n (name)
    where private.explored_keys(n.name) is not null and exists (
        select from public.superseded_records as s
        where
            s.workspace_id = ($1).tenant and s.timestamp >= ($1).first_at - interval '1 day'
            and s.timestamp < ($1).last_at + interval '1 day'
    )
$$;
revoke all on function private.told_dimensions(private.exploration) from public;

-- A key of a group as the API tells it: of a provider its name, where groups have its id.
create or replace function private.explored_name(dimension text, kind text, value text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return jsonb_build_object(
        'kind', kind,
        'value', case
            when kind <> 'value' then null
            when dimension = 'provider' then (select p.name from public.providers as p where p.id = value::uuid)
            else value
        end
    );
end
$$;
revoke all on function private.explored_name(text, text, text) from public;

-- The cells of the groups that stand alone and of the rest, by place: dearest first, equal ones by name. The total has no place,
-- and as its members the number of all groups.
create or replace function private.placed_cells(question private.exploration)
returns table (
    place bigint, is_rest boolean, members bigint, kind_1 text, value_1 text, kind_2 text, value_2 text, at text, amount numeric,
    per numeric, requests numeric, records bigint, unpriced bigint
)
language plpgsql
stable
rows 1000
set search_path = ''
set work_mem = '64MB'
set enable_mergejoin = off -- it would sort all cells, of which few stand alone
set enable_nestloop = off
as $$
begin
    return query
    with cells as materialized (select c.* from private.explored_cells(question) as c),

    sums as (
        select c.kind_1, c.value_1, c.kind_2, c.value_2, 'value' in (c.kind_1, c.kind_2) as is_named, sum(c.amount) as amount
        from cells as c
        where not c.is_total
        group by 1, 2, 3, 4
    ),

    totals as materialized (
        select s.*, coalesce(p.name, s.value_1) as name_1, coalesce(q.name, s.value_2) as name_2
        from sums as s
        left join public.providers as p on question.dimensions[1] = 'provider' and s.value_1 = p.id::text
        left join public.providers as q on question.dimensions[2] = 'provider' and s.value_2 = q.id::text
    ),

    alone as (
        (
            select t.*
            from totals as t
            where t.is_named
            order by t.amount desc, t.name_1 collate "C", t.name_2 collate "C", t.kind_1, t.kind_2
            limit question.top_n
        )
        union all
        select t.*
        from totals as t
        where not t.is_named
    ),

    placed as materialized (
        select
            a.*,
            row_number() over (
                order by a.amount desc, a.name_1 collate "C", a.name_2 collate "C", a.kind_1, a.kind_2
            ) - 1 as place
        from alone as a
    ),

    numbers as materialized (
        select (select count(*) from totals) as groups, (select count(*) from placed) as shown
    )

    select
        case when c.is_total then null else coalesce(p.place, n.shown) end, not c.is_total and p.place is null,
        case when c.is_total then n.groups else n.groups - n.shown end,
        min(p.kind_1), min(p.value_1), min(p.kind_2), min(p.value_2), c.at, sum(c.amount), sum(c.per), sum(c.requests),
        sum(c.records)::bigint, sum(c.unpriced)::bigint
    from cells as c
    cross join numbers as n
    left join placed as p
        on
            not c.is_total and c.kind_1 = p.kind_1 and c.value_1 = p.value_1 and c.kind_2 = p.kind_2 and c.value_2 = p.value_2
    group by 1, 2, 3, c.at;
end
$$;
revoke all on function private.placed_cells(private.exploration) from public;

-- The answer to a question; see public.explore_costs.
create or replace function private.answer_explored(question private.exploration)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
    dimensions constant text[] := question.dimensions;
    has_numbers constant boolean := question.granularity in ('weekday', 'hour_of_day', 'weekday_hour');
begin
    return (
        with cells as materialized (
            select c.*, case when question.measure = 'cost_per_request' then nullif(c.per, 0) else 1 end as divisor
            from private.placed_cells(question) as c
        ),

        sums as (
            select
                c.place, bool_or(c.is_rest) as is_rest, min(c.members) as members,
                jsonb_build_array(
                    private.explored_name(dimensions[1], min(c.kind_1), min(c.value_1)),
                    private.explored_name(dimensions[2], min(c.kind_2), min(c.value_2))
                ) as keys,
                jsonb_build_object(
                    'value', (
                        sum(c.amount) / case when question.measure = 'cost_per_request' then nullif(sum(c.per), 0) else 1 end
                    )::text,
                    'requests', sum(c.requests), 'records', sum(c.records), 'unpriced_records', sum(c.unpriced)
                ) as figures
            from cells as c
            group by c.place
        ),

        parts as (
            select
                json_agg(
                    jsonb_build_object(
                        'kind', case when s.is_rest then 'rest' else 'value' end,
                        'groups', case when s.is_rest then s.members else 1 end,
                        'keys', case
                            when s.is_rest or cardinality(dimensions) = 0 then '[]'
                            when cardinality(dimensions) = 1 then s.keys - 1
                            else s.keys
                        end
                    ) || s.figures
                    order by s.place
                ) as parts
            from sums as s
            where s.place is not null
        ),

        points as (
            select
                json_agg(c.place order by c.place, length(c.at), c.at) as part,
                json_agg(
                    case when has_numbers and c.at <> 'day' then to_json(c.at::integer) else to_json(c.at) end
                    order by c.place, length(c.at), c.at
                ) as at,
                json_agg((c.amount / c.divisor)::text order by c.place, length(c.at), c.at) as value
            from cells as c
            where c.place is not null and question.granularity <> 'none'
        )

        select
            json_build_object(
                'total', s.figures, 'groups', s.members, 'overlaps', 'tag' = any (dimensions),
                'parts', coalesce(p.parts, '[]'),
                'points', json_build_object(
                    'part', coalesce(o.part, '[]'), 'at', coalesce(o.at, '[]'), 'value', coalesce(o.value, '[]')
                )
            )
        from sums as s
        cross join parts as p
        cross join points as o
        where s.place is null
    );
end
$$;
revoke all on function private.answer_explored(private.exploration) from public;

-- A measure of costs by up to two dimensions, in groups of time: {total, groups, overlaps, parts, points}, dearest first. The
-- first top_n groups stand alone, and so do those that name none of the dimensions; the others are one part of kind `rest`. The
-- parts add up to the total, except those of tags, which overlap, and costs per request, which are null without requests.
create or replace function public.explore_costs(
    workspace uuid, measure text, by text[], filters jsonb, from_date date, to_date date, granularity text default 'none',
    top_n integer default 8, rates numeric[] default null, prices jsonb default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '30s' -- PostgREST applies it: all records of the period may be read
as $$
begin
    return private.answer_explored(
        private.ask_exploration(
            row(
                private.require_workspace($1, 'viewer'), $2, coalesce($3, '{}'), coalesce($4, '{}'), $5, $6, $7, $8, $9, $10, null, null,
                null, null, null
            )::private.exploration
        )
    );
end
$$;
revoke all on function public.explore_costs from public, anon, service_role;
grant execute on function public.explore_costs to authenticated;

-- Values of a dimension in a period, dearest first with what plans include, as choices of a filter: those that contain a text.
-- What else is filtered by applies, except to the dimension itself.
create or replace function public.explore_values(
    workspace uuid, dimension text, filters jsonb, from_date date, to_date date, search text default '',
    at_most integer default 50, rates numeric[] default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '30s' -- PostgREST applies it: all records of the period may be read
as $$
declare
    is_class constant boolean := $2 = 'token_class';
    question constant private.exploration := private.ask_exploration(
        row(
            private.require_workspace($1, 'viewer'), case when is_class then 'tokens' else 'value' end, array[$2],
            coalesce($3, '{}') - $2 - case when is_class then '' else 'token_class' end, $4, $5, 'none', 0, $8, null, null, null,
            null, null, null
        )::private.exploration
    );
begin
    return (
        with named as (
            select
                private.explored_name($2, c.kind_1, c.value_1) as name, c.amount, c.records
            from private.explored_cells(question) as c
            where not c.is_total and c.kind_1 <> 'hidden'
        ),

        ranked as (
            select
                n.*, row_number() over (order by n.amount desc, n.records desc, n.name ->> 'value' collate "C") as nth
            from named as n
            where
                coalesce($6, '') = ''
                or position(lower($6) in lower(n.name ->> 'value')) > 0
        )

        select
            json_build_object(
                'values', coalesce(
                    json_agg(r.name || jsonb_build_object('amount', r.amount::text, 'records', r.records) order by r.nth)
                    filter (where r.nth <= most.number), '[]'
                ),
                'more', greatest(count(r.nth) - most.number, 0)
            )
        from (select greatest(least(coalesce($7, 50), 1000), 1) as number) as most
        left join ranked as r on true
        group by most.number
    );
end
$$;
revoke all on function public.explore_values from public, anon, service_role;
grant execute on function public.explore_values to authenticated;
