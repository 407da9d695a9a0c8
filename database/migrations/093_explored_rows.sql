-- 093_explored_rows.sql: the rows that answer a question about costs: sums of days where their keys suffice, else the records.
-- Functions put the query together from constants and checked names; all values are its parameters.

-- True where the caller may read a record; who may read all of them needs no check.
create or replace function private.explored_reading(question private.exploration)
returns text
language sql
immutable
set search_path = ''
as $$
    select case
        when ($1).only_own is null and cardinality(($1).asked.hidden) = 0 then 'true'
        else
            '(s.user_id = (($1).asked).caller or (($1).only_own is null'
            ' and (s.project_id = any ((($1).asked).hidden)) is not true))'
    end
$$;
revoke all on function private.explored_reading(private.exploration) from public;

-- True where a dimension of a row is not the caller's to know: private projects, and of records that the caller may not read
-- all but provider, model and kind.
create or replace function private.explored_hiding(question private.exploration, dimension text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case
        when private.explored_reading($1) = 'true' or $2 is null then 'false'
        when $2 in ('provider', 'model', 'charge_type', 'cost_basis', 'token_class') then 'false'
        when $2 = 'project' then 'coalesce(s.project_id = any ((($1).asked).hidden), false)'
        else format('not %s', private.explored_reading($1))
    end
$$;
revoke all on function private.explored_hiding(private.exploration, text) from public;

-- The conditions of a question's filters. Values stay parameters; only names that are checked become part of the query.
create or replace function private.explored_conditions(question private.exploration, told text[])
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
    dimension text;
    chosen text;
    key text;
    conditions text := 'true';
begin
    for dimension in select f.key from jsonb_object_keys(question.filters) as f (key) where f.key <> 'token_class' order by 1 loop
        key := private.explored_key(dimension, dimension = any (told));
        chosen := format('array(select v.value from jsonb_array_elements_text(($1).filters -> %L) as v)', dimension);
        chosen := case
            when dimension = 'provider'
                then format('%s = any (array(select p.id from public.providers as p where p.name = any (%s)))', key, chosen)
            when dimension in ('project', 'person', 'source') then format('%s = any (%s::uuid[])', key, chosen)
            when dimension = 'tag' then format('private.tags_of(%s) && %s', key, chosen)
            else format('%s = any (%s)', key, chosen)
        end;
        if question.filters -> dimension @> '[null]' then
            key := case when dimension = 'tag' then format('nullif(private.tags_of(%s), ''{}'')', key) else key end;
            chosen := format('(%s or %s is null)', chosen, key);
        end if;
        conditions := conditions || format(E'\n    and %s', chosen);
        if private.explored_hiding(question, dimension) <> 'false' then
            conditions := conditions || format(E'\n    and not (%s)', private.explored_hiding(question, dimension));
        end if;
    end loop;
    return conditions;
end
$$;
revoke all on function private.explored_conditions(private.exploration, text[]) from public;

-- Rows as records are, of sums of days; `has_reasoning` where the sums by project and by person would not do.
create or replace function private.days_to_explore(question private.exploration, has_reasoning boolean)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
    rollup constant text := case when has_reasoning then null else (question.asked).rollup end;
    figures constant text :=
        'd.total_cost_usd as cost_usd, d.total_tokens as tokens_used, d.total_input_tokens as input_tokens, '
        'd.total_output_tokens as output_tokens, d.total_cached_input_tokens as cached_input_tokens, '
        'd.total_cache_write_tokens as cache_write_tokens, %s as reasoning_tokens, d.total_requests as request_count, '
        'd.record_count as records, d.unpriced_count as unpriced';
    selected constant text :=
        'select d.date, d.provider_id, d.model_name, d.cost_basis, d.charge_type, %s as project_id, %s as user_id, ' || figures;
    project constant text := 'nullif(d.project_id, ''00000000-0000-0000-0000-000000000000'')';
begin
    return format(
        $q$%s
        from private.%s as d
        where
            d.workspace_id = ($1).tenant and d.date >= ($1).first_day and d.date <= ($1).last_day and d.date <> all ($3) %s
            and ((($1).asked).of_person is null or d.%s = (($1).asked).of_person)
        union all
        %s
        from private.outdated_totals(($1).tenant, $3, $2) as d
        where (($1).asked).of_person is null or d.user_id = (($1).asked).of_person$q$,
        case
            when rollup is null then format(selected, project, 'd.user_id', 'd.total_reasoning_tokens')
            else format(
                selected,
                case rollup when 'project' then 'nullif(d.part, ''00000000-0000-0000-0000-000000000000'')' else 'null::uuid' end,
                case rollup when 'person' then 'd.part' else 'null::uuid' end,
                '0::bigint'
            )
        end,
        case when rollup is null then 'cost_records_daily' else 'divided_days' end,
        case when rollup is not null then format('and d.split = %L', rollup) end,
        case when rollup is null then 'user_id' else 'part' end,
        format(selected, project, 'd.user_id', 'd.total_reasoning_tokens')
    );
end
$$;
revoke all on function private.days_to_explore(private.exploration, boolean) from public;

-- The records, each with what another statement on the same event tells of these dimensions, where there are such statements.
create or replace function private.records_to_explore(question private.exploration, told text[])
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    return format(
        $q$select r.*, 1 as records,
            (r.cost_usd is null and not private.is_failed_call(r.tokens_used, r.metadata))::integer as unpriced %s
        from public.effective_records as r %s
        where
            r.workspace_id = ($1).tenant and r.timestamp >= ($1).first_at and r.timestamp < ($1).last_at
            and ((($1).asked).of_person is null or r.user_id = (($1).asked).of_person)$q$,
        (select string_agg(format(', o.told_%s', t.name), '') from unnest(told) as t (name)),
        case when cardinality(told) > 0 then format(
            $q$left join (
                select
                    s.source_key, case when s.request_id is null then s.timestamp end as line_at %s
                from public.superseded_records as s
                inner join public.imports as i on s.import_id = i.id and i.is_enabled
                where
                    s.workspace_id = ($1).tenant and s.timestamp >= ($1).first_at - interval '1 day'
                    and s.timestamp < ($1).last_at + interval '1 day' and %s
                group by 1, 2
            ) as o
                on r.source_key = o.source_key
                and case when r.request_id is null then r.timestamp end is not distinct from o.line_at$q$,
            (
                select string_agg(format(', min(%s collate "C") as told_%s', private.explored_key(t.name, false), t.name), '')
                from unnest(told) as t (name)
            ),
            private.explored_reading(question)
        ) end
    );
end
$$;
revoke all on function private.records_to_explore(private.exploration, text[]) from public;

-- True where records are grouped by what their metadata has under the first key that is filled: that takes less time for each
-- than its value does, which is without white space around it, and short.
create or replace function private.is_grouped_raw(dimension text, told text[])
returns boolean
language sql
immutable
set search_path = ''
as $$
    select private.explored_keys(dimension) is not null and not coalesce(dimension = any (told), false)
$$;
revoke all on function private.is_grouped_raw(text, text[]) from public;

-- What records are grouped by for a dimension. A bpchar of blanks only is empty, which is known at once: removing blanks from a
-- million texts takes as long as reading their records.
create or replace function private.explored_grouping(dimension text, told text[])
returns text
language sql
immutable
set search_path = ''
as $$
    select case
        when not private.is_grouped_raw($1, $2) then private.explored_key($1, coalesce($1 = any ($2), false))
        when cardinality(private.explored_keys($1)) = 1 then format('s.metadata ->> %L', (private.explored_keys($1))[1])
        else (
            select format('coalesce(%s)', string_agg(format('nullif((s.metadata ->> %L)::bpchar, '''')', k.key), ', ' order by k.nth))
            from unnest(private.explored_keys($1)) with ordinality as k (key, nth)
        )
    end
$$;
revoke all on function private.explored_grouping(text, text[]) from public;

-- The kinds and values of both dimensions of a group, its amount, and the joins that tell tags and classes of tokens apart.
create or replace function private.explored_groups(dimensions text[], told text[])
returns text[]
language plpgsql
immutable
set search_path = ''
as $$
declare
    shown text[] := array['''none''', '''''', '''none''', '''''', 'm.measure', ''];
    is_raw boolean;
    value text;
begin
    for nth in 1..cardinality(dimensions) loop
        is_raw := private.is_grouped_raw(dimensions[nth], told);
        value := case
            when dimensions[nth] = 'tag' then 'g.tag'
            when dimensions[nth] = 'token_class' then 'c.name'
            when is_raw then format('left(btrim(m.key_%s::text), 200)', nth)
            else format('m.key_%s::text', nth)
        end;
        shown[2 * nth - 1] := format(
            'case when m.hidden_%s then ''hidden'' when %s then ''none'' else ''value'' end',
            nth, case when is_raw then format('coalesce(m.key_%s::bpchar, '''') = ''''', nth) else value || ' is null' end
        );
        shown[2 * nth] := format('case when m.hidden_%s then '''' else coalesce(%s, '''') end', nth, value);
        if dimensions[nth] = 'tag' then
            shown[6] := shown[6] || format(
                ' left join lateral unnest(case when not m.hidden_%1$s then private.tags_of(m.key_%1$s) end) as g (tag) on true', nth
            );
        elsif dimensions[nth] = 'token_class' then
            shown[5] := 'c.tokens::numeric';
            shown[6] := shown[6]
                || ' inner join lateral jsonb_each_text(m.shares) as c (name, tokens) on c.tokens::numeric <> 0';
        end if;
    end loop;
    return shown;
end
$$;
revoke all on function private.explored_groups(text[], text[]) from public;

-- The days of a question, or the hours of its days, each with its first instant, the group of time that it is in, and its rate.
-- A day begins as private.day_start says, a call of which for each takes longer.
create or replace function private.explored_times(question private.exploration)
returns table (nth integer, starts_at timestamptz, day date, label text, rate numeric)
language plpgsql
stable
parallel safe
set search_path = ''
as $$
begin
    return query
    with days as materialized (
        select
            n.day::date as day,
            case
                when ((m.midnight - interval '1 hour') at time zone question.zone)::date = n.day::date
                    then m.midnight - interval '1 hour'
                else m.midnight
            end as starts_at,
            question.rates[n.nth] as rate
        from generate_series(question.first_day::timestamp, question.last_day::timestamp, interval '1 day')
            with ordinality as n (day, nth)
        cross join lateral (select n.day at time zone question.zone as midnight) as m
    ),

    hours as (
        select h.starts_at, d.day, d.rate, h.starts_at at time zone question.zone as clock
        from (select o.*, lead(o.starts_at, 1, question.last_at) over (order by o.day) as ends_at from days as o) as d
        cross join lateral generate_series(d.starts_at, d.ends_at - interval '1 second', interval '1 hour') as h (starts_at)
        where question.granularity in ('hour', 'hour_of_day', 'weekday_hour')
        union all
        select d.starts_at, d.day, d.rate, d.day::timestamp
        from days as d
        where question.granularity not in ('hour', 'hour_of_day', 'weekday_hour')
    )

    select
        row_number() over (order by h.starts_at)::integer,
        h.starts_at,
        h.day,
        case question.granularity
            when 'day' then h.day::text
            when 'week' then date_trunc('week', h.day::timestamp)::date::text
            when 'month' then date_trunc('month', h.day::timestamp)::date::text
            when 'weekday' then extract(isodow from h.day)::integer::text
            when 'hour' then to_char(h.clock, 'YYYY-MM-DD"T"HH24:00')
            when 'hour_of_day' then extract(hour from h.clock)::integer::text
            when 'weekday_hour' then ((extract(isodow from h.clock) - 1) * 24 + extract(hour from h.clock))::integer::text
        end,
        coalesce(h.rate, 1)
    from hours as h;
end
$$;
revoke all on function private.explored_times(private.exploration) from public;

-- True where a question's groups are told by time; costs per request and savings are measured by day.
create or replace function private.has_times(question private.exploration)
returns boolean
language sql
immutable
set search_path = ''
as $$
    select ($1).granularity <> 'none' or ($1).rates is not null or ($1).measure in ('cost_per_request', 'cache_savings')
$$;
revoke all on function private.has_times(private.exploration) from public;
