-- 094_explored_cells.sql: what is measured of the rows, in cells of two dimensions and a time.

-- The classes of tokens of a row. Input includes both kinds of cache, output includes reasoning.
create or replace function private.explored_class(token_class text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case token_class
        when 'input' then 's.input_tokens - s.cached_input_tokens - s.cache_write_tokens'
        when 'cache_read' then 's.cached_input_tokens'
        when 'cache_write' then 's.cache_write_tokens'
        when 'output' then 's.output_tokens - s.reasoning_tokens'
        when 'reasoning' then 's.reasoning_tokens'
        when 'other' then 's.tokens_used - s.input_tokens - s.output_tokens'
    end
$$;
revoke all on function private.explored_class(text) from public;

-- What is summed up of the rows, as (amount, unpriced); of cost per request its parts by basis, of tokens by class each class. Of
-- savings, what reads from a cache has no price unless one is found for it.
create or replace function private.explored_sums(question private.exploration)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
    priced constant text := case question.measure
        when 'spend' then 's.cost_basis <> ''included'''
        when 'cost_per_request' then 's.cost_basis <> ''included'' and s.charge_type = ''usage'''
        when 'cache_savings' then 's.cached_input_tokens > 0'
        when 'cached_requests' then 's.cached_input_tokens > 0 or s.saved is not null'
        else 'true'
    end;
    classes constant text[] := coalesce(
        array(select jsonb_array_elements_text(question.filters -> 'token_class')), array[]::text[]
    );
    summed text;
begin
    summed := case
        when question.measure in ('spend', 'value', 'cost_per_request') then 's.cost_usd'
        when question.measure in ('requests', 'cached_requests') then 's.request_count'
        when question.measure = 'cache_savings' then 's.cached_input_tokens'
        when question.measure <> 'tokens' then private.explored_class(left(question.measure, -length('_tokens')))
        when cardinality(classes) = 0 then 's.tokens_used'
        else (select string_agg(private.explored_class(c.name), ' + ') from unnest(classes) as c (name))
    end;
    return format(
        'coalesce(sum(%s) filter (where %s), 0) as amount, coalesce(sum(s.%s) filter (where %s), 0) as unpriced, '
        'coalesce(sum(s.request_count), 0) as requests, sum(s.records) as records, %s as shares',
        summed, priced, case when question.measure = 'cache_savings' then 'records' else 'unpriced' end, priced,
        case
            when 'token_class' = any (question.dimensions)
                then (
                    select format('jsonb_build_object(%s)', string_agg(format('%L, sum(%s)', c.name, private.explored_class(c.name)), ', '))
                    from unnest(array['input', 'cache_read', 'cache_write', 'output', 'reasoning', 'other']) as c (name)
                    where cardinality(classes) = 0 or c.name = any (classes)
                )
            when question.measure = 'cost_per_request'
                then
                    'array[sum(s.cost_usd) filter (where s.charge_type = ''usage'' and s.cost_basis = ''billed''), '
                    'sum(s.cost_usd) filter (where s.charge_type = ''usage'' and s.cost_basis = ''estimated''), '
                    'sum(s.request_count) filter (where s.charge_type = ''usage'' and s.cost_basis = ''billed''), '
                    'sum(s.request_count) filter (where s.charge_type = ''usage'' and s.cost_basis = ''estimated'')]'
            when question.measure = 'cache_savings'
                then 'array[sum(s.saved) filter (where s.saved <> ''NaN''), count(*) filter (where s.saved = ''NaN'')]'
            else 'null::text'
        end
    );
end
$$;
revoke all on function private.explored_sums(private.exploration) from public;

-- What is measured of the sums of a question: an amount, of cost per request with the requests that it is of. Requests and their
-- money are often in different records: only days of models count whose money and requests are each other's, as in
-- app/figures/spend.py.
create or replace function private.explored_measure(measure text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case measure
        when 'cost_per_request' then $q$
    model_days as (
        select
            t.day, f.provider_id, f.model_name, sum(f.unpriced) as unpriced, coalesce(sum(f.shares[1]), 0) as billed,
            coalesce(sum(f.shares[2]), 0) as estimated, coalesce(sum(f.shares[3]), 0) as billed_requests,
            coalesce(sum(f.shares[4]), 0) as estimated_requests, count(f.shares[1]) + count(f.shares[2]) > 0 as has_cost
        from fine as f
        inner join times as t on f.nth = t.nth
        group by 1, 2, 3
    ),
    judged as (
        select
            d.day, d.provider_id, d.model_name, d.billed_requests + d.estimated_requests as requests,
            d.billed + d.estimated as cost, d.has_cost, o.own
        from model_days as d
        cross join lateral (
            select
                case when d.billed_requests > 0 then d.billed else 0 end
                + case when d.estimated_requests > 0 then d.estimated else 0 end as own
        ) as o
        where d.unpriced = 0 and (o.own = 0 or o.own = d.billed + d.estimated)
    ),
    metered as materialized (
        select j.day, j.provider_id, j.model_name
        from (select u.*, bool_or(u.requests > 0 and u.cost = 0 and u.has_cost) over (partition by u.day, u.provider_id) as is_together from judged as u) as j
        where j.requests > 0 or j.is_together
    ),
    measured as materialized (
        select
            f.*, t.label, case when m.day is null then 0 else (coalesce(f.shares[1], 0) + coalesce(f.shares[2], 0)) * t.rate end as measure,
            case when m.day is null then 0 else coalesce(f.shares[3], 0) + coalesce(f.shares[4], 0) end as per, f.unpriced as missing
        from fine as f
        inner join times as t on f.nth = t.nth
        left join metered as m on t.day = m.day and f.provider_id = m.provider_id and f.model_name = m.model_name
    )$q$
        when 'cache_savings' then $q$
    prices as materialized (
        select
            v.id as provider_id, p.model, p."from" as from_day, p.usd_per_mtok,
            lead(p."from", 1, 'infinity') over (partition by v.id, p.model order by p."from") as until_day
        from jsonb_to_recordset(($1).prices) as p (provider text, model text, "from" date, usd_per_mtok numeric)
        inner join public.providers as v on p.provider = v.name
    ),
    measured as materialized (
        select
            f.*, t.label,
            (coalesce(f.amount * p.usd_per_mtok * 0.000001, 0) + coalesce(f.shares[1], 0)) * t.rate as measure, null::numeric as per,
            case when p.usd_per_mtok is null then f.unpriced else 0 end + f.shares[2] as missing
        from fine as f
        inner join times as t on f.nth = t.nth
        left join prices as p
            on f.provider_id = p.provider_id and f.model_name = p.model and t.day >= p.from_day and t.day < p.until_day
    )$q$
        else $q$
    measured as materialized (
        select f.*, t.label, f.amount * coalesce(t.rate, 1) as measure, null::numeric as per, f.unpriced as missing
        from fine as f
        left join times as t on f.nth = t.nth
    )$q$
    end
$$;
revoke all on function private.explored_measure(text) from public;

-- The query of the finest sums of a question ($1): by both dimensions, by time and, where it is measured by them, by model. From
-- sums of days, $2 are the stale days and $3 those that the daily view does not have; from records, $4 are the starts of times.
create or replace function private.fine_sums(question private.exploration, from_days boolean, told text[])
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
    one constant text := question.dimensions[1];
    other constant text := question.dimensions[2];
    has_models constant boolean := question.measure in ('cost_per_request', 'cache_savings');
    has_hours constant boolean := question.granularity in ('hour', 'hour_of_day', 'weekday_hour');
    has_reasoning constant boolean := question.measure in ('output_tokens', 'reasoning_tokens')
    or 'token_class' = any (question.dimensions) or question.filters ? 'token_class';
    names constant text[] := array['key_1', 'hidden_1', 'key_2', 'hidden_2', 'nth', 'timeless', 'provider_id', 'model_name'];
    keys constant text[] := array[
        private.explored_grouping(one, told), private.explored_hiding(question, one),
        private.explored_grouping(other, told), private.explored_hiding(question, other),
        case
            when not private.has_times(question) then 'null::integer'
            when from_days then 's.date - ($1).first_day + 1'
            else 'width_bucket(s.timestamp, $4)'
        end,
        -- When others worked is not told, and what has only a date is in no hour.
        case
            when not has_hours then 'null::text'
            else format(
                'case when %s then ''hidden'' when s.day is not null then ''day'' end', private.explored_hiding(question, 'person')
            )
        end,
        case when has_models then 's.provider_id' else 'null::uuid' end,
        case when has_models then 's.model_name' else 'null::text' end
    ];
    constants constant text[] := array['false', 'null::text', 'null::uuid', 'null::integer'];
    parts text[];
begin
    select
        array[
            string_agg(
                case when k.key = any (constants) then k.key else 's.' || k.name end || ' as ' || k.name, ', ' order by k.nth
            ),
            string_agg(format('%s as %s, ', k.key, k.name), '' order by k.nth) filter (where k.key <> all (constants)),
            coalesce(string_agg(k.nth::text, ', ' order by k.nth) filter (where k.key <> all (constants)), '()')
        ]
    into parts
    from unnest(keys, names) with ordinality as k (key, name, nth);
    -- Metadata differs in every record. A subquery of its own hides that from the planner, which else expects as many groups as
    -- records and does not share the work among processes; an offset that is a number would keep it from that, too.
    return format(
        $q$
        select %s, %s
        from (
            select
                %s s.cost_usd, s.cost_basis, s.charge_type, s.tokens_used, s.input_tokens, s.output_tokens, s.cached_input_tokens,
                s.cache_write_tokens, s.reasoning_tokens, s.request_count, s.records, s.unpriced, %s as saved
            from (%s) as s
            where %s %s
        ) as s
        group by %s$q$,
        parts[1], private.explored_sums(question), parts[2],
        case
            when from_days or question.measure not in ('cache_savings', 'cached_requests') then 'null::numeric'
            else 'case when s.cost_usd = 0 then private.saved_by_cache(s.metadata) end'
        end,
        case
            when from_days then private.days_to_explore(question, has_reasoning)
            else private.records_to_explore(question, told)
        end,
        private.explored_conditions(question, told), case when not from_days then 'offset ''0''' end, parts[3]
    );
end
$$;
revoke all on function private.fine_sums(private.exploration, boolean, text[]) from public;

-- The query that answers a question; its parameters are those of private.fine_sums. Its rows: the groups by time, and the total.
create or replace function private.explored_query(question private.exploration, from_days boolean, told text[])
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
    shown constant text[] := private.explored_groups(question.dimensions, told);
begin
    return format(
        $q$with times as materialized (select t.* from private.explored_times($1) as t where %s),
    fine as materialized (%s
    ),%s
    select
        false, %s, %s, %s, %s, case m.timeless when 'hidden' then null when 'day' then 'day' else m.label end, sum(%s), sum(m.per), sum(m.requests),
        sum(m.records)::bigint, sum(m.missing)::bigint
    from measured as m%s
    where m.records > 0
    group by 2, 3, 4, 5, 6
    union all
    select
        true, '', '', '', '', null, coalesce(sum(m.measure), 0), sum(m.per), coalesce(sum(m.requests), 0),
        coalesce(sum(m.records), 0)::bigint, coalesce(sum(m.missing), 0)::bigint
    from measured as m$q$,
        private.has_times(question)::text, private.fine_sums(question, from_days, told),
        private.explored_measure(question.measure), shown[1], shown[2], shown[3], shown[4], shown[5], shown[6]
    );
end
$$;
revoke all on function private.explored_query(private.exploration, boolean, text[]) from public;

-- The cells of an answer: groups by time, and the total. From sums of days where they know all that is asked.
create or replace function private.explored_cells(question private.exploration)
returns setof private.explored_cell
language plpgsql
stable
rows 10000
set search_path = ''
set work_mem = '64MB'
set jit = off
set parallel_tuple_cost = 0.02 -- each process returns few sums of many records
as $$
declare
    from_days constant boolean := private.is_of_days(question);
    stale private.stale_days[];
    outdated date[];
    told text[] := array[]::text[];
    starts timestamptz[];
begin
    if private.has_times(question) and not from_days then
        starts := array(select t.starts_at from private.explored_times(question) as t order by t.nth);
    end if;
    if from_days then
        stale := private.stale_days_of(question.tenant, question.first_day, question.last_day);
        outdated := private.outdated_days(question.tenant, question.first_day, question.last_day, stale);
    else
        told := private.told_dimensions(question);
    end if;
    return query execute private.explored_query(question, from_days, told) using question, stale, outdated, starts;
end
$$;
revoke all on function private.explored_cells(private.exploration) from public;
