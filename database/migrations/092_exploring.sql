-- 092_exploring.sql: questions about costs by any two dimensions: what a question is, its dimensions, and what it may not ask.

-- A question, checked, and a cell of its answer; see public.explore_costs.
do $$
begin
    if to_regtype('private.exploration') is null then
        create type private.exploration as (
            tenant uuid,
            measure text,
            dimensions text[], -- to group by: none, one or two
            filters jsonb, -- lists of values by dimension, null for "without"
            first_day date,
            last_day date,
            granularity text,
            top_n integer,
            rates numeric[], -- units of a currency for a dollar by day; null = dollars
            prices jsonb, -- what a million cached tokens save: [{provider, model, from, usd_per_mtok}]
            zone text,
            first_at timestamptz,
            last_at timestamptz, -- exclusive
            only_own uuid, -- null = the caller reads everybody's records
            asked private.daily_question
        );
        revoke all on type private.exploration from public;
    end if;
    if to_regtype('private.explored_cell') is null then
        create type private.explored_cell as (
            is_total boolean,
            kind_1 text, -- value, none or hidden
            value_1 text, -- empty unless it is a value
            kind_2 text,
            value_2 text,
            at text,
            amount numeric,
            per numeric, -- requests that the amount of a cost per request is of
            requests numeric,
            records bigint,
            unpriced bigint
        );
        revoke all on type private.explored_cell from public;
    end if;
end
$$;

-- Keys of metadata that name a dimension, of which the first that is filled counts; null for tags and for what is no metadata.
create or replace function private.explored_keys(dimension text)
returns text[]
language sql
immutable
set search_path = ''
as $$
    select case
        when dimension = 'api_key' then array['api_key', 'api_key_id', 'api_key_name']
        else private.dimension_keys(dimension)
    end
$$;
revoke all on function private.explored_keys(text) from public;

-- The column that has a dimension, of the records and of sums of days; null for metadata, and for the classes of tokens.
create or replace function private.explored_column(dimension text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case dimension
        when 'provider' then 's.provider_id'
        when 'model' then 's.model_name'
        when 'project' then 's.project_id'
        when 'person' then 'nullif(s.user_id, ''00000000-0000-0000-0000-000000000000'')' -- of an account that was deleted
        when 'charge_type' then 's.charge_type'
        when 'cost_basis' then 's.cost_basis'
        when 'source' then 's.import_id'
        when 'billing_account' then 's.billing_account'
    end
$$;
revoke all on function private.explored_column(text) from public;

-- What a dimension is in the query. Tags stay together until the groups are made: a record is in the total once.
create or replace function private.explored_key(dimension text, has_told boolean)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
    parts text;
begin
    if dimension = 'tag' then
        return 'coalesce(nullif(s.metadata -> ''tags'', ''[]''), s.metadata -> ''tag'')';
    end if;
    if private.explored_keys(dimension) is null then
        return coalesce(private.explored_column(dimension), 'null::text');
    end if;
    select string_agg(format('nullif(btrim(s.metadata ->> %L), '''')', k.key), ', ' order by k.nth)
    into parts
    from unnest(private.explored_keys(dimension)) with ordinality as k (key, nth);
    return format('left(coalesce(%s%s), 200)', parts, case when has_told then format(', s.told_%s', dimension) else '' end);
end
$$;
revoke all on function private.explored_key(text, boolean) from public;

-- True for dimensions that sums of days know.
create or replace function private.is_daily_dimension(dimension text)
returns boolean
language sql
immutable
set search_path = ''
as $$
    select dimension in ('provider', 'model', 'project', 'person', 'charge_type', 'cost_basis', 'token_class')
$$;
revoke all on function private.is_daily_dimension(text) from public;

-- The tags of a record, each once, shortened as other values are.
create or replace function private.tags_of(tags jsonb)
returns text[]
language plpgsql -- its plan is kept
immutable
parallel safe
set search_path = ''
as $$
begin
    if tags is null then
        return array[]::text[];
    end if;
    return array(
        select distinct left(g.tag, 200)
        from jsonb_array_elements_text(
            case when jsonb_typeof(tags) = 'array' then tags else jsonb_build_array(tags) end
        ) as g (tag)
        where g.tag <> ''
    );
end
$$;
revoke all on function private.tags_of(jsonb) from public;

create or replace function private.check_dimension(dimension text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if
        private.explored_keys(dimension) is null and private.explored_column(dimension) is null
        and coalesce(dimension not in ('tag', 'token_class'), true)
    then
        raise exception 'There is no dimension "%". Ask for provider, model, project, person, source, billing_account, agent, task, '
            'session, tool, repository, branch, environment, container, customer, prompt, api_key, tag, token_class, '
            'charge_type or cost_basis.', left(dimension, 50) using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_dimension(text) from public;

create or replace function private.check_filters(filters jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    dimension text;
    chosen jsonb;
begin
    if jsonb_typeof(filters) <> 'object' or (select count(*) > 12 from jsonb_object_keys(filters)) then
        raise exception 'Filters are an object of at most 12 dimensions, each with a list of values.' using errcode = '22023';
    end if;
    for dimension, chosen in select f.key, f.value from jsonb_each(filters) as f (key, value) loop
        perform private.check_dimension(dimension);
        if
            jsonb_typeof(chosen) <> 'array' or jsonb_array_length(chosen) not between 1 and 100
            or exists (
                select
                from jsonb_array_elements(chosen) as v (value)
                where jsonb_typeof(v.value) not in ('string', 'null') or length(v.value #>> '{}') > 300
            )
        then
            raise exception 'Filter "%" by 1 to 100 values, which are texts or null.', dimension using errcode = '22023';
        end if;
        if
            dimension in ('project', 'person', 'source')
            and exists (
                select
                from jsonb_array_elements_text(chosen) as v (value)
                where v.value !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
            )
        then
            raise exception 'Filter "%" by ids.', dimension using errcode = '22023';
        end if;
        if dimension = 'token_class' and not (chosen <@ '["input", "cache_read", "cache_write", "output", "reasoning", "other"]') then
            raise exception 'Classes of tokens are input, cache_read, cache_write, output, reasoning and other.'
                using errcode = '22023';
        end if;
    end loop;
end
$$;
revoke all on function private.check_filters(jsonb) from public;

-- 22023 for a period that is too long for what is asked of it.
create or replace function private.check_explored_period(question private.exploration)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    is_finite constant boolean := isfinite(question.first_day) and isfinite(question.last_day);
    days constant integer := case when is_finite then question.last_day - question.first_day + 1 end;
    longest constant integer := case question.granularity when 'hour' then 45 when 'day' then 1100 else 3700 end;
    most constant integer := case
        when question.granularity = 'none' then 1000
        when question.granularity in ('weekday', 'hour_of_day') or question.granularity = 'day' and days <= 100 then 100
        else 50
    end;
begin
    if question.granularity is null or question.granularity not in (
        'none', 'hour', 'day', 'week', 'month', 'weekday', 'hour_of_day', 'weekday_hour'
    ) then
        raise exception 'The granularity is none, hour, day, week, month, weekday, hour_of_day or weekday_hour.'
            using errcode = '22023';
    end if;
    if
        days is null or days not between 1 and longest
        or question.first_day not between date '2000-01-01' and date '2100-01-01'
    then
        raise exception 'Choose a period of 1 to % days by %.', ltrim(to_char(longest, '9,999')), question.granularity
            using errcode = '22023';
    end if;
    if question.top_n is null or question.top_n not between 0 and most then
        raise exception 'Choose 0 to % groups that stand alone.', most using errcode = '22023';
    end if;
    if
        cardinality(question.rates) <> days or array_ndims(question.rates) > 1
        or exists (select from unnest(question.rates) as r (rate) where (r.rate > 0 and r.rate < 1000000000) is not true)
    then
        raise exception 'Give a rate for each day.' using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_explored_period(private.exploration) from public;

-- The question of a member of the workspace, checked, with the caller's view of it.
create or replace function private.ask_exploration(question private.exploration)
returns private.exploration
language plpgsql
stable
set search_path = ''
as $$
declare
    named constant text[] := question.dimensions || array(select jsonb_object_keys(question.filters));
    is_divided constant boolean := 'project' = any (named) and 'person' = any (named);
begin
    if question.measure is null or question.measure not in (
        'spend', 'value', 'tokens', 'input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens',
        'requests', 'cached_requests', 'cost_per_request', 'cache_savings'
    ) then
        raise exception 'Measure spend, value, tokens, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, '
            'reasoning_tokens, requests, cached_requests, cost_per_request or cache_savings.' using errcode = '22023';
    end if;
    if array_ndims(question.dimensions) > 1 or cardinality(question.dimensions) > 2 or question.dimensions[1] = question.dimensions[2] then
        raise exception 'Group by at most two dimensions, which differ.' using errcode = '22023';
    end if;
    perform private.check_dimension(d.name) from unnest(question.dimensions) as d (name);
    perform private.check_filters(question.filters);
    if 'token_class' = any (named) and question.measure <> 'tokens' then
        raise exception 'Only tokens have classes: measure tokens, or leave the class of token out.' using errcode = '22023';
    end if;
    perform private.check_explored_period(question);
    if question.prices is not null and (jsonb_typeof(question.prices) <> 'array' or jsonb_array_length(question.prices) > 5000) then
        raise exception 'Prices are a list of at most 5,000.' using errcode = '22023';
    end if;
    if question.measure not in ('spend', 'value', 'cost_per_request', 'cache_savings') then
        question.rates := null; -- only money is converted
    end if;
    question.zone := private.timezone_of(question.tenant);
    question.first_at := private.day_start(question.first_day, question.zone);
    question.last_at := private.day_start(question.last_day + 1, question.zone);
    question.only_own := private.only_own_rows(question.tenant);
    question.asked := private.ask_for_days(
        question.tenant, case when is_divided then null when 'project' = any (named) then 'project' when 'person' = any (named) then 'person' end,
        null, null
    );
    if is_divided then
        question.asked.rollup := null; -- sums over one of them do not have both
    end if;
    return question;
end
$$;
revoke all on function private.ask_exploration(private.exploration) from public;
