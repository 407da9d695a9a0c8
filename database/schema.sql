-- The schema as the migrations leave it, without the months of cost_records. Written by `make schema`.

-- SCHEMA private

CREATE SCHEMA private;

-- SCHEMA public

CREATE SCHEMA public;

-- TYPE private.account_group

CREATE TYPE private.account_group AS (
	accounts text[],
	covering text[]
);

-- TYPE private.daily_question

CREATE TYPE private.daily_question AS (
	split text,
	of_project uuid,
	of_person uuid,
	caller uuid,
	hidden uuid[],
	only_named uuid,
	rollup text
);

-- TYPE private.daily_row

CREATE TYPE private.daily_row AS (
	date date,
	provider text,
	model_name text,
	cost_basis text,
	charge_type text,
	part uuid,
	total_cost_usd numeric,
	total_tokens bigint,
	total_input_tokens bigint,
	total_output_tokens bigint,
	total_cached_input_tokens bigint,
	total_cache_write_tokens bigint,
	total_requests bigint,
	record_count bigint,
	unpriced_count bigint
);

-- TYPE private.exploration

CREATE TYPE private.exploration AS (
	tenant uuid,
	measure text,
	dimensions text[],
	filters jsonb,
	first_day date,
	last_day date,
	granularity text,
	top_n integer,
	rates numeric[],
	prices jsonb,
	zone text,
	first_at timestamp with time zone,
	last_at timestamp with time zone,
	only_own uuid,
	asked private.daily_question
);

-- TYPE private.explored_cell

CREATE TYPE private.explored_cell AS (
	is_total boolean,
	kind_1 text,
	value_1 text,
	kind_2 text,
	value_2 text,
	at text,
	amount numeric,
	per numeric,
	requests numeric,
	records bigint,
	unpriced bigint
);

-- TYPE private.traits

CREATE TYPE private.traits AS (
	folder text,
	repository text,
	branch text,
	api_key text,
	provider_project text,
	person text,
	tags jsonb,
	source uuid,
	model text,
	billing_account text
);

-- TYPE private.filing_move

CREATE TYPE private.filing_move AS (
	traits private.traits,
	from_id uuid,
	to_id uuid,
	records bigint,
	superseded bigint,
	billed_usd numeric,
	estimated_usd numeric,
	included_usd numeric,
	first_at timestamp with time zone,
	last_at timestamp with time zone
);

-- TYPE private.incoming_columns

CREATE TYPE private.incoming_columns AS (
	provider text[],
	"timestamp" timestamp with time zone[],
	day date[],
	model_name text[],
	cost_usd numeric(18,10)[],
	cost_basis text[],
	charge_type text[],
	collection_method text[],
	source_key uuid[],
	request_id text[],
	billing_account text[],
	dataset text[],
	billed_under_other_name boolean[],
	project_id uuid[],
	tokens_used bigint[],
	input_tokens bigint[],
	output_tokens bigint[],
	cached_input_tokens bigint[],
	cache_write_tokens bigint[],
	reasoning_tokens bigint[],
	request_count bigint[],
	metadata jsonb[]
);

-- TYPE private.incoming_kind

CREATE TYPE private.incoming_kind AS (
	traits private.traits,
	places bigint[]
);

-- TYPE private.incoming_record

CREATE TYPE private.incoming_record AS (
	provider text,
	"timestamp" timestamp with time zone,
	day date,
	model_name text,
	cost_usd numeric(18,10),
	cost_basis text,
	charge_type text,
	collection_method text,
	source_key uuid,
	request_id text,
	billing_account text,
	dataset text,
	billed_under_other_name boolean,
	project_id uuid,
	tokens_used bigint,
	input_tokens bigint,
	output_tokens bigint,
	cached_input_tokens bigint,
	cache_write_tokens bigint,
	reasoning_tokens bigint,
	request_count bigint,
	metadata jsonb
);

-- TYPE private.incoming_span

CREATE TYPE private.incoming_span AS (
	trace_id text,
	span_id text,
	parent_span_id text,
	project_id uuid,
	import_id uuid,
	started_at timestamp with time zone,
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
	cost_usd numeric(18,10),
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

-- TYPE private.price_change

CREATE TYPE private.price_change AS (
	id uuid,
	"timestamp" timestamp with time zone,
	was_usd numeric(18,10),
	cost_usd numeric(18,10),
	price jsonb
);

-- TYPE private.written_record

CREATE TYPE private.written_record AS (
	id uuid,
	"timestamp" timestamp with time zone,
	workspace_id uuid,
	billing_account text,
	day date,
	dataset text,
	cost_basis text,
	model_key text,
	billed_under_other_name boolean,
	collection_method text,
	money_is_effective boolean,
	tokens_are_effective boolean
);

-- TABLE public.project_rules

CREATE TABLE public.project_rules (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    "position" integer NOT NULL,
    field text NOT NULL,
    match text NOT NULL,
    value text NOT NULL,
    project_id uuid NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT project_rules_field_check CHECK ((field = ANY (ARRAY['folder'::text, 'repository'::text, 'branch'::text, 'api_key'::text, 'provider_project'::text, 'person'::text, 'source'::text, 'tag'::text, 'model'::text, 'billing_account'::text]))),
    CONSTRAINT project_rules_match_check CHECK ((match = ANY (ARRAY['exact'::text, 'prefix'::text]))),
    CONSTRAINT project_rules_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT project_rules_position_check CHECK ((("position" >= 1) AND ("position" <= 200))),
    CONSTRAINT project_rules_value_check CHECK (((length(value) >= 1) AND (length(value) <= 500)))
);

-- FUNCTION private.active_rules(uuid, uuid)

CREATE FUNCTION private.active_rules(tenant uuid, restored uuid DEFAULT NULL::uuid) RETURNS public.project_rules[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return array(
        select r
        from public.project_rules as r
        inner join public.projects as p on r.project_id = p.id
        where r.workspace_id = tenant and (p.archived_at is null or p.id = restored)
        order by r.position
    );
end
$$;

-- TABLE public.api_keys

CREATE TABLE public.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    project_id uuid,
    user_id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    last_four text NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    requests_per_minute integer,
    tokens_per_minute bigint,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    successor_id uuid,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT api_keys_expires_at_check CHECK (((expires_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT api_keys_key_hash_check CHECK ((octet_length(key_hash) = 32)),
    CONSTRAINT api_keys_last_four_check CHECK ((last_four ~ '^[0-9A-Za-z]{4}$'::text)),
    CONSTRAINT api_keys_last_used_at_check CHECK (((last_used_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (last_used_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT api_keys_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT api_keys_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT api_keys_prefix_check CHECK ((prefix ~ '^tly_[0-9A-Za-z]{4}$'::text)),
    CONSTRAINT api_keys_requests_per_minute_check CHECK (((requests_per_minute >= 1) AND (requests_per_minute <= 100000))),
    CONSTRAINT api_keys_revoked_at_check CHECK (((revoked_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (revoked_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT api_keys_scopes_check CHECK (((scopes <@ ARRAY['ingest'::text, 'read'::text]) AND ((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 2)))),
    CONSTRAINT api_keys_tokens_per_minute_check CHECK (((tokens_per_minute >= 1) AND (tokens_per_minute <= '1000000000000'::bigint)))
);

-- FUNCTION private.add_api_key(public.api_keys)

CREATE FUNCTION private.add_api_key(wanted public.api_keys) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    made uuid;
begin
    if
        octet_length(wanted.key_hash) = 32
        and wanted.prefix ~ '^tly_[0-9A-Za-z]{4}$'
        and wanted.last_four ~ '^[0-9A-Za-z]{4}$'
    then
        insert into public.api_keys as k (
            id, workspace_id, project_id, user_id, name, prefix, last_four, key_hash, scopes, requests_per_minute,
            tokens_per_minute, expires_at
        )
        values (
            wanted.id, wanted.workspace_id, wanted.project_id, wanted.user_id, wanted.name, wanted.prefix, wanted.last_four,
            wanted.key_hash, wanted.scopes, wanted.requests_per_minute, wanted.tokens_per_minute, wanted.expires_at
        )
        on conflict (key_hash) do nothing
        returning k.id into made;
        if made is null then -- sent again
            select k.id into made
            from public.api_keys as k
            where
                k.key_hash = wanted.key_hash
                and k.user_id = wanted.user_id
                and k.workspace_id = wanted.workspace_id
                and k.created_at > now() - interval '5 minutes'
                and k.revoked_at is null;
        end if;
    end if;
    if made is null then
        raise exception 'This is not a new key. Create another one.' using errcode = '22023';
    end if;
    delete from public.api_keys as k
    where k.id in (
        select e.id
        from public.api_keys as e
        where e.workspace_id = wanted.workspace_id and least(e.revoked_at, e.expires_at) <= now()
        order by least(e.revoked_at, e.expires_at) desc
        offset 1000
    );
    return made;
end
$_$;

-- TABLE public.subscriptions

CREATE TABLE public.subscriptions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    user_id uuid DEFAULT auth.uid() NOT NULL,
    provider_id uuid NOT NULL,
    plan_name text NOT NULL,
    amount_usd numeric(18,10) NOT NULL,
    started_on date NOT NULL,
    ended_on date,
    renewal_day integer NOT NULL,
    "interval" text DEFAULT 'month'::text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT subscriptions_amount_usd_check CHECK (((amount_usd >= (0)::numeric) AND (amount_usd <> 'NaN'::numeric))),
    CONSTRAINT subscriptions_check CHECK (((ended_on >= started_on) AND (ended_on <= '2100-01-01'::date))),
    CONSTRAINT subscriptions_interval_check CHECK (("interval" = ANY (ARRAY['month'::text, 'year'::text]))),
    CONSTRAINT subscriptions_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT subscriptions_plan_name_check CHECK (((length(plan_name) >= 1) AND (length(plan_name) <= 200))),
    CONSTRAINT subscriptions_renewal_day_check CHECK (((renewal_day >= 1) AND (renewal_day <= 31))),
    CONSTRAINT subscriptions_started_on_check CHECK (((started_on >= '2020-01-01'::date) AND (started_on <= '2100-01-01'::date)))
);

-- FUNCTION private.add_renewals(public.subscriptions, date[], text)

CREATE FUNCTION private.add_renewals(of_subscription public.subscriptions, due date[], zone text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    added integer;
    filed constant uuid := private.project_of_plan(of_subscription);
begin
    insert into public.cost_records (
        workspace_id, user_id, project_id, provider_id, subscription_id, timestamp, day, model_name, cost_usd,
        collection_method, cost_basis, charge_type, source_key
    )
    select
        (of_subscription).workspace_id, (of_subscription).user_id, filed, (of_subscription).provider_id, (of_subscription).id,
        private.day_instant(d.day, zone), d.day, (of_subscription).plan_name, (of_subscription).amount_usd, 'manual_entry',
        'billed', 'subscription', md5((of_subscription).id::text || ' ' || d.day::text)::uuid
    from unnest(due) as d (day)
    where not exists (
        select
        from public.cost_records as r
        where
            r.workspace_id = (of_subscription).workspace_id
            and r.timestamp >= (d.day - 1)::timestamp at time zone 'UTC'
            and r.timestamp < (d.day + 2)::timestamp at time zone 'UTC'
            and r.source_key = md5((of_subscription).id::text || ' ' || d.day::text)::uuid
    );
    get diagnostics added = row_count;
    return added;
end
$$;

-- TABLE private.session_channels

CREATE TABLE private.session_channels (
    workspace_id uuid NOT NULL,
    session uuid NOT NULL,
    import_id uuid NOT NULL,
    collection_method text NOT NULL,
    tokens numeric NOT NULL,
    records bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    is_effective boolean DEFAULT true NOT NULL,
    is_due boolean DEFAULT false NOT NULL
);

-- FUNCTION private.add_to_channels(private.session_channels[])

CREATE FUNCTION private.add_to_channels(changes private.session_channels[]) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into private.session_channels as s (
        workspace_id, session, import_id, collection_method, tokens, records, first_at, last_at, is_effective
    )
    select
        c.workspace_id, c.session, c.import_id, c.collection_method, sum(c.tokens), sum(c.records), min(c.first_at),
        max(c.last_at),
        not exists (
            select
            from private.session_channels as o
            where
                o.workspace_id = c.workspace_id
                and o.session = c.session
                and o.collection_method <> c.collection_method
                and o.is_effective
        )
    from unnest(changes) as c
    where c.session is not null
    group by c.workspace_id, c.session, c.import_id, c.collection_method
    order by c.workspace_id, c.session, c.import_id, c.collection_method
    on conflict (workspace_id, session, import_id, collection_method) do update
        set
            tokens = s.tokens + excluded.tokens,
            records = s.records + excluded.records,
            first_at = least(s.first_at, excluded.first_at),
            last_at = greatest(s.last_at, excluded.last_at);

    delete from private.session_channels as s
    using unnest(changes) as c
    where
        (s.workspace_id, s.session, s.import_id, s.collection_method)
        = (c.workspace_id, c.session, c.import_id, c.collection_method)
        and s.records <= 0;

    update private.session_channels as s
    set is_due = true
    from (select distinct c.workspace_id, c.session from unnest(changes) as c) as c
    where
        s.workspace_id = c.workspace_id
        and s.session = c.session
        and not s.is_due
        and (
            not s.is_effective
            or exists (
                select
                from private.session_channels as o
                where
                    o.workspace_id = s.workspace_id
                    and o.session = s.session
                    and o.collection_method <> s.collection_method
            )
        )
$$;

-- TABLE private.day_parts

CREATE TABLE private.day_parts (
    workspace_id uuid NOT NULL,
    billing_account text NOT NULL,
    day date NOT NULL,
    dataset text NOT NULL,
    cost_basis text NOT NULL,
    model_key text NOT NULL,
    billed_under_other_name boolean NOT NULL,
    collection_method text NOT NULL,
    tokens numeric NOT NULL,
    requests numeric NOT NULL,
    records bigint NOT NULL,
    money_is_effective boolean DEFAULT true NOT NULL,
    tokens_are_effective boolean DEFAULT true NOT NULL
);

-- FUNCTION private.add_to_day_parts(private.day_parts[])

CREATE FUNCTION private.add_to_day_parts(changes private.day_parts[]) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into private.day_parts as p
    select c.*
    from unnest(changes) as c
    order by c.workspace_id, c.billing_account, c.day
    on conflict (workspace_id, billing_account, day, dataset, cost_basis, model_key, billed_under_other_name, collection_method)
    do update
        set
            tokens = p.tokens + excluded.tokens,
            requests = p.requests + excluded.requests,
            records = p.records + excluded.records;

    delete from private.day_parts as p
    using unnest(changes) as c
    where
        (p.workspace_id, p.billing_account, p.day, p.dataset, p.cost_basis, p.model_key)
        = (c.workspace_id, c.billing_account, c.day, c.dataset, c.cost_basis, c.model_key)
        and p.billed_under_other_name = c.billed_under_other_name
        and p.collection_method = c.collection_method
        and c.records < 0
        and p.records = 0
$$;

-- FUNCTION private.advice_calls(uuid, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.advice_calls(tenant uuid, first_at timestamp with time zone, end_at timestamp with time zone) RETURNS TABLE(at timestamp with time zone, is_day boolean, project uuid, agent text, provider_id uuid, model_name text, tier text, session text, cost_usd numeric, requests bigint, uncached bigint, cached bigint, write_5m bigint, write_1h bigint, output bigint, has_failed boolean, source_key uuid)
    LANGUAGE sql STABLE ROWS 10000
    SET search_path TO ''
    AS $$
    select
        r.timestamp, r.day is not null, coalesce(r.project_id, '00000000-0000-0000-0000-000000000000'),
        coalesce(left(nullif(btrim(r.metadata ->> 'agent'), ''), 200), ''), r.provider_id, r.model_name,
        coalesce(
            left(coalesce(
                r.metadata #>> '{price_context,service_tier}', r.metadata #>> '{price_context,processing}',
                r.metadata #>> '{price_context,speed}'
            ), 50),
            ''
        ),
        left(coalesce(nullif(btrim(r.metadata ->> 'session'), ''), nullif(btrim(r.metadata ->> 'session_id'), '')), 200),
        r.cost_usd, greatest(r.request_count, 1),
        greatest(r.input_tokens - r.cached_input_tokens - r.cache_write_tokens, 0), r.cached_input_tokens,
        r.cache_write_tokens - w.hour, w.hour, r.output_tokens,
        coalesce(r.metadata -> 'inference' ->> 'status' in ('error', 'timeout', 'rate_limited'), false), r.source_key
    from public.cost_records as r
    cross join lateral (
        select case when r.cache_write_tokens > 0 then private.hour_writes(r.metadata, r.cache_write_tokens) else 0 end as hour
    ) as w
    where
        r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < end_at
        and r.charge_type = 'usage' and r.cost_basis <> 'included' and r.tokens_are_effective
        and (r.tokens_used > 0 or r.cost_usd > 0 and r.metadata -> 'inference' ->> 'status' is not null)
    order by r.timestamp desc
    limit private.max_advice_records()
$$;

-- FUNCTION private.advice_cells(uuid, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.advice_cells(tenant uuid, first_at timestamp with time zone, end_at timestamp with time zone) RETURNS TABLE(cell jsonb)
    LANGUAGE plpgsql STABLE ROWS 500
    SET search_path TO ''
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    return query
    with sums as (
        select
            s.project, s.agent, s.provider_id, s.model_name, s.tier, coalesce(sum(s.cost_usd), 0) as cost_usd,
            coalesce(sum(s.requests) filter (where s.cost_usd is not null), 0) as requests,
            coalesce(sum(s.uncached) filter (where s.cost_usd is not null), 0) as uncached,
            coalesce(sum(s.cached) filter (where s.cost_usd is not null), 0) as cached,
            coalesce(sum(s.write_5m) filter (where s.cost_usd is not null), 0) as write_5m,
            coalesce(sum(s.write_1h) filter (where s.cost_usd is not null), 0) as write_1h,
            coalesce(sum(s.output) filter (where s.cost_usd is not null), 0) as output,
            count(*) filter (where s.cost_usd is null) as unpriced,
            count(distinct (s.at at time zone zone)::date) as active_days, max((s.at at time zone zone)::date) as last_day,
            coalesce(max(s.uncached + s.cached + s.write_5m + s.write_1h) filter (where s.requests = 1), 0) as max_input,
            count(*) filter (where s.has_failed and s.cost_usd > 0) as failed,
            coalesce(sum(s.cost_usd) filter (where s.has_failed), 0)::text as failed_usd,
            count(*) filter (where s.is_repeat) as repeats,
            coalesce(sum(s.cost_usd) filter (where s.is_repeat), 0)::text as repeated_usd,
            count(distinct s.session) as conversations, count(*) filter (where s.gap <= interval '5 minutes') as following,
            count(*) filter (where s.is_pause) as pauses, count(*) filter (where s.gap > interval '1 hour') as long_pauses,
            coalesce(sum(s.reusable), 0) as reusable,
            coalesce(sum(s.uncached - s.reusable) filter (where s.session is not null), 0) as fresh,
            coalesce(sum(least(s.write_5m, s.shared)) filter (where s.is_pause), 0) as rewritten,
            coalesce(sum(least(s.cached, s.shared)) filter (where s.is_pause), 0) as reread
        from private.advice_steps(tenant, first_at, end_at) as s
        group by 1, 2, 3, 4, 5
        order by 6 desc, 4, 1, 2
        limit 500
    )

    select
        to_jsonb(s) - array['project', 'provider_id', 'model_name'] || jsonb_build_object(
            'project_id', nullif(s.project, '00000000-0000-0000-0000-000000000000'), 'project', j.name,
            'agent', nullif(s.agent, ''), 'provider', p.name, 'model', s.model_name, 'cost_usd', s.cost_usd::text
        )
    from sums as s
    inner join public.providers as p on s.provider_id = p.id
    left join public.projects as j on j.workspace_id = tenant and s.project = j.id;
end
$$;

-- FUNCTION private.advice_days(uuid, date, date, jsonb)

CREATE FUNCTION private.advice_days(tenant uuid, from_day date, end_day date, subject jsonb) RETURNS TABLE(day date, provider text, model_name text, cost_usd numeric, requests bigint)
    LANGUAGE plpgsql STABLE ROWS 200
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    zone constant text := private.timezone_of(tenant);
    only_project constant uuid := (subject ->> 'project_id')::uuid;
    only_agent constant text := subject ->> 'agent';
    models constant text[] := array_remove(array[subject ->> 'model', subject ->> 'to_model'], null);
begin
    return query
    select (c.at at time zone zone)::date, p.name, c.model_name, sum(c.cost_usd), sum(c.requests)::bigint
    from private.advice_calls(tenant, private.day_start(from_day, zone), private.day_start(end_day, zone)) as c
    inner join public.providers as p on c.provider_id = p.id
    where
        c.cost_usd is not null
        and (only_project is null or c.project = only_project)
        and (only_agent is null or c.agent = only_agent)
        and (cardinality(models) = 0 or c.model_name = any (models))
    group by 1, 2, 3
    order by 1, 2, 3;
end
$$;

-- FUNCTION private.advice_plans(uuid, date, jsonb)

CREATE FUNCTION private.advice_plans(tenant uuid, today date, covers jsonb) RETURNS TABLE(plan jsonb)
    LANGUAGE plpgsql STABLE ROWS 10
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    zone constant text := private.timezone_of(tenant);
    month_start constant date := date_trunc('month', today)::date;
begin
    return query
    with active as materialized (
        select
            s.id, s.user_id, s.plan_name, s.started_on, p.name as provider,
            case when s.interval = 'year' then round(s.amount_usd / 12, 10) else s.amount_usd end as monthly_usd,
            array(
                select c.id
                from public.providers as c
                where c.name = p.name or c.name in (select v.name from jsonb_array_elements_text(covers -> p.name) as v (name))
            ) as covered
        from public.subscriptions as s
        inner join public.providers as p on s.provider_id = p.id
        where s.workspace_id = tenant and s.started_on <= today and (s.ended_on is null or s.ended_on > today)
    ),

    days as materialized ( -- of sources that ever told of usage that a plan covers
        select
            r.import_id, r.provider_id, (r.timestamp at time zone zone)::date as day,
            count(*) filter (where r.cost_basis = 'included') as included,
            coalesce(sum(r.cost_usd) filter (where r.cost_basis = 'included' and r.tokens_are_effective), 0) as included_usd,
            count(*) filter (where r.cost_basis = 'included' and r.cost_usd is null) as unpriced
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.import_id is not null and r.charge_type = 'usage'
            and r.timestamp >= private.day_start(today - 365, zone) and r.timestamp < private.day_start(today, zone)
            and exists (select from active)
        group by 1, 2, 3
    )

    select
        jsonb_build_object(
            'id', a.id, 'person_id', a.user_id, 'provider', a.provider, 'name', a.plan_name, 'monthly_usd', a.monthly_usd::text,
            'started_on', a.started_on, 'covered_days', o.covered_days, 'last_used', o.last_used, 'months', m.months
        )
    from active as a
    cross join lateral (
        select array(
            select distinct d.import_id from days as d where d.provider_id = any (a.covered) and d.included > 0
        ) as sources
    ) as w
    cross join lateral (
        select
            count(distinct d.day) filter (where d.day > today - 31) as covered_days,
            max(d.day) filter (where d.provider_id = any (a.covered) and d.included > 0) as last_used
        from days as d
        where d.import_id = any (w.sources)
    ) as o
    cross join lateral (
        select coalesce(jsonb_agg(to_jsonb(k) - 'days' order by k.month), '[]') as months
        from (
            select
                date_trunc('month', d.day)::date as month, '0' as paid_usd, count(distinct d.day) as days,
                coalesce(sum(d.included_usd) filter (where d.provider_id = any (a.covered)), 0)::text as included_usd,
                coalesce(sum(d.unpriced) filter (where d.provider_id = any (a.covered)), 0) as unpriced
            from days as d
            where
                d.import_id = any (w.sources) and d.day < month_start and d.day >= month_start - interval '3 months'
                and date_trunc('month', d.day) >= a.started_on
            group by 1
            having count(distinct d.day) >= 15
        ) as k
    ) as m;
end
$$;

-- FUNCTION private.advice_shapes(uuid, timestamp with time zone, timestamp with time zone, integer[])

CREATE FUNCTION private.advice_shapes(tenant uuid, first_at timestamp with time zone, end_at timestamp with time zone, lengths integer[]) RETURNS TABLE(shape jsonb)
    LANGUAGE plpgsql STABLE ROWS 500
    SET search_path TO ''
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    return query
    with calls as materialized (
        select c.*, c.uncached + c.cached + c.write_5m + c.write_1h as input
        from private.advice_calls(tenant, first_at, end_at) as c
        where c.requests = 1 and not c.is_day
    ),

    of_hours as (
        select
            h.project, h.agent, h.provider_id, h.model_name, h.tier, jsonb_object_agg(h.hour, h.calls) as hours,
            sum(h.calls) as calls
        from (
            select
                c.project, c.agent, c.provider_id, c.model_name, c.tier,
                extract(hour from c.at at time zone zone)::integer as hour, count(*) as calls
            from calls as c
            group by 1, 2, 3, 4, 5, 6
        ) as h
        group by 1, 2, 3, 4, 5
    ),

    of_lengths as (
        select l.project, l.agent, l.provider_id, l.model_name, l.tier, jsonb_object_agg(l.over, l.part) as long
        from (
            select
                c.project, c.agent, c.provider_id, c.model_name, c.tier, t.over,
                jsonb_build_object(
                    'requests', count(*), 'cost_usd', sum(c.cost_usd)::text, 'uncached', sum(c.uncached), 'cached', sum(c.cached),
                    'write_5m', sum(c.write_5m), 'write_1h', sum(c.write_1h), 'output', sum(c.output)
                ) as part
            from calls as c
            inner join unnest(lengths) as t (over) on c.input > t.over
            where c.cost_usd is not null
            group by 1, 2, 3, 4, 5, 6
        ) as l
        group by 1, 2, 3, 4, 5
    )

    select
        jsonb_build_object(
            'project_id', nullif(h.project, '00000000-0000-0000-0000-000000000000'), 'agent', nullif(h.agent, ''),
            'provider', p.name, 'model', h.model_name, 'tier', h.tier, 'hours', h.hours, 'long', coalesce(l.long, '{}')
        )
    from of_hours as h
    inner join public.providers as p on h.provider_id = p.id
    left join of_lengths as l using (project, agent, provider_id, model_name, tier)
    order by h.calls desc, h.model_name
    limit 2000;
end
$$;

-- FUNCTION private.advice_spend(uuid, date, date)

CREATE FUNCTION private.advice_spend(tenant uuid, from_day date, to_day date) RETURNS TABLE(spend_usd numeric, first_day date, active_days bigint)
    LANGUAGE sql STABLE ROWS 1
    SET search_path TO ''
    AS $$
    select
        coalesce(sum(d.total_cost_usd) filter (where d.date between from_day and to_day and d.cost_basis <> 'included'), 0),
        min(d.date) filter (where d.charge_type = 'usage'),
        count(distinct d.date) filter (where d.date between from_day and to_day and d.charge_type = 'usage')
    from private.current_days as d
    where d.workspace_id = tenant and d.date between from_day - 400 and to_day
$$;

-- FUNCTION private.advice_steps(uuid, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.advice_steps(tenant uuid, first_at timestamp with time zone, end_at timestamp with time zone) RETURNS TABLE(at timestamp with time zone, is_day boolean, project uuid, agent text, provider_id uuid, model_name text, tier text, session text, cost_usd numeric, requests bigint, uncached bigint, cached bigint, write_5m bigint, write_1h bigint, output bigint, has_failed boolean, gap interval, shared bigint, is_pause boolean, is_repeat boolean, reusable bigint)
    LANGUAGE sql STABLE ROWS 10000
    SET search_path TO ''
    AS $$
    select
        c.at, c.is_day, c.project, c.agent, c.provider_id, c.model_name, c.tier, c.session, c.cost_usd, c.requests, c.uncached,
        c.cached, c.write_5m, c.write_1h, c.output, c.has_failed,
        case when c.session is not null then c.at - c.before_at end,
        case when c.session is not null then least(c.before_input, c.input) end,
        c.session is not null and c.at - c.before_at > interval '5 minutes' and c.at - c.before_at <= interval '1 hour',
        c.session is not null and c.at - c.before_at <= interval '1 minute' and c.before_input = c.input and c.input > 0
        and not c.has_failed and not c.before_failed and c.requests = 1,
        case
            when
                c.session is not null and c.at - c.before_at <= interval '5 minutes'
                and least(c.before_input, c.input) >= 1024 -- shorter prompts are not cached
                then least(greatest(least(c.before_input, c.input) - c.cached - c.write_5m - c.write_1h, 0), c.uncached)
            else 0
        end
    from (
        select
            a.*, a.uncached + a.cached + a.write_5m + a.write_1h as input,
            lag(a.at) over w as before_at,
            lag(a.uncached + a.cached + a.write_5m + a.write_1h) over w as before_input,
            lag(a.has_failed) over w as before_failed
        from private.advice_calls(tenant, first_at, end_at) as a
        window w as (partition by a.session, a.provider_id, a.model_name, a.project, a.agent, a.tier order by a.at, a.source_key)
    ) as c
$$;

-- FUNCTION private.advice_usages(uuid, date, date)

CREATE FUNCTION private.advice_usages(tenant uuid, from_day date, end_day date) RETURNS TABLE(usage jsonb)
    LANGUAGE plpgsql STABLE ROWS 10
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    return query
    select jsonb_build_object('provider', p.name, 'agent', m.agent, 'months', jsonb_agg(m.sums order by m.month))
    from (
        select
            r.provider_id, left(btrim(r.metadata ->> 'agent'), 200) as agent,
            date_trunc('month', r.timestamp at time zone zone)::date as month,
            jsonb_build_object(
                'month', date_trunc('month', r.timestamp at time zone zone)::date,
                'paid_usd', coalesce(sum(r.cost_usd) filter (where r.cost_basis <> 'included'), 0)::text,
                'included_usd', coalesce(sum(r.cost_usd) filter (where r.cost_basis = 'included'), 0)::text,
                'unpriced', count(*) filter (where r.cost_usd is null)
            ) as sums
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.charge_type = 'usage' and r.tokens_are_effective
            and r.timestamp >= private.day_start(from_day, zone) and r.timestamp < private.day_start(end_day, zone)
            and btrim(r.metadata ->> 'agent') <> ''
        group by 1, 2, 3
    ) as m
    inner join public.providers as p on m.provider_id = p.id
    group by p.name, m.agent;
end
$$;

-- FUNCTION private.agent_records(uuid, text[], timestamp with time zone, timestamp with time zone, uuid)

CREATE FUNCTION private.agent_records(tenant uuid, agents text[], first_at timestamp with time zone, last_at timestamp with time zone, person uuid) RETURNS TABLE(at timestamp with time zone, is_day boolean, agent text, session text, repository text, branch text, provider_id uuid, model_name text, is_included boolean, cost_usd numeric, tokens bigint, input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint, hour_write_tokens bigint, requests bigint, priced_by jsonb, source_key uuid)
    LANGUAGE plpgsql STABLE ROWS 10000
    SET search_path TO ''
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_nestloop TO 'off'
    AS $_$
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
$_$;

-- FUNCTION private.aliases_of(jsonb)

CREATE FUNCTION private.aliases_of(metadata jsonb) RETURNS uuid[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    if jsonb_typeof(metadata -> 'request_aliases') is distinct from 'array' then
        return array[]::uuid[];
    end if;
    return array(
        select private.request_identity(n.name)
        from jsonb_array_elements_text(metadata -> 'request_aliases') with ordinality as n (name, nth)
        where n.nth <= 4 and length(n.name) between 1 and 300
    );
end
$$;

-- FUNCTION private.answer_explored(private.exploration)

CREATE FUNCTION private.answer_explored(question private.exploration) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.archived_tables()

CREATE FUNCTION private.archived_tables() RETURNS SETOF regclass
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select t.name
    from private.archived_months as a
    cross join lateral (select to_regclass('private.cost_records_' || to_char(a.month, 'YYYY_MM')) as name) as t
    where t.name is not null
    order by a.month
$$;

-- FUNCTION private.are_alert_rules(jsonb)

CREATE FUNCTION private.are_alert_rules(rules jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case jsonb_typeof(rules)
        when 'object' then not exists (
            select
            from jsonb_each(rules) as r (name, value)
            where
                not coalesce(
                    case
                        when r.name in (
                            'anomaly', 'new_model', 'silent_source', 'renewal', 'price', 'retirement', 'bill', 'idle'
                        )
                            then jsonb_typeof(r.value) = 'boolean'
                        when jsonb_typeof(r.value) <> 'number' or r.value::numeric <> trunc(r.value::numeric) then false
                        when r.name = 'new_model_percent' then r.value::numeric between 1 and 100
                        when r.name = 'silent_days' then r.value::numeric between 1 and 90
                        when r.name = 'renewal_days' then r.value::numeric between 1 and 30
                        when r.name = 'retirement_days' then r.value::numeric between 1 and 365
                        when r.name = 'bill_percent' then r.value::numeric between 1 and 1000
                    end,
                    false
                )
        )
        else false
    end
$$;

-- FUNCTION private.are_model_limits(jsonb)

CREATE FUNCTION private.are_model_limits(limits jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case jsonb_typeof(limits)
        when 'array' then
            jsonb_array_length(limits) <= 20
            and not exists (
                select
                from jsonb_array_elements(limits) as l (value)
                where
                    not coalesce(
                        jsonb_typeof(l.value) = 'object'
                        and l.value - array['kind', 'model', 'minutes', 'limit', 'requests'] = '{}'
                        and jsonb_typeof(l.value -> 'model') = 'string'
                        and length(l.value ->> 'model') <= 200
                        and l.value -> 'minutes' in ('15', '60', '1440')
                        and jsonb_typeof(l.value -> 'limit') = 'number'
                        and case l.value ->> 'kind'
                            when 'error_rate' then (l.value -> 'limit')::numeric between 0.1 and 100
                            when 'latency' then (l.value -> 'limit')::numeric between 1 and 3600000
                        end
                        and jsonb_typeof(l.value -> 'requests') = 'number'
                        and (l.value -> 'requests')::numeric between 1 and 1000000
                        and (l.value -> 'requests')::numeric % 1 = 0,
                        false
                    )
            )
            and (
                select count(*) = count(distinct jsonb_build_array(l.value -> 'kind', l.value -> 'model', l.value -> 'minutes'))
                from jsonb_array_elements(limits) as l (value)
            )
        else false
    end
$$;

-- FUNCTION private.ask_exploration(private.exploration)

CREATE FUNCTION private.ask_exploration(question private.exploration) RETURNS private.exploration
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    named constant text[] := question.dimensions || array(select jsonb_object_keys(question.filters));
    is_divided constant boolean := 'project' = any (named) and 'person' = any (named);
begin
    if question.measure is null or question.measure not in (
        'spend', 'value', 'tokens', 'input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens',
        'requests', 'cost_per_request', 'cache_savings'
    ) then
        raise exception 'Measure spend, value, tokens, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, '
            'reasoning_tokens, requests, cost_per_request or cache_savings.' using errcode = '22023';
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

-- FUNCTION private.ask_for_days(uuid, text, uuid, uuid)

CREATE FUNCTION private.ask_for_days(tenant uuid, split text, project uuid, person uuid) RETURNS private.daily_question
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    asked private.daily_question;
    person_split text := 'everyone';
begin
    asked.split := split;
    asked.of_project := project;
    asked.of_person := person;
    asked.caller := auth.uid();
    asked.hidden := array[]::uuid[];
    if tenant <> asked.caller and not exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant) then
        person_split := (select w.person_split from public.workspaces as w where w.id = tenant);
        asked.hidden := array(select private.hidden_projects());
    end if;
    if split not in ('project', 'person') then
        raise exception 'Split by "project" or by "person".' using errcode = '22023';
    end if;
    if
        project <> '00000000-0000-0000-0000-000000000000'
        and (
            project = any (asked.hidden)
            or not exists (select from public.projects as p where p.workspace_id = tenant and p.id = project)
        )
    then
        raise exception 'There is no such project in this workspace.' using errcode = '22023';
    end if;
    if person_split <> 'everyone' and person <> asked.caller then
        raise exception 'In this workspace, members see nobody''s costs but their own.' using errcode = '42501';
    end if;
    if person_split = 'own' then
        asked.of_person := asked.caller;
    elsif person_split = 'admins' then
        asked.only_named := asked.caller;
    end if;
    if exists (select from private.divided_workspaces as d where d.workspace_id = tenant and d.is_summed) then
        asked.rollup := private.find_rollup(asked);
    end if;
    return asked;
end
$$;

-- FUNCTION private.attach_month(text, date)

CREATE FUNCTION private.attach_month(partition_name text, month date) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    execute format(
        'alter table public.cost_records attach partition private.%I for values from (%L) to (%L)',
        partition_name,
        to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
    );
end
$$;

-- FUNCTION private.audit_changes_of(regclass, text[], text[], text)

CREATE FUNCTION private.audit_changes_of(audited regclass, watched text[], commands text[] DEFAULT '{insert,update,delete}'::text[], condition text DEFAULT 'true'::text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    name constant text := (select c.relname from pg_catalog.pg_class as c where c.oid = audited);
    -- The id, or else the primary key.
    keys constant text[] := coalesce(
        (select array[a.attname::text] from pg_catalog.pg_attribute as a where a.attrelid = audited and a.attname = 'id'),
        (
            select array_agg(a.attname::text order by a.attname)
            from pg_catalog.pg_index as i
            inner join pg_catalog.pg_attribute as a on i.indrelid = a.attrelid and a.attnum = any (i.indkey)
            where i.indrelid = audited and i.indisprimary
        )
    );
    tenant constant text := case name when 'workspaces' then 'id' when 'user_preferences' then 'user_id' else 'workspace_id' end;
    command text;
begin
    foreach command in array commands loop
        execute format(
            'create or replace trigger %I after %s on %s referencing %s for each statement when (%s) '
            'execute function private.audit_rows(%L, %L, %L)',
            format('%s_audit_%s', name, command), command, audited,
            case command
                when 'insert' then 'new table as changed'
                when 'delete' then 'old table as changed_from'
                else 'old table as changed_from new table as changed'
            end,
            condition, keys::text, watched::text, tenant
        );
    end loop;
end
$$;

-- FUNCTION private.audit_credential()

CREATE FUNCTION private.audit_credential() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    old_values constant jsonb := to_jsonb(old);
    new_values constant jsonb := to_jsonb(new);
    row_values constant jsonb := coalesce(new_values, old_values);
    entry constant jsonb := private.describe_change(
        'api_credentials', old_values, new_values,
        array[
            'user_id', 'provider_id', 'credential_name', 'encrypted_api_key', 'encryption_key_id', 'is_active', 'validation_status'
        ],
        array['encrypted_api_key']
    );
begin
    -- The first check of a key belongs to adding it.
    if
        entry -> 'changed_columns' = '["validation_status"]'
        and old.validation_status = 'pending'
        and old.last_validated_at is null
        and new.validation_status = 'valid'
    then
        return null;
    end if;
    perform private.write_audit(
        (row_values ->> 'workspace_id')::uuid,
        entry || jsonb_build_object(
            'metadata', jsonb_build_object(
                'credential_name', row_values -> 'credential_name',
                'provider', (select p.name from public.providers as p where p.id = (row_values ->> 'provider_id')::uuid),
                'is_active', row_values -> 'is_active',
                'validation_status', row_values -> 'validation_status'
            )
        )
    );
    return null;
end
$$;

-- TABLE public.invitations

CREATE TABLE public.invitations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    token_sha256 bytea NOT NULL,
    invited_by uuid,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone DEFAULT (now() + '7 days'::interval) NOT NULL,
    CONSTRAINT invitations_email_check CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 320)))),
    CONSTRAINT invitations_expires_at_check CHECK (((expires_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT invitations_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text, 'viewer'::text]))),
    CONSTRAINT invitations_token_sha256_check CHECK ((octet_length(token_sha256) = 32))
);

-- FUNCTION private.audit_invitation(text, public.invitations)

CREATE FUNCTION private.audit_invitation(action text, invitation public.invitations) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select
        private.write_audit(
            invitation.workspace_id,
            private.describe_change('invitations', null, to_jsonb(invitation), array['email', 'role', 'invited_by', 'expires_at'])
            || jsonb_build_object('action', action)
        )
$$;

-- FUNCTION private.audit_member()

CREATE FUNCTION private.audit_member() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    entry jsonb := private.describe_change('members', to_jsonb(old), to_jsonb(new), array['role']);
begin
    if tg_op = 'INSERT' then
        entry := entry || '{"action": "join"}';
    elsif tg_op = 'DELETE' then
        entry := entry || jsonb_build_object('action', case when old.user_id = auth.uid() then 'leave' else 'remove' end);
    end if;
    perform private.write_audit(coalesce(new.workspace_id, old.workspace_id), entry);
    return null;
end
$$;

-- FUNCTION private.audit_moves(uuid, json, text)

CREATE FUNCTION private.audit_moves(tenant uuid, described json, action text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if (described ->> 'records')::bigint + (described ->> 'superseded_records')::bigint > 0 then
        perform private.write_audit(
            tenant,
            jsonb_build_object(
                'action', action, 'table_name', 'cost_records', 'metadata', jsonb_build_object(
                    'records', described -> 'records', 'superseded_records', described -> 'superseded_records'
                )
            )
        );
    end if;
end
$$;

-- FUNCTION private.audit_repricing(uuid, uuid, bigint, numeric, numeric)

CREATE FUNCTION private.audit_repricing(tenant uuid, run_id uuid, applied bigint, before_usd numeric, after_usd numeric) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    update public.audit_logs as a
    set metadata = jsonb_build_object(
        'records', (a.metadata ->> 'records')::bigint + applied,
        'before_usd', ((a.metadata ->> 'before_usd')::numeric + before_usd)::text,
        'after_usd', ((a.metadata ->> 'after_usd')::numeric + after_usd)::text
    )
    where a.workspace_id = tenant and a.action = 'reprice' and a.row_id = run_id;
    if not found then
        perform private.write_audit(
            tenant,
            jsonb_build_object(
                'action', 'reprice', 'table_name', 'cost_records', 'row_id', run_id, 'user_id', auth.uid(),
                'changed_columns', array['cost_usd'],
                'metadata', jsonb_build_object('records', applied, 'before_usd', before_usd::text, 'after_usd', after_usd::text)
            )
        );
    end if;
end
$$;

-- FUNCTION private.audit_rows()

CREATE FUNCTION private.audit_rows() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET enable_nestloop TO 'off'
    AS $_$
declare
    keys constant text[] := tg_argv[0]::text[];
    watched constant text[] := tg_argv[1]::text[];
    is_bulk boolean := false;
    changes jsonb[]; -- at most 21
begin
    if tg_op = 'INSERT' then
        changes := array(select jsonb_build_object('new', to_jsonb(c)) from changed as c limit 21);
    elsif tg_op = 'DELETE' then
        changes := array(select jsonb_build_object('old', to_jsonb(c)) from changed_from as c limit 21);
    elsif (select count(*) > 1000 from changed) then
        is_bulk := true; -- comparing them takes as long as changing them
    else
        changes := array(
            select jsonb_build_object('old', to_jsonb(o), 'new', to_jsonb(n))
            from changed_from as o
            inner join changed as n on private.pick_values(to_jsonb(o), keys) = private.pick_values(to_jsonb(n), keys)
            where private.pick_values(to_jsonb(o), watched) <> private.pick_values(to_jsonb(n), watched)
            limit 21
        );
    end if;
    if is_bulk or cardinality(changes) > 20 then
        execute format(
            'select private.write_audit(b.id, jsonb_build_object(''action'', $1, ''table_name'', $2, ''metadata'', b.counts)) '
            'from (select c.%1$I as id, jsonb_build_object(''rows'', count(*)) as counts from %2$I as c group by 1 order by 1) as b',
            tg_argv[2], case when tg_op = 'DELETE' then 'changed_from' else 'changed' end
        ) using lower(tg_op), tg_table_name;
    else
        perform private.write_audit(
            (coalesce(c -> 'new', c -> 'old') ->> tg_argv[2])::uuid,
            private.describe_change(tg_table_name, c -> 'old', c -> 'new', watched)
        )
        from unnest(changes) as c;
    end if;
    return null;
end
$_$;

-- FUNCTION private.authorities()

CREATE FUNCTION private.authorities() RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select array['api_automated', 'csv_import', 'manual_entry', 'otlp', 'local_log']
$$;

-- FUNCTION private.begin_change(uuid, text)

CREATE FUNCTION private.begin_change(asked uuid, at_least text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform private.require_shared_workspace(asked, at_least);
    perform from public.workspaces as w where w.id = asked for no key update;
    return private.require_shared_workspace(asked, at_least); -- the caller's role may have changed meanwhile
end
$$;

-- FUNCTION private.begin_confirmation(uuid, text, text)

CREATE FUNCTION private.begin_confirmation(channel uuid, address text, token text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    hashed constant bytea := extensions.digest(address, 'sha256');
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.confirmations.' || address, 0));
    if
        (
            select count(*) >= 3
            from private.sent_tests as t
            where t.email_sha256 = hashed and t.sent_at > now() - interval '1 day'
        )
    then
        return false;
    end if;
    insert into private.sent_tests (workspace_id, channel_id, email_sha256)
    select c.workspace_id, c.id, hashed from public.channels as c where c.id = $1;
    update public.channels as c
    set
        confirmation_sha256 = decode(private.hash_token($3), 'hex'),
        confirmation_expires_at = now() + interval '7 days'
    where c.id = $1;
    return true;
end
$_$;

-- FUNCTION private.begin_key_change(uuid, text)

CREATE FUNCTION private.begin_key_change(asked uuid, at_least text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(asked, at_least);
begin
    perform from public.workspaces as w where w.id = tenant for no key update;
    return private.require_workspace(tenant, at_least);
end
$$;

-- FUNCTION private.billing_lock(uuid)

CREATE FUNCTION private.billing_lock(of_workspace uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select hashtextextended('tally.billing.' || of_workspace::text, 0)
$$;

-- FUNCTION private.budget_currencies()

CREATE FUNCTION private.budget_currencies() RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select
        array[
            'AUD', 'BRL', 'CAD', 'CHF', 'CNY', 'CZK', 'DKK', 'EUR', 'GBP', 'HKD', 'HUF', 'IDR', 'ILS', 'INR', 'ISK', 'JPY', 'KRW',
            'MXN', 'MYR', 'NOK', 'NZD', 'PHP', 'PLN', 'RON', 'SEK', 'SGD', 'THB', 'TRY', 'USD', 'ZAR'
        ]
$$;

-- FUNCTION private.budget_days(uuid, timestamp with time zone, boolean)

CREATE FUNCTION private.budget_days(tenant uuid, as_of timestamp with time zone, with_previous boolean) RETURNS TABLE(budget_id uuid, day date, amount numeric)
    LANGUAGE plpgsql STABLE ROWS 100
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    first_day date;
    last_day date;
    stale private.stale_days[];
    outdated date[];
begin
    select min(a.since), max(a.today) into first_day, last_day
    from private.budgets_at(tenant, as_of, with_previous) as a
    where not a.of_records;
    stale := private.stale_days_of(tenant, first_day, last_day);
    outdated := private.outdated_days(tenant, first_day, last_day, stale);
    return query
    with days as materialized (
        select
            d.date, d.provider_id, d.project_id, d.user_id, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd,
            d.total_tokens
        from private.cost_records_daily as d
        where d.workspace_id = tenant and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
        union all
        select
            f.date, f.provider_id, f.project_id, f.user_id, f.model_name, f.cost_basis, f.charge_type, f.total_cost_usd,
            f.total_tokens
        from private.outdated_totals(tenant, outdated, stale) as f
        where cardinality(outdated) > 0
    )

    select a.id, d.date, coalesce(sum(case a.measure when 'tokens' then d.total_tokens else d.total_cost_usd end), 0)
    from private.budgets_at(tenant, as_of, with_previous) as a
    inner join days as d
        on d.date >= a.since and d.date <= a.today
        and (a.provider_id is null or d.provider_id = a.provider_id)
        and (a.project_id is null or d.project_id = a.project_id)
        and (a.user_id is null or d.user_id = a.user_id)
        and (a.model_name is null or d.model_name = a.model_name)
    where
        not a.of_records
        and (a.measure = 'tokens' or d.cost_basis <> 'included')
        and (a.counts_subscriptions or d.charge_type <> 'subscription')
        and (a.counts_tax or d.charge_type <> 'tax')
    group by a.id, d.date;
end
$$;

-- FUNCTION private.budget_facts(uuid[], timestamp with time zone, boolean, boolean, uuid[])

CREATE FUNCTION private.budget_facts(tenants uuid[], as_of timestamp with time zone, with_previous boolean, with_records boolean, wanted uuid[]) RETURNS TABLE(workspace_id uuid, budget_id uuid, facts json)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    tenant uuid;
begin
    foreach tenant in array tenants loop
        return query
        with spent as materialized (
            select s.budget_id, json_object_agg(s.day, s.amount::text) as days
            from (
                select d.* from private.budget_days(tenant, as_of, with_previous) as d
                union all
                select d.* from private.budget_record_days(tenant, as_of, with_previous) as d where with_records
            ) as s
            group by s.budget_id
        )

        select
            b.workspace_id, b.id,
            json_build_object(
                'id', b.id, 'name', b.name, 'project_id', b.project_id, 'project', j.name, 'provider_id', b.provider_id,
                'provider', p.name, 'model_name', b.model_name, 'user_id', b.user_id, 'person', u.email,
                'billing_account', b.billing_account, 'tag', b.tag, 'agent', b.agent,
                'environment', b.environment, 'customer', b.customer, 'measure', b.measure, 'amount', b.amount::text,
                'currency', b.currency, 'period', b.period, 'starts_on_day', b.starts_on_day,
                'counts_subscriptions', b.counts_subscriptions, 'counts_tax', b.counts_tax, 'paused_at', b.paused_at,
                'created_at', b.created_at, 'today', a.today, 'period_start', lower(a.this), 'period_end', upper(a.this) - 1,
                'previous_start', lower(a.before), 'previous_end', upper(a.before) - 1, 'days', s.days,
                'thresholds', (
                    select
                        json_agg(
                            json_build_object(
                                'id', t.id, 'kind', t.kind, 'percent', t.percent,
                                'since', (t.created_at at time zone a.zone)::date
                            ) order by t.kind, t.percent
                        )
                    from public.budget_thresholds as t
                    where t.budget_id = b.id
                ),
                'channels', (select json_agg(c.channel_id) from public.budget_channels as c where c.budget_id = b.id),
                'forecast', private.describe_forecast(f), 'earlier_forecast', private.describe_forecast(e)
            )
        from private.budgets_at(tenant, as_of, with_previous) as a
        inner join public.budgets as b on a.id = b.id
        left join spent as s on b.id = s.budget_id
        left join public.projects as j on b.project_id = j.id
        left join public.providers as p on b.provider_id = p.id
        left join auth.users as u on b.user_id = u.id
        left join lateral (
            select n.*
            from private.budget_forecasts as n
            where n.budget_id = b.id and n.period_start = lower(a.this) and n.made_on <= a.today
            order by n.made_on desc, n.made_at desc
            limit 1
        ) as f on true
        left join lateral (
            select n.*
            from private.budget_forecasts as n
            where n.budget_id = b.id and n.period_start = lower(a.this) and n.made_at <= f.made_at - interval '1 hour'
            order by n.made_at desc
            limit 1
        ) as e on true
        where
            (wanted is null or b.id = any (wanted))
            and (with_records or not a.of_records);
    end loop;
end
$$;

-- FUNCTION private.budget_period(text, integer, date)

CREATE FUNCTION private.budget_period(period text, starts_on_day integer, day date) RETURNS daterange
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
    shifted constant timestamp := day - (starts_on_day - 1); -- months begin on their first day there
    first_day date;
begin
    case period
        when 'day' then return daterange(day, day + 1);
        when 'week' then
            first_day := date_trunc('week', day::timestamp);
            return daterange(first_day, first_day + 7);
        when 'month' then
            return daterange(
                date_trunc('month', shifted)::date + starts_on_day - 1,
                (date_trunc('month', shifted) + interval '1 month')::date + starts_on_day - 1
            );
        when 'quarter' then
            first_day := date_trunc('quarter', day::timestamp);
            return daterange(first_day, (first_day + interval '3 months')::date);
        else
            first_day := date_trunc('year', day::timestamp);
            return daterange(first_day, (first_day + interval '1 year')::date);
    end case;
end
$$;

-- FUNCTION private.budget_record_days(uuid, timestamp with time zone, boolean)

CREATE FUNCTION private.budget_record_days(tenant uuid, as_of timestamp with time zone, with_previous boolean) RETURNS TABLE(budget_id uuid, day date, amount numeric)
    LANGUAGE plpgsql STABLE ROWS 100
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    return query
    select
        a.id,
        (r.timestamp at time zone a.zone)::date,
        coalesce(
            sum(
                case
                    when a.measure = 'tokens' then case when r.tokens_are_effective then r.tokens_used else 0 end
                    when r.money_is_effective then r.cost_usd
                end
            ), 0
        )
    from (
        select b.*, private.day_start(b.since, b.zone) as ts_from, private.day_start(b.today + 1, b.zone) as ts_to
        from private.budgets_at(tenant, as_of, with_previous) as b
        where b.of_records
    ) as a
    inner join public.cost_records as r
        on r.workspace_id = tenant and r.timestamp >= a.ts_from and r.timestamp < a.ts_to
        and (a.billing_account is null or r.billing_account = a.billing_account)
        and (a.tag is null or private.has_tag(r.metadata, a.tag))
        and private.has_dimensions(r.metadata, a.agent, a.environment, a.customer)
        and (a.provider_id is null or r.provider_id = a.provider_id)
        and (a.project_id is null or r.project_id = a.project_id)
        and (a.user_id is null or r.user_id = a.user_id)
        and (a.model_name is null or r.model_name = a.model_name)
    where
        (a.measure = 'tokens' or r.cost_basis <> 'included')
        and (a.counts_subscriptions or r.charge_type <> 'subscription')
        and (a.counts_tax or r.charge_type <> 'tax')
    group by a.id, (r.timestamp at time zone a.zone)::date;
end
$$;

-- FUNCTION private.budgets_at(uuid, timestamp with time zone, boolean)

CREATE FUNCTION private.budgets_at(tenant uuid, as_of timestamp with time zone, with_previous boolean) RETURNS TABLE(id uuid, workspace_id uuid, project_id uuid, provider_id uuid, model_name text, user_id uuid, billing_account text, tag text, agent text, environment text, customer text, of_records boolean, measure text, counts_subscriptions boolean, counts_tax boolean, zone text, since date, today date, this daterange, before daterange)
    LANGUAGE plpgsql STABLE ROWS 10
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    return query
    select
        b.id, b.workspace_id, b.project_id, b.provider_id, b.model_name, b.user_id, b.billing_account, b.tag, b.agent,
        b.environment, b.customer, private.is_of_records(b), b.measure, b.counts_subscriptions, b.counts_tax, w.timezone,
        lower(case when with_previous then p.before else c.this end), t.today, c.this, p.before
    from public.budgets as b
    inner join public.workspaces as w on b.workspace_id = w.id
    cross join lateral (select (as_of at time zone w.timezone)::date as today) as t
    cross join lateral (select private.budget_period(b.period, b.starts_on_day, t.today) as this) as c
    cross join lateral (select private.budget_period(b.period, b.starts_on_day, lower(c.this) - 1) as before) as p
    where b.workspace_id = tenant;
end
$$;

-- FUNCTION private.catch_up_month(timestamp with time zone)

CREATE FUNCTION private.catch_up_month(first_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    last_at constant timestamptz := ((first_at at time zone 'UTC') + interval '1 month') at time zone 'UTC';
    tenant uuid;
    source uuid;
begin
    for tenant in
        select r.workspace_id
        from public.cost_records as r
        where r.timestamp >= first_at and r.timestamp < last_at
        union
        select s.workspace_id
        from public.superseded_records as s
        where s.timestamp >= first_at - interval '1 day' and s.timestamp < last_at + interval '1 day'
        union
        select p.workspace_id
        from private.day_parts as p
        where p.day >= (first_at at time zone 'UTC')::date and p.day < (last_at at time zone 'UTC')::date
        order by workspace_id
    loop
        perform pg_advisory_xact_lock(private.save_lock(tenant));
        perform private.recount_parts(tenant, first_at, last_at);
        perform private.move_dated_records(tenant, private.timezone_of(tenant));
        for source in
            select i.id
            from public.imports as i
            where i.workspace_id = tenant and not i.is_enabled
            order by 1
        loop
            perform private.supersede_source(tenant, source);
        end loop;
        perform private.move_to_events(
            tenant,
            array(
                select r.source_key
                from public.cost_records as r
                inner join private.event_aliases as a on r.workspace_id = a.workspace_id and r.source_key = a.alias
                where r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < last_at and r.request_id is not null
            )
        );
        perform private.supersede_repeated(tenant, first_at, last_at);
        perform private.select_winners(
            tenant,
            array(
                select distinct s.source_key
                from public.superseded_records as s
                where
                    s.workspace_id = tenant
                    and s.timestamp >= first_at - interval '1 day'
                    and s.timestamp < last_at + interval '1 day'
            )
        );
        perform private.recount_statements(tenant);
    end loop;
end
$$;

-- FUNCTION private.change_channel(uuid, uuid, text)

CREATE FUNCTION private.change_channel(tenant uuid, of_session uuid, channel text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    bounds record;
    outdone uuid[];
    keys uuid[];
begin
    select min(s.first_at) as first_at, max(s.last_at) as last_at
    into bounds
    from private.session_channels as s
    where s.workspace_id = tenant and s.session = of_session;
    outdone := array(
        select r.id
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= bounds.first_at
            and r.timestamp <= bounds.last_at
            and r.metadata ? 'channel'
            and r.collection_method <> channel
            and private.session_of(r.metadata) = of_session
    );
    keys := array(
        select s.source_key
        from public.superseded_records as s
        where
            s.workspace_id = tenant
            and s.timestamp >= bounds.first_at
            and s.timestamp <= bounds.last_at
            and s.metadata ? 'channel'
            and s.collection_method = channel
            and private.session_of(s.metadata) = of_session
    );
    if cardinality(outdone) > 0 then
        perform set_config('tally.is_flagging', 'on', true);
        perform private.keep_as_superseded(tenant, outdone, bounds.first_at, bounds.last_at);
        perform set_config('tally.is_flagging', '', true);
        delete from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= bounds.first_at
            and r.timestamp <= bounds.last_at
            and r.id = any (outdone);
    end if;
    if cardinality(keys) > 0 then
        perform private.select_winners(tenant, keys);
    end if;
end
$$;

-- FUNCTION private.change_enabled()

CREATE FUNCTION private.change_enabled() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock(private.save_lock(new.workspace_id));
    if new.is_enabled then
        perform private.select_winners(
            new.workspace_id,
            array(
                select s.source_key
                from public.superseded_records as s
                where s.workspace_id = new.workspace_id and s.import_id = new.id
            )
        );
    else
        perform private.exclude_source(new.workspace_id, new.id);
    end if;
    perform private.compare_channels_of(new.workspace_id, array[new.id]);
    return null;
end
$$;

-- FUNCTION private.change_parts(private.day_parts[])

CREATE FUNCTION private.change_parts(changes private.day_parts[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    groups jsonb;
begin
    if cardinality(changes) = 0 then
        return;
    end if;
    if exists (select from unnest(changes) as c where split_part(c.billing_account, ':', 2) like '@%') then
        groups := private.groups_of(changes);
    end if;
    perform private.add_to_day_parts(changes);
    if groups is not null then
        changes := changes || private.regrouped_days(groups, changes);
    end if;
    perform private.resolve_overlaps(changes);
end
$$;

-- FUNCTION private.check_agent_period(uuid, date, date, integer)

CREATE FUNCTION private.check_agent_period(tenant uuid, from_date date, to_date date, most_days integer) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    zone constant text := private.timezone_of(tenant);
begin
    if from_date is null or to_date is null or from_date > to_date or to_date - from_date >= most_days then
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

-- FUNCTION private.check_budget()

CREATE FUNCTION private.check_budget() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
begin
    if new.name ~ '^\s|\s$|[[:cntrl:]]' then
        raise exception 'Enter a name without line breaks, and without spaces at its ends.' using errcode = '22023';
    end if;
    if
        new.project_id is distinct from old.project_id -- a budget stays when its project is archived
        and exists (
            select
            from public.projects as p
            where p.workspace_id = new.workspace_id and p.id = new.project_id and p.archived_at is not null
        )
    then
        raise exception 'This project is archived. Restore it, or choose another one.' using errcode = '22023';
    end if;
    if new.measure = 'cost' and new.currency in ('SIT', 'CYP', 'MTL', 'SKK', 'EEK', 'LVL', 'LTL', 'HRK', 'BGN') then
        raise exception '% became the euro. Enter the amount in EUR.', new.currency using errcode = '22023';
    end if;
    if new.measure = 'cost' and new.currency <> all (private.budget_currencies()) then
        raise exception 'Tally has no exchange rates of %. Choose another currency.', new.currency using errcode = '22023';
    end if;
    return new;
end
$_$;

-- FUNCTION private.check_chosen_projects(uuid, uuid[])

CREATE FUNCTION private.check_chosen_projects(tenant uuid, chosen uuid[]) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    hidden constant uuid[] := array(select private.hidden_projects());
    archived text;
begin
    if exists (
        select from unnest(chosen) as c (id)
        where
            c.id is not null
            and (
                c.id = any (hidden)
                or not exists (select from public.projects as p where p.workspace_id = tenant and p.id = c.id)
            )
    ) then
        raise exception 'There is no such project in this workspace.' using errcode = '23503';
    end if;
    select p.name
    into archived
    from public.projects as p
    where p.id = any (chosen) and p.archived_at is not null
    order by p.name
    limit 1;
    if found then
        raise exception 'The project "%" is archived. Restore it, or choose another one.', archived using errcode = '22023';
    end if;
end
$$;

-- FUNCTION private.check_currency(text)

CREATE FUNCTION private.check_currency(code text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
begin
    if code !~ '^[A-Z]{3}$' then
        raise exception 'Give the currency as three capital letters, such as USD or EUR.' using errcode = '22023';
    end if;
    return code;
end
$_$;

-- FUNCTION private.check_dimension(text)

CREATE FUNCTION private.check_dimension(dimension text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.check_explored_period(private.exploration)

CREATE FUNCTION private.check_explored_period(question private.exploration) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    days constant integer := question.last_day - question.first_day + 1;
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

-- FUNCTION private.check_filters(jsonb)

CREATE FUNCTION private.check_filters(filters jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION private.check_incoming(private.incoming_record[])

CREATE FUNCTION private.check_incoming(incoming private.incoming_record[], OUT rejected json, OUT valid integer, OUT first_at timestamp with time zone, OUT last_at timestamp with time zone, OUT has_requests boolean, OUT has_aliases boolean, OUT has_channels boolean, OUT chosen_projects uuid[]) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        coalesce(
            json_agg(json_build_object('index', i.ord - 1, 'reason', i.reason)) filter (where i.reason is not null), '[]'
        ),
        count(*) filter (where i.reason is null),
        min(i.timestamp) filter (where i.reason is null),
        max(i.timestamp) filter (where i.reason is null),
        coalesce(bool_or(i.request_id is not null), false),
        coalesce(bool_or(i.request_id is not null and i.metadata ? 'request_aliases'), false),
        coalesce(bool_or(i.metadata ? 'channel'), false),
        array_agg(distinct i.project_id) filter (where i.project_id is not null)
    from (
        select
            r.ord,
            r.timestamp,
            r.request_id,
            r.project_id,
            r.metadata,
            case
                when r.timestamp is null then 'The date is missing.'
                when r.timestamp < timestamptz '2020-01-01 00:00:00+00' or r.timestamp >= (select now() + interval '1 year')
                    then format('The date %s is outside 2020 to one year from now.', r.timestamp::date)
                -- Hashed, unlike a join: the number of records is guessed too low.
                when (r.provider in (select p.name from public.providers as p)) is not true
                    then format('Unknown provider "%s".', left(r.provider, 60))
            end as reason
        from unnest(incoming) with ordinality as r (
            provider, timestamp, day, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, request_id,
            billing_account, dataset, billed_under_other_name, project_id, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, metadata, ord
        )
        offset 0 -- else each use of the reason would find it again
    ) as i
$$;

-- FUNCTION private.check_invitation(uuid, text, text)

CREATE FUNCTION private.check_invitation(tenant uuid, address text, role text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
begin
    if address is null or length(address) > 320 or address !~ '^[a-z0-9.!#$%&''*+/=?^_`{|}~-]+@[a-z0-9.-]+$' then
        raise exception 'Give the e-mail address of the person to invite.' using errcode = '22023';
    end if;
    if role is null or role not in ('admin', 'member', 'viewer') then
        raise exception 'Invite a person as admin, member or viewer. An owner can be made of a member.' using errcode = '22023';
    end if;
    if
        exists (
            select
            from public.members as m
            inner join auth.users as u on m.user_id = u.id
            where m.workspace_id = tenant and lower(u.email) = address
        )
    then
        raise exception 'This person is a member of the workspace already. Change the role in the list of people.'
            using errcode = '22023';
    end if;
end
$_$;

-- FUNCTION private.check_key_details(uuid, public.api_keys)

CREATE FUNCTION private.check_key_details(tenant uuid, given public.api_keys) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    perform private.check_chosen_projects(tenant, array[given.project_id]);
    if given.requests_per_minute not between 1 and 100000 then
        raise exception 'Limit requests to between 1 and 100,000 a minute, or leave the limit out.' using errcode = '22023';
    end if;
    if given.tokens_per_minute not between 1 and 1000000000000 then
        raise exception 'Limit tokens to between 1 and 1,000,000,000,000 a minute, or leave the limit out.' using errcode = '22023';
    end if;
    if given.expires_at <= now() or given.expires_at > timestamptz '2100-01-01T00:00Z' then
        raise exception 'Let the key expire at a time to come, before 2100, or leave the time out.' using errcode = '22023';
    end if;
end
$$;

-- FUNCTION private.check_may_read(uuid)

CREATE FUNCTION private.check_may_read(tenant uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    -- Without claims the connection's own role decides: the job connects as `postgres` and sets none.
    if
        tenant is null
        or (
            not exists (select from private.workspaces_as('viewer') as w (id) where w.id = tenant)
            and coalesce(auth.role(), current_setting('role')) not in ('service_role', 'none', session_user)
        )
    then
        raise exception 'You may only ask about your own spend.' using errcode = '42501';
    end if;
end
$$;

-- FUNCTION private.check_project_limits(uuid, boolean)

CREATE FUNCTION private.check_project_limits(tenant uuid, is_new boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    active bigint;
    everything bigint;
begin
    perform from public.workspaces as w where w.id = tenant for no key update;
    select count(*) filter (where p.archived_at is null), count(*)
    into active, everything
    from public.projects as p
    where p.workspace_id = tenant;
    if active >= 1000 then
        raise exception 'A workspace can have 1,000 active projects at most. Archive one first.' using errcode = '22023';
    end if;
    if is_new and everything >= 10000 then
        raise exception 'A workspace can have 10,000 projects at most, archived ones included. Rename an old one instead.'
            using errcode = '22023';
    end if;
end
$$;

-- FUNCTION private.check_records_filter(jsonb)

CREATE FUNCTION private.check_records_filter(chosen jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
    uuids constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
    known constant text[] := array[
        'provider', 'model', 'method', 'basis', 'account', 'project', 'session', 'search', 'first_at', 'last_at', 'before'
    ];
begin
    if jsonb_typeof(chosen) is distinct from 'object' or exists (
        select
        from jsonb_each(chosen) as f (name, value)
        where
            f.name <> all (known) or length(f.value #>> '{}') > 300
            or jsonb_typeof(f.value) <> 'string' and not (f.name = 'before' or f.name = 'project' and f.value = 'null')
    ) then
        raise exception 'Filters of records are an object of %, each a text of at most 300 characters.', array_to_string(known, ', ')
            using errcode = '22023';
    end if;
    if chosen ->> 'provider' !~ uuids or chosen ->> 'project' !~ uuids or chosen #>> '{before,id}' !~ uuids then
        raise exception 'Filter providers and projects by ids.' using errcode = '22023';
    end if;
    if chosen ? 'before' and (chosen #>> '{before,at}' is null or chosen #>> '{before,id}' is null) then
        raise exception 'Tell the time and the id of the record before.' using errcode = '22023';
    end if;
    if length(chosen ->> 'search') > 200 then
        raise exception 'Search for at most 200 characters.' using errcode = '22023';
    end if;
end
$_$;

-- FUNCTION private.check_reference(uuid, uuid, uuid, uuid, uuid)

CREATE FUNCTION private.check_reference(of_user uuid, of_workspace uuid, of_provider uuid, of_import uuid, of_project uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform from auth.users as u where u.id = of_user for key share;
    -- The nil id is that of people who deleted their accounts.
    if not found and of_user is distinct from '00000000-0000-0000-0000-000000000000' then
        raise exception 'This account no longer exists.' using errcode = '23503';
    end if;
    perform from public.workspaces as w where w.id = of_workspace for key share;
    if not found then
        raise exception 'This workspace no longer exists.' using errcode = '23503';
    end if;
    perform from public.providers as p where p.id = of_provider for key share;
    if not found then
        raise exception 'There is no such provider.' using errcode = '23503';
    end if;
    perform from public.imports as i where i.workspace_id = of_workspace and i.id = of_import for key share;
    if not found and of_import is not null then
        raise exception 'This import no longer exists.' using errcode = '23503';
    end if;
    if of_project is not null then
        perform from public.projects as p where p.workspace_id = of_workspace and p.id = of_project for key share;
        if not found then
            raise exception 'There is no such project in this workspace.' using errcode = '23503';
        end if;
    end if;
end
$$;

-- FUNCTION private.check_references()

CREATE FUNCTION private.check_references() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    -- In one order for everyone: no deadlocks.
    if tg_op = 'INSERT' then
        perform private.check_reference(n.user_id, n.workspace_id, n.provider_id, n.import_id, n.project_id)
        from (
            select distinct c.user_id, c.workspace_id, c.provider_id, c.import_id, c.project_id from changed as c
            order by 1, 2, 3, 4, 5
        ) as n;
    else
        perform private.check_reference(n.user_id, n.workspace_id, n.provider_id, n.import_id, n.project_id)
        from (
            select c.user_id, c.workspace_id, c.provider_id, c.import_id, c.project_id from changed as c
            except
            select c.user_id, c.workspace_id, c.provider_id, c.import_id, c.project_id from changed_from as c
            order by user_id, workspace_id, provider_id, import_id, project_id
        ) as n;
    end if;
    return null;
end
$$;

-- FUNCTION private.check_renewals(uuid, text)

CREATE FUNCTION private.check_renewals(tenant uuid, zone text, OUT is_wrong boolean, OUT ids uuid[], OUT days date[]) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    with due as materialized (
        select d.subscription_id, d.day from private.due_renewals(tenant, zone) as d
    ),

    present as materialized (
        select
            r.subscription_id,
            r.day,
            (r.cost_usd, r.provider_id, r.model_name) is distinct from (s.amount_usd, s.provider_id, s.plan_name) as differs
        from public.subscriptions as s
        inner join public.cost_records as r on s.id = r.subscription_id
        where s.workspace_id = tenant and r.workspace_id = tenant
    ),

    missing as materialized (
        select d.subscription_id, d.day from due as d
        except
        select p.subscription_id, p.day from present as p
    ),

    unknown as (
        select m.subscription_id, m.day
        from missing as m
        where not exists ( -- one that an export brought back
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant
                and r.timestamp >= (m.day - 1)::timestamp at time zone 'UTC'
                and r.timestamp < (m.day + 2)::timestamp at time zone 'UTC'
                and r.source_key = md5(m.subscription_id::text || ' ' || m.day::text)::uuid
        )
    )

    select
        exists (select from present as p where p.differs)
        or exists (select p.subscription_id, p.day from present as p except select d.subscription_id, d.day from due as d),
        coalesce(array_agg(u.subscription_id order by u.day, u.subscription_id), '{}'),
        coalesce(array_agg(u.day order by u.day, u.subscription_id), '{}')
    from unknown as u
$$;

-- FUNCTION private.check_shares(jsonb)

CREATE FUNCTION private.check_shares(shares jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
declare
    total numeric;
begin
    if
        jsonb_typeof(shares) is distinct from 'object'
        or (select count(*) not between 1 and 20 from jsonb_object_keys(shares))
        or exists (
            select
            from jsonb_each(shares) as s
            where s.key !~ '^[1-9][0-9]{0,5}$' or jsonb_typeof(s.value) <> 'number'
        )
    then
        raise exception 'Give up to 20 versions by number, each with its share of the traffic in percent.' using errcode = '22023';
    end if;
    if exists (select from jsonb_each_text(shares) as s where s.value::numeric not between 0 and 100) then
        raise exception 'A share is 0 to 100 %%.' using errcode = '22023';
    end if;
    if exists (select from jsonb_each_text(shares) as s where s.value::numeric <> round(s.value::numeric, 2)) then
        raise exception 'Give shares with two decimals at most.' using errcode = '22023';
    end if;
    total := (select trim_scale(sum(s.value::numeric)) from jsonb_each_text(shares) as s);
    if total <> 100 then
        raise exception 'These shares add up to % %%, not to 100 %%.', total using errcode = '22023';
    end if;
end
$_$;

-- FUNCTION private.check_spans(uuid, private.incoming_span[])

CREATE FUNCTION private.check_spans(tenant uuid, incoming private.incoming_span[]) RETURNS TABLE(nth bigint, reason text)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET enable_sort TO 'off'
    AS $$
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

-- FUNCTION private.check_statement_count(uuid)

CREATE FUNCTION private.check_statement_count(tenant uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if
        (select sum(c.statements) from private.record_counts as c where c.workspace_id = tenant) > private.max_statements()
        and private.recount_statements(tenant) > private.max_statements()
    then
        raise exception 'A workspace can hold % records at most. Delete sources that are no longer needed on the Sources page.',
            ltrim(to_char(private.max_statements(), '999,999,999')) using errcode = '22023';
    end if;
end
$$;

-- FUNCTION private.check_threshold_count()

CREATE FUNCTION private.check_threshold_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform from public.budgets as b where b.id = new.budget_id for no key update; -- two at once see each other
    if (select count(*) > 10 from public.budget_thresholds as t where t.budget_id = new.budget_id) then
        raise exception 'A budget can have 10 thresholds at most. Remove one first.' using errcode = '22023';
    end if;
    return null;
end
$$;

-- FUNCTION private.check_timezone()

CREATE FUNCTION private.check_timezone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if not exists (select from pg_catalog.pg_timezone_names as z where z.name = new.timezone) then
        raise exception 'Unknown time zone "%". Use a name such as Europe/Berlin or America/New_York.', new.timezone
            using errcode = '22023';
    end if;
    return new;
end
$$;

-- FUNCTION private.choices_of_events(uuid, uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.choices_of_events(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS TABLE(is_record boolean, id uuid, at timestamp with time zone, project_id uuid, chosen_by text)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return query
    with chosen as materialized (
        select s.*, coalesce(i.is_enabled, true) as is_enabled, i.created_at
        from private.statements_on(tenant, keys, first_at, last_at) as s
        left join public.imports as i on s.import_id = i.id
    ),

    best as materialized (
        select distinct on (c.source_key, c.line_at) c.*
        from chosen as c
        where c.project_chosen_by = 'person' or (c.project_chosen_by = 'source' and c.is_enabled)
        order by c.source_key, c.line_at, c.project_chosen_by, c.is_record desc, c.rank desc, c.created_at, c.project_id
    ),

    due as (
        select
            c.*,
            case
                when b.project_chosen_by = 'person' then 'person'
                when c.project_chosen_by = 'source' then 'source'
                when c.is_record and b.id is not null then 'event'
            end as due_by,
            case
                when b.project_chosen_by = 'person' or (c.is_record and b.id is not null) then b.project_id
                else c.project_id
            end as due_project
        from chosen as c
        left join best as b on c.source_key = b.source_key and c.line_at is not distinct from b.line_at
    )

    select d.is_record, d.id, d.at, d.due_project, d.due_by
    from due as d
    where
        d.project_chosen_by is distinct from d.due_by
        or (d.due_by is not null and d.project_id is distinct from d.due_project);
end
$$;

-- FUNCTION private.choose_for_event()

CREATE FUNCTION private.choose_for_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as s
    set project_id = new.project_id, project_chosen_by = 'person'
    where
        s.workspace_id = new.workspace_id
        and s.source_key = new.source_key
        and (s.request_id is not null or s.timestamp = new.timestamp);
    perform set_config('tally.is_flagging', '', true);
    return null;
end
$$;

-- FUNCTION private.choose_project()

CREATE FUNCTION private.choose_project() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if new.workspace_id = any(array(select private.workspaces_as('member'))) then
        perform private.check_chosen_projects(new.workspace_id, array[new.project_id]);
        new.project_chosen_by := 'person';
    end if;
    return new;
end
$$;

-- FUNCTION private.claim_digest(uuid, uuid, text, date, timestamp with time zone)

CREATE FUNCTION private.claim_digest(workspace uuid, person uuid, kind text, period_start date, at timestamp with time zone) RETURNS uuid
    LANGUAGE sql
    SET search_path TO ''
    AS $_$
    insert into private.digests as d (workspace_id, user_id, kind, period_start, next_attempt_at)
    select m.workspace_id, m.user_id, $3, $4, $5 + interval '10 minutes'
    from public.members as m -- perhaps no longer
    where m.workspace_id = $1 and m.user_id = $2
    on conflict on constraint digests_once do update
        set attempts = least(d.attempts + 1, 1000), next_attempt_at = excluded.next_attempt_at
        where d.state = 'waiting' and d.next_attempt_at <= $5
    returning d.id
$_$;

-- FUNCTION private.clean_name(text, text)

CREATE FUNCTION private.clean_name(given text, of_what text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
    cleaned constant text := private.trim_text(given);
begin
    if cleaned is null or length(cleaned) not between 1 and 100 then
        raise exception 'Give the % a name of 1 to 100 characters.', of_what using errcode = '22023';
    end if;
    if
        cleaned ~ (
            '[\u0001-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f'
            '\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]'
        )
        or cleaned !~ '[^\u200c\u200d\ufe00-\ufe0f]'
    then
        raise exception 'Leave line breaks and invisible characters out of the name of the %.', of_what using errcode = '22023';
    end if;
    return cleaned;
end
$$;

-- FUNCTION private.clean_prompt_labels(text[])

CREATE FUNCTION private.clean_prompt_labels(labels text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
    cleaned constant text[] := private.clean_words(labels, 'label', 20);
begin
    if cleaned && array['production', 'latest'] then
        raise exception 'The labels production and latest are given by deploying and pushing. Choose another name.'
            using errcode = '22023';
    end if;
    return cleaned;
end
$$;

-- FUNCTION private.clean_value(text, text)

CREATE FUNCTION private.clean_value(field text, value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return case field when 'person' then lower(private.trim_text(value)) else private.trim_text(value) end;
end
$$;

-- FUNCTION private.clean_words(text[], text, integer)

CREATE FUNCTION private.clean_words(given text[], of_what text, most integer) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
    cleaned constant text[] := array(
        select distinct private.clean_name(g, of_what)
        from unnest(coalesce(given, '{}')) as g
        order by 1
    );
begin
    if cardinality(cleaned) > most then
        raise exception 'There can be % of them at most: %s are short names.', most, of_what using errcode = '22023';
    end if;
    if exists (select from unnest(cleaned) as c where length(c) > 50) then
        raise exception 'A % has 50 characters at most.', of_what using errcode = '22023';
    end if;
    return cleaned;
end
$$;

-- FUNCTION private.clear_event(uuid)

CREATE FUNCTION private.clear_event(event uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
begin
    update public.alert_events as e
    set state = 'cleared', cleared_at = now()
    where e.id = $1 and e.cleared_at is null;
    if not found then
        return;
    end if;
    insert into public.deliveries (workspace_id, event_id, channel_id, channel_name, kind)
    select d.workspace_id, d.event_id, d.channel_id, d.channel_name, 'clear'
    from public.deliveries as d
    inner join public.channels as c on d.channel_id = c.id
    where d.event_id = $1 and d.kind = 'open' and d.state <> 'failed' and c.kind in ('pagerduty', 'webhook')
    on conflict do nothing;
end
$_$;

-- FUNCTION private.compare_channels(uuid)

CREATE FUNCTION private.compare_channels(tenant uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    of_session uuid;
    winner text;
begin
    if
        coalesce(current_setting('tally.is_comparing', true), '') = 'on' -- as it moves the statements of a session
        or not exists (select from private.session_channels as s where s.workspace_id = tenant and s.is_due)
    then
        return;
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    perform set_config('tally.is_comparing', 'on', true);
    for of_session in
        select distinct s.session from private.session_channels as s where s.workspace_id = tenant and s.is_due order by 1
    loop
        winner := (
            select s.collection_method
            from private.session_channels as s
            left join public.imports as i on s.import_id = i.id
            where
                s.workspace_id = tenant
                and s.session = of_session
                and (i.is_enabled or s.import_id = '00000000-0000-0000-0000-000000000000')
            order by s.tokens desc, s.collection_method = 'local_log' desc, s.collection_method
            limit 1
        );
        update private.session_channels as s
        set is_effective = coalesce(s.collection_method = winner, true)
        where
            s.workspace_id = tenant
            and s.session = of_session
            and s.is_effective <> coalesce(s.collection_method = winner, true);
        if found and winner is not null then
            perform private.change_channel(tenant, of_session, winner);
        end if;
        update private.session_channels as s
        set is_due = false
        where s.workspace_id = tenant and s.session = of_session and s.is_due;
    end loop;
    perform set_config('tally.is_comparing', '', true);
end
$$;

-- FUNCTION private.compare_channels_of(uuid, uuid[])

CREATE FUNCTION private.compare_channels_of(tenant uuid, sources uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    with gone as (
        delete from private.session_channels as s
        where
            s.workspace_id = tenant
            and s.import_id = any (sources)
            and not exists (select from public.imports as i where i.id = s.import_id)
        returning s.session
    )

    update private.session_channels as s
    set is_due = true
    where
        s.workspace_id = tenant
        and not s.is_due
        and (s.import_id = any (sources) or s.session in (select g.session from gone as g));
    perform private.compare_channels(tenant);
end
$$;

-- FUNCTION private.compare_channels_of_deleted()

CREATE FUNCTION private.compare_channels_of_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant uuid;
begin
    for tenant in select distinct c.workspace_id from changed as c where c.metadata ? 'channel' order by 1 loop
        perform private.compare_channels(tenant);
    end loop;
    return null;
end
$$;

-- FUNCTION private.compare_statements(uuid, uuid[])

CREATE FUNCTION private.compare_statements(owner uuid, keys uuid[]) RETURNS TABLE(id uuid, record_id uuid, record_at timestamp with time zone, is_own boolean, is_newer boolean, is_first boolean, is_better boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
begin
    return query
    with ranked as materialized (
        select k.* from private.rank_superseded(owner, keys) as k
    ),

    bounds as (
        select
            min(k.at) as first_at, max(k.at) as last_at,
            array_agg(k.source_key) filter (where k.is_request) as request_keys
        from ranked as k
    ),

    records as materialized (
        select r.*
        from bounds as b
        cross join lateral private.rank_records(owner, keys, b.request_keys, b.first_at, b.last_at) as r
        where b.first_at is not null
    )

    select
        s.id, r.id, r.at,
        r.id is not null and s.import_id is not distinct from r.import_id,
        r.id is not null and s.import_id is not distinct from r.import_id and s.figures <> r.figures and s.rank >= r.rank,
        s.is_best and r.id is null,
        s.is_best and r.id is not null and (not r.is_enabled or (s.rank > r.rank and s.figures <> r.figures))
    from ranked as s
    left join records as r on s.source_key = r.source_key and (s.is_request or s.at = r.at);
end
$$;

-- FUNCTION private.contested_events(uuid, uuid[])

CREATE FUNCTION private.contested_events(owner uuid, keys uuid[], OUT events uuid[], OUT dated uuid[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    select array_agg(distinct s.source_key), array_agg(s.id) filter (where s.day is not null)
    into events, dated
    from (select distinct k.key from unnest(keys) as k (key)) as k
    cross join lateral (
        select d.id, d.source_key, d.day, d.import_id
        from public.superseded_records as d
        where d.workspace_id = owner and d.source_key = k.key
        offset 0 -- as in private.rank_superseded
    ) as s
    left join public.imports as i on s.import_id = i.id
    where coalesce(i.is_enabled, true);
end
$$;

-- FUNCTION private.correct_renewals(uuid, text)

CREATE FUNCTION private.correct_renewals(tenant uuid, zone text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    delete from public.cost_records as r
    using public.subscriptions as s
    where
        s.workspace_id = tenant
        and r.workspace_id = tenant
        and r.subscription_id = s.id
        and (
            (r.subscription_id, r.day) in (select d.subscription_id, d.day from private.due_renewals(tenant, zone) as d)
        ) is not true; -- nor without a day

    update public.cost_records as r
    set
        project_id = case
            when r.model_name = s.plan_name or private.stays_filed(r) then r.project_id
            else private.project_of_plan(s)
        end,
        cost_usd = s.amount_usd,
        provider_id = s.provider_id,
        model_name = s.plan_name
    from public.subscriptions as s
    where
        s.workspace_id = tenant
        and r.workspace_id = tenant
        and r.subscription_id = s.id
        and (r.cost_usd, r.provider_id, r.model_name) is distinct from (s.amount_usd, s.provider_id, s.plan_name);
end
$$;

-- FUNCTION private.count_channels()

CREATE FUNCTION private.count_channels() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    changes private.session_channels[] := array[]::private.session_channels[];
begin
    if tg_op <> 'INSERT' then
        if exists (select from changed_from as c where c.metadata ? 'channel') then
            changes := changes || array(
                select
                    row(
                        c.workspace_id, private.session_of(c.metadata),
                        coalesce(c.import_id, '00000000-0000-0000-0000-000000000000'), c.collection_method,
                        -c.tokens_used, -1, c.timestamp, c.timestamp, true, false
                    )::private.session_channels
                from changed_from as c
                where c.metadata ? 'channel'
            );
        end if;
    end if;
    if tg_op <> 'DELETE' then
        if exists (select from changed_to as c where c.metadata ? 'channel') then
            changes := changes || array(
                select
                    row(
                        c.workspace_id, private.session_of(c.metadata),
                        coalesce(c.import_id, '00000000-0000-0000-0000-000000000000'), c.collection_method,
                        c.tokens_used, 1, c.timestamp, c.timestamp, true, false
                    )::private.session_channels
                from changed_to as c
                where c.metadata ? 'channel'
            );
        end if;
    end if;
    if cardinality(changes) > 0 then
        perform private.add_to_channels(changes);
    end if;
    return null;
end
$$;

-- FUNCTION private.count_gone_contents()

CREATE FUNCTION private.count_gone_contents() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update private.span_counts as c
    set contents = greatest(c.contents - g.contents, 0)
    from (select o.workspace_id, count(*) as contents from gone as o group by o.workspace_id) as g
    where c.workspace_id = g.workspace_id;
    return null;
end
$$;

-- FUNCTION private.count_invitation(uuid, text)

CREATE FUNCTION private.count_invitation(sender uuid, address text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    hashed constant bytea := extensions.digest(address, 'sha256');
begin
    -- One at a time, or calls at once would pass the limits.
    perform pg_advisory_xact_lock(hashtextextended('tally.invitations', 0));
    delete from private.sent_invitations as s where s.sent_at < now() - interval '1 day';
    if
        (
            select count(*) >= 20
            from private.sent_invitations as s
            where s.invited_by = sender and s.sent_at > now() - interval '1 hour'
        )
    then
        raise exception 'You have invited 20 people within an hour. Wait a while, then invite more.' using errcode = '22023';
    end if;
    if (select count(*) >= 3 from private.sent_invitations as s where s.email_sha256 = hashed) then
        raise exception 'This address has been invited three times today. Wait until tomorrow.' using errcode = '22023';
    end if;
    insert into private.sent_invitations (invited_by, email_sha256) values (sender, hashed);
end
$$;

-- FUNCTION private.count_parts()

CREATE FUNCTION private.count_parts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    changes private.day_parts[] := array[]::private.day_parts[];
    needs_flags boolean := false;
begin
    if tg_op <> 'INSERT' then
        changes := array(
            select
                row(
                    c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset, c.cost_basis,
                    c.model_key, c.billed_under_other_name, c.collection_method, -sum(c.tokens_used), -sum(c.request_count),
                    -count(*), true, true
                )::private.day_parts
            from changed_from as c
            where c.billing_account is not null
            group by
                c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset, c.cost_basis, c.model_key,
                c.billed_under_other_name, c.collection_method
        );
    end if;
    if tg_op <> 'DELETE' then
        changes := changes || array(
            select
                row(
                    c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset, c.cost_basis,
                    c.model_key, c.billed_under_other_name, c.collection_method, sum(c.tokens_used), sum(c.request_count),
                    count(*), true, true
                )::private.day_parts
            from changed_to as c
            where c.billing_account is not null
            group by
                c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset, c.cost_basis, c.model_key,
                c.billed_under_other_name, c.collection_method
        );
    end if;
    if cardinality(changes) = 0 then
        return null;
    end if;
    perform pg_advisory_xact_lock(private.billing_lock(w.workspace_id))
    from (select distinct c.workspace_id from unnest(changes) as c order by 1) as w;
    if tg_op = 'UPDATE' then
        needs_flags := exists (select from changed_to as c where not (c.money_is_effective and c.tokens_are_effective));
    end if;
    perform private.change_parts(case when tg_op = 'UPDATE' then private.net_changes(changes) else changes end);
    if tg_op <> 'DELETE' and (needs_flags or private.has_superseded_parts(changes)) then
        perform private.flag_written(array(
            select
                row(
                    c.id, c.timestamp, c.workspace_id, c.billing_account, (c.timestamp at time zone 'UTC')::date, c.dataset,
                    c.cost_basis, c.model_key, c.billed_under_other_name, c.collection_method, c.money_is_effective,
                    c.tokens_are_effective
                )::private.written_record
            from changed_to as c
        ));
    end if;
    return null;
end
$$;

-- FUNCTION private.count_spans_of(uuid, jsonb)

CREATE FUNCTION private.count_spans_of(tenant uuid, weeks jsonb) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO ''
    SET enable_sort TO 'off'
    AS $$
    select coalesce(sum(t.spans), 0)
    from jsonb_object_keys(weeks) as k (trace_id)
    cross join lateral (
        select f.spans from public.traces as f
        where f.workspace_id = tenant and f.trace_id >= k.trace_id and f.trace_id <= k.trace_id
        order by f.trace_id
        limit 1
    ) as t
$$;

-- FUNCTION private.count_statements()

CREATE FUNCTION private.count_statements() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant uuid;
begin
    for tenant in
        insert into private.record_counts (workspace_id, statements)
        select c.workspace_id, case tg_op when 'DELETE' then -count(*) else count(*) end
        from changed as c
        where tg_op = 'INSERT' or exists (select from public.workspaces as w where w.id = c.workspace_id)
        group by c.workspace_id
        returning workspace_id
    loop
        if (select count(*) from private.record_counts as c where c.workspace_id = tenant) > 500 then
            perform private.join_counts(tenant);
        end if;
        if tg_op = 'INSERT' and tg_table_name = 'cost_records' then
            perform private.check_statement_count(tenant);
        end if;
    end loop;
    return null;
end
$$;

-- FUNCTION private.count_telemetry(uuid, bigint, bigint, bigint, bigint)

CREATE FUNCTION private.count_telemetry(source uuid, imported bigint, repeated bigint, restated bigint, rejected bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$
    update public.imports as i
    set
        rows_read = i.rows_read + imported + repeated + rejected,
        rows_imported = i.rows_imported + imported,
        rows_duplicate = i.rows_duplicate + repeated,
        rows_restated = i.rows_restated + restated,
        rows_rejected = i.rows_rejected + rejected,
        finished_at = now()
    where i.id = source and i.id = any (array(select private.own_sources())) and i.kind = 'key'
$$;

-- TABLE public.spans

CREATE TABLE public.spans (
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    trace_id text NOT NULL,
    span_id text NOT NULL,
    week date NOT NULL,
    parent_span_id text DEFAULT ''::text NOT NULL,
    user_id uuid DEFAULT auth.uid() NOT NULL,
    project_id uuid,
    started_at timestamp with time zone NOT NULL,
    duration_us bigint DEFAULT 0 NOT NULL,
    kind text DEFAULT 'internal'::text NOT NULL,
    name text NOT NULL,
    service text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'ok'::text NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    is_call boolean DEFAULT false NOT NULL,
    request_id text DEFAULT ''::text NOT NULL,
    provider text DEFAULT ''::text NOT NULL,
    model text DEFAULT ''::text NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cached_input_tokens bigint DEFAULT 0 NOT NULL,
    cache_write_tokens bigint DEFAULT 0 NOT NULL,
    reasoning_tokens bigint DEFAULT 0 NOT NULL,
    cost_usd numeric(18,10),
    first_token_us bigint,
    session text DEFAULT ''::text NOT NULL,
    person text DEFAULT ''::text NOT NULL,
    agent text DEFAULT ''::text NOT NULL,
    prompt_name text DEFAULT ''::text NOT NULL,
    prompt_version text DEFAULT ''::text NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    resource jsonb DEFAULT '{}'::jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    import_id uuid,
    is_project_chosen boolean DEFAULT false NOT NULL,
    CONSTRAINT spans_agent_check CHECK ((length(agent) <= 200)),
    CONSTRAINT spans_cache_write_tokens_check CHECK (((cache_write_tokens >= 0) AND (cache_write_tokens <= '1000000000000000'::bigint))),
    CONSTRAINT spans_cached_input_tokens_check CHECK (((cached_input_tokens >= 0) AND (cached_input_tokens <= '1000000000000000'::bigint))),
    CONSTRAINT spans_check CHECK (((parent_span_id ~ '^([0-9a-f]{16})?$'::text) AND (parent_span_id <> span_id))),
    CONSTRAINT spans_cost_usd_check CHECK (((cost_usd >= (0)::numeric) AND (cost_usd <> 'NaN'::numeric))),
    CONSTRAINT spans_duration_us_check CHECK (((duration_us >= 0) AND (duration_us <= '31622400000000'::bigint))),
    CONSTRAINT spans_error_check CHECK ((length(error) <= 300)),
    CONSTRAINT spans_first_token_us_check CHECK (((first_token_us >= 0) AND (first_token_us <= '31622400000000'::bigint))),
    CONSTRAINT spans_input_tokens_check CHECK (((input_tokens >= 0) AND (input_tokens <= '1000000000000000'::bigint))),
    CONSTRAINT spans_kind_check CHECK ((kind = ANY (ARRAY['llm'::text, 'tool'::text, 'agent'::text, 'retrieval'::text, 'http'::text, 'db'::text, 'internal'::text]))),
    CONSTRAINT spans_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 4096))),
    CONSTRAINT spans_model_check CHECK ((length(model) <= 200)),
    CONSTRAINT spans_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT spans_output_tokens_check CHECK (((output_tokens >= 0) AND (output_tokens <= '1000000000000000'::bigint))),
    CONSTRAINT spans_person_check CHECK ((length(person) <= 200)),
    CONSTRAINT spans_prompt_name_check CHECK ((length(prompt_name) <= 200)),
    CONSTRAINT spans_prompt_version_check CHECK ((length(prompt_version) <= 100)),
    CONSTRAINT spans_provider_check CHECK ((length(provider) <= 100)),
    CONSTRAINT spans_reasoning_tokens_check CHECK (((reasoning_tokens >= 0) AND (reasoning_tokens <= '1000000000000000'::bigint))),
    CONSTRAINT spans_request_id_check CHECK ((length(request_id) <= 300)),
    CONSTRAINT spans_resource_check CHECK (((jsonb_typeof(resource) = 'object'::text) AND (pg_column_size(resource) <= 4096))),
    CONSTRAINT spans_service_check CHECK ((length(service) <= 200)),
    CONSTRAINT spans_session_check CHECK ((length(session) <= 200)),
    CONSTRAINT spans_span_id_check CHECK ((span_id ~ '^[0-9a-f]{16}$'::text)),
    CONSTRAINT spans_started_at_check CHECK (((started_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (started_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT spans_status_check CHECK ((status = ANY (ARRAY['ok'::text, 'error'::text, 'timeout'::text, 'rate_limited'::text]))),
    CONSTRAINT spans_tags_check CHECK (((jsonb_typeof(tags) = 'object'::text) AND (pg_column_size(tags) <= 4096))),
    CONSTRAINT spans_trace_id_check CHECK ((trace_id ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT spans_week_check CHECK (((week >= '2019-12-30'::date) AND (week <= '2100-01-01'::date)))
)
PARTITION BY RANGE (week);

-- FUNCTION private.counted_calls(uuid, text[], date[])

CREATE FUNCTION private.counted_calls(tenant uuid, ids text[], weeks date[]) RETURNS SETOF public.spans
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.create_month(date)

CREATE FUNCTION private.create_month(month date) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    partition_name constant text := 'cost_records_' || to_char(month, 'YYYY_MM');
begin
    -- Looked at before and after: saves into months that exist must not queue for the lock.
    if to_regclass(format('private.%I', partition_name)) is not null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.partitions', 0));
    if
        to_regclass(format('private.%I', partition_name)) is not null
        or exists (select from private.archived_months as a where a.month = create_month.month)
    then
        return false;
    end if;
    -- Made apart and then attached: `partition of` would lock out every reader of the whole table.
    execute format(
        'create table private.%I (like public.cost_records including defaults including constraints including generated)', partition_name
    );
    execute format('alter table private.%I enable row level security', partition_name);
    execute format('revoke all on private.%I from public, anon, authenticated, service_role', partition_name);
    execute format(
        'alter table private.%I set (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)',
        partition_name
    );
    perform private.attach_month(partition_name, month);
    return true;
end
$$;

-- FUNCTION private.create_personal_workspace()

CREATE FUNCTION private.create_personal_workspace() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into public.workspaces (id, name, personal_user_id) values (new.id, 'Personal', new.id) on conflict do nothing;
    insert into public.members (workspace_id, user_id, role) values (new.id, new.id, 'owner') on conflict do nothing;
    return new;
end
$$;

-- FUNCTION private.create_span_week(date)

CREATE FUNCTION private.create_span_week(week date) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    partition_name constant text := 'spans_' || to_char(week, 'YYYY_MM_DD');
begin
    if to_regclass(format('private.%I', partition_name)) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.span_weeks', 0));
    if to_regclass(format('private.%I', partition_name)) is not null then
        return;
    end if;
    execute format('create table private.%I (like public.spans including defaults including constraints)', partition_name);
    execute format('alter table private.%I enable row level security', partition_name);
    execute format('revoke all on private.%I from public, anon, authenticated, service_role', partition_name);
    execute format(
        'alter table public.spans attach partition private.%I for values from (%L) to (%L)', partition_name, week, week + 7
    );
end
$$;

-- FUNCTION private.create_user_preferences()

CREATE FUNCTION private.create_user_preferences() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into public.user_preferences (user_id) values (new.id) on conflict do nothing;
    return new;
end
$$;

-- FUNCTION private.current_actor()

CREATE FUNCTION private.current_actor() RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select case
        when session_user = 'tally_api' then 'key'
        when session_user <> 'authenticator' then 'operator'
        when auth.uid() is not null then 'person'
        else 'service'
    end
$$;

-- FUNCTION private.day_instant(date, text)

CREATE FUNCTION private.day_instant(day date, zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        case
            when (n.noon at time zone zone)::date = day then n.noon
            else n.noon - interval '3 hours'
        end
    from (select (day + time '12:00') at time zone 'UTC' as noon) as n
$$;

-- FUNCTION private.day_start(date, text)

CREATE FUNCTION private.day_start(day date, zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        case
            when ((s.midnight - interval '1 hour') at time zone zone)::date = day then s.midnight - interval '1 hour'
            else s.midnight
        end
    from (select day::timestamp at time zone zone as midnight) as s
$$;

-- FUNCTION private.days_to_decide(private.day_parts[])

CREATE FUNCTION private.days_to_decide(changes private.day_parts[]) RETURNS TABLE(workspace_id uuid, accounts text[], covering text[], days date[])
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    if
        not exists (
            select
            from (select distinct c.workspace_id, split_part(c.billing_account, ':', 1) as provider from unnest(changes) as c) as k
            inner join private.day_parts as p
                on k.workspace_id = p.workspace_id and k.provider = split_part(p.billing_account, ':', 1)
            where split_part(p.billing_account, ':', 2) like '@%'
        )
    then
        return query
        select d.workspace_id, array[d.billing_account], array[]::text[], array_agg(d.day)
        from (select distinct c.workspace_id, c.billing_account, c.day from unnest(changes) as c) as d
        where
            (
                select row(p.dataset, p.cost_basis)
                from private.day_parts as p
                where (p.workspace_id, p.billing_account, p.day) = (d.workspace_id, d.billing_account, d.day)
                order by p.dataset, p.cost_basis
                limit 1
            ) <> (
                select row(p.dataset, p.cost_basis)
                from private.day_parts as p
                where (p.workspace_id, p.billing_account, p.day) = (d.workspace_id, d.billing_account, d.day)
                order by p.dataset desc, p.cost_basis desc
                limit 1
            )
            or exists (
                select
                from private.day_parts as p
                where
                    (p.workspace_id, p.billing_account, p.day) = (d.workspace_id, d.billing_account, d.day)
                    and not (p.money_is_effective and p.tokens_are_effective)
            )
        group by d.workspace_id, d.billing_account;
        return;
    end if;
    return query
    select g.workspace_id, g.accounts, g.covering, array_agg(g.day)
    from private.grouped_days(changes) as g
    where
        private.has_overlap(g.workspace_id, g.accounts || g.covering, g.day)
        or exists (
            select
            from private.day_parts as p
            where
                p.workspace_id = g.workspace_id
                and p.billing_account = any (g.accounts)
                and p.day = g.day
                and not (p.money_is_effective and p.tokens_are_effective)
        )
    group by g.workspace_id, g.accounts, g.covering;
end
$$;

-- FUNCTION private.days_to_explore(private.exploration, boolean)

CREATE FUNCTION private.days_to_explore(question private.exploration, has_reasoning boolean) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION private.decide_parts(uuid, text[], text[], date[])

CREATE FUNCTION private.decide_parts(of_workspace uuid, accounts text[], covering text[], days date[]) RETURNS SETOF private.day_parts
    LANGUAGE sql
    SET search_path TO ''
    SET enable_nestloop TO 'off'
    SET enable_hashjoin TO 'on'
    SET enable_mergejoin TO 'on'
    AS $$
    update private.day_parts as p
    set
        money_is_effective = j.money_is_effective,
        tokens_are_effective = j.tokens_are_effective
    from private.judge_parts(of_workspace, accounts, covering, days) as j
    where
        p.workspace_id = of_workspace
        and p.billing_account = any (accounts)
        and p.day = any (days)
        and p.billing_account = j.billing_account
        and (p.day, p.dataset, p.cost_basis, p.model_key, p.collection_method, p.billed_under_other_name)
        = (j.day, j.dataset, j.cost_basis, j.model_key, j.collection_method, j.billed_under_other_name)
        and (p.money_is_effective, p.tokens_are_effective) <> (j.money_is_effective, j.tokens_are_effective)
    returning p.*
$$;

-- FUNCTION private.delete_archived_records(uuid)

CREATE FUNCTION private.delete_archived_records(tenant uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    archived regclass;
begin
    for archived in select private.archived_tables() loop
        execute format('delete from %s as r where r.workspace_id = $1', archived) using tenant;
    end loop;
end
$_$;

-- FUNCTION private.delete_records_of_imports()

CREATE FUNCTION private.delete_records_of_imports() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant uuid;
    deleted record;
begin
    for tenant in select distinct g.workspace_id from gone as g order by 1 loop
        -- First, or the deletion of its records would make them records.
        with superseded as (
            delete from public.superseded_records as s
            where s.workspace_id = tenant and s.import_id in (select g.id from gone as g)
            returning s.source_key, s.timestamp
        )

        select array_agg(s.source_key) as keys, min(s.timestamp) as first_at, max(s.timestamp) as last_at
        into deleted
        from superseded as s;
        delete from public.cost_records as r
        where r.workspace_id = tenant and r.import_id in (select g.id from gone as g);
        if deleted.keys is not null then
            perform private.settle_events(tenant, deleted.keys, deleted.first_at, deleted.last_at);
        end if;
        perform private.forget_aliases(tenant, array(select g.id from gone as g where g.workspace_id = tenant));
        perform private.compare_channels_of(tenant, array(select g.id from gone as g where g.workspace_id = tenant));
    end loop;
    return null;
end
$$;

-- FUNCTION private.delete_records_of_workspace()

CREATE FUNCTION private.delete_records_of_workspace() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from public.superseded_records as s
    where s.workspace_id = old.id;
    delete from public.cost_records as r
    where r.workspace_id = old.id;
    perform private.delete_archived_records(old.id);
    delete from private.day_parts as p
    where p.workspace_id = old.id;
    delete from private.event_aliases as a
    where a.workspace_id = old.id;
    delete from private.session_channels as s
    where s.workspace_id = old.id;
    return null;
end
$$;

-- FUNCTION private.delete_spans_of_workspace()

CREATE FUNCTION private.delete_spans_of_workspace() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from public.spans as s where s.workspace_id = old.id;
    return null;
end
$$;

-- FUNCTION private.describe_change(text, jsonb, jsonb, text[], text[])

CREATE FUNCTION private.describe_change(of_table text, old_values jsonb, new_values jsonb, watched text[], secret text[] DEFAULT '{}'::text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
    row_values constant jsonb := coalesce(new_values, old_values);
    is_update constant boolean := old_values is not null and new_values is not null;
    changed constant text[] := array(
        select w
        from unnest(watched) as w
        where old_values #> string_to_array(w, '.') is distinct from new_values #> string_to_array(w, '.')
    );
    shown constant text[] := array(select c from unnest(changed) as c where c <> all (secret));
    before jsonb := private.pick_values(old_values, shown);
    after jsonb := private.pick_values(new_values, shown);
begin
    if is_update and cardinality(changed) = 0 then
        return null;
    end if;
    if not is_update then
        before := jsonb_strip_nulls(before);
        after := jsonb_strip_nulls(after);
    end if;
    return jsonb_build_object(
        'action', case when is_update then 'update' when old_values is null then 'insert' else 'delete' end,
        'table_name', of_table,
        'row_id', row_values -> 'id',
        'user_id', row_values -> 'user_id',
        'changed_columns', case when is_update then to_jsonb(changed) else '[]' end,
        'before', case when old_values is not null then before end,
        'after', case when new_values is not null then after end
    );
end
$$;

-- TABLE private.budget_forecasts

CREATE TABLE private.budget_forecasts (
    budget_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    made_on date NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    days numeric[] NOT NULL,
    quantiles numeric[] NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    made_in timestamp with time zone DEFAULT date_trunc('hour'::text, now()) NOT NULL,
    CONSTRAINT budget_forecasts_days CHECK ((cardinality(days) = ((period_end - made_on) + 1))),
    CONSTRAINT budget_forecasts_period CHECK (((period_start <= made_on) AND (made_on <= period_end))),
    CONSTRAINT budget_forecasts_quantiles CHECK (((cardinality(quantiles) = 23) AND (array_position(quantiles, NULL::numeric) IS NULL)))
);

-- FUNCTION private.describe_forecast(private.budget_forecasts)

CREATE FUNCTION private.describe_forecast(f private.budget_forecasts) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    if f.budget_id is null then
        return null;
    end if;
    return json_build_object(
        'made_on', f.made_on, 'made_at', f.made_at, 'days', to_json(f.days::text[]), 'quantiles', to_json(f.quantiles::text[])
    );
end
$$;

-- FUNCTION private.describe_live(uuid)

CREATE FUNCTION private.describe_live(of_prompt uuid) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select coalesce(
        json_agg(
            json_build_object('environment', e.environment, 'from_at', s.from_at, 'shares', s.shares, 'before', b.shares)
            order by e.environment = 'production' desc, e.environment
        ), '[]'
    )
    from (
        select distinct d.environment from public.prompt_deployments as d where d.prompt_id = of_prompt
    ) as e
    cross join lateral private.split_at(of_prompt, e.environment, 'infinity') as s
    left join lateral private.split_before(of_prompt, e.environment) as b on true
$$;

-- FUNCTION private.describe_moves(uuid, private.filing_move[], text)

CREATE FUNCTION private.describe_moves(tenant uuid, plan private.filing_move[], what text) RETURNS json
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        json_build_object(
            'records', coalesce(sum(m.records), 0),
            'superseded_records', coalesce(sum(m.superseded), 0),
            'moves', coalesce(
                json_agg(
                    json_build_object(
                        'from_' || what, m.from_id, 'to_' || what, m.to_id, 'records', m.records,
                        'billed_usd', m.billed_usd::text, 'estimated_usd', m.estimated_usd::text,
                        'included_usd', m.included_usd::text, 'first_day', (m.first_at at time zone z.zone)::date,
                        'last_day', (m.last_at at time zone z.zone)::date
                    )
                    order by m.billed_usd + m.estimated_usd desc, m.included_usd desc, m.records desc, m.from_id, m.to_id
                ) filter (where m.records > 0),
                '[]'
            )
        )
    from (select private.timezone_of(tenant) as zone) as z
    left join (
        select
            p.from_id, p.to_id, sum(p.records)::bigint as records, sum(p.superseded)::bigint as superseded,
            sum(p.billed_usd) as billed_usd, sum(p.estimated_usd) as estimated_usd, sum(p.included_usd) as included_usd,
            min(p.first_at) as first_at, max(p.last_at) as last_at
        from unnest(plan) as p
        group by p.from_id, p.to_id
    ) as m on true
$$;

-- TABLE public.person_aliases

CREATE TABLE public.person_aliases (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    value text NOT NULL,
    user_id uuid NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT person_aliases_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT person_aliases_value_check CHECK ((((length(value) >= 1) AND (length(value) <= 300)) AND (value = lower(value))))
);

-- FUNCTION private.described_people(uuid, public.person_aliases[])

CREATE FUNCTION private.described_people(tenant uuid, aliases public.person_aliases[]) RETURNS TABLE(is_record boolean, id uuid, at timestamp with time zone, user_id uuid, cost_basis text, cost_usd numeric, traits private.traits)
    LANGUAGE plpgsql STABLE ROWS 100000
    SET search_path TO ''
    SET work_mem TO '64MB'
    AS $$
declare
    keys constant uuid[] := array(
        select distinct s.source_key from public.superseded_records as s where s.workspace_id = tenant
    );
begin
    return query
    select s.is_record, s.id, s.at, s.user_id, s.cost_basis, s.cost_usd, coalesce(e.traits, s.traits)
    from private.described_statements(tenant, array['person', 'source']) as s
    left join private.people_of_events(tenant, aliases, keys, '-infinity', 'infinity') as e
        on e.is_record and s.id = e.id
    where s.import_id is not null;
end
$$;

-- FUNCTION private.described_statements(uuid, text[], uuid, uuid[])

CREATE FUNCTION private.described_statements(tenant uuid, fields text[], of_source uuid DEFAULT NULL::uuid, ids uuid[] DEFAULT NULL::uuid[]) RETURNS TABLE(is_record boolean, id uuid, at timestamp with time zone, user_id uuid, project_id uuid, project_chosen_by text, import_id uuid, cost_basis text, cost_usd numeric, traits private.traits)
    LANGUAGE plpgsql STABLE ROWS 100000
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
begin
    return query
    select
        s.is_record, s.id, s.timestamp, s.user_id, s.project_id, s.project_chosen_by, s.import_id, s.cost_basis, s.cost_usd,
        row(
            case when (select 'folder' = any (fields)) then coalesce(nullif(m ->> 'project', ''), m ->> 'folder') end,
            case when (select 'repository' = any (fields)) then coalesce(nullif(m ->> 'repository', ''), m ->> 'repo') end,
            case when (select 'branch' = any (fields)) then coalesce(nullif(m ->> 'branch', ''), m ->> 'git_branch') end,
            case
                when (select 'api_key' = any (fields))
                    then coalesce(nullif(m ->> 'api_key', ''), nullif(m ->> 'api_key_id', ''), m ->> 'api_key_name')
            end,
            case
                when (select 'provider_project' = any (fields))
                    then coalesce(
                        nullif(m ->> 'project_id', ''), nullif(m ->> 'project_name', ''), nullif(m ->> 'workspace', ''),
                        nullif(m ->> 'workspace_id', ''), m ->> 'team_id'
                    )
            end,
            case
                when (select 'person' = any (fields))
                    then coalesce(
                        nullif(m ->> 'actor', ''), nullif(m ->> 'user_email', ''), nullif(m ->> 'email', ''),
                        nullif(m ->> 'user', ''), nullif(m ->> 'user_id', ''), nullif(m ->> 'username', ''), m ->> 'owner'
                    )
            end,
            case when (select 'tag' = any (fields)) then coalesce(nullif(m -> 'tags', '[]'), m -> 'tag') end,
            case when (select 'source' = any (fields)) then s.import_id end,
            case when (select 'model' = any (fields)) then s.model_key end,
            case when (select 'billing_account' = any (fields)) then s.billing_account end
        )::private.traits
    from (
        select
            true as is_record, r.id, r.timestamp, r.user_id, r.project_id, r.project_chosen_by, r.import_id, r.cost_basis,
            case when r.money_is_effective then r.cost_usd else 0.0000000000 end as cost_usd, r.metadata as m, r.model_key,
            r.billing_account
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and (of_source is null or r.import_id = of_source)
            and (ids is null or r.id = any (ids))
        union all
        select
            false, k.id, k.timestamp, k.user_id, k.project_id, k.project_chosen_by, k.import_id, k.cost_basis, 0, k.metadata,
            k.model_key, k.billing_account
        from public.superseded_records as k
        where
            k.workspace_id = tenant
            and (of_source is null or k.import_id = of_source)
            and (ids is null or k.id = any (ids))
    ) as s;
end
$$;

-- FUNCTION private.described_traces(uuid, text[], date[])

CREATE FUNCTION private.described_traces(tenant uuid, ids text[], weeks date[]) RETURNS TABLE(trace_id text, week date, user_id uuid, project_ids uuid[], first_at timestamp with time zone, last_at timestamp with time zone, name text, status text, service text, session text, person text, agent text, spans bigint, errors bigint, retries bigint)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.dimension_keys(text)

CREATE FUNCTION private.dimension_keys(dimension text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case
        when dimension in ('agent', 'task', 'tool', 'repository', 'branch', 'environment', 'container') then array[dimension]
        when dimension = 'session' then array['session', 'session_id']
        when dimension = 'customer' then array['end_user', 'customer']
        when dimension = 'prompt' then array['prompt_name']
    end
$$;

-- FUNCTION private.dimension_value(jsonb, text[])

CREATE FUNCTION private.dimension_value(metadata jsonb, keys text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return left(coalesce(nullif(btrim(metadata ->> keys[1]), ''), nullif(btrim(metadata ->> keys[2]), '')), 200);
end
$$;

-- FUNCTION private.dismissed_days()

CREATE FUNCTION private.dismissed_days() RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select 90
$$;

-- FUNCTION private.drop_empty_span_weeks()

CREATE FUNCTION private.drop_empty_span_weeks() RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    SET lock_timeout TO '2s'
    AS $$
declare
    partition_name text;
    is_empty boolean;
    dropped integer := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.span_weeks', 0));
    for partition_name in
        select c.relname
        from pg_catalog.pg_inherits as i
        inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
        where
            i.inhparent = 'public.spans'::regclass
            and c.relname < 'spans_' || to_char(date_trunc('week', now() at time zone 'UTC') - interval '7 days', 'YYYY_MM_DD')
        order by 1
    loop
        execute format('select not exists (select from private.%I)', partition_name) into is_empty;
        if is_empty then
            execute format('drop table private.%I', partition_name);
            dropped := dropped + 1;
        end if;
    end loop;
    return dropped;
exception
when lock_not_available then
    return 0; -- the next night
end
$$;

-- FUNCTION private.drop_old_contents(uuid, integer)

CREATE FUNCTION private.drop_old_contents(tenant uuid, most integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    days constant integer := (select w.content_days from public.workspaces as w where w.id = tenant);
    dropped integer;
begin
    perform pg_advisory_xact_lock(private.span_lock(tenant));
    delete from private.span_contents as c
    where
        c.workspace_id = tenant
        and (c.trace_id, c.span_id) in (
            select o.trace_id, o.span_id
            from private.span_contents as o
            where o.workspace_id = tenant and o.saved_at < coalesce(now() - days * interval '1 day', 'infinity')
            order by o.saved_at
            limit most
        );
    get diagnostics dropped = row_count;
    return dropped;
end
$$;

-- FUNCTION private.drop_old_traces(uuid, integer)

CREATE FUNCTION private.drop_old_traces(tenant uuid, most integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.due_digests(timestamp with time zone)

CREATE FUNCTION private.due_digests(at timestamp with time zone) RETURNS TABLE(workspace_id uuid, user_id uuid, email text, workspace text, kind text, today date, period_start date, attempts integer)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        m.workspace_id, m.user_id, u.email, w.name, k.kind, (at at time zone w.timezone)::date, (k.due - k.length)::date,
        coalesce(d.attempts, 0)
    from public.members as m
    inner join public.workspaces as w on m.workspace_id = w.id
    inner join auth.users as u on m.user_id = u.id
    left join public.user_preferences as p on m.user_id = p.user_id
    cross join lateral (select (at at time zone w.timezone) - interval '8 hours' as time) as l
    cross join lateral (
        values
        ('weekly', date_trunc('week', l.time), interval '7 days', coalesce(p.weekly_digest, true)),
        ('monthly', date_trunc('month', l.time), interval '1 month', coalesce(p.monthly_digest, true))
    ) as k (kind, due, length, is_wanted)
    left join private.digests as d
        on m.workspace_id = d.workspace_id and m.user_id = d.user_id and k.kind = d.kind
        and (k.due - k.length)::date = d.period_start
    where
        k.is_wanted
        and coalesce(p.email_notifications, true)
        and u.email is not null
        and u.email_confirmed_at is not null
        and m.joined_at < (k.due + interval '8 hours') at time zone w.timezone
        and (d.id is null or (d.state = 'waiting' and d.next_attempt_at <= at))
    order by k.due, m.workspace_id, m.user_id
$$;

-- FUNCTION private.due_renewals(uuid, text)

CREATE FUNCTION private.due_renewals(tenant uuid, zone text) RETURNS TABLE(subscription_id uuid, day date)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select s.id, d.day
    from public.subscriptions as s
    cross join lateral private.renewal_days(s, (now() at time zone zone)::date) as d (day)
    where
        s.workspace_id = tenant
        and not exists (select from private.archived_months as a where a.month = date_trunc('month', d.day::timestamp)::date)
$$;

-- FUNCTION private.enqueue_test(uuid, uuid)

CREATE FUNCTION private.enqueue_test(tenant uuid, channel uuid) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    enqueued uuid;
    of_channel bigint;
    of_workspace bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.tests.' || tenant::text, 0));
    delete from private.sent_tests as t where t.workspace_id = tenant and t.sent_at < now() - interval '1 day';
    select count(*) filter (where t.channel_id = channel), count(*) into of_channel, of_workspace
    from private.sent_tests as t
    where t.workspace_id = tenant and t.sent_at > now() - interval '1 hour' and t.email_sha256 is null;
    if of_channel >= 5 then
        raise exception 'This channel was tested five times within an hour. Wait a while, then test it again.'
            using errcode = '22023';
    end if;
    if of_workspace >= 20 then
        raise exception 'Twenty tests of this workspace''s channels were sent within an hour. Wait a while, then test again.'
            using errcode = '22023';
    end if;
    insert into private.sent_tests (workspace_id, channel_id) values (tenant, channel);
    insert into public.deliveries (workspace_id, channel_id, channel_name, kind, expires_at)
    select c.workspace_id, c.id, c.name, case when c.verified_at is null then 'verify' else 'test' end, now() + interval '1 hour'
    from public.channels as c
    where c.id = enqueue_test.channel
    returning id into enqueued;
    return enqueued;
end
$$;

-- TABLE public.audit_logs

CREATE TABLE public.audit_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid,
    actor text NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    table_name text NOT NULL,
    row_id uuid,
    changed_columns text[] DEFAULT '{}'::text[] NOT NULL,
    before jsonb,
    after jsonb,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    address text,
    user_agent text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT audit_logs_action_check CHECK ((action ~ '^[a-z_]{1,40}$'::text)),
    CONSTRAINT audit_logs_actor_check CHECK ((actor = ANY (ARRAY['person'::text, 'key'::text, 'service'::text, 'operator'::text]))),
    CONSTRAINT audit_logs_address_check CHECK ((address ~ '^[0-9A-Fa-f:.]{2,45}$'::text)),
    CONSTRAINT audit_logs_after_check CHECK (((jsonb_typeof(after) = 'object'::text) AND (pg_column_size(after) <= 65536))),
    CONSTRAINT audit_logs_before_check CHECK (((jsonb_typeof(before) = 'object'::text) AND (pg_column_size(before) <= 65536))),
    CONSTRAINT audit_logs_changed_columns_check CHECK ((cardinality(changed_columns) <= 100)),
    CONSTRAINT audit_logs_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT audit_logs_table_name_check CHECK (((length(table_name) >= 1) AND (length(table_name) <= 100))),
    CONSTRAINT audit_logs_user_agent_check CHECK (((length(user_agent) >= 1) AND (length(user_agent) <= 300)))
);

-- FUNCTION private.entry_contains(public.audit_logs, text, text, text)

CREATE FUNCTION private.entry_contains(entry public.audit_logs, actor_email text, user_email text, wanted text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return strpos(
        lower(concat_ws(
            ' ', actor_email, user_email, entry.action, entry.table_name, entry.changed_columns::text, entry.before::text,
            entry.after::text, entry.metadata::text, entry.address, entry.user_agent
        )),
        wanted
    ) > 0;
end
$$;

-- FUNCTION private.erase_from_logs()

CREATE FUNCTION private.erase_from_logs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.audit_logs as a
    set address = null, user_agent = null
    where a.actor_id = old.id;
    update public.audit_logs as a
    set after = a.after - 'email'
    where a.table_name = 'invitations' and a.after ->> 'email' = lower(old.email);
    return null;
end
$$;

-- FUNCTION private.erase_from_records(uuid, uuid)

CREATE FUNCTION private.erase_from_records(tenant uuid, leaver uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    update public.superseded_records as s
    set user_id = '00000000-0000-0000-0000-000000000000'
    where s.workspace_id = tenant and s.user_id = leaver;
    perform set_config('tally.is_flagging', 'on', true); -- the statement stays what its source reported, and when
    update public.cost_records as r
    set user_id = '00000000-0000-0000-0000-000000000000'
    where r.workspace_id = tenant and r.user_id = leaver;
    perform set_config('tally.is_flagging', '', true);
end
$$;

-- FUNCTION private.erase_from_spans()

CREATE FUNCTION private.erase_from_spans() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.spans as s
    set user_id = '00000000-0000-0000-0000-000000000000'
    from public.traces as t
    where
        (t.user_id = old.id or t.user_id is null)
        and s.workspace_id = t.workspace_id
        and s.trace_id = t.trace_id
        and s.week = t.week
        and s.user_id = old.id;
    update public.traces as t set user_id = '00000000-0000-0000-0000-000000000000' where t.user_id = old.id;
    return null;
end
$$;

-- FUNCTION private.event_of(uuid, uuid)

CREATE FUNCTION private.event_of(tenant uuid, key uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    event uuid := key;
    next_one uuid;
begin
    for step in 1..16 loop
        next_one := (
            select a.source_key from private.event_aliases as a where a.workspace_id = tenant and a.alias = event limit 1
        );
        exit when next_one is null;
        event := next_one;
    end loop;
    return event;
end
$$;

-- FUNCTION private.exclude_source(uuid, uuid)

CREATE FUNCTION private.exclude_source(tenant uuid, source uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    AS $$
declare
    shared uuid[] := array(
        select s.source_key
        from public.superseded_records as s
        where s.workspace_id = tenant and s.import_id = source
    );
begin
    perform private.supersede_source(tenant, source);
    shared := shared || array(
        select s.source_key
        from public.superseded_records as s
        cross join lateral (
            select
            from public.superseded_records as d
            where d.workspace_id = tenant and d.source_key = s.source_key and d.id <> s.id
            limit 1 -- as in private.rank_superseded
        ) as o
        where s.workspace_id = tenant and s.import_id = source
    );
    perform private.settle_events(tenant, shared);
end
$$;

-- FUNCTION private.explored_cells(private.exploration)

CREATE FUNCTION private.explored_cells(question private.exploration) RETURNS SETOF private.explored_cell
    LANGUAGE plpgsql STABLE ROWS 10000
    SET search_path TO ''
    SET work_mem TO '64MB'
    SET jit TO 'off'
    SET parallel_tuple_cost TO '0.02'
    AS $$
declare
    named constant text[] := question.dimensions || array(select jsonb_object_keys(question.filters));
    from_days constant boolean := question.granularity in ('none', 'day', 'week', 'month', 'weekday')
    and not exists (select from unnest(named) as n (name) where not private.is_daily_dimension(n.name));
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
    elsif
        exists (
            select
            from public.superseded_records as s
            where
                s.workspace_id = question.tenant and s.timestamp >= question.first_at - interval '1 day'
                and s.timestamp < question.last_at + interval '1 day'
        )
    then
        told := array(
            select distinct n.name from unnest(named) as n (name) where private.explored_keys(n.name) is not null order by n.name
        );
    end if;
    return query execute private.explored_query(question, from_days, told) using question, stale, outdated, starts;
end
$$;

-- FUNCTION private.explored_class(text)

CREATE FUNCTION private.explored_class(token_class text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case token_class
        when 'input' then 's.input_tokens - s.cached_input_tokens - s.cache_write_tokens'
        when 'cache_read' then 's.cached_input_tokens'
        when 'cache_write' then 's.cache_write_tokens'
        when 'output' then 's.output_tokens - s.reasoning_tokens'
        when 'reasoning' then 's.reasoning_tokens'
        when 'other' then 's.tokens_used - s.input_tokens - s.output_tokens'
    end
$$;

-- FUNCTION private.explored_column(text)

CREATE FUNCTION private.explored_column(dimension text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.explored_conditions(private.exploration, text[])

CREATE FUNCTION private.explored_conditions(question private.exploration, told text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION private.explored_grouping(text, text[])

CREATE FUNCTION private.explored_grouping(dimension text, told text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select case
        when private.is_grouped_raw($1, $2) then format('s.metadata ->> %L', $1)
        else private.explored_key($1, coalesce($1 = any ($2), false))
    end
$_$;

-- FUNCTION private.explored_groups(text[], text[])

CREATE FUNCTION private.explored_groups(dimensions text[], told text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
declare
    shown text[] := array['''none''', '''''', '''none''', '''''', 'm.measure', ''];
    value text;
begin
    for nth in 1..cardinality(dimensions) loop
        value := case
            when dimensions[nth] = 'tag' then 'g.tag'
            when dimensions[nth] = 'token_class' then 'c.name'
            when private.is_grouped_raw(dimensions[nth], told) then format('left(nullif(btrim(m.key_%s), ''''), 200)', nth)
            else format('m.key_%s::text', nth)
        end;
        shown[2 * nth - 1] := format(
            'case when m.hidden_%s then ''hidden'' when %s is null then ''none'' else ''value'' end', nth, value
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
$_$;

-- FUNCTION private.explored_hiding(private.exploration, text)

CREATE FUNCTION private.explored_hiding(question private.exploration, dimension text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select case
        when private.explored_reading($1) = 'true' or $2 is null then 'false'
        when $2 in ('provider', 'model', 'charge_type', 'cost_basis', 'token_class') then 'false'
        when $2 = 'project' then 'coalesce(s.project_id = any ((($1).asked).hidden), false)'
        else format('not %s', private.explored_reading($1))
    end
$_$;

-- FUNCTION private.explored_key(text, boolean)

CREATE FUNCTION private.explored_key(dimension text, has_told boolean) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.explored_keys(text)

CREATE FUNCTION private.explored_keys(dimension text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case
        when dimension = 'api_key' then array['api_key', 'api_key_id', 'api_key_name']
        else private.dimension_keys(dimension)
    end
$$;

-- FUNCTION private.explored_measure(text)

CREATE FUNCTION private.explored_measure(measure text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
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
            f.*, t.label, coalesce(f.amount * p.usd_per_mtok / 1000000 * t.rate, 0) as measure, null::numeric as per,
            case when f.amount > 0 and p.usd_per_mtok is null then f.records else 0 end as missing
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
$_$;

-- FUNCTION private.explored_name(text, text, text)

CREATE FUNCTION private.explored_name(dimension text, kind text, value text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.explored_query(private.exploration, boolean, text[])

CREATE FUNCTION private.explored_query(question private.exploration, from_days boolean, told text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION private.explored_reading(private.exploration)

CREATE FUNCTION private.explored_reading(question private.exploration) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select case
        when ($1).only_own is null and cardinality(($1).asked.hidden) = 0 then 'true'
        else
            '(s.user_id = (($1).asked).caller or (($1).only_own is null'
            ' and (s.project_id = any ((($1).asked).hidden)) is not true))'
    end
$_$;

-- FUNCTION private.explored_sums(private.exploration)

CREATE FUNCTION private.explored_sums(question private.exploration) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
    priced constant text := case question.measure
        when 'spend' then 's.cost_basis <> ''included'''
        when 'cost_per_request' then 's.cost_basis <> ''included'' and s.charge_type = ''usage'''
        when 'cache_savings' then 's.cached_input_tokens > 0'
        else 'true'
    end;
    classes constant text[] := coalesce(
        array(select jsonb_array_elements_text(question.filters -> 'token_class')), array[]::text[]
    );
    summed text;
begin
    summed := case
        when question.measure in ('spend', 'value', 'cost_per_request') then 's.cost_usd'
        when question.measure = 'requests' then 's.request_count'
        when question.measure = 'cache_savings' then 's.cached_input_tokens'
        when question.measure <> 'tokens' then private.explored_class(left(question.measure, -length('_tokens')))
        when cardinality(classes) = 0 then 's.tokens_used'
        else (select string_agg(private.explored_class(c.name), ' + ') from unnest(classes) as c (name))
    end;
    return format(
        'coalesce(sum(%s) filter (where %s), 0) as amount, coalesce(sum(s.unpriced) filter (where %s), 0) as unpriced, '
        'coalesce(sum(s.request_count), 0) as requests, sum(s.records) as records, %s as shares',
        summed, priced, priced,
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
            else 'null::text'
        end
    );
end
$$;

-- FUNCTION private.explored_times(private.exploration)

CREATE FUNCTION private.explored_times(question private.exploration) RETURNS TABLE(nth integer, starts_at timestamp with time zone, day date, label text, rate numeric)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.failing_values(uuid, timestamp with time zone, integer, integer)

CREATE FUNCTION private.failing_values(tenant uuid, as_of timestamp with time zone, window_days integer, least_calls integer) RETURNS TABLE(dimension text, value text, calls bigint, cost_usd numeric, user_id uuid, project_id uuid)
    LANGUAGE plpgsql STABLE ROWS 10
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    tells_people constant boolean := (select w.person_split = 'everyone' from public.workspaces as w where w.id = tenant);
begin
    return query
    select
        c.dimension,
        c.value,
        count(*),
        coalesce(sum(c.cost_usd), 0),
        case when not tells_people or count(distinct c.user_id) = 1 then (min(c.user_id::text))::uuid end,
        (
            coalesce(
                min(c.project_id::text) filter (where p.is_private),
                case when count(distinct c.project_id) = 1 and count(c.project_id) = count(*) then min(c.project_id::text) end
            )
        )::uuid
    from (
        select
            v.dimension,
            left(btrim(v.value), 200) as value,
            case when r.money_is_effective and r.cost_basis <> 'included' then r.cost_usd end as cost_usd,
            r.user_id, r.project_id,
            coalesce(r.metadata -> 'inference' ->> 'status' in ('error', 'timeout', 'rate_limited'), false) as has_failed
        from public.cost_records as r
        cross join lateral (
            values
            ('agent', r.metadata ->> 'agent'), ('environment', r.metadata ->> 'environment'),
            ('container', r.metadata ->> 'container')
        ) as v (dimension, value)
        where
            r.workspace_id = tenant and r.timestamp > as_of - make_interval(days => window_days) and r.timestamp <= as_of
            and v.value <> ''
    ) as c
    left join public.projects as p on p.workspace_id = tenant and c.project_id = p.id
    where c.value <> ''
    group by c.dimension, c.value
    having count(*) >= least_calls and bool_and(c.has_failed);
end
$$;

-- FUNCTION private.fields_of(public.project_rules[])

CREATE FUNCTION private.fields_of(rules public.project_rules[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return array(select distinct r.field from unnest(rules) as r);
end
$$;

-- FUNCTION private.file_incoming(uuid, uuid, private.incoming_record[])

CREATE FUNCTION private.file_incoming(tenant uuid, source uuid, incoming private.incoming_record[], OUT projects uuid[], OUT people uuid[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    has_aliases constant boolean := exists (select from public.person_aliases as a where a.workspace_id = tenant);
    rules public.project_rules[];
    fields text[];
    kinds private.incoming_kind[];
begin
    if not has_aliases and not exists (select from public.project_rules as r where r.workspace_id = tenant) then
        return;
    end if;
    rules := private.active_rules(tenant);
    fields := private.fields_of(rules) || case when has_aliases and source is not null then array['person'] end;
    if cardinality(fields) = 0 then
        return;
    end if;
    kinds := array(select k from private.kinds_of_incoming(incoming, source, fields) as k);
    if cardinality(rules) > 0 then
        projects := private.spread_over_places(
            kinds, private.match_rules(rules, array(select k.traits from unnest(kinds) as k))
        );
    end if;
    if has_aliases and source is not null then
        people := private.spread_over_places(
            kinds,
            array(
                select a.user_id
                from unnest(kinds) with ordinality as k (traits, places, nth)
                left join public.person_aliases as a
                    on a.workspace_id = tenant and a.value = private.clean_value('person', (k.traits).person)
                order by k.nth
            )
        );
    end if;
end
$$;

-- FUNCTION private.file_spans(uuid, private.incoming_span[])

CREATE FUNCTION private.file_spans(tenant uuid, incoming private.incoming_span[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.find_known(uuid, private.incoming_record[], timestamp with time zone, timestamp with time zone, boolean)

CREATE FUNCTION private.find_known(tenant uuid, incoming private.incoming_record[], first_at timestamp with time zone, last_at timestamp with time zone, has_requests boolean) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    known uuid[] := array(
        select s.source_key
        from public.superseded_records as s
        where
            s.workspace_id = tenant
            and s.project_chosen_by = 'person'
            and s.source_key = any (array(select r.source_key from unnest(incoming) as r))
    );
    request_keys uuid[];
begin
    -- Most imports bring a stretch of time that holds nothing yet; then there is nothing to compare.
    if (
        select c.timestamp
        from public.cost_records as c
        where c.workspace_id = tenant and c.timestamp >= first_at and c.timestamp <= last_at
        order by c.timestamp -- as the identity's index is: any other would be read from end to end
        limit 1
    ) is not null then
        -- The limit keeps each record's look-up apart: joined, a month vacuumed while it was empty is planned as a read of all of
        -- its records for each incoming one (44 s for 100,000). Their order is that of the identity's index alone: an index
        -- that merely has their columns, as the one that begins with the provider, would be read from end to end for each.
        known := known || array(
            select k.source_key
            from unnest(incoming) as r
            cross join lateral (
                select c.source_key
                from public.cost_records as c
                where
                    c.workspace_id = tenant
                    and r.timestamp = c.timestamp
                    and c.source_key >= r.source_key
                    and c.source_key <= r.source_key
                    and c.timestamp >= first_at
                    and c.timestamp <= last_at
                order by c.source_key
                limit 1
            ) as k
        );
    end if;
    if has_requests then
        request_keys := array(select r.source_key from unnest(incoming) as r where r.request_id is not null);
        known := known || array(
            select c.source_key
            from public.cost_records as c
            where
                c.workspace_id = tenant
                and c.request_id is not null
                and c.source_key = any (request_keys)
                and (c.source_key in (select k.key from unnest(known) as k (key))) is not true -- hashed
        );
    end if;
    return known;
end
$$;

-- FUNCTION private.find_rollup(private.daily_question)

CREATE FUNCTION private.find_rollup(asked private.daily_question) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
    rollup constant text := case
        when asked.of_project is not null then 'project'
        when asked.of_person is not null then 'person'
        else coalesce(asked.split, 'none')
    end;
begin
    return case
        when asked.of_project is not null and asked.of_person is not null then null
        when asked.split <> rollup then null
        -- Whose rows are in hidden projects is not told.
        when rollup = 'person' and asked.of_person is distinct from asked.caller and asked.only_named is null
            and cardinality(asked.hidden) > 0 then null
        else rollup
    end;
end
$$;

-- FUNCTION private.find_told_version(uuid, text)

CREATE FUNCTION private.find_told_version(of_prompt uuid, told text) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $_$
    select v.number
    from public.prompt_versions as v
    where
        v.prompt_id = of_prompt
        and (
            v.told_version = told
            or (v.told_version is null and v.number::text = told)
            or (
                told ~ '^(sha256:)?[0-9a-f]{7,64}$'
                and encode(v.content_sha256, 'hex') like replace(told, 'sha256:', '') || '%'
            )
        )
    order by v.told_version = told desc nulls last, v.number::text = told desc, v.number desc
    limit 1
$_$;

-- FUNCTION private.fine_sums(private.exploration, boolean, text[])

CREATE FUNCTION private.fine_sums(question private.exploration, from_days boolean, told text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
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
                s.cache_write_tokens, s.reasoning_tokens, s.request_count, s.records, s.unpriced
            from (%s) as s
            where %s %s
        ) as s
        group by %s$q$,
        parts[1], private.explored_sums(question), parts[2],
        case
            when from_days then private.days_to_explore(question, has_reasoning)
            else private.records_to_explore(question, told)
        end,
        private.explored_conditions(question, told), case when not from_days then 'offset ''0''' end, parts[3]
    );
end
$_$;

-- FUNCTION private.first_day_of_name(uuid, uuid, text)

CREATE FUNCTION private.first_day_of_name(tenant uuid, provider uuid, name text) RETURNS date
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select (min(s.first_at) at time zone private.timezone_of(tenant))::date
    from (
        select min(r.timestamp) as first_at
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.provider_id = provider and coalesce(r.metadata ->> 'model_alias', r.model_name) = name
        union all
        select min(k.timestamp)
        from public.superseded_records as k
        where
            k.workspace_id = tenant and k.provider_id = provider and coalesce(k.metadata ->> 'model_alias', k.model_name) = name
    ) as s
$$;

-- FUNCTION private.flag_records(uuid, text[], private.day_parts[])

CREATE FUNCTION private.flag_records(of_workspace uuid, accounts text[], parts private.day_parts[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    flip record;
begin
    perform set_config('tally.is_flagging', 'on', true);
    for flip in
        select
            p.money_is_effective as has_money,
            p.tokens_are_effective as has_tokens,
            min(p.day)::timestamp at time zone 'UTC' as first_at,
            (max(p.day) + 1)::timestamp at time zone 'UTC' as last_at,
            array_agg(
                hash_record_extended(
                    row(p.day, p.model_key, p.dataset, p.cost_basis, p.billed_under_other_name, p.collection_method), 0
                )
            ) as hashes
        from unnest(parts) as p
        group by 1, 2, date_trunc('month', p.day::timestamp)
        order by 3
    loop
        update public.cost_records as r
        set
            money_is_effective = flip.has_money,
            tokens_are_effective = flip.has_tokens
        where
            r.workspace_id = of_workspace
            and r.timestamp >= flip.first_at
            and r.timestamp < flip.last_at
            and r.billing_account = any (accounts)
            and (r.money_is_effective <> flip.has_money or r.tokens_are_effective <> flip.has_tokens)
            and hash_record_extended(
                row(
                    (r.timestamp at time zone 'UTC')::date, r.model_key, r.dataset, r.cost_basis, r.billed_under_other_name,
                    r.collection_method
                ),
                0
            ) = any (flip.hashes);
    end loop;
    perform set_config('tally.is_flagging', '', true);
end
$$;

-- FUNCTION private.flag_written(private.written_record[])

CREATE FUNCTION private.flag_written(written private.written_record[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
begin
    perform set_config('tally.is_flagging', 'on', true);
    update public.cost_records as r
    set
        money_is_effective = d.has_money,
        tokens_are_effective = d.has_tokens
    from (
        select
            w.id,
            w.timestamp,
            coalesce(p.money_is_effective, true) as has_money,
            coalesce(p.tokens_are_effective, true) as has_tokens
        from unnest(written) as w
        left join private.day_parts as p
            on
                w.workspace_id = p.workspace_id
                and w.billing_account = p.billing_account
                and w.day = p.day
                and w.dataset = p.dataset
                and w.cost_basis = p.cost_basis
                and w.model_key = p.model_key
                and w.billed_under_other_name = p.billed_under_other_name
                and w.collection_method = p.collection_method
        where
            w.money_is_effective <> coalesce(p.money_is_effective, true)
            or w.tokens_are_effective <> coalesce(p.tokens_are_effective, true)
    ) as d
    where
        r.id = d.id
        and r.timestamp = d.timestamp
        and (r.money_is_effective <> d.has_money or r.tokens_are_effective <> d.has_tokens);
    perform set_config('tally.is_flagging', '', true);
end
$$;

-- FUNCTION private.fold_some_days(integer, uuid)

CREATE FUNCTION private.fold_some_days(at_most integer, tenant uuid DEFAULT NULL::uuid, OUT days integer, OUT records bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    marks private.stale_days[];
begin
    marks := array(
        select s
        from private.stale_days as s
        where s.gen < pg_snapshot_xmin(pg_current_snapshot()) and (tenant is null or s.workspace_id = tenant)
        order by s.gen, s.workspace_id, s.date
        limit at_most
        for update skip locked
    );
    days := cardinality(marks);

    delete from private.folded_days as f
    using unnest(marks) as m
    where f.workspace_id = m.workspace_id and f.date = m.date;

    with added as (
        insert into private.folded_days
        select d.* from private.sum_days(marks) as d
        returning record_count
    )

    select coalesce(sum(a.record_count), 0) into records from added as a;

    insert into private.overridden_days as o (workspace_id, date, gen)
    select m.workspace_id, m.date, m.gen
    from unnest(marks) as m
    on conflict (workspace_id, date) do update
        set gen = excluded.gen;

    delete from private.stale_days as s
    using unnest(marks) as m
    where s.workspace_id = m.workspace_id and s.date = m.date;
    perform private.request_forecasts(marks);
end
$$;

-- FUNCTION private.follow_subscription()

CREATE FUNCTION private.follow_subscription() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if tg_op = 'DELETE' then
        delete from public.cost_records as r
        where r.workspace_id = old.workspace_id and r.subscription_id = old.id;
    else
        perform private.post_renewals(new);
    end if;
    return null;
end
$$;

-- FUNCTION private.follow_timezone()

CREATE FUNCTION private.follow_timezone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.workspaces as w
    set timezone = coalesce(new.timezone, 'UTC')
    where w.personal_user_id = coalesce(new.user_id, old.user_id) and w.timezone <> coalesce(new.timezone, 'UTC');
    return null;
end
$$;

-- FUNCTION private.forget_aliases(uuid, uuid[])

CREATE FUNCTION private.forget_aliases(tenant uuid, sources uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    events uuid[];
begin
    if
        not exists (select from private.event_aliases as a where a.import_id = any (sources))
        or not exists (select from public.workspaces as w where w.id = tenant) -- being deleted, with all of them
    then
        return;
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    events := array(
        select distinct private.event_of(tenant, a.alias)
        from private.event_aliases as a
        where a.workspace_id = tenant and a.import_id = any (sources)
    );
    delete from private.event_aliases as a
    where a.workspace_id = tenant and a.import_id = any (sources);
    perform private.move_to_events(tenant, events);
end
$$;

-- FUNCTION private.forget_budget_forecasts()

CREATE FUNCTION private.forget_budget_forecasts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from private.budget_forecasts as f where f.budget_id = new.id;
    return null;
end
$$;

-- FUNCTION private.forget_counts()

CREATE FUNCTION private.forget_counts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from private.record_counts as c where c.workspace_id = old.id;
    return null;
end
$$;

-- FUNCTION private.forget_deleted(text)

CREATE FUNCTION private.forget_deleted(partition_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
begin
    execute format(
        'delete from private.%I as r where '
        'not exists (select from public.workspaces as w where w.id = r.workspace_id) '
        'or (r.import_id is not null and not exists (select from public.imports as i where i.id = r.import_id))',
        partition_name
    );
    execute format(
        'update private.%I as r set user_id = $1 '
        'where r.user_id <> $1 and not exists (select from auth.users as u where u.id = r.user_id)',
        partition_name
    ) using uuid '00000000-0000-0000-0000-000000000000';
end
$_$;

-- FUNCTION private.forget_forecast_requests()

CREATE FUNCTION private.forget_forecast_requests() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from private.forecast_requests as q where q.workspace_id = old.id;
    return null;
end
$$;

-- FUNCTION private.forget_old_events()

CREATE FUNCTION private.forget_old_events() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    delete from public.deliveries as d where d.created_at < now() - interval '400 days';
    delete from public.deliveries as d where d.event_id is null and d.created_at < now() - interval '30 days';
    delete from public.alert_events as e where e.occurred_at < now() - interval '800 days';
end
$$;

-- FUNCTION private.forget_parts()

CREATE FUNCTION private.forget_parts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from private.day_parts;
    return null;
end
$$;

-- FUNCTION private.forget_telemetry()

CREATE FUNCTION private.forget_telemetry() RETURNS bigint
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    delete from private.telemetry_links as l
    where l.seen_at < now() - interval '48 hours';

    with forgotten as (
        delete from private.telemetry_calls as c
        where c.seen_at < now() - interval '48 hours'
        returning c.id
    )

    select count(*) from forgotten
$$;

-- FUNCTION private.free_slug(uuid, text)

CREATE FUNCTION private.free_slug(tenant uuid, name text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    -- Letters lose their accents.
    plain constant text := regexp_replace(lower(normalize(name, nfkd)), '[\u0300-\u036f]', '', 'g');
    base constant text := coalesce(nullif(trim(both '-' from regexp_replace(plain, '[^a-z0-9]+', '-', 'g')), ''), 'project');
    short constant text := trim(trailing '-' from left(base, 100));
begin
    return (
        select s.slug
        from generate_series(1, 10001) as n
        cross join lateral (select short || case when n = 1 then '' else '-' || n end as slug) as s
        where not exists (select from public.projects as p where p.workspace_id = tenant and p.slug = s.slug)
        order by n
        limit 1
    );
end
$$;

-- FUNCTION private.group_accounts(uuid, text, date)

CREATE FUNCTION private.group_accounts(of_workspace uuid, account text, month date) RETURNS private.account_group
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    provider constant text := split_part(account, ':', 1);
    next_month constant date := month + interval '1 month';
    identified text := '';
    present text[] := array[]::text[];
    all_have_bills boolean := true;
begin
    loop
        exit when account <> provider and split_part(account, ':', 2) not like '@%';
        identified := (
            select p.billing_account
            from private.day_parts as p
            where
                p.workspace_id = of_workspace
                and split_part(p.billing_account, ':', 1) = provider
                and split_part(p.billing_account, ':', 2) like '@%'
                and p.billing_account > identified
            order by p.billing_account
            limit 1
        );
        exit when identified is null;
        if
            exists (
                select
                from private.day_parts as p
                where
                    p.workspace_id = of_workspace and p.billing_account = identified and p.day >= month and p.day < next_month
            )
        then
            present := present || identified;
            all_have_bills := all_have_bills and exists (
                select
                from private.day_parts as p
                where
                    p.workspace_id = of_workspace
                    and p.billing_account = identified
                    and p.day >= month
                    and p.day < next_month
                    and p.cost_basis = 'billed'
            );
        end if;
    end loop;
    if cardinality(present) = 1 and account in (provider, present[1]) then
        return row(array[provider] || present, array[]::text[]);
    end if;
    if cardinality(present) > 1 and account = provider and all_have_bills then
        return row(array[provider], present);
    end if;
    return row(array[account], array[]::text[]);
end
$$;

-- FUNCTION private.grouped_days(private.day_parts[])

CREATE FUNCTION private.grouped_days(changes private.day_parts[]) RETURNS TABLE(workspace_id uuid, accounts text[], covering text[], day date)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    with days as (
        select distinct c.workspace_id, c.billing_account, c.day, date_trunc('month', c.day::timestamp)::date as month
        from unnest(changes) as c
    ),

    months as materialized (
        select m.workspace_id, m.billing_account, m.month, g.accounts, g.covering
        from (select distinct d.workspace_id, d.billing_account, d.month from days as d) as m
        cross join lateral private.group_accounts(m.workspace_id, m.billing_account, m.month) as g
    )

    select distinct d.workspace_id, m.accounts, m.covering, d.day
    from days as d
    inner join months as m
        on d.workspace_id = m.workspace_id and d.billing_account = m.billing_account and d.month = m.month
$$;

-- FUNCTION private.groups_of(private.day_parts[])

CREATE FUNCTION private.groups_of(changes private.day_parts[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return (
        select coalesce(
            jsonb_object_agg(
                concat_ws(' ', a.workspace_id, a.provider, a.month),
                to_jsonb(private.group_accounts(a.workspace_id, a.provider, a.month))
            ),
            '{}'
        )
        from (
            select distinct
                c.workspace_id,
                split_part(c.billing_account, ':', 1) as provider,
                date_trunc('month', c.day::timestamp)::date as month
            from unnest(changes) as c
            where split_part(c.billing_account, ':', 2) like '@%'
        ) as a
    );
end
$$;

-- FUNCTION private.has_dimensions(jsonb, text, text, text)

CREATE FUNCTION private.has_dimensions(metadata jsonb, agent text, environment text, customer text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return (agent is null or private.dimension_value(metadata, private.dimension_keys('agent')) is not distinct from agent)
        and (
            environment is null
            or private.dimension_value(metadata, private.dimension_keys('environment')) is not distinct from environment
        )
        and (customer is null or private.dimension_value(metadata, private.dimension_keys('customer')) is not distinct from customer);
end
$$;

-- FUNCTION private.has_months(timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.has_months(first_at timestamp with time zone, last_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select not exists (
        select
        from generate_series(
            date_trunc('month', first_at at time zone 'UTC'), last_at at time zone 'UTC', interval '1 month'
        ) as m
        where to_regclass('private.cost_records_' || to_char(m, 'YYYY_MM')) is null
    )
$$;

-- FUNCTION private.has_overlap(uuid, text[], date)

CREATE FUNCTION private.has_overlap(of_workspace uuid, accounts text[], of_day date) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return (
        select count(distinct (e.dataset, e.cost_basis)) > 1
        from unnest(accounts) as a (name)
        cross join lateral (
            (
                select p.dataset, p.cost_basis
                from private.day_parts as p
                where (p.workspace_id, p.billing_account, p.day) = (of_workspace, a.name, of_day)
                order by p.dataset, p.cost_basis
                limit 1
            )
            union all
            (
                select p.dataset, p.cost_basis
                from private.day_parts as p
                where (p.workspace_id, p.billing_account, p.day) = (of_workspace, a.name, of_day)
                order by p.dataset desc, p.cost_basis desc
                limit 1
            )
        ) as e
    );
end
$$;

-- FUNCTION private.has_superseded_parts(private.day_parts[])

CREATE FUNCTION private.has_superseded_parts(changes private.day_parts[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select exists (
        select
        from (select distinct c.workspace_id, c.billing_account, c.day from unnest(changes) as c) as d
        inner join private.day_parts as p
            on d.workspace_id = p.workspace_id and d.billing_account = p.billing_account and d.day = p.day
        where not (p.money_is_effective and p.tokens_are_effective)
    )
$$;

-- FUNCTION private.has_tag(jsonb, text)

CREATE FUNCTION private.has_tag(metadata jsonb, tag text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
declare
    tags constant jsonb := coalesce(nullif(metadata -> 'tags', '[]'), metadata -> 'tag');
begin
    if jsonb_typeof(tags) = 'array' then
        return tags ? $2 or exists (select from jsonb_array_elements_text(tags) as e (tag) where e.tag = $2);
    end if;
    return coalesce(tags #>> '{}' = $2, false);
end
$_$;

-- FUNCTION private.has_times(private.exploration)

CREATE FUNCTION private.has_times(question private.exploration) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select ($1).granularity <> 'none' or ($1).rates is not null or ($1).measure in ('cost_per_request', 'cache_savings')
$_$;

-- FUNCTION private.hash_token(text)

CREATE FUNCTION private.hash_token(token text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select encode(extensions.digest(left(token, 200), 'sha256'), 'hex')
$$;

-- FUNCTION private.have_choices(uuid, uuid[])

CREATE FUNCTION private.have_choices(tenant uuid, keys uuid[]) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return
        exists (
            select
            from unnest(keys) as k (key)
            cross join lateral (
                select
                from public.superseded_records as s
                where s.workspace_id = tenant and s.source_key = k.key and s.project_chosen_by is not null
                limit 1
            ) as s
            where exists (
                select from public.superseded_records as s where s.workspace_id = tenant and s.project_chosen_by is not null
            )
        )
        or exists (
            select
            from unnest(keys) as k (key)
            cross join lateral (
                select
                from public.cost_records as r
                where r.workspace_id = tenant and r.source_key = k.key and r.project_chosen_by is not null
                limit 1
            ) as r
            where exists (
                select from public.cost_records as r where r.workspace_id = tenant and r.project_chosen_by is not null
            )
        );
end
$$;

-- FUNCTION private.heir_of(uuid, uuid)

CREATE FUNCTION private.heir_of(tenant uuid, leaver uuid) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select m.user_id
    from public.members as m
    where m.workspace_id = tenant and m.user_id <> leaver and m.role in ('owner', 'admin')
    order by private.rank_of(m.role) desc, m.joined_at, m.user_id
    limit 1
$$;

-- FUNCTION private.hidden_projects()

CREATE FUNCTION private.hidden_projects() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
    SET search_path TO ''
    AS $$
begin
    return query
    select p.id
    from public.members as m
    inner join public.projects as p on m.workspace_id = p.workspace_id
    where
        m.user_id = (select auth.uid())
        and m.role not in ('owner', 'admin')
        and p.is_private
        and not exists (select from public.project_members as o where o.project_id = p.id and o.user_id = m.user_id);
end
$$;

-- FUNCTION private.hidden_subscriptions()

CREATE FUNCTION private.hidden_subscriptions() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
    SET search_path TO ''
    AS $$
declare
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    if cardinality(hidden) > 0 then
        return query
        select s.id
        from public.subscriptions as s
        where
            s.workspace_id in (select p.workspace_id from public.projects as p where p.id = any (hidden))
            and exists (
                select
                from public.cost_records as r
                where r.subscription_id = s.id and r.workspace_id = s.workspace_id and r.project_id = any (hidden)
            );
    end if;
end
$$;

-- FUNCTION private.hour_writes(jsonb, bigint)

CREATE FUNCTION private.hour_writes(metadata jsonb, cache_write_tokens bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select case
        when jsonb_typeof($1 -> 'cache_write_1h_tokens') = 'number'
            then least(greatest(trunc(($1 ->> 'cache_write_1h_tokens')::numeric), 0), $2)::bigint
        else 0
    end
$_$;

-- FUNCTION private.id_start()

CREATE FUNCTION private.id_start() RETURNS text
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    chance constant text := replace(gen_random_uuid()::text, '-', '');
begin
    return lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
    || '7' || left(chance, 3) || '8' || right(chance, 11);
end
$$;

-- FUNCTION private.idle_connections(uuid, timestamp with time zone, integer)

CREATE FUNCTION private.idle_connections(tenant uuid, as_of timestamp with time zone, idle_days integer) RETURNS TABLE(id uuid, name text, provider text, since timestamp with time zone, had_records boolean, problem text)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select c.id, c.credential_name, p.display_name, coalesce(l.last_at, c.created_at), l.last_at is not null, c.last_error
    from public.api_credentials as c
    inner join public.providers as p on c.provider_id = p.id
    left join public.imports as i on c.workspace_id = i.workspace_id and c.id = i.credential_id
    cross join lateral (
        select max(s.timestamp) as last_at
        from (
            select r.timestamp from public.cost_records as r where r.import_id = i.id and r.timestamp <= as_of
            union all
            select k.timestamp
            from public.superseded_records as k
            where k.workspace_id = tenant and k.import_id = i.id and k.timestamp <= as_of
        ) as s
    ) as l
    where
        c.workspace_id = tenant
        and c.is_active
        and c.last_sync_at > as_of - interval '7 days'
        and c.created_at <= as_of - make_interval(days => idle_days)
        and coalesce(l.last_at, c.created_at) <= as_of - make_interval(days => idle_days)
$$;

-- FUNCTION private.idle_keys(uuid, timestamp with time zone, integer)

CREATE FUNCTION private.idle_keys(tenant uuid, as_of timestamp with time zone, idle_days integer) RETURNS TABLE(id uuid, name text, user_id uuid, since timestamp with time zone, was_used boolean)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select k.id, k.name, k.user_id, coalesce(k.last_used_at, k.created_at), k.last_used_at is not null
    from public.api_keys as k
    where
        k.workspace_id = tenant
        and k.revoked_at is null
        and k.successor_id is null
        and (k.expires_at is null or k.expires_at > as_of)
        and coalesce(k.last_used_at, k.created_at) <= as_of - make_interval(days => idle_days)
$$;

-- TABLE public.imports

CREATE TABLE public.imports (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    user_id uuid DEFAULT auth.uid() NOT NULL,
    kind text DEFAULT 'file'::text NOT NULL,
    filename text NOT NULL,
    format text NOT NULL,
    file_sha256 text,
    credential_id uuid,
    api_key_id uuid,
    is_enabled boolean DEFAULT true NOT NULL,
    rows_read bigint DEFAULT 0 NOT NULL,
    rows_imported bigint DEFAULT 0 NOT NULL,
    rows_duplicate bigint DEFAULT 0 NOT NULL,
    rows_restated bigint DEFAULT 0 NOT NULL,
    rows_rejected bigint DEFAULT 0 NOT NULL,
    status text DEFAULT 'running'::text NOT NULL,
    errors jsonb DEFAULT '[]'::jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT imports_add_up CHECK (((status <> 'done'::text) OR (rows_read = ((rows_imported + rows_duplicate) + rows_rejected)))),
    CONSTRAINT imports_api_key CHECK (((kind = 'key'::text) OR (api_key_id IS NULL))),
    CONSTRAINT imports_check CHECK (((rows_restated >= 0) AND (rows_restated <= rows_duplicate))),
    CONSTRAINT imports_credential CHECK (((kind = 'connection'::text) OR (credential_id IS NULL))),
    CONSTRAINT imports_errors_check CHECK (((jsonb_typeof(errors) = 'array'::text) AND (pg_column_size(errors) <= 1048576))),
    CONSTRAINT imports_file CHECK (((kind <> 'file'::text) OR (file_sha256 IS NOT NULL))),
    CONSTRAINT imports_file_sha256_check CHECK ((file_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT imports_filename_check CHECK (((length(filename) >= 1) AND (length(filename) <= 255))),
    CONSTRAINT imports_finished_at_check CHECK (((finished_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (finished_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT imports_format_check CHECK (((length(format) >= 1) AND (length(format) <= 50))),
    CONSTRAINT imports_kind CHECK ((kind = ANY (ARRAY['file'::text, 'connection'::text, 'machine'::text, 'key'::text]))),
    CONSTRAINT imports_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT imports_rows_duplicate_check CHECK (((rows_duplicate >= 0) AND (rows_duplicate <= '1000000000000000'::bigint))),
    CONSTRAINT imports_rows_imported_check CHECK (((rows_imported >= 0) AND (rows_imported <= '1000000000000000'::bigint))),
    CONSTRAINT imports_rows_read_check CHECK (((rows_read >= 0) AND (rows_read <= '1000000000000000'::bigint))),
    CONSTRAINT imports_rows_rejected_check CHECK (((rows_rejected >= 0) AND (rows_rejected <= '1000000000000000'::bigint))),
    CONSTRAINT imports_status_check CHECK ((status = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text])))
);

-- FUNCTION private.insert_records(uuid, public.imports, text, private.incoming_record[], uuid[])

CREATE FUNCTION private.insert_records(tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[], known uuid[]) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    inserted integer;
    refused_by text;
    filed record;
    id_start constant text := private.id_start();
begin
    -- Saves of a workspace run side by side while each writes once; two writes in one transaction could deadlock over days.
    perform pg_advisory_xact_lock_shared(private.save_lock(tenant));
    -- By the rules of this moment: they cannot change before this save has committed.
    filed := private.file_incoming(tenant, source.id, incoming);
    perform set_config('tally.is_inserting', 'on', true); -- see the trigger cost_records_channels_inserted
    with providers as materialized (
        select p.id, p.name from public.providers as p
    )

    insert into public.cost_records (
        id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, source_key, request_id, timestamp, day,
        model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens, output_tokens,
        cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis, charge_type,
        metadata
    )
    select
        (id_start || lpad(to_hex(r.nth), 4, '0'))::uuid,
        tenant, coalesce(r.filed_person, source.user_id, auth.uid()), coalesce(r.project_id, r.filed_project),
        case when r.project_id is not null then 'source' end,
        p.id, source.id, coalesce(r.source_key, gen_random_uuid()), r.request_id, r.timestamp, r.day,
        r.model_name, r.billing_account, coalesce(r.dataset, 'requests'), coalesce(r.billed_under_other_name, false),
        r.cost_usd, coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)),
        coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), coalesce(r.cached_input_tokens, 0),
        coalesce(r.cache_write_tokens, 0), coalesce(r.reasoning_tokens, 0), coalesce(r.request_count, 0),
        coalesce(r.collection_method, usual_method), coalesce(r.cost_basis, 'billed'), coalesce(r.charge_type, 'usage'),
        coalesce(r.metadata, '{}')
    from unnest(incoming, filed.projects, filed.people) with ordinality as r (
        provider, timestamp, day, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, request_id,
        billing_account, dataset, billed_under_other_name, project_id, tokens_used, input_tokens, output_tokens,
        cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, metadata, filed_project, filed_person, nth
    )
    inner join providers as p on r.provider = p.name
    where
        r.timestamp >= timestamptz '2020-01-01 00:00:00+00'
        and r.timestamp < (select now() + interval '1 year')
        and (cardinality(known) = 0 or r.source_key is null or r.source_key not in (select k.key from unnest(known) as k (key)))
    order by r.timestamp, r.source_key; -- one order for everyone: two saves of the same events must not deadlock
    get diagnostics inserted = row_count;
    perform set_config('tally.is_inserting', '', true);
    return inserted;
exception
when unique_violation then
    return null; -- the insert is undone and its locks are given back
when check_violation then
    get stacked diagnostics refused_by = constraint_name;
    if refused_by <> '' then
        raise exception 'One of these records breaks the rule "%". None of them was saved.', refused_by using errcode = '23514';
    end if;
    if exists (
        select
        from private.archived_months as a
        inner join unnest(incoming) as r on a.month = date_trunc('month', r.timestamp at time zone 'UTC')::date
    ) then
        raise exception 'A month of these records has been archived. Leave its rows out and save again.' using errcode = '22023';
    end if;
    return null; -- a month that another save made this moment: it is visible before this session has heard of it
end
$$;

-- FUNCTION private.insert_renewals(uuid, uuid[], date[], text)

CREATE FUNCTION private.insert_renewals(tenant uuid, ids uuid[], days date[], zone text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    added integer;
begin
    if cardinality(ids) = 0 then
        return 0;
    end if;
    perform public.ensure_months(array(select distinct date_trunc('month', d::timestamp)::date from unnest(days) as d));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    with plans as materialized (
        select s.*, private.project_of_plan(s) as filed
        from public.subscriptions as s
        where s.workspace_id = tenant and s.id = any (ids)
    )

    insert into public.cost_records (
        workspace_id, user_id, project_id, provider_id, subscription_id, timestamp, day, model_name, cost_usd,
        collection_method, cost_basis, charge_type, source_key
    )
    select
        tenant, s.user_id, s.filed, s.provider_id, s.id, private.day_instant(d.day, zone), d.day, s.plan_name, s.amount_usd,
        'manual_entry', 'billed', 'subscription', md5(s.id::text || ' ' || d.day::text)::uuid
    from unnest(ids, days) as d (id, day)
    inner join plans as s on d.id = s.id;
    get diagnostics added = row_count;
    return added;
end
$$;

-- FUNCTION private.installation_owner()

CREATE FUNCTION private.installation_owner() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    select coalesce(
        (select i.owner_id from private.installation as i),
        (select u.id from auth.users as u order by u.created_at, u.id limit 1)
    )
$$;

-- FUNCTION private.is_address_of_member(uuid, text)

CREATE FUNCTION private.is_address_of_member(tenant uuid, address text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select exists (
        select
        from public.members as m
        inner join auth.users as u on m.user_id = u.id
        where m.workspace_id = tenant and lower(u.email) = address and u.email_confirmed_at is not null
    )
$$;

-- FUNCTION private.is_daily_dimension(text)

CREATE FUNCTION private.is_daily_dimension(dimension text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select dimension in ('provider', 'model', 'project', 'person', 'charge_type', 'cost_basis', 'token_class')
$$;

-- FUNCTION private.is_failed_call(bigint, jsonb)

CREATE FUNCTION private.is_failed_call(tokens bigint, metadata jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$
    select tokens = 0 and coalesce(metadata -> 'inference' ->> 'status' in ('error', 'timeout', 'rate_limited'), false)
$$;

-- FUNCTION private.is_grouped_raw(text, text[])

CREATE FUNCTION private.is_grouped_raw(dimension text, told text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select coalesce(cardinality(private.explored_keys(dimension)) = 1 and not dimension = any (told), false)
$$;

-- TABLE public.budgets

CREATE TABLE public.budgets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    name text NOT NULL,
    project_id uuid,
    provider_id uuid,
    model_name text,
    user_id uuid,
    billing_account text,
    tag text,
    agent text,
    environment text,
    customer text,
    measure text DEFAULT 'cost'::text NOT NULL,
    amount numeric NOT NULL,
    currency text DEFAULT 'USD'::text NOT NULL,
    period text DEFAULT 'month'::text NOT NULL,
    starts_on_day integer DEFAULT 1 NOT NULL,
    counts_subscriptions boolean DEFAULT true NOT NULL,
    counts_tax boolean DEFAULT true NOT NULL,
    paused_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_by uuid DEFAULT auth.uid(),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT budgets_agent_check CHECK (((length(agent) >= 1) AND (length(agent) <= 200))),
    CONSTRAINT budgets_amount CHECK (((amount > (0)::numeric) AND
CASE measure
    WHEN 'tokens'::text THEN ((amount <= ('1000000000000000'::bigint)::numeric) AND (amount = trunc(amount)))
    ELSE ((amount < ('1000000000000'::bigint)::numeric) AND (amount = round(amount, 10)))
END)),
    CONSTRAINT budgets_billing_account_check CHECK (((length(billing_account) >= 1) AND (length(billing_account) <= 200))),
    CONSTRAINT budgets_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT budgets_customer_check CHECK (((length(customer) >= 1) AND (length(customer) <= 200))),
    CONSTRAINT budgets_environment_check CHECK (((length(environment) >= 1) AND (length(environment) <= 200))),
    CONSTRAINT budgets_measure_check CHECK ((measure = ANY (ARRAY['cost'::text, 'tokens'::text]))),
    CONSTRAINT budgets_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT budgets_model_name_check CHECK (((length(model_name) >= 1) AND (length(model_name) <= 200))),
    CONSTRAINT budgets_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT budgets_paused_at_check CHECK (((paused_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (paused_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT budgets_period_check CHECK ((period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text, 'quarter'::text, 'year'::text]))),
    CONSTRAINT budgets_start CHECK (((starts_on_day = 1) OR (period = 'month'::text))),
    CONSTRAINT budgets_starts_on_day_check CHECK (((starts_on_day >= 1) AND (starts_on_day <= 28))),
    CONSTRAINT budgets_tag_check CHECK (((length(tag) >= 1) AND (length(tag) <= 200)))
);

-- FUNCTION private.is_of_records(public.budgets)

CREATE FUNCTION private.is_of_records(b public.budgets) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return num_nonnulls(b.tag, b.billing_account, b.agent, b.environment, b.customer) > 0;
end
$$;

-- FUNCTION private.is_outdone(uuid, jsonb, text)

CREATE FUNCTION private.is_outdone(tenant uuid, metadata jsonb, method text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return exists (
        select
        from private.session_channels as s
        where
            s.workspace_id = tenant
            and s.session = private.session_of(is_outdone.metadata)
            and s.collection_method <> method
            and s.is_effective
    );
end
$$;

-- FUNCTION private.is_refresh_due()

CREATE FUNCTION private.is_refresh_due() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        exists (select from private.overridden_days as o group by o.workspace_id having count(*) > 7)
        or exists (
            select
            from private.overridden_days as o
            where not exists (select from public.workspaces as w where w.id = o.workspace_id)
        )
        or (
            (exists (select from private.overridden_days) or exists (select from private.stale_days))
            and coalesce((select r.refreshed_at from private.refreshes as r), '-infinity') < now() - interval '7 days'
        )
$$;

-- FUNCTION private.join_counts(uuid)

CREATE FUNCTION private.join_counts(tenant uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    with joined as (
        delete from private.record_counts as c
        where c.ctid = any (
            array(select o.ctid from private.record_counts as o where o.workspace_id = tenant for update skip locked)
        )
        returning c.statements
    )

    insert into private.record_counts (workspace_id, statements)
    select tenant, coalesce(sum(j.statements), 0) from joined as j
$$;

-- FUNCTION private.join_statements(uuid, uuid[], uuid[])

CREATE FUNCTION private.join_statements(tenant uuid, ids uuid[], events uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    keys constant uuid[] := array(
        select s.source_key from public.superseded_records as s where s.workspace_id = tenant and s.id = any (ids)
        union
        select e.event from unnest(events) as e (event)
    );
    joined record;
begin
    select
        array_agg(r.id) filter (where r.nth > 1) as lesser,
        array_agg(r.event) filter (where r.project_chosen_by = 'person') as chosen,
        array_agg(r.project_id) filter (where r.project_chosen_by = 'person') as projects
    into joined
    from (
        select
            s.id, s.project_id, s.project_chosen_by, e.event,
            row_number() over (partition by e.event, s.import_id order by k.rank desc, s.created_at desc, s.id) as nth
        from private.rank_superseded(tenant, keys) as k
        inner join public.superseded_records as s on k.id = s.id
        left join unnest(ids, events) as m (id, event) on k.id = m.id
        cross join lateral (select coalesce(m.event, k.source_key) as event) as e
        where k.is_request
        order by 1
    ) as r;
    delete from public.superseded_records as s
    where s.id = any (joined.lesser);
    update public.superseded_records as s
    set source_key = m.event
    from unnest(ids, events) as m (id, event)
    where s.id = m.id;
    update public.superseded_records as s
    set project_id = c.project_id, project_chosen_by = 'person'
    from (
        select distinct on (e.event) e.event, e.project_id
        from unnest(joined.chosen, joined.projects) as e (event, project_id)
        order by e.event
    ) as c
    where s.workspace_id = tenant and s.source_key = c.event and s.request_id is not null;
end
$$;

-- FUNCTION private.joined_by(text)

CREATE FUNCTION private.joined_by(token text) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select m.workspace_id
    from public.members as m
    where m.user_id = auth.uid() and m.metadata ->> 'invitation_sha256' = private.hash_token(token)
$$;

-- FUNCTION private.json_money(text)

CREATE FUNCTION private.json_money(joined text) RETURNS json
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return replace(coalesce('["' || joined || '"]', '[]'), '"null"', 'null')::json;
end
$$;

-- FUNCTION private.json_words(text)

CREATE FUNCTION private.json_words(joined text) RETURNS json
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return coalesce('["' || joined || '"]', '[]')::json;
end
$$;

-- FUNCTION private.judge_parts(uuid, text[], text[], date[])

CREATE FUNCTION private.judge_parts(of_workspace uuid, accounts text[], covering text[], days date[]) RETURNS SETOF private.day_parts
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    with parts as (
        select
            p.*,
            array_position(private.authorities(), p.collection_method) as authority,
            bool_or(p.cost_basis = 'billed') over day as is_billed,
            case when bool_or(p.model_key = '' and p.cost_basis = 'billed') over day then '' else p.model_key end as bill_unit,
            case when bool_or(p.model_key = '' and p.tokens + p.requests > 0) over day then '' else p.model_key end as use_unit
        from private.day_parts as p
        where p.workspace_id = of_workspace and p.billing_account = any (accounts) and p.day = any (days)
        window day as (partition by p.day)
    ),

    bills as (
        select distinct on (b.day, b.bill_unit) b.day, b.bill_unit, b.dataset
        from parts as b
        where b.cost_basis = 'billed'
        order by b.day, b.bill_unit, b.authority, b.dataset
    ),

    uses as (
        select distinct on (u.day, u.use_unit) u.day, u.use_unit, u.dataset
        from parts as u
        group by u.day, u.use_unit, u.dataset
        having sum(u.tokens + u.requests) > 0 or bool_or(u.cost_basis <> 'billed')
        order by
            u.day, u.use_unit, sum(u.tokens) desc, u.dataset = 'requests' desc, sum(u.requests) desc, min(u.authority), u.dataset
    )

    select
        p.workspace_id, p.billing_account, p.day, p.dataset, p.cost_basis, p.model_key, p.billed_under_other_name,
        p.collection_method, p.tokens, p.requests, p.records,
        case p.cost_basis
            when 'billed' then p.dataset = b.dataset
            when 'estimated'
                then
                    b.dataset is null
                    and p.dataset = u.dataset
                    and not (p.is_billed and p.billed_under_other_name)
                    and (
                        cardinality(covering) = 0
                        or not exists (
                            select
                            from private.day_parts as c
                            where
                                c.workspace_id = of_workspace
                                and c.billing_account = any (covering)
                                and c.day = p.day
                                and c.cost_basis = 'billed'
                                and (c.model_key in ('', p.model_key) or p.billed_under_other_name)
                        )
                    )
            else p.dataset = u.dataset
        end as money_is_effective,
        coalesce(p.dataset = u.dataset, true) as tokens_are_effective
    from parts as p
    left join bills as b on p.day = b.day and p.bill_unit = b.bill_unit
    left join uses as u on p.day = u.day and p.use_unit = u.use_unit
$$;

-- FUNCTION private.keep_advice(uuid, jsonb, date, date)

CREATE FUNCTION private.keep_advice(tenant uuid, pieces jsonb, window_from date, window_to date) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
#variable_conflict use_column
begin
    -- A decision and a nightly run see each other.
    perform pg_advisory_xact_lock(hashtextextended('tally.advice.' || tenant::text, 0));
    insert into public.advice as a (
        workspace_id, kind, subject, project_id, person_id, current_usd, saving_low, saving_mid, saving_high, confidence, basis,
        evidence, assumptions, window_from, window_to
    )
    select
        tenant, f.kind, f.subject, f.project_id, f.person_id, f.current_usd, f.saving_low, f.saving_mid, f.saving_high,
        f.confidence, f.basis, f.evidence, f.assumptions, $3, $4
    from jsonb_populate_recordset(null::public.advice, pieces) as f
    on conflict on constraint advice_once do update
        set
            project_id = excluded.project_id, person_id = excluded.person_id, current_usd = excluded.current_usd,
            saving_low = excluded.saving_low, saving_mid = excluded.saving_mid, saving_high = excluded.saving_high,
            confidence = excluded.confidence, basis = excluded.basis, evidence = excluded.evidence,
            assumptions = excluded.assumptions, window_from = excluded.window_from, window_to = excluded.window_to,
            status = 'open', found_at = case when a.status = 'open' then a.found_at else now() end,
            decided_at = null, decided_by = null, dismissed_saving = null, verification = null
        where
            a.status in ('open', 'expired')
            or a.status = 'dismissed' and (
                a.decided_at <= now() - make_interval(days => private.dismissed_days())
                or excluded.saving_mid > 0 and excluded.saving_mid >= 2 * a.dismissed_saving
            );
    update public.advice as a
    set status = 'expired'
    where
        a.workspace_id = tenant and a.status = 'open'
        and not exists (
            select
            from jsonb_populate_recordset(null::public.advice, pieces) as f
            where f.kind = a.kind and f.subject = a.subject
        );
    delete from public.advice as a
    where
        a.workspace_id = tenant
        and (
            a.status = 'expired' and a.updated_at < now() - interval '1 year'
            or a.status = 'dismissed' and a.decided_at < now() - interval '2 years'
        );
    return (select count(*) from public.advice as a where a.workspace_id = tenant and a.status = 'open');
end
$_$;

-- FUNCTION private.keep_all_statements(uuid, public.imports, text, private.incoming_record[])

CREATE FUNCTION private.keep_all_statements(tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[]) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    keys constant uuid[] := array(select r.source_key from unnest(incoming) as r);
    kept integer;
begin
    if array_position(keys, null) is not null then
        raise exception 'Records of a disabled source need a source_key.' using errcode = '22023';
    end if;
    kept := private.keep_statements(tenant, source, usual_method, incoming, keys);
    perform private.settle_events(tenant, keys);
    return kept;
end
$$;

-- FUNCTION private.keep_an_owner()

CREATE FUNCTION private.keep_an_owner() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    personal uuid;
begin
    select w.personal_user_id into personal from public.workspaces as w where w.id = old.workspace_id for no key update;
    if not found or (personal = old.user_id and not exists (select from auth.users as u where u.id = personal)) then
        return null; -- the workspace itself is being deleted
    end if;
    if
        old.role = 'owner'
        and not exists (select from public.members as m where m.workspace_id = old.workspace_id and m.role = 'owner')
    then
        raise exception 'A workspace needs an owner. Make another member the owner first, or delete the workspace.'
            using errcode = '23514';
    end if;
    return null;
end
$$;

-- FUNCTION private.keep_as_superseded(uuid, uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.keep_as_superseded(owner uuid, ids uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into public.superseded_records (
        workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, source_key, request_id,
        timestamp, day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
        output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
        charge_type, metadata, created_at, updated_at
    )
    select
        r.workspace_id, r.user_id, r.project_id, r.project_chosen_by, r.provider_id, r.import_id, r.subscription_id, r.source_key,
        r.request_id, r.timestamp, r.day, r.model_name, r.billing_account, r.dataset, r.billed_under_other_name, r.cost_usd,
        r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens,
        r.request_count, r.collection_method, r.cost_basis, r.charge_type, r.metadata, r.created_at, r.updated_at
    from unnest(ids) as i (id)
    cross join lateral (
        select c.*
        from public.cost_records as c
        where c.id = i.id and c.timestamp >= first_at and c.timestamp <= last_at
        limit 1 -- one look-up after the other: `any` compares each record of this time with all ids
    ) as r
    where r.workspace_id = owner
$$;

-- FUNCTION private.keep_limits_of_those_above()

CREATE FUNCTION private.keep_limits_of_those_above() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    before constant jsonb := to_jsonb(old);
    after constant jsonb := to_jsonb(new);
begin
    perform private.require_rank_over(m.workspace_id, m.user_id)
    from public.members as m
    where
        m.workspace_id = coalesce(after ->> 'workspace_id', before ->> 'workspace_id')::uuid
        and m.user_id in (
            select unnest(array[before ->> 'user_id', after ->> 'user_id'])::uuid
            union all
            select b.user_id
            from public.budgets as b
            where b.id in ((before ->> 'budget_id')::uuid, (after ->> 'budget_id')::uuid)
        );
    return null;
end
$$;

-- FUNCTION private.keep_personal()

CREATE FUNCTION private.keep_personal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if exists (select from public.workspaces as w where w.id = new.workspace_id and w.personal_user_id <> new.user_id) then
        raise exception 'Nobody can join a personal workspace.' using errcode = '23514';
    end if;
    return new;
end
$$;

-- FUNCTION private.keep_prompt_version()

CREATE FUNCTION private.keep_prompt_version() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if
        to_jsonb(new) - array['labels', 'author_id'] <> to_jsonb(old) - array['labels', 'author_id']
        or (new.author_id is not null and new.author_id is distinct from old.author_id)
    then
        raise exception 'A version of a prompt never changes. Push a new one.' using errcode = '22023';
    end if;
    return new;
end
$$;

-- FUNCTION private.keep_statements(uuid, public.imports, text, private.incoming_record[], uuid[])

CREATE FUNCTION private.keep_statements(tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[], keys uuid[]) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    filed constant record := private.file_incoming(tenant, source.id, incoming);
    id_start constant text := private.id_start();
    kept integer;
begin
    with stated as (
        insert into public.superseded_records as s (
            id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, source_key, request_id, timestamp,
            day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
            output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method,
            cost_basis, charge_type, metadata
        )
        select distinct on (
            r.source_key, case when r.request_id is null then coalesce((r.day + time '12:00') at time zone 'UTC', r.timestamp) end
        )
            (id_start || lpad(to_hex(r.nth), 4, '0'))::uuid,
            tenant, coalesce(r.filed_person, source.user_id, auth.uid()), coalesce(r.project_id, r.filed_project),
            case when r.project_id is not null then 'source' end,
            p.id, source.id, r.source_key, r.request_id, r.timestamp, r.day, r.model_name,
            r.billing_account, coalesce(r.dataset, 'requests'), coalesce(r.billed_under_other_name, false), r.cost_usd,
            coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)),
            coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), coalesce(r.cached_input_tokens, 0),
            coalesce(r.cache_write_tokens, 0), coalesce(r.reasoning_tokens, 0), coalesce(r.request_count, 0),
            coalesce(r.collection_method, usual_method), coalesce(r.cost_basis, 'billed'), coalesce(r.charge_type, 'usage'),
            coalesce(r.metadata, '{}')
        from unnest(incoming, filed.projects, filed.people) with ordinality as r (
            provider, timestamp, day, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, request_id,
            billing_account, dataset, billed_under_other_name, project_id, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, metadata, filed_project, filed_person, nth
        )
        inner join public.providers as p on r.provider = p.name
        where
            r.timestamp >= timestamptz '2020-01-01 00:00:00+00'
            and r.timestamp < (select now() + interval '1 year')
            -- Hashed: `any` of a parameter compares all with all, and without `is true` this is a nested loop.
            and (r.source_key in (select k.key from unnest(keys) as k (key))) is true
        order by
            r.source_key, case when r.request_id is null then coalesce((r.day + time '12:00') at time zone 'UTC', r.timestamp) end
        on conflict (
            workspace_id, source_key, import_id,
            (case when request_id is null then coalesce((day + time '12:00') at time zone 'UTC', timestamp) end)
        ) do update
            set
                (
                    user_id, project_id, project_chosen_by, provider_id, request_id, timestamp, day, model_name, billing_account,
                    dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens, output_tokens, cached_input_tokens,
                    cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis, charge_type, metadata
                ) = row(
                    excluded.user_id,
                    case when
                        s.project_chosen_by = 'person'
                        or excluded.project_chosen_by is null and s.project_chosen_by = 'source'
                    then s.project_id else excluded.project_id end,
                    case when s.project_chosen_by = 'person' then 'person'
                    else coalesce(excluded.project_chosen_by, s.project_chosen_by) end,
                    excluded.provider_id, excluded.request_id, excluded.timestamp, excluded.day, excluded.model_name,
                    excluded.billing_account, excluded.dataset, excluded.billed_under_other_name, excluded.cost_usd,
                    excluded.tokens_used, excluded.input_tokens, excluded.output_tokens, excluded.cached_input_tokens,
                    excluded.cache_write_tokens, excluded.reasoning_tokens, excluded.request_count, excluded.collection_method,
                    excluded.cost_basis, excluded.charge_type, excluded.metadata
                )
            where excluded.request_id is null
                or (excluded.tokens_used, excluded.cached_input_tokens + excluded.cache_write_tokens)
                >= (s.tokens_used, s.cached_input_tokens + s.cache_write_tokens)
        returning s.xmax = 0 as is_new -- an updated row was locked; counting them before and after reads the source's others
    )

    select count(*) filter (where t.is_new) into kept from stated as t;
    return kept;
end
$$;

-- FUNCTION private.keep_used_providers()

CREATE FUNCTION private.keep_used_providers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if
        exists (select from gone as g where exists (select from public.cost_records as r where r.provider_id = g.id))
        or exists (select from gone as g where exists (select from public.superseded_records as s where s.provider_id = g.id))
    then
        raise exception 'A provider that has records cannot be deleted.' using errcode = '23503';
    end if;
    return null;
end
$$;

-- TABLE public.cost_records

CREATE TABLE public.cost_records (
    provider_id uuid NOT NULL,
    tokens_used bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cached_input_tokens bigint DEFAULT 0 NOT NULL,
    cache_write_tokens bigint DEFAULT 0 NOT NULL,
    request_count bigint DEFAULT 0 NOT NULL,
    money_is_effective boolean DEFAULT true NOT NULL,
    tokens_are_effective boolean DEFAULT true NOT NULL,
    model_name text NOT NULL,
    cost_basis text DEFAULT 'billed'::text NOT NULL,
    charge_type text DEFAULT 'usage'::text NOT NULL,
    cost_usd numeric(18,10),
    user_id uuid DEFAULT auth.uid() NOT NULL,
    project_id uuid,
    reasoning_tokens bigint DEFAULT 0 NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    project_chosen_by text,
    import_id uuid,
    subscription_id uuid,
    source_key uuid DEFAULT gen_random_uuid() NOT NULL,
    request_id text,
    "timestamp" timestamp with time zone NOT NULL,
    day date,
    model_key text GENERATED ALWAYS AS (
CASE
    WHEN (model_name = '(unspecified)'::text) THEN ''::text
    WHEN ((model_name ~~ '%20%'::text) OR (model_name ~~ '%latest'::text)) THEN lower(regexp_replace(model_name, '[-@](20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|latest)$'::text, ''::text))
    ELSE lower(model_name)
END) STORED NOT NULL,
    billing_account text,
    dataset text DEFAULT 'requests'::text NOT NULL,
    billed_under_other_name boolean DEFAULT false NOT NULL,
    collection_method text DEFAULT 'manual_entry'::text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cost_records_billing_account CHECK (((length(billing_account) >= 1) AND (length(billing_account) <= 200))),
    CONSTRAINT cost_records_charge_type CHECK ((charge_type = ANY (ARRAY['usage'::text, 'subscription'::text, 'credit'::text, 'tax'::text, 'adjustment'::text]))),
    CONSTRAINT cost_records_collection_method CHECK ((collection_method = ANY (ARRAY['api_automated'::text, 'manual_entry'::text, 'csv_import'::text, 'local_log'::text, 'otlp'::text]))),
    CONSTRAINT cost_records_cost CHECK (
CASE
    WHEN (cost_usd IS NULL) THEN (cost_basis = ANY (ARRAY['estimated'::text, 'included'::text]))
    WHEN (cost_usd >= (0)::numeric) THEN (cost_usd <> 'NaN'::numeric)
    ELSE (charge_type = ANY (ARRAY['credit'::text, 'adjustment'::text]))
END),
    CONSTRAINT cost_records_cost_basis CHECK ((cost_basis = ANY (ARRAY['billed'::text, 'estimated'::text, 'included'::text]))),
    CONSTRAINT cost_records_counts CHECK (((LEAST(tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count) >= 0) AND (GREATEST(tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count) <= '1000000000000000'::bigint))),
    CONSTRAINT cost_records_dataset CHECK (((length(dataset) >= 1) AND (length(dataset) <= 100))),
    CONSTRAINT cost_records_day CHECK (((day IS NULL) OR (day = (("timestamp" AT TIME ZONE 'UTC'::text))::date))),
    CONSTRAINT cost_records_metadata CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT cost_records_model_key CHECK ((length(model_key) <= 200)),
    CONSTRAINT cost_records_model_name CHECK (((length(model_name) >= 1) AND (length(model_name) <= 200))),
    CONSTRAINT cost_records_project_chosen_by CHECK ((project_chosen_by = ANY (ARRAY['person'::text, 'source'::text, 'event'::text]))),
    CONSTRAINT cost_records_project_id CHECK ((project_id <> '00000000-0000-0000-0000-000000000000'::uuid)),
    CONSTRAINT cost_records_request_id CHECK (((length(request_id) >= 1) AND (length(request_id) <= 300))),
    CONSTRAINT cost_records_timestamp CHECK ((("timestamp" >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND ("timestamp" < (now() + '8808:00:00'::interval))))
)
PARTITION BY RANGE ("timestamp");

-- TABLE public.superseded_records

CREATE TABLE public.superseded_records (
    provider_id uuid NOT NULL,
    tokens_used bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cached_input_tokens bigint DEFAULT 0 NOT NULL,
    cache_write_tokens bigint DEFAULT 0 NOT NULL,
    request_count bigint DEFAULT 0 NOT NULL,
    model_name text NOT NULL,
    cost_basis text DEFAULT 'billed'::text NOT NULL,
    charge_type text DEFAULT 'usage'::text NOT NULL,
    cost_usd numeric(18,10),
    user_id uuid DEFAULT auth.uid() NOT NULL,
    project_id uuid,
    reasoning_tokens bigint DEFAULT 0 NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    project_chosen_by text,
    import_id uuid,
    subscription_id uuid,
    source_key uuid DEFAULT gen_random_uuid() NOT NULL,
    request_id text,
    "timestamp" timestamp with time zone NOT NULL,
    day date,
    model_key text GENERATED ALWAYS AS (
CASE
    WHEN (model_name = '(unspecified)'::text) THEN ''::text
    WHEN ((model_name ~~ '%20%'::text) OR (model_name ~~ '%latest'::text)) THEN lower(regexp_replace(model_name, '[-@](20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|latest)$'::text, ''::text))
    ELSE lower(model_name)
END) STORED NOT NULL,
    billing_account text,
    dataset text DEFAULT 'requests'::text NOT NULL,
    billed_under_other_name boolean DEFAULT false NOT NULL,
    collection_method text DEFAULT 'manual_entry'::text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cost_records_billing_account CHECK (((length(billing_account) >= 1) AND (length(billing_account) <= 200))),
    CONSTRAINT cost_records_charge_type CHECK ((charge_type = ANY (ARRAY['usage'::text, 'subscription'::text, 'credit'::text, 'tax'::text, 'adjustment'::text]))),
    CONSTRAINT cost_records_collection_method CHECK ((collection_method = ANY (ARRAY['api_automated'::text, 'manual_entry'::text, 'csv_import'::text, 'local_log'::text, 'otlp'::text]))),
    CONSTRAINT cost_records_cost CHECK (
CASE
    WHEN (cost_usd IS NULL) THEN (cost_basis = ANY (ARRAY['estimated'::text, 'included'::text]))
    WHEN (cost_usd >= (0)::numeric) THEN (cost_usd <> 'NaN'::numeric)
    ELSE (charge_type = ANY (ARRAY['credit'::text, 'adjustment'::text]))
END),
    CONSTRAINT cost_records_cost_basis CHECK ((cost_basis = ANY (ARRAY['billed'::text, 'estimated'::text, 'included'::text]))),
    CONSTRAINT cost_records_counts CHECK (((LEAST(tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count) >= 0) AND (GREATEST(tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count) <= '1000000000000000'::bigint))),
    CONSTRAINT cost_records_dataset CHECK (((length(dataset) >= 1) AND (length(dataset) <= 100))),
    CONSTRAINT cost_records_day CHECK (((day IS NULL) OR (day = (("timestamp" AT TIME ZONE 'UTC'::text))::date))),
    CONSTRAINT cost_records_metadata CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT cost_records_model_key CHECK ((length(model_key) <= 200)),
    CONSTRAINT cost_records_model_name CHECK (((length(model_name) >= 1) AND (length(model_name) <= 200))),
    CONSTRAINT cost_records_project_chosen_by CHECK ((project_chosen_by = ANY (ARRAY['person'::text, 'source'::text, 'event'::text]))),
    CONSTRAINT cost_records_project_id CHECK ((project_id <> '00000000-0000-0000-0000-000000000000'::uuid)),
    CONSTRAINT cost_records_request_id CHECK (((length(request_id) >= 1) AND (length(request_id) <= 300))),
    CONSTRAINT cost_records_timestamp CHECK ((("timestamp" >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND ("timestamp" < (now() + '8808:00:00'::interval))))
);

-- FUNCTION private.keeps_choice(public.cost_records, public.superseded_records)

CREATE FUNCTION private.keeps_choice(record public.cost_records, statement public.superseded_records) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return coalesce(record.project_chosen_by = 'person', false)
    or (
        coalesce(record.project_chosen_by = 'source', false)
        and statement.project_chosen_by is null
        and statement.import_id is not distinct from record.import_id
    );
end
$$;

-- FUNCTION private.kinds_of_incoming(private.incoming_record[], uuid, text[])

CREATE FUNCTION private.kinds_of_incoming(incoming private.incoming_record[], source uuid, fields text[]) RETURNS SETOF private.incoming_kind
    LANGUAGE plpgsql STABLE ROWS 50
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    return query
    select
        row(
            k.folder, k.repository, k.branch, k.api_key, k.provider_project, k.person, k.tags, source,
            private.model_key_of(k.model_name), k.billing_account
        )::private.traits,
        k.places
    from (
        select
            -- Whether a field is asked for is found out once, in a subquery.
            case when (select 'folder' = any (fields)) then coalesce(nullif(m ->> 'project', ''), m ->> 'folder') end as folder,
            case when (select 'repository' = any (fields)) then coalesce(nullif(m ->> 'repository', ''), m ->> 'repo') end
                as repository,
            case when (select 'branch' = any (fields)) then coalesce(nullif(m ->> 'branch', ''), m ->> 'git_branch') end as branch,
            case
                when (select 'api_key' = any (fields))
                    then coalesce(nullif(m ->> 'api_key', ''), nullif(m ->> 'api_key_id', ''), m ->> 'api_key_name')
            end as api_key,
            case
                when (select 'provider_project' = any (fields))
                    then coalesce(
                        nullif(m ->> 'project_id', ''), nullif(m ->> 'project_name', ''), nullif(m ->> 'workspace', ''),
                        nullif(m ->> 'workspace_id', ''), m ->> 'team_id'
                    )
            end as provider_project,
            case
                when (select 'person' = any (fields))
                    then coalesce(
                        nullif(m ->> 'actor', ''), nullif(m ->> 'user_email', ''), nullif(m ->> 'email', ''),
                        nullif(m ->> 'user', ''), nullif(m ->> 'user_id', ''), nullif(m ->> 'username', ''), m ->> 'owner'
                    )
            end as person,
            case when (select 'tag' = any (fields)) then coalesce(nullif(m -> 'tags', '[]'), m -> 'tag') end as tags,
            case when (select 'model' = any (fields)) then r.model_name end as model_name,
            case when (select 'billing_account' = any (fields)) then r.billing_account end as billing_account,
            array_agg(r.place) as places
        from unnest(incoming) with ordinality as r (
            provider, timestamp, day, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, request_id,
            billing_account, dataset, billed_under_other_name, project_id, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, m, place
        )
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) as k;
end
$$;

-- FUNCTION private.label_calls(uuid, uuid[], timestamp with time zone[], json)

CREATE FUNCTION private.label_calls(tenant uuid, keys uuid[], at timestamp with time zone[], labels json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    named constant text[] := array['agent', 'tool', 'task'];
    events uuid[];
    parts jsonb[];
begin
    perform private.require_workspace(tenant, 'member');
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    select array_agg(private.event_of(tenant, t.source_key)), array_agg(t.at), array_agg(t.part::jsonb)
    into events, at, parts
    from rows from (unnest(keys), unnest(at), json_array_elements(labels)) as t (source_key, at, part);
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as s
    set metadata = s.metadata - named || t.part
    from (
        select d.id, e.part
        from unnest(events, at, parts) as e (source_key, at, part)
        cross join lateral (
            select o.id, o.request_id, o.timestamp, o.import_id
            from public.superseded_records as o
            where o.workspace_id = tenant and o.source_key = e.source_key
            offset 0 -- as in private.rank_superseded
        ) as d
        inner join public.imports as i on d.import_id = i.id and i.kind = 'key'
        where d.request_id is not null or d.timestamp = e.at
    ) as t
    where
        s.id = t.id
        and s.metadata is distinct from s.metadata - named || t.part
        and pg_column_size(s.metadata - named || t.part) <= 8192;
    update public.cost_records as r
    set metadata = r.metadata - named || parts[c.nth]
    from private.records_of_calls(tenant, events, at) as c
    where
        r.id = c.id
        and r.timestamp = c.at
        and r.metadata is distinct from r.metadata - named || parts[c.nth]
        and pg_column_size(r.metadata - named || parts[c.nth]) <= 8192;
    perform set_config('tally.is_flagging', '', true);
end
$$;

-- FUNCTION private.last_active_days(uuid)

CREATE FUNCTION private.last_active_days(tenant uuid) RETURNS TABLE(user_id uuid, day date)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    hidden constant uuid[] := array(select private.hidden_projects());
    stale constant private.stale_days[] := private.stale_days_of(tenant, '-infinity', 'infinity');
    outdated constant date[] := private.outdated_days(tenant, '-infinity', 'infinity', stale);
begin
    return query
    select p.user_id, max(p.date)
    from (
        select d.user_id, d.date, d.project_id
        from private.cost_records_daily as d
        where d.workspace_id = tenant and d.date <> all (outdated)
        union all
        select f.user_id, f.date, f.project_id
        from private.outdated_totals(tenant, outdated, stale) as f
    ) as p
    where p.project_id <> all (hidden) or p.user_id = auth.uid()
    group by p.user_id;
end
$$;

-- FUNCTION private.learn_aliases(uuid, uuid, private.incoming_record[])

CREATE FUNCTION private.learn_aliases(tenant uuid, source uuid, incoming private.incoming_record[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    one record;
    learned uuid[] := array[]::uuid[];
begin
    for one in
        select t.alias, t.source_key, k.source_key as known_key
        from (
            select distinct on (n.alias) n.alias, r.source_key
            from unnest(incoming) as r
            cross join lateral unnest(private.aliases_of(r.metadata)) as n (alias)
            where
                r.metadata ? 'request_aliases'
                and r.source_key = private.request_identity(r.request_id)
                and n.alias <> r.source_key
            order by n.alias, r.source_key
        ) as t
        left join lateral (
            select a.source_key from private.event_aliases as a where a.workspace_id = tenant and a.alias = t.alias limit 1
        ) as k on true
    loop
        -- An id that leads back to itself would be no event's.
        if one.known_key is null and private.event_of(tenant, one.source_key) <> one.alias then
            learned := learned || one.alias;
        elsif one.known_key is distinct from one.source_key then
            continue;
        end if;
        insert into private.event_aliases (workspace_id, alias, import_id, source_key)
        values (tenant, one.alias, coalesce(source, '00000000-0000-0000-0000-000000000000'), one.source_key)
        on conflict do nothing;
    end loop;
    if cardinality(learned) > 0 then
        perform private.move_to_events(tenant, learned);
    end if;
end
$$;

-- FUNCTION private.limit_member(uuid, uuid, text, numeric)

CREATE FUNCTION private.limit_member(tenant uuid, person uuid, measured text, wanted numeric) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    found_one uuid := (
        select b.budget_id from private.member_budgets(tenant) as b where b.user_id = person and b.measure = measured
    );
begin
    if wanted is null then
        delete from public.budgets as b where b.id = found_one;
    elsif found_one is not null then
        update public.budgets as b set amount = wanted where b.id = found_one and b.amount <> wanted;
    else
        insert into public.budgets (workspace_id, name, user_id, measure, amount)
        values (tenant, case measured when 'cost' then 'Monthly limit' else 'Monthly tokens' end, person, measured, wanted)
        returning id into found_one;
        insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
        select tenant, found_one, t.kind, t.percent
        from (values ('actual', 80), ('actual', 100), ('forecast', 100)) as t (kind, percent);
    end if;
end
$$;

-- FUNCTION private.load_known_calls(uuid, uuid[], uuid[])

CREATE FUNCTION private.load_known_calls(tenant uuid, traces uuid[], names uuid[]) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    ids uuid[] := array[]::uuid[];
    more record;
    known bigint := 0;
begin
    perform private.require_workspace(tenant, 'member');
    perform pg_advisory_xact_lock(private.telemetry_lock(tenant));
    for step in 1..5 loop
        ids := array(
            select c.id
            from unnest(traces) as t (trace)
            cross join lateral (
                select k.id from private.telemetry_calls as k where k.workspace_id = tenant and k.trace = t.trace
                offset 0 -- one look-up after the other, or each call of the workspace would be compared with all traces
            ) as c
            union
            select c.id
            from private.telemetry_calls as c
            -- `is true` leaves the index of names alone to answer.
            where (c.workspace_id = tenant) is true and c.names && load_known_calls.names
        );
        exit when cardinality(ids) = known; -- mostly at once: what is new has to do with nothing
        known := cardinality(ids);
        select array_agg(distinct c.trace) filter (where c.trace is not null) as traces, array_agg(distinct n.name) as names
        into more
        from unnest(ids) as k (id)
        cross join lateral (
            select f.trace, f.names from private.telemetry_calls as f where f.workspace_id = tenant and f.id = k.id
            limit 1
        ) as c
        left join lateral unnest(c.names) as n (name) on true;
        traces := array(select unnest(traces) union select unnest(more.traces));
        names := array(select unnest(load_known_calls.names) union select unnest(more.names));
    end loop;
    return json_build_object(
        'calls', (
            select coalesce(json_agg(k.call), '[]')
            from (
                select
                    json_build_object(
                        'id', c.id, 'import_id', c.import_id, 'user_id', i.user_id, 'paid_by', i.metadata ->> 'paid_by',
                        'project_id', a.project_id, 'call', c.call, 'counted_key', c.counted_key, 'counted_at', c.counted_at,
                        'labels', c.labels
                    ) as call
                from unnest(ids) as k (id)
                cross join lateral (
                    select f.* from private.telemetry_calls as f where f.workspace_id = tenant and f.id = k.id
                    limit 1
                ) as c
                inner join public.imports as i on c.workspace_id = i.workspace_id and c.import_id = i.id
                left join public.api_keys as a on i.workspace_id = a.workspace_id and i.api_key_id = a.id
                order by c.seen_at desc, c.id
                limit 5000
            ) as k
        ),
        'links', (
            select coalesce(json_agg(json_build_array(l.spans, l.parents, l.labels) order by l.trace, l.id), '[]')
            from unnest(traces) as t (trace)
            cross join lateral (
                select f.* from private.telemetry_links as f where f.workspace_id = tenant and f.trace = t.trace
                offset 0
            ) as l
        )
    );
end
$$;

-- FUNCTION private.lock_workspaces(uuid[])

CREATE FUNCTION private.lock_workspaces(ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock_shared(private.timezone_lock(w.id)) from unnest(ids) as w (id);
    perform pg_advisory_xact_lock(private.save_lock(w.id)) from unnest(ids) as w (id);
    perform from public.workspaces as w where w.id = any (ids) order by w.id for no key update;
end
$$;

-- FUNCTION private.mark_all_days()

CREATE FUNCTION private.mark_all_days() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    first_day date;
    last_day date;
begin
    perform pg_advisory_xact_lock(private.timezone_lock(new.id));
    perform private.move_dated_records(new.id, new.timezone);
    select min(b.first_day), max(b.last_day)
    into first_day, last_day
    from (
        -- No zone is more than a day from UTC.
        select (min(r.timestamp) at time zone 'UTC')::date - 1 as first_day, (max(r.timestamp) at time zone 'UTC')::date + 1 as last_day
        from public.cost_records as r
        where r.workspace_id = new.id
        union all
        select min(d.date), max(d.date) from private.cost_records_daily as d where d.workspace_id = new.id
        union all
        select min(o.date), max(o.date) from private.overridden_days as o where o.workspace_id = new.id
        union all
        select min(s.date), max(s.date) from private.stale_days as s where s.workspace_id = new.id
    ) as b;
    perform private.mark_days(
        new.id, array(select generate_series(first_day::timestamp, last_day::timestamp, interval '1 day')::date)
    );
    return null;
end
$$;

-- FUNCTION private.mark_changed_days()

CREATE FUNCTION private.mark_changed_days() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    tenant record;
    zone text;
begin
    for tenant in
        select c.workspace_id as id, bool_or(c.project_id is not null or c.user_id <> c.workspace_id) as is_divided
        from changed as c
        group by 1
        order by 1
    loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant.id));
        zone := private.timezone_of(tenant.id);
        perform private.mark_days(
            tenant.id,
            array(select distinct (c.timestamp at time zone zone)::date from changed as c where c.workspace_id = tenant.id)
        );
        if tenant.is_divided and tg_op = 'INSERT' then
            perform private.note_divided(tenant.id);
        end if;
    end loop;
    return null;
end
$$;

-- FUNCTION private.mark_days(uuid, date[])

CREATE FUNCTION private.mark_days(of_workspace uuid, days date[]) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    -- A transaction may mark more than once, in any order; one transaction of a workspace at a time cannot deadlock.
    select pg_advisory_xact_lock(hashtextextended('tally.days.' || of_workspace::text, 0));

    insert into private.stale_days (workspace_id, date, ts_from, ts_to, gen)
    select
        of_workspace,
        d.day,
        private.day_start(d.day, z.timezone),
        private.day_start(d.day + 1, z.timezone),
        pg_current_xact_id()
    from unnest(days) as d (day)
    cross join (select private.timezone_of(of_workspace) as timezone) as z
    on conflict (workspace_id, date) do update
        set
            ts_from = excluded.ts_from,
            ts_to = excluded.ts_to,
            gen = excluded.gen
$$;

-- FUNCTION private.mark_known_days()

CREATE FUNCTION private.mark_known_days() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform private.mark_days(d.workspace_id, array_agg(distinct d.date))
    from (
        select v.workspace_id, v.date from private.cost_records_daily as v
        union all
        select o.workspace_id, o.date from private.overridden_days as o
    ) as d
    group by d.workspace_id
    order by d.workspace_id;
    return null;
end
$$;

-- FUNCTION private.mark_month(text)

CREATE FUNCTION private.mark_month(partition_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    tenant uuid;
    zone text;
begin
    for tenant in execute format('select distinct workspace_id from private.%I order by 1', partition_name) loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
        zone := private.timezone_of(tenant);
        execute format(
            'select private.mark_days($1, array('
            'select distinct (timestamp at time zone $2)::date from private.%I where workspace_id = $1))',
            partition_name
        ) using tenant, zone;
    end loop;
end
$_$;

-- FUNCTION private.mark_updated_days()

CREATE FUNCTION private.mark_updated_days() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    tenant record;
    zone text;
begin
    for tenant in
        select b.id, bool_or(b.is_divided) as is_divided
        from (
            select c.workspace_id as id, false as is_divided from changed_from as c
            union all
            select c.workspace_id, c.project_id is not null or c.user_id <> c.workspace_id from changed_to as c
        ) as b
        group by 1
        order by 1
    loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant.id));
        zone := private.timezone_of(tenant.id);
        perform private.mark_days(
            tenant.id,
            array(
                select (c.timestamp at time zone zone)::date from changed_from as c where c.workspace_id = tenant.id
                union
                select (c.timestamp at time zone zone)::date from changed_to as c where c.workspace_id = tenant.id
            )
        );
        if tenant.is_divided then
            perform private.note_divided(tenant.id);
        end if;
    end loop;
    return null;
end
$$;

-- FUNCTION private.match_rules(public.project_rules[], private.traits[])

CREATE FUNCTION private.match_rules(rules public.project_rules[], kinds private.traits[]) RETURNS uuid[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    SET enable_nestloop TO 'off'
    AS $$
begin
    return (
        with named as materialized (
            select n.* from private.named_traits(kinds) as n
        ),

        given as materialized (
            select d.field, d.value, private.clean_value(d.field, d.value) as cleaned
            from (select distinct n.field, n.value from named as n) as d
        ),

        met as (
            select g.field, g.value, r.position
            from given as g
            inner join unnest(rules) as r on g.field = r.field and g.cleaned = r.value
            where r.match = 'exact'
            union all
            select g.field, g.value, r.position
            from given as g
            inner join unnest(rules) as r on g.field = r.field
            where r.match = 'prefix' and starts_with(g.cleaned, r.value)
        )

        select array_agg(r.project_id order by k.nth)
        from generate_series(1, cardinality(kinds)) as k (nth)
        left join (
            select n.nth, min(m.position) as position
            from named as n
            inner join met as m on n.field = m.field and n.value = m.value
            group by n.nth
        ) as f on k.nth = f.nth
        left join unnest(rules) as r on f.position = r.position
    );
end
$$;

-- FUNCTION private.max_advice_records()

CREATE FUNCTION private.max_advice_records() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select 2000000::bigint
$$;

-- FUNCTION private.max_agent_records()

CREATE FUNCTION private.max_agent_records() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select 2000000::bigint
$$;

-- FUNCTION private.max_calls()

CREATE FUNCTION private.max_calls() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select 2000000::bigint
$$;

-- FUNCTION private.max_contents()

CREATE FUNCTION private.max_contents() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select 500000::bigint
$$;

-- FUNCTION private.max_spans()

CREATE FUNCTION private.max_spans() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select 20000000::bigint
$$;

-- FUNCTION private.max_statements()

CREATE FUNCTION private.max_statements() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select 20000000::bigint
$$;

-- FUNCTION private.max_told_versions()

CREATE FUNCTION private.max_told_versions() RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select 500
$$;

-- FUNCTION private.may_be_told(uuid, text, uuid)

CREATE FUNCTION private.may_be_told(tenant uuid, address text, event uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select exists (
        select
        from public.members as m
        inner join auth.users as u on m.user_id = u.id
        inner join public.workspaces as w on m.workspace_id = w.id
        inner join public.alert_events as e on e.id = may_be_told.event and e.workspace_id = m.workspace_id
        left join public.projects as p on e.project_id = p.id and p.is_private
        where
            m.workspace_id = tenant
            and lower(u.email) = address
            and (
                private.rank_of(m.role) >= private.rank_of('admin')
                or (
                    w.person_split <> 'own'
                    and (e.person_id is null or e.person_id = m.user_id)
                    and (
                        p.id is null
                        or exists (
                            select from public.project_members as s where s.project_id = p.id and s.user_id = m.user_id
                        )
                    )
                )
            )
    )
$$;

-- FUNCTION private.may_sign_up(text)

CREATE FUNCTION private.may_sign_up(address text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    select
        not exists (select from auth.users)
        or exists (select from public.invitations as i where i.email = lower(address) and i.expires_at > now())
$$;

-- FUNCTION private.member_budgets(uuid)

CREATE FUNCTION private.member_budgets(tenant uuid) RETURNS TABLE(budget_id uuid, user_id uuid, measure text, amount numeric)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select distinct on (b.user_id, b.measure) b.id, b.user_id, b.measure, b.amount
    from public.budgets as b
    where
        b.workspace_id = tenant
        and b.user_id is not null
        and num_nonnulls(b.project_id, b.provider_id, b.model_name) = 0
        and not private.is_of_records(b)
        and b.period = 'month'
        and b.starts_on_day = 1
        and (b.measure = 'tokens' or b.currency = 'USD')
    order by b.user_id, b.measure, b.created_at, b.id
$$;

-- FUNCTION private.member_limits(uuid)

CREATE FUNCTION private.member_limits(tenant uuid) RETURNS TABLE(user_id uuid, monthly_usd numeric, monthly_tokens bigint)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        b.user_id,
        max(b.amount) filter (where b.measure = 'cost'),
        max(b.amount) filter (where b.measure = 'tokens')::bigint
    from private.member_budgets(tenant) as b
    group by b.user_id
$$;

-- FUNCTION private.merge_lines(private.incoming_record[])

CREATE FUNCTION private.merge_lines(incoming private.incoming_record[]) RETURNS private.incoming_record[]
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select array(
        select d.record
        from (
            select distinct on (r.timestamp, k.key) r as record
            from unnest(incoming) as r
            cross join lateral (select coalesce(r.source_key, gen_random_uuid()) as key) as k
            order by r.timestamp, k.key
        ) as d
    )
$$;

-- FUNCTION private.merge_requests(private.incoming_record[])

CREATE FUNCTION private.merge_requests(incoming private.incoming_record[]) RETURNS private.incoming_record[]
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select array(
        select d.record
        from (
            select distinct on (k.key) r as record
            from unnest(incoming) as r
            cross join lateral (
                select case when r.request_id is not null then r.source_key else gen_random_uuid() end as key
            ) as k
            order by
                k.key,
                coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)) desc,
                coalesce(r.cached_input_tokens, 0) + coalesce(r.cache_write_tokens, 0) desc,
                r.cost_usd desc nulls last
        ) as d
    )
$$;

-- FUNCTION private.milliseconds_in(jsonb, text)

CREATE FUNCTION private.milliseconds_in(told jsonb, name text) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select case
        when jsonb_typeof($1 -> $2) = 'number' and ($1 -> $2)::numeric between 0 and 31622400000 then ($1 -> $2)::numeric::bigint
    end
$_$;

-- FUNCTION private.model_calls(uuid, timestamp with time zone, timestamp with time zone, uuid, uuid[], uuid)

CREATE FUNCTION private.model_calls(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone, only_own uuid, hidden uuid[], project uuid) RETURNS TABLE(provider_id uuid, model_name text, called_at timestamp with time zone, status text, duration_ms bigint, first_token_ms bigint, tokens bigint, output_tokens bigint, cost_usd numeric, run text)
    LANGUAGE sql STABLE ROWS 10000
    SET search_path TO ''
    AS $$
    select
        c.provider_id,
        c.model_name,
        c.timestamp,
        case
            when c.told ->> 'status' in ('error', 'timeout', 'rate_limited') then c.told ->> 'status' else 'ok'
        end,
        -- Metadata may be anybody's: numbers that no call can have are none.
        case
            when jsonb_typeof(c.told -> 'duration_ms') = 'number' and (c.told -> 'duration_ms')::numeric between 0 and 31622400000
                then (c.told -> 'duration_ms')::bigint
        end,
        case
            when
                jsonb_typeof(c.told -> 'first_token_ms') = 'number'
                and (c.told -> 'first_token_ms')::numeric between 0 and 31622400000
                then (c.told -> 'first_token_ms')::bigint
        end,
        c.tokens_used,
        c.output_tokens,
        c.cost_usd,
        coalesce(c.metadata ->> 'trace_id', c.metadata ->> 'session')
    from (
        select
            r.provider_id, r.model_name, r.timestamp, r.tokens_used, r.output_tokens, r.cost_usd, r.user_id, r.project_id,
            r.metadata, r.metadata -> 'inference' as told
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < last_at and r.collection_method = 'otlp'
        union all
        select
            s.provider_id, s.model_name, s.timestamp, s.tokens_used, s.output_tokens, s.cost_usd, s.user_id, s.project_id,
            s.metadata, s.metadata -> 'inference'
        from private.superseded_calls(tenant, first_at, last_at) as s
        offset 0 -- else each use of `told` would look for it again
    ) as c
    where
        c.told is not null
        and (only_own is null or c.user_id = only_own)
        and (c.user_id = (select auth.uid()) or c.project_id is null or c.project_id <> all (hidden))
        and (
            project is null or coalesce(c.project_id, '00000000-0000-0000-0000-000000000000') = model_calls.project
        )
$$;

-- FUNCTION private.model_health(uuid, integer, timestamp with time zone)

CREATE FUNCTION private.model_health(tenant uuid, minutes integer, moment timestamp with time zone) RETURNS TABLE(provider text, provider_title text, model_name text, requests bigint, failed bigint, timed bigint, p95_ms bigint)
    LANGUAGE sql STABLE ROWS 100
    SET search_path TO ''
    AS $$
    select
        p.name, p.display_name, c.model_name, count(*), count(*) filter (where c.status <> 'ok'),
        count(c.duration_ms) filter (where c.status = 'ok'),
        percentile_disc(0.95) within group (order by c.duration_ms) filter (where c.status = 'ok')
    from private.model_calls(tenant, moment - minutes * interval '1 minute', moment, null, '{}', null) as c
    inner join public.providers as p on c.provider_id = p.id
    group by p.name, p.display_name, c.model_name
$$;

-- FUNCTION private.model_key_of(text)

CREATE FUNCTION private.model_key_of(model_name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
begin
    return case
        when model_name = '(unspecified)' then ''
        else lower(regexp_replace(model_name, '[-@](20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|latest)$', ''))
    end;
end
$_$;

-- FUNCTION private.move_dated_records(uuid, text)

CREATE FUNCTION private.move_dated_records(tenant uuid, zone text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    update public.cost_records as r
    set timestamp = m.moved_to
    from (
        select d.id, d.timestamp, d.source_key, private.day_instant(d.day, zone) as moved_to
        from public.cost_records as d
        where d.workspace_id = tenant and d.day is not null
    ) as m
    where
        r.workspace_id = tenant
        and r.id = m.id
        and r.timestamp = m.timestamp
        and m.timestamp <> m.moved_to
        and not exists (
            select
            from public.cost_records as t
            where t.workspace_id = tenant and t.timestamp = m.moved_to and t.source_key = m.source_key
        )
$$;

-- FUNCTION private.move_statements(uuid, uuid[])

CREATE FUNCTION private.move_statements(owner uuid, keys uuid[], OUT restated integer, OUT is_last boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    moves record;
begin
    select
        array_agg(c.id) filter (where c.is_own) as own,
        array_agg(c.id) filter (where c.is_newer) as newer,
        array_agg(c.record_id) filter (where c.is_newer) as older,
        array_agg(c.record_at) filter (where c.is_newer) as older_at,
        array_agg(c.id) filter (where c.is_first) as first_ones,
        array_agg(c.id) filter (where c.is_better) as better,
        array_agg(c.record_id) filter (where c.is_better) as lesser,
        array_agg(c.record_at) filter (where c.is_better) as lesser_at
    into moves
    from private.compare_statements(owner, keys) as c;
    is_last := moves.own is null;
    if is_last then
        restated := coalesce(cardinality(moves.better), 0);
        perform private.promote_best_statements(owner, moves.first_ones, moves.better, moves.lesser, moves.lesser_at);
        return;
    end if;
    restated := coalesce(cardinality(moves.newer), 0);
    if restated > 0 then
        perform private.replace_records(owner, moves.newer, moves.older, moves.older_at);
    end if;
    delete from public.superseded_records as s
    where s.id = any (moves.own);
end
$$;

-- FUNCTION private.move_superseded_days(uuid, uuid[])

CREATE FUNCTION private.move_superseded_days(owner uuid, ids uuid[]) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    update public.superseded_records as s
    set timestamp = private.day_instant(s.day, z.timezone)
    from (select private.timezone_of(owner) as timezone) as z
    where s.id = any (ids) and s.workspace_id = owner and s.timestamp <> private.day_instant(s.day, z.timezone)
$$;

-- FUNCTION private.move_to_events(uuid, uuid[])

CREATE FUNCTION private.move_to_events(tenant uuid, keys uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    records record;
    moved record;
    events uuid[];
begin
    select array_agg(r.id) as ids, min(r.timestamp) as first_at, max(r.timestamp) as last_at
    into records
    from public.cost_records as r
    where
        r.workspace_id = tenant
        and r.source_key = any (keys)
        and r.request_id is not null
        and (r.import_id is not null or r.user_id = auth.uid()) -- what others entered by hand is theirs
        and private.event_of(tenant, private.request_identity(r.request_id)) <> r.source_key;
    perform set_config('tally.is_flagging', 'on', true);
    if records.ids is not null then
        perform private.keep_as_superseded(tenant, records.ids, records.first_at, records.last_at);
    end if;
    select array_agg(m.id) as ids, array_agg(m.event) as events
    into moved
    from (
        select s.id, s.source_key, private.event_of(tenant, private.request_identity(s.request_id)) as event
        from public.superseded_records as s
        where
            s.workspace_id = tenant
            and s.source_key = any (keys)
            and s.request_id is not null
            and (s.import_id is not null or s.user_id = auth.uid())
    ) as m
    where m.event <> m.source_key;
    if moved.ids is not null then
        events := array(select distinct e.event from unnest(moved.events) as e (event));
        perform private.join_statements(tenant, moved.ids, moved.events);
    end if;
    perform set_config('tally.is_flagging', '', true);
    if records.ids is not null then
        delete from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= records.first_at
            and r.timestamp <= records.last_at
            and r.id = any (records.ids);
    end if;
    if moved.ids is not null then
        perform private.select_winners(tenant, events);
    end if;
end
$$;

-- FUNCTION private.move_to_people(uuid, public.person_aliases[], private.filing_move[])

CREATE FUNCTION private.move_to_people(tenant uuid, aliases public.person_aliases[], plan private.filing_move[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_nestloop TO 'off'
    SET work_mem TO '64MB'
    AS $$
begin
    if cardinality(plan) = 0 then
        return;
    end if;
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as k
    set user_id = p.to_id
    from private.described_people(tenant, aliases) as s
    inner join unnest(plan) as p on s.traits = p.traits and s.user_id = p.from_id
    where k.workspace_id = tenant and k.id = s.id and not s.is_record;
    update public.cost_records as r
    set user_id = p.to_id
    from private.described_people(tenant, aliases) as s
    inner join unnest(plan) as p on s.traits = p.traits and s.user_id = p.from_id
    where r.workspace_id = tenant and r.id = s.id and r.timestamp = s.at and s.is_record;
    perform set_config('tally.is_flagging', '', true);
end
$$;

-- FUNCTION private.move_to_projects(uuid, private.filing_move[], text[], uuid)

CREATE FUNCTION private.move_to_projects(tenant uuid, plan private.filing_move[], fields text[], of_source uuid DEFAULT NULL::uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_nestloop TO 'off'
    SET work_mem TO '64MB'
    AS $$
begin
    if cardinality(plan) = 0 then
        return;
    end if;
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as k
    set project_id = p.to_id
    from private.described_statements(tenant, fields, of_source) as s
    inner join unnest(plan) as p on s.traits = p.traits and s.project_id is not distinct from p.from_id
    where k.workspace_id = tenant and k.id = s.id and not s.is_record and s.project_chosen_by is null;
    update public.cost_records as r
    set project_id = p.to_id
    from private.described_statements(tenant, fields, of_source) as s
    inner join unnest(plan) as p on s.traits = p.traits and s.project_id is not distinct from p.from_id
    where r.workspace_id = tenant and r.id = s.id and r.timestamp = s.at and s.is_record and s.project_chosen_by is null;
    perform set_config('tally.is_flagging', '', true);
end
$$;

-- FUNCTION private.name_traits(uuid, text[], boolean)

CREATE FUNCTION private.name_traits(tenant uuid, fields text[], are_unassigned boolean) RETURNS TABLE(field text, value text, records bigint, cost_usd numeric, included_usd numeric)
    LANGUAGE sql STABLE
    SET search_path TO ''
    SET work_mem TO '64MB'
    AS $$
    with kinds as materialized (
        select
            row_number() over () as nth, s.traits, count(*) as records,
            coalesce(sum(s.cost_usd) filter (where s.cost_basis <> 'included'), 0) as cost_usd,
            coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'included'), 0) as included_usd
        from private.described_statements(tenant, fields) as s
        where
            s.is_record
            and case when are_unassigned then s.project_id is null and s.project_chosen_by is null else s.import_id is not null end
        group by s.traits
    ),

    named as (
        select n.field, n.value, sum(k.records) as records, sum(k.cost_usd) as cost_usd, sum(k.included_usd) as included_usd
        from private.named_traits((select array_agg(k.traits order by k.nth) from kinds as k)) as n
        inner join kinds as k on n.nth = k.nth
        group by n.field, n.value
    )

    select n.field, c.value, sum(n.records)::bigint, sum(n.cost_usd), sum(n.included_usd)
    from named as n
    cross join lateral (select private.clean_value(n.field, n.value) as value) as c
    where c.value is not null
    group by n.field, c.value
$$;

-- FUNCTION private.named_person(jsonb)

CREATE FUNCTION private.named_person(metadata jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
declare
    name text;
begin
    foreach name in array array['actor', 'user_email', 'email', 'user', 'user_id', 'username', 'owner'] loop
        if metadata ->> name <> '' then
            return private.clean_value('person', metadata ->> name);
        end if;
    end loop;
    return null;
end
$$;

-- FUNCTION private.named_traits(private.traits[])

CREATE FUNCTION private.named_traits(kinds private.traits[]) RETURNS TABLE(nth bigint, field text, value text)
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    SET enable_nestloop TO 'on'
    AS $$
begin
    return query
    select k.nth, n.field, n.value
    from unnest(kinds) with ordinality as k (
        folder, repository, branch, api_key, provider_project, person, tags, source, model, billing_account, nth
    )
    cross join lateral (
        values
        ('folder', k.folder), ('repository', k.repository), ('branch', k.branch), ('api_key', k.api_key),
        ('provider_project', k.provider_project), ('person', k.person), ('source', k.source::text), ('model', k.model),
        ('billing_account', k.billing_account)
    ) as n (field, value)
    where n.value <> ''
    union all
    select distinct k.nth, 'tag', g.tag
    from unnest(kinds) with ordinality as k (
        folder, repository, branch, api_key, provider_project, person, tags, source, model, billing_account, nth
    )
    cross join lateral jsonb_array_elements_text(
        case when jsonb_typeof(k.tags) = 'array' then k.tags else jsonb_build_array(k.tags) end
    ) as g (tag)
    where k.tags is not null and g.tag <> '';
end
$$;

-- FUNCTION private.net_changes(private.day_parts[])

CREATE FUNCTION private.net_changes(changes private.day_parts[]) RETURNS private.day_parts[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select array(
        select
            row(
                c.workspace_id, c.billing_account, c.day, c.dataset, c.cost_basis, c.model_key, c.billed_under_other_name,
                c.collection_method, sum(c.tokens), sum(c.requests), sum(c.records), true, true
            )::private.day_parts
        from unnest(changes) as c
        group by
            c.workspace_id, c.billing_account, c.day, c.dataset, c.cost_basis, c.model_key, c.billed_under_other_name,
            c.collection_method
        having sum(c.tokens) <> 0 or sum(c.requests) <> 0 or sum(c.records) <> 0
    )
$$;

-- FUNCTION private.note_change()

CREATE FUNCTION private.note_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into private.workspace_changes (workspace_id, gen)
    select w.id, pg_current_xact_id()
    from public.workspaces as w
    where w.id in (select c.workspace_id from changed as c)
    order by w.id
    on conflict (workspace_id) do update
        set gen = excluded.gen;
    return null;
end
$$;

-- FUNCTION private.note_changes_of(regclass, text, regproc)

CREATE FUNCTION private.note_changes_of(noted regclass, verb text DEFAULT 'note'::text, noting regproc DEFAULT 'private.note_change'::regproc) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    name constant text := (select c.relname from pg_catalog.pg_class as c where c.oid = noted);
    change record;
begin
    for change in select * from (values ('insert', 'new'), ('update', 'new'), ('delete', 'old')) as v (command, side)
    loop
        execute format(
            'create or replace trigger %I after %s on %s referencing %s table as changed '
            'for each statement execute function %s()',
            format('%s_%s_%s', name, verb, change.command), change.command, noted, change.side, noting
        );
    end loop;
end
$$;

-- FUNCTION private.note_divided(uuid)

CREATE FUNCTION private.note_divided(tenant uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into private.divided_workspaces (workspace_id) values (tenant)
    on conflict do nothing
$$;

-- FUNCTION private.note_refiling()

CREATE FUNCTION private.note_refiling() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update private.span_counts as c
    set is_refiling_due = true
    where c.workspace_id = coalesce(new.workspace_id, old.workspace_id) and not c.is_refiling_due;
    return null;
end
$$;

-- FUNCTION private.numbered_prompt_calls(uuid, timestamp with time zone, timestamp with time zone, timestamp with time zone, uuid, text)

CREATE FUNCTION private.numbered_prompt_calls(tenant uuid, first_at timestamp with time zone, starts_at timestamp with time zone, last_at timestamp with time zone, project uuid, prompt text) RETURNS TABLE(of_prompt text, number integer, named text, timed bigint, is_before boolean, called_at timestamp with time zone, model_name text, calls bigint, tokens bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, is_failed boolean, duration_ms bigint)
    LANGUAGE plpgsql STABLE ROWS 10000
    SET search_path TO ''
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
begin
    if
        (
            select count(*) > private.max_calls()
            from (
                select
                from public.cost_records as r
                where r.workspace_id = tenant and r.timestamp >= $2 and r.timestamp < $4 and r.metadata ? 'prompt_name'
                limit private.max_calls() + 1
            ) as c
        )
    then
        raise exception 'This period and the one before have more than % calls with a prompt. Choose a shorter one.',
            ltrim(to_char(private.max_calls(), '999,999,999'))
            using errcode = '54000';
    end if;
    return query
    with calls as materialized (
        select c.* from private.prompt_calls(tenant, $2, $4, $5, $6) as c
    ),

    pairs as materialized (
        select t.of_prompt, t.told, private.find_told_version(p.id, t.told) as number
        from (select distinct c.of_prompt, c.told from calls as c) as t
        left join public.prompts as p on p.workspace_id = tenant and t.of_prompt = p.name
    )

    select
        c.of_prompt, p.number, n.named,
        count(c.duration_ms) over (partition by c.of_prompt, p.number, n.named, c.called_at < $3),
        c.called_at < $3, c.called_at, c.model_name, c.calls, c.tokens, c.input_tokens, c.output_tokens, c.cost_usd, c.is_failed,
        c.duration_ms
    from calls as c
    inner join pairs as p on c.of_prompt = p.of_prompt and c.told = p.told
    cross join lateral (select case when p.number is null then p.told else '' end as named) as n;
end
$_$;

-- FUNCTION private.omit_archived(public.project_rules[])

CREATE FUNCTION private.omit_archived(rules public.project_rules[]) RETURNS public.project_rules[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return array(
        select r
        from unnest(rules) as r
        inner join public.projects as p on r.project_id = p.id
        where p.archived_at is null
        order by r.position
    );
end
$$;

-- FUNCTION private.omit_series(jsonb, uuid[])

CREATE FUNCTION private.omit_series(entries jsonb, hidden uuid[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select coalesce(jsonb_agg(e.entry order by e.place), '[]')
    from jsonb_array_elements(entries) with ordinality as e (entry, place)
    where e.entry ->> 'series' <> all (array(select 'project:' || h.id from unnest(hidden) as h (id)))
$$;

-- FUNCTION private.only_own_rows(uuid)

CREATE FUNCTION private.only_own_rows(tenant uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    if tenant = auth.uid() or exists (select from private.workspaces_showing_people() as w (id) where w.id = tenant) then
        return null;
    end if;
    return auth.uid();
end
$$;

-- FUNCTION private.only_own_totals(uuid)

CREATE FUNCTION private.only_own_totals(tenant uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    if tenant = auth.uid() or exists (select from private.workspaces_showing_totals() as w (id) where w.id = tenant) then
        return null;
    end if;
    return auth.uid();
end
$$;

-- TABLE public.prompts

CREATE TABLE public.prompts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    project_id uuid,
    name text NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    archived_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT prompts_archived_at_check CHECK (((archived_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (archived_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT prompts_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT prompts_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT prompts_tags_check CHECK (((cardinality(tags) <= 20) AND (pg_column_size(tags) <= 4096)))
);

-- FUNCTION private.open_deployment(public.prompts, text, jsonb, timestamp with time zone)

CREATE FUNCTION private.open_deployment(prompt public.prompts, environment text, shares jsonb, source timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    -- After all rows before, also those of this transaction: rows of one deployment begin at the same instant.
    at constant timestamptz := greatest(
        clock_timestamp(),
        (
            select max(d.from_at) + interval '1 microsecond'
            from public.prompt_deployments as d
            where d.prompt_id = prompt.id and d.environment = $2
        )
    );
begin
    update public.prompt_deployments as d
    set to_at = at
    where d.prompt_id = prompt.id and d.environment = $2 and d.to_at is null;
    insert into public.prompt_deployments (
        workspace_id, prompt_id, environment, version_id, share, from_at, deployed_by, metadata
    )
    select
        prompt.workspace_id, prompt.id, $2, private.require_prompt_version(prompt, s.key::integer), s.value::numeric, at, auth.uid(),
        case when source is null then '{}' else jsonb_build_object('rolled_back_to', source) end
    from jsonb_each_text(shares) as s
    where s.value::numeric > 0;
end
$_$;

-- TABLE private.stale_days

CREATE TABLE private.stale_days (
    workspace_id uuid NOT NULL,
    date date NOT NULL,
    ts_from timestamp with time zone NOT NULL,
    ts_to timestamp with time zone NOT NULL,
    gen xid8 NOT NULL
);

-- FUNCTION private.outdated_days(uuid, date, date, private.stale_days[])

CREATE FUNCTION private.outdated_days(tenant uuid, first_day date, last_day date, stale private.stale_days[]) RETURNS date[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return array(
        select s.date from unnest(stale) as s
        union
        select o.date
        from private.overridden_days as o
        where o.workspace_id = tenant and o.date >= first_day and o.date <= last_day
        order by date
    );
end
$$;

-- TABLE private.folded_days

CREATE TABLE private.folded_days (
    workspace_id uuid NOT NULL,
    date date NOT NULL,
    provider_id uuid NOT NULL,
    provider text NOT NULL,
    project_id uuid NOT NULL,
    user_id uuid NOT NULL,
    model_name text NOT NULL,
    cost_basis text NOT NULL,
    charge_type text NOT NULL,
    total_cost_usd numeric,
    total_tokens bigint NOT NULL,
    total_input_tokens bigint NOT NULL,
    total_output_tokens bigint NOT NULL,
    total_cached_input_tokens bigint NOT NULL,
    total_cache_write_tokens bigint NOT NULL,
    total_reasoning_tokens bigint NOT NULL,
    total_requests bigint NOT NULL,
    record_count bigint NOT NULL,
    unpriced_count bigint NOT NULL
);

-- FUNCTION private.outdated_totals(uuid, date[], private.stale_days[])

CREATE FUNCTION private.outdated_totals(tenant uuid, outdated date[], stale private.stale_days[]) RETURNS SETOF private.folded_days
    LANGUAGE plpgsql STABLE ROWS 100
    SET search_path TO ''
    AS $$
begin
    return query
    select f.*
    from private.folded_days as f
    where f.workspace_id = tenant and f.date = any (outdated) and f.date not in (select s.date from unnest(stale) as s)
    union all
    select s.*
    from private.sum_days(stale) as s;
end
$$;

-- FUNCTION private.own_sources()

CREATE FUNCTION private.own_sources() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select i.id
    from public.imports as i
    where i.user_id = (select auth.uid()) and i.credential_id is null;
end
$$;

-- FUNCTION private.parts_from_before(private.day_parts[], private.day_parts[])

CREATE FUNCTION private.parts_from_before(decided private.day_parts[], changes private.day_parts[]) RETURNS private.day_parts[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    SET enable_nestloop TO 'off'
    AS $$
    select array(
        select d
        from unnest(decided) as d
        left join unnest(changes) as c
            on
                (d.workspace_id, d.billing_account, d.day, d.dataset, d.cost_basis, d.model_key)
                = (c.workspace_id, c.billing_account, c.day, c.dataset, c.cost_basis, c.model_key)
                and d.billed_under_other_name = c.billed_under_other_name
                and d.collection_method = c.collection_method
        where c.records is null or c.records < d.records
    )
$$;

-- FUNCTION private.pass_on_account()

CREATE FUNCTION private.pass_on_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    shared constant uuid[] := array(select private.shared_workspaces_of(old.id));
    tenant uuid;
    heir uuid;
    archived regclass;
begin
    perform private.lock_workspaces(shared);
    foreach tenant in array shared loop
        heir := private.heir_of(tenant, old.id);
        if heir is not null then -- otherwise nobody is left there
            perform private.pass_on_belongings(tenant, old.id, heir);
            perform private.erase_from_records(tenant, old.id);
        end if;
    end loop;
    for archived in select private.archived_tables() loop
        execute format(
            'update %s as r set user_id = $1 where r.user_id = $2 and r.workspace_id <> $2', archived
        ) using uuid '00000000-0000-0000-0000-000000000000', old.id;
    end loop;
    return old;
end
$_$;

-- FUNCTION private.pass_on_belongings(uuid, uuid, uuid)

CREATE FUNCTION private.pass_on_belongings(tenant uuid, leaver uuid, heir uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    -- The heir may have a machine of the same name.
    update public.imports as i
    set filename = left(i.filename, 240) || ' ' || left(i.id::text, 8)
    from public.imports as o
    where
        i.workspace_id = tenant
        and i.user_id = leaver
        and i.kind = 'machine'
        and o.workspace_id = tenant
        and o.user_id = heir
        and o.kind = 'machine'
        and o.format = i.format
        and o.filename = i.filename;
    update public.imports as i set user_id = heir where i.workspace_id = tenant and i.user_id = leaver;
    update public.imports as i
    set metadata = jsonb_set(i.metadata, '{former_users}', (i.metadata -> 'former_users') - leaver::text)
    where i.workspace_id = tenant and i.metadata -> 'former_users' ? leaver::text;
    update public.model_prices as p set user_id = heir where p.workspace_id = tenant and p.user_id = leaver;
    update public.price_multipliers as m set user_id = heir where m.workspace_id = tenant and m.user_id = leaver;
    update public.subscriptions as s set user_id = heir where s.workspace_id = tenant and s.user_id = leaver;
    update public.api_credentials as c set user_id = heir where c.workspace_id = tenant and c.user_id = leaver;
end
$$;

-- FUNCTION private.pass_on_connections()

CREATE FUNCTION private.pass_on_connections() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    heir constant uuid := private.heir_of(old.workspace_id, old.user_id);
begin
    if heir is not null then
        update public.api_credentials as c
        set user_id = heir
        where c.workspace_id = old.workspace_id and c.user_id = old.user_id;
        -- What a connection brings from now on is its new owner's; what it brought stays whose it is (private.person_of).
        update public.imports as i
        set
            user_id = heir,
            metadata = i.metadata || jsonb_build_object(
                'former_users', coalesce(i.metadata -> 'former_users', '[]') || to_jsonb(old.user_id::text)
            )
        where i.workspace_id = old.workspace_id and i.user_id = old.user_id and i.credential_id is not null;
    end if;
    return null;
end
$$;

-- FUNCTION private.people_of_events(uuid, public.person_aliases[], uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.people_of_events(tenant uuid, aliases public.person_aliases[], keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS TABLE(is_record boolean, id uuid, at timestamp with time zone, from_id uuid, to_id uuid, traits private.traits)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return query
    with own as materialized (
        select
            s.*, n.person as named, private.person_of(a.user_id, s.user_id, i) as person, i.is_enabled,
            row_number() over (
                partition by s.source_key, s.line_at
                order by
                    i.is_enabled desc, a.user_id is null, array_position(array['machine', 'key', 'file', 'connection'], i.kind),
                    i.created_at, i.id
            ) as nth
        from private.statements_on(tenant, keys, first_at, last_at) as s
        inner join public.imports as i on s.import_id = i.id
        cross join lateral (select private.named_person(s.metadata) as person) as n
        left join unnest(aliases) as a on n.person = a.value
    )

    select
        o.is_record, o.id, o.at, o.user_id, b.person,
        row(null, null, null, null, null, b.named, null, b.import_id, null, null)::private.traits
    from own as o
    inner join own as b
        on o.source_key = b.source_key
        and o.line_at is not distinct from b.line_at
        and case when o.is_record then b.nth = 1 else b.id = o.id end;
end
$$;

-- FUNCTION private.performance_of(uuid, timestamp with time zone, timestamp with time zone, text, uuid, uuid[], uuid)

CREATE FUNCTION private.performance_of(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone, bucket text, only_own uuid, hidden uuid[], project uuid) RETURNS TABLE(provider_id uuid, model_name text, at timestamp with time zone, requests bigint, errors bigint, timeouts bigint, rate_limited bigint, retries bigint, timed bigint, percentiles bigint[], first_tokens bigint, first_token_ms bigint, tokens_per_second numeric, tokens numeric, cost_usd numeric, priced bigint, unpriced bigint)
    LANGUAGE sql STABLE
    SET search_path TO ''
    SET jit TO 'off'
    AS $_$
    with zone as materialized (
        select w.timezone as name from public.workspaces as w where w.id = tenant
    ),

    calls as materialized (
        select c.*, date_trunc(bucket, c.called_at, (select z.name from zone as z)) as at
        from private.model_calls(tenant, $2, $3, $5, $6, $7) as c
    ),

    failed_runs as materialized (
        select distinct c.run from calls as c where c.status <> 'ok' and c.run <> ''
    ),

    retries as (
        select o.provider_id, o.model_name, o.at, count(*) as retries
        from (
            select
                c.provider_id, c.model_name, c.at,
                lag(c.status) over (partition by c.run, c.provider_id, c.model_name order by c.called_at, c.status) <> 'ok' as is_retry
            from calls as c
            inner join failed_runs as f on c.run = f.run
        ) as o
        where o.is_retry
        group by grouping sets ((o.provider_id, o.model_name), (o.provider_id, o.model_name, o.at))
    ),

    sums as (
        select
            c.provider_id, c.model_name, c.at, count(*) as requests, count(*) filter (where c.status = 'error') as errors,
            count(*) filter (where c.status = 'timeout') as timeouts,
            count(*) filter (where c.status = 'rate_limited') as rate_limited,
            count(c.duration_ms) filter (where c.status = 'ok') as timed,
            percentile_disc(array[0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) within group (order by c.duration_ms)
            filter (where c.status = 'ok') as percentiles,
            count(c.first_token_ms) filter (where c.status = 'ok') as first_tokens,
            percentile_disc(0.5) within group (order by c.first_token_ms) filter (where c.status = 'ok') as first_token_ms,
            sum(c.output_tokens) filter (where w.ms > 0) * 1000 / nullif(sum(w.ms) filter (where w.ms > 0), 0) as tokens_per_second,
            sum(c.tokens) as tokens, sum(c.cost_usd) as cost_usd,
            count(*) filter (where c.cost_usd is not null or f.is_free) as priced,
            count(*) filter (where c.cost_usd is null and not f.is_free) as unpriced
        from calls as c
        cross join lateral (
            select case
                when c.status = 'ok' and c.output_tokens > 0 then c.duration_ms - coalesce(c.first_token_ms, 0)
            end as ms
        ) as w
        cross join lateral (select c.status <> 'ok' and c.tokens = 0 as is_free) as f -- as private.is_failed_call
        group by grouping sets ((c.provider_id, c.model_name), (c.provider_id, c.model_name, c.at))
    )

    select
        s.provider_id, s.model_name, s.at, s.requests, s.errors, s.timeouts, s.rate_limited, coalesce(r.retries, 0), s.timed,
        s.percentiles, s.first_tokens, s.first_token_ms, s.tokens_per_second, s.tokens, s.cost_usd, s.priced, s.unpriced
    from sums as s
    left join retries as r
        on s.provider_id = r.provider_id and s.model_name = r.model_name and s.at is not distinct from r.at
$_$;

-- FUNCTION private.person_of(uuid, uuid, public.imports)

CREATE FUNCTION private.person_of(named uuid, present uuid, source public.imports) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return case
        when named is not null then named
        when present = '00000000-0000-0000-0000-000000000000' then present
        when source.metadata -> 'former_users' ? present::text then present
        else source.user_id
    end;
end
$$;

-- FUNCTION private.pick_values(jsonb, text[])

CREATE FUNCTION private.pick_values(row_values jsonb, names text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select coalesce(jsonb_object_agg(n.name, row_values #> string_to_array(n.name, '.')), '{}')
    from unnest(names) as n (name)
$$;

-- FUNCTION private.placed_cells(private.exploration)

CREATE FUNCTION private.placed_cells(question private.exploration) RETURNS TABLE(place bigint, is_rest boolean, members bigint, kind_1 text, value_1 text, kind_2 text, value_2 text, at text, amount numeric, per numeric, requests numeric, records bigint, unpriced bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET work_mem TO '64MB'
    SET enable_mergejoin TO 'off'
    SET enable_nestloop TO 'off'
    AS $$
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

-- FUNCTION private.plan_aliases(uuid, public.person_aliases[])

CREATE FUNCTION private.plan_aliases(tenant uuid, aliases public.person_aliases[]) RETURNS private.filing_move[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET work_mem TO '64MB'
    AS $$
begin
    return array(
        select
            row(
                k.traits, k.user_id, private.person_of(a.user_id, k.user_id, i), k.records, k.superseded, k.billed_usd, k.estimated_usd,
                k.included_usd, k.first_at, k.last_at
            )::private.filing_move
        from (
            select
                s.traits,
                s.user_id,
                count(*) filter (where s.is_record) as records,
                count(*) filter (where not s.is_record) as superseded,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'billed'), 0) as billed_usd,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'estimated'), 0) as estimated_usd,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'included'), 0) as included_usd,
                min(s.at) filter (where s.is_record) as first_at,
                max(s.at) filter (where s.is_record) as last_at
            from private.described_people(tenant, aliases) as s
            group by s.traits, s.user_id
        ) as k
        inner join public.imports as i on (k.traits).source = i.id
        left join unnest(aliases) as a on a.value = private.clean_value('person', (k.traits).person)
        where k.user_id <> private.person_of(a.user_id, k.user_id, i)
    );
end
$$;

-- TABLE public.projects

CREATE TABLE public.projects (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    is_private boolean DEFAULT false NOT NULL,
    archived_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT projects_archived_at_check CHECK (((archived_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (archived_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT projects_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT projects_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT projects_reserved_ids CHECK ((id <> ALL (ARRAY['00000000-0000-0000-0000-000000000000'::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid]))),
    CONSTRAINT projects_slug_check CHECK (((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (length(slug) <= 120)))
);

-- FUNCTION private.plan_restore(public.projects)

CREATE FUNCTION private.plan_restore(restored public.projects) RETURNS private.filing_move[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return array(
        select m
        from unnest(private.plan_rules(restored.workspace_id, private.active_rules(restored.workspace_id, restored.id))) as m
        where m.to_id = restored.id and restored.archived_at is not null
    );
end
$$;

-- FUNCTION private.plan_rules(uuid, public.project_rules[], uuid)

CREATE FUNCTION private.plan_rules(tenant uuid, rules public.project_rules[], of_source uuid DEFAULT NULL::uuid) RETURNS private.filing_move[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET work_mem TO '64MB'
    AS $$
declare
    archived constant uuid[] := array(
        select p.id from public.projects as p where p.workspace_id = tenant and p.archived_at is not null
    );
begin
    return (
        with kinds as materialized (
            select
                row_number() over () as nth,
                s.traits,
                s.project_id as from_id,
                count(*) filter (where s.is_record) as records,
                count(*) filter (where not s.is_record) as superseded,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'billed'), 0) as billed_usd,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'estimated'), 0) as estimated_usd,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'included'), 0) as included_usd,
                min(s.at) filter (where s.is_record) as first_at,
                max(s.at) filter (where s.is_record) as last_at
            from private.described_statements(tenant, private.fields_of(rules), of_source) as s
            where s.project_chosen_by is null and (s.project_id is null or s.project_id <> all (archived))
            group by s.traits, s.project_id
        ),

        matched as (
            select private.match_rules(rules, array_agg(k.traits order by k.nth)) as projects
            from kinds as k
        )

        select
            coalesce(
                array_agg(
                    row(
                        k.traits, k.from_id, m.project, k.records, k.superseded, k.billed_usd, k.estimated_usd, k.included_usd,
                        k.first_at, k.last_at
                    )::private.filing_move
                ),
                '{}'
            )
        from matched as f
        cross join lateral unnest(f.projects) with ordinality as m (project, nth)
        inner join kinds as k on m.nth = k.nth
        where k.from_id is distinct from m.project
    );
end
$$;

-- FUNCTION private.post_renewals(public.subscriptions)

CREATE FUNCTION private.post_renewals(of_subscription public.subscriptions) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    zone text;
    due date[];
    filed uuid;
begin
    -- The locks of a save, in its order: the time zone's, those of months, that of saves.
    perform pg_advisory_xact_lock_shared(private.timezone_lock((of_subscription).workspace_id));
    zone := private.timezone_of((of_subscription).workspace_id);
    due := array(
        select d.day
        from private.renewal_days(of_subscription, (now() at time zone zone)::date) as d (day)
        where not exists (select from private.archived_months as a where a.month = date_trunc('month', d.day::timestamp)::date)
    );
    perform public.ensure_months(due);
    perform pg_advisory_xact_lock(private.save_lock((of_subscription).workspace_id));

    delete from public.cost_records as r
    where
        r.workspace_id = (of_subscription).workspace_id
        and r.subscription_id = (of_subscription).id
        and r.day <> all (due);

    filed := private.project_of_plan(of_subscription);
    update public.cost_records as r
    set
        project_id = case
            when r.model_name = (of_subscription).plan_name or private.stays_filed(r) then r.project_id
            else filed
        end,
        cost_usd = (of_subscription).amount_usd,
        provider_id = (of_subscription).provider_id,
        model_name = (of_subscription).plan_name
    where
        r.workspace_id = (of_subscription).workspace_id
        and r.subscription_id = (of_subscription).id
        and (r.cost_usd, r.provider_id, r.model_name)
        is distinct from ((of_subscription).amount_usd, (of_subscription).provider_id, (of_subscription).plan_name);

    return private.add_renewals(of_subscription, due, zone);
end
$$;

-- FUNCTION private.post_renewals_at_once(uuid, text, integer)

CREATE FUNCTION private.post_renewals_at_once(tenant uuid, zone text, at_most integer, OUT added integer, OUT remaining integer) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    found_renewals record;
begin
    found_renewals := private.check_renewals(tenant, zone);
    if found_renewals.is_wrong then
        perform pg_advisory_xact_lock(private.save_lock(tenant));
        perform private.correct_renewals(tenant, zone);
    end if;
    remaining := greatest(cardinality(found_renewals.ids) - at_most, 0);
    added := private.insert_renewals(tenant, found_renewals.ids[:at_most], found_renewals.days[:at_most], zone);
end
$$;

-- FUNCTION private.post_workspace_renewals(uuid, integer)

CREATE FUNCTION private.post_workspace_renewals(tenant uuid, at_most integer, OUT added integer, OUT remaining integer, OUT failed text[]) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    zone text;
    one public.subscriptions;
begin
    -- The locks of a save, in its order.
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    zone := private.timezone_of(tenant);
    failed := '{}';
    select p.added, p.remaining into added, remaining from private.post_renewals_at_once(tenant, zone, at_most) as p;
exception
when lock_not_available or deadlock_detected or serialization_failure then
    raise;
when others then
    added := 0;
    remaining := 0;
    for one in select s.* from public.subscriptions as s where s.workspace_id = tenant order by s.id loop
        begin
            added := added + private.post_renewals(one);
        exception
        when lock_not_available or deadlock_detected or serialization_failure then
            raise;
        when others then
            raise warning 'The renewals of subscription % were not posted: %', one.id, sqlerrm;
            failed := failed || one.plan_name;
        end;
    end loop;
end
$$;

-- FUNCTION private.price_keys()

CREATE FUNCTION private.price_keys() RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select array['price_source', 'price_version', 'price_model', 'price_note', 'price_multiplier', 'price_list_usd']
$$;

-- FUNCTION private.project_of_plan(public.subscriptions)

CREATE FUNCTION private.project_of_plan(of_subscription public.subscriptions) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return (
        private.match_rules(
            private.active_rules((of_subscription).workspace_id),
            array[
                row(
                    null, null, null, null, null, null, null, null, private.model_key_of((of_subscription).plan_name), null
                )::private.traits
            ]
        )
    )[1];
end
$$;

-- FUNCTION private.project_of_prompt(uuid, text)

CREATE FUNCTION private.project_of_prompt(tenant uuid, prompt text) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select case
        when count(*) = count(d.project_id) and (count(*) = 1 or bool_and(j.is_private))
            then (array_agg(d.project_id order by j.is_private desc, d.project_id))[1]
    end
    from (
        select r.project_id
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.metadata ? 'prompt_name'
            and left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200) = prompt
        union
        select s.project_id
        from public.superseded_records as s
        where
            s.workspace_id = tenant and s.metadata ? 'prompt_name'
            and left(coalesce(btrim(s.metadata ->> 'prompt_name'), ''), 200) = prompt
    ) as d
    left join public.projects as j on d.project_id = j.id
$$;

-- FUNCTION private.projects_named(uuid, text, uuid[])

CREATE FUNCTION private.projects_named(tenant uuid, search text, hidden uuid[]) RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select coalesce(array_agg(p.id), '{}')
    from public.projects as p
    where p.workspace_id = tenant and p.id <> all (hidden) and search <> '' and strpos(lower(p.name), lower(search)) > 0
$$;

-- FUNCTION private.promote_best_statements(uuid, uuid[], uuid[], uuid[], timestamp with time zone[])

CREATE FUNCTION private.promote_best_statements(owner uuid, first_ones uuid[], better uuid[], records uuid[], records_at timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if first_ones is not null then
        perform private.promote_statements(first_ones);
    end if;
    if better is not null then
        perform private.keep_as_superseded(owner, records, min(a.at), max(a.at)) from unnest(records_at) as a (at);
        perform private.replace_records(owner, better, records, records_at);
    end if;
end
$$;

-- FUNCTION private.promote_statements(uuid[])

CREATE FUNCTION private.promote_statements(ids uuid[]) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into public.cost_records (
        id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, source_key, request_id,
        timestamp, day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
        output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
        charge_type, metadata, created_at, updated_at
    )
    select
        s.id, s.workspace_id, s.user_id, s.project_id, s.project_chosen_by, s.provider_id, s.import_id, s.subscription_id,
        s.source_key, s.request_id, s.timestamp, s.day, s.model_name, s.billing_account, s.dataset, s.billed_under_other_name,
        s.cost_usd, s.tokens_used, s.input_tokens, s.output_tokens, s.cached_input_tokens, s.cache_write_tokens,
        s.reasoning_tokens, s.request_count, s.collection_method, s.cost_basis, s.charge_type, s.metadata, s.created_at,
        s.updated_at
    from private.take_statements(ids) as s
    order by s.timestamp, s.source_key
$$;

-- FUNCTION private.prompt_calls(uuid, timestamp with time zone, timestamp with time zone, uuid, text)

CREATE FUNCTION private.prompt_calls(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone, project uuid, prompt text) RETURNS TABLE(of_prompt text, told text, called_at timestamp with time zone, model_name text, calls bigint, tokens bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, is_failed boolean, duration_ms bigint)
    LANGUAGE plpgsql STABLE ROWS 10000
    SET search_path TO ''
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
#variable_conflict use_column
declare
    caller constant uuid := auth.uid();
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return query
    with told as (
        select
            r.timestamp, r.model_name, r.request_count, r.tokens_used, r.input_tokens, r.output_tokens, r.cost_usd, r.user_id,
            r.project_id, r.metadata
        from public.cost_records as r
        where
            r.workspace_id = tenant and r.timestamp >= $2 and r.timestamp < $3 and r.charge_type = 'usage'
            and r.metadata ? 'prompt_name'
            and ($5 is null or left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200) = $5)
        union all
        select
            s.timestamp, s.model_name, s.request_count, s.tokens_used, s.input_tokens, s.output_tokens, s.cost_usd, s.user_id,
            s.project_id, s.metadata
        from (
            -- Of several statements on an event, one.
            select distinct on (o.source_key, case when o.request_id is null then o.timestamp end) o.*
            from public.superseded_records as o
            inner join public.imports as i on o.import_id = i.id and i.is_enabled
            where
                o.workspace_id = tenant and o.timestamp >= $2 and o.timestamp < $3 and o.charge_type = 'usage'
                and o.metadata ? 'prompt_name'
                and ($5 is null or left(coalesce(btrim(o.metadata ->> 'prompt_name'), ''), 200) = $5)
            order by o.source_key, case when o.request_id is null then o.timestamp end, o.id
        ) as s
        where
            not exists (
                select
                from public.cost_records as r
                where
                    r.workspace_id = tenant and r.source_key = s.source_key
                    and (r.request_id is not null or r.timestamp = s.timestamp)
                    and r.metadata ? 'prompt_name'
            )
    )

    select
        left(btrim(t.metadata ->> 'prompt_name'), 200),
        private.told_version(left(coalesce(btrim(t.metadata ->> 'prompt_version'), ''), 100)),
        t.timestamp, t.model_name, t.request_count, t.tokens_used, t.input_tokens, t.output_tokens,
        case when t.cost_usd is null and f.is_failed and t.tokens_used = 0 then 0 else t.cost_usd end,
        f.is_failed,
        case when not f.is_failed then private.milliseconds_in(f.told, 'duration_ms') end
    from told as t
    cross join lateral (
        select
            t.metadata -> 'inference' as told,
            coalesce(t.metadata -> 'inference' ->> 'status' in ('error', 'timeout', 'rate_limited'), false) as is_failed
        offset 0
    ) as f
    where
        btrim(t.metadata ->> 'prompt_name') <> ''
        and (only_own is null or t.user_id = only_own)
        and (t.user_id = caller or t.project_id is null or t.project_id <> all (hidden))
        and ($4 is null or coalesce(t.project_id, '00000000-0000-0000-0000-000000000000') = $4);
end
$_$;

-- FUNCTION private.raise_event(uuid, text, text, uuid, date, text, jsonb, uuid[], text)

CREATE FUNCTION private.raise_event(workspace uuid, kind text, subject text, threshold uuid, period_start date, severity text, facts jsonb, channels uuid[] DEFAULT NULL::uuid[], state text DEFAULT 'open'::text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    raised uuid;
begin
    insert into public.alert_events (
        workspace_id, kind, subject, threshold_id, period_start, severity, facts, state, project_id, person_id
    )
    values (
        $1, $2, $3, $4, $5, $6, $7, $9, ($7 ->> 'project_id')::uuid, ($7 ->> 'person_id')::uuid
    )
    on conflict on constraint alert_events_once do nothing
    returning id into raised;
    if raised is not null and $9 = 'open' then
        insert into public.deliveries (workspace_id, event_id, channel_id, channel_name, kind)
        select $1, raised, c.id, c.name, 'open'
        from public.channels as c
        where
            c.workspace_id = $1
            and (cardinality($8) is null or cardinality($8) = 0 or c.id = any ($8))
            and c.verified_at is not null
            and c.paused_at is null
            and c.disabled_at is null
        on conflict do nothing;
    end if;
    return raised;
end
$_$;

-- FUNCTION private.rank_of(text)

CREATE FUNCTION private.rank_of(role text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select array_position(array['viewer', 'member', 'admin', 'owner'], role)
$$;

-- FUNCTION private.rank_of_span(public.spans)

CREATE FUNCTION private.rank_of_span(s public.spans) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select (
        lpad(s.duration_us::text, 20, '0') || s.is_call::integer || lpad((s.input_tokens + s.output_tokens)::text, 20, '0')
        || lpad(coalesce(s.cost_usd::text, ''), 20) || s::text
    ) collate "C"
$$;

-- FUNCTION private.rank_records(uuid, uuid[], uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.rank_records(owner uuid, keys uuid[], request_keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS TABLE(id uuid, source_key uuid, at timestamp with time zone, import_id uuid, is_enabled boolean, rank numeric[], figures text)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        c.id, c.source_key, c.timestamp, c.import_id, coalesce(i.is_enabled, true),
        case
            when c.request_id is not null
                then array[
                    (c.cost_basis = 'billed')::integer,
                    (c.tokens_used > 0 or c.collection_method <> 'otlp')::integer,
                    -array_position(private.authorities(), c.collection_method),
                    c.tokens_used,
                    c.cached_input_tokens + c.cache_write_tokens,
                    coalesce(c.cost_usd, -1)
                ]
            else array[extract(epoch from coalesce(i.created_at, c.created_at))]
        end,
        row(
            c.cost_usd, c.cost_basis, c.charge_type, c.tokens_used, c.input_tokens, c.output_tokens, c.cached_input_tokens,
            c.cache_write_tokens, c.reasoning_tokens, c.request_count
        )::text
    from (
        select r.*
        from public.cost_records as r
        where
            r.workspace_id = owner
            and r.timestamp >= first_at
            and r.timestamp <= last_at
            and r.request_id is null
            -- Hashed: `any` of a parameter compares all with all, and without `is true` this is a nested loop.
            and (r.source_key in (select k.key from unnest(keys) as k (key))) is true
        union all
        select q.*
        from (select distinct k.key from unnest(request_keys) as k (key)) as k
        cross join lateral (
            select r.*
            from public.cost_records as r
            where r.workspace_id = owner and r.source_key = k.key and r.request_id is not null
            offset 0
        ) as q
    ) as c
    left join public.imports as i on c.import_id = i.id
$$;

-- FUNCTION private.rank_superseded(uuid, uuid[])

CREATE FUNCTION private.rank_superseded(owner uuid, keys uuid[]) RETURNS TABLE(id uuid, source_key uuid, at timestamp with time zone, import_id uuid, is_request boolean, rank numeric[], figures text, is_best boolean)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        s.id, s.source_key, s.timestamp, s.import_id, s.request_id is not null, s.rank, s.figures,
        s.may_count
        and row_number() over (
            partition by s.source_key, case when s.request_id is null then s.timestamp end, s.may_count
            order by s.rank desc, s.created_at desc, s.id
        ) = 1
    from (
        select
            t.*,
            coalesce(i.is_enabled, true)
            and not case
                when t.metadata ? 'channel' then private.is_outdone(owner, t.metadata, t.collection_method) else false
            end
            and not exists (
                select
                from private.archived_months as a
                where a.month = date_trunc('month', t.timestamp at time zone 'UTC')::date
            ) as may_count,
            case
                when t.request_id is not null
                    then array[
                        (t.cost_basis = 'billed')::integer,
                        (t.tokens_used > 0 or t.collection_method <> 'otlp')::integer,
                        -array_position(private.authorities(), t.collection_method),
                        t.tokens_used,
                        t.cached_input_tokens + t.cache_write_tokens,
                        coalesce(t.cost_usd, -1)
                    ]
                else array[extract(epoch from coalesce(i.created_at, t.created_at))]
            end as rank,
            row(
                t.cost_usd, t.cost_basis, t.charge_type, t.tokens_used, t.input_tokens, t.output_tokens, t.cached_input_tokens,
                t.cache_write_tokens, t.reasoning_tokens, t.request_count
            )::text as figures
        from (select distinct k.key from unnest(keys) as k (key)) as k
        -- One look-up after the other: where nothing is known of a workspace, or was when the plan was made, all of its
        -- statements would be read and compared with all keys.
        cross join lateral (
            select d.* from public.superseded_records as d where d.workspace_id = owner and d.source_key = k.key
            offset 0
        ) as t
        left join public.imports as i on t.import_id = i.id
    ) as s
$$;

-- FUNCTION private.read_alias(uuid, integer, json)

CREATE FUNCTION private.read_alias(tenant uuid, place integer, asked json) RETURNS public.person_aliases
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    alias public.person_aliases;
begin
    if json_typeof(asked) is distinct from 'object' then
        raise exception 'Alias % must be an object with value and user_id.', place using errcode = '22023';
    end if;
    alias.id := gen_random_uuid();
    alias.workspace_id := tenant;
    alias.value := lower(private.trim_text(asked ->> 'value'));
    if alias.value is null then
        raise exception 'Alias % has no value. Give an e-mail, an id or a machine''s owner.', place using errcode = '22023';
    end if;
    if length(alias.value) > 300 then
        raise exception 'The value of alias % has % characters; 300 are possible.', place, length(alias.value)
            using errcode = '22023';
    end if;
    select m.user_id
    into alias.user_id
    from (
        select w.user_id from public.members as w where w.workspace_id = tenant
        union
        select a.user_id from public.person_aliases as a where a.workspace_id = tenant
    ) as m
    where m.user_id::text = lower(asked ->> 'user_id');
    if not found then
        raise exception 'Alias % is for an account that is not a member of this workspace.', place using errcode = '22023';
    end if;
    alias.metadata := '{}';
    alias.created_at := now();
    return alias;
end
$$;

-- FUNCTION private.read_aliases(uuid, json)

CREATE FUNCTION private.read_aliases(tenant uuid, aliases json) RETURNS public.person_aliases[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    read_aliases public.person_aliases[];
    twice record;
begin
    if json_typeof(aliases) is distinct from 'array' then
        raise exception 'Aliases must be an array of objects.' using errcode = '22023';
    end if;
    if json_array_length(aliases) > 2000 then
        raise exception 'A workspace can have 2,000 aliases at most; these are %.', json_array_length(aliases)
            using errcode = '22023';
    end if;
    read_aliases := array(
        select private.read_alias(tenant, e.place::integer, e.asked)
        from json_array_elements(aliases) with ordinality as e (asked, place)
        order by e.place
    );
    select min(a.place) as first_place, max(a.place) as last_place
    into twice
    from unnest(read_aliases) with ordinality as a (id, workspace_id, value, user_id, metadata, created_at, place)
    group by a.value
    having count(*) > 1
    order by 2
    limit 1;
    if found then
        raise exception 'Alias % has the same value as alias %. Remove one of them.', twice.last_place, twice.first_place
            using errcode = '22023';
    end if;
    return read_aliases;
end
$$;

-- FUNCTION private.read_columns(json)

CREATE FUNCTION private.read_columns(records json) RETURNS private.incoming_record[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    c constant private.incoming_columns := json_populate_record(null::private.incoming_columns, records);
begin
    return array(
        select row(r.*)::private.incoming_record
        from unnest(
            c.provider, c.timestamp, c.day, c.model_name, c.cost_usd, c.cost_basis, c.charge_type, c.collection_method,
            c.source_key, c.request_id, c.billing_account, c.dataset, c.billed_under_other_name, c.project_id, c.tokens_used,
            c.input_tokens, c.output_tokens, c.cached_input_tokens, c.cache_write_tokens, c.reasoning_tokens, c.request_count,
            c.metadata
        ) as r
    );
end
$$;

-- FUNCTION private.read_divided(uuid, date, date, private.stale_days[], date[], private.daily_question)

CREATE FUNCTION private.read_divided(tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    return (
        select
            case
                when asked.split is null
                    then json_build_object(
                        'date', o.date, 'provider', o.provider, 'model', o.model, 'cost_basis',
                        o.cost_basis, 'charge_type', o.charge_type, 'cost_usd', o.cost_usd, 'tokens',
                        o.tokens, 'input_tokens', o.input_tokens, 'output_tokens', o.output_tokens,
                        'cached_input_tokens', o.cached_input_tokens, 'cache_write_tokens',
                        o.cache_write_tokens, 'requests', o.requests, 'records', o.records,
                        'unpriced_records', o.unpriced_records
                    )
                else json_build_object(
                    'date', o.date, 'provider', o.provider, 'model', o.model, 'cost_basis', o.cost_basis,
                    'charge_type', o.charge_type, 'cost_usd', o.cost_usd, 'tokens', o.tokens,
                    'input_tokens', o.input_tokens, 'output_tokens', o.output_tokens,
                    'cached_input_tokens', o.cached_input_tokens, 'cache_write_tokens',
                    o.cache_write_tokens, 'requests', o.requests, 'records', o.records,
                    'unpriced_records', o.unpriced_records,
                    asked.split, o.parts
                )
            end
        from (
            select
                coalesce(json_agg(d.date), '[]') as date,
                private.json_words(string_agg(d.provider, '","')) as provider,
                coalesce(json_agg(d.model_name), '[]') as model,
                private.json_words(string_agg(d.cost_basis, '","')) as cost_basis,
                private.json_words(string_agg(d.charge_type, '","')) as charge_type,
                private.json_money(string_agg(coalesce(d.total_cost_usd::text, 'null'), '","')) as cost_usd,
                coalesce(json_agg(d.total_tokens), '[]') as tokens,
                coalesce(json_agg(d.total_input_tokens), '[]') as input_tokens,
                coalesce(json_agg(d.total_output_tokens), '[]') as output_tokens,
                coalesce(json_agg(d.total_cached_input_tokens), '[]') as cached_input_tokens,
                coalesce(json_agg(d.total_cache_write_tokens), '[]') as cache_write_tokens,
                coalesce(json_agg(d.total_requests), '[]') as requests,
                coalesce(json_agg(d.record_count), '[]') as records,
                coalesce(json_agg(d.unpriced_count), '[]') as unpriced_records,
                private.json_words(string_agg(d.part::text, '","')) as parts
            from (
                select r.*
                from private.read_rollup(tenant, first_day, last_day, stale, outdated, asked) as r
                where asked.rollup is not null
                union all
                select s.*
                from private.sum_divided(tenant, first_day, last_day, stale, outdated, asked) as s
                where asked.rollup is null
            ) as d
        ) as o
    );
end
$$;

-- FUNCTION private.read_incoming(json, text)

CREATE FUNCTION private.read_incoming(records json, zone text) RETURNS private.incoming_record[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    incoming private.incoming_record[];
begin
    if json_typeof(records) = 'object' then
        incoming := private.read_columns(records);
    elsif json_typeof(records) = 'array' then
        incoming := array(select r from json_populate_recordset(null::private.incoming_record, records) as r);
    end if;
    if incoming is null or cardinality(incoming) > 5000 then
        raise exception 'Records must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    if not exists (select from unnest(incoming) as r where r.day is not null) then
        return incoming;
    end if;
    return array(
        select
            row(
                r.provider,
                case
                    when r.day is null then r.timestamp
                    -- As private.day_instant, which would take longer, a call for each record.
                    else d.noon - case when (d.noon at time zone zone)::date = r.day then interval '0' else interval '3 hours' end
                end,
                r.day, r.model_name, r.cost_usd, r.cost_basis, r.charge_type, r.collection_method, r.source_key, r.request_id,
                r.billing_account, r.dataset, r.billed_under_other_name, r.project_id, r.tokens_used, r.input_tokens,
                r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens, r.request_count, r.metadata
            )::private.incoming_record
        from unnest(incoming) as r
        cross join lateral (select (r.day + time '12:00') at time zone 'UTC' as noon) as d
    );
end
$$;

-- FUNCTION private.read_price_changes(json)

CREATE FUNCTION private.read_price_changes(changes json) RETURNS SETOF private.price_change
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select
        c.id, c.timestamp, c.was_usd, c.cost_usd,
        (
            select coalesce(jsonb_object_agg(e.key, e.value), '{}')
            from jsonb_each(c.price) as e
            where e.key = any (private.price_keys()) and jsonb_typeof(e.value) = 'string' and length(e.value #>> '{}') <= 500
        )
    from json_populate_recordset(null::private.price_change, changes) as c
    where c.cost_usd is null or c.cost_usd >= 0
$$;

-- FUNCTION private.read_rollup(uuid, date, date, private.stale_days[], date[], private.daily_question)

CREATE FUNCTION private.read_rollup(tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question) RETURNS SETOF private.daily_row
    LANGUAGE plpgsql STABLE ROWS 2000
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    only_part constant uuid := coalesce(asked.of_project, asked.of_person);
    hidden constant uuid[] := case when asked.rollup = 'project' then asked.hidden end;
    only_named constant uuid := case when asked.rollup = 'person' and asked.of_person is null then asked.only_named end;
    folded_into constant uuid := case
        when asked.rollup = 'project' then uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff'
        else uuid '00000000-0000-0000-0000-000000000000'
    end;
begin
    return query
    select
        d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, d.part,
        d.total_cost_usd, d.total_tokens, d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens,
        d.total_cache_write_tokens, d.total_requests, d.record_count, d.unpriced_count
    from private.divided_days as d
    where
        d.workspace_id = tenant and d.split = asked.rollup
        and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
        and (only_part is null or d.part = only_part)
        and (d.part = any (hidden) or d.part <> only_named) is not true
    union all
    select
        d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, folded_into,
        sum(d.total_cost_usd),
        least(sum(d.total_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_input_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_output_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_cached_input_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_cache_write_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_requests), 9223372036854775807)::bigint,
        sum(d.record_count)::bigint,
        sum(d.unpriced_count)::bigint
    from private.divided_days as d
    where
        (cardinality(hidden) > 0 or only_named is not null)
        and d.workspace_id = tenant and d.split = asked.rollup
        and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
        and (only_part is null or d.part = only_part)
        and (d.part = any (hidden) or d.part <> only_named)
    group by 1, 2, 3, 4, 5
    union all
    select *
    from private.sum_divided(tenant, '-infinity', '-infinity', stale, outdated, asked) as o
    where cardinality(outdated) > 0
    order by 1;
end
$$;

-- FUNCTION private.read_rule(uuid, integer, json)

CREATE FUNCTION private.read_rule(tenant uuid, place integer, asked json) RETURNS public.project_rules
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    fields constant text[] := array[
        'folder', 'repository', 'branch', 'api_key', 'provider_project', 'person', 'source', 'tag', 'model', 'billing_account'
    ];
    rule public.project_rules;
    found_project public.projects;
begin
    if json_typeof(asked) is distinct from 'object' then
        raise exception 'Rule % must be an object with field, match, value and project_id.', place using errcode = '22023';
    end if;
    rule.id := gen_random_uuid();
    rule.workspace_id := tenant;
    rule.position := place;
    rule.field := asked ->> 'field';
    rule.match := asked ->> 'match';
    rule.value := private.trim_text(asked ->> 'value');
    if array_position(fields, rule.field) is null then
        raise exception 'Rule % asks for "%". A rule can ask for: %.', place, left(coalesce(rule.field, ''), 60),
            array_to_string(fields, ', ') using errcode = '22023';
    end if;
    if coalesce(rule.match, '') not in ('exact', 'prefix') then
        raise exception 'Rule % must match "exact" or "prefix".', place using errcode = '22023';
    end if;
    rule.value := case
        when rule.field in ('person', 'source') then lower(rule.value)
        when rule.field = 'model' and rule.match = 'exact' then nullif(private.model_key_of(rule.value), '')
        when rule.field = 'model' then lower(rule.value)
        else rule.value
    end;
    if rule.value is null then
        raise exception 'Rule % has no value. An empty one would match every record.', place using errcode = '22023';
    end if;
    if length(rule.value) > 500 then
        raise exception 'The value of rule % has % characters; 500 are possible.', place, length(rule.value)
            using errcode = '22023';
    end if;
    select p.*
    into found_project
    from public.projects as p
    where p.workspace_id = tenant and p.id::text = lower(asked ->> 'project_id');
    if not found then
        raise exception 'Rule % files under a project that this workspace does not have.', place using errcode = '22023';
    end if;
    if
        found_project.archived_at is not null
        and not exists (
            select
            from public.project_rules as o
            where
                o.workspace_id = tenant
                and (o.field, o.match, o.value, o.project_id) = (rule.field, rule.match, rule.value, found_project.id)
        )
    then
        raise exception 'Rule % files under "%", which is archived. Restore the project, or remove the rule.', place,
            found_project.name using errcode = '22023';
    end if;
    rule.project_id := found_project.id;
    rule.metadata := '{}';
    rule.created_at := now();
    return rule;
end
$$;

-- FUNCTION private.read_rules(uuid, json)

CREATE FUNCTION private.read_rules(tenant uuid, rules json) RETURNS public.project_rules[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    read_rules public.project_rules[];
    twice record;
begin
    if json_typeof(rules) is distinct from 'array' then
        raise exception 'Rules must be an array of objects.' using errcode = '22023';
    end if;
    if json_array_length(rules) > 200 then
        raise exception 'A workspace can have 200 rules at most; these are %.', json_array_length(rules) using errcode = '22023';
    end if;
    read_rules := array(
        select private.read_rule(tenant, e.place::integer, e.asked)
        from json_array_elements(rules) with ordinality as e (asked, place)
        order by e.place
    );
    select min(r.position) as first_place, max(r.position) as last_place
    into twice
    from unnest(read_rules) as r
    group by r.field, r.match, r.value
    having count(*) > 1
    order by 2
    limit 1;
    if found then
        raise exception 'Rule % asks for the same as rule % and would never apply. Remove one of them.', twice.last_place,
            twice.first_place using errcode = '22023';
    end if;
    return read_rules;
end
$$;

-- FUNCTION private.read_undivided(uuid, date, date, private.stale_days[], date[])

CREATE FUNCTION private.read_undivided(tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[]) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    outdated_from constant date := coalesce(outdated[1], 'infinity');
    outdated_to constant date := coalesce(outdated[cardinality(outdated)], 'infinity');
begin
    return (
        with before as (
            select
                d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd, d.total_tokens,
                d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
                d.total_requests, d.record_count, d.unpriced_count
            from private.cost_records_daily as d
            where d.workspace_id = tenant and d.date >= first_day and d.date <= last_day and d.date < outdated_from
            order by d.date
        ),

        among as (
            select
                d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd, d.total_tokens,
                d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
                d.total_requests, d.record_count, d.unpriced_count
            from private.cost_records_daily as d
            where d.workspace_id = tenant and d.date > outdated_from and d.date < outdated_to and d.date <> all (outdated)
            union all
            select
                f.date, f.provider, f.model_name, f.cost_basis, f.charge_type, f.total_cost_usd, f.total_tokens,
                f.total_input_tokens, f.total_output_tokens, f.total_cached_input_tokens, f.total_cache_write_tokens,
                f.total_requests, f.record_count, f.unpriced_count
            from private.undivided_totals(tenant, outdated, stale) as f
            where cardinality(outdated) > 0
            order by date
        ),

        after as (
            select
                d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd, d.total_tokens,
                d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
                d.total_requests, d.record_count, d.unpriced_count
            from private.cost_records_daily as d
            where d.workspace_id = tenant and d.date > outdated_to and d.date <= last_day
            order by d.date
        ),

        daily as (
            select * from before
            union all
            select * from among
            union all
            select * from after
        )

        select
            json_build_object(
                'date', coalesce(json_agg(d.date), '[]'),
                'provider', private.json_words(string_agg(d.provider, '","')),
                'model', coalesce(json_agg(d.model_name), '[]'),
                'cost_basis', private.json_words(string_agg(d.cost_basis, '","')),
                'charge_type', private.json_words(string_agg(d.charge_type, '","')),
                'cost_usd', private.json_money(string_agg(coalesce(d.total_cost_usd::text, 'null'), '","')),
                'tokens', coalesce(json_agg(d.total_tokens), '[]'),
                'input_tokens', coalesce(json_agg(d.total_input_tokens), '[]'),
                'output_tokens', coalesce(json_agg(d.total_output_tokens), '[]'),
                'cached_input_tokens', coalesce(json_agg(d.total_cached_input_tokens), '[]'),
                'cache_write_tokens', coalesce(json_agg(d.total_cache_write_tokens), '[]'),
                'requests', coalesce(json_agg(d.total_requests), '[]'),
                'records', coalesce(json_agg(d.record_count), '[]'),
                'unpriced_records', coalesce(json_agg(d.unpriced_count), '[]')
            )
        from daily as d
    );
end
$$;

-- FUNCTION private.records_of_calls(uuid, uuid[], timestamp with time zone[])

CREATE FUNCTION private.records_of_calls(tenant uuid, events uuid[], at timestamp with time zone[]) RETURNS TABLE(nth bigint, id uuid, at timestamp with time zone, import_id uuid)
    LANGUAGE sql STABLE ROWS 1
    SET search_path TO ''
    AS $$
    select t.nth, l.id, l.timestamp, l.import_id
    from unnest(events, records_of_calls.at) with ordinality as t (event, at, nth)
    cross join lateral (
        select r.id, r.timestamp, r.import_id
        from public.cost_records as r
        where r.workspace_id = tenant and r.timestamp = t.at and r.source_key >= t.event and r.source_key <= t.event
        order by r.source_key -- as in private.find_known
        limit 1
    ) as l
    inner join public.imports as i on l.import_id = i.id and i.kind = 'key'
    union
    select t.nth, q.id, q.timestamp, q.import_id
    from unnest(events) with ordinality as t (event, nth)
    cross join lateral (
        select r.id, r.timestamp, r.import_id
        from public.cost_records as r
        where r.workspace_id = tenant and r.source_key = t.event and r.request_id is not null
        offset 0
    ) as q
    inner join public.imports as i on q.import_id = i.id and i.kind = 'key'
$$;

-- FUNCTION private.records_to_explore(private.exploration, text[])

CREATE FUNCTION private.records_to_explore(question private.exploration, told text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $_$
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
                select string_agg(format(', min(%s) as told_%s', private.explored_key(t.name, false), t.name), '')
                from unnest(told) as t (name)
            ),
            private.explored_reading(question)
        ) end
    );
end
$_$;

-- FUNCTION private.recount_parts(uuid, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.recount_parts(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock(private.billing_lock(tenant));
    delete from private.day_parts as p
    where
        p.workspace_id = tenant
        and p.day >= (first_at at time zone 'UTC')::date
        and p.day < (last_at at time zone 'UTC')::date;
    perform set_config('tally.is_flagging', 'on', true);
    update public.cost_records as r
    set money_is_effective = true, tokens_are_effective = true
    where
        r.workspace_id = tenant
        and r.timestamp >= first_at
        and r.timestamp < last_at
        and not (r.money_is_effective and r.tokens_are_effective);
    perform set_config('tally.is_flagging', '', true);
    insert into private.day_parts
    select
        tenant, r.billing_account, (r.timestamp at time zone 'UTC')::date, r.dataset, r.cost_basis, r.model_key,
        r.billed_under_other_name, r.collection_method, sum(r.tokens_used), sum(r.request_count), count(*), true, true
    from public.cost_records as r
    where
        r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < last_at and r.billing_account is not null
    group by 2, 3, 4, 5, 6, 7, 8;
    -- As changes of no record: all records of what is decided are flagged.
    perform private.resolve_overlaps(array(
        select private.unchanged_part(d.workspace_id, d.billing_account, d.day)
        from (
            select distinct p.workspace_id, p.billing_account, p.day
            from private.day_parts as p
            where
                p.workspace_id = tenant
                and p.day >= (first_at at time zone 'UTC')::date
                and p.day < (last_at at time zone 'UTC')::date
        ) as d
    ));
end
$$;

-- FUNCTION private.recount_statements(uuid)

CREATE FUNCTION private.recount_statements(tenant uuid) RETURNS bigint
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    with forgotten as (
        delete from private.record_counts as c
        where c.workspace_id = tenant
    )

    insert into private.record_counts (workspace_id, statements)
    values (
        tenant,
        (select count(*) from public.cost_records as r where r.workspace_id = tenant)
        + (select count(*) from public.superseded_records as s where s.workspace_id = tenant)
    )
    returning statements
$$;

-- FUNCTION private.refile_edited()

CREATE FUNCTION private.refile_edited() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    edited constant private.incoming_record := jsonb_populate_record(null::private.incoming_record, to_jsonb(new));
begin
    if not private.stays_filed(new) then
        new.project_id := (private.file_incoming(new.workspace_id, new.import_id, array[edited])).projects[1];
    end if;
    return new;
end
$$;

-- FUNCTION private.refile_few_spans(uuid)

CREATE FUNCTION private.refile_few_spans(tenant uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    few constant integer := 200000;
    of_week date;
begin
    if coalesce((select c.spans from private.span_counts as c where c.workspace_id = tenant), 0) > few then
        return; -- the trigger below has noted it
    end if;
    perform pg_advisory_xact_lock(private.span_lock(tenant));
    foreach of_week in array private.weeks_of_spans(tenant) loop
        perform private.refile_span_week(tenant, of_week);
    end loop;
    update private.span_counts as c set is_refiling_due = false where c.workspace_id = tenant and c.is_refiling_due;
end
$$;

-- FUNCTION private.refile_source(uuid, uuid)

CREATE FUNCTION private.refile_source(tenant uuid, source uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    rules constant public.project_rules[] := private.active_rules(tenant);
begin
    if cardinality(rules) > 0 then
        perform private.move_to_projects(
            tenant, private.plan_rules(tenant, rules, source), private.fields_of(rules), source
        );
    end if;
end
$$;

-- FUNCTION private.refile_span_week(uuid, date)

CREATE FUNCTION private.refile_span_week(tenant uuid, of_week date) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    SET work_mem TO '64MB'
    AS $$
declare
    rules constant public.project_rules[] := coalesce(private.active_rules(tenant), '{}');
    archived constant uuid[] := array(
        select p.id from public.projects as p where p.workspace_id = tenant and p.archived_at is not null
    );
    moved text[];
begin
    with described as materialized (
        select
            s.trace_id, s.span_id, s.project_id,
            -- As in private.file_spans.
            row(
                s.metadata ->> 'project', s.metadata ->> 'repository', s.metadata ->> 'branch', null, null, s.person,
                (select jsonb_agg(g.key || case g.value when '' then '' else ':' || g.value end) from jsonb_each_text(s.tags) as g),
                s.import_id, private.model_key_of(nullif(s.model, '')), null
            )::private.traits as traits
        from public.spans as s
        where
            s.workspace_id = tenant
            and s.week = of_week
            and not s.is_project_chosen
            and (s.project_id is null or s.project_id <> all (archived))
    ),

    kinds as materialized (
        select row_number() over () as nth, d.traits from described as d group by d.traits
    ),

    matched as (
        select private.match_rules(rules, array_agg(k.traits order by k.nth)) as projects from kinds as k
    ),

    wanted as (
        select k.traits, m.project
        from matched as f
        cross join lateral unnest(f.projects) with ordinality as m (project, nth)
        inner join kinds as k on m.nth = k.nth
    ),

    changed as (
        update public.spans as s
        set project_id = w.project
        from described as d
        inner join wanted as w on d.traits = w.traits
        where
            s.workspace_id = tenant
            and s.trace_id = d.trace_id
            and s.span_id = d.span_id
            and s.week = of_week
            and d.project_id is distinct from w.project
        returning s.trace_id
    )

    select array_agg(c.trace_id) into moved from changed as c;
    if moved is not null then
        perform private.sum_traces(tenant, array(select distinct m from unnest(moved) as m), array[of_week]);
    end if;
    return coalesce(cardinality(moved), 0);
end
$$;

-- FUNCTION private.refile_statements(uuid, uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.refile_statements(tenant uuid, ids uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    rules constant public.project_rules[] := private.active_rules(tenant);
begin
    with picked as materialized (
        select row_number() over () as nth, s.*
        from private.described_statements(tenant, private.fields_of(rules), null, ids) as s
    ),

    filed as materialized (
        select p.is_record, p.id, p.at, m.project
        from picked as p
        left join unnest(
            private.match_rules(rules, (select array_agg(k.traits order by k.nth) from picked as k))
        ) with ordinality as m (project, nth) on p.nth = m.nth
    ),

    superseded as (
        update public.superseded_records as s
        set project_id = f.project
        from filed as f
        where s.id = f.id and not f.is_record
    )

    update public.cost_records as r
    set project_id = f.project
    from filed as f
    where
        r.workspace_id = tenant
        and r.timestamp >= first_at
        and r.timestamp <= last_at
        and r.id = f.id
        and r.timestamp = f.at
        and f.is_record;
end
$$;

-- FUNCTION private.refuse_ended_key(public.api_keys)

CREATE FUNCTION private.refuse_ended_key(found_one public.api_keys) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    if found_one.revoked_at is not null or found_one.expires_at <= now() then
        raise exception 'This key no longer works. Create another one.' using errcode = '22023';
    end if;
    if found_one.successor_id is not null then
        raise exception 'This key was rotated and ends soon. Change the one that replaces it.' using errcode = '22023';
    end if;
end
$$;

-- FUNCTION private.refuse_outdated(text, jsonb, jsonb, jsonb)

CREATE FUNCTION private.refuse_outdated(what text, before jsonb, present jsonb, wanted jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    if before <> present and wanted <> present then
        raise exception 'The % were changed meanwhile. Look at them and save your change again.', what using errcode = '22023';
    end if;
end
$$;

-- FUNCTION private.refuse_second_multiplier()

CREATE FUNCTION private.refuse_second_multiplier() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    other record;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.multipliers.' || new.workspace_id::text, 0));
    select m.valid_from, m.valid_to, trim_scale(m.multiplier) as multiplier
    into other
    from public.price_multipliers as m
    where
        m.workspace_id = new.workspace_id
        and m.provider_id = new.provider_id
        and m.billing_account is not distinct from new.billing_account
        and m.id <> new.id
        and daterange(m.valid_from, m.valid_to, '[]') && daterange(new.valid_from, new.valid_to, '[]')
    order by m.valid_from
    limit 1;
    if found then
        raise exception 'This account already has the multiplier % from % %. Choose other days, or change that one.',
            other.multiplier, other.valid_from, coalesce('to ' || other.valid_to, 'on') using errcode = '22023';
    end if;
    return null;
end
$$;

-- FUNCTION private.refuse_span(private.incoming_span, integer)

CREATE FUNCTION private.refuse_span(r private.incoming_span, days integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION private.refuse_too_many()

CREATE FUNCTION private.refuse_too_many() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    bound constant integer := tg_argv[0];
    workspace uuid;
    present bigint;
begin
    for workspace in select distinct a.workspace_id from added as a order by a.workspace_id loop
        perform pg_advisory_xact_lock(hashtextextended('tally.bound.' || tg_table_name || '.' || workspace::text, 0));
        execute format('select count(*) from public.%I as t where t.workspace_id = $1', tg_table_name) into present
        using workspace;
        if present > bound then
            raise exception 'A workspace can have % % at most. %', ltrim(to_char(bound, '999,999')), tg_argv[1], tg_argv[2]
                using errcode = '22023';
        end if;
    end loop;
    return null;
end
$_$;

-- FUNCTION private.refuse_too_many_keys()

CREATE FUNCTION private.refuse_too_many_keys() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    workspace uuid;
begin
    for workspace in select distinct a.workspace_id from added as a order by a.workspace_id loop
        perform pg_advisory_xact_lock(hashtextextended('tally.bound.api_keys.' || workspace::text, 0));
        if
            (
                select count(*) > 100
                from public.api_keys as k
                where
                    k.workspace_id = workspace
                    and k.revoked_at is null
                    and k.successor_id is null
                    and (k.expires_at is null or k.expires_at > now())
            )
        then
            raise exception 'A workspace can have 100 live keys at most. Revoke one that is no longer used.' using errcode = '22023';
        end if;
    end loop;
    return null;
end
$$;

-- FUNCTION private.register_prompt_version(public.prompts, text, timestamp with time zone)

CREATE FUNCTION private.register_prompt_version(prompt public.prompts, told text, first_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    newest integer;
    own_number integer;
begin
    if private.find_told_version(prompt.id, told) is not null then
        return false;
    end if;
    select coalesce(max(v.number), 0) into newest from public.prompt_versions as v where v.prompt_id = prompt.id;
    if told ~ '^[1-9][0-9]{0,3}$' then
        select told::integer into own_number
        where not exists (select from public.prompt_versions as v where v.prompt_id = prompt.id and v.number = told::integer);
    end if;
    insert into public.prompt_versions (workspace_id, prompt_id, number, told_version, created_at)
    values (
        prompt.workspace_id, prompt.id, coalesce(own_number, newest + 1), case when own_number is null then told end, first_at
    );
    return true;
end
$_$;

-- FUNCTION private.register_prompts(uuid)

CREATE FUNCTION private.register_prompts(tenant uuid) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    added integer := 0;
    room integer;
    told record;
    prompt public.prompts;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.prompts.' || tenant::text, 0));
    perform set_config('tally.is_registering', 'on', true);
    room := 2000 - (select count(*) from public.prompts as p where p.workspace_id = tenant);
    insert into public.prompts (workspace_id, project_id, name)
    select tenant, private.project_of_prompt(tenant, n.name), n.name
    from (
        select t.name, min(t.first_at) as first_at
        from private.told_prompts(tenant) as t
        where not exists (select from public.prompts as p where p.workspace_id = tenant and p.name = t.name)
        group by t.name
        order by 2, 1
        limit greatest(room, 0)
    ) as n;
    get diagnostics added = row_count;
    room := 10000 - (select count(*) from public.prompt_versions as v where v.workspace_id = tenant);
    for told in
        select f.*
        from (
            select
                p.id as prompt_id, private.told_version(t.version) as version, min(t.first_at) as first_at,
                (select count(*) from public.prompt_versions as v where v.prompt_id = p.id)
                + row_number() over (partition by p.id order by min(t.first_at), private.told_version(t.version)) as nth
            from private.told_prompts(tenant) as t
            inner join public.prompts as p on p.workspace_id = tenant and t.name = p.name
            where t.version <> '' and t.version !~ '[[:cntrl:]]'
                and private.find_told_version(p.id, private.told_version(t.version)) is null
            group by p.id, private.told_version(t.version)
        ) as f
        where f.nth <= private.max_told_versions()
        -- Free numbers first, so that names do not take theirs.
        order by
            f.prompt_id,
            f.version !~ '^[1-9][0-9]{0,3}$'
            or exists (select from public.prompt_versions as v where v.prompt_id = f.prompt_id and v.number::text = f.version),
            length(f.version), f.first_at, f.version
    loop
        exit when room <= 0;
        select p.* into prompt from public.prompts as p where p.id = told.prompt_id;
        if private.register_prompt_version(prompt, told.version, told.first_at) then
            added := added + 1;
            room := room - 1;
        end if;
    end loop;
    perform set_config('tally.is_registering', '', true);
    insert into private.prompt_registrations as r (workspace_id, registered_at)
    select w.id, now() from public.workspaces as w where w.id = tenant
    on conflict (workspace_id) do update set registered_at = excluded.registered_at;
    return added;
end
$_$;

-- FUNCTION private.regrouped_days(jsonb, private.day_parts[])

CREATE FUNCTION private.regrouped_days(before jsonb, changes private.day_parts[]) RETURNS private.day_parts[]
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    with known as (
        select
            split_part(b.key, ' ', 1)::uuid as workspace_id,
            split_part(b.key, ' ', 2) as provider,
            split_part(b.key, ' ', 3)::date as month,
            b.value as state
        from jsonb_each(before) as b
    ),

    regrouped as materialized (
        select k.workspace_id, k.provider, k.month, k.state, n.state as now_state
        from known as k
        cross join lateral (select to_jsonb(private.group_accounts(k.workspace_id, k.provider, k.month)) as state) as n
        where k.state <> n.state
    ),

    days as (
        select r.workspace_id, a.name as account, d.day
        from regrouped as r
        cross join lateral (
            select distinct p.day
            from private.day_parts as p
            where
                p.workspace_id = r.workspace_id
                and p.billing_account = r.provider
                and p.day >= r.month
                and p.day < r.month + interval '1 month'
        ) as d
        cross join lateral (
            select jsonb_array_elements_text(s.accounts) as name
            from (
                values (r.state -> 'accounts'), (r.state -> 'covering'), (r.now_state -> 'accounts'), (r.now_state -> 'covering')
            ) as s (accounts)
        ) as a
        union
        select c.workspace_id, split_part(c.billing_account, ':', 1), c.day
        from unnest(changes) as c
        where split_part(c.billing_account, ':', 2) like '@%'
    )

    select array(select private.unchanged_part(d.workspace_id, d.account, d.day) from days as d)
$$;

-- FUNCTION private.remember_member()

CREATE FUNCTION private.remember_member() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into private.former_members (workspace_id, user_id, email)
    select w.id, u.id, left(u.email, 320)
    from public.workspaces as w
    inner join auth.users as u on u.id = old.user_id
    where w.id = old.workspace_id
    on conflict (user_id, workspace_id) do update
        set
            email = excluded.email,
            left_at = excluded.left_at;
    return null;
end
$$;

-- FUNCTION private.rename_model(uuid, uuid, text, text)

CREATE FUNCTION private.rename_model(tenant uuid, provider uuid, name text, model text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    superseded bigint;
    effective bigint;
begin
    update public.superseded_records as s
    set
        model_name = coalesce(model, name),
        metadata = s.metadata - 'model_alias' || case when model is null then '{}' else jsonb_build_object('model_alias', name) end
    where
        s.workspace_id = tenant
        and s.provider_id = provider
        and coalesce(s.metadata ->> 'model_alias', s.model_name) = name
        and s.model_name <> coalesce(model, name);
    get diagnostics superseded = row_count;
    update public.cost_records as r
    set
        model_name = coalesce(model, name),
        metadata = r.metadata - 'model_alias' || case when model is null then '{}' else jsonb_build_object('model_alias', name) end
    where
        r.workspace_id = tenant
        and r.provider_id = provider
        and coalesce(r.metadata ->> 'model_alias', r.model_name) = name
        and r.model_name <> coalesce(model, name);
    get diagnostics effective = row_count;
    return superseded + effective;
end
$$;

-- FUNCTION private.renew_threshold()

CREATE FUNCTION private.renew_threshold() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    new.id := gen_random_uuid();
    new.created_at := now();
    return new;
end
$$;

-- FUNCTION private.renew_thresholds()

CREATE FUNCTION private.renew_thresholds() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.budget_thresholds as t set id = gen_random_uuid(), created_at = now() where t.budget_id = new.id;
    return null;
end
$$;

-- FUNCTION private.renewal_days(public.subscriptions, date)

CREATE FUNCTION private.renewal_days(of_subscription public.subscriptions, until date) RETURNS SETOF date
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select d.day
    from generate_series(
        date_trunc('month', (of_subscription).started_on::timestamp),
        least(until, coalesce((of_subscription).ended_on, until))::timestamp,
        case (of_subscription).interval when 'year' then interval '1 year' else interval '1 month' end
    ) as m (month)
    cross join lateral (
        select
            m.month::date
            + least((of_subscription).renewal_day, extract(day from m.month + interval '1 month' - interval '1 day')::integer)
            - 1 as day
    ) as d
    where
        d.day >= (of_subscription).started_on
        and d.day <= least(until, coalesce((of_subscription).ended_on, until))
$$;

-- FUNCTION private.replace_records(uuid, uuid[], uuid[], timestamp with time zone[])

CREATE FUNCTION private.replace_records(owner uuid, statements uuid[], ids uuid[], at timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_nestloop TO 'off'
    AS $$
declare
    first_at constant timestamptz := (select min(a.at) from unnest(at) as a (at));
    last_at constant timestamptz := (select max(a.at) from unnest(at) as a (at));
begin
    update public.cost_records as r
    set
        (
            user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, request_id, timestamp, day,
            model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis, charge_type,
            metadata
        ) = row(
            t.user_id,
            case when private.keeps_choice(r, t) then r.project_id else t.project_id end,
            case when private.keeps_choice(r, t) then r.project_chosen_by else t.project_chosen_by end,
            t.provider_id, t.import_id, t.subscription_id, t.request_id, t.timestamp, t.day, t.model_name, t.billing_account,
            t.dataset, t.billed_under_other_name, t.cost_usd, t.tokens_used, t.input_tokens, t.output_tokens,
            t.cached_input_tokens, t.cache_write_tokens, t.reasoning_tokens, t.request_count, t.collection_method, t.cost_basis,
            t.charge_type, t.metadata
        )
    from unnest(statements, ids, at) as p (statement, id, at)
    inner join private.take_statements(statements) as t on p.statement = t.id
    where
        r.workspace_id = owner
        and r.timestamp >= first_at
        and r.timestamp <= last_at
        and r.id = p.id
        and r.timestamp = p.at;
end
$$;

-- FUNCTION private.reprice(uuid, json)

CREATE FUNCTION private.reprice(tenant uuid, changes json, OUT applied bigint, OUT before_usd numeric, OUT after_usd numeric) RETURNS record
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    with wanted as materialized (
        select c.*
        from private.read_price_changes(changes) as c
        inner join private.estimates as e
            on
                e.workspace_id = tenant
                and c.id = e.id
                and c.timestamp = e.timestamp
                and c.was_usd is not distinct from e.cost_usd
        where
            (e.import_id is null and e.user_id = auth.uid())
            or tenant = any(array(select private.workspaces_as('admin')))
            or e.import_id = any(array(select private.own_sources()))
    ),

    effective as (
        update public.cost_records as r
        set
            cost_usd = c.cost_usd,
            metadata = r.metadata - private.price_keys() || c.price
        from wanted as c
        where r.id = c.id and r.timestamp = c.timestamp and r.workspace_id = tenant and r.cost_usd is not distinct from c.was_usd
        returning c.was_usd, c.cost_usd
    ),

    superseded as (
        update public.superseded_records as s
        set
            cost_usd = c.cost_usd,
            metadata = s.metadata - private.price_keys() || c.price
        from wanted as c
        where s.id = c.id and s.timestamp = c.timestamp and s.workspace_id = tenant and s.cost_usd is not distinct from c.was_usd
        returning c.was_usd, c.cost_usd
    )

    select count(*), coalesce(sum(p.was_usd), 0), coalesce(sum(p.cost_usd), 0)
    from (
        select * from effective
        union all
        select * from superseded
    ) as p
$$;

-- FUNCTION private.request_address()

CREATE FUNCTION private.request_address() RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $_$
    select h.address
    from (
        select
            trim(split_part(
                coalesce(private.request_header('x-tally-address', 500), private.request_header('x-forwarded-for', 500)), ',', 1
            )) as address
    ) as h
    where h.address ~ '^[0-9A-Fa-f:.]{2,45}$'
$_$;

-- FUNCTION private.request_forecast()

CREATE FUNCTION private.request_forecast() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into private.forecast_requests (workspace_id, gen)
    select distinct c.workspace_id, pg_current_xact_id()
    from changed as c
    inner join public.workspaces as w on c.workspace_id = w.id; -- others are being deleted
    return null;
end
$$;

-- FUNCTION private.request_forecasts(private.stale_days[])

CREATE FUNCTION private.request_forecasts(marks private.stale_days[]) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into private.forecast_requests (workspace_id, gen)
    select distinct on (m.workspace_id) m.workspace_id, m.gen
    from unnest(marks) as m
    inner join public.workspaces as w on m.workspace_id = w.id -- others were deleted
    order by m.workspace_id asc, m.gen desc
$$;

-- FUNCTION private.request_header(text, integer)

CREATE FUNCTION private.request_header(name text, at_most integer) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return nullif(
        left(
            regexp_replace(
                nullif(current_setting('request.headers', true), '')::json ->> request_header.name, '[^\x20-\x7e]+', '', 'g'
            ),
            at_most
        ),
        ''
    );
exception when others then -- no request, or headers that are no text
    return null;
end
$$;

-- FUNCTION private.request_identity(text)

CREATE FUNCTION private.request_identity(request_id text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return encode(
        substring(sha256(convert_to(format('7:request%s:%s', length(request_id), request_id), 'UTF8')) for 16), 'hex'
    )::uuid;
end
$$;

-- FUNCTION private.request_one_forecast()

CREATE FUNCTION private.request_one_forecast() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into private.forecast_requests (workspace_id, gen)
    values (coalesce(to_jsonb(new) ->> 'workspace_id', to_jsonb(new) ->> 'user_id')::uuid, pg_current_xact_id());
    return null;
end
$$;

-- FUNCTION private.require_another_owner(uuid, uuid)

CREATE FUNCTION private.require_another_owner(tenant uuid, person uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    if
        exists (
            select from public.members as m where m.workspace_id = tenant and m.user_id = person and m.role = 'owner'
        )
        and not exists (
            select from public.members as m where m.workspace_id = tenant and m.user_id <> person and m.role = 'owner'
        )
    then
        raise exception 'A workspace needs an owner. Make another member the owner first, or delete the workspace.'
            using errcode = '22023';
    end if;
end
$$;

-- FUNCTION private.require_api_key(uuid)

CREATE FUNCTION private.require_api_key(wanted uuid) RETURNS public.api_keys
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    found_one public.api_keys;
begin
    select k.* into found_one
    from public.api_keys as k
    where
        k.id = wanted
        and (
            k.workspace_id = any(array(select private.workspaces_as('admin')))
            or (k.user_id = auth.uid() and k.workspace_id = any(array(select private.workspaces_as('viewer'))))
        );
    if not found then
        raise exception 'This key no longer exists. Reload the list of keys.' using errcode = '22023';
    end if;
    perform private.begin_key_change(found_one.workspace_id, 'viewer');
    select k.* into found_one from public.api_keys as k where k.id = wanted for no key update;
    return found_one;
end
$$;

-- FUNCTION private.require_caller()

CREATE FUNCTION private.require_caller() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    if auth.uid() is null then
        raise exception 'Sign in first.' using errcode = '42501';
    end if;
    return auth.uid();
end
$$;

-- TABLE public.channels

CREATE TABLE public.channels (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    hint text NOT NULL,
    sealed_target text NOT NULL,
    encryption_key_id text NOT NULL,
    quiet_from time without time zone,
    quiet_to time without time zone,
    urgent_passes boolean DEFAULT true NOT NULL,
    digest text DEFAULT 'none'::text NOT NULL,
    paused_at timestamp with time zone,
    verified_at timestamp with time zone,
    verified_by text,
    confirmation_sha256 bytea,
    confirmation_expires_at timestamp with time zone,
    stop_sha256 bytea,
    must_agree boolean DEFAULT false NOT NULL,
    failures_in_a_row smallint DEFAULT 0 NOT NULL,
    disabled_at timestamp with time zone,
    disabled_reason text,
    last_sent_at timestamp with time zone,
    last_problem text,
    created_by uuid,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT channels_confirmation_expires_at_check CHECK (((confirmation_expires_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (confirmation_expires_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT channels_confirmation_sha256_check CHECK ((octet_length(confirmation_sha256) = 32)),
    CONSTRAINT channels_digest_check CHECK ((digest = ANY (ARRAY['none'::text, 'daily'::text]))),
    CONSTRAINT channels_disabled_at_check CHECK (((disabled_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (disabled_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT channels_disabled_reason_check CHECK ((length(disabled_reason) <= 500)),
    CONSTRAINT channels_encryption_key_id_check CHECK (((length(encryption_key_id) >= 1) AND (length(encryption_key_id) <= 100))),
    CONSTRAINT channels_failures_in_a_row_check CHECK ((failures_in_a_row >= 0)),
    CONSTRAINT channels_hint_check CHECK ((length(hint) <= 200)),
    CONSTRAINT channels_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'slack'::text, 'discord'::text, 'teams'::text, 'pagerduty'::text, 'telegram'::text, 'ntfy'::text, 'webhook'::text]))),
    CONSTRAINT channels_last_problem_check CHECK ((length(last_problem) <= 500)),
    CONSTRAINT channels_last_sent_at_check CHECK (((last_sent_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (last_sent_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT channels_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT channels_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT channels_paused_at_check CHECK (((paused_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (paused_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT channels_quiet CHECK ((((quiet_from IS NULL) = (quiet_to IS NULL)) AND (quiet_from <> quiet_to))),
    CONSTRAINT channels_quiet_from_check CHECK ((quiet_from < '24:00:00'::time without time zone)),
    CONSTRAINT channels_quiet_to_check CHECK ((quiet_to < '24:00:00'::time without time zone)),
    CONSTRAINT channels_sealed_target_check CHECK (((length(sealed_target) >= 1) AND (length(sealed_target) <= 10000))),
    CONSTRAINT channels_stop_sha256_check CHECK ((octet_length(stop_sha256) = 32)),
    CONSTRAINT channels_verified CHECK (((verified_at IS NULL) = (verified_by IS NULL))),
    CONSTRAINT channels_verified_at_check CHECK (((verified_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (verified_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT channels_verified_by_check CHECK ((verified_by = ANY (ARRAY['message'::text, 'link'::text, 'member'::text])))
);

-- FUNCTION private.require_channel(uuid)

CREATE FUNCTION private.require_channel(wanted uuid) RETURNS public.channels
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    channel public.channels;
begin
    select c.* into channel
    from public.channels as c
    where c.id = wanted and c.workspace_id = any(array(select private.workspaces_as('admin')))
    for no key update;
    if not found then
        raise exception 'This channel no longer exists. Reload the page.' using errcode = '22023';
    end if;
    return channel;
end
$$;

-- FUNCTION private.require_invitation(text)

CREATE FUNCTION private.require_invitation(token text) RETURNS public.invitations
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    caller constant uuid := private.require_caller();
    found_one public.invitations;
begin
    select i.*
    into found_one
    from public.invitations as i
    where i.token_sha256 = decode(private.hash_token(token), 'hex');
    if not found then
        raise exception 'This invitation was used, cancelled or replaced by a newer one. If you did not use it, ask for a new one.'
            using errcode = '22023';
    end if;
    if found_one.expires_at <= now() then
        raise exception 'This invitation has expired. Ask for a new one.' using errcode = '22023';
    end if;
    if not exists (select from auth.users as u where u.id = caller and lower(u.email) = found_one.email) then
        raise exception 'This invitation is for %. Sign in with that address, or ask for an invitation of yours.',
            regexp_replace(found_one.email, '^(.).*@', '\1…@')
            using errcode = '42501';
    end if;
    if
        not exists (
            select
            from public.members as m
            where
                m.workspace_id = found_one.workspace_id
                and m.user_id = found_one.invited_by
                and private.rank_of(m.role) >= greatest(private.rank_of('admin'), private.rank_of(found_one.role))
        )
    then
        raise exception 'Who invited you is no longer an admin of the workspace. Ask for a new invitation.' using errcode = '42501';
    end if;
    return found_one;
end
$$;

-- FUNCTION private.require_project(uuid)

CREATE FUNCTION private.require_project(asked uuid) RETURNS public.projects
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    found_project public.projects;
begin
    select p.*
    into found_project
    from public.projects as p
    where
        p.id = asked
        and p.workspace_id = any(array(select private.workspaces_as('viewer')))
        and p.id <> all(array(select private.hidden_projects()));
    if not found then
        raise exception 'There is no such project in your workspaces.' using errcode = '42501';
    end if;
    perform private.require_workspace(found_project.workspace_id, 'admin');
    return found_project;
end
$$;

-- FUNCTION private.require_prompt(uuid, text, boolean)

CREATE FUNCTION private.require_prompt(tenant uuid, name text, is_changed boolean DEFAULT false) RETURNS public.prompts
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $_$
declare
    found_one public.prompts;
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    if is_changed then
        perform pg_advisory_xact_lock(hashtextextended('tally.prompts.' || tenant::text, 0));
    end if;
    select p.* into found_one
    from public.prompts as p
    where p.workspace_id = tenant and p.name = $2 and (p.project_id is null or p.project_id <> all (hidden));
    if found_one.id is null then
        raise exception 'There is no prompt “%” in this workspace. Check its name.', coalesce(left($2, 100), '') using errcode = '22023';
    end if;
    if is_changed and found_one.archived_at is not null then
        raise exception 'The prompt “%” is archived. Restore it first.', left($2, 100) using errcode = '22023';
    end if;
    return found_one;
end
$_$;

-- FUNCTION private.require_prompt_version(public.prompts, integer)

CREATE FUNCTION private.require_prompt_version(prompt public.prompts, number integer) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
declare
    found_one uuid;
begin
    select v.id into found_one
    from public.prompt_versions as v
    where v.prompt_id = prompt.id and v.number = $2;
    if found_one is null then
        raise exception 'The prompt “%” has no version %.', prompt.name, coalesce($2::text, 'without a number')
            using errcode = '22023';
    end if;
    return found_one;
end
$_$;

-- FUNCTION private.require_rank_over(uuid, uuid)

CREATE FUNCTION private.require_rank_over(tenant uuid, person uuid) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    mine constant integer := (
        select private.rank_of(m.role) from public.members as m where m.workspace_id = tenant and m.user_id = auth.uid()
    );
    theirs constant integer := (
        select private.rank_of(m.role) from public.members as m where m.workspace_id = tenant and m.user_id = person
    );
begin
    if theirs is null then
        raise exception 'This person is not a member of the workspace. Reload the list of people.' using errcode = '22023';
    end if;
    if mine is null or mine < theirs then
        raise exception 'This person''s role is above yours. Ask an owner to do this.' using errcode = '42501';
    end if;
    return theirs;
end
$$;

-- FUNCTION private.require_shared_workspace(uuid, text)

CREATE FUNCTION private.require_shared_workspace(asked uuid, at_least text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(asked, at_least);
begin
    if asked is null then
        raise exception 'Say which workspace you mean.' using errcode = '22023';
    end if;
    if exists (select from public.workspaces as w where w.id = tenant and w.personal_user_id is not null) then
        raise exception 'This is a personal workspace: nobody else can join it. Create a workspace for your team.'
            using errcode = '22023';
    end if;
    return tenant;
end
$$;

-- FUNCTION private.require_source(uuid)

CREATE FUNCTION private.require_source(source uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.workspace_of_source(source);
begin
    if tenant is null then
        raise exception 'This import no longer exists.' using errcode = '42501';
    end if;
    return tenant;
end
$$;

-- FUNCTION private.require_workspace(uuid, text)

CREATE FUNCTION private.require_workspace(asked uuid, at_least text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    chosen constant uuid := coalesce(asked, auth.uid());
begin
    if chosen is null then
        raise exception 'Sign in first.' using errcode = '42501';
    end if;
    if exists (select from private.workspaces_as(at_least) as w (id) where w.id = chosen) then
        return chosen;
    end if;
    if exists (select from private.workspaces_as('viewer') as w (id) where w.id = chosen) then
        raise exception 'Your role in this workspace does not allow this.' using errcode = '42501';
    end if;
    raise exception 'You are not a member of this workspace.' using errcode = '42501';
end
$$;

-- FUNCTION private.resolve_aliases(uuid, uuid, private.incoming_record[], boolean)

CREATE FUNCTION private.resolve_aliases(tenant uuid, source uuid, incoming private.incoming_record[], has_aliases boolean) RETURNS private.incoming_record[]
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    aliases uuid[];
begin
    if has_aliases then
        perform private.learn_aliases(tenant, source, incoming);
    end if;
    if not exists (select from private.event_aliases as a where a.workspace_id = tenant) then
        return incoming;
    end if;
    aliases := array(
        select distinct a.alias
        from private.event_aliases as a
        where
            a.workspace_id = tenant
            and a.alias = any (array(select r.source_key from unnest(incoming) as r where r.request_id is not null))
    );
    if cardinality(aliases) = 0 then
        return incoming;
    end if;
    return array(
        select
            row(
                r.provider, r.timestamp, r.day, r.model_name, r.cost_usd, r.cost_basis, r.charge_type, r.collection_method,
                coalesce(e.event, r.source_key), r.request_id, r.billing_account, r.dataset, r.billed_under_other_name,
                r.project_id, r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
                r.reasoning_tokens, r.request_count, r.metadata
            )::private.incoming_record
        from unnest(incoming) as r
        left join (select n.alias, private.event_of(tenant, n.alias) as event from unnest(aliases) as n (alias)) as e
            on r.source_key = e.alias and r.source_key = private.request_identity(r.request_id)
    );
end
$$;

-- FUNCTION private.resolve_overlaps(private.day_parts[])

CREATE FUNCTION private.resolve_overlaps(changes private.day_parts[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    one record;
    decided private.day_parts[];
begin
    for one in select d.* from private.days_to_decide(changes) as d order by d.workspace_id, d.accounts loop
        decided := private.parts_from_before(
            array(select p from private.decide_parts(one.workspace_id, one.accounts, one.covering, one.days) as p), changes
        );
        if cardinality(decided) > 0 then
            perform private.flag_records(one.workspace_id, one.accounts, decided);
        end if;
    end loop;
end
$$;

-- FUNCTION private.restatable(uuid, uuid, uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.restatable(tenant uuid, source uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    if source is not null or tenant = auth.uid() then
        return keys;
    end if;
    return array(
        select k.key from unnest(keys) as k (key)
        except
        select r.source_key
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= first_at
            and r.timestamp <= last_at
            and r.source_key = any (keys)
            and r.import_id is null
            and r.user_id <> auth.uid()
        except
        select r.source_key
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.source_key = any (keys)
            and r.request_id is not null
            and r.import_id is null
            and r.user_id <> auth.uid()
        except
        select s.source_key
        from public.superseded_records as s
        where s.workspace_id = tenant and s.source_key = any (keys) and s.import_id is null and s.user_id <> auth.uid()
    );
end
$$;

-- FUNCTION private.revoke_keys_of_leaver()

CREATE FUNCTION private.revoke_keys_of_leaver() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.api_keys as k
    set revoked_at = now()
    where k.workspace_id = old.workspace_id and k.user_id = old.user_id and k.revoked_at is null;
    return null;
end
$$;

-- FUNCTION private.save_beside_known(uuid, public.imports, text, private.incoming_record[], timestamp with time zone, timestamp with time zone, boolean)

CREATE FUNCTION private.save_beside_known(tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[], first_at timestamp with time zone, last_at timestamp with time zone, has_requests boolean) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    known uuid[];
    inserted integer;
begin
    for attempt in 1..3 loop
        known := private.find_known(tenant, incoming, first_at, last_at, has_requests);
        perform private.keep_statements(
            tenant, source, usual_method, incoming, private.restatable(tenant, source.id, known, first_at, last_at)
        );
        inserted := private.insert_records(tenant, source, usual_method, incoming, known);
        if inserted is not null then
            return inserted;
        end if;
        incoming := private.merge_lines(incoming);
    end loop;
    raise exception 'These records are being changed. Save them again.' using errcode = '40001';
end
$$;

-- FUNCTION private.save_lock(uuid)

CREATE FUNCTION private.save_lock(of_workspace uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select hashtextextended('tally.save.' || of_workspace::text, 0)
$$;

-- FUNCTION private.select_winners(uuid, uuid[])

CREATE FUNCTION private.select_winners(owner uuid, keys uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    AS $$
declare
    contested record;
    step record;
    restated integer := 0;
begin
    perform pg_advisory_xact_lock(private.save_lock(owner));
    if
        not exists (select from public.superseded_records as s where s.workspace_id = owner)
        or not exists (select from public.workspaces as w where w.id = owner) -- being deleted
    then
        return;
    end if;
    contested := private.contested_events(owner, keys);
    if contested.events is null then
        return;
    end if;
    perform pg_advisory_xact_lock_shared(private.timezone_lock(owner));
    if contested.dated is not null then
        perform private.move_superseded_days(owner, contested.dated);
    end if;
    loop
        step := private.move_statements(owner, contested.events);
        restated := restated + step.restated;
        exit when step.is_last;
    end loop;
    perform private.settle_events(owner, contested.events);
    perform set_config(
        'tally.restated',
        (coalesce(nullif(current_setting('tally.restated', true), ''), '0')::integer + restated)::text,
        true
    );
end
$$;

-- FUNCTION private.select_winners_of_changed()

CREATE FUNCTION private.select_winners_of_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    owner uuid;
begin
    for owner in select distinct c.workspace_id from changed as c order by 1 loop
        perform private.select_winners(
            owner, array(select distinct c.source_key from changed as c where c.workspace_id = owner)
        );
    end loop;
    return null;
end
$$;

-- FUNCTION private.session_of(jsonb)

CREATE FUNCTION private.session_of(metadata jsonb) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return case
        when metadata ->> 'channel' <> '' and metadata ->> 'session' <> ''
            then md5(jsonb_build_array(metadata -> 'channel', metadata -> 'session')::text)::uuid
    end;
end
$$;

-- FUNCTION private.session_times(uuid, text)

CREATE FUNCTION private.session_times(tenant uuid, session text) RETURNS TABLE(first_at timestamp with time zone, last_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
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
$_$;

-- FUNCTION private.settle_events(uuid, uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.settle_events(tenant uuid, keys uuid[], first_at timestamp with time zone DEFAULT NULL::timestamp with time zone, last_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    AS $$
declare
    are_chosen constant boolean := private.have_choices(tenant, keys);
    has_people constant boolean := exists (
        select from public.workspaces as w where w.id = tenant and w.personal_user_id is null
    );
    shared record;
begin
    if not (are_chosen or has_people) then
        return;
    end if;
    select
        case when settle_events.first_at is null then array_agg(distinct s.source_key) else settle_events.keys end as keys,
        least(settle_events.first_at, min(s.timestamp)) as first_at,
        greatest(settle_events.last_at, max(s.timestamp)) as last_at
    into shared
    from (select distinct k.key from unnest(keys) as k (key)) as k
    cross join lateral (
        select d.source_key, d.timestamp
        from public.superseded_records as d
        where d.workspace_id = tenant and d.source_key = k.key
        offset 0 -- as in private.rank_superseded
    ) as s;
    if shared.first_at is null then
        return;
    end if;
    -- Records of requests may be at other times than the statements that they replace.
    select least(shared.first_at, min(r.timestamp)), greatest(shared.last_at, max(r.timestamp))
    into shared.first_at, shared.last_at
    from (select distinct k.key from unnest(shared.keys) as k (key)) as k
    cross join lateral (
        select c.timestamp
        from public.cost_records as c
        where c.workspace_id = tenant and c.source_key = k.key and c.request_id is not null
        offset 0
    ) as r;
    perform set_config('tally.is_flagging', 'on', true);
    if has_people then
        perform private.settle_people(tenant, shared.keys, shared.first_at, shared.last_at);
    end if;
    if are_chosen then
        perform private.settle_projects(tenant, shared.keys, shared.first_at, shared.last_at);
    end if;
    perform set_config('tally.is_flagging', '', true);
end
$$;

-- FUNCTION private.settle_people(uuid, uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.settle_people(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    aliases constant public.person_aliases[] := array(
        select a from public.person_aliases as a where a.workspace_id = tenant
    );
begin
    with moved as materialized (
        select p.*
        from private.people_of_events(tenant, aliases, keys, first_at, last_at) as p
        where p.from_id <> p.to_id
    ),

    superseded as (
        update public.superseded_records as s
        set user_id = m.to_id
        from moved as m
        where s.id = m.id and not m.is_record
    )

    update public.cost_records as r
    set user_id = m.to_id
    from moved as m
    where
        r.workspace_id = tenant
        and r.timestamp >= first_at
        and r.timestamp <= last_at
        and r.id = m.id
        and r.timestamp = m.at
        and m.is_record;
end
$$;

-- FUNCTION private.settle_projects(uuid, uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.settle_projects(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    freed uuid[];
begin
    with due as materialized (
        select c.* from private.choices_of_events(tenant, keys, first_at, last_at) as c
    ),

    superseded as (
        update public.superseded_records as s
        set project_id = d.project_id, project_chosen_by = d.chosen_by
        from due as d
        where s.id = d.id and not d.is_record
    ),

    records as (
        update public.cost_records as r
        set project_id = d.project_id, project_chosen_by = d.chosen_by
        from due as d
        where
            r.workspace_id = tenant
            and r.timestamp >= first_at
            and r.timestamp <= last_at
            and r.id = d.id
            and r.timestamp = d.at
            and d.is_record
    )

    select array_agg(d.id) filter (where d.chosen_by is null) into freed from due as d;
    if freed is not null then
        perform private.refile_statements(tenant, freed, first_at, last_at);
    end if;
end
$$;

-- FUNCTION private.share_timezone()

CREATE FUNCTION private.share_timezone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock_shared(private.timezone_lock(w.id))
    from (select w.id from private.workspaces_as('member') as w (id) order by 1) as w;
    return null;
end
$$;

-- FUNCTION private.share_timezones_of(text)

CREATE FUNCTION private.share_timezones_of(partition_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    tenant uuid;
begin
    for tenant in execute format('select distinct workspace_id from private.%I order by 1', partition_name) loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    end loop;
end
$$;

-- FUNCTION private.shared_workspaces_of(uuid)

CREATE FUNCTION private.shared_workspaces_of(person uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select w.id
    from (
        select m.workspace_id as id from public.members as m where m.user_id = person
        union
        select f.workspace_id from private.former_members as f where f.user_id = person
        union
        select i.workspace_id from public.imports as i where i.user_id = person
        union
        select s.workspace_id from public.subscriptions as s where s.user_id = person
        union
        select p.workspace_id from public.model_prices as p where p.user_id = person
        union
        select m.workspace_id from public.price_multipliers as m where m.user_id = person
        union
        select c.workspace_id from public.api_credentials as c where c.user_id = person
        union
        select s.workspace_id from public.superseded_records as s where s.user_id = person
    ) as w
    where w.id <> person
    order by w.id
$$;

-- FUNCTION private.silent_sources(uuid[], integer)

CREATE FUNCTION private.silent_sources(tenants uuid[], default_days integer) RETURNS TABLE(workspace_id uuid, id uuid, user_id uuid, kind text, format text, name text, last_day date, today date, problem text)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select i.workspace_id, i.id, i.user_id, i.kind, i.format, i.filename, l.last_day, l.today, c.last_error
    from public.imports as i
    inner join public.workspaces as w on i.workspace_id = w.id
    left join public.api_credentials as c on i.workspace_id = c.workspace_id and i.credential_id = c.id
    cross join lateral (
        select
            (i.finished_at at time zone w.timezone)::date as last_day,
            (now() at time zone w.timezone)::date as today,
            coalesce((w.alert_rules ->> 'silent_days')::numeric::integer, default_days) as days
    ) as l
    where
        i.workspace_id = any (tenants)
        and i.kind <> 'file'
        and i.is_enabled
        and i.rows_imported > 0
        and (i.kind in ('machine', 'key') or c.is_active)
        and l.last_day <= l.today - l.days
        and l.last_day >= l.today - 400
        -- A source that brings data now and then is not silent between.
        and (
            select count(distinct (r.timestamp at time zone w.timezone)::date)
            from public.cost_records as r
            where r.import_id = i.id and r.timestamp >= i.finished_at - interval '28 days' and r.timestamp <= i.finished_at
        ) >= 8
$$;

-- FUNCTION private.source_of_key(uuid, text, text)

CREATE FUNCTION private.source_of_key(key uuid, service text, agent text) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    found_key public.api_keys;
    keys uuid[];
    source public.imports;
begin
    select k.* into found_key from public.api_keys as k where k.id = key and k.user_id = auth.uid();
    if not found then
        raise exception 'This key no longer exists.' using errcode = '42501';
    end if;
    perform private.require_workspace(found_key.workspace_id, 'member');
    keys := array(
        with recursive line as (
            select k.id, 0 as steps from public.api_keys as k where k.id = key
            union all
            select k.id, l.steps + 1
            from line as l
            inner join public.api_keys as k on k.workspace_id = found_key.workspace_id and k.successor_id = l.id
            where l.steps < 50
        )

        select distinct l.id from line as l
    );
    for attempt in 1..2 loop
        select i.* into source
        from public.imports as i
        where
            i.workspace_id = found_key.workspace_id
            and i.api_key_id = any (keys)
            and i.user_id = found_key.user_id
            and i.filename = service
        order by i.created_at, i.id
        limit 1;
        exit when found;
        if
            (select count(*) >= 100 from public.imports as i where i.workspace_id = found_key.workspace_id and i.api_key_id = key)
        then
            service := 'Other services';
        end if;
        insert into public.imports (workspace_id, user_id, kind, filename, format, api_key_id, status, metadata)
        values (
            found_key.workspace_id, found_key.user_id, 'key', service, agent, key, 'done',
            jsonb_build_object('paid_by', 'api', 'key_name', found_key.name)
        )
        on conflict do nothing;
    end loop;
    return json_build_object(
        'import_id', source.id, 'user_id', source.user_id, 'paid_by', source.metadata ->> 'paid_by', 'project_id',
        found_key.project_id
    );
end
$$;

-- FUNCTION private.span_lock(uuid)

CREATE FUNCTION private.span_lock(tenant uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select hashtextextended('tally.spans.' || tenant::text, 0)
$$;

-- FUNCTION private.split_at(uuid, text, timestamp with time zone)

CREATE FUNCTION private.split_at(of_prompt uuid, environment text, instant timestamp with time zone) RETURNS TABLE(from_at timestamp with time zone, shares jsonb, source timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $_$
    select d.from_at, jsonb_object_agg(v.number::text, trim_scale(d.share)), max((d.metadata ->> 'rolled_back_to')::timestamptz)
    from public.prompt_deployments as d
    inner join public.prompt_versions as v on d.version_id = v.id
    where
        d.prompt_id = of_prompt and d.environment = $2
        and d.from_at = (
            select max(o.from_at)
            from public.prompt_deployments as o
            where o.prompt_id = of_prompt and o.environment = $2 and o.from_at <= instant
        )
    group by d.from_at
$_$;

-- FUNCTION private.split_before(uuid, text)

CREATE FUNCTION private.split_before(of_prompt uuid, environment text) RETURNS TABLE(from_at timestamp with time zone, shares jsonb)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $_$
    select b.from_at, b.shares
    from private.split_at(of_prompt, $2, 'infinity') as c
    cross join lateral private.split_at(of_prompt, $2, coalesce(c.source, c.from_at) - interval '1 microsecond') as b
$_$;

-- FUNCTION private.split_by_channel(uuid, text, private.incoming_record[])

CREATE FUNCTION private.split_by_channel(tenant uuid, usual_method text, incoming private.incoming_record[], OUT outdone private.incoming_record[], OUT rest private.incoming_record[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    places constant bigint[] := array(
        select i.place
        from generate_subscripts(incoming, 1) as i (place)
        where
            incoming[i.place].metadata ? 'channel'
            and incoming[i.place].source_key is not null
            and private.is_outdone(
                tenant, incoming[i.place].metadata, coalesce(incoming[i.place].collection_method, usual_method)
            )
    );
begin
    outdone := array(select incoming[p.place] from unnest(places) as p (place));
    rest := incoming;
    if cardinality(places) > 0 then
        rest := array(
            select incoming[i.place] from generate_subscripts(incoming, 1) as i (place) where i.place <> all (places)
        );
    end if;
end
$$;

-- FUNCTION private.spread_over_places(private.incoming_kind[], uuid[])

CREATE FUNCTION private.spread_over_places(kinds private.incoming_kind[], filed uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    if cardinality(array_remove(filed, null)) = 0 then
        return null;
    end if;
    return array(
        select k.filed
        from unnest(kinds, filed) as k (traits, places, filed)
        cross join lateral unnest(k.places) as p (place)
        order by p.place
    );
end
$$;

-- FUNCTION private.stale_days_of(uuid, date, date)

CREATE FUNCTION private.stale_days_of(tenant uuid, first_day date, last_day date) RETURNS private.stale_days[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return array(
        select s
        from private.stale_days as s
        where s.workspace_id = tenant and s.date >= first_day and s.date <= last_day
    );
end
$$;

-- FUNCTION private.statements_on(uuid, uuid[], timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.statements_on(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) RETURNS TABLE(is_record boolean, id uuid, at timestamp with time zone, source_key uuid, line_at timestamp with time zone, rank numeric[], user_id uuid, project_id uuid, project_chosen_by text, import_id uuid, metadata jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
begin
    return query
    select
        false, s.id, s.timestamp, s.source_key, case when s.request_id is null then s.timestamp end, k.rank, s.user_id,
        s.project_id, s.project_chosen_by, s.import_id, s.metadata
    from private.rank_superseded(tenant, keys) as k
    inner join public.superseded_records as s on k.id = s.id
    union all
    select
        true, r.id, r.timestamp, r.source_key, case when r.request_id is null then r.timestamp end, k.rank, r.user_id,
        r.project_id, r.project_chosen_by, r.import_id, r.metadata
    from private.rank_records(tenant, keys, keys, first_at, last_at) as k
    inner join public.cost_records as r on k.id = r.id and k.at = r.timestamp
    where r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp <= last_at;
end
$$;

-- FUNCTION private.stays_filed(public.cost_records)

CREATE FUNCTION private.stays_filed(record public.cost_records) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return record.project_chosen_by is not null
    or exists (select from public.projects as p where p.id = record.project_id and p.archived_at is not null);
end
$$;

-- FUNCTION private.steps_beside_forecast(uuid)

CREATE FUNCTION private.steps_beside_forecast(tenant uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select coalesce(jsonb_agg(s.step order by s.place), '[]')
    from (
        select r.steps
        from public.job_runs as r
        where r.workspace_id = tenant and r.kind = 'nightly'
        order by r.started_at desc
        limit 1
    ) as newest
    cross join lateral jsonb_array_elements(newest.steps) with ordinality as s (step, place)
    where s.step ->> 'step' not in ('forecast', 'score')
$$;

-- FUNCTION private.store_known_calls(uuid, json, json)

CREATE FUNCTION private.store_known_calls(tenant uuid, calls json, links json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform private.require_workspace(tenant, 'member');
    insert into private.telemetry_calls as k (
        workspace_id, id, import_id, trace, names, call, counted_key, counted_at, labels
    )
    select tenant, c.id, c.import_id, c.trace, c.names, c.call, c.counted_key, c.counted_at, c.labels
    from json_to_recordset(calls) as c (
        id uuid, import_id uuid, trace uuid, names uuid[], call jsonb, counted_key uuid, counted_at timestamptz, labels text[]
    )
    order by c.id
    on conflict (workspace_id, id) do update
        set counted_key = excluded.counted_key, counted_at = excluded.counted_at, labels = excluded.labels, seen_at = now();
    insert into private.telemetry_links as k (workspace_id, trace, id, spans, parents, labels)
    select tenant, l.trace, l.id, l.spans, l.parents, l.labels
    from json_to_recordset(links) as l (trace uuid, id uuid, spans text[], parents text[], labels jsonb)
    order by l.trace, l.id
    on conflict (workspace_id, trace, id) do update
        set seen_at = now();
end
$$;

-- FUNCTION private.store_rules(uuid, public.project_rules[])

CREATE FUNCTION private.store_rules(tenant uuid, rules public.project_rules[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    delete from public.project_rules as o
    where
        o.workspace_id = tenant
        and (o.field, o.match, o.value, o.project_id) not in (
            select r.field, r.match, r.value, r.project_id from unnest(rules) as r
        );
    update public.project_rules as o
    set position = r.position
    from unnest(rules) as r
    where
        o.workspace_id = tenant
        and (o.field, o.match, o.value, o.project_id) = (r.field, r.match, r.value, r.project_id)
        and o.position <> r.position;
    insert into public.project_rules
    select r.*
    from unnest(rules) as r
    where (r.field, r.match, r.value, r.project_id) not in (
        select o.field, o.match, o.value, o.project_id from public.project_rules as o where o.workspace_id = tenant
    )
    order by r.position;
end
$$;

-- FUNCTION private.store_spans(uuid, private.incoming_span[], jsonb)

CREATE FUNCTION private.store_spans(tenant uuid, incoming private.incoming_span[], weeks jsonb) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.stored_span(uuid, private.incoming_span, date, uuid, uuid)

CREATE FUNCTION private.stored_span(tenant uuid, r private.incoming_span, week date, person_id uuid, filed_project uuid) RETURNS public.spans
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.sum_days(private.stale_days[])

CREATE FUNCTION private.sum_days(days private.stale_days[]) RETURNS SETOF private.folded_days
    LANGUAGE plpgsql STABLE ROWS 100
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    ts_first constant timestamptz := (select min(d.ts_from) from unnest(days) as d);
    ts_last constant timestamptz := (select max(d.ts_to) from unnest(days) as d);
begin
    if ts_first is null then
        return;
    end if;
    return query
    select
        d.workspace_id, d.date, f.provider_id, p.name, f.project_id, f.user_id, f.model_name, f.cost_basis, f.charge_type,
        f.cost,
        least(f.tokens, 9223372036854775807)::bigint,
        least(f.input, 9223372036854775807)::bigint,
        least(f.output, 9223372036854775807)::bigint,
        least(f.cached, 9223372036854775807)::bigint,
        least(f.written, 9223372036854775807)::bigint,
        least(f.reasoning, 9223372036854775807)::bigint,
        least(f.requests, 9223372036854775807)::bigint,
        f.records,
        f.unpriced
    from unnest(days) as d
    cross join lateral (
        select
            r.provider_id,
            coalesce(r.project_id, '00000000-0000-0000-0000-000000000000') as project_id,
            r.user_id,
            r.model_name,
            r.cost_basis,
            r.charge_type,
            sum(case when r.money_is_effective then r.cost_usd else 0.0000000000 end) as cost,
            sum(case when r.tokens_are_effective then r.tokens_used else 0 end) as tokens,
            sum(case when r.tokens_are_effective then r.input_tokens else 0 end) as input,
            sum(case when r.tokens_are_effective then r.output_tokens else 0 end) as output,
            sum(case when r.tokens_are_effective then r.cached_input_tokens else 0 end) as cached,
            sum(case when r.tokens_are_effective then r.cache_write_tokens else 0 end) as written,
            sum(case when r.tokens_are_effective then r.reasoning_tokens else 0 end) as reasoning,
            sum(case when r.tokens_are_effective then r.request_count else 0 end) as requests,
            count(*) as records,
            count(*) filter (
                where r.cost_usd is null and r.money_is_effective
                and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
            ) as unpriced
        from public.cost_records as r
        where
            r.workspace_id = d.workspace_id
            and r.timestamp >= d.ts_from
            and r.timestamp < d.ts_to
            and r.timestamp >= ts_first
            and r.timestamp < ts_last
        group by 1, 2, 3, 4, 5, 6
    ) as f
    inner join public.providers as p on f.provider_id = p.id;
end
$$;

-- FUNCTION private.sum_dimension(uuid, text, timestamp with time zone, timestamp with time zone, private.daily_question)

CREATE FUNCTION private.sum_dimension(tenant uuid, dimension text, first_at timestamp with time zone, last_at timestamp with time zone, asked private.daily_question) RETURNS TABLE(value text, is_hidden boolean, cost_usd numeric, included_usd numeric, tokens numeric, input_tokens numeric, output_tokens numeric, cached_input_tokens numeric, cache_write_tokens numeric, requests numeric, records bigint, unpriced_records bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_nestloop TO 'off'
    AS $$
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

-- FUNCTION private.sum_divided(uuid, date, date, private.stale_days[], date[], private.daily_question)

CREATE FUNCTION private.sum_divided(tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question) RETURNS SETOF private.daily_row
    LANGUAGE plpgsql STABLE ROWS 2000
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    return query
    select
        p.date, p.provider, p.model_name, p.cost_basis, p.charge_type,
        case
            when asked.split is null then null
            when asked.split = 'project' and p.is_hidden then 'ffffffff-ffff-ffff-ffff-ffffffffffff'
            when asked.split = 'project' then p.project_id
            when p.user_id = asked.caller or (asked.only_named is null and not p.is_hidden) then p.user_id
            else '00000000-0000-0000-0000-000000000000'
        end,
        sum(p.total_cost_usd),
        least(sum(p.total_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_input_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_output_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_cached_input_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_cache_write_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_requests), 9223372036854775807)::bigint,
        sum(p.record_count)::bigint,
        sum(p.unpriced_count)::bigint
    from (
        select
            d.date, d.provider, d.project_id, d.user_id, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd,
            d.total_tokens, d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
            d.total_requests, d.record_count, d.unpriced_count, d.project_id = any (asked.hidden) as is_hidden
        from private.cost_records_daily as d
        where d.workspace_id = tenant and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
        union all
        select
            f.date, f.provider, f.project_id, f.user_id, f.model_name, f.cost_basis, f.charge_type, f.total_cost_usd,
            f.total_tokens, f.total_input_tokens, f.total_output_tokens, f.total_cached_input_tokens, f.total_cache_write_tokens,
            f.total_requests, f.record_count, f.unpriced_count, f.project_id = any (asked.hidden)
        from private.outdated_totals(tenant, outdated, stale) as f
    ) as p
    where
        (asked.of_project is null or p.project_id = asked.of_project)
        and (asked.of_person is null or p.user_id = asked.of_person)
        and (asked.of_person is null or asked.of_person = asked.caller or not p.is_hidden)
    group by 1, 2, 3, 4, 5, 6
    order by 1, 2, 3, 4, 5, 6;
end
$$;

-- FUNCTION private.sum_of_days(uuid, jsonb, text)

CREATE FUNCTION private.sum_of_days(tenant uuid, chosen jsonb, zone text) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    first_at constant timestamptz := (chosen ->> 'first_at')::timestamptz;
    last_at constant timestamptz := (chosen ->> 'last_at')::timestamptz;
    first_day constant date := coalesce((first_at at time zone zone)::date, '-infinity');
    last_day constant date := coalesce((last_at at time zone zone)::date - 1, 'infinity');
    stale private.stale_days[];
    outdated date[];
begin
    if
        private.only_own_rows(tenant) is not null or exists (select from private.hidden_projects())
        or chosen - array['provider', 'model', 'basis', 'first_at', 'last_at'] <> '{}'
        or first_at is not null and private.day_start(first_day, zone) <> first_at
        or last_at is not null and private.day_start(last_day + 1, zone) <> last_at
    then
        return null;
    end if;
    stale := private.stale_days_of(tenant, first_day, last_day);
    outdated := private.outdated_days(tenant, first_day, last_day, stale);
    return (
        with rows as (
            select
                d.date, d.provider_id, d.model_name, d.cost_basis, d.total_cost_usd, d.total_tokens, d.record_count, d.unpriced_count
            from private.cost_records_daily as d
            where d.workspace_id = tenant and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
            union all
            select
                d.date, d.provider_id, d.model_name, d.cost_basis, d.total_cost_usd, d.total_tokens, d.record_count, d.unpriced_count
            from private.outdated_totals(tenant, outdated, stale) as d
        ),

        days as (
            select
                r.date, sum(r.record_count) as records, sum(r.unpriced_count) as unpriced,
                coalesce(sum(r.total_cost_usd) filter (where r.cost_basis <> 'included'), 0) as spend,
                coalesce(sum(r.total_cost_usd) filter (where r.cost_basis = 'included'), 0) as included,
                sum(r.total_tokens) as tokens
            from rows as r
            where
                (not chosen ? 'provider' or r.provider_id = (chosen ->> 'provider')::uuid)
                and (not chosen ? 'model' or r.model_name = chosen ->> 'model')
                and (not chosen ? 'basis' or r.cost_basis = chosen ->> 'basis')
            group by r.date
        )

        select
            json_build_object(
                'records', coalesce(sum(d.records), 0), 'unpriced', coalesce(sum(d.unpriced), 0),
                'days', coalesce(
                    json_agg(json_build_array(d.date, d.spend::text, d.included::text, d.tokens) order by d.date), '[]'
                )
            )
        from days as d
    );
end
$$;

-- FUNCTION private.sum_statements(uuid, date, date, uuid, uuid[])

CREATE FUNCTION private.sum_statements(tenant uuid, from_date date, to_date date, only_user uuid, hidden uuid[]) RETURNS TABLE(day date, billing_account text, model_key text, model_name text, import_id uuid, collection_method text, dataset text, cost_basis text, charge_type text, token_type text, is_special boolean, is_effective boolean, cost_usd numeric, unpriced_records bigint, tokens numeric, input_tokens numeric, output_tokens numeric, cached_input_tokens numeric, cache_write_tokens numeric, reasoning_tokens numeric, requests numeric, records bigint, effective_usd numeric, money_is_effective boolean, effective_tokens numeric, tokens_are_effective boolean)
    LANGUAGE sql STABLE
    SET search_path TO ''
    SET work_mem TO '64MB'
    AS $_$
    with identified as (
        select
            split_part(p.billing_account, ':', 1) as provider,
            date_trunc('month', p.day::timestamp)::date as month,
            min(p.billing_account) as account
        from private.day_parts as p
        where
            p.workspace_id = tenant
            and split_part(p.billing_account, ':', 2) like '@%'
            and p.day >= date_trunc('month', coalesce(from_date, date '2020-01-01')::timestamp)
            and p.day <= coalesce(to_date, date '2100-01-01') + 31
        group by 1, 2
        having min(p.billing_account) = max(p.billing_account)
    )

    select
        (s.timestamp at time zone 'UTC')::date, coalesce(a.account, s.billing_account), s.model_key, s.model_name, s.import_id,
        s.collection_method, s.dataset, s.cost_basis, s.charge_type,
        -- The kind of tokens that a line of a bill is for; OpenAI names it behind the model.
        coalesce(s.metadata ->> 'token_type', substring(s.metadata ->> 'line_item' from ', (.+)$'), ''),
        -- Batch, a long context or anything else that has a price of its own.
        s.metadata ?| array['context_window', 'service_tier', 'batch', 'speed', 'inference_geo']
        or coalesce(s.metadata ->> 'usage_type', '') = 'batch',
        s.is_effective,
        sum(s.cost_usd), count(*) filter (where s.cost_usd is null and not private.is_failed_call(s.tokens_used, s.metadata)),
        sum(s.tokens_used), sum(s.input_tokens), sum(s.output_tokens), sum(s.cached_input_tokens),
        sum(s.cache_write_tokens), sum(s.reasoning_tokens), sum(s.request_count), count(*),
        sum(case when s.money_is_effective then s.cost_usd else 0.0000000000 end) filter (where s.is_effective),
        coalesce(bool_or(s.money_is_effective and s.cost_usd is distinct from 0), false),
        coalesce(sum(s.tokens_used) filter (where s.tokens_are_effective), 0),
        coalesce(bool_or(s.tokens_are_effective and s.tokens_used + s.request_count > 0), false)
    from private.statements as s
    left join identified as a
        on s.billing_account = a.provider and date_trunc('month', s.timestamp at time zone 'UTC')::date = a.month
    where
        s.workspace_id = tenant
        and s.billing_account is not null
        and s.timestamp >= coalesce(from_date, date '2020-01-01')::timestamp at time zone 'UTC'
        and s.timestamp < (coalesce(to_date, date '2100-01-01') + 1)::timestamp at time zone 'UTC'
        and (only_user is null or s.user_id = only_user)
        and (s.project_id is null or s.project_id <> all (hidden) or s.user_id = auth.uid())
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
$_$;

-- FUNCTION private.sum_traces(uuid, text[], date[])

CREATE FUNCTION private.sum_traces(tenant uuid, ids text[], weeks date[]) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.supersede_repeated(uuid, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.supersede_repeated(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    with repeated as (
        delete from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= first_at
            and r.timestamp < last_at
            and r.request_id is not null
            and exists (
                select
                from public.cost_records as o
                where
                    o.workspace_id = tenant
                    and o.source_key = r.source_key
                    and o.request_id is not null
                    and (o.timestamp < first_at or o.timestamp >= last_at)
            )
        returning r.*
    )

    insert into public.superseded_records (
        id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, source_key, request_id,
        timestamp, day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
        output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
        charge_type, metadata, created_at, updated_at
    )
    select
        r.id, r.workspace_id, r.user_id, r.project_id, r.project_chosen_by, r.provider_id, r.import_id, r.subscription_id,
        r.source_key, r.request_id, r.timestamp, r.day, r.model_name, r.billing_account, r.dataset, r.billed_under_other_name,
        r.cost_usd, r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
        r.reasoning_tokens, r.request_count, r.collection_method, r.cost_basis, r.charge_type, r.metadata, r.created_at,
        r.updated_at
    from repeated as r
    on conflict do nothing -- a statement saved meanwhile is newer
$$;

-- FUNCTION private.supersede_source(uuid, uuid)

CREATE FUNCTION private.supersede_source(tenant uuid, source uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    with withdrawn as (
        delete from public.cost_records as r
        where r.workspace_id = tenant and r.import_id = source
        returning r.*
    )

    insert into public.superseded_records (
        id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, source_key, request_id,
        timestamp, day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
        output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
        charge_type, metadata, created_at, updated_at
    )
    select
        r.id, r.workspace_id, r.user_id, r.project_id, r.project_chosen_by, r.provider_id, r.import_id, r.subscription_id,
        r.source_key, r.request_id, r.timestamp, r.day, r.model_name, r.billing_account, r.dataset, r.billed_under_other_name,
        r.cost_usd, r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
        r.reasoning_tokens, r.request_count, r.collection_method, r.cost_basis, r.charge_type, r.metadata, r.created_at,
        r.updated_at
    from withdrawn as r
    on conflict do nothing -- a statement saved while a month was archived is newer
$$;

-- FUNCTION private.superseded_calls(uuid, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.superseded_calls(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone) RETURNS SETOF public.superseded_records
    LANGUAGE sql STABLE ROWS 100
    SET search_path TO ''
    AS $$
    select s.*
    from public.superseded_records as s
    inner join public.imports as i on s.import_id = i.id and i.is_enabled
    where
        s.workspace_id = tenant and s.timestamp >= first_at and s.timestamp < last_at and s.collection_method = 'otlp'
        and not exists (
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant
                and r.source_key = s.source_key
                and r.timestamp = s.timestamp
                and r.collection_method = 'otlp'
        )
        and not exists (
            select
            from public.cost_records as r
            where
                r.workspace_id = tenant
                and r.request_id is not null
                and r.source_key = s.source_key
                and s.request_id is not null
                and r.collection_method = 'otlp'
        )
        and not exists (
            select
            from public.superseded_records as o
            inner join public.imports as e on o.import_id = e.id and e.is_enabled
            where
                o.workspace_id = tenant
                and o.source_key = s.source_key
                and o.collection_method = 'otlp'
                and o.id < s.id
        )
$$;

-- FUNCTION private.tags_of(jsonb)

CREATE FUNCTION private.tags_of(tags jsonb) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$
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

-- FUNCTION private.take_back_calls(uuid, uuid[], uuid[], timestamp with time zone[], uuid[])

CREATE FUNCTION private.take_back_calls(tenant uuid, sources uuid[], keys uuid[], at timestamp with time zone[], kept uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    reported constant uuid[] := array(select private.event_of(tenant, k.key) from unnest(kept) as k (key));
    events uuid[];
    superseded record;
begin
    perform private.require_workspace(tenant, 'member');
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    select array_agg(t.import_id), array_agg(e.event), array_agg(t.at)
    into sources, events, at
    from unnest(sources, keys, at) as t (import_id, source_key, at)
    inner join public.imports as i on t.import_id = i.id and i.workspace_id = tenant and i.kind = 'key'
    cross join lateral (select private.event_of(tenant, t.source_key) as event) as e
    where (e.event in (select k.event from unnest(reported) as k (event))) is not true; -- hashed
    if events is null then
        return;
    end if;
    with deleted as (
        delete from public.superseded_records as s
        where s.id = any (
            array(
                select d.id
                from unnest(sources, events, at) as t (import_id, source_key, at)
                cross join lateral (
                    select o.id, o.import_id, o.request_id, o.timestamp
                    from public.superseded_records as o
                    where o.workspace_id = tenant and o.source_key = t.source_key
                    offset 0 -- as in private.rank_superseded
                ) as d
                where d.import_id = t.import_id and (d.request_id is not null or d.timestamp = t.at)
            )
        )
        returning s.source_key, s.timestamp
    )

    select array_agg(d.source_key) as keys, min(d.timestamp) as first_at, max(d.timestamp) as last_at
    into superseded
    from deleted as d;
    delete from public.cost_records as r
    using private.records_of_calls(tenant, events, at) as c
    where r.id = c.id and r.timestamp = c.at and c.import_id = sources[c.nth];
    if superseded.keys is not null then
        perform private.settle_events(tenant, superseded.keys, superseded.first_at, superseded.last_at);
    end if;
    perform private.compare_channels(tenant);
end
$$;

-- FUNCTION private.take_labels(uuid, integer, text[])

CREATE FUNCTION private.take_labels(of_prompt uuid, number integer, labels text[]) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $_$
    update public.prompt_versions as v
    set labels = array(select l from unnest(v.labels) as l where l <> all ($3) order by l)
    where v.prompt_id = of_prompt and v.number <> $2 and v.labels && $3
$_$;

-- FUNCTION private.take_statements(uuid[])

CREATE FUNCTION private.take_statements(ids uuid[]) RETURNS SETOF public.superseded_records
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    delete from public.superseded_records as s
    where s.id = any (ids)
    returning s.*
$$;

-- FUNCTION private.telemetry_lock(uuid)

CREATE FUNCTION private.telemetry_lock(of_workspace uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select hashtextextended('tally.telemetry.' || of_workspace::text, 0)
$$;

-- FUNCTION private.tell_verified_channel()

CREATE FUNCTION private.tell_verified_channel() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    insert into public.deliveries (workspace_id, event_id, channel_id, channel_name, kind)
    select e.workspace_id, e.id, new.id, new.name, 'open'
    from public.alert_events as e
    where
        e.workspace_id = new.workspace_id
        and e.state = 'open'
        and e.occurred_at > now() - interval '7 days'
        and not exists (select from public.deliveries as d where d.workspace_id = e.workspace_id and d.event_id = e.id)
        and (
            e.kind <> 'budget'
            or not exists (
                select from public.budget_channels as b where b.workspace_id = e.workspace_id and b.budget_id::text = e.subject
            )
            or exists (
                select
                from public.budget_channels as b
                where b.workspace_id = e.workspace_id and b.budget_id::text = e.subject and b.channel_id = new.id
            )
        )
    order by e.occurred_at desc
    limit 10
    on conflict do nothing;
    return null;
end
$$;

-- FUNCTION private.timezone_lock(uuid)

CREATE FUNCTION private.timezone_lock(of_workspace uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select hashtextextended('tally.timezone.' || of_workspace::text, 0)
$$;

-- FUNCTION private.timezone_of(uuid)

CREATE FUNCTION private.timezone_of(of_workspace uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select coalesce((select w.timezone from public.workspaces as w where w.id = of_workspace), 'UTC')
$$;

-- FUNCTION private.told_places(uuid, timestamp with time zone, timestamp with time zone, uuid, uuid[])

CREATE FUNCTION private.told_places(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone, only_own uuid, hidden uuid[]) RETURNS TABLE(source_key uuid, line_at timestamp with time zone, agent text, session text, repository text, branch text)
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION private.told_prompts(uuid)

CREATE FUNCTION private.told_prompts(tenant uuid) RETURNS TABLE(name text, version text, first_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 100
    SET search_path TO ''
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $$
    with recursive pairs as (
        (
            select
                left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200) as name,
                left(coalesce(btrim(r.metadata ->> 'prompt_version'), ''), 100) as version, r.timestamp as first_at
            from public.cost_records as r
            where r.workspace_id = tenant and r.metadata ? 'prompt_name'
            order by 1, 2, 3
            limit 1
        )
        union all
        select n.name, n.version, n.first_at
        from pairs as p
        cross join lateral (
            select
                left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200) as name,
                left(coalesce(btrim(r.metadata ->> 'prompt_version'), ''), 100) as version, r.timestamp as first_at
            from public.cost_records as r
            where
                r.workspace_id = tenant and r.metadata ? 'prompt_name'
                and (
                    left(coalesce(btrim(r.metadata ->> 'prompt_name'), ''), 200),
                    left(coalesce(btrim(r.metadata ->> 'prompt_version'), ''), 100)
                ) > (p.name, p.version)
            order by 1, 2, 3
            limit 1
        ) as n
    ),

    superseded as (
        (
            select
                left(coalesce(btrim(s.metadata ->> 'prompt_name'), ''), 200) as name,
                left(coalesce(btrim(s.metadata ->> 'prompt_version'), ''), 100) as version, s.timestamp as first_at
            from public.superseded_records as s
            where s.workspace_id = tenant and s.metadata ? 'prompt_name'
            order by 1, 2, 3
            limit 1
        )
        union all
        select n.name, n.version, n.first_at
        from superseded as p
        cross join lateral (
            select
                left(coalesce(btrim(s.metadata ->> 'prompt_name'), ''), 200) as name,
                left(coalesce(btrim(s.metadata ->> 'prompt_version'), ''), 100) as version, s.timestamp as first_at
            from public.superseded_records as s
            where
                s.workspace_id = tenant and s.metadata ? 'prompt_name'
                and (
                    left(coalesce(btrim(s.metadata ->> 'prompt_name'), ''), 200),
                    left(coalesce(btrim(s.metadata ->> 'prompt_version'), ''), 100)
                ) > (p.name, p.version)
            order by 1, 2, 3
            limit 1
        ) as n
    )

    select t.name, t.version, min(t.first_at)
    from (
        (select p.name, p.version, p.first_at from pairs as p limit 20000) -- each step is a look-up: it ends here
        union all
        (select s.name, s.version, s.first_at from superseded as s limit 20000)
    ) as t
    where t.name <> '' and t.name !~ '[[:cntrl:]]'
    group by t.name, t.version
$$;

-- FUNCTION private.told_version(text)

CREATE FUNCTION private.told_version(version text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select regexp_replace($1, '^[vV]?0*([1-9][0-9]{0,3})$', '\1')
$_$;

-- FUNCTION private.top_models(uuid, timestamp with time zone, timestamp with time zone, integer)

CREATE FUNCTION private.top_models(tenant uuid, since timestamp with time zone, until timestamp with time zone, at_most integer) RETURNS TABLE(model_name text, provider text, total_cost_usd numeric, total_tokens numeric, total_requests numeric, share numeric)
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    only_user constant uuid := private.only_own_totals(tenant);
begin
    perform private.check_may_read(tenant);
    return query
    select
        r.model_name,
        p.name,
        coalesce(sum(r.cost_usd), 0),
        sum(r.tokens_used),
        sum(r.request_count),
        round(100 * coalesce(sum(r.cost_usd), 0) / nullif(sum(sum(r.cost_usd)) over (), 0), 4)
    from public.effective_records as r
    inner join public.providers as p on r.provider_id = p.id
    where
        r.workspace_id = tenant
        and r.timestamp >= since
        and r.timestamp < until
        and r.cost_basis <> 'included'
        and (only_user is null or r.user_id = only_user)
    group by r.model_name, p.name
    order by 3 desc, r.model_name, p.name
    limit greatest(least(at_most, 1000), 0);
end
$$;

-- FUNCTION private.total_spend(uuid, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION private.total_spend(tenant uuid, since timestamp with time zone, until timestamp with time zone) RETURNS numeric
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    only_user constant uuid := private.only_own_totals(tenant);
begin
    perform private.check_may_read(tenant);
    return (
        select coalesce(sum(r.cost_usd), 0)
        from public.effective_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= since
            and r.timestamp < until
            and r.cost_basis <> 'included'
            and (only_user is null or r.user_id = only_user)
    );
end
$$;

-- FUNCTION private.touch_api_key(uuid)

CREATE FUNCTION private.touch_api_key(api_key uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.api_keys as k
    set last_used_at = now()
    where k.id = api_key and (k.last_used_at is null or k.last_used_at <= now() - interval '1 minute');
    return found;
end
$$;

-- FUNCTION private.touch_updated_at()

CREATE FUNCTION private.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    new.updated_at := now();
    return new;
end
$$;

-- FUNCTION private.trim_text(text)

CREATE FUNCTION private.trim_text(given text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path TO ''
    AS $_$
begin
    return nullif(
        regexp_replace(
            given, '^[\s\u0085\u00a0\u1680\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]+|'
            '[\s\u0085\u00a0\u1680\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]+$', '', 'g'
        ),
        ''
    );
end
$_$;

-- FUNCTION private.unchanged_part(uuid, text, date)

CREATE FUNCTION private.unchanged_part(of_workspace uuid, account text, of_day date) RETURNS private.day_parts
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select row(of_workspace, account, of_day, '', '', '', false, '', 0, 0, 0, true, true)::private.day_parts
$$;

-- FUNCTION private.undivided_totals(uuid, date[], private.stale_days[])

CREATE FUNCTION private.undivided_totals(tenant uuid, outdated date[], stale private.stale_days[]) RETURNS TABLE(date date, provider text, model_name text, cost_basis text, charge_type text, total_cost_usd numeric, total_tokens bigint, total_input_tokens bigint, total_output_tokens bigint, total_cached_input_tokens bigint, total_cache_write_tokens bigint, total_requests bigint, record_count bigint, unpriced_count bigint)
    LANGUAGE plpgsql STABLE ROWS 100
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    ts_first constant timestamptz := (select min(d.ts_from) from unnest(stale) as d);
    ts_last constant timestamptz := (select max(d.ts_to) from unnest(stale) as d);
begin
    if cardinality(outdated) > cardinality(stale) then
        return query
        select
            f.date, f.provider, f.model_name, f.cost_basis, f.charge_type, f.total_cost_usd, f.total_tokens,
            f.total_input_tokens, f.total_output_tokens, f.total_cached_input_tokens, f.total_cache_write_tokens,
            f.total_requests, f.record_count, f.unpriced_count
        from private.folded_days as f
        where f.workspace_id = tenant and f.date = any (outdated) and f.date not in (select s.date from unnest(stale) as s);
    end if;
    if ts_first is not null then
        return query
        select
            f.day,
            p.name,
            f.model_name,
            case f.kind / 16 when 6 then 'billed' when 8 then 'included' when 9 then 'estimated' end,
            case f.kind % 16
                when 3 then 'tax' when 5 then 'usage' when 6 then 'credit' when 10 then 'adjustment' when 12 then 'subscription'
            end,
            f.cost,
            least(f.tokens, 9223372036854775807)::bigint,
            least(f.input, 9223372036854775807)::bigint,
            least(f.output, 9223372036854775807)::bigint,
            least(f.cached, 9223372036854775807)::bigint,
            least(f.written, 9223372036854775807)::bigint,
            least(f.requests, 9223372036854775807)::bigint,
            f.records,
            f.unpriced
        from (
            select d.date as day, g.*
            from unnest(stale) as d
            cross join lateral (
                select
                    r.provider_id,
                    octet_length(r.cost_basis) * 16 + octet_length(r.charge_type) as kind,
                    r.model_name,
                    sum(case when r.money_is_effective then r.cost_usd else 0.0000000000 end) as cost,
                    sum(case when r.tokens_are_effective then r.tokens_used else 0 end) as tokens,
                    sum(case when r.tokens_are_effective then r.input_tokens else 0 end) as input,
                    sum(case when r.tokens_are_effective then r.output_tokens else 0 end) as output,
                    sum(case when r.tokens_are_effective then r.cached_input_tokens else 0 end) as cached,
                    sum(case when r.tokens_are_effective then r.cache_write_tokens else 0 end) as written,
                    sum(case when r.tokens_are_effective then r.request_count else 0 end) as requests,
                    count(*) as records,
                    count(*) filter (
                        where r.cost_usd is null and r.money_is_effective
                        and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
                    ) as unpriced
                from public.cost_records as r
                where
                    r.workspace_id = d.workspace_id
                    and r.timestamp >= d.ts_from
                    and r.timestamp < d.ts_to
                    and r.timestamp >= ts_first
                    and r.timestamp < ts_last
                group by 1, 2, 3
            ) as g
            offset 0 -- else providers are joined for each day
        ) as f
        inner join public.providers as p on f.provider_id = p.id;
    end if;
end
$$;

-- FUNCTION private.unregistered_workspaces()

CREATE FUNCTION private.unregistered_workspaces() RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select i.workspace_id
    from public.imports as i
    left join private.prompt_registrations as r on i.workspace_id = r.workspace_id
    group by i.workspace_id, r.registered_at
    having r.registered_at is null or max(i.updated_at) > r.registered_at - interval '10 minutes'
$$;

-- FUNCTION private.unsubscribe_token(uuid, text)

CREATE FUNCTION private.unsubscribe_token(person uuid, offered text) RETURNS text
    LANGUAGE sql
    SET search_path TO ''
    AS $_$
    insert into private.unsubscribing as t (user_id, token)
    values ($1, $2)
    on conflict (user_id) do update set token = t.token
    returning t.token
$_$;

-- FUNCTION private.upkeep_lock()

CREATE FUNCTION private.upkeep_lock() RETURNS bigint
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select hashtextextended('tally.refresh', 0)
$$;

-- FUNCTION private.verify_api_key(bytea)

CREATE FUNCTION private.verify_api_key(digest bytea) RETURNS TABLE(key_id uuid, user_id uuid, workspace_id uuid, project_id uuid, name text, scopes text[], requests_per_minute integer, tokens_per_minute bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO ''
    AS $$
begin
    return query
    select
        k.id, k.user_id, k.workspace_id, k.project_id, k.name, a.scopes, k.requests_per_minute, k.tokens_per_minute
    from public.api_keys as k
    inner join public.members as m on k.user_id = m.user_id and k.workspace_id = m.workspace_id
    inner join auth.users as u on k.user_id = u.id
    left join public.projects as p on k.project_id = p.id
    cross join lateral (
        select case when m.role = 'viewer' then array_remove(k.scopes, 'ingest') else k.scopes end as scopes
    ) as a
    where
        k.key_hash = digest
        and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now())
        and a.scopes <> '{}'
        -- A column that only hosted projects have.
        and coalesce((to_jsonb(u) ->> 'banned_until')::timestamptz, '-infinity') <= now()
        and (
            k.project_id is null
            or (
                p.archived_at is null
                and (
                    not p.is_private
                    or m.role in ('admin', 'owner')
                    or exists (
                        select from public.project_members as o where o.project_id = p.id and o.user_id = m.user_id
                    )
                )
            )
        );
end
$$;

-- FUNCTION private.wait_for_saves()

CREATE FUNCTION private.wait_for_saves() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock(private.save_lock(w.id))
    from (select w.id from private.workspaces_as('member') as w (id) order by 1) as w;
    return null;
end
$$;

-- FUNCTION private.wait_to_file(uuid)

CREATE FUNCTION private.wait_to_file(tenant uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
end
$$;

-- FUNCTION private.weeks_of_spans(uuid)

CREATE FUNCTION private.weeks_of_spans(tenant uuid) RETURNS date[]
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select coalesce(array_agg(distinct t.week order by t.week), '{}') from public.traces as t where t.workspace_id = tenant
$$;

-- FUNCTION private.weeks_of_traces(uuid, private.incoming_span[])

CREATE FUNCTION private.weeks_of_traces(tenant uuid, incoming private.incoming_span[]) RETURNS TABLE(trace_id text, week date)
    LANGUAGE sql STABLE
    SET search_path TO ''
    SET enable_sort TO 'off'
    AS $$
    select i.trace_id, coalesce(t.week, date_trunc('week', i.started_at at time zone 'UTC')::date)
    from (select r.trace_id, min(r.started_at) as started_at from unnest(incoming) as r group by r.trace_id) as i
    left join lateral (
        select f.week from public.traces as f
        where f.workspace_id = tenant and f.trace_id >= i.trace_id and f.trace_id <= i.trace_id
        order by f.trace_id
        limit 1
    ) as t on true
$$;

-- FUNCTION private.where_records(jsonb)

CREATE FUNCTION private.where_records(chosen jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select concat_ws(
        ' and ',
        'r.workspace_id = $1 and (r.user_id = $7 or ($8 is null and (r.project_id = any ($9)) is not true))',
        case when chosen ? 'provider' then 'r.provider_id = ($2 ->> ''provider'')::uuid' end,
        case when chosen ? 'model' then 'r.model_name = $2 ->> ''model''' end,
        case when chosen ? 'method' then 'r.collection_method = $2 ->> ''method''' end,
        case when chosen ? 'basis' then 'r.cost_basis = $2 ->> ''basis''' end,
        case when chosen ? 'account' then 'r.billing_account = $2 ->> ''account''' end,
        case
            when chosen -> 'project' = 'null' then 'r.project_id is null'
            when chosen ? 'project' then 'r.project_id = ($2 ->> ''project'')::uuid'
        end,
        case when chosen ? 'session' then
            'r.metadata ?| array[''session'', ''session_id''] and left(coalesce(nullif(btrim(r.metadata ->> ''session''), ''''), '
            'nullif(btrim(r.metadata ->> ''session_id''), '''')), 200) = left(btrim($2 ->> ''session''), 200)'
        end,
        case when chosen ? 'first_at' then 'r.timestamp >= $3' end,
        case when chosen ? 'last_at' then 'r.timestamp < $4' end,
        case when chosen ->> 'search' <> '' then
            '(strpos(lower(concat_ws(chr(10), r.model_name, r.request_id, r.metadata ->> ''note'', r.metadata ->> ''session'', '
            'r.metadata ->> ''session_id'')), lower($2 ->> ''search'')) > 0 or r.project_id = any ($5))'
        end,
        case when chosen ? 'before' then
            'r.timestamp <= $6 and (r.timestamp < $6 or r.id > ($2 #>> ''{before,id}'')::uuid)'
        end
    )
$_$;

-- FUNCTION private.workspace_of_source(uuid)

CREATE FUNCTION private.workspace_of_source(source uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return (
        select i.workspace_id
        from public.imports as i
        where
            i.id = source
            and i.workspace_id = any(array(select private.workspaces_as('member')))
            and (
                (i.credential_id is null and i.user_id = auth.uid())
                or i.workspace_id = any(array(select private.workspaces_as('admin')))
            )
    );
end
$$;

-- FUNCTION private.workspaces_as(text)

CREATE FUNCTION private.workspaces_as(at_least text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
    SET search_path TO ''
    AS $$
begin
    return query
    select m.workspace_id
    from public.members as m
    where
        m.user_id = (select auth.uid())
        and array_position(array['viewer', 'member', 'admin', 'owner'], m.role)
        >= array_position(array['viewer', 'member', 'admin', 'owner'], at_least);
end
$$;

-- FUNCTION private.workspaces_showing_people()

CREATE FUNCTION private.workspaces_showing_people() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
    SET search_path TO ''
    AS $$
begin
    return query
    select m.workspace_id
    from public.members as m
    inner join public.workspaces as w on m.workspace_id = w.id
    where m.user_id = (select auth.uid()) and (m.role in ('admin', 'owner') or w.person_split = 'everyone');
end
$$;

-- FUNCTION private.workspaces_showing_totals()

CREATE FUNCTION private.workspaces_showing_totals() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
    SET search_path TO ''
    AS $$
begin
    return query
    select m.workspace_id
    from public.members as m
    inner join public.workspaces as w on m.workspace_id = w.id
    where m.user_id = (select auth.uid()) and (m.role in ('admin', 'owner') or w.person_split <> 'own');
end
$$;

-- FUNCTION private.write_aliases(public.person_aliases[])

CREATE FUNCTION private.write_aliases(aliases public.person_aliases[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select coalesce(jsonb_object_agg(a.value, a.user_id), '{}') from unnest(aliases) as a
$$;

-- FUNCTION private.write_audit(uuid, jsonb)

CREATE FUNCTION private.write_audit(tenant uuid, entry jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into public.audit_logs (
        workspace_id, user_id, actor, actor_id, action, table_name, row_id, changed_columns, before, after, metadata, address,
        user_agent
    )
    select
        w.id, e.user_id, private.current_actor(), auth.uid(), e.action, e.table_name, e.row_id, coalesce(e.changed_columns, '{}'),
        e.before, e.after, coalesce(e.metadata, '{}'), o.address, o.user_agent
    from public.workspaces as w
    cross join jsonb_populate_record(null::public.audit_logs, entry) as e
    left join (
        select
            private.request_address() as address,
            coalesce(private.request_header('x-tally-user-agent', 300), private.request_header('user-agent', 300)) as user_agent
    ) as o
        on auth.uid() is null or exists (select from auth.users as u where u.id = auth.uid()) -- not of who just deleted it
    where w.id = tenant and entry is not null
$$;

-- FUNCTION private.write_rules(public.project_rules[])

CREATE FUNCTION private.write_rules(rules public.project_rules[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select
        coalesce(
            jsonb_agg(
                jsonb_build_object('field', r.field, 'match', r.match, 'value', r.value, 'project_id', r.project_id)
                order by r.position
            ),
            '[]'
        )
    from unnest(rules) as r
$$;

-- FUNCTION public.accept_invitation(text)

CREATE FUNCTION public.accept_invitation(token text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    hashed constant text := private.hash_token($1);
    invitation public.invitations;
    joined uuid := private.joined_by($1);
begin
    if joined is null then
        -- Others who change the workspace's people, or use this token, go first; then everything is checked.
        perform from public.workspaces as w
        where w.id = (select i.workspace_id from public.invitations as i where i.token_sha256 = decode(hashed, 'hex'))
        for no key update;
        joined := private.joined_by($1);
    end if;
    if joined is not null then
        return joined;
    end if;
    invitation := private.require_invitation($1);
    delete from public.invitations as i where i.id = invitation.id;
    if not found then
        raise exception 'This invitation was cancelled. Ask for a new one.' using errcode = '22023';
    end if;
    insert into public.members (workspace_id, user_id, role, metadata)
    values (invitation.workspace_id, auth.uid(), invitation.role, jsonb_build_object('invitation_sha256', hashed))
    on conflict do nothing;
    return invitation.workspace_id;
end
$_$;

-- FUNCTION public.agent_days(uuid, text[], date, date, uuid)

CREATE FUNCTION public.agent_days(workspace uuid, agents text[], from_date date, to_date date, person uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $_$
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
$_$;

-- FUNCTION public.agent_models(uuid, text[], date, date, uuid)

CREATE FUNCTION public.agent_models(workspace uuid, agents text[], from_date date, to_date date, person uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $_$
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
$_$;

-- FUNCTION public.agent_places(uuid, text[], date, date, uuid)

CREATE FUNCTION public.agent_places(workspace uuid, agents text[], from_date date, to_date date, person uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $_$
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
$_$;

-- FUNCTION public.agent_session(uuid, text)

CREATE FUNCTION public.agent_session(workspace uuid, session text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
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
        )

        select
            case when count(*) > 0 then json_build_object(
                'requests', sum(f.requests), 'records', count(*), 'first_at', min(f.at), 'last_at', max(f.at),
                'cost_usd', coalesce(sum(f.cost_usd) filter (where not f.is_included), 0)::text,
                'included_usd', coalesce(sum(f.cost_usd) filter (where f.is_included), 0)::text,
                'unpriced', count(*) filter (where f.cost_usd is null),
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
$_$;

-- FUNCTION public.agent_sessions(uuid, text[], date, date, uuid, integer)

CREATE FUNCTION public.agent_sessions(workspace uuid, agents text[], from_date date, to_date date, person uuid DEFAULT NULL::uuid, top_n integer DEFAULT 10) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $_$
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
$_$;

-- FUNCTION public.apply_prices(uuid, json, uuid)

CREATE FUNCTION public.apply_prices(run_id uuid, changes json, workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '6s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    priced record;
begin
    if run_id is null or json_typeof(changes) is distinct from 'array' or json_array_length(changes) > 5000 then
        raise exception 'Changes must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    -- As a save that restates: one at a time, and no change of the time zone meanwhile.
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    priced := private.reprice(tenant, changes);
    if priced.applied > 0 then
        perform private.audit_repricing(tenant, run_id, priced.applied, priced.before_usd, priced.after_usd);
    end if;
    return json_build_object('applied', priced.applied, 'skipped', json_array_length(changes) - priced.applied);
end
$$;

-- FUNCTION public.archive_project(uuid)

CREATE FUNCTION public.archive_project(project uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    archived constant public.projects := private.require_project(project);
begin
    update public.projects as p
    set archived_at = now()
    where p.id = archived.id and p.archived_at is null;
end
$$;

-- FUNCTION public.archive_prompt(uuid, text, boolean)

CREATE FUNCTION public.archive_prompt(workspace uuid, prompt text, archived boolean DEFAULT true) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    changed constant public.prompts := private.require_prompt(tenant, $2);
begin
    update public.prompts as p
    set archived_at = case when $3 then now() end
    where p.id = changed.id and (p.archived_at is null) = $3;
end
$_$;

-- FUNCTION public.attach_partition(integer, integer)

CREATE FUNCTION public.attach_partition(year integer, month integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    partition_name constant text := format('cost_records_%s_%s', year, lpad(month::text, 2, '0'));
begin
    delete from private.archived_months as a
    where a.month = make_date(year, attach_partition.month, 1) and to_regclass(format('private.%I', partition_name)) is not null;
    if not found then
        raise exception 'There is no archived table for year %, month %.', year, month using errcode = '22023';
    end if;
    perform private.share_timezones_of(partition_name);
    perform private.forget_deleted(partition_name);
    perform private.attach_month(partition_name, make_date(year, month, 1));
    perform private.catch_up_month(make_date(year, month, 1)::timestamp at time zone 'UTC');
    perform private.mark_month(partition_name);
    return 'private.' || partition_name;
end
$$;

-- FUNCTION public.budget_status(uuid)

CREATE FUNCTION public.budget_status(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    is_admin constant boolean := exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant);
    shows_totals constant boolean := private.only_own_totals(tenant) is null;
    hidden constant uuid[] := array(select private.hidden_projects());
    visible constant uuid[] := array(
        select b.id
        from public.budgets as b
        where
            b.workspace_id = tenant
            and (is_admin or b.user_id = auth.uid() or (b.user_id is null and shows_totals))
            and (b.project_id is null or b.project_id <> all (hidden))
    );
begin
    if cardinality(visible) = 0 then
        return json '[]';
    end if;
    return (
        select coalesce(json_agg(f.facts order by f.facts ->> 'name', f.budget_id), '[]')
        from private.budget_facts(array[tenant], now(), true, true, visible) as f
    );
end
$$;

-- FUNCTION public.cancel_invitation(uuid)

CREATE FUNCTION public.cancel_invitation(invitation uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    gone public.invitations;
begin
    delete from public.invitations as i
    where i.id = $1 and i.workspace_id = any(array(select private.workspaces_as('admin')))
    returning * into gone;
    if gone.id is null then
        raise exception 'This invitation no longer exists. Reload the list of people.' using errcode = '22023';
    end if;
    perform private.audit_invitation('cancel', gone);
end
$_$;

-- FUNCTION public.change_api_key(uuid, jsonb)

CREATE FUNCTION public.change_api_key(api_key uuid, details jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    found_one constant public.api_keys := private.require_api_key(api_key);
    wanted public.api_keys := jsonb_populate_record(found_one, coalesce(details, '{}'));
begin
    perform private.refuse_ended_key(found_one);
    wanted.name := private.clean_name(wanted.name, 'key');
    perform private.check_key_details(found_one.workspace_id, wanted);
    update public.api_keys as k
    set
        name = wanted.name,
        project_id = wanted.project_id,
        requests_per_minute = wanted.requests_per_minute,
        tokens_per_minute = wanted.tokens_per_minute,
        expires_at = wanted.expires_at
    where k.id = found_one.id;
end
$$;

-- FUNCTION public.change_prompt(uuid, text, text[], uuid)

CREATE FUNCTION public.change_prompt(workspace uuid, prompt text, tags text[], project uuid DEFAULT NULL::uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    changed constant public.prompts := private.require_prompt(tenant, $2, true);
    cleaned constant text[] := private.clean_words($3, 'tag', 20);
begin
    if
        $4 is not null
        and not exists (
            select
            from public.projects as j
            where j.workspace_id = tenant and j.id = $4 and j.id not in (select private.hidden_projects())
        )
    then
        raise exception 'There is no such project in this workspace. Reload the page.' using errcode = '22023';
    end if;
    update public.prompts as p set tags = cleaned, project_id = $4 where p.id = changed.id;
end
$_$;

-- FUNCTION public.confirm_channel(text)

CREATE FUNCTION public.confirm_channel(token text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant uuid;
begin
    update public.channels as c
    set verified_at = coalesce(c.verified_at, now()), verified_by = coalesce(c.verified_by, 'link'), must_agree = false
    where c.confirmation_sha256 = decode(private.hash_token($1), 'hex') and c.confirmation_expires_at > now()
    returning c.workspace_id into tenant;
    if tenant is null then
        raise exception 'This link has expired, or a newer one was sent. Ask for a new one.' using errcode = '22023';
    end if;
    return (select w.name from public.workspaces as w where w.id = tenant);
end
$_$;

-- FUNCTION public.costs_by_dimension(uuid, text, date, date, integer, uuid)

CREATE FUNCTION public.costs_by_dimension(workspace uuid, dimension text, from_date date, to_date date, top_n integer DEFAULT 8, project uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '30s'
    AS $$
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
    if from_date is null or to_date is null or to_date - from_date > 3700 then
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

-- FUNCTION public.count_audit_log(uuid, text)

CREATE FUNCTION public.count_audit_log(workspace uuid, search text) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    wanted constant text := nullif(lower(trim($2)), '');
begin
    return (
        select count(*)
        from public.audit_logs as a
        left join auth.users as c on a.actor_id = c.id
        left join auth.users as o on a.user_id = o.id
        where a.workspace_id = tenant and (wanted is null or private.entry_contains(a, c.email, o.email, wanted))
    );
end
$_$;

-- FUNCTION public.count_by_rule(uuid)

CREATE FUNCTION public.count_by_rule(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET work_mem TO '64MB'
    SET statement_timeout TO '60s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    rules constant public.project_rules[] := private.active_rules(tenant);
    named public.project_rules[] := rules; -- they file under their own ids
begin
    for nth in 1..cardinality(named) loop
        named[nth].project_id := named[nth].id;
    end loop;
    return (
        with kinds as materialized (
            select
                row_number() over () as nth, s.traits, s.project_id, count(*) as records,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis <> 'included'), 0) as cost_usd
            from private.described_statements(tenant, private.fields_of(rules)) as s
            where s.is_record and s.project_id is not null and s.project_chosen_by is null
            group by s.traits, s.project_id
        ),

        filed as (
            select r.id as rule, sum(k.records)::bigint as records, sum(k.cost_usd)::text as cost_usd
            from unnest(
                private.match_rules(named, (select array_agg(k.traits order by k.nth) from kinds as k))
            ) with ordinality as m (rule, nth)
            inner join kinds as k on m.nth = k.nth
            inner join unnest(rules) as r on m.rule = r.id and k.project_id = r.project_id
            group by r.id
        )

        select coalesce(json_agg(f), '[]') from filed as f
    );
end
$$;

-- FUNCTION public.create_api_key(uuid, jsonb)

CREATE FUNCTION public.create_api_key(workspace uuid, details jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.begin_key_change(workspace, 'member');
    given public.api_keys := jsonb_populate_record(null::public.api_keys, details);
begin
    given.name := private.clean_name(given.name, 'key');
    if given.scopes is null or given.scopes = '{}' or not given.scopes <@ array['ingest', 'read'] then
        raise exception 'Choose what the key may do: send, read, or both.' using errcode = '22023';
    end if;
    perform private.check_key_details(tenant, given);
    given.id := gen_random_uuid();
    given.workspace_id := tenant;
    given.user_id := auth.uid();
    given.scopes := array(select s.name from unnest(array['ingest', 'read']) as s (name) where s.name = any (given.scopes));
    return private.add_api_key(given);
end
$$;

-- FUNCTION public.create_monthly_partition(integer, integer)

CREATE FUNCTION public.create_monthly_partition(year integer, month integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if not coalesce(month between 1 and 12 and year between 2020 and extract(year from now()) + 10, false) then
        raise exception 'No such month: year %, month %.', year, month using errcode = '22023';
    end if;
    if exists (select from private.archived_months as a where a.month = make_date(year, create_monthly_partition.month, 1)) then
        raise exception 'Year %, month % has been archived.', year, month using errcode = '22023';
    end if;
    perform private.create_month(make_date(year, month, 1));
    return format('private.cost_records_%s_%s', year, lpad(month::text, 2, '0'));
end
$$;

-- FUNCTION public.create_project(uuid, text, boolean)

CREATE FUNCTION public.create_project(workspace uuid, name text, is_private boolean DEFAULT false) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    chosen constant text := private.clean_name($2, 'project');
    made uuid;
begin
    perform private.check_project_limits(tenant, true);
    insert into public.projects as p (workspace_id, name, slug, is_private)
    values (tenant, chosen, private.free_slug(tenant, chosen), coalesce($3, false))
    returning p.id into made;
    return made;
end
$_$;

-- FUNCTION public.create_workspace(text, text, text)

CREATE FUNCTION public.create_workspace(name text, timezone text, currency text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    caller constant uuid := private.require_caller();
    made uuid;
begin
    -- One at a time, or two calls at once would pass the limit.
    perform from auth.users as u where u.id = caller for no key update;
    if
        (
            select count(*) >= 100
            from public.members as m
            where m.user_id = caller and m.role = 'owner' and m.workspace_id <> caller
        )
    then
        raise exception 'You own 100 workspaces. Delete one before you add another.' using errcode = '22023';
    end if;
    insert into public.workspaces (name, timezone, currency)
    values (private.clean_name($1, 'workspace'), coalesce($2, 'UTC'), private.check_currency(coalesce($3, 'USD')))
    returning id into made;
    perform private.write_audit(
        made,
        (
            select private.describe_change('workspaces', null, to_jsonb(w), array['name', 'timezone', 'currency'])
            from public.workspaces as w
            where w.id = made
        )
    );
    insert into public.members (workspace_id, user_id, role) values (made, caller, 'owner');
    return made;
end
$_$;

-- FUNCTION public.daily_costs(date, date, uuid, uuid, text, uuid)

CREATE FUNCTION public.daily_costs(from_date date DEFAULT NULL::date, to_date date DEFAULT NULL::date, workspace uuid DEFAULT NULL::uuid, project uuid DEFAULT NULL::uuid, split text DEFAULT NULL::text, person uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    first_day constant date := coalesce(from_date, '-infinity');
    last_day constant date := coalesce(to_date, 'infinity');
    stale constant private.stale_days[] := private.stale_days_of(tenant, first_day, last_day);
    outdated constant date[] := private.outdated_days(tenant, first_day, last_day, stale);
begin
    if
        project is null
        and split is null
        and person is null
        and not exists (select from private.divided_workspaces as d where d.workspace_id = tenant)
    then
        return private.read_undivided(tenant, first_day, last_day, stale, outdated);
    end if;
    return private.read_divided(
        tenant, first_day, last_day, stale, outdated, private.ask_for_days(tenant, split, project, person)
    );
end
$$;

-- FUNCTION public.data_version(uuid)

CREATE FUNCTION public.data_version(workspace uuid DEFAULT NULL::uuid) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select
            concat_ws(
                '.',
                m.role || '-' || m.xmin::text,
                coalesce((select r.gen::text from private.refreshes as r), '0'),
                coalesce((select c.gen::text from private.workspace_changes as c where c.workspace_id = m.workspace_id), '0'),
                (
                    select count(*) || '-' || coalesce(sum(hashtextextended(d.date || ' ' || d.gen, 0)), 0)
                    from (
                        select s.date, s.gen
                        from private.stale_days as s
                        where s.workspace_id = m.workspace_id
                        union all
                        select o.date, o.gen
                        from private.overridden_days as o
                        where
                            o.workspace_id = m.workspace_id
                            and not exists (
                                select
                                from private.stale_days as s
                                where s.workspace_id = o.workspace_id and s.date = o.date
                            )
                    ) as d
                ),
                (
                    select count(*) || '-' || coalesce(sum(hashtextextended(o.name || ' ' || o.version, 0)), 0)
                    from (
                        select 'workspace' as name, w.xmin::text as version
                        from public.workspaces as w
                        where w.id = m.workspace_id
                        union all
                        select 'preferences', p.xmin::text
                        from public.user_preferences as p
                        where p.user_id = m.user_id
                        union all
                        select i.id::text, i.xmin::text
                        from public.imports as i
                        where i.workspace_id = m.workspace_id
                        union all
                        select s.id::text, s.xmin::text
                        from public.subscriptions as s
                        where s.workspace_id = m.workspace_id
                    ) as o
                )
            )
        from public.members as m
        where m.user_id = (select auth.uid()) and m.workspace_id = tenant
    );
end
$$;

-- FUNCTION public.decide_advice(uuid, text)

CREATE FUNCTION public.decide_advice(advice uuid, status text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
#variable_conflict use_column
declare
    wanted constant text := $2;
    before_it public.advice;
begin
    select a.* into before_it
    from public.advice as a
    where
        a.id = $1
        and a.workspace_id = any(array(select private.workspaces_as('viewer')))
        and (a.project_id is null or a.project_id <> all(array(select private.hidden_projects())));
    if before_it.id is null then
        raise exception 'This advice no longer exists. Reload the page.' using errcode = '22023';
    end if;
    perform private.require_workspace(before_it.workspace_id, 'admin');
    perform pg_advisory_xact_lock(hashtextextended('tally.advice.' || before_it.workspace_id::text, 0));
    select a.* into before_it from public.advice as a where a.id = $1 for update;
    if wanted is null or wanted not in ('open', 'applied', 'dismissed') then
        raise exception 'Advice can be applied, dismissed, or opened again.' using errcode = '22023';
    end if;
    if before_it.status = wanted then
        return; -- sent again
    end if;
    if before_it.id is null or before_it.status = 'expired' then
        raise exception 'This advice is no longer open. Reload the page.' using errcode = '22023';
    end if;
    update public.advice as a
    set
        status = wanted,
        decided_at = case when wanted <> 'open' then now() end,
        decided_by = case when wanted <> 'open' then auth.uid() end,
        dismissed_saving = case when wanted = 'dismissed' then a.saving_mid end,
        verification = null
    where a.id = $1;
    perform private.write_audit(
        before_it.workspace_id,
        private.describe_change(
            'advice', to_jsonb(before_it), to_jsonb(before_it) || jsonb_build_object('status', wanted), array['status']
        )
    );
end
$_$;

-- FUNCTION public.delete_missing(uuid, text, date, date, uuid[])

CREATE FUNCTION public.delete_missing(import_id uuid, dataset text, first_day date, last_day date, keys uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '6s'
    AS $_$
declare
    tenant constant uuid := private.require_source($1);
    superseded record;
    effective bigint;
begin
    if $3 is null or $4 is null or $5 is null then
        raise exception 'Give the days and the identities that are still there.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    with deleted as (
        delete from public.superseded_records as s
        where
            s.workspace_id = tenant
            and s.import_id = $1
            and s.dataset = $2
            and s.day between $3 and $4
            and (s.source_key in (select k.key from unnest($5) as k (key))) is not true -- hashed
        returning s.source_key, s.timestamp
    )

    select array_agg(d.source_key) as keys, min(d.timestamp) as first_at, max(d.timestamp) as last_at
    into superseded
    from deleted as d;
    delete from public.cost_records as r
    where
        r.workspace_id = tenant
        and r.import_id = $1
        and r.dataset = $2
        and r.timestamp >= $3::timestamp at time zone 'UTC'
        and r.timestamp < ($4 + 1)::timestamp at time zone 'UTC'
        and r.day is not null
        and (r.source_key in (select k.key from unnest($5) as k (key))) is not true;
    get diagnostics effective = row_count;
    if superseded.keys is not null then
        perform private.settle_events(tenant, superseded.keys, superseded.first_at, superseded.last_at);
    end if;
    return coalesce(cardinality(superseded.keys), 0) + effective;
end
$_$;

-- FUNCTION public.delete_own_account(text)

CREATE FUNCTION public.delete_own_account(email text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $$
declare
    caller constant uuid := auth.uid();
    left_behind text;
begin
    if caller is null then
        raise exception 'Sign in to delete your account.' using errcode = '42501';
    end if;
    if not exists (
        select
        from auth.users as u
        where u.id = caller and lower(u.email) = lower(trim(delete_own_account.email))
    ) then
        raise exception 'That is not the email of this account. Nothing was deleted.' using errcode = '22023';
    end if;
    -- Before the account: no deadlock with a save, and another owner who leaves goes first.
    perform private.lock_workspaces(array(select private.shared_workspaces_of(caller)));
    select string_agg(w.name, ', ' order by w.name)
    into left_behind
    from public.members as m
    inner join public.workspaces as w on m.workspace_id = w.id
    where
        m.user_id = caller
        and m.role = 'owner'
        and w.personal_user_id is null
        and not exists (
            select
            from public.members as o
            where o.workspace_id = m.workspace_id and o.role = 'owner' and o.user_id <> caller
        );
    if left_behind is not null then
        raise exception 'You are the only owner of: %. Make another member the owner, or delete these workspaces.', left_behind
            using errcode = '22023';
    end if;
    delete from auth.users as u where u.id = caller;
end
$$;

-- FUNCTION public.delete_source(uuid)

CREATE FUNCTION public.delete_source(import_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $_$
declare
    tenant constant uuid := private.workspace_of_source($1);
begin
    delete from public.imports as i
    where i.workspace_id = tenant and i.id = $1;
    return found;
end
$_$;

-- FUNCTION public.delete_view(uuid)

CREATE FUNCTION public.delete_view(view uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
begin
    delete from private.saved_views as v where v.id = $1 and v.user_id = auth.uid();
end
$_$;

-- FUNCTION public.delete_workspace(uuid, text)

CREATE FUNCTION public.delete_workspace(workspace uuid, name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $_$
declare
    tenant constant uuid := private.require_shared_workspace(workspace, 'owner');
begin
    -- The locks of a save, in its order: one that runs is waited for, another one then finds no workspace.
    perform pg_advisory_xact_lock(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    delete from public.workspaces as w where w.id = tenant and w.name = trim($2);
    if not found then
        raise exception 'That is not the name of this workspace. Nothing was deleted.' using errcode = '22023';
    end if;
end
$_$;

-- FUNCTION public.deploy_prompt(uuid, text, text, jsonb)

CREATE FUNCTION public.deploy_prompt(workspace uuid, prompt text, environment text, shares jsonb) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    deployed constant public.prompts := private.require_prompt(tenant, $2, true);
    before jsonb;
    after jsonb;
begin
    if coalesce($3 !~ '^[a-z0-9][a-z0-9._-]{0,49}$' or $3 = 'latest', true) then
        raise exception 'Name the environment with small letters, digits, dots and hyphens, such as production.'
            using errcode = '22023';
    end if;
    perform private.check_shares($4);
    after := (
        select jsonb_object_agg(s.key, trim_scale(s.value::numeric)) from jsonb_each_text($4) as s where s.value::numeric > 0
    );
    before := (select s.shares from private.split_at(deployed.id, $3, 'infinity') as s);
    if before is distinct from after then
        perform private.open_deployment(deployed, $3, after);
    end if;
    return json_build_object('environment', $3, 'shares', after, 'is_new', before is distinct from after);
end
$_$;

-- FUNCTION public.describe_invitation(text)

CREATE FUNCTION public.describe_invitation(token text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    joined constant uuid := private.joined_by($1);
    invitation public.invitations;
begin
    if joined is not null then
        return json_build_object('joined', joined);
    end if;
    invitation := private.require_invitation($1);
    return json_build_object(
        'workspace', (select w.name from public.workspaces as w where w.id = invitation.workspace_id),
        'role', invitation.role,
        'invited_by', (select u.email from auth.users as u where u.id = invitation.invited_by),
        'expires_at', invitation.expires_at
    );
end
$_$;

-- FUNCTION public.detach_partition(integer, integer)

CREATE FUNCTION public.detach_partition(year integer, month integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '2s'
    AS $$
declare
    partition_name constant text := format('cost_records_%s_%s', year, lpad(month::text, 2, '0'));
begin
    if not exists (
        select
        from pg_catalog.pg_inherits as i
        where
            i.inhparent = 'public.cost_records'::regclass
            and i.inhrelid = to_regclass(format('private.%I', partition_name))
    ) then
        raise exception 'There is no attached partition for year %, month %.', year, month using errcode = '22023';
    end if;
    perform private.share_timezones_of(partition_name);
    execute format('alter table public.cost_records detach partition private.%I', partition_name);
    insert into private.archived_months (month) values (make_date(year, month, 1)) on conflict do nothing;
    perform private.mark_month(partition_name);
    return 'private.' || partition_name;
exception
when lock_not_available then
    raise exception 'The records are in use. Nothing was archived; try again later.' using errcode = '55P03';
end
$$;

-- FUNCTION public.digest_events(date, date, uuid)

CREATE FUNCTION public.digest_events(first_day date, last_day date, workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := coalesce(workspace, auth.uid());
begin
    perform public.data_version(tenant); -- refuses who is no member
    return json_build_object(
        'anomalies', (
            select json_agg(f)
            from (
                select
                    a.kind, a.day, p.display_name as provider, a.model_name as model, a.actual_usd::text as actual_usd,
                    a.expected_usd::text as expected_usd
                from public.anomalies as a
                left join public.providers as p on a.provider_id = p.id
                where a.workspace_id = tenant and a.day between first_day and last_day and a.muted_at is null
                order by a.actual_usd - coalesce(a.expected_usd, 0) desc, a.day
                limit 50
            ) as f
        ),
        'subscriptions', (
            select json_agg(f)
            from (
                select
                    s.provider_id, s.plan_name, s.amount_usd::text as amount_usd, s.started_on, s.ended_on, s.renewal_day,
                    s.interval
                from public.subscriptions as s
                where s.workspace_id = tenant and (s.ended_on is null or s.ended_on > last_day)
                order by s.plan_name, s.id
            ) as f
        ),
        'sources', (
            select json_agg(f)
            from (
                select i.kind, i.format, i.filename as name, i.finished_at, c.last_error as problem
                from public.imports as i
                left join public.api_credentials as c on i.workspace_id = c.workspace_id and i.credential_id = c.id
                where
                    i.workspace_id = tenant
                    and i.kind <> 'file'
                    and i.is_enabled
                    and i.rows_imported > 0
                    and (c.id is null or c.is_active)
                order by i.finished_at, i.id
                limit 200
            ) as f
        ),
        'findings', (
            select json_agg(f.facts)
            from (
                select e.facts
                from public.alert_events as e
                where e.workspace_id = tenant and e.kind = 'idle' and e.state = 'open'
                order by e.occurred_at desc, e.subject
                limit 20
            ) as f
        )
    );
end
$$;

-- FUNCTION public.digest_facts(date, date, date, date, uuid)

CREATE FUNCTION public.digest_facts(since date, first_day date, last_day date, today date, workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := coalesce(workspace, auth.uid());
    daily constant json := public.daily_costs(since, today, tenant); -- refuses who is no member
    month public.forecast_totals;
begin
    select t.* into month
    from public.forecast_totals as t
    where
        t.workspace_id = tenant
        and t.kind = 'month_end'
        and t.period_end = (date_trunc('month', today::timestamp) + interval '1 month' - interval '1 day')::date
        and num_nonnulls(t.provider_id, t.model_name, t.project_id) = 0
    order by t.created_at desc
    limit 1;
    return (
        select
            json_build_object(
                'name', w.name,
                'is_personal', w.personal_user_id is not null,
                'currency', coalesce(
                    (select p.currency from public.user_preferences as p where p.user_id = w.personal_user_id), w.currency
                ),
                'daily', daily,
                'projects', (
                    select json_object_agg(p.id, p.name) from public.projects as p where p.workspace_id = tenant
                ),
                'by_project', case
                    when exists (select from public.projects as p where p.workspace_id = tenant)
                        then public.daily_costs(first_day, last_day, tenant, split => 'project')
                end,
                'events', public.digest_events(first_day, last_day, tenant),
                'month', case
                    when month.id is not null
                        then json_build_object(
                            'predicted_usd', month.predicted_cost_usd::text, 'spent_usd', month.spent_usd::text,
                            'low_usd', month.lower_bound_80::text, 'high_usd', month.upper_bound_80::text,
                            'days', (
                                select json_object_agg(f.forecast_date, f.predicted_cost_usd::text)
                                from public.forecast_results as f
                                where
                                    f.workspace_id = tenant
                                    and f.run_id = month.run_id
                                    and num_nonnulls(f.provider_id, f.model_name, f.project_id) = 0
                                    and f.forecast_date <= month.period_end
                            )
                        )
                end
            )
        from public.workspaces as w
        where w.id = tenant
    );
end
$$;

-- FUNCTION public.ensure_months(date[])

CREATE FUNCTION public.ensure_months(months date[]) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$
    select count(*) filter (where private.create_month(m.month))
    from (
        select distinct date_trunc('month', u.month::timestamp)::date as month
        from unnest(months) as u (month)
    ) as m
    where
        m.month >= date '2020-01-01'
        and m.month <= now() + interval '1 year'
$$;

-- FUNCTION public.ensure_partitions(integer)

CREATE FUNCTION public.ensure_partitions(months_ahead integer DEFAULT 3) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    this_month constant date := date_trunc('month', now() at time zone 'UTC');
begin
    if not coalesce(months_ahead between 0 and 120, false) then
        raise exception 'months_ahead must be 0 to 120, not %.', months_ahead using errcode = '22023';
    end if;
    return (
        select count(*) filter (where private.create_month((this_month + make_interval(months => n))::date))
        from generate_series(-1, months_ahead) as n
    );
end
$$;

-- FUNCTION public.explore_costs(uuid, text, text[], jsonb, date, date, text, integer, numeric[], jsonb)

CREATE FUNCTION public.explore_costs(workspace uuid, measure text, by text[], filters jsonb, from_date date, to_date date, granularity text DEFAULT 'none'::text, top_n integer DEFAULT 8, rates numeric[] DEFAULT NULL::numeric[], prices jsonb DEFAULT NULL::jsonb) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '30s'
    AS $_$
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
$_$;

-- FUNCTION public.explore_values(uuid, text, jsonb, date, date, text, integer, numeric[])

CREATE FUNCTION public.explore_values(workspace uuid, dimension text, filters jsonb, from_date date, to_date date, search text DEFAULT ''::text, at_most integer DEFAULT 50, rates numeric[] DEFAULT NULL::numeric[]) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '30s'
    AS $_$
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
$_$;

-- FUNCTION public.find_exported(json, uuid)

CREATE FUNCTION public.find_exported(records json, workspace uuid DEFAULT NULL::uuid) RETURNS integer[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    ids uuid[];
    keys uuid[];
    first_at timestamptz;
    last_at timestamptz;
begin
    if json_typeof(records) is distinct from 'array' or json_array_length(records) > 5000 then
        raise exception 'Records must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    select array_agg(e.id), array_agg(e.source_key), min(e.timestamp) - interval '1 day', max(e.timestamp) + interval '1 day'
    into ids, keys, first_at, last_at
    from json_to_recordset(records) as e (id uuid, source_key uuid, timestamp timestamptz);
    return array(
        select (e.place - 1)::integer
        from unnest(ids, keys) with ordinality as e (id, source_key, place)
        where
            e.id in (
                select r.id from public.cost_records as r where r.workspace_id = tenant and r.id = any (ids)
                union all
                select s.id from public.superseded_records as s where s.workspace_id = tenant and s.id = any (ids)
            )
            or e.source_key in (
                select r.source_key
                from public.cost_records as r
                where r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp <= last_at
                union all
                select r.source_key
                from public.cost_records as r
                where r.workspace_id = tenant and r.request_id is not null and r.source_key = any (keys)
                union all
                select s.source_key
                from public.superseded_records as s
                where s.workspace_id = tenant and s.source_key = any (keys)
            )
    );
end
$$;

-- FUNCTION public.find_prompt(uuid, text, text)

CREATE FUNCTION public.find_prompt(workspace uuid, prompt text, label text) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    asked constant public.prompts := private.require_prompt(tenant, $2);
    shares constant jsonb := (
        select jsonb_object_agg(v.number::text, d.share)
        from public.prompt_deployments as d
        inner join public.prompt_versions as v on d.version_id = v.id
        where d.prompt_id = asked.id and d.environment = $3 and d.to_at is null
    );
begin
    return json_build_object(
        'id', asked.id, 'name', asked.name, 'project_id', asked.project_id, 'shares', shares,
        'versions', (
            select coalesce(json_agg(f), '[]')
            from (
                select v.number, encode(v.content_sha256, 'hex') as sha256
                from public.prompt_versions as v
                where
                    v.prompt_id = asked.id
                    and case
                        when shares is not null then shares ? v.number::text
                        when $3 = 'latest' then v.content_sha256 is not null
                        else $3 = any (v.labels)
                    end
                order by v.number desc
                limit case when shares is null then 1 end
            ) as f
        )
    );
end
$_$;

-- FUNCTION public.find_same_import(text, text, bigint, uuid)

CREATE FUNCTION public.find_same_import(file_sha256 text, signature text, record_count bigint, workspace uuid DEFAULT NULL::uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select i.id
        from public.imports as i
        where
            i.workspace_id = tenant
            and i.user_id = auth.uid()
            and i.file_sha256 = $1
            and i.status = 'done'
            and i.metadata ->> 'signature' = $2
            and (
                select count(*)
                from public.cost_records as r
                where r.workspace_id = i.workspace_id and r.import_id = i.id and r.updated_at <= i.updated_at
            ) = $3
        order by i.created_at desc
        limit 1
    );
end
$_$;

-- FUNCTION public.find_sessions(uuid, timestamp with time zone, timestamp with time zone, text, text, integer, integer)

CREATE FUNCTION public.find_sessions(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, search text, sort text, skip integer, page_rows integer) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION public.find_traces(uuid, timestamp with time zone, timestamp with time zone, text, text, text, text, text, text, integer, integer)

CREATE FUNCTION public.find_traces(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, search text, status text, service text, model text, session text, sort text, skip integer, page_rows integer) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION public.fold_stale_days()

CREATE FUNCTION public.fold_stale_days() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    folded integer := 0;
    records bigint := 0;
    step record;
begin
    if not pg_try_advisory_xact_lock(private.upkeep_lock()) then
        return 0; -- reads stay exact meanwhile
    end if;
    loop
        step := private.fold_some_days(case when records = 0 then 30 else 200 end);
        folded := folded + step.days;
        records := records + step.records;
        exit when step.days = 0 or folded >= 2000 or records >= 42000;
    end loop;
    return folded;
end
$$;

-- FUNCTION public.forecast_state(uuid)

CREATE FUNCTION public.forecast_state(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    has_worker constant boolean := exists (
        select from private.worker_seen as w where w.seen_at > now() - interval '90 seconds'
    );
begin
    return json_build_object(
        'has_worker', has_worker,
        'is_updating',
        has_worker and (
            exists (select from private.stale_days as s where s.workspace_id = tenant)
            or exists (
                select
                from private.forecast_requests as q
                where q.workspace_id = tenant and q.noted_at > now() - interval '3 minutes'
            )
            or exists (
                select
                from public.job_runs as r
                where
                    r.workspace_id = tenant
                    and r.kind = 'change'
                    and r.status = 'running'
                    and r.started_at > now() - interval '3 minutes'
            )
        )
    );
end
$$;

-- FUNCTION public.get_top_models_by_spend(uuid, timestamp with time zone, timestamp with time zone, integer)

CREATE FUNCTION public.get_top_models_by_spend(user_id uuid, start timestamp with time zone, "end" timestamp with time zone, "limit" integer DEFAULT 10) RETURNS TABLE(model_name text, provider text, total_cost_usd numeric, total_tokens numeric, total_requests numeric, share numeric)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
    select * from private.top_models($1, $2, $3, $4)
$_$;

-- FUNCTION public.get_user_total_spend(uuid, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION public.get_user_total_spend(user_id uuid, start timestamp with time zone, "end" timestamp with time zone) RETURNS numeric
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
    select private.total_spend($1, $2, $3)
$_$;

-- FUNCTION public.invite(uuid, text, text)

CREATE FUNCTION public.invite(workspace uuid, email text, role text) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.begin_change(workspace, 'admin');
    address constant text := lower(trim($2));
    token constant text := rtrim(
        translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/', '-_'), '='
    );
    made public.invitations;
begin
    perform private.check_invitation(tenant, address, $3);
    perform private.count_invitation(auth.uid(), address);
    delete from public.invitations as i where i.workspace_id = tenant and i.email = address;
    insert into public.invitations (workspace_id, email, role, token_sha256, invited_by)
    values (tenant, address, $3, decode(private.hash_token(token), 'hex'), auth.uid())
    returning * into made;
    perform private.audit_invitation('invite', made);
    return json_build_object('id', made.id, 'token', token, 'email', made.email, 'expires_at', made.expires_at);
end
$_$;

-- FUNCTION public.jump_names(uuid)

CREATE FUNCTION public.jump_names(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    tenant constant uuid := coalesce(workspace, auth.uid());
    models constant json := public.model_names(tenant); -- refuses who is no member
    projects constant json := public.list_projects(tenant);
begin
    return (
        with newest as materialized (
            select
                r.timestamp, r.metadata ->> 'agent' as agent, r.metadata ->> 'repository' as repository,
                left(coalesce(nullif(btrim(r.metadata ->> 'session'), ''), nullif(btrim(r.metadata ->> 'session_id'), '')), 200)
                    as session
            from public.cost_records as r
            where r.workspace_id = tenant and r.timestamp > now() - interval '90 days'
            order by r.timestamp desc
            limit 5000
        ),

        sessions as (
            select
                n.session, max(n.timestamp) as last_at, left(max(n.agent), 200) as agent, left(max(n.repository), 200) as repository
            from newest as n
            where n.session is not null
            group by n.session
            order by max(n.timestamp) desc, n.session
            limit 100
        )

        select json_build_object(
            'models', (
                select coalesce(json_agg(m.name order by m.nth), '[]')
                from json_array_elements_text(models) with ordinality as m (name, nth)
                where m.nth <= 500
            ),
            'projects', (
                select coalesce(json_agg(json_build_object('id', p.found -> 'id', 'name', p.found -> 'name') order by p.nth), '[]')
                from json_array_elements(projects) with ordinality as p (found, nth)
                where p.found ->> 'archived_at' is null and p.nth <= 500
            ),
            'sessions', (select coalesce(json_agg(s order by s.last_at desc, s.session), '[]') from sessions as s)
        )
    );
end
$$;

-- FUNCTION public.label_prompt_version(uuid, text, integer, text[])

CREATE FUNCTION public.label_prompt_version(workspace uuid, prompt text, number integer, labels text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    labelled constant public.prompts := private.require_prompt(tenant, $2, true);
    version constant uuid := private.require_prompt_version(labelled, $3);
    marked constant text[] := private.clean_prompt_labels($4);
begin
    perform private.take_labels(labelled.id, $3, marked);
    update public.prompt_versions as v
    set labels = marked
    where v.id = version and v.labels <> marked;
end
$_$;

-- FUNCTION public.last_run(uuid)

CREATE FUNCTION public.last_run(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    is_admin constant boolean := exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant);
    shows_totals constant boolean := private.only_own_totals(tenant) is null;
    hidden constant uuid[] := array(select private.hidden_projects());
    run public.job_runs;
begin
    select r.* into run
    from public.job_runs as r
    where r.workspace_id = tenant and (r.kind = 'nightly' or r.status <> 'running')
    order by r.started_at desc
    limit 1;
    if not found then
        return null;
    end if;
    if run.kind = 'change' then
        run.steps := run.steps || private.steps_beside_forecast(tenant);
    end if;
    if not is_admin then
        run.error := null;
        run.steps := (
            select
                coalesce(
                    jsonb_agg(
                        s.step || jsonb_build_object(
                            'failed', private.omit_series(s.step -> 'failed', hidden),
                            'too_little_history', private.omit_series(s.step -> 'too_little_history', hidden)
                        )
                    ),
                    '[]'
                )
            from jsonb_array_elements(run.steps) as s (step)
            where shows_totals and s.step ->> 'step' = 'forecast'
        );
    end if;
    return json_build_object(
        'run_id', run.run_id, 'kind', run.kind, 'day', run.day, 'started_at', run.started_at, 'finished_at', run.finished_at,
        'status', run.status, 'steps', run.steps, 'error', run.error
    );
end
$$;

-- FUNCTION public.leave_workspace(uuid)

CREATE FUNCTION public.leave_workspace(workspace uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.begin_change(workspace, 'viewer');
begin
    perform private.require_another_owner(tenant, auth.uid());
    delete from public.members as m where m.workspace_id = tenant and m.user_id = auth.uid();
end
$$;

-- FUNCTION public.list_estimates(timestamp with time zone, uuid, integer, uuid)

CREATE FUNCTION public.list_estimates(since timestamp with time zone, after_id uuid, page_size integer, workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_rows(tenant);
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select coalesce(json_agg(e), '[]')
        from (
            select
                s.id,
                s.timestamp,
                s.day, -- the timestamp of a superseded statement may be that of an earlier time zone
                p.name as provider,
                s.model_name,
                s.billing_account,
                s.cost_basis,
                s.cost_usd::text as cost_usd,
                s.input_tokens,
                s.output_tokens,
                s.cached_input_tokens,
                s.cache_write_tokens,
                s.request_count,
                s.is_effective,
                s.metadata
            from private.estimates as s
            inner join public.providers as p on s.provider_id = p.id
            where
                s.workspace_id = tenant
                and s.timestamp >= since
                and (only_user is null or s.user_id = only_user)
                and (s.project_id is null or s.project_id <> all (hidden) or s.user_id = auth.uid())
                and (list_estimates.after_id is null or (s.timestamp, s.id) > (since, list_estimates.after_id))
            order by s.timestamp, s.id
            limit greatest(least(page_size, 5000), 0)
        ) as e
    );
end
$$;

-- FUNCTION public.list_people(uuid)

CREATE FUNCTION public.list_people(workspace uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_rows(tenant);
    is_admin constant boolean := exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant);
begin
    return (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'user_id', p.user_id,
                        'email', p.email,
                        'role', p.role,
                        'joined_at', p.joined_at,
                        'last_active', a.day,
                        'monthly_usd', l.monthly_usd::text,
                        'monthly_tokens', l.monthly_tokens
                    )
                    order by private.rank_of(p.role) desc nulls last, p.email, p.user_id
                ),
                '[]'
            )
        from (
            select m.user_id, u.email, m.role, m.joined_at
            from public.members as m
            inner join auth.users as u on m.user_id = u.id
            where m.workspace_id = tenant
            union all
            select f.user_id, f.email, null, null
            from private.former_members as f
            where
                f.workspace_id = tenant
                and only_user is null
                and not exists (select from public.members as m where m.workspace_id = tenant and m.user_id = f.user_id)
        ) as p
        left join private.last_active_days(tenant) as a
            on p.user_id = a.user_id and (only_user is null or p.user_id = only_user)
        left join private.member_limits(tenant) as l on p.user_id = l.user_id and (is_admin or p.user_id = auth.uid())
    );
end
$$;

-- FUNCTION public.list_projects(uuid)

CREATE FUNCTION public.list_projects(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'id', p.id, 'name', p.name, 'slug', p.slug, 'is_private', p.is_private, 'archived_at', p.archived_at,
                        'members', coalesce(o.people, array[]::uuid[])
                    )
                    order by p.archived_at is not null, lower(p.name), p.slug
                ),
                '[]'
            )
        from public.projects as p
        left join (
            select m.project_id, array_agg(m.user_id order by m.user_id) as people
            from public.project_members as m
            where m.workspace_id = tenant
            group by m.project_id
        ) as o on p.id = o.project_id
        where p.workspace_id = tenant and p.id <> all (hidden)
    );
end
$$;

-- FUNCTION public.list_prompts(uuid, text, boolean)

CREATE FUNCTION public.list_prompts(workspace uuid DEFAULT NULL::uuid, search text DEFAULT NULL::text, archived boolean DEFAULT false) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    wanted constant text := nullif(lower(btrim(left($2, 200))), '');
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        with versions as (
            select
                v.prompt_id, count(*) as versions, max(v.number) as newest, count(v.content_sha256) as texts,
                bool_or(strpos(lower(v.message), wanted) > 0) as is_found
            from public.prompt_versions as v
            where v.workspace_id = tenant
            group by v.prompt_id
        ),

        live as (
            select
                d.prompt_id,
                json_agg(
                    json_build_object('environment', d.environment, 'number', v.number, 'share', d.share, 'since', s.since)
                    order by d.environment = 'production' desc, d.environment, d.share desc, v.number desc
                ) as live
            from public.prompt_deployments as d
            inner join public.prompt_versions as v on d.version_id = v.id
            cross join lateral (
                select min(o.from_at) as since
                from public.prompt_deployments as o
                where o.prompt_id = d.prompt_id and o.environment = d.environment and o.version_id = d.version_id
            ) as s
            where d.workspace_id = tenant and d.to_at is null
            group by d.prompt_id
        )

        select
            coalesce(
                json_agg(
                    json_build_object(
                        'name', p.name, 'project_id', p.project_id, 'tags', p.tags, 'archived_at', p.archived_at,
                        'versions', coalesce(v.versions, 0), 'newest', v.newest, 'texts', coalesce(v.texts, 0),
                        'live', coalesce(l.live, '[]')
                    )
                    order by lower(p.name), p.name
                ), '[]'
            )
        from public.prompts as p
        left join versions as v on p.id = v.prompt_id
        left join live as l on p.id = l.prompt_id
        where
            p.workspace_id = tenant
            and (p.project_id is null or p.project_id <> all (hidden))
            and (p.archived_at is not null) = coalesce($3, false)
            and (
                wanted is null or v.is_found or strpos(lower(p.name), wanted) > 0
                or strpos(lower(array_to_string(p.tags, ' ')), wanted) > 0
            )
    );
end
$_$;

-- FUNCTION public.list_records(uuid, jsonb, text, integer, integer)

CREATE FUNCTION public.list_records(workspace uuid, chosen jsonb, sort text, skip integer, max_rows integer) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET jit TO 'off'
    AS $_$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    hidden constant uuid[] := array(select private.hidden_projects());
    orders constant jsonb := '{
        "newest": "r.timestamp desc, r.id", "oldest": "r.timestamp, r.id",
        "dearest": "r.cost_usd desc nulls last, r.timestamp desc, r.id", "tokens": "r.tokens_used desc, r.timestamp desc, r.id"
    }'::jsonb;
    page json;
begin
    perform private.check_records_filter($2);
    if ($3 is not null and orders ? $3) is not true then
        raise exception 'Sort records by newest, oldest, dearest or tokens.' using errcode = '22023';
    end if;
    if ($4 between 0 and 1000000 and $5 between 1 and 2000) is not true then
        raise exception 'Skip at most 1,000,000 records, and read at most 2,000.' using errcode = '22023';
    end if;
    execute format(
        $q$select coalesce(json_agg(p), '[]')
        from (
            select
                r.id, r.user_id, r.timestamp, r.day, r.provider_id, r.project_id, r.subscription_id, r.source_key, r.model_name,
                r.cost_usd::text, r.cost_basis, r.charge_type, r.collection_method, r.tokens_used, r.input_tokens, r.output_tokens,
                r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens, r.request_count, r.money_is_effective,
                r.tokens_are_effective, r.metadata
            from public.cost_records as r
            where %s
            order by %s
            offset $10 limit $11
        ) as p$q$,
        private.where_records($2),
        orders ->> $3
    )
    into page
    using
        tenant, $2, ($2 ->> 'first_at')::timestamptz, ($2 ->> 'last_at')::timestamptz,
        private.projects_named(tenant, $2 ->> 'search', hidden), ($2 #>> '{before,at}')::timestamptz,
        (select auth.uid()), private.only_own_rows(tenant), hidden, $4, $5;
    return page;
end
$_$;

-- FUNCTION public.list_views(uuid)

CREATE FUNCTION public.list_views(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select coalesce(json_agg(json_build_object('id', v.id, 'name', v.name, 'query', v.query) order by lower(v.name), v.name), '[]')
        from private.saved_views as v
        where v.user_id = auth.uid() and v.workspace_id = tenant
    );
end
$$;

-- FUNCTION public.list_workspaces()

CREATE FUNCTION public.list_workspaces() RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    caller constant uuid := private.require_caller();
begin
    return (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'id', w.id,
                        'name', w.name,
                        'role', m.role,
                        'is_personal', w.personal_user_id is not null,
                        'timezone', w.timezone,
                        'currency', w.currency,
                        'person_split', w.person_split,
                        'members', (select count(*) from public.members as o where o.workspace_id = w.id)
                    )
                    order by w.personal_user_id is null, lower(w.name), w.id
                ),
                '[]'
            )
        from public.members as m
        inner join public.workspaces as w on m.workspace_id = w.id
        where m.user_id = caller
    );
end
$$;

-- FUNCTION public.model_names(uuid)

CREATE FUNCTION public.model_names(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_totals(tenant);
    stale constant private.stale_days[] := private.stale_days_of(tenant, '-infinity', 'infinity');
    outdated constant date[] := private.outdated_days(tenant, '-infinity', 'infinity', stale);
begin
    return (
        select coalesce(json_agg(m.model_name order by m.model_name), '[]')
        from (
            select d.model_name
            from private.cost_records_daily as d
            where d.workspace_id = tenant and d.date <> all (outdated) and (only_user is null or d.user_id = only_user)
            union
            select f.model_name
            from private.outdated_totals(tenant, outdated, stale) as f
            where only_user is null or f.user_id = only_user
        ) as m
    );
end
$$;

-- FUNCTION public.model_performance(uuid, timestamp with time zone, timestamp with time zone, text, uuid, text[])

CREATE FUNCTION public.model_performance(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, granularity text, project uuid DEFAULT NULL::uuid, chosen text[] DEFAULT NULL::text[]) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
    longest constant interval := case $4 when 'hour' then interval '8 days' when 'day' then interval '401 days' end;
begin
    if longest is null then
        raise exception 'The granularity is hour or day.' using errcode = '22023';
    end if;
    if $2 is null or $3 is null or $2 >= $3 or $3 - $2 > longest then
        raise exception 'Choose a period of up to 8 days by hour, or of up to 400 days by day.' using errcode = '22023';
    end if;
    if
        (
            select count(*) > private.max_calls()
            from (
                select
                from public.cost_records as r
                where r.workspace_id = tenant and r.timestamp >= $2 and r.timestamp < $3 and r.collection_method = 'otlp'
                limit private.max_calls() + 1
            ) as c
        )
    then
        raise exception 'This period has more than % requests. Choose a shorter one.',
            ltrim(to_char(private.max_calls(), '999,999,999'))
            using errcode = '22023';
    end if;
    return (
        with found as materialized (
            select
                p.*, v.name as provider, v.display_name as provider_title,
                case when p.at is null then row_number() over (partition by p.at order by p.requests desc, p.model_name, v.name) end as nth
            from private.performance_of(tenant, $2, $3, $4, only_own, hidden, $5) as p
            inner join public.providers as v on p.provider_id = v.id
        )

        select json_build_object(
            'requests', coalesce(sum(f.requests), 0), 'names', count(*),
            'models', coalesce(
                json_agg(
                    to_jsonb(f) - array['provider_id', 'at', 'nth'] || jsonb_build_object('cost_usd', f.cost_usd::text)
                    order by f.nth
                ) filter (where f.nth <= 100), '[]'
            ),
            'points', coalesce((
                select
                    json_agg(
                        to_jsonb(o) - array['provider_id', 'provider_title', 'nth']
                        || jsonb_build_object('cost_usd', o.cost_usd::text)
                        order by o.at, t.nth
                    )
                from found as o
                inner join found as t
                    on t.at is null and o.provider_id = t.provider_id and o.model_name = t.model_name
                where o.at is not null and (t.nth <= 20 or (t.nth <= 100 and t.model_name = any ($6[1:20])))
            ), '[]')
        )
        from found as f
        where f.at is null
    );
end
$_$;

-- FUNCTION public.name_billing_account(uuid, text, text)

CREATE FUNCTION public.name_billing_account(workspace uuid, account text, name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    chosen text;
begin
    if private.trim_text($3) is null then
        delete from public.billing_accounts as b
        where b.workspace_id = tenant and b.account = $2;
        return;
    end if;
    chosen := private.clean_name($3, 'billing account');
    if not exists (select from private.day_parts as p where p.workspace_id = tenant and p.billing_account = $2) then
        raise exception 'This workspace has no records of this billing account.' using errcode = '22023';
    end if;
    insert into public.billing_accounts as b (workspace_id, account, name)
    values (tenant, $2, chosen)
    on conflict on constraint billing_accounts_pkey do update -- the parameter `account` is no column
        set name = excluded.name;
end
$_$;

-- FUNCTION public.name_model(uuid, text, text, text)

CREATE FUNCTION public.name_model(workspace uuid, provider text, name text, model text) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    chosen constant text := private.trim_text($4);
    of_provider constant uuid := (select p.id from public.providers as p where p.name = $2);
    rules public.project_rules[];
    renamed bigint;
begin
    if of_provider is null then
        raise exception 'Choose a provider that Tally knows.' using errcode = '22023';
    end if;
    if (length($3) between 1 and 200 and $3 not in ('(unspecified)', coalesce(chosen, ''))) is not true then
        raise exception 'Give a name of 1 to 200 characters, and the model that it is.' using errcode = '22023';
    end if;
    if length(chosen) > 200 or chosen = '(unspecified)' then
        raise exception 'Give the model a name of 1 to 200 characters.' using errcode = '22023';
    end if;
    perform private.wait_to_file(tenant);
    if chosen is null then
        delete from public.model_aliases as a
        where a.workspace_id = tenant and a.provider_id = of_provider and a.name = $3;
    else
        insert into public.model_aliases as a (workspace_id, provider_id, name, model_name)
        values (tenant, of_provider, $3, chosen)
        on conflict on constraint model_aliases_once do update -- the parameter `name` is no column
            set model_name = excluded.model_name
            where a.model_name <> excluded.model_name;
    end if;
    renamed := private.rename_model(tenant, of_provider, $3, chosen);
    rules := private.active_rules(tenant);
    if 'model' = any (private.fields_of(rules)) then
        perform private.move_to_projects(tenant, private.plan_rules(tenant, rules), private.fields_of(rules));
    end if;
    return json_build_object('records', renamed, 'first_day', private.first_day_of_name(tenant, of_provider, $3));
end
$_$;

-- FUNCTION public.owns_installation()

CREATE FUNCTION public.owns_installation() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
    select coalesce(private.installation_owner() = auth.uid(), false)
$$;

-- FUNCTION public.pause_channel(uuid, boolean)

CREATE FUNCTION public.pause_channel(channel uuid, is_paused boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    found_one constant public.channels := private.require_channel(channel);
begin
    update public.channels as c
    set
        paused_at = case when is_paused then coalesce(c.paused_at, now()) end,
        failures_in_a_row = case when is_paused then c.failures_in_a_row else 0 end,
        disabled_at = case when is_paused then c.disabled_at end,
        disabled_reason = case when is_paused then c.disabled_reason end
    where c.id = found_one.id;
end
$$;

-- FUNCTION public.post_due_renewals(uuid)

CREATE FUNCTION public.post_due_renewals(workspace uuid DEFAULT NULL::uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '6s'
    AS $$
begin
    return (private.post_workspace_renewals(private.require_workspace(workspace, 'member'), 1000)).added;
end
$$;

-- FUNCTION public.preview_aliases(uuid, json)

CREATE FUNCTION public.preview_aliases(workspace uuid, aliases json) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return private.describe_moves(tenant, private.plan_aliases(tenant, private.read_aliases(tenant, aliases)), 'person');
end
$$;

-- FUNCTION public.preview_restore(uuid)

CREATE FUNCTION public.preview_restore(project uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $$
declare
    restored constant public.projects := private.require_project(project);
begin
    return private.describe_moves(restored.workspace_id, private.plan_restore(restored), 'project');
end
$$;

-- FUNCTION public.preview_rules(uuid, json)

CREATE FUNCTION public.preview_rules(workspace uuid, rules json) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return private.describe_moves(
        tenant, private.plan_rules(tenant, private.omit_archived(private.read_rules(tenant, rules))), 'project'
    );
end
$$;

-- FUNCTION public.prompt_figures(uuid, date, date, uuid, text)

CREATE FUNCTION public.prompt_figures(workspace uuid, from_date date, to_date date, project uuid DEFAULT NULL::uuid, prompt text DEFAULT NULL::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $_$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    zone constant text := private.timezone_of(tenant);
begin
    if $2 is null or $3 is null or $2 > $3 or $3 - $2 >= 400 then
        raise exception 'Give the first and the last day of a period of at most 400 days.' using errcode = '22023';
    end if;
    return (
        with numbered as materialized (
            select
                c.*, case when c.calls <= 1 then c.cost_usd end as usd, case when c.calls <= 1 then c.tokens::numeric end as size
            from private.numbered_prompt_calls(
                tenant, private.day_start($2 - ($3 - $2 + 1), zone), private.day_start($2, zone), private.day_start($3 + 1, zone), $4, $5
            ) as c
        ),

        versions as (
            select
                n.of_prompt as prompt, n.number, n.named as told, sum(n.calls) as calls, count(*) as records,
                sum(n.cost_usd)::text as cost_usd, coalesce(sum(n.calls) filter (where n.cost_usd is not null), 0) as priced,
                count(*) filter (where n.cost_usd is null) as unpriced,
                sum(n.tokens) as tokens, sum(n.input_tokens) as input_tokens, sum(n.output_tokens) as output_tokens,
                count(*) filter (where n.is_failed) as errors,
                count(n.usd) as costs, max(n.usd)::text as most_usd,
                array[sum(n.usd), sum(n.usd * n.usd), sum(n.usd * n.usd * n.usd), sum(n.usd * n.usd * n.usd * n.usd)]::text[] as usd_powers,
                count(n.size) as sizes, max(n.size)::text as most_tokens,
                array[sum(n.size), sum(n.size * n.size), sum(n.size * n.size * n.size), sum(n.size * n.size * n.size * n.size)]::text[]
                    as token_powers, n.timed,
                percentile_disc(
                    array[
                        greatest(0, 0.5 - 0.98 / sqrt(greatest(n.timed, 1))), 0.5,
                        least(1, 0.5 + 0.98 / sqrt(greatest(n.timed, 1)) + 1.0 / greatest(n.timed, 1)), 0.95
                    ]::float []
                ) within group (order by n.duration_ms) as latency_ms,
                min(n.called_at) as first_at, max(n.called_at) as last_at, mode() within group (order by n.model_name) as model_name
            from numbered as n
            where not n.is_before
            group by n.of_prompt, n.number, n.named, n.timed
        ),

        days as (
            select
                n.of_prompt as prompt, case when $5 is not null then n.number end as number, case when $5 is not null then n.named end as told,
                (n.called_at at time zone zone)::date as day, sum(n.calls) as calls, sum(n.cost_usd)::text as cost_usd,
                coalesce(sum(n.calls) filter (where n.cost_usd is not null), 0) as priced
            from numbered as n
            where not n.is_before
            group by 1, 2, 3, 4
        ),

        before as (
            select
                n.of_prompt as prompt, sum(n.calls) as calls, sum(n.cost_usd)::text as cost_usd,
                coalesce(sum(n.calls) filter (where n.cost_usd is not null), 0) as priced
            from numbered as n
            where n.is_before
            group by n.of_prompt
        )

        select json_build_object(
            'versions', (select coalesce(json_agg(v order by v.prompt, v.number desc nulls last, v.told), '[]') from versions as v),
            'days', (select coalesce(json_agg(d order by d.prompt, d.day, d.number, d.told), '[]') from days as d),
            'before', (select coalesce(json_agg(b order by b.prompt), '[]') from before as b)
        )
    );
end
$_$;

-- FUNCTION public.prompt_text(uuid, text, integer)

CREATE FUNCTION public.prompt_text(workspace uuid, prompt text, number integer) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    version constant uuid := private.require_prompt_version(private.require_prompt(tenant, $2), $3);
begin
    return (
        select
            json_build_object(
                'number', v.number, 'content', v.content, 'sha256', encode(v.content_sha256, 'hex'), 'variables', v.variables,
                'message', v.message
            )
        from public.prompt_versions as v
        where v.id = version
    );
end
$_$;

-- FUNCTION public.push_prompt(uuid, text, text, text, text[], text[])

CREATE FUNCTION public.push_prompt(workspace uuid, name text, content text, message text DEFAULT ''::text, variables text[] DEFAULT '{}'::text[], labels text[] DEFAULT '{}'::text[]) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    known constant text := private.clean_name($2, 'prompt');
    kept constant text := replace(replace($3, E'\r\n', E'\n'), E'\r', E'\n');
    hash constant bytea := sha256(convert_to(kept, 'UTF8'));
    marked constant text[] := private.clean_prompt_labels($6);
    prompt public.prompts;
    newest public.prompt_versions;
begin
    if btrim(coalesce(kept, ''), E' \n\t') = '' then
        raise exception 'This prompt is empty. Push its text.' using errcode = '22023';
    end if;
    if octet_length(kept) > 1048576 then
        raise exception 'This prompt has % bytes, and 1,048,576 (1 MB) is the most. Shorten it, or send parts as variables.',
            ltrim(to_char(octet_length(kept), '999,999,999,999')) using errcode = '22023';
    end if;
    if length(coalesce($4, '')) > 500 then
        raise exception 'The message has % characters, and 500 is the most.', length($4) using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.prompts.' || tenant::text, 0));
    insert into public.prompts as p (workspace_id, name) values (tenant, known) on conflict on constraint prompts_once do nothing;
    prompt := private.require_prompt(tenant, known, true);
    select v.* into newest
    from public.prompt_versions as v
    where v.prompt_id = prompt.id
    order by v.number desc
    limit 1;
    if newest.content_sha256 = hash then
        return json_build_object('number', newest.number, 'sha256', encode(hash, 'hex'), 'is_new', false);
    end if;
    if
        (
            select sum(octet_length(v.content)) + octet_length(kept) > 268435456
            from public.prompt_versions as v
            where v.workspace_id = tenant
        )
    then
        raise exception 'The texts of this workspace''s prompts would have more than 256 MB. Push shorter ones.' using errcode = '22023';
    end if;
    insert into public.prompt_versions as v (
        workspace_id, prompt_id, number, content, content_sha256, message, author_id, variables, labels
    )
    values (
        tenant, prompt.id, coalesce(newest.number, 0) + 1, kept, hash, coalesce(btrim($4), ''), auth.uid(),
        coalesce($5, '{}'), marked
    );
    perform private.take_labels(prompt.id, coalesce(newest.number, 0) + 1, marked);
    return json_build_object('number', coalesce(newest.number, 0) + 1, 'sha256', encode(hash, 'hex'), 'is_new', true);
end
$_$;

-- FUNCTION public.read_content(uuid, text, text)

CREATE FUNCTION public.read_content(workspace uuid, trace_id text, span_id text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select c.content
        from private.span_contents as c
        inner join public.traces as t on c.workspace_id = t.workspace_id and c.trace_id = t.trace_id
        inner join public.spans as s
            on c.workspace_id = s.workspace_id and c.trace_id = s.trace_id and c.span_id = s.span_id and t.week = s.week
        where
            c.workspace_id = tenant
            and c.trace_id = $2
            and c.span_id = $3
            and (
                s.user_id = (select auth.uid())
                or (only_own is null and (s.project_id is null or s.project_id <> all (hidden)))
            )
    );
end
$_$;

-- FUNCTION public.read_prompt(uuid, text)

CREATE FUNCTION public.read_prompt(workspace uuid, prompt text) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    asked constant public.prompts := private.require_prompt(tenant, $2);
begin
    return json_build_object(
        'name', asked.name, 'project_id', asked.project_id, 'tags', asked.tags, 'archived_at', asked.archived_at,
        'live', private.describe_live(asked.id),
        'versions', (
            select
                coalesce(
                    json_agg(
                        json_build_object(
                            'number', v.number, 'told_version', v.told_version, 'message', v.message, 'author_id', v.author_id,
                            'labels', v.labels, 'variables', v.variables, 'created_at', v.created_at,
                            'sha256', encode(v.content_sha256, 'hex')
                        )
                        order by v.number desc
                    ), '[]'
                )
            from public.prompt_versions as v
            where v.prompt_id = asked.id
        ),
        'deployments', (
            select coalesce(json_agg(l order by l.from_at desc, l.environment, l.number), '[]')
            from (
                select d.environment, v.number, d.share, d.from_at, d.to_at, d.deployed_by
                from public.prompt_deployments as d
                inner join public.prompt_versions as v on d.version_id = v.id
                where d.prompt_id = asked.id
                order by d.from_at desc, d.environment, v.number
                limit 500
            ) as l
        )
    );
end
$_$;

-- FUNCTION public.read_trace(uuid, text)

CREATE FUNCTION public.read_trace(workspace uuid, trace_id text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
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
$_$;

-- FUNCTION public.recent_values(uuid)

CREATE FUNCTION public.recent_values(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
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

-- FUNCTION public.refresh_cost_records_daily(boolean)

CREATE FUNCTION public.refresh_cost_records_daily(only_if_due boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    horizon xid8;
    summed uuid[];
    consumed bigint;
    unfolded bigint;
begin
    perform pg_advisory_xact_lock(private.upkeep_lock());
    if
        only_if_due and not private.is_refresh_due()
        or not (exists (select from private.stale_days) or exists (select from private.overridden_days))
    then
        return 0;
    end if;
    horizon := pg_snapshot_xmin(pg_current_snapshot());

    refresh materialized view concurrently private.cost_records_daily;
    summed := array(select d.workspace_id from private.divided_workspaces as d);
    refresh materialized view concurrently private.divided_days;
    update private.divided_workspaces as d
    set is_summed = true
    where d.workspace_id = any (summed) and not d.is_summed;

    perform private.request_forecasts(array(select s from private.stale_days as s where s.gen < horizon));

    -- Whoever holds a mark is about to renew it; waiting for them could deadlock.
    delete from private.stale_days as s
    using (
        select o.workspace_id, o.date
        from private.stale_days as o
        where o.gen < horizon
        for update skip locked
    ) as seen
    where s.workspace_id = seen.workspace_id and s.date = seen.date;
    get diagnostics consumed = row_count;

    -- No fold runs beside a refresh: the view has all that was folded.
    delete from private.folded_days;
    delete from private.overridden_days;
    get diagnostics unfolded = row_count;

    insert into private.refreshes (gen, refreshed_at)
    values (pg_current_xact_id(), now())
    on conflict (only_row) do update
        set
            gen = excluded.gen,
            refreshed_at = excluded.refreshed_at;
    return consumed + unfolded;
end
$$;

-- FUNCTION public.remove_channel(uuid)

CREATE FUNCTION public.remove_channel(channel uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    found_one constant public.channels := private.require_channel(channel);
begin
    update public.deliveries as d
    set state = 'failed', problem = 'The channel was removed.'
    where d.workspace_id = found_one.workspace_id and d.channel_id = found_one.id and d.state in ('waiting', 'held');
    delete from public.channels as c where c.id = found_one.id;
end
$$;

-- FUNCTION public.remove_member(uuid, uuid)

CREATE FUNCTION public.remove_member(workspace uuid, person uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.begin_change(workspace, 'admin');
begin
    perform private.require_rank_over(tenant, $2);
    perform private.require_another_owner(tenant, $2);
    delete from public.members as m where m.workspace_id = tenant and m.user_id = $2;
end
$_$;

-- FUNCTION public.rename_view(uuid, text)

CREATE FUNCTION public.rename_view(view uuid, name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    kept constant text := private.clean_name($2, 'view');
begin
    update private.saved_views as v
    set name = kept
    where v.id = $1 and v.user_id = auth.uid();
    if not found then
        raise exception 'This view no longer exists. Reload the page.' using errcode = '22023';
    end if;
exception
    when unique_violation then
        raise exception 'You have a view of this name already. Choose another name.' using errcode = '22023';
end
$_$;

-- FUNCTION public.report_sync(uuid, text, boolean, text, timestamp with time zone)

CREATE FUNCTION public.report_sync(credential_id uuid, status text, is_complete boolean, error text, next_sync_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
begin
    update public.api_credentials as c
    set
        validation_status = coalesce($2, c.validation_status),
        last_validated_at = case when $2 = 'valid' then now() else c.last_validated_at end,
        last_sync_at = case when $3 then now() else c.last_sync_at end,
        last_error = left($4, 2000),
        next_sync_at = $5
    where c.id = $1 and c.workspace_id = any(array(select private.workspaces_as('admin')));
    if not found then
        raise exception 'This connection no longer exists.' using errcode = '22023';
    end if;
end
$_$;

-- FUNCTION public.restore_filing(json, uuid)

CREATE FUNCTION public.restore_filing(statements json, workspace uuid DEFAULT NULL::uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    SET statement_timeout TO '60s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    sent record;
    superseded integer;
    effective integer;
begin
    select s.*
    into sent
    from json_to_record(statements) as s (
        source_key uuid[], import_id uuid[], line_at timestamptz[], timestamp timestamptz[], project_id uuid[], chosen_by text[]
    );
    if sent.source_key is null or cardinality(sent.source_key) > 5000 then
        raise exception 'Statements must be columns of at most 5,000 values.' using errcode = '22023';
    end if;
    if exists (
        select from unnest(sent.project_id) as c (id)
        where
            c.id is not null
            and not exists (select from public.projects as p where p.workspace_id = tenant and p.id = c.id)
    ) then
        raise exception 'There is no such project in this workspace.' using errcode = '23503';
    end if;
    perform private.wait_to_file(tenant);
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as s
    set project_id = f.project_id, project_chosen_by = f.chosen_by
    from unnest(sent.source_key, sent.import_id, sent.line_at, sent.project_id, sent.chosen_by) as f (
        source_key, import_id, line_at, project_id, chosen_by
    )
    where
        s.workspace_id = tenant
        and s.source_key = f.source_key
        and s.import_id is not distinct from f.import_id
        and case when s.request_id is null then coalesce((s.day + time '12:00') at time zone 'UTC', s.timestamp) end
        is not distinct from f.line_at
        and (s.project_id, s.project_chosen_by) is distinct from (f.project_id, f.chosen_by);
    get diagnostics superseded = row_count;
    -- A record that is a date may be at another instant of it.
    update public.cost_records as r
    set project_id = f.project_id, project_chosen_by = f.chosen_by
    from unnest(sent.source_key, sent.import_id, sent.line_at, sent.project_id, sent.chosen_by) as f (
        source_key, import_id, line_at, project_id, chosen_by
    )
    where
        r.workspace_id = tenant
        and r.timestamp >= (select min(t.at) - interval '1 day' from unnest(sent.timestamp) as t (at))
        and r.timestamp <= (select max(t.at) + interval '1 day' from unnest(sent.timestamp) as t (at))
        and r.source_key = f.source_key
        and r.import_id is not distinct from f.import_id
        and case when r.request_id is null then coalesce((r.day + time '12:00') at time zone 'UTC', r.timestamp) end
        is not distinct from f.line_at
        and (r.project_id, r.project_chosen_by) is distinct from (f.project_id, f.chosen_by);
    get diagnostics effective = row_count;
    perform set_config('tally.is_flagging', '', true);
    perform private.audit_moves(
        tenant, json_build_object('records', effective, 'superseded_records', superseded), 'file_records'
    );
    return superseded + effective;
end
$$;

-- FUNCTION public.restore_project(uuid)

CREATE FUNCTION public.restore_project(project uuid) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $$
declare
    restored public.projects := private.require_project(project);
    plan private.filing_move[];
    described json;
begin
    perform private.wait_to_file(restored.workspace_id);
    restored := private.require_project(project); -- as it is now
    plan := private.plan_restore(restored);
    if restored.archived_at is not null then
        perform private.check_project_limits(restored.workspace_id, false);
        update public.projects as p
        set archived_at = null
        where p.id = restored.id;
    end if;
    perform private.move_to_projects(restored.workspace_id, plan, private.fields_of(private.active_rules(restored.workspace_id, restored.id)));
    described := private.describe_moves(restored.workspace_id, plan, 'project');
    perform private.audit_moves(restored.workspace_id, described, 'file_records');
    return described;
end
$$;

-- FUNCTION public.revoke_api_key(uuid)

CREATE FUNCTION public.revoke_api_key(api_key uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    found_one constant public.api_keys := private.require_api_key(api_key);
begin
    update public.api_keys as k set revoked_at = now() where k.id = found_one.id and k.revoked_at is null;
end
$$;

-- FUNCTION public.roll_back_prompt(uuid, text, text)

CREATE FUNCTION public.roll_back_prompt(workspace uuid, prompt text, environment text) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    deployed constant public.prompts := private.require_prompt(tenant, $2, true);
    before record;
begin
    select b.from_at, b.shares into before from private.split_before(deployed.id, $3) as b;
    if before.shares is null then
        raise exception 'Nothing ran before in %. Deploy a version instead.', coalesce(left($3, 50), 'this environment')
            using errcode = '22023';
    end if;
    perform private.open_deployment(deployed, $3, before.shares, before.from_at);
    return json_build_object('environment', $3, 'shares', before.shares);
end
$_$;

-- FUNCTION public.rotate_api_key(uuid, jsonb, integer)

CREATE FUNCTION public.rotate_api_key(api_key uuid, details jsonb, overlap integer) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    found_one constant public.api_keys := private.require_api_key(api_key);
    given constant public.api_keys := jsonb_populate_record(found_one, coalesce(details, '{}'));
    wanted public.api_keys := found_one;
begin
    if found_one.user_id <> auth.uid() then
        raise exception 'Only its owner can rotate a key. Revoke it, and ask for another one.' using errcode = '42501';
    end if;
    if exists (select from public.api_keys as k where k.id = found_one.successor_id and k.key_hash = given.key_hash) then
        return found_one.successor_id; -- sent again
    end if;
    perform private.begin_key_change(found_one.workspace_id, 'member');
    perform private.refuse_ended_key(found_one);
    if overlap is null or overlap not between 0 and 604800 then
        raise exception 'Let the old key work for 7 days at most.' using errcode = '22023';
    end if;
    if exists (
        select from public.api_keys as k
        where k.successor_id = found_one.id and k.revoked_at is null and k.expires_at > now()
    ) then
        raise exception 'The key that this one replaced still works. Revoke it first, or wait until it ends.' using errcode = '22023';
    end if;
    wanted.id := gen_random_uuid();
    wanted.prefix := given.prefix;
    wanted.last_four := given.last_four;
    wanted.key_hash := given.key_hash;
    wanted.expires_at := given.expires_at;
    perform private.check_key_details(found_one.workspace_id, wanted);
    update public.api_keys as k
    set successor_id = wanted.id, expires_at = least(k.expires_at, now() + make_interval(secs => overlap))
    where k.id = found_one.id;
    return private.add_api_key(wanted);
end
$$;

-- FUNCTION public.rule_suggestions(uuid)

CREATE FUNCTION public.rule_suggestions(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'field', n.field, 'match', 'exact', 'value', n.value, 'records', n.records, 'cost_usd', n.cost_usd::text
                    )
                    order by n.nth
                ),
                '[]'
            )
        from (
            select
                t.*, row_number() over (order by t.cost_usd desc, t.included_usd desc, t.records desc, t.field, t.value) as nth
            from private.name_traits(
                tenant, array['folder', 'repository', 'api_key', 'provider_project', 'person', 'tag'], true
            ) as t
            where length(t.value) <= 500
            order by nth
            limit 20
        ) as n
    );
end
$$;

-- FUNCTION public.save_channel(uuid, uuid, jsonb)

CREATE FUNCTION public.save_channel(workspace uuid, channel uuid, details jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    given constant public.channels := jsonb_populate_record(null::public.channels, details);
    stop constant bytea := case when details ->> 'stop_token' <> '' then decode(
        private.hash_token(details ->> 'stop_token'), 'hex'
    ) end;
    called text;
begin
    if channel is null or details is null then
        raise exception 'Give the channel an id and its details.' using errcode = '22023';
    end if;
    called := private.clean_name(given.name, 'channel');
    update public.channels as c
    set
        name = called,
        hint = coalesce(given.hint, c.hint),
        sealed_target = coalesce(given.sealed_target, c.sealed_target),
        encryption_key_id = case when given.sealed_target is null then c.encryption_key_id else given.encryption_key_id end,
        verified_at = case when given.sealed_target is null then c.verified_at end,
        verified_by = case when given.sealed_target is null then c.verified_by end,
        confirmation_sha256 = case when given.sealed_target is null then c.confirmation_sha256 end,
        stop_sha256 = case when given.sealed_target is null then c.stop_sha256 else stop end,
        quiet_from = given.quiet_from,
        quiet_to = given.quiet_to,
        urgent_passes = coalesce(given.urgent_passes, true),
        digest = coalesce(given.digest, 'none')
    where c.id = save_channel.channel and c.workspace_id = tenant;
    if found then
        -- What waits for a time that may be another now is looked at again.
        update public.deliveries as d set state = 'waiting', next_attempt_at = now()
        where d.channel_id = save_channel.channel and d.state = 'held' and d.sent_in is null;
    else
        insert into public.channels (
            id, workspace_id, kind, name, hint, sealed_target, encryption_key_id, stop_sha256, quiet_from, quiet_to,
            urgent_passes, digest, created_by
        )
        values (
            save_channel.channel, tenant, given.kind, called, coalesce(given.hint, ''), given.sealed_target,
            given.encryption_key_id, stop, given.quiet_from, given.quiet_to, coalesce(given.urgent_passes, true),
            coalesce(given.digest, 'none'), auth.uid()
        )
        on conflict (id) do nothing;
        if not found then
            raise exception 'This channel no longer exists. Reload the page.' using errcode = '22023';
        end if;
    end if;
    return case when given.sealed_target is not null then private.enqueue_test(tenant, save_channel.channel) end;
end
$$;

-- FUNCTION public.save_contents(json, uuid)

CREATE FUNCTION public.save_contents(contents json, workspace uuid DEFAULT NULL::uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '6s'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_sort TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    room bigint;
    saved integer;
begin
    if json_typeof(contents) is distinct from 'array' or json_array_length(contents) > 5000 then
        raise exception 'Contents must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.span_lock(tenant));
    if not exists (select from public.workspaces as w where w.id = tenant and w.content_days is not null) then
        return 0;
    end if;
    room := private.max_contents() - coalesce(
        (select c.contents from private.span_counts as c where c.workspace_id = tenant), 0
    );
    insert into private.span_contents (workspace_id, trace_id, span_id, content)
    select tenant, i.trace_id, i.span_id, i.content
    from json_to_recordset(contents) as i (trace_id text, span_id text, content jsonb)
    cross join lateral (
        select f.week from public.traces as f
        where f.workspace_id = tenant and f.trace_id >= i.trace_id and f.trace_id <= i.trace_id
        order by f.trace_id
        limit 1
    ) as t
    cross join lateral (
        select from public.spans as s
        where
            s.workspace_id = tenant and s.trace_id = i.trace_id and s.span_id = i.span_id and s.week = t.week
            and (
                s.user_id = auth.uid()
                or exists (select from public.person_aliases as a where a.workspace_id = tenant and a.user_id = s.user_id)
            )
        limit 1
    ) as own
    where jsonb_typeof(i.content) = 'object' and length(i.content::text) <= 60000
    limit greatest(room, 0)
    on conflict do nothing;
    get diagnostics saved = row_count;
    insert into private.span_counts as c (workspace_id, spans, contents)
    values (tenant, 0, saved)
    on conflict (workspace_id) do update set contents = c.contents + excluded.contents;
    return saved;
end
$$;

-- FUNCTION public.save_cost_records(uuid, json, uuid)

CREATE FUNCTION public.save_cost_records(import_id uuid, records json, workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '6s'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $_$
declare
    source public.imports;
    tenant uuid;
    usual_method constant text := case when import_id is null then 'manual_entry' else 'csv_import' end;
    incoming private.incoming_record[];
    checked record;
    known uuid[];
    outdone private.incoming_record[];
    kept integer := 0;
    inserted integer := 0;
begin
    if auth.uid() is null then
        raise exception 'Sign in to save records.' using errcode = '42501';
    end if;
    select i.* into source from public.imports as i where i.id = $1 and i.workspace_id = private.workspace_of_source($1);
    if import_id is not null and not found then
        raise exception 'This import no longer exists.' using errcode = '23503';
    end if;
    tenant := private.require_workspace(coalesce(workspace, source.workspace_id), 'member');

    -- The time zone cannot change until this save has committed (see private.mark_all_days).
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    incoming := private.read_incoming(records, private.timezone_of(tenant));
    checked := private.check_incoming(incoming);
    if checked.chosen_projects is not null then
        perform private.check_chosen_projects(tenant, checked.chosen_projects);
    end if;
    -- Before the lock of saves: whoever makes a month may wait for another who does.
    if not private.has_months(checked.first_at, checked.last_at) then
        perform public.ensure_months(array(select distinct (r.timestamp at time zone 'UTC')::date from unnest(incoming) as r));
    end if;

    if checked.has_requests then
        -- No constraint would find a second record of a request at another time, so nobody else may save meanwhile.
        perform pg_advisory_xact_lock(private.save_lock(tenant));
        incoming := private.merge_requests(private.resolve_aliases(tenant, import_id, incoming, checked.has_aliases));
    end if;
    perform set_config('tally.restated', '0', true);
    perform set_config('tally.has_channels', case when checked.has_channels then 'on' else '' end, true);
    if source.is_enabled is false then
        perform pg_advisory_xact_lock(private.save_lock(tenant));
        kept := private.keep_all_statements(tenant, source, usual_method, incoming);
    else
        if checked.has_channels then
            perform pg_advisory_xact_lock(private.save_lock(tenant));
            select s.outdone, s.rest into outdone, incoming from private.split_by_channel(tenant, usual_method, incoming) as s;
            kept := private.keep_all_statements(tenant, source, usual_method, outdone);
        end if;
        known := private.find_known(tenant, incoming, checked.first_at, checked.last_at, checked.has_requests);
        if cardinality(known) = 0 then
            inserted := private.insert_records(tenant, source, usual_method, incoming, known);
        end if;
        if cardinality(known) > 0 or inserted is null then
            perform pg_advisory_xact_lock(private.save_lock(tenant));
            inserted := private.save_beside_known(
                tenant, source, usual_method, incoming, checked.first_at, checked.last_at, checked.has_requests
            );
        end if;
    end if;
    if checked.has_channels then
        perform private.compare_channels(tenant);
    end if;
    perform private.check_statement_count(tenant);
    return json_build_object(
        'inserted', inserted + kept,
        'duplicate', checked.valid - inserted - kept,
        'restated', current_setting('tally.restated')::integer,
        'rejected', checked.rejected
    );
end
$_$;

-- FUNCTION public.save_spans(json, uuid)

CREATE FUNCTION public.save_spans(spans json, workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '6s'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
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
        perform private.create_span_week(w.week)
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

-- FUNCTION public.save_view(uuid, text, text)

CREATE FUNCTION public.save_view(workspace uuid, name text, query text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    kept constant text := private.clean_name($2, 'view');
    saved uuid;
begin
    if coalesce(length($3), 0) not between 1 and 4000 then
        raise exception 'This view is too long to be saved. Take some of its filters away.' using errcode = '22023';
    end if;
    -- Two calls at once see each other's views.
    perform pg_advisory_xact_lock(hashtextextended('tally.views.' || auth.uid()::text, 0));
    insert into private.saved_views as v (workspace_id, user_id, name, query)
    values (tenant, auth.uid(), kept, $3)
    on conflict on constraint saved_views_once do update
        set query = excluded.query, saved_at = now()
    returning v.id into saved;
    if (select count(*) > 100 from private.saved_views as v where v.user_id = auth.uid() and v.workspace_id = tenant) then
        raise exception 'You can have 100 views in a workspace at most. Delete one that you no longer use.'
            using errcode = '22023';
    end if;
    return saved;
end
$_$;

-- FUNCTION public.search_audit_log(uuid, text, timestamp with time zone, integer)

CREATE FUNCTION public.search_audit_log(workspace uuid, search text, before timestamp with time zone, at_most integer) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    wanted constant text := nullif(lower(trim($2)), '');
begin
    return (
        select coalesce(json_agg(e order by e.created_at desc, e.id), '[]')
        from (
            select
                a.id, a.created_at, a.actor, a.actor_id, c.email as actor_email, a.action, a.table_name, a.row_id, a.user_id,
                o.email as user_email, a.changed_columns, a.before, a.after, a.metadata, a.address, a.user_agent
            from public.audit_logs as a
            left join auth.users as c on a.actor_id = c.id
            left join auth.users as o on a.user_id = o.id
            where
                a.workspace_id = tenant
                and a.created_at < coalesce($3, 'infinity')
                and (wanted is null or private.entry_contains(a, c.email, o.email, wanted))
            order by a.created_at desc
            fetch first greatest(least(coalesce($4, 100), 1000), 1) rows with ties
        ) as e
    );
end
$_$;

-- FUNCTION public.set_alert_rules(uuid, jsonb)

CREATE FUNCTION public.set_alert_rules(workspace uuid, rules jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    if rules is null or not private.are_alert_rules(rules) then
        raise exception 'These are no rules of alerts. Switch kinds on or off, and give limits within their bounds.'
            using errcode = '22023';
    end if;
    update public.workspaces as w set alert_rules = rules where w.id = tenant;
end
$$;

-- FUNCTION public.set_aliases(uuid, json, json)

CREATE FUNCTION public.set_aliases(workspace uuid, aliases json, before json DEFAULT NULL::json) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    checked public.person_aliases[];
    plan private.filing_move[];
    described json;
begin
    perform private.wait_to_file(tenant);
    checked := private.read_aliases(tenant, aliases);
    perform private.refuse_outdated(
        'names of people',
        (select coalesce(jsonb_object_agg(e ->> 'value', e ->> 'user_id'), '{}') from json_array_elements(before) as e),
        private.write_aliases(array(select a from public.person_aliases as a where a.workspace_id = tenant)),
        private.write_aliases(checked)
    )
    where before is not null;
    delete from public.person_aliases as o
    where o.workspace_id = tenant and o.value not in (select a.value from unnest(checked) as a);
    insert into public.person_aliases as o
    select a.*
    from unnest(checked) as a
    on conflict (workspace_id, value) do update
        set user_id = excluded.user_id
        where o.user_id <> excluded.user_id;
    plan := private.plan_aliases(tenant, checked);
    perform private.move_to_people(tenant, checked, plan);
    described := private.describe_moves(tenant, plan, 'person');
    perform private.audit_moves(tenant, described, 'assign_records');
    return described;
end
$$;

-- FUNCTION public.set_content_rules(uuid, integer, text[])

CREATE FUNCTION public.set_content_rules(workspace uuid, days integer, words text[] DEFAULT '{}'::text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    kept constant text[] := array(
        select distinct btrim(w.word) from unnest(coalesce($3, '{}')) as w (word) where btrim(w.word) <> '' order by 1
    );
begin
    if $2 not between 1 and 400 then
        raise exception 'Keep prompts and answers for 1 to 400 days.' using errcode = '22023';
    end if;
    if cardinality(kept) > 100 or length(array_to_string(kept, ',')) > 5000 then
        raise exception 'Up to 100 words, of 5,000 characters in all, can be removed.' using errcode = '22023';
    end if;
    update public.workspaces as w set content_days = $2, content_words = kept where w.id = tenant;
    if $2 is null then
        delete from private.span_contents as c where c.workspace_id = tenant;
    end if;
end
$_$;

-- FUNCTION public.set_member_limit(uuid, uuid, numeric, bigint)

CREATE FUNCTION public.set_member_limit(workspace uuid, person uuid, monthly_usd numeric, monthly_tokens bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.begin_change(workspace, 'admin');
begin
    perform private.require_rank_over(tenant, $2);
    if $3 <= 0 or $3 > 99999999 or round($3, 10) = 0 then -- NaN is above any number
        raise exception 'Limit the cost to an amount between $0 and $99,999,999, or leave it out.' using errcode = '22023';
    end if;
    if $4 <= 0 or $4 > 1000000000000000 then
        raise exception 'Limit the tokens to a number between 1 and 1,000,000,000,000,000, or leave it out.' using errcode = '22023';
    end if;
    perform private.limit_member(tenant, $2, 'cost', trim_scale(round($3, 10)));
    perform private.limit_member(tenant, $2, 'tokens', $4);
end
$_$;

-- FUNCTION public.set_model_limits(uuid, jsonb)

CREATE FUNCTION public.set_model_limits(workspace uuid, limits jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    if limits is null or not private.are_model_limits(limits) then
        raise exception 'Give up to 20 limits: one for each kind, model and window, with a limit and a number of requests.'
            using errcode = '22023';
    end if;
    update public.workspaces as w set model_limits = limits where w.id = tenant;
end
$$;

-- FUNCTION public.set_paid_by_plan(uuid, boolean)

CREATE FUNCTION public.set_paid_by_plan(import_id uuid, is_plan boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $_$
declare
    tenant constant uuid := private.require_source($1);
    basis constant text := case when $2 then 'included' else 'estimated' end;
    moved bigint;
begin
    if $2 is null then
        raise exception 'Say whether a plan pays for it.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    with plans as (
        select f.id as from_id, t.id as to_id, t.name as to_name
        from (
            values ('anthropic', 'claude-desktop', 'claude-code'), ('openai', 'chatgpt', 'codex'),
            ('google', 'gemini-app', 'gemini-cli')
        ) as m (api, plan, agent)
        -- The plan of these agents is their maker's: it covers nothing that a cloud or another maker answers.
        inner join public.imports as i
            on i.id = $1 and (i.format = m.agent or i.format not in ('claude-code', 'codex', 'gemini-cli'))
        inner join public.providers as f on f.name = case when $2 then m.api else m.plan end
        inner join public.providers as t on t.name = case when $2 then m.plan else m.api end
    ),

    kept as (
        update public.superseded_records as s
        set provider_id = p.to_id, cost_basis = basis, billing_account = p.to_name
        from plans as p
        where
            s.workspace_id = tenant
            and s.import_id = $1
            and s.provider_id = p.from_id
            and s.cost_basis in ('included', 'estimated')
    )

    update public.cost_records as r
    set provider_id = p.to_id, cost_basis = basis, billing_account = p.to_name
    from plans as p
    where
        r.workspace_id = tenant
        and r.import_id = $1
        and r.provider_id = p.from_id
        and r.cost_basis in ('included', 'estimated');
    get diagnostics moved = row_count;
    perform private.refile_source(tenant, $1); -- rules may ask for the billing account
    -- What is collected from now on follows.
    update public.imports as i
    set metadata = i.metadata || jsonb_build_object('paid_by', case when $2 then 'plan' else 'api' end)
    where i.workspace_id = tenant and i.id = $1;
    return moved;
end
$_$;

-- FUNCTION public.set_project_members(uuid, uuid[], uuid[])

CREATE FUNCTION public.set_project_members(project uuid, people uuid[], before uuid[] DEFAULT NULL::uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    changed constant public.projects := private.require_project(project);
begin
    if people is null then
        raise exception 'Say who sees the project.' using errcode = '22023';
    end if;
    if exists (
        select from unnest(people) as u (id)
        where not exists (select from public.members as m where m.workspace_id = changed.workspace_id and m.user_id = u.id)
    ) then
        raise exception 'Only members of the workspace can be given a project. Invite the others first.' using errcode = '22023';
    end if;
    perform from public.projects as p where p.id = changed.id for no key update; -- one list at a time
    perform private.refuse_outdated(
        'members of this project',
        to_jsonb(array(select distinct u.id from unnest(before) as u (id) order by 1)),
        to_jsonb(array(select o.user_id from public.project_members as o where o.project_id = changed.id order by 1)),
        to_jsonb(array(select distinct u.id from unnest(people) as u (id) order by 1))
    )
    where before is not null;
    delete from public.project_members as o
    where o.project_id = changed.id and o.user_id <> all (people);
    insert into public.project_members (workspace_id, project_id, user_id)
    select distinct changed.workspace_id, changed.id, u.id
    from unnest(people) as u (id)
    on conflict do nothing;
end
$$;

-- FUNCTION public.set_role(uuid, uuid, text)

CREATE FUNCTION public.set_role(workspace uuid, person uuid, role text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.begin_change(workspace, 'admin');
begin
    if private.rank_of($3) is null then
        raise exception 'Choose one of the roles owner, admin, member and viewer.' using errcode = '22023';
    end if;
    perform private.require_rank_over(tenant, $2);
    if private.rank_of($3) > private.require_rank_over(tenant, auth.uid()) then
        raise exception 'You cannot give a role above your own. Ask an owner to do this.' using errcode = '42501';
    end if;
    if $3 <> 'owner' then
        perform private.require_another_owner(tenant, $2);
    end if;
    update public.members as m set role = $3 where m.workspace_id = tenant and m.user_id = $2 and m.role <> $3;
end
$_$;

-- FUNCTION public.set_rules(uuid, json, json)

CREATE FUNCTION public.set_rules(workspace uuid, rules json, before json DEFAULT NULL::json) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    checked public.project_rules[];
    active public.project_rules[];
    plan private.filing_move[];
    described json;
begin
    perform private.wait_to_file(tenant);
    checked := private.read_rules(tenant, rules);
    perform private.refuse_outdated(
        'rules',
        before::jsonb,
        private.write_rules(array(select r from public.project_rules as r where r.workspace_id = tenant)),
        private.write_rules(checked)
    );
    perform private.store_rules(tenant, checked);
    active := private.active_rules(tenant);
    plan := private.plan_rules(tenant, active);
    perform private.move_to_projects(tenant, plan, private.fields_of(active));
    perform private.refile_few_spans(tenant);
    described := private.describe_moves(tenant, plan, 'project');
    perform private.audit_moves(tenant, described, 'file_records');
    return described;
end
$$;

-- FUNCTION public.set_source_enabled(uuid, boolean)

CREATE FUNCTION public.set_source_enabled(import_id uuid, is_enabled boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $_$
declare
    tenant constant uuid := private.require_source($1);
begin
    if $2 is null then
        raise exception 'Say whether the source is in the totals.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    update public.imports as i
    set is_enabled = $2
    where i.workspace_id = tenant and i.id = $1 and i.is_enabled <> $2;
end
$_$;

-- FUNCTION public.set_trace_days(uuid, integer)

CREATE FUNCTION public.set_trace_days(workspace uuid, days integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    if $2 is null or $2 not between 1 and 400 then
        raise exception 'Keep traces for 1 to 400 days.' using errcode = '22023';
    end if;
    update public.workspaces as w set trace_days = $2 where w.id = tenant;
end
$_$;

-- FUNCTION public.source_days(uuid, uuid, text)

CREATE FUNCTION public.source_days(workspace uuid DEFAULT NULL::uuid, project uuid DEFAULT NULL::uuid, account text DEFAULT NULL::text) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_rows(tenant);
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select
            json_build_object(
                'import_id', coalesce(json_agg(d.import_id), '[]'),
                'kind', coalesce(json_agg(d.kind), '[]'),
                'day', coalesce(json_agg(d.day), '[]'),
                'cost_basis', coalesce(json_agg(d.cost_basis), '[]'),
                'cost_usd', coalesce(json_agg(d.cost_usd::text), '[]'),
                'effective_usd', coalesce(json_agg(d.effective_usd::text), '[]'),
                'records', coalesce(json_agg(d.records), '[]'),
                'unpriced_records', coalesce(json_agg(d.unpriced_records), '[]')
            )
        from (
            select
                s.import_id,
                case
                    when s.import_id is not null then null
                    when s.charge_type = 'subscription' then s.charge_type
                    else s.collection_method
                end as kind,
                (s.timestamp at time zone 'UTC')::date as day,
                s.cost_basis,
                sum(s.cost_usd) as cost_usd,
                sum(s.cost_usd) filter (where s.money_is_effective) as effective_usd,
                count(*) as records,
                count(*) filter (
                    where s.cost_usd is null and not private.is_failed_call(s.tokens_used, s.metadata)
                ) as unpriced_records
            from private.statements as s
            where
                s.workspace_id = tenant
                and (only_user is null or s.user_id = only_user)
                and (s.project_id is null or s.project_id <> all (hidden) or s.user_id = auth.uid())
                and (project is null or coalesce(s.project_id, '00000000-0000-0000-0000-000000000000') = project)
                and (account is null or s.billing_account = account)
            group by 1, 2, 3, 4
        ) as d
    );
end
$$;

-- FUNCTION public.source_statements(date, date, uuid)

CREATE FUNCTION public.source_statements(from_date date, to_date date, workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select
            json_build_object(
                'day', coalesce(json_agg(n.day), '[]'),
                'billing_account', coalesce(json_agg(n.billing_account), '[]'),
                'model', coalesce(json_agg(n.model_key), '[]'),
                'model_name', coalesce(json_agg(n.model_name), '[]'),
                'import_id', coalesce(json_agg(n.import_id), '[]'),
                'kind', coalesce(json_agg(n.kind), '[]'),
                'format', coalesce(json_agg(n.format), '[]'),
                'filename', coalesce(json_agg(n.filename), '[]'),
                'collection_method', coalesce(json_agg(n.collection_method), '[]'),
                'dataset', coalesce(json_agg(n.dataset), '[]'),
                'cost_basis', coalesce(json_agg(n.cost_basis), '[]'),
                'charge_type', coalesce(json_agg(n.charge_type), '[]'),
                'token_type', coalesce(json_agg(n.token_type), '[]'),
                'is_special', coalesce(json_agg(n.is_special), '[]'),
                'is_effective', coalesce(json_agg(n.is_effective), '[]'),
                'cost_usd', coalesce(json_agg(n.cost_usd::text), '[]'),
                'unpriced_records', coalesce(json_agg(n.unpriced_records), '[]'),
                'tokens', coalesce(json_agg(n.tokens), '[]'),
                'input_tokens', coalesce(json_agg(n.input_tokens), '[]'),
                'output_tokens', coalesce(json_agg(n.output_tokens), '[]'),
                'cached_input_tokens', coalesce(json_agg(n.cached_input_tokens), '[]'),
                'cache_write_tokens', coalesce(json_agg(n.cache_write_tokens), '[]'),
                'reasoning_tokens', coalesce(json_agg(n.reasoning_tokens), '[]'),
                'requests', coalesce(json_agg(n.requests), '[]'),
                'records', coalesce(json_agg(n.records), '[]'),
                'effective_usd', coalesce(json_agg(n.effective_usd::text), '[]'),
                'money_is_effective', coalesce(json_agg(n.money_is_effective), '[]'),
                'effective_tokens', coalesce(json_agg(n.effective_tokens), '[]'),
                'tokens_are_effective', coalesce(json_agg(n.tokens_are_effective), '[]')
            )
        from (
            select s.*, i.kind, i.format, i.filename
            from private.sum_statements(
                tenant, from_date, to_date, private.only_own_rows(tenant), array(select private.hidden_projects())
            ) as s
            left join public.imports as i on s.import_id = i.id
            order by
                s.day, s.billing_account, s.model_name, s.dataset, i.filename, s.import_id, s.token_type, s.charge_type,
                s.is_effective desc
        ) as n
    );
end
$$;

-- FUNCTION public.stop_channel(text)

CREATE FUNCTION public.stop_channel(token text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant uuid;
begin
    update public.channels as c
    set
        verified_at = null,
        verified_by = null,
        confirmation_sha256 = null,
        must_agree = true,
        disabled_at = now(),
        disabled_reason = 'Its reader asked to stop.'
    where c.stop_sha256 = decode(private.hash_token($1), 'hex')
    returning c.workspace_id into tenant;
    if tenant is null then
        raise exception 'This link is no longer valid: the channel was removed, or has another address.' using errcode = '22023';
    end if;
    return (select w.name from public.workspaces as w where w.id = tenant);
end
$_$;

-- FUNCTION public.stop_digests(text, text)

CREATE FUNCTION public.stop_digests(token text, kind text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    person constant uuid := (select t.user_id from private.unsubscribing as t where t.token = $1);
begin
    if person is not null then
        insert into public.user_preferences (user_id) values (person) on conflict do nothing;
        update public.user_preferences as p
        set
            weekly_digest = p.weekly_digest and $2 is distinct from 'weekly',
            monthly_digest = p.monthly_digest and $2 is distinct from 'monthly'
        where p.user_id = person;
    end if;
end
$_$;

-- FUNCTION public.sum_records(uuid, jsonb)

CREATE FUNCTION public.sum_records(workspace uuid, chosen jsonb) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET jit TO 'off'
    AS $_$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    hidden constant uuid[] := array(select private.hidden_projects());
    sums json;
begin
    perform private.check_records_filter($2);
    sums := private.sum_of_days(tenant, $2, private.timezone_of(tenant));
    if sums is not null then
        return sums;
    end if;
    execute format(
        $q$select json_build_object(
            'records', coalesce(sum(d.records), 0), 'unpriced', coalesce(sum(d.unpriced), 0),
            'days', coalesce(
                json_agg(json_build_array(d.day, d.spend::text, d.included::text, d.tokens) order by d.day), '[]'
            )
        )
        from (
            select
                coalesce(r.day, (r.timestamp at time zone $10)::date) as day, count(*) as records,
                count(*) filter (
                    where r.money_is_effective and r.cost_usd is null
                    and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
                ) as unpriced,
                coalesce(sum(r.cost_usd) filter (where r.money_is_effective and r.cost_basis <> 'included'), 0) as spend,
                coalesce(sum(r.cost_usd) filter (where r.money_is_effective and r.cost_basis = 'included'), 0) as included,
                coalesce(sum(r.tokens_used) filter (where r.tokens_are_effective), 0) as tokens
            from public.cost_records as r
            where %s
            group by 1
        ) as d$q$,
        private.where_records($2)
    )
    into sums
    using
        tenant, $2, ($2 ->> 'first_at')::timestamptz, ($2 ->> 'last_at')::timestamptz,
        private.projects_named(tenant, $2 ->> 'search', hidden), ($2 #>> '{before,at}')::timestamptz,
        (select auth.uid()), private.only_own_rows(tenant), hidden, private.timezone_of(tenant);
    return sums;
end
$_$;

-- FUNCTION public.test_channel(uuid)

CREATE FUNCTION public.test_channel(channel uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    found_one constant public.channels := private.require_channel(channel);
begin
    return private.enqueue_test(found_one.workspace_id, found_one.id);
end
$$;

-- FUNCTION public.transfer_ownership(uuid, uuid)

CREATE FUNCTION public.transfer_ownership(workspace uuid, person uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    tenant constant uuid := private.begin_change(workspace, 'owner');
begin
    perform private.require_rank_over(tenant, $2);
    if $2 = auth.uid() then
        raise exception 'You are an owner already. Choose another member.' using errcode = '22023';
    end if;
    update public.members as m set role = 'owner' where m.workspace_id = tenant and m.user_id = $2 and m.role <> 'owner';
    update public.members as m set role = 'admin' where m.workspace_id = tenant and m.user_id = auth.uid();
end
$_$;

-- FUNCTION public.unknown_people(uuid)

CREATE FUNCTION public.unknown_people(workspace uuid DEFAULT NULL::uuid) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '60s'
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return (
        select
            coalesce(
                json_agg(json_build_object('value', u.value, 'records', u.records, 'cost_usd', u.cost_usd::text) order by u.nth),
                '[]'
            )
        from (
            select
                n.value, sum(n.records)::bigint as records, sum(n.cost_usd) as cost_usd,
                row_number() over (order by sum(n.cost_usd) desc, sum(n.included_usd) desc, sum(n.records) desc, n.value) as nth
            from private.name_traits(tenant, array['person'], false) as n
            where not exists (select from public.person_aliases as a where a.workspace_id = tenant and a.value = n.value)
            group by n.value
            order by nth
            limit 200
        ) as u
    );
end
$$;

-- FUNCTION public.unpriced_models(uuid)

CREATE FUNCTION public.unpriced_models(workspace uuid DEFAULT NULL::uuid) RETURNS TABLE(provider text, model_name text, records bigint, tokens numeric, requests numeric, first_at timestamp with time zone, last_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_totals(tenant);
begin
    return query
    select
        p.name,
        r.model_name,
        count(*),
        sum(case when r.tokens_are_effective then r.tokens_used else 0 end),
        sum(case when r.tokens_are_effective then r.request_count else 0 end),
        min(r.timestamp),
        max(r.timestamp)
    from public.cost_records as r
    inner join public.providers as p on r.provider_id = p.id
    where
        r.workspace_id = tenant
        and r.cost_usd is null
        and r.money_is_effective
        and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
        and (only_user is null or r.user_id = only_user)
    group by p.name, r.model_name
    order by 3 desc, 1, 2;
end
$$;

-- FUNCTION public.update_project(uuid, text, boolean)

CREATE FUNCTION public.update_project(project uuid, name text DEFAULT NULL::text, is_private boolean DEFAULT NULL::boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    changed constant public.projects := private.require_project(project);
    chosen constant text := case when $2 is null then changed.name else private.clean_name($2, 'project') end;
begin
    update public.projects as p
    set name = chosen, is_private = coalesce($3, p.is_private)
    where p.id = changed.id and (p.name <> chosen or p.is_private <> $3);
end
$_$;

-- FUNCTION public.update_workspace(uuid, text, text, text, text)

CREATE FUNCTION public.update_workspace(workspace uuid, name text, timezone text, currency text, person_split text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET statement_timeout TO '120s'
    AS $_$
declare
    tenant constant uuid := private.require_shared_workspace(workspace, 'admin');
begin
    if $5 not in ('own', 'admins', 'everyone') then
        raise exception 'Members see their own costs ("own"), also totals ("admins"), or everybody''s costs ("everyone").'
            using errcode = '22023';
    end if;
    -- Before the row, in the order of a save and of a deletion: no deadlocks.
    if $3 is not null then
        perform pg_advisory_xact_lock(private.timezone_lock(tenant));
    end if;
    update public.workspaces as w
    set
        name = coalesce(private.clean_name(coalesce($2, w.name), 'workspace'), w.name),
        timezone = coalesce($3, w.timezone),
        currency = coalesce(private.check_currency($4), w.currency),
        person_split = coalesce($5, w.person_split)
    where w.id = tenant;
end
$_$;

-- TABLE private.archived_months

CREATE TABLE private.archived_months (
    month date NOT NULL,
    archived_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT archived_months_month_check CHECK (((month >= '2020-01-01'::date) AND (month <= '2100-01-01'::date)))
);

-- TABLE public.providers

CREATE TABLE public.providers (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    display_name text NOT NULL,
    api_base_url text,
    is_active boolean DEFAULT true NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT providers_api_base_url_check CHECK ((length(api_base_url) <= 300)),
    CONSTRAINT providers_display_name_check CHECK (((length(display_name) >= 1) AND (length(display_name) <= 100))),
    CONSTRAINT providers_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT providers_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9-]{0,49}$'::text))
);

-- TABLE public.workspaces

CREATE TABLE public.workspaces (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    personal_user_id uuid,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    currency text DEFAULT 'USD'::text NOT NULL,
    person_split text DEFAULT 'admins'::text NOT NULL,
    alert_rules jsonb DEFAULT '{}'::jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    trace_days smallint DEFAULT 90 NOT NULL,
    content_days smallint,
    content_words text[] DEFAULT '{}'::text[] NOT NULL,
    model_limits jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT workspaces_alert_rules_check CHECK (((jsonb_typeof(alert_rules) = 'object'::text) AND (pg_column_size(alert_rules) <= 1024))),
    CONSTRAINT workspaces_content_days_check CHECK (((content_days >= 1) AND (content_days <= 400))),
    CONSTRAINT workspaces_content_words_check CHECK (((cardinality(content_words) <= 100) AND (length(array_to_string(content_words, ','::text, ''::text)) <= 5000))),
    CONSTRAINT workspaces_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT workspaces_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT workspaces_model_limits_check CHECK (((jsonb_typeof(model_limits) = 'array'::text) AND (pg_column_size(model_limits) <= 8192))),
    CONSTRAINT workspaces_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT workspaces_person_split_check CHECK ((person_split = ANY (ARRAY['own'::text, 'admins'::text, 'everyone'::text]))),
    CONSTRAINT workspaces_personal CHECK (((personal_user_id IS NULL) OR (personal_user_id = id))),
    CONSTRAINT workspaces_timezone_check CHECK (((length(timezone) >= 1) AND (length(timezone) <= 64))),
    CONSTRAINT workspaces_trace_days_check CHECK (((trace_days >= 1) AND (trace_days <= 400)))
);

-- MATERIALIZED VIEW private.cost_records_daily

CREATE MATERIALIZED VIEW private.cost_records_daily AS
 SELECT workspace_id,
    date,
    provider_id,
    provider,
    project_id,
    user_id,
    model_name,
    cost_basis,
    charge_type,
    total_cost_usd,
    total_tokens,
    total_input_tokens,
    total_output_tokens,
    total_cached_input_tokens,
    total_cache_write_tokens,
    total_reasoning_tokens,
    total_requests,
    record_count,
    unpriced_count
   FROM ( SELECT r.workspace_id,
            ((r."timestamp" AT TIME ZONE w.timezone))::date AS date,
            r.provider_id,
            p.name AS provider,
            COALESCE(r.project_id, '00000000-0000-0000-0000-000000000000'::uuid) AS project_id,
            r.user_id,
            r.model_name,
            r.cost_basis,
            r.charge_type,
            sum(
                CASE
                    WHEN r.money_is_effective THEN r.cost_usd
                    ELSE 0.0000000000
                END) AS total_cost_usd,
            (LEAST(sum(
                CASE
                    WHEN r.tokens_are_effective THEN r.tokens_used
                    ELSE (0)::bigint
                END), ('9223372036854775807'::bigint)::numeric))::bigint AS total_tokens,
            (LEAST(sum(
                CASE
                    WHEN r.tokens_are_effective THEN r.input_tokens
                    ELSE (0)::bigint
                END), ('9223372036854775807'::bigint)::numeric))::bigint AS total_input_tokens,
            (LEAST(sum(
                CASE
                    WHEN r.tokens_are_effective THEN r.output_tokens
                    ELSE (0)::bigint
                END), ('9223372036854775807'::bigint)::numeric))::bigint AS total_output_tokens,
            (LEAST(sum(
                CASE
                    WHEN r.tokens_are_effective THEN r.cached_input_tokens
                    ELSE (0)::bigint
                END), ('9223372036854775807'::bigint)::numeric))::bigint AS total_cached_input_tokens,
            (LEAST(sum(
                CASE
                    WHEN r.tokens_are_effective THEN r.cache_write_tokens
                    ELSE (0)::bigint
                END), ('9223372036854775807'::bigint)::numeric))::bigint AS total_cache_write_tokens,
            (LEAST(sum(
                CASE
                    WHEN r.tokens_are_effective THEN r.reasoning_tokens
                    ELSE (0)::bigint
                END), ('9223372036854775807'::bigint)::numeric))::bigint AS total_reasoning_tokens,
            (LEAST(sum(
                CASE
                    WHEN r.tokens_are_effective THEN r.request_count
                    ELSE (0)::bigint
                END), ('9223372036854775807'::bigint)::numeric))::bigint AS total_requests,
            count(*) AS record_count,
            count(*) FILTER (WHERE ((r.cost_usd IS NULL) AND r.money_is_effective AND (NOT private.is_failed_call(
                CASE
                    WHEN r.tokens_are_effective THEN r.tokens_used
                    ELSE (0)::bigint
                END, r.metadata)))) AS unpriced_count
           FROM ((public.cost_records r
             JOIN public.providers p ON ((r.provider_id = p.id)))
             JOIN public.workspaces w ON ((r.workspace_id = w.id)))
          GROUP BY r.workspace_id, (((r."timestamp" AT TIME ZONE w.timezone))::date), r.provider_id, p.name, COALESCE(r.project_id, '00000000-0000-0000-0000-000000000000'::uuid), r.user_id, r.model_name, r.cost_basis, r.charge_type) t
  ORDER BY workspace_id, date, provider_id, project_id, user_id, (model_name COLLATE "C"), cost_basis, charge_type
  WITH NO DATA;

-- TABLE private.overridden_days

CREATE TABLE private.overridden_days (
    workspace_id uuid NOT NULL,
    date date NOT NULL,
    gen xid8 NOT NULL
);

-- VIEW private.current_days

CREATE VIEW private.current_days AS
 SELECT d.workspace_id,
    d.date,
    d.provider_id,
    d.provider,
    d.project_id,
    d.user_id,
    d.model_name,
    d.cost_basis,
    d.charge_type,
    d.total_cost_usd,
    d.total_tokens,
    d.total_input_tokens,
    d.total_output_tokens,
    d.total_cached_input_tokens,
    d.total_cache_write_tokens,
    d.total_reasoning_tokens,
    d.total_requests,
    d.record_count,
    d.unpriced_count
   FROM private.cost_records_daily d
  WHERE (NOT (EXISTS ( SELECT
           FROM private.overridden_days o
          WHERE ((o.workspace_id = d.workspace_id) AND (o.date = d.date)))))
UNION ALL
 SELECT f.workspace_id,
    f.date,
    f.provider_id,
    f.provider,
    f.project_id,
    f.user_id,
    f.model_name,
    f.cost_basis,
    f.charge_type,
    f.total_cost_usd,
    f.total_tokens,
    f.total_input_tokens,
    f.total_output_tokens,
    f.total_cached_input_tokens,
    f.total_cache_write_tokens,
    f.total_reasoning_tokens,
    f.total_requests,
    f.record_count,
    f.unpriced_count
   FROM private.folded_days f;

-- TABLE private.digests

CREATE TABLE private.digests (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    period_start date NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    problem text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT digests_attempts_check CHECK (((attempts >= 1) AND (attempts <= 1000))),
    CONSTRAINT digests_kind_check CHECK ((kind = ANY (ARRAY['weekly'::text, 'monthly'::text]))),
    CONSTRAINT digests_period_start_check CHECK (((period_start >= '2020-01-01'::date) AND (period_start <= '2100-01-01'::date))),
    CONSTRAINT digests_problem_check CHECK ((length(problem) <= 500)),
    CONSTRAINT digests_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'empty'::text, 'failed'::text])))
);

-- TABLE private.divided_workspaces

CREATE TABLE private.divided_workspaces (
    workspace_id uuid NOT NULL,
    is_summed boolean DEFAULT false NOT NULL
);

-- MATERIALIZED VIEW private.divided_days

CREATE MATERIALIZED VIEW private.divided_days AS
 SELECT workspace_id,
    split,
    date,
    provider_id,
    provider,
    part,
    model_name,
    cost_basis,
    charge_type,
    total_cost_usd,
    total_tokens,
    total_input_tokens,
    total_output_tokens,
    total_cached_input_tokens,
    total_cache_write_tokens,
    total_requests,
    record_count,
    unpriced_count
   FROM ( SELECT d.workspace_id,
                CASE
                    WHEN (GROUPING(d.project_id) = 0) THEN 'project'::text
                    WHEN (GROUPING(d.user_id) = 0) THEN 'person'::text
                    ELSE 'none'::text
                END AS split,
            d.date,
            d.provider_id,
            d.provider,
            COALESCE(d.project_id, d.user_id, '00000000-0000-0000-0000-000000000000'::uuid) AS part,
            d.model_name,
            d.cost_basis,
            d.charge_type,
            sum(d.total_cost_usd) AS total_cost_usd,
            (LEAST(sum(d.total_tokens), ('9223372036854775807'::bigint)::numeric))::bigint AS total_tokens,
            (LEAST(sum(d.total_input_tokens), ('9223372036854775807'::bigint)::numeric))::bigint AS total_input_tokens,
            (LEAST(sum(d.total_output_tokens), ('9223372036854775807'::bigint)::numeric))::bigint AS total_output_tokens,
            (LEAST(sum(d.total_cached_input_tokens), ('9223372036854775807'::bigint)::numeric))::bigint AS total_cached_input_tokens,
            (LEAST(sum(d.total_cache_write_tokens), ('9223372036854775807'::bigint)::numeric))::bigint AS total_cache_write_tokens,
            (LEAST(sum(d.total_requests), ('9223372036854775807'::bigint)::numeric))::bigint AS total_requests,
            (sum(d.record_count))::bigint AS record_count,
            (sum(d.unpriced_count))::bigint AS unpriced_count
           FROM (private.cost_records_daily d
             JOIN private.divided_workspaces w ON ((d.workspace_id = w.workspace_id)))
          GROUP BY d.workspace_id, d.date, d.provider_id, d.provider, d.model_name, d.cost_basis, d.charge_type, GROUPING SETS ((), (d.project_id), (d.user_id))) t
  ORDER BY workspace_id, (split COLLATE "C"), date, provider_id, part, (model_name COLLATE "C"), cost_basis, charge_type
  WITH NO DATA;

-- VIEW private.estimates

CREATE VIEW private.estimates AS
 SELECT r.workspace_id,
    r.user_id,
    r.project_id,
    r.import_id,
    r.id,
    r."timestamp",
    r.day,
    r.provider_id,
    r.model_name,
    r.cost_basis,
    r.cost_usd,
    r.input_tokens,
    r.output_tokens,
    r.cached_input_tokens,
    r.cache_write_tokens,
    r.request_count,
    r.money_is_effective AS is_effective,
    r.metadata,
    r.billing_account
   FROM public.cost_records r
  WHERE ((r.cost_basis = ANY (ARRAY['estimated'::text, 'included'::text])) AND (r.charge_type = 'usage'::text) AND ((r.cost_usd IS NULL) OR ((r.metadata ->> 'price_source'::text) = ANY (ARRAY['genai-prices'::text, 'genai-prices by row'::text, 'own'::text]))))
UNION ALL
 SELECT s.workspace_id,
    s.user_id,
    s.project_id,
    s.import_id,
    s.id,
    s."timestamp",
    s.day,
    s.provider_id,
    s.model_name,
    s.cost_basis,
    s.cost_usd,
    s.input_tokens,
    s.output_tokens,
    s.cached_input_tokens,
    s.cache_write_tokens,
    s.request_count,
    false AS is_effective,
    s.metadata,
    s.billing_account
   FROM public.superseded_records s
  WHERE ((s.cost_basis = ANY (ARRAY['estimated'::text, 'included'::text])) AND (s.charge_type = 'usage'::text) AND ((s.cost_usd IS NULL) OR ((s.metadata ->> 'price_source'::text) = ANY (ARRAY['genai-prices'::text, 'genai-prices by row'::text, 'own'::text]))));

-- TABLE private.event_aliases

CREATE TABLE private.event_aliases (
    workspace_id uuid NOT NULL,
    alias uuid NOT NULL,
    import_id uuid NOT NULL,
    source_key uuid NOT NULL,
    CONSTRAINT event_aliases_check CHECK ((source_key <> alias))
);

-- TABLE private.forecast_requests

CREATE TABLE private.forecast_requests (
    id bigint NOT NULL,
    workspace_id uuid NOT NULL,
    gen xid8 NOT NULL,
    noted_at timestamp with time zone DEFAULT now() NOT NULL
);

-- SEQUENCE private.forecast_requests_id_seq

ALTER TABLE private.forecast_requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME private.forecast_requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE private.former_members

CREATE TABLE private.former_members (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    email text,
    left_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT former_members_email_check CHECK ((length(email) <= 320))
);

-- TABLE private.installation

CREATE TABLE private.installation (
    only_row boolean DEFAULT true NOT NULL,
    owner_id uuid,
    CONSTRAINT installation_only_row_check CHECK (only_row)
);

-- TABLE private.known_prices

CREATE TABLE private.known_prices (
    provider text NOT NULL,
    model_name text NOT NULL,
    prices jsonb NOT NULL,
    seen_on date NOT NULL,
    CONSTRAINT known_prices_model_name_check CHECK (((length(model_name) >= 1) AND (length(model_name) <= 200))),
    CONSTRAINT known_prices_prices_check CHECK (((jsonb_typeof(prices) = 'object'::text) AND (pg_column_size(prices) <= 4096))),
    CONSTRAINT known_prices_provider_check CHECK (((length(provider) >= 1) AND (length(provider) <= 100)))
);

-- TABLE private.prompt_registrations

CREATE TABLE private.prompt_registrations (
    workspace_id uuid NOT NULL,
    registered_at timestamp with time zone NOT NULL
);

-- TABLE private.record_counts

CREATE TABLE private.record_counts (
    workspace_id uuid NOT NULL,
    statements bigint NOT NULL
);

-- TABLE private.refreshes

CREATE TABLE private.refreshes (
    only_row boolean DEFAULT true NOT NULL,
    gen xid8 NOT NULL,
    refreshed_at timestamp with time zone NOT NULL,
    CONSTRAINT refreshes_only_row_check CHECK (only_row)
);

-- TABLE private.saved_views

CREATE TABLE private.saved_views (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    saved_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT saved_views_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT saved_views_query_check CHECK (((length(query) >= 1) AND (length(query) <= 4000)))
);

-- TABLE private.sent_invitations

CREATE TABLE private.sent_invitations (
    id bigint NOT NULL,
    invited_by uuid NOT NULL,
    email_sha256 bytea NOT NULL,
    sent_at timestamp with time zone DEFAULT now() NOT NULL
);

-- SEQUENCE private.sent_invitations_id_seq

ALTER TABLE private.sent_invitations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME private.sent_invitations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE private.sent_tests

CREATE TABLE private.sent_tests (
    id bigint NOT NULL,
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    email_sha256 bytea,
    sent_at timestamp with time zone DEFAULT now() NOT NULL
);

-- SEQUENCE private.sent_tests_id_seq

ALTER TABLE private.sent_tests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME private.sent_tests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE private.span_contents

CREATE TABLE private.span_contents (
    workspace_id uuid NOT NULL,
    trace_id text NOT NULL,
    span_id text NOT NULL,
    saved_at timestamp with time zone DEFAULT now() NOT NULL,
    content jsonb NOT NULL,
    CONSTRAINT span_contents_content_check CHECK (((jsonb_typeof(content) = 'object'::text) AND (length((content)::text) <= 60000))),
    CONSTRAINT span_contents_span_id_check CHECK ((span_id ~ '^[0-9a-f]{16}$'::text))
);

-- TABLE private.span_counts

CREATE TABLE private.span_counts (
    workspace_id uuid NOT NULL,
    spans bigint NOT NULL,
    contents bigint DEFAULT 0 NOT NULL,
    is_refiling_due boolean DEFAULT false NOT NULL
);

-- VIEW private.statements

CREATE VIEW private.statements AS
 SELECT r.workspace_id,
    r.user_id,
    r.project_id,
    r.import_id,
    r."timestamp",
    r.model_name,
    r.model_key,
    r.billing_account,
    r.dataset,
    r.collection_method,
    r.cost_basis,
    r.charge_type,
    r.metadata,
    r.cost_usd,
    r.tokens_used,
    r.input_tokens,
    r.output_tokens,
    r.cached_input_tokens,
    r.cache_write_tokens,
    r.reasoning_tokens,
    r.request_count,
    r.money_is_effective,
    r.tokens_are_effective,
    true AS is_effective
   FROM public.cost_records r
UNION ALL
 SELECT s.workspace_id,
    s.user_id,
    s.project_id,
    s.import_id,
    s."timestamp",
    s.model_name,
    s.model_key,
    s.billing_account,
    s.dataset,
    s.collection_method,
    s.cost_basis,
    s.charge_type,
    s.metadata,
    s.cost_usd,
    s.tokens_used,
    s.input_tokens,
    s.output_tokens,
    s.cached_input_tokens,
    s.cache_write_tokens,
    s.reasoning_tokens,
    s.request_count,
    false AS money_is_effective,
    false AS tokens_are_effective,
    false AS is_effective
   FROM public.superseded_records s;

-- TABLE private.telemetry_calls

CREATE TABLE private.telemetry_calls (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    import_id uuid NOT NULL,
    trace uuid,
    names uuid[] NOT NULL,
    call jsonb NOT NULL,
    counted_key uuid,
    counted_at timestamp with time zone,
    labels text[],
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT telemetry_calls_call_check CHECK ((pg_column_size(call) <= 65536)),
    CONSTRAINT telemetry_calls_check CHECK (((counted_key IS NULL) = (labels IS NULL))),
    CONSTRAINT telemetry_calls_labels_check CHECK (((cardinality(labels) = 3) AND (pg_column_size(labels) <= 4096)))
);

-- TABLE private.telemetry_links

CREATE TABLE private.telemetry_links (
    workspace_id uuid NOT NULL,
    trace uuid NOT NULL,
    id uuid NOT NULL,
    spans text[] NOT NULL,
    parents text[] NOT NULL,
    labels jsonb NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT telemetry_links_check CHECK ((cardinality(spans) = cardinality(parents))),
    CONSTRAINT telemetry_links_labels_check CHECK (((jsonb_typeof(labels) = 'object'::text) AND (pg_column_size(labels) <= 1048576)))
);

-- TABLE private.unsubscribing

CREATE TABLE private.unsubscribing (
    user_id uuid NOT NULL,
    token text NOT NULL,
    CONSTRAINT unsubscribing_token_check CHECK ((token ~ '^[A-Za-z0-9_-]{43}$'::text))
);

-- TABLE private.worker_seen

CREATE TABLE private.worker_seen (
    only_row boolean DEFAULT true NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT worker_seen_only_row_check CHECK (only_row)
);

-- TABLE private.workspace_changes

CREATE TABLE private.workspace_changes (
    workspace_id uuid NOT NULL,
    gen xid8 NOT NULL
);

-- TABLE public.advice

CREATE TABLE public.advice (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    kind text NOT NULL,
    subject jsonb NOT NULL,
    subject_hash text GENERATED ALWAYS AS (md5((subject)::text)) STORED NOT NULL,
    project_id uuid,
    person_id uuid,
    current_usd numeric NOT NULL,
    saving_low numeric NOT NULL,
    saving_mid numeric NOT NULL,
    saving_high numeric NOT NULL,
    confidence text NOT NULL,
    basis text NOT NULL,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    assumptions jsonb DEFAULT '[]'::jsonb NOT NULL,
    window_from date NOT NULL,
    window_to date NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    found_at timestamp with time zone DEFAULT now() NOT NULL,
    decided_at timestamp with time zone,
    decided_by uuid,
    dismissed_saving numeric,
    verification jsonb,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT advice_assumptions_check CHECK (((jsonb_typeof(assumptions) = 'array'::text) AND (pg_column_size(assumptions) <= 8192))),
    CONSTRAINT advice_basis_check CHECK ((basis = ANY (ARRAY['measured'::text, 'modelled'::text]))),
    CONSTRAINT advice_confidence_check CHECK ((confidence = ANY (ARRAY['high'::text, 'medium'::text, 'low'::text]))),
    CONSTRAINT advice_current_usd_check CHECK (((current_usd >= (0)::numeric) AND (current_usd <= ('1000000000000'::bigint)::numeric))),
    CONSTRAINT advice_decided_at_check CHECK (((decided_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (decided_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT advice_decision CHECK (((status = ANY (ARRAY['applied'::text, 'dismissed'::text])) = (decided_at IS NOT NULL))),
    CONSTRAINT advice_dismissed_saving_check CHECK (((dismissed_saving >= ('-1000000000000'::bigint)::numeric) AND (dismissed_saving <= ('1000000000000'::bigint)::numeric))),
    CONSTRAINT advice_evidence_check CHECK (((jsonb_typeof(evidence) = 'object'::text) AND (pg_column_size(evidence) <= 16384))),
    CONSTRAINT advice_found_at_check CHECK (((found_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (found_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT advice_kind_check CHECK ((kind = ANY (ARRAY['model_switch'::text, 'caching'::text, 'cache_hour'::text, 'cache_minutes'::text, 'batch'::text, 'long_context'::text, 'priority'::text, 'plan'::text, 'api_instead'::text, 'unused_subscription'::text, 'idle_key'::text, 'repeats'::text, 'retirement'::text]))),
    CONSTRAINT advice_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT advice_range CHECK (((saving_low <= saving_mid) AND (saving_mid <= saving_high))),
    CONSTRAINT advice_saving_high_check CHECK (((saving_high >= ('-1000000000000'::bigint)::numeric) AND (saving_high <= ('1000000000000'::bigint)::numeric))),
    CONSTRAINT advice_saving_low_check CHECK (((saving_low >= ('-1000000000000'::bigint)::numeric) AND (saving_low <= ('1000000000000'::bigint)::numeric))),
    CONSTRAINT advice_saving_mid_check CHECK (((saving_mid >= ('-1000000000000'::bigint)::numeric) AND (saving_mid <= ('1000000000000'::bigint)::numeric))),
    CONSTRAINT advice_status_check CHECK ((status = ANY (ARRAY['open'::text, 'applied'::text, 'dismissed'::text, 'expired'::text]))),
    CONSTRAINT advice_subject_check CHECK (((jsonb_typeof(subject) = 'object'::text) AND (pg_column_size(subject) <= 4096))),
    CONSTRAINT advice_subject_hash_check CHECK ((length(subject_hash) = 32)),
    CONSTRAINT advice_verification_check CHECK (((jsonb_typeof(verification) = 'object'::text) AND (pg_column_size(verification) <= 32768))),
    CONSTRAINT advice_window CHECK ((window_from <= window_to)),
    CONSTRAINT advice_window_from_check CHECK (((window_from >= '2020-01-01'::date) AND (window_from <= '2100-01-01'::date))),
    CONSTRAINT advice_window_to_check CHECK (((window_to >= '2020-01-01'::date) AND (window_to <= '2100-01-01'::date)))
);

-- TABLE public.alert_events

CREATE TABLE public.alert_events (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    threshold_id uuid,
    period_start date NOT NULL,
    severity text NOT NULL,
    state text NOT NULL,
    facts jsonb NOT NULL,
    project_id uuid,
    person_id uuid,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    cleared_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT alert_events_cleared_at_check CHECK (((cleared_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (cleared_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT alert_events_facts_check CHECK (((jsonb_typeof(facts) = 'object'::text) AND (pg_column_size(facts) <= 16384))),
    CONSTRAINT alert_events_kind_check CHECK ((kind = ANY (ARRAY['budget'::text, 'anomaly'::text, 'new_model'::text, 'silent_source'::text, 'renewal'::text, 'price'::text, 'retirement'::text, 'bill'::text, 'idle'::text, 'error_rate'::text, 'latency'::text, 'channel'::text]))),
    CONSTRAINT alert_events_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT alert_events_occurred_at_check CHECK (((occurred_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (occurred_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT alert_events_period_start_check CHECK (((period_start >= '2020-01-01'::date) AND (period_start <= '2100-01-01'::date))),
    CONSTRAINT alert_events_severity_check CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CONSTRAINT alert_events_state_check CHECK ((state = ANY (ARRAY['open'::text, 'superseded'::text, 'late'::text, 'cleared'::text]))),
    CONSTRAINT alert_events_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 300)))
);

-- TABLE public.anomalies

CREATE TABLE public.anomalies (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    day date NOT NULL,
    provider_id uuid,
    model_name text,
    kind text NOT NULL,
    actual_usd numeric(18,10) NOT NULL,
    expected_usd numeric(18,10),
    lower_95 numeric(18,10),
    upper_95 numeric(18,10),
    attribution jsonb DEFAULT '{}'::jsonb NOT NULL,
    muted_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT anomalies_attribution_check CHECK (((jsonb_typeof(attribution) = 'object'::text) AND (pg_column_size(attribution) <= 65536))),
    CONSTRAINT anomalies_day_check CHECK (((day >= '2020-01-01'::date) AND (day <= '2100-01-01'::date))),
    CONSTRAINT anomalies_kind_check CHECK ((kind = ANY (ARRAY['spend'::text, 'new_model'::text]))),
    CONSTRAINT anomalies_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT anomalies_model CHECK (((kind <> 'new_model'::text) OR (model_name IS NOT NULL))),
    CONSTRAINT anomalies_model_name_check CHECK (((length(model_name) >= 1) AND (length(model_name) <= 200))),
    CONSTRAINT anomalies_muted_at_check CHECK (((muted_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (muted_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT anomalies_numbers CHECK ((GREATEST(actual_usd, expected_usd, lower_95, upper_95) <> 'NaN'::numeric)),
    CONSTRAINT anomalies_range CHECK (((kind <> 'spend'::text) OR ((expected_usd IS NOT NULL) AND (lower_95 IS NOT NULL) AND (upper_95 IS NOT NULL))))
);

-- TABLE public.api_credentials

CREATE TABLE public.api_credentials (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    user_id uuid DEFAULT auth.uid() NOT NULL,
    provider_id uuid NOT NULL,
    credential_name text NOT NULL,
    encrypted_api_key text NOT NULL,
    encryption_key_id text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    validation_status text DEFAULT 'pending'::text NOT NULL,
    last_validated_at timestamp with time zone,
    last_sync_at timestamp with time zone,
    next_sync_at timestamp with time zone,
    last_error text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT api_credentials_credential_name_check CHECK (((length(credential_name) >= 1) AND (length(credential_name) <= 100))),
    CONSTRAINT api_credentials_encrypted_api_key_check CHECK (((length(encrypted_api_key) >= 1) AND (length(encrypted_api_key) <= 10000))),
    CONSTRAINT api_credentials_encryption_key_id_check CHECK (((length(encryption_key_id) >= 1) AND (length(encryption_key_id) <= 100))),
    CONSTRAINT api_credentials_last_error_check CHECK ((length(last_error) <= 2000)),
    CONSTRAINT api_credentials_last_sync_at_check CHECK (((last_sync_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (last_sync_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT api_credentials_last_validated_at_check CHECK (((last_validated_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (last_validated_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT api_credentials_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT api_credentials_next_sync_at_check CHECK (((next_sync_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (next_sync_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT api_credentials_validation_status_check CHECK ((validation_status = ANY (ARRAY['pending'::text, 'valid'::text, 'invalid'::text])))
);

-- TABLE public.billing_accounts

CREATE TABLE public.billing_accounts (
    workspace_id uuid NOT NULL,
    account text NOT NULL,
    name text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT billing_accounts_account_check CHECK (((length(account) >= 1) AND (length(account) <= 200))),
    CONSTRAINT billing_accounts_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT billing_accounts_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

-- TABLE public.budget_channels

CREATE TABLE public.budget_channels (
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    budget_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT budget_channels_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192)))
);

-- TABLE public.budget_thresholds

CREATE TABLE public.budget_thresholds (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    budget_id uuid NOT NULL,
    kind text NOT NULL,
    percent integer NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT budget_thresholds_kind_check CHECK ((kind = ANY (ARRAY['actual'::text, 'forecast'::text]))),
    CONSTRAINT budget_thresholds_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT budget_thresholds_percent_check CHECK (((percent >= 1) AND (percent <= 1000)))
);

-- TABLE public.custom_models

CREATE TABLE public.custom_models (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    provider_id uuid NOT NULL,
    model_name text NOT NULL,
    base_model text,
    note text DEFAULT ''::text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT custom_models_base_model_check CHECK (((length(base_model) >= 1) AND (length(base_model) <= 200))),
    CONSTRAINT custom_models_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT custom_models_model_name_check CHECK ((((length(model_name) >= 1) AND (length(model_name) <= 200)) AND (model_name <> '(unspecified)'::text))),
    CONSTRAINT custom_models_not_their_own_base CHECK ((base_model <> model_name)),
    CONSTRAINT custom_models_note_check CHECK ((length(note) <= 500))
);

-- TABLE public.deliveries

CREATE TABLE public.deliveries (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    event_id uuid,
    channel_id uuid,
    channel_name text NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
    leased_until timestamp with time zone,
    expires_at timestamp with time zone DEFAULT (now() + '24:00:00'::interval) NOT NULL,
    sent_in uuid,
    sent_at timestamp with time zone,
    status_code smallint,
    problem text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT deliveries_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT deliveries_channel_name_check CHECK (((length(channel_name) >= 1) AND (length(channel_name) <= 100))),
    CONSTRAINT deliveries_expires_at_check CHECK (((expires_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT deliveries_kind_check CHECK ((kind = ANY (ARRAY['open'::text, 'clear'::text, 'digest'::text, 'test'::text, 'verify'::text]))),
    CONSTRAINT deliveries_leased_until_check CHECK (((leased_until >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (leased_until <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT deliveries_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT deliveries_next_attempt_at_check CHECK (((next_attempt_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (next_attempt_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT deliveries_problem_check CHECK ((length(problem) <= 500)),
    CONSTRAINT deliveries_sent_at_check CHECK (((sent_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (sent_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'held'::text, 'sent'::text, 'failed'::text]))),
    CONSTRAINT deliveries_status_code_check CHECK (((status_code >= 100) AND (status_code <= 999)))
);

-- TABLE public.delivery_attempts

CREATE TABLE public.delivery_attempts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number smallint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    status_code smallint,
    problem text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT delivery_attempts_at_check CHECK (((at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT delivery_attempts_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT delivery_attempts_number_check CHECK ((number >= 1)),
    CONSTRAINT delivery_attempts_problem_check CHECK ((length(problem) <= 500)),
    CONSTRAINT delivery_attempts_status_code_check CHECK (((status_code >= 100) AND (status_code <= 999)))
);

-- VIEW public.effective_records

CREATE VIEW public.effective_records WITH (security_invoker='true') AS
 SELECT id,
    workspace_id,
    user_id,
    project_id,
    project_chosen_by,
    provider_id,
    import_id,
    subscription_id,
    source_key,
    request_id,
    "timestamp",
    day,
    model_name,
    model_key,
    billing_account,
    dataset,
        CASE
            WHEN money_is_effective THEN cost_usd
            ELSE 0.0000000000
        END AS cost_usd,
        CASE
            WHEN tokens_are_effective THEN tokens_used
            ELSE (0)::bigint
        END AS tokens_used,
        CASE
            WHEN tokens_are_effective THEN input_tokens
            ELSE (0)::bigint
        END AS input_tokens,
        CASE
            WHEN tokens_are_effective THEN output_tokens
            ELSE (0)::bigint
        END AS output_tokens,
        CASE
            WHEN tokens_are_effective THEN cached_input_tokens
            ELSE (0)::bigint
        END AS cached_input_tokens,
        CASE
            WHEN tokens_are_effective THEN cache_write_tokens
            ELSE (0)::bigint
        END AS cache_write_tokens,
        CASE
            WHEN tokens_are_effective THEN reasoning_tokens
            ELSE (0)::bigint
        END AS reasoning_tokens,
        CASE
            WHEN tokens_are_effective THEN request_count
            ELSE (0)::bigint
        END AS request_count,
    collection_method,
    cost_basis,
    charge_type,
    metadata,
    money_is_effective,
    tokens_are_effective,
    created_at,
    updated_at
   FROM public.cost_records r;

-- TABLE public.exchange_rates

CREATE TABLE public.exchange_rates (
    day date NOT NULL,
    currency text NOT NULL,
    rate numeric NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT exchange_rates_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT exchange_rates_day_check CHECK (((day >= '1999-01-01'::date) AND (day <= '2100-01-01'::date))),
    CONSTRAINT exchange_rates_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT exchange_rates_rate_check CHECK (((rate > (0)::numeric) AND (rate < (1000000000)::numeric)))
);

-- TABLE public.forecast_results

CREATE TABLE public.forecast_results (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    run_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    provider_id uuid,
    model_name text,
    project_id uuid,
    forecast_date date NOT NULL,
    predicted_cost_usd numeric(18,10) NOT NULL,
    lower_bound_80 numeric(18,10) NOT NULL,
    upper_bound_80 numeric(18,10) NOT NULL,
    lower_bound_95 numeric(18,10) NOT NULL,
    upper_bound_95 numeric(18,10) NOT NULL,
    confidence_score numeric(3,2) NOT NULL,
    model_version text NOT NULL,
    training_data_start date NOT NULL,
    training_data_end date NOT NULL,
    training_record_count bigint NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT forecast_results_confidence_score_check CHECK (((confidence_score >= (0)::numeric) AND (confidence_score <= (1)::numeric))),
    CONSTRAINT forecast_results_forecast_date_check CHECK (((forecast_date >= '2020-01-01'::date) AND (forecast_date <= '2100-01-01'::date))),
    CONSTRAINT forecast_results_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT forecast_results_model_name_check CHECK (((length(model_name) >= 1) AND (length(model_name) <= 200))),
    CONSTRAINT forecast_results_model_version_check CHECK (((length(model_version) >= 1) AND (length(model_version) <= 100))),
    CONSTRAINT forecast_results_nested CHECK ((((0)::numeric <= lower_bound_95) AND (lower_bound_95 <= lower_bound_80) AND (lower_bound_80 <= predicted_cost_usd) AND (predicted_cost_usd <= upper_bound_80) AND (upper_bound_80 <= upper_bound_95) AND (upper_bound_95 <> 'NaN'::numeric))),
    CONSTRAINT forecast_results_of_one CHECK (((project_id IS NULL) OR (num_nonnulls(provider_id, model_name) = 0))),
    CONSTRAINT forecast_results_training CHECK (((training_data_end >= training_data_start) AND (training_data_end <= '2100-01-01'::date))),
    CONSTRAINT forecast_results_training_data_start_check CHECK ((training_data_start >= '2020-01-01'::date)),
    CONSTRAINT forecast_results_training_record_count_check CHECK (((training_record_count >= 0) AND (training_record_count <= '1000000000000000'::bigint)))
);

-- TABLE public.forecast_totals

CREATE TABLE public.forecast_totals (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    run_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    provider_id uuid,
    model_name text,
    project_id uuid,
    kind text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    spent_usd numeric(18,10) NOT NULL,
    predicted_cost_usd numeric(18,10) NOT NULL,
    lower_bound_80 numeric(18,10) NOT NULL,
    upper_bound_80 numeric(18,10) NOT NULL,
    lower_bound_95 numeric(18,10) NOT NULL,
    upper_bound_95 numeric(18,10) NOT NULL,
    quantiles numeric(18,10)[],
    backtest jsonb DEFAULT '{}'::jsonb NOT NULL,
    actual_cost_usd numeric(18,10),
    days_in_80 smallint,
    days_in_95 smallint,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT forecast_totals_actual_cost_usd_check CHECK ((actual_cost_usd <> 'NaN'::numeric)),
    CONSTRAINT forecast_totals_backtest_check CHECK (((jsonb_typeof(backtest) = 'object'::text) AND (pg_column_size(backtest) <= 65536))),
    CONSTRAINT forecast_totals_check CHECK (((period_end >= period_start) AND (period_end <= '2100-01-01'::date))),
    CONSTRAINT forecast_totals_days CHECK ((((days_in_80 IS NULL) = (days_in_95 IS NULL)) AND (days_in_80 >= 0) AND (days_in_80 <= days_in_95))),
    CONSTRAINT forecast_totals_kind_check CHECK ((kind = ANY (ARRAY['next_30_days'::text, 'month_end'::text]))),
    CONSTRAINT forecast_totals_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT forecast_totals_model_name_check CHECK (((length(model_name) >= 1) AND (length(model_name) <= 200))),
    CONSTRAINT forecast_totals_nested CHECK (((lower_bound_95 <= lower_bound_80) AND (lower_bound_80 <= predicted_cost_usd) AND (predicted_cost_usd <= upper_bound_80) AND (upper_bound_80 <= upper_bound_95) AND (upper_bound_95 <> 'NaN'::numeric))),
    CONSTRAINT forecast_totals_of_one CHECK (((project_id IS NULL) OR (num_nonnulls(provider_id, model_name) = 0))),
    CONSTRAINT forecast_totals_period_start_check CHECK ((period_start >= '2020-01-01'::date)),
    CONSTRAINT forecast_totals_quantiles CHECK (((array_ndims(quantiles) = 1) AND (cardinality(quantiles) = 23) AND (array_position(quantiles, NULL::numeric) IS NULL) AND (array_position(quantiles, 'NaN'::numeric) IS NULL))),
    CONSTRAINT forecast_totals_spent_usd_check CHECK ((spent_usd <> 'NaN'::numeric))
);

-- TABLE public.job_runs

CREATE TABLE public.job_runs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    run_id uuid NOT NULL,
    workspace_id uuid,
    kind text DEFAULT 'nightly'::text NOT NULL,
    day date NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    status text DEFAULT 'running'::text NOT NULL,
    steps jsonb DEFAULT '[]'::jsonb NOT NULL,
    error text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT job_runs_day_check CHECK (((day >= '2020-01-01'::date) AND (day <= '2100-01-01'::date))),
    CONSTRAINT job_runs_error_check CHECK ((length(error) <= 10000)),
    CONSTRAINT job_runs_finished_at_check CHECK (((finished_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (finished_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT job_runs_kind_check CHECK ((kind = ANY (ARRAY['nightly'::text, 'change'::text]))),
    CONSTRAINT job_runs_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT job_runs_started_at_check CHECK (((started_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (started_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT job_runs_status_check CHECK ((status = ANY (ARRAY['running'::text, 'done'::text, 'partial'::text, 'failed'::text]))),
    CONSTRAINT job_runs_steps_check CHECK (((jsonb_typeof(steps) = 'array'::text) AND (pg_column_size(steps) <= 1048576)))
);

-- TABLE public.members

CREATE TABLE public.members (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT members_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text])))
);

-- TABLE public.model_aliases

CREATE TABLE public.model_aliases (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    name text NOT NULL,
    model_name text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT model_aliases_check CHECK ((((length(model_name) >= 1) AND (length(model_name) <= 200)) AND ((model_name <> name) AND (model_name <> '(unspecified)'::text)))),
    CONSTRAINT model_aliases_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT model_aliases_name_check CHECK ((((length(name) >= 1) AND (length(name) <= 200)) AND (name <> '(unspecified)'::text)))
);

-- TABLE public.model_prices

CREATE TABLE public.model_prices (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    user_id uuid DEFAULT auth.uid() NOT NULL,
    provider_id uuid NOT NULL,
    model_name text NOT NULL,
    valid_from date DEFAULT '2020-01-01'::date NOT NULL,
    input_usd_per_mtok numeric(18,10) NOT NULL,
    output_usd_per_mtok numeric(18,10) NOT NULL,
    cached_input_usd_per_mtok numeric(18,10),
    cache_write_usd_per_mtok numeric(18,10),
    cache_write_1h_usd_per_mtok numeric(18,10),
    request_usd numeric(18,10) DEFAULT 0 NOT NULL,
    replaces_list boolean DEFAULT false NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT model_prices_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT model_prices_model_name_check CHECK (((length(model_name) >= 1) AND (length(model_name) <= 200))),
    CONSTRAINT model_prices_not_negative CHECK ((((0)::numeric <= LEAST(input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok, cache_write_1h_usd_per_mtok, request_usd)) AND (GREATEST(input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok, cache_write_1h_usd_per_mtok, request_usd) <= (1000000)::numeric))),
    CONSTRAINT model_prices_valid_from_check CHECK (((valid_from >= '2020-01-01'::date) AND (valid_from <= '2100-01-01'::date)))
);

-- TABLE public.price_multipliers

CREATE TABLE public.price_multipliers (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    user_id uuid DEFAULT auth.uid() NOT NULL,
    provider_id uuid NOT NULL,
    billing_account text,
    multiplier numeric(9,6) NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    note text DEFAULT ''::text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT price_multipliers_billing_account_check CHECK (((length(billing_account) >= 1) AND (length(billing_account) <= 200))),
    CONSTRAINT price_multipliers_in_order CHECK ((valid_from <= valid_to)),
    CONSTRAINT price_multipliers_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT price_multipliers_multiplier_check CHECK (((multiplier > (0)::numeric) AND (multiplier <= (100)::numeric))),
    CONSTRAINT price_multipliers_note_check CHECK ((length(note) <= 500)),
    CONSTRAINT price_multipliers_valid_from_check CHECK (((valid_from >= '2020-01-01'::date) AND (valid_from <= '2100-01-01'::date))),
    CONSTRAINT price_multipliers_valid_to_check CHECK (((valid_to >= '2020-01-01'::date) AND (valid_to <= '2100-01-01'::date)))
);

-- TABLE public.project_members

CREATE TABLE public.project_members (
    workspace_id uuid NOT NULL,
    project_id uuid NOT NULL,
    user_id uuid NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT project_members_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192)))
);

-- TABLE public.prompt_deployments

CREATE TABLE public.prompt_deployments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    prompt_id uuid NOT NULL,
    environment text NOT NULL,
    version_id uuid NOT NULL,
    share numeric(5,2) NOT NULL,
    from_at timestamp with time zone DEFAULT now() NOT NULL,
    to_at timestamp with time zone,
    deployed_by uuid,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT prompt_deployments_check CHECK (((to_at >= from_at) AND (to_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT prompt_deployments_environment_check CHECK ((environment ~ '^[a-z0-9][a-z0-9._-]{0,49}$'::text)),
    CONSTRAINT prompt_deployments_from_at_check CHECK (((from_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (from_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT prompt_deployments_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT prompt_deployments_share_check CHECK (((share > (0)::numeric) AND (share <= (100)::numeric)))
);

-- TABLE public.prompt_versions

CREATE TABLE public.prompt_versions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    prompt_id uuid NOT NULL,
    number integer NOT NULL,
    told_version text,
    content text,
    content_sha256 bytea,
    message text DEFAULT ''::text NOT NULL,
    author_id uuid,
    variables text[] DEFAULT '{}'::text[] NOT NULL,
    labels text[] DEFAULT '{}'::text[] NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT prompt_versions_content_check CHECK ((octet_length(content) <= 1048576)),
    CONSTRAINT prompt_versions_content_sha256_check CHECK ((octet_length(content_sha256) = 32)),
    CONSTRAINT prompt_versions_labels_check CHECK (((cardinality(labels) <= 20) AND (pg_column_size(labels) <= 2048))),
    CONSTRAINT prompt_versions_message_check CHECK ((length(message) <= 500)),
    CONSTRAINT prompt_versions_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT prompt_versions_number_check CHECK (((number >= 1) AND (number <= 1000000))),
    CONSTRAINT prompt_versions_text CHECK (((content IS NULL) = (content_sha256 IS NULL))),
    CONSTRAINT prompt_versions_told_version_check CHECK (((length(told_version) >= 1) AND (length(told_version) <= 100))),
    CONSTRAINT prompt_versions_variables_check CHECK (((cardinality(variables) <= 500) AND (pg_column_size(variables) <= 65536)))
);

-- TABLE public.traces

CREATE TABLE public.traces (
    workspace_id uuid DEFAULT auth.uid() NOT NULL,
    trace_id text NOT NULL,
    week date NOT NULL,
    user_id uuid,
    project_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    duration_us bigint DEFAULT 0 NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    service text DEFAULT ''::text NOT NULL,
    session text DEFAULT ''::text NOT NULL,
    person text DEFAULT ''::text NOT NULL,
    agent text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'ok'::text NOT NULL,
    spans integer DEFAULT 0 NOT NULL,
    errors integer DEFAULT 0 NOT NULL,
    retries integer DEFAULT 0 NOT NULL,
    calls integer DEFAULT 0 NOT NULL,
    unpriced integer DEFAULT 0 NOT NULL,
    input_tokens numeric(22,0) DEFAULT 0 NOT NULL,
    output_tokens numeric(22,0) DEFAULT 0 NOT NULL,
    cached_input_tokens numeric(22,0) DEFAULT 0 NOT NULL,
    cache_write_tokens numeric(22,0) DEFAULT 0 NOT NULL,
    reasoning_tokens numeric(22,0) DEFAULT 0 NOT NULL,
    cost_usd numeric(22,10),
    models text[] DEFAULT '{}'::text[] NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT traces_agent_check CHECK ((length(agent) <= 200)),
    CONSTRAINT traces_cache_write_tokens_check CHECK ((cache_write_tokens >= (0)::numeric)),
    CONSTRAINT traces_cached_input_tokens_check CHECK ((cached_input_tokens >= (0)::numeric)),
    CONSTRAINT traces_calls_check CHECK (((calls >= 0) AND (calls <= 10000))),
    CONSTRAINT traces_cost_usd_check CHECK (((cost_usd >= (0)::numeric) AND (cost_usd <> 'NaN'::numeric))),
    CONSTRAINT traces_duration_us_check CHECK ((duration_us >= 0)),
    CONSTRAINT traces_errors_check CHECK (((errors >= 0) AND (errors <= 10000))),
    CONSTRAINT traces_first_at_check CHECK (((first_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (first_at <= '2100-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT traces_input_tokens_check CHECK ((input_tokens >= (0)::numeric)),
    CONSTRAINT traces_last_at_check CHECK (((last_at >= '2020-01-01 00:00:00+00'::timestamp with time zone) AND (last_at <= '2102-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT traces_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 8192))),
    CONSTRAINT traces_models_check CHECK ((cardinality(models) <= 20)),
    CONSTRAINT traces_name_check CHECK ((length(name) <= 200)),
    CONSTRAINT traces_output_tokens_check CHECK ((output_tokens >= (0)::numeric)),
    CONSTRAINT traces_person_check CHECK ((length(person) <= 200)),
    CONSTRAINT traces_project_ids_check CHECK ((cardinality(project_ids) <= 10000)),
    CONSTRAINT traces_reasoning_tokens_check CHECK ((reasoning_tokens >= (0)::numeric)),
    CONSTRAINT traces_retries_check CHECK (((retries >= 0) AND (retries <= 10000))),
    CONSTRAINT traces_service_check CHECK ((length(service) <= 200)),
    CONSTRAINT traces_session_check CHECK ((length(session) <= 200)),
    CONSTRAINT traces_spans_check CHECK (((spans >= 0) AND (spans <= 10000))),
    CONSTRAINT traces_status_check CHECK ((status = ANY (ARRAY['ok'::text, 'retried'::text, 'error'::text]))),
    CONSTRAINT traces_trace_id_check CHECK ((trace_id ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT traces_unpriced_check CHECK (((unpriced >= 0) AND (unpriced <= 10000))),
    CONSTRAINT traces_week_check CHECK (((week >= '2019-12-30'::date) AND (week <= '2100-01-01'::date)))
);

-- TABLE public.user_preferences

CREATE TABLE public.user_preferences (
    user_id uuid DEFAULT auth.uid() NOT NULL,
    currency text DEFAULT 'USD'::text NOT NULL,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    theme text DEFAULT 'system'::text NOT NULL,
    default_date_range text DEFAULT '30d'::text NOT NULL,
    email_notifications boolean DEFAULT true NOT NULL,
    weekly_digest boolean DEFAULT true NOT NULL,
    monthly_digest boolean DEFAULT true NOT NULL,
    forecast_enabled boolean DEFAULT true NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_preferences_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT user_preferences_default_date_range_check CHECK ((default_date_range = ANY (ARRAY['7d'::text, '30d'::text, '90d'::text, '1y'::text, 'all'::text, 'this month'::text]))),
    CONSTRAINT user_preferences_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (pg_column_size(metadata) <= 65536))),
    CONSTRAINT user_preferences_theme_check CHECK ((theme = ANY (ARRAY['light'::text, 'dark'::text, 'system'::text]))),
    CONSTRAINT user_preferences_timezone_check CHECK (((length(timezone) >= 1) AND (length(timezone) <= 64)))
);

-- CONSTRAINT private.archived_months archived_months_pkey

ALTER TABLE ONLY private.archived_months
    ADD CONSTRAINT archived_months_pkey PRIMARY KEY (month);

-- CONSTRAINT private.budget_forecasts budget_forecasts_pkey

ALTER TABLE ONLY private.budget_forecasts
    ADD CONSTRAINT budget_forecasts_pkey PRIMARY KEY (budget_id, made_in);

-- CONSTRAINT private.day_parts day_parts_pkey

ALTER TABLE ONLY private.day_parts
    ADD CONSTRAINT day_parts_pkey PRIMARY KEY (workspace_id, billing_account, day, dataset, cost_basis, model_key, billed_under_other_name, collection_method);

-- CONSTRAINT private.digests digests_once

ALTER TABLE ONLY private.digests
    ADD CONSTRAINT digests_once UNIQUE (workspace_id, user_id, kind, period_start);

-- CONSTRAINT private.digests digests_pkey

ALTER TABLE ONLY private.digests
    ADD CONSTRAINT digests_pkey PRIMARY KEY (id);

-- CONSTRAINT private.divided_workspaces divided_workspaces_pkey

ALTER TABLE ONLY private.divided_workspaces
    ADD CONSTRAINT divided_workspaces_pkey PRIMARY KEY (workspace_id);

-- CONSTRAINT private.event_aliases event_aliases_pkey

ALTER TABLE ONLY private.event_aliases
    ADD CONSTRAINT event_aliases_pkey PRIMARY KEY (workspace_id, alias, import_id);

-- CONSTRAINT private.folded_days folded_days_pkey

ALTER TABLE ONLY private.folded_days
    ADD CONSTRAINT folded_days_pkey PRIMARY KEY (workspace_id, date, provider_id, project_id, user_id, model_name, cost_basis, charge_type);

-- CONSTRAINT private.forecast_requests forecast_requests_pkey

ALTER TABLE ONLY private.forecast_requests
    ADD CONSTRAINT forecast_requests_pkey PRIMARY KEY (id);

-- CONSTRAINT private.former_members former_members_pkey

ALTER TABLE ONLY private.former_members
    ADD CONSTRAINT former_members_pkey PRIMARY KEY (user_id, workspace_id);

-- CONSTRAINT private.installation installation_pkey

ALTER TABLE ONLY private.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (only_row);

-- CONSTRAINT private.known_prices known_prices_pkey

ALTER TABLE ONLY private.known_prices
    ADD CONSTRAINT known_prices_pkey PRIMARY KEY (provider, model_name);

-- CONSTRAINT private.overridden_days overridden_days_pkey

ALTER TABLE ONLY private.overridden_days
    ADD CONSTRAINT overridden_days_pkey PRIMARY KEY (workspace_id, date);

-- CONSTRAINT private.prompt_registrations prompt_registrations_pkey

ALTER TABLE ONLY private.prompt_registrations
    ADD CONSTRAINT prompt_registrations_pkey PRIMARY KEY (workspace_id);

-- CONSTRAINT private.refreshes refreshes_pkey

ALTER TABLE ONLY private.refreshes
    ADD CONSTRAINT refreshes_pkey PRIMARY KEY (only_row);

-- CONSTRAINT private.saved_views saved_views_once

ALTER TABLE ONLY private.saved_views
    ADD CONSTRAINT saved_views_once UNIQUE (user_id, workspace_id, name);

-- CONSTRAINT private.saved_views saved_views_pkey

ALTER TABLE ONLY private.saved_views
    ADD CONSTRAINT saved_views_pkey PRIMARY KEY (id);

-- CONSTRAINT private.sent_invitations sent_invitations_pkey

ALTER TABLE ONLY private.sent_invitations
    ADD CONSTRAINT sent_invitations_pkey PRIMARY KEY (id);

-- CONSTRAINT private.sent_tests sent_tests_pkey

ALTER TABLE ONLY private.sent_tests
    ADD CONSTRAINT sent_tests_pkey PRIMARY KEY (id);

-- CONSTRAINT private.session_channels session_channels_pkey

ALTER TABLE ONLY private.session_channels
    ADD CONSTRAINT session_channels_pkey PRIMARY KEY (workspace_id, session, import_id, collection_method);

-- CONSTRAINT private.span_contents span_contents_pkey

ALTER TABLE ONLY private.span_contents
    ADD CONSTRAINT span_contents_pkey PRIMARY KEY (workspace_id, trace_id, span_id);

-- CONSTRAINT private.span_counts span_counts_pkey

ALTER TABLE ONLY private.span_counts
    ADD CONSTRAINT span_counts_pkey PRIMARY KEY (workspace_id);

-- CONSTRAINT private.stale_days stale_days_pkey

ALTER TABLE ONLY private.stale_days
    ADD CONSTRAINT stale_days_pkey PRIMARY KEY (workspace_id, date);

-- CONSTRAINT private.telemetry_calls telemetry_calls_pkey

ALTER TABLE ONLY private.telemetry_calls
    ADD CONSTRAINT telemetry_calls_pkey PRIMARY KEY (workspace_id, id);

-- CONSTRAINT private.telemetry_links telemetry_links_pkey

ALTER TABLE ONLY private.telemetry_links
    ADD CONSTRAINT telemetry_links_pkey PRIMARY KEY (workspace_id, trace, id);

-- CONSTRAINT private.unsubscribing unsubscribing_pkey

ALTER TABLE ONLY private.unsubscribing
    ADD CONSTRAINT unsubscribing_pkey PRIMARY KEY (user_id);

-- CONSTRAINT private.unsubscribing unsubscribing_token_key

ALTER TABLE ONLY private.unsubscribing
    ADD CONSTRAINT unsubscribing_token_key UNIQUE (token);

-- CONSTRAINT private.worker_seen worker_seen_pkey

ALTER TABLE ONLY private.worker_seen
    ADD CONSTRAINT worker_seen_pkey PRIMARY KEY (only_row);

-- CONSTRAINT private.workspace_changes workspace_changes_pkey

ALTER TABLE ONLY private.workspace_changes
    ADD CONSTRAINT workspace_changes_pkey PRIMARY KEY (workspace_id);

-- CONSTRAINT public.advice advice_once

ALTER TABLE ONLY public.advice
    ADD CONSTRAINT advice_once UNIQUE (workspace_id, kind, subject_hash);

-- CONSTRAINT public.advice advice_pkey

ALTER TABLE ONLY public.advice
    ADD CONSTRAINT advice_pkey PRIMARY KEY (id);

-- CONSTRAINT public.alert_events alert_events_of_workspace

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.alert_events alert_events_once

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_once UNIQUE NULLS NOT DISTINCT (workspace_id, kind, subject, threshold_id, period_start);

-- CONSTRAINT public.alert_events alert_events_pkey

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_pkey PRIMARY KEY (id);

-- CONSTRAINT public.anomalies anomalies_once

ALTER TABLE ONLY public.anomalies
    ADD CONSTRAINT anomalies_once UNIQUE NULLS NOT DISTINCT (workspace_id, day, provider_id, model_name, kind);

-- CONSTRAINT public.anomalies anomalies_pkey

ALTER TABLE ONLY public.anomalies
    ADD CONSTRAINT anomalies_pkey PRIMARY KEY (id);

-- CONSTRAINT public.api_credentials api_credentials_of_workspace

ALTER TABLE ONLY public.api_credentials
    ADD CONSTRAINT api_credentials_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.api_credentials api_credentials_once

ALTER TABLE ONLY public.api_credentials
    ADD CONSTRAINT api_credentials_once UNIQUE (workspace_id, provider_id, credential_name);

-- CONSTRAINT public.api_credentials api_credentials_pkey

ALTER TABLE ONLY public.api_credentials
    ADD CONSTRAINT api_credentials_pkey PRIMARY KEY (id);

-- CONSTRAINT public.api_keys api_keys_key_hash_key

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);

-- CONSTRAINT public.api_keys api_keys_of_workspace

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.api_keys api_keys_pkey

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

-- CONSTRAINT public.audit_logs audit_logs_pkey

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id);

-- CONSTRAINT public.billing_accounts billing_accounts_pkey

ALTER TABLE ONLY public.billing_accounts
    ADD CONSTRAINT billing_accounts_pkey PRIMARY KEY (workspace_id, account);

-- CONSTRAINT public.budget_channels budget_channels_pkey

ALTER TABLE ONLY public.budget_channels
    ADD CONSTRAINT budget_channels_pkey PRIMARY KEY (budget_id, channel_id);

-- CONSTRAINT public.budget_thresholds budget_thresholds_once

ALTER TABLE ONLY public.budget_thresholds
    ADD CONSTRAINT budget_thresholds_once UNIQUE (budget_id, kind, percent);

-- CONSTRAINT public.budget_thresholds budget_thresholds_pkey

ALTER TABLE ONLY public.budget_thresholds
    ADD CONSTRAINT budget_thresholds_pkey PRIMARY KEY (id);

-- CONSTRAINT public.budgets budgets_of_workspace

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.budgets budgets_pkey

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_pkey PRIMARY KEY (id);

-- CONSTRAINT public.channels channels_confirmation_sha256_key

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_confirmation_sha256_key UNIQUE (confirmation_sha256);

-- CONSTRAINT public.channels channels_of_workspace

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.channels channels_pkey

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (id);

-- CONSTRAINT public.channels channels_stop_sha256_key

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_stop_sha256_key UNIQUE (stop_sha256);

-- CONSTRAINT public.cost_records cost_records_identity

ALTER TABLE ONLY public.cost_records
    ADD CONSTRAINT cost_records_identity UNIQUE (workspace_id, "timestamp", source_key);

-- CONSTRAINT public.cost_records cost_records_pkey

ALTER TABLE ONLY public.cost_records
    ADD CONSTRAINT cost_records_pkey PRIMARY KEY (id, "timestamp");

-- CONSTRAINT public.custom_models custom_models_once

ALTER TABLE ONLY public.custom_models
    ADD CONSTRAINT custom_models_once UNIQUE (workspace_id, provider_id, model_name);

-- CONSTRAINT public.custom_models custom_models_pkey

ALTER TABLE ONLY public.custom_models
    ADD CONSTRAINT custom_models_pkey PRIMARY KEY (id);

-- CONSTRAINT public.deliveries deliveries_of_workspace

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.deliveries deliveries_once

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_once UNIQUE (event_id, channel_id, kind);

-- CONSTRAINT public.deliveries deliveries_pkey

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

-- CONSTRAINT public.delivery_attempts delivery_attempts_once

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_once UNIQUE (delivery_id, number);

-- CONSTRAINT public.delivery_attempts delivery_attempts_pkey

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_pkey PRIMARY KEY (id);

-- CONSTRAINT public.exchange_rates exchange_rates_pkey

ALTER TABLE ONLY public.exchange_rates
    ADD CONSTRAINT exchange_rates_pkey PRIMARY KEY (day, currency);

-- CONSTRAINT public.forecast_results forecast_results_once

ALTER TABLE ONLY public.forecast_results
    ADD CONSTRAINT forecast_results_once UNIQUE NULLS NOT DISTINCT (run_id, workspace_id, provider_id, model_name, project_id, forecast_date);

-- CONSTRAINT public.forecast_results forecast_results_pkey

ALTER TABLE ONLY public.forecast_results
    ADD CONSTRAINT forecast_results_pkey PRIMARY KEY (id);

-- CONSTRAINT public.forecast_totals forecast_totals_once

ALTER TABLE ONLY public.forecast_totals
    ADD CONSTRAINT forecast_totals_once UNIQUE NULLS NOT DISTINCT (run_id, workspace_id, provider_id, model_name, project_id, kind);

-- CONSTRAINT public.forecast_totals forecast_totals_pkey

ALTER TABLE ONLY public.forecast_totals
    ADD CONSTRAINT forecast_totals_pkey PRIMARY KEY (id);

-- CONSTRAINT public.imports imports_of_workspace

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.imports imports_pkey

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (id);

-- CONSTRAINT public.invitations invitations_once

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_once UNIQUE (workspace_id, email);

-- CONSTRAINT public.invitations invitations_pkey

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (id);

-- CONSTRAINT public.invitations invitations_token_sha256_key

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_token_sha256_key UNIQUE (token_sha256);

-- CONSTRAINT public.job_runs job_runs_once

ALTER TABLE ONLY public.job_runs
    ADD CONSTRAINT job_runs_once UNIQUE NULLS NOT DISTINCT (run_id, workspace_id);

-- CONSTRAINT public.job_runs job_runs_pkey

ALTER TABLE ONLY public.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (id);

-- CONSTRAINT public.members members_pkey

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (user_id, workspace_id);

-- CONSTRAINT public.model_aliases model_aliases_once

ALTER TABLE ONLY public.model_aliases
    ADD CONSTRAINT model_aliases_once UNIQUE (workspace_id, provider_id, name);

-- CONSTRAINT public.model_aliases model_aliases_pkey

ALTER TABLE ONLY public.model_aliases
    ADD CONSTRAINT model_aliases_pkey PRIMARY KEY (id);

-- CONSTRAINT public.model_prices model_prices_once

ALTER TABLE ONLY public.model_prices
    ADD CONSTRAINT model_prices_once UNIQUE (workspace_id, provider_id, model_name, valid_from);

-- CONSTRAINT public.model_prices model_prices_pkey

ALTER TABLE ONLY public.model_prices
    ADD CONSTRAINT model_prices_pkey PRIMARY KEY (id);

-- CONSTRAINT public.person_aliases person_aliases_once

ALTER TABLE ONLY public.person_aliases
    ADD CONSTRAINT person_aliases_once UNIQUE (workspace_id, value);

-- CONSTRAINT public.person_aliases person_aliases_pkey

ALTER TABLE ONLY public.person_aliases
    ADD CONSTRAINT person_aliases_pkey PRIMARY KEY (id);

-- CONSTRAINT public.price_multipliers price_multipliers_pkey

ALTER TABLE ONLY public.price_multipliers
    ADD CONSTRAINT price_multipliers_pkey PRIMARY KEY (id);

-- CONSTRAINT public.project_members project_members_pkey

ALTER TABLE ONLY public.project_members
    ADD CONSTRAINT project_members_pkey PRIMARY KEY (project_id, user_id);

-- CONSTRAINT public.project_rules project_rules_once

ALTER TABLE ONLY public.project_rules
    ADD CONSTRAINT project_rules_once UNIQUE (workspace_id, "position") DEFERRABLE;

-- CONSTRAINT public.project_rules project_rules_pkey

ALTER TABLE ONLY public.project_rules
    ADD CONSTRAINT project_rules_pkey PRIMARY KEY (id);

-- CONSTRAINT public.projects projects_of_workspace

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.projects projects_pkey

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);

-- CONSTRAINT public.projects projects_slug_once

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_slug_once UNIQUE (workspace_id, slug);

-- CONSTRAINT public.prompt_deployments prompt_deployments_pkey

ALTER TABLE ONLY public.prompt_deployments
    ADD CONSTRAINT prompt_deployments_pkey PRIMARY KEY (id);

-- CONSTRAINT public.prompt_versions prompt_versions_of_prompt

ALTER TABLE ONLY public.prompt_versions
    ADD CONSTRAINT prompt_versions_of_prompt UNIQUE (workspace_id, prompt_id, id);

-- CONSTRAINT public.prompt_versions prompt_versions_once

ALTER TABLE ONLY public.prompt_versions
    ADD CONSTRAINT prompt_versions_once UNIQUE (prompt_id, number);

-- CONSTRAINT public.prompt_versions prompt_versions_pkey

ALTER TABLE ONLY public.prompt_versions
    ADD CONSTRAINT prompt_versions_pkey PRIMARY KEY (id);

-- CONSTRAINT public.prompt_versions prompt_versions_told_once

ALTER TABLE ONLY public.prompt_versions
    ADD CONSTRAINT prompt_versions_told_once UNIQUE (prompt_id, told_version);

-- CONSTRAINT public.prompts prompts_of_workspace

ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_of_workspace UNIQUE (workspace_id, id);

-- CONSTRAINT public.prompts prompts_once

ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_once UNIQUE (workspace_id, name);

-- CONSTRAINT public.prompts prompts_pkey

ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_pkey PRIMARY KEY (id);

-- CONSTRAINT public.providers providers_name_key

ALTER TABLE ONLY public.providers
    ADD CONSTRAINT providers_name_key UNIQUE (name);

-- CONSTRAINT public.providers providers_pkey

ALTER TABLE ONLY public.providers
    ADD CONSTRAINT providers_pkey PRIMARY KEY (id);

-- CONSTRAINT public.spans spans_pkey

ALTER TABLE ONLY public.spans
    ADD CONSTRAINT spans_pkey PRIMARY KEY (workspace_id, trace_id, span_id, week);

-- CONSTRAINT public.subscriptions subscriptions_pkey

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (id);

-- CONSTRAINT public.superseded_records superseded_records_pkey

ALTER TABLE ONLY public.superseded_records
    ADD CONSTRAINT superseded_records_pkey PRIMARY KEY (id);

-- CONSTRAINT public.traces traces_pkey

ALTER TABLE ONLY public.traces
    ADD CONSTRAINT traces_pkey PRIMARY KEY (workspace_id, trace_id);

-- CONSTRAINT public.user_preferences user_preferences_pkey

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id);

-- CONSTRAINT public.workspaces workspaces_personal_user_id_key

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_personal_user_id_key UNIQUE (personal_user_id);

-- CONSTRAINT public.workspaces workspaces_pkey

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);

-- INDEX private.budget_forecasts_workspace_id_idx

CREATE INDEX budget_forecasts_workspace_id_idx ON private.budget_forecasts USING btree (workspace_id);

-- INDEX private.cost_records_daily_date_idx

CREATE INDEX cost_records_daily_date_idx ON private.cost_records_daily USING btree (date DESC);

-- INDEX private.cost_records_daily_workspace_id_date_idx

CREATE UNIQUE INDEX cost_records_daily_workspace_id_date_idx ON private.cost_records_daily USING btree (workspace_id, date, provider_id, project_id, user_id, model_name, cost_basis, charge_type) INCLUDE (provider, total_cost_usd, total_tokens, total_input_tokens, total_output_tokens, total_cached_input_tokens, total_cache_write_tokens, total_requests, record_count, unpriced_count);

-- INDEX private.day_parts_identified_idx

CREATE INDEX day_parts_identified_idx ON private.day_parts USING btree (workspace_id, split_part(billing_account, ':'::text, 1), billing_account, day) WHERE (split_part(billing_account, ':'::text, 2) ~~ '@%'::text);

-- INDEX private.day_parts_not_effective_idx

CREATE INDEX day_parts_not_effective_idx ON private.day_parts USING btree (workspace_id, billing_account, day) WHERE (NOT (money_is_effective AND tokens_are_effective));

-- INDEX private.digests_created_at_idx

CREATE INDEX digests_created_at_idx ON private.digests USING btree (created_at);

-- INDEX private.digests_member_idx

CREATE INDEX digests_member_idx ON private.digests USING btree (user_id, workspace_id);

-- INDEX private.divided_days_idx

CREATE UNIQUE INDEX divided_days_idx ON private.divided_days USING btree (workspace_id, split, date, provider_id, part, model_name, cost_basis, charge_type) INCLUDE (provider, total_cost_usd, total_tokens, total_input_tokens, total_output_tokens, total_cached_input_tokens, total_cache_write_tokens, total_requests, record_count, unpriced_count);

-- INDEX private.event_aliases_import_id_idx

CREATE INDEX event_aliases_import_id_idx ON private.event_aliases USING btree (import_id);

-- INDEX private.forecast_requests_workspace_id_idx

CREATE INDEX forecast_requests_workspace_id_idx ON private.forecast_requests USING btree (workspace_id);

-- INDEX private.former_members_workspace_id_idx

CREATE INDEX former_members_workspace_id_idx ON private.former_members USING btree (workspace_id);

-- INDEX private.record_counts_workspace_id_idx

CREATE INDEX record_counts_workspace_id_idx ON private.record_counts USING btree (workspace_id) INCLUDE (statements);

-- INDEX private.sent_invitations_email_idx

CREATE INDEX sent_invitations_email_idx ON private.sent_invitations USING btree (email_sha256, sent_at);

-- INDEX private.sent_invitations_invited_by_idx

CREATE INDEX sent_invitations_invited_by_idx ON private.sent_invitations USING btree (invited_by, sent_at);

-- INDEX private.sent_invitations_sent_at_idx

CREATE INDEX sent_invitations_sent_at_idx ON private.sent_invitations USING btree (sent_at);

-- INDEX private.sent_tests_email_idx

CREATE INDEX sent_tests_email_idx ON private.sent_tests USING btree (email_sha256, sent_at) WHERE (email_sha256 IS NOT NULL);

-- INDEX private.sent_tests_workspace_id_idx

CREATE INDEX sent_tests_workspace_id_idx ON private.sent_tests USING btree (workspace_id, sent_at);

-- INDEX private.session_channels_due_idx

CREATE INDEX session_channels_due_idx ON private.session_channels USING btree (workspace_id) WHERE is_due;

-- INDEX private.span_contents_saved_at_idx

CREATE INDEX span_contents_saved_at_idx ON private.span_contents USING btree (workspace_id, saved_at) WHERE (saved_at IS NOT NULL);

-- INDEX private.telemetry_calls_names_idx

CREATE INDEX telemetry_calls_names_idx ON private.telemetry_calls USING gin (names) WITH (fastupdate=off);

-- INDEX private.telemetry_calls_seen_at_idx

CREATE INDEX telemetry_calls_seen_at_idx ON private.telemetry_calls USING brin (seen_at);

-- INDEX private.telemetry_calls_trace_idx

CREATE INDEX telemetry_calls_trace_idx ON private.telemetry_calls USING btree (workspace_id, trace) WHERE (trace IS NOT NULL);

-- INDEX private.telemetry_links_seen_at_idx

CREATE INDEX telemetry_links_seen_at_idx ON private.telemetry_links USING brin (seen_at);

-- INDEX public.advice_decided_by_idx

CREATE INDEX advice_decided_by_idx ON public.advice USING btree (decided_by);

-- INDEX public.advice_project_idx

CREATE INDEX advice_project_idx ON public.advice USING btree (workspace_id, project_id);

-- INDEX public.alert_events_project_idx

CREATE INDEX alert_events_project_idx ON public.alert_events USING btree (workspace_id, project_id);

-- INDEX public.alert_events_workspace_id_idx

CREATE INDEX alert_events_workspace_id_idx ON public.alert_events USING btree (workspace_id, occurred_at DESC);

-- INDEX public.anomalies_provider_id_idx

CREATE INDEX anomalies_provider_id_idx ON public.anomalies USING btree (provider_id);

-- INDEX public.api_credentials_provider_id_idx

CREATE INDEX api_credentials_provider_id_idx ON public.api_credentials USING btree (provider_id);

-- INDEX public.api_credentials_user_id_idx

CREATE INDEX api_credentials_user_id_idx ON public.api_credentials USING btree (user_id);

-- INDEX public.api_keys_project_id_idx

CREATE INDEX api_keys_project_id_idx ON public.api_keys USING btree (workspace_id, project_id);

-- INDEX public.api_keys_successor_id_idx

CREATE INDEX api_keys_successor_id_idx ON public.api_keys USING btree (workspace_id, successor_id);

-- INDEX public.api_keys_user_id_idx

CREATE INDEX api_keys_user_id_idx ON public.api_keys USING btree (user_id);

-- INDEX public.audit_logs_workspace_id_created_at_idx

CREATE INDEX audit_logs_workspace_id_created_at_idx ON public.audit_logs USING btree (workspace_id, created_at DESC);

-- INDEX public.budget_channels_budget_idx

CREATE INDEX budget_channels_budget_idx ON public.budget_channels USING btree (workspace_id, budget_id);

-- INDEX public.budget_channels_channel_idx

CREATE INDEX budget_channels_channel_idx ON public.budget_channels USING btree (workspace_id, channel_id);

-- INDEX public.budget_thresholds_workspace_id_idx

CREATE INDEX budget_thresholds_workspace_id_idx ON public.budget_thresholds USING btree (workspace_id, budget_id);

-- INDEX public.budgets_created_by_idx

CREATE INDEX budgets_created_by_idx ON public.budgets USING btree (created_by);

-- INDEX public.budgets_provider_id_idx

CREATE INDEX budgets_provider_id_idx ON public.budgets USING btree (provider_id);

-- INDEX public.budgets_user_id_idx

CREATE INDEX budgets_user_id_idx ON public.budgets USING btree (user_id, workspace_id);

-- INDEX public.budgets_workspace_id_idx

CREATE INDEX budgets_workspace_id_idx ON public.budgets USING btree (workspace_id, project_id);

-- INDEX public.channels_created_by_idx

CREATE INDEX channels_created_by_idx ON public.channels USING btree (created_by);

-- INDEX public.cost_records_calls_idx

CREATE INDEX cost_records_calls_idx ON ONLY public.cost_records USING btree (workspace_id, "timestamp") WHERE (collection_method = 'otlp'::text);

-- INDEX public.cost_records_chosen_idx

CREATE INDEX cost_records_chosen_idx ON ONLY public.cost_records USING btree (workspace_id, source_key) WHERE (project_chosen_by IS NOT NULL);

-- INDEX public.cost_records_import_id_idx

CREATE INDEX cost_records_import_id_idx ON ONLY public.cost_records USING btree (import_id) WHERE (import_id IS NOT NULL);

-- INDEX public.cost_records_project_id_timestamp_idx

CREATE INDEX cost_records_project_id_timestamp_idx ON ONLY public.cost_records USING btree (project_id, "timestamp") WHERE (project_id IS NOT NULL);

-- INDEX public.cost_records_prompt_idx

CREATE INDEX cost_records_prompt_idx ON ONLY public.cost_records USING btree (workspace_id, "left"(COALESCE(btrim((metadata ->> 'prompt_name'::text)), ''::text), 200), "left"(COALESCE(btrim((metadata ->> 'prompt_version'::text)), ''::text), 100), "timestamp") WHERE (metadata ? 'prompt_name'::text);

-- INDEX public.cost_records_provider_id_workspace_id_timestamp_idx

CREATE INDEX cost_records_provider_id_workspace_id_timestamp_idx ON ONLY public.cost_records USING btree (provider_id, workspace_id, "timestamp");

-- INDEX public.cost_records_request_idx

CREATE INDEX cost_records_request_idx ON ONLY public.cost_records USING btree (workspace_id, source_key) WHERE (request_id IS NOT NULL);

-- INDEX public.cost_records_session_idx

CREATE INDEX cost_records_session_idx ON ONLY public.cost_records USING btree (workspace_id, "left"(COALESCE(NULLIF(btrim((metadata ->> 'session'::text)), ''::text), NULLIF(btrim((metadata ->> 'session_id'::text)), ''::text)), 200)) WHERE (metadata ?| ARRAY['session'::text, 'session_id'::text]);

-- INDEX public.cost_records_subscription_id_idx

CREATE INDEX cost_records_subscription_id_idx ON ONLY public.cost_records USING btree (subscription_id) WHERE (subscription_id IS NOT NULL);

-- INDEX public.cost_records_timestamp_brin

CREATE INDEX cost_records_timestamp_brin ON ONLY public.cost_records USING brin ("timestamp") WITH (pages_per_range='32');

-- INDEX public.cost_records_unpriced_idx

CREATE INDEX cost_records_unpriced_idx ON ONLY public.cost_records USING btree (workspace_id) WHERE (cost_usd IS NULL);

-- INDEX public.custom_models_provider_id_idx

CREATE INDEX custom_models_provider_id_idx ON public.custom_models USING btree (provider_id);

-- INDEX public.deliveries_channel_idx

CREATE INDEX deliveries_channel_idx ON public.deliveries USING btree (workspace_id, channel_id, created_at DESC);

-- INDEX public.deliveries_due_idx

CREATE INDEX deliveries_due_idx ON public.deliveries USING btree (next_attempt_at) WHERE (state = ANY (ARRAY['waiting'::text, 'held'::text]));

-- INDEX public.deliveries_event_idx

CREATE INDEX deliveries_event_idx ON public.deliveries USING btree (workspace_id, event_id);

-- INDEX public.deliveries_sent_in_idx

CREATE INDEX deliveries_sent_in_idx ON public.deliveries USING btree (sent_in) WHERE (sent_in IS NOT NULL);

-- INDEX public.delivery_attempts_workspace_id_idx

CREATE INDEX delivery_attempts_workspace_id_idx ON public.delivery_attempts USING btree (workspace_id, delivery_id);

-- INDEX public.forecast_results_day_idx

CREATE INDEX forecast_results_day_idx ON public.forecast_results USING btree (workspace_id, forecast_date) WHERE (model_name IS NULL);

-- INDEX public.forecast_results_provider_id_idx

CREATE INDEX forecast_results_provider_id_idx ON public.forecast_results USING btree (provider_id);

-- INDEX public.forecast_results_workspace_id_idx

CREATE INDEX forecast_results_workspace_id_idx ON public.forecast_results USING btree (workspace_id, created_at DESC);

-- INDEX public.forecast_totals_open_idx

CREATE INDEX forecast_totals_open_idx ON public.forecast_totals USING btree (period_end) WHERE (actual_cost_usd IS NULL);

-- INDEX public.forecast_totals_provider_id_idx

CREATE INDEX forecast_totals_provider_id_idx ON public.forecast_totals USING btree (provider_id);

-- INDEX public.forecast_totals_workspace_id_idx

CREATE INDEX forecast_totals_workspace_id_idx ON public.forecast_totals USING btree (workspace_id, created_at DESC);

-- INDEX public.imports_api_key_idx

CREATE UNIQUE INDEX imports_api_key_idx ON public.imports USING btree (workspace_id, api_key_id, filename) WHERE (api_key_id IS NOT NULL);

-- INDEX public.imports_credential_idx

CREATE UNIQUE INDEX imports_credential_idx ON public.imports USING btree (workspace_id, credential_id) WHERE (credential_id IS NOT NULL);

-- INDEX public.imports_machine_idx

CREATE UNIQUE INDEX imports_machine_idx ON public.imports USING btree (workspace_id, user_id, format, filename) WHERE (kind = 'machine'::text);

-- INDEX public.imports_user_id_idx

CREATE INDEX imports_user_id_idx ON public.imports USING btree (user_id);

-- INDEX public.imports_workspace_id_created_at_idx

CREATE INDEX imports_workspace_id_created_at_idx ON public.imports USING btree (workspace_id, created_at DESC);

-- INDEX public.invitations_invited_by_idx

CREATE INDEX invitations_invited_by_idx ON public.invitations USING btree (invited_by);

-- INDEX public.job_runs_workspace_id_idx

CREATE INDEX job_runs_workspace_id_idx ON public.job_runs USING btree (workspace_id, started_at DESC);

-- INDEX public.members_workspace_id_idx

CREATE INDEX members_workspace_id_idx ON public.members USING btree (workspace_id);

-- INDEX public.model_aliases_provider_id_idx

CREATE INDEX model_aliases_provider_id_idx ON public.model_aliases USING btree (provider_id);

-- INDEX public.model_prices_provider_id_idx

CREATE INDEX model_prices_provider_id_idx ON public.model_prices USING btree (provider_id);

-- INDEX public.model_prices_user_id_idx

CREATE INDEX model_prices_user_id_idx ON public.model_prices USING btree (user_id);

-- INDEX public.person_aliases_user_id_idx

CREATE INDEX person_aliases_user_id_idx ON public.person_aliases USING btree (user_id);

-- INDEX public.price_multipliers_provider_id_idx

CREATE INDEX price_multipliers_provider_id_idx ON public.price_multipliers USING btree (provider_id);

-- INDEX public.price_multipliers_user_id_idx

CREATE INDEX price_multipliers_user_id_idx ON public.price_multipliers USING btree (user_id);

-- INDEX public.price_multipliers_workspace_id_idx

CREATE INDEX price_multipliers_workspace_id_idx ON public.price_multipliers USING btree (workspace_id);

-- INDEX public.project_members_user_id_idx

CREATE INDEX project_members_user_id_idx ON public.project_members USING btree (user_id, workspace_id);

-- INDEX public.project_members_workspace_id_idx

CREATE INDEX project_members_workspace_id_idx ON public.project_members USING btree (workspace_id, project_id);

-- INDEX public.project_rules_project_idx

CREATE INDEX project_rules_project_idx ON public.project_rules USING btree (workspace_id, project_id);

-- INDEX public.projects_private_idx

CREATE INDEX projects_private_idx ON public.projects USING btree (workspace_id) WHERE is_private;

-- INDEX public.prompt_deployments_deployed_by_idx

CREATE INDEX prompt_deployments_deployed_by_idx ON public.prompt_deployments USING btree (deployed_by);

-- INDEX public.prompt_deployments_live_idx

CREATE UNIQUE INDEX prompt_deployments_live_idx ON public.prompt_deployments USING btree (prompt_id, environment, version_id) WHERE (to_at IS NULL);

-- INDEX public.prompt_deployments_prompt_idx

CREATE INDEX prompt_deployments_prompt_idx ON public.prompt_deployments USING btree (prompt_id, environment, from_at);

-- INDEX public.prompt_deployments_version_idx

CREATE INDEX prompt_deployments_version_idx ON public.prompt_deployments USING btree (workspace_id, prompt_id, version_id);

-- INDEX public.prompt_versions_author_id_idx

CREATE INDEX prompt_versions_author_id_idx ON public.prompt_versions USING btree (author_id);

-- INDEX public.prompts_project_id_idx

CREATE INDEX prompts_project_id_idx ON public.prompts USING btree (workspace_id, project_id);

-- INDEX public.subscriptions_provider_id_idx

CREATE INDEX subscriptions_provider_id_idx ON public.subscriptions USING btree (provider_id);

-- INDEX public.subscriptions_user_id_idx

CREATE INDEX subscriptions_user_id_idx ON public.subscriptions USING btree (user_id);

-- INDEX public.subscriptions_workspace_id_idx

CREATE INDEX subscriptions_workspace_id_idx ON public.subscriptions USING btree (workspace_id);

-- INDEX public.superseded_records_calls_idx

CREATE INDEX superseded_records_calls_idx ON public.superseded_records USING btree (workspace_id, "timestamp") WHERE (collection_method = 'otlp'::text);

-- INDEX public.superseded_records_chosen_idx

CREATE INDEX superseded_records_chosen_idx ON public.superseded_records USING btree (workspace_id, source_key) WHERE (project_chosen_by IS NOT NULL);

-- INDEX public.superseded_records_import_idx

CREATE INDEX superseded_records_import_idx ON public.superseded_records USING btree (workspace_id, import_id) WHERE (import_id IS NOT NULL);

-- INDEX public.superseded_records_prompt_idx

CREATE INDEX superseded_records_prompt_idx ON public.superseded_records USING btree (workspace_id, "left"(COALESCE(btrim((metadata ->> 'prompt_name'::text)), ''::text), 200), "left"(COALESCE(btrim((metadata ->> 'prompt_version'::text)), ''::text), 100), "timestamp") WHERE (metadata ? 'prompt_name'::text);

-- INDEX public.superseded_records_provider_idx

CREATE INDEX superseded_records_provider_idx ON public.superseded_records USING btree (provider_id);

-- INDEX public.superseded_records_session_idx

CREATE INDEX superseded_records_session_idx ON public.superseded_records USING btree (workspace_id, "left"(COALESCE(NULLIF(btrim((metadata ->> 'session'::text)), ''::text), NULLIF(btrim((metadata ->> 'session_id'::text)), ''::text)), 200)) WHERE (metadata ?| ARRAY['session'::text, 'session_id'::text]);

-- INDEX public.superseded_records_statement

CREATE UNIQUE INDEX superseded_records_statement ON public.superseded_records USING btree (workspace_id, source_key, import_id, (
CASE
    WHEN (request_id IS NULL) THEN COALESCE(((day + '12:00:00'::time without time zone) AT TIME ZONE 'UTC'::text), "timestamp")
    ELSE NULL::timestamp with time zone
END)) NULLS NOT DISTINCT;

-- INDEX public.superseded_records_timestamp_idx

CREATE INDEX superseded_records_timestamp_idx ON public.superseded_records USING btree (workspace_id, "timestamp") WHERE ("timestamp" IS NOT NULL);

-- INDEX public.superseded_records_user_idx

CREATE INDEX superseded_records_user_idx ON public.superseded_records USING btree (user_id);

-- INDEX public.traces_first_at_idx

CREATE INDEX traces_first_at_idx ON public.traces USING btree (workspace_id, first_at DESC, trace_id) WHERE (first_at IS NOT NULL);

-- INDEX public.traces_last_at_idx

CREATE INDEX traces_last_at_idx ON public.traces USING btree (workspace_id, last_at) WHERE (last_at IS NOT NULL);

-- INDEX public.traces_session_idx

CREATE INDEX traces_session_idx ON public.traces USING btree (workspace_id, session, first_at) WHERE (session <> ''::text);

-- INDEX public.traces_user_id_idx

CREATE INDEX traces_user_id_idx ON public.traces USING btree (user_id);

-- TRIGGER private.span_contents span_contents_count_gone

CREATE TRIGGER span_contents_count_gone AFTER DELETE ON private.span_contents REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION private.count_gone_contents();

-- TRIGGER public.advice advice_note_delete

CREATE TRIGGER advice_note_delete AFTER DELETE ON public.advice REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.advice advice_note_insert

CREATE TRIGGER advice_note_insert AFTER INSERT ON public.advice REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.advice advice_note_update

CREATE TRIGGER advice_note_update AFTER UPDATE ON public.advice REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.advice advice_touch

CREATE TRIGGER advice_touch BEFORE UPDATE ON public.advice FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.alert_events alert_events_note_delete

CREATE TRIGGER alert_events_note_delete AFTER DELETE ON public.alert_events REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.alert_events alert_events_note_insert

CREATE TRIGGER alert_events_note_insert AFTER INSERT ON public.alert_events REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.alert_events alert_events_note_update

CREATE TRIGGER alert_events_note_update AFTER UPDATE ON public.alert_events REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.anomalies anomalies_note_delete

CREATE TRIGGER anomalies_note_delete AFTER DELETE ON public.anomalies REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.anomalies anomalies_note_insert

CREATE TRIGGER anomalies_note_insert AFTER INSERT ON public.anomalies REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.anomalies anomalies_note_update

CREATE TRIGGER anomalies_note_update AFTER UPDATE ON public.anomalies REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.api_credentials api_credentials_audit

CREATE TRIGGER api_credentials_audit AFTER INSERT OR DELETE OR UPDATE ON public.api_credentials FOR EACH ROW EXECUTE FUNCTION private.audit_credential();

-- TRIGGER public.api_credentials api_credentials_bound

CREATE TRIGGER api_credentials_bound AFTER INSERT ON public.api_credentials REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('50', 'connections', 'Delete one that is no longer needed on the Connections page; its records stay.');

-- TRIGGER public.api_credentials api_credentials_touch

CREATE TRIGGER api_credentials_touch BEFORE UPDATE ON public.api_credentials FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.api_keys api_keys_audit_delete

CREATE TRIGGER api_keys_audit_delete AFTER DELETE ON public.api_keys REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,prefix,last_four,project_id,scopes,requests_per_minute,tokens_per_minute,expires_at,revoked_at,successor_id}', 'workspace_id');

-- TRIGGER public.api_keys api_keys_audit_insert

CREATE TRIGGER api_keys_audit_insert AFTER INSERT ON public.api_keys REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,prefix,last_four,project_id,scopes,requests_per_minute,tokens_per_minute,expires_at,revoked_at,successor_id}', 'workspace_id');

-- TRIGGER public.api_keys api_keys_audit_update

CREATE TRIGGER api_keys_audit_update AFTER UPDATE ON public.api_keys REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,prefix,last_four,project_id,scopes,requests_per_minute,tokens_per_minute,expires_at,revoked_at,successor_id}', 'workspace_id');

-- TRIGGER public.api_keys api_keys_bound

CREATE TRIGGER api_keys_bound AFTER INSERT ON public.api_keys REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many_keys();

-- TRIGGER public.billing_accounts billing_accounts_audit_delete

CREATE TRIGGER billing_accounts_audit_delete AFTER DELETE ON public.billing_accounts REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{account,workspace_id}', '{account,name}', 'workspace_id');

-- TRIGGER public.billing_accounts billing_accounts_audit_insert

CREATE TRIGGER billing_accounts_audit_insert AFTER INSERT ON public.billing_accounts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{account,workspace_id}', '{account,name}', 'workspace_id');

-- TRIGGER public.billing_accounts billing_accounts_audit_update

CREATE TRIGGER billing_accounts_audit_update AFTER UPDATE ON public.billing_accounts REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{account,workspace_id}', '{account,name}', 'workspace_id');

-- TRIGGER public.billing_accounts billing_accounts_bound

CREATE TRIGGER billing_accounts_bound AFTER INSERT ON public.billing_accounts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('1000', 'named billing accounts', 'Take the name of another one back in Settings.');

-- TRIGGER public.billing_accounts billing_accounts_note_delete

CREATE TRIGGER billing_accounts_note_delete AFTER DELETE ON public.billing_accounts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.billing_accounts billing_accounts_note_insert

CREATE TRIGGER billing_accounts_note_insert AFTER INSERT ON public.billing_accounts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.billing_accounts billing_accounts_note_update

CREATE TRIGGER billing_accounts_note_update AFTER UPDATE ON public.billing_accounts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.billing_accounts billing_accounts_touch

CREATE TRIGGER billing_accounts_touch BEFORE UPDATE ON public.billing_accounts FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.budget_channels budget_channels_audit_delete

CREATE TRIGGER budget_channels_audit_delete AFTER DELETE ON public.budget_channels REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{budget_id,channel_id}', '{budget_id,channel_id}', 'workspace_id');

-- TRIGGER public.budget_channels budget_channels_audit_insert

CREATE TRIGGER budget_channels_audit_insert AFTER INSERT ON public.budget_channels REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{budget_id,channel_id}', '{budget_id,channel_id}', 'workspace_id');

-- TRIGGER public.budget_channels budget_channels_keep_limits

CREATE TRIGGER budget_channels_keep_limits AFTER INSERT OR DELETE OR UPDATE ON public.budget_channels FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (auth.uid() IS NOT NULL))) EXECUTE FUNCTION private.keep_limits_of_those_above();

-- TRIGGER public.budget_channels budget_channels_note_delete

CREATE TRIGGER budget_channels_note_delete AFTER DELETE ON public.budget_channels REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budget_channels budget_channels_note_insert

CREATE TRIGGER budget_channels_note_insert AFTER INSERT ON public.budget_channels REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budget_channels budget_channels_note_update

CREATE TRIGGER budget_channels_note_update AFTER UPDATE ON public.budget_channels REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budget_thresholds budget_thresholds_audit_delete

CREATE TRIGGER budget_thresholds_audit_delete AFTER DELETE ON public.budget_thresholds REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{budget_id,kind,percent}', 'workspace_id');

-- TRIGGER public.budget_thresholds budget_thresholds_audit_insert

CREATE TRIGGER budget_thresholds_audit_insert AFTER INSERT ON public.budget_thresholds REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{budget_id,kind,percent}', 'workspace_id');

-- TRIGGER public.budget_thresholds budget_thresholds_audit_update

CREATE TRIGGER budget_thresholds_audit_update AFTER UPDATE ON public.budget_thresholds REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{budget_id,kind,percent}', 'workspace_id');

-- TRIGGER public.budget_thresholds budget_thresholds_bound

CREATE TRIGGER budget_thresholds_bound AFTER INSERT ON public.budget_thresholds FOR EACH ROW EXECUTE FUNCTION private.check_threshold_count();

-- TRIGGER public.budget_thresholds budget_thresholds_keep_limits

CREATE TRIGGER budget_thresholds_keep_limits AFTER INSERT OR DELETE OR UPDATE ON public.budget_thresholds FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (auth.uid() IS NOT NULL))) EXECUTE FUNCTION private.keep_limits_of_those_above();

-- TRIGGER public.budget_thresholds budget_thresholds_note_delete

CREATE TRIGGER budget_thresholds_note_delete AFTER DELETE ON public.budget_thresholds REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budget_thresholds budget_thresholds_note_insert

CREATE TRIGGER budget_thresholds_note_insert AFTER INSERT ON public.budget_thresholds REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budget_thresholds budget_thresholds_note_update

CREATE TRIGGER budget_thresholds_note_update AFTER UPDATE ON public.budget_thresholds REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budget_thresholds budget_thresholds_renew

CREATE TRIGGER budget_thresholds_renew BEFORE UPDATE OF kind, percent ON public.budget_thresholds FOR EACH ROW WHEN (((old.kind IS DISTINCT FROM new.kind) OR (old.percent IS DISTINCT FROM new.percent))) EXECUTE FUNCTION private.renew_threshold();

-- TRIGGER public.budgets budgets_audit_delete

CREATE TRIGGER budgets_audit_delete AFTER DELETE ON public.budgets REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,project_id,provider_id,model_name,user_id,billing_account,tag,agent,environment,customer,measure,amount,currency,period,starts_on_day,counts_subscriptions,counts_tax,paused_at}', 'workspace_id');

-- TRIGGER public.budgets budgets_audit_insert

CREATE TRIGGER budgets_audit_insert AFTER INSERT ON public.budgets REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,project_id,provider_id,model_name,user_id,billing_account,tag,agent,environment,customer,measure,amount,currency,period,starts_on_day,counts_subscriptions,counts_tax,paused_at}', 'workspace_id');

-- TRIGGER public.budgets budgets_audit_update

CREATE TRIGGER budgets_audit_update AFTER UPDATE ON public.budgets REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,project_id,provider_id,model_name,user_id,billing_account,tag,agent,environment,customer,measure,amount,currency,period,starts_on_day,counts_subscriptions,counts_tax,paused_at}', 'workspace_id');

-- TRIGGER public.budgets budgets_bound

CREATE TRIGGER budgets_bound AFTER INSERT ON public.budgets REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('2500', 'budgets', 'Delete those that are no longer needed on the Budgets page.');

-- TRIGGER public.budgets budgets_check_insert

CREATE TRIGGER budgets_check_insert BEFORE INSERT ON public.budgets FOR EACH ROW EXECUTE FUNCTION private.check_budget();

-- TRIGGER public.budgets budgets_check_update

CREATE TRIGGER budgets_check_update BEFORE UPDATE OF name, project_id, measure, currency ON public.budgets FOR EACH ROW WHEN ((((new.name <> old.name) OR (new.measure <> old.measure) OR (new.currency <> old.currency)) OR (new.project_id IS DISTINCT FROM old.project_id))) EXECUTE FUNCTION private.check_budget();

-- TRIGGER public.budgets budgets_forget_forecasts

CREATE TRIGGER budgets_forget_forecasts AFTER UPDATE OF project_id, provider_id, model_name, user_id, billing_account, tag, agent, environment, customer, measure, period, starts_on_day, counts_subscriptions, counts_tax ON public.budgets FOR EACH ROW WHEN (((((((((((((((old.project_id IS DISTINCT FROM new.project_id) OR (old.provider_id IS DISTINCT FROM new.provider_id)) OR (old.model_name IS DISTINCT FROM new.model_name)) OR (old.user_id IS DISTINCT FROM new.user_id)) OR (old.billing_account IS DISTINCT FROM new.billing_account)) OR (old.tag IS DISTINCT FROM new.tag)) OR (old.agent IS DISTINCT FROM new.agent)) OR (old.environment IS DISTINCT FROM new.environment)) OR (old.customer IS DISTINCT FROM new.customer)) OR (old.measure IS DISTINCT FROM new.measure)) OR (old.period IS DISTINCT FROM new.period)) OR (old.starts_on_day IS DISTINCT FROM new.starts_on_day)) OR (old.counts_subscriptions IS DISTINCT FROM new.counts_subscriptions)) OR (old.counts_tax IS DISTINCT FROM new.counts_tax))) EXECUTE FUNCTION private.forget_budget_forecasts();

-- TRIGGER public.budgets budgets_keep_limits

CREATE TRIGGER budgets_keep_limits AFTER INSERT OR DELETE OR UPDATE ON public.budgets FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (auth.uid() IS NOT NULL))) EXECUTE FUNCTION private.keep_limits_of_those_above();

-- TRIGGER public.budgets budgets_note_delete

CREATE TRIGGER budgets_note_delete AFTER DELETE ON public.budgets REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budgets budgets_note_insert

CREATE TRIGGER budgets_note_insert AFTER INSERT ON public.budgets REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budgets budgets_note_update

CREATE TRIGGER budgets_note_update AFTER UPDATE ON public.budgets REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.budgets budgets_renew_thresholds

CREATE TRIGGER budgets_renew_thresholds AFTER UPDATE OF project_id, provider_id, model_name, user_id, billing_account, tag, agent, environment, customer, measure, amount, currency, period, starts_on_day, counts_subscriptions, counts_tax ON public.budgets FOR EACH ROW WHEN (((((((((((((((((old.project_id IS DISTINCT FROM new.project_id) OR (old.provider_id IS DISTINCT FROM new.provider_id)) OR (old.model_name IS DISTINCT FROM new.model_name)) OR (old.user_id IS DISTINCT FROM new.user_id)) OR (old.billing_account IS DISTINCT FROM new.billing_account)) OR (old.tag IS DISTINCT FROM new.tag)) OR (old.agent IS DISTINCT FROM new.agent)) OR (old.environment IS DISTINCT FROM new.environment)) OR (old.customer IS DISTINCT FROM new.customer)) OR (old.measure IS DISTINCT FROM new.measure)) OR (old.amount IS DISTINCT FROM new.amount)) OR (old.currency IS DISTINCT FROM new.currency)) OR (old.period IS DISTINCT FROM new.period)) OR (old.starts_on_day IS DISTINCT FROM new.starts_on_day)) OR (old.counts_subscriptions IS DISTINCT FROM new.counts_subscriptions)) OR (old.counts_tax IS DISTINCT FROM new.counts_tax))) EXECUTE FUNCTION private.renew_thresholds();

-- TRIGGER public.budgets budgets_request_forecast_delete

CREATE TRIGGER budgets_request_forecast_delete AFTER DELETE ON public.budgets REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.request_forecast();

-- TRIGGER public.budgets budgets_request_forecast_insert

CREATE TRIGGER budgets_request_forecast_insert AFTER INSERT ON public.budgets REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.request_forecast();

-- TRIGGER public.budgets budgets_request_forecast_update

CREATE TRIGGER budgets_request_forecast_update AFTER UPDATE ON public.budgets REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.request_forecast();

-- TRIGGER public.budgets budgets_touch

CREATE TRIGGER budgets_touch BEFORE UPDATE ON public.budgets FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.channels channels_audit_delete

CREATE TRIGGER channels_audit_delete AFTER DELETE ON public.channels REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{kind,name,hint,quiet_from,quiet_to,urgent_passes,digest,paused_at,verified_by,disabled_reason}', 'workspace_id');

-- TRIGGER public.channels channels_audit_insert

CREATE TRIGGER channels_audit_insert AFTER INSERT ON public.channels REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{kind,name,hint,quiet_from,quiet_to,urgent_passes,digest,paused_at,verified_by,disabled_reason}', 'workspace_id');

-- TRIGGER public.channels channels_audit_update

CREATE TRIGGER channels_audit_update AFTER UPDATE ON public.channels REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{kind,name,hint,quiet_from,quiet_to,urgent_passes,digest,paused_at,verified_by,disabled_reason}', 'workspace_id');

-- TRIGGER public.channels channels_bound

CREATE TRIGGER channels_bound AFTER INSERT ON public.channels REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('20', 'channels', 'Remove one in Settings.');

-- TRIGGER public.channels channels_note_delete

CREATE TRIGGER channels_note_delete AFTER DELETE ON public.channels REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.channels channels_note_insert

CREATE TRIGGER channels_note_insert AFTER INSERT ON public.channels REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.channels channels_note_update

CREATE TRIGGER channels_note_update AFTER UPDATE ON public.channels REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.channels channels_touch

CREATE TRIGGER channels_touch BEFORE UPDATE ON public.channels FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.channels channels_verified

CREATE TRIGGER channels_verified AFTER UPDATE OF verified_at ON public.channels FOR EACH ROW WHEN (((old.verified_at IS NULL) AND (new.verified_at IS NOT NULL) AND (new.paused_at IS NULL) AND (new.disabled_at IS NULL))) EXECUTE FUNCTION private.tell_verified_channel();

-- TRIGGER public.cost_records cost_records_audit_delete

CREATE TRIGGER cost_records_audit_delete AFTER DELETE ON public.cost_records REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN ((CURRENT_USER = ANY (ARRAY['authenticated'::name, 'service_role'::name]))) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,project_id,provider_id,import_id,timestamp,day,model_name,billing_account,cost_usd,tokens_used,request_count,cost_basis,charge_type}', 'workspace_id');

-- TRIGGER public.cost_records cost_records_audit_update

CREATE TRIGGER cost_records_audit_update AFTER UPDATE ON public.cost_records REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN ((CURRENT_USER = ANY (ARRAY['authenticated'::name, 'service_role'::name]))) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,project_id,provider_id,import_id,timestamp,day,model_name,billing_account,cost_usd,tokens_used,request_count,cost_basis,charge_type}', 'workspace_id');

-- TRIGGER public.cost_records cost_records_channels_deleted

CREATE TRIGGER cost_records_channels_deleted AFTER DELETE ON public.cost_records REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT EXECUTE FUNCTION private.count_channels();

-- TRIGGER public.cost_records cost_records_channels_inserted

CREATE TRIGGER cost_records_channels_inserted AFTER INSERT ON public.cost_records REFERENCING NEW TABLE AS changed_to FOR EACH STATEMENT WHEN (((current_setting('tally.has_channels'::text, true) = 'on'::text) OR (current_setting('tally.is_inserting'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION private.count_channels();

-- TRIGGER public.cost_records cost_records_channels_updated

CREATE TRIGGER cost_records_channels_updated AFTER UPDATE ON public.cost_records REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed_to FOR EACH STATEMENT WHEN ((current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.count_channels();

-- TRIGGER public.cost_records cost_records_check_inserted

CREATE TRIGGER cost_records_check_inserted AFTER INSERT ON public.cost_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.check_references();

-- TRIGGER public.cost_records cost_records_check_updated

CREATE TRIGGER cost_records_check_updated AFTER UPDATE ON public.cost_records REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.check_references();

-- TRIGGER public.cost_records cost_records_choose_deleted

CREATE TRIGGER cost_records_choose_deleted AFTER DELETE ON public.cost_records REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.select_winners_of_changed();

-- TRIGGER public.cost_records cost_records_count_deleted

CREATE TRIGGER cost_records_count_deleted AFTER DELETE ON public.cost_records REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT EXECUTE FUNCTION private.count_parts();

-- TRIGGER public.cost_records cost_records_count_inserted

CREATE TRIGGER cost_records_count_inserted AFTER INSERT ON public.cost_records REFERENCING NEW TABLE AS changed_to FOR EACH STATEMENT EXECUTE FUNCTION private.count_parts();

-- TRIGGER public.cost_records cost_records_count_truncated

CREATE TRIGGER cost_records_count_truncated AFTER TRUNCATE ON public.cost_records FOR EACH STATEMENT EXECUTE FUNCTION private.forget_parts();

-- TRIGGER public.cost_records cost_records_count_updated

CREATE TRIGGER cost_records_count_updated AFTER UPDATE ON public.cost_records REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed_to FOR EACH STATEMENT WHEN ((current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.count_parts();

-- TRIGGER public.cost_records cost_records_delete_waits

CREATE TRIGGER cost_records_delete_waits BEFORE DELETE ON public.cost_records FOR EACH STATEMENT WHEN (((pg_trigger_depth() = 0) AND (CURRENT_USER = 'authenticated'::name))) EXECUTE FUNCTION private.wait_for_saves();

-- TRIGGER public.cost_records cost_records_mark_deleted

CREATE TRIGGER cost_records_mark_deleted AFTER DELETE ON public.cost_records REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.mark_changed_days();

-- TRIGGER public.cost_records cost_records_mark_inserted

CREATE TRIGGER cost_records_mark_inserted AFTER INSERT ON public.cost_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.mark_changed_days();

-- TRIGGER public.cost_records cost_records_mark_truncated

CREATE TRIGGER cost_records_mark_truncated AFTER TRUNCATE ON public.cost_records FOR EACH STATEMENT EXECUTE FUNCTION private.mark_known_days();

-- TRIGGER public.cost_records cost_records_mark_updated

CREATE TRIGGER cost_records_mark_updated AFTER UPDATE ON public.cost_records REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed_to FOR EACH STATEMENT EXECUTE FUNCTION private.mark_updated_days();

-- TRIGGER public.cost_records cost_records_project_inserted

CREATE TRIGGER cost_records_project_inserted BEFORE INSERT ON public.cost_records FOR EACH ROW WHEN (((new.project_id IS NOT NULL) AND (CURRENT_USER = 'authenticated'::name))) EXECUTE FUNCTION private.choose_project();

-- TRIGGER public.cost_records cost_records_project_of_event

CREATE TRIGGER cost_records_project_of_event AFTER UPDATE OF project_id ON public.cost_records FOR EACH ROW WHEN (((new.project_id IS DISTINCT FROM old.project_id) AND (CURRENT_USER = 'authenticated'::name))) EXECUTE FUNCTION private.choose_for_event();

-- TRIGGER public.cost_records cost_records_project_refiled

CREATE TRIGGER cost_records_project_refiled BEFORE UPDATE OF model_name, billing_account, metadata ON public.cost_records FOR EACH ROW WHEN (((CURRENT_USER = 'authenticated'::name) AND (new.project_chosen_by IS NULL) AND (((new.model_name IS DISTINCT FROM old.model_name) OR (new.billing_account IS DISTINCT FROM old.billing_account)) OR (new.metadata IS DISTINCT FROM old.metadata)))) EXECUTE FUNCTION private.refile_edited();

-- TRIGGER public.cost_records cost_records_project_updated

CREATE TRIGGER cost_records_project_updated BEFORE UPDATE OF project_id ON public.cost_records FOR EACH ROW WHEN (((new.project_id IS DISTINCT FROM old.project_id) AND (CURRENT_USER = 'authenticated'::name))) EXECUTE FUNCTION private.choose_project();

-- TRIGGER public.cost_records cost_records_project_waits

CREATE TRIGGER cost_records_project_waits BEFORE UPDATE OF project_id, model_name, billing_account, metadata ON public.cost_records FOR EACH STATEMENT WHEN ((CURRENT_USER = 'authenticated'::name)) EXECUTE FUNCTION private.wait_for_saves();

-- TRIGGER public.cost_records cost_records_settle_channels

CREATE TRIGGER cost_records_settle_channels AFTER DELETE ON public.cost_records REFERENCING OLD TABLE AS changed FOR EACH STATEMENT WHEN (((pg_trigger_depth() = 0) AND (CURRENT_USER = 'authenticated'::name))) EXECUTE FUNCTION private.compare_channels_of_deleted();

-- TRIGGER public.cost_records cost_records_share_timezone

CREATE TRIGGER cost_records_share_timezone BEFORE INSERT OR DELETE OR UPDATE ON public.cost_records FOR EACH STATEMENT EXECUTE FUNCTION private.share_timezone();

-- TRIGGER public.cost_records cost_records_total_deleted

CREATE TRIGGER cost_records_total_deleted AFTER DELETE ON public.cost_records REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.count_statements();

-- TRIGGER public.cost_records cost_records_total_inserted

CREATE TRIGGER cost_records_total_inserted AFTER INSERT ON public.cost_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.count_statements();

-- TRIGGER public.cost_records cost_records_touch

CREATE TRIGGER cost_records_touch BEFORE UPDATE ON public.cost_records FOR EACH ROW WHEN ((current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.custom_models custom_models_audit_delete

CREATE TRIGGER custom_models_audit_delete AFTER DELETE ON public.custom_models REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{provider_id,model_name,base_model,note}', 'workspace_id');

-- TRIGGER public.custom_models custom_models_audit_insert

CREATE TRIGGER custom_models_audit_insert AFTER INSERT ON public.custom_models REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{provider_id,model_name,base_model,note}', 'workspace_id');

-- TRIGGER public.custom_models custom_models_audit_update

CREATE TRIGGER custom_models_audit_update AFTER UPDATE ON public.custom_models REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{provider_id,model_name,base_model,note}', 'workspace_id');

-- TRIGGER public.custom_models custom_models_bound

CREATE TRIGGER custom_models_bound AFTER INSERT ON public.custom_models REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('1000', 'models of its own', 'Delete those that are no longer used in the catalogue.');

-- TRIGGER public.custom_models custom_models_note_delete

CREATE TRIGGER custom_models_note_delete AFTER DELETE ON public.custom_models REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.custom_models custom_models_note_insert

CREATE TRIGGER custom_models_note_insert AFTER INSERT ON public.custom_models REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.custom_models custom_models_note_update

CREATE TRIGGER custom_models_note_update AFTER UPDATE ON public.custom_models REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.custom_models custom_models_touch

CREATE TRIGGER custom_models_touch BEFORE UPDATE ON public.custom_models FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.deliveries deliveries_note_delete

CREATE TRIGGER deliveries_note_delete AFTER DELETE ON public.deliveries REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.deliveries deliveries_note_insert

CREATE TRIGGER deliveries_note_insert AFTER INSERT ON public.deliveries REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.deliveries deliveries_note_update

CREATE TRIGGER deliveries_note_update AFTER UPDATE ON public.deliveries REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.forecast_results forecast_results_note_delete

CREATE TRIGGER forecast_results_note_delete AFTER DELETE ON public.forecast_results REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.forecast_results forecast_results_note_insert

CREATE TRIGGER forecast_results_note_insert AFTER INSERT ON public.forecast_results REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.forecast_results forecast_results_note_update

CREATE TRIGGER forecast_results_note_update AFTER UPDATE ON public.forecast_results REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.forecast_totals forecast_totals_note_delete

CREATE TRIGGER forecast_totals_note_delete AFTER DELETE ON public.forecast_totals REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.forecast_totals forecast_totals_note_insert

CREATE TRIGGER forecast_totals_note_insert AFTER INSERT ON public.forecast_totals REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.forecast_totals forecast_totals_note_update

CREATE TRIGGER forecast_totals_note_update AFTER UPDATE ON public.forecast_totals REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.imports imports_audit_delete

CREATE TRIGGER imports_audit_delete AFTER DELETE ON public.imports REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,kind,filename,format,is_enabled,metadata.paid_by}', 'workspace_id');

-- TRIGGER public.imports imports_audit_insert

CREATE TRIGGER imports_audit_insert AFTER INSERT ON public.imports REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,kind,filename,format,is_enabled,metadata.paid_by}', 'workspace_id');

-- TRIGGER public.imports imports_audit_update

CREATE TRIGGER imports_audit_update AFTER UPDATE ON public.imports REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,kind,filename,format,is_enabled,metadata.paid_by}', 'workspace_id');

-- TRIGGER public.imports imports_bound

CREATE TRIGGER imports_bound AFTER INSERT ON public.imports REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('5000', 'sources', 'Delete some on the Sources page, or import several files as one.');

-- TRIGGER public.imports imports_change_enabled

CREATE TRIGGER imports_change_enabled AFTER UPDATE OF is_enabled ON public.imports FOR EACH ROW WHEN ((old.is_enabled IS DISTINCT FROM new.is_enabled)) EXECUTE FUNCTION private.change_enabled();

-- TRIGGER public.imports imports_delete_records

CREATE TRIGGER imports_delete_records AFTER DELETE ON public.imports REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION private.delete_records_of_imports();

-- TRIGGER public.imports imports_delete_waits

CREATE TRIGGER imports_delete_waits BEFORE DELETE ON public.imports FOR EACH STATEMENT EXECUTE FUNCTION private.wait_for_saves();

-- TRIGGER public.imports imports_enable_waits

CREATE TRIGGER imports_enable_waits BEFORE UPDATE OF is_enabled ON public.imports FOR EACH STATEMENT WHEN ((CURRENT_USER = 'authenticated'::name)) EXECUTE FUNCTION private.wait_for_saves();

-- TRIGGER public.imports imports_touch

CREATE TRIGGER imports_touch BEFORE UPDATE ON public.imports FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.invitations invitations_bound

CREATE TRIGGER invitations_bound AFTER INSERT ON public.invitations REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('1000', 'open invitations', 'Cancel some in Settings.');

-- TRIGGER public.invitations invitations_note_delete

CREATE TRIGGER invitations_note_delete AFTER DELETE ON public.invitations REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.invitations invitations_note_insert

CREATE TRIGGER invitations_note_insert AFTER INSERT ON public.invitations REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.invitations invitations_note_update

CREATE TRIGGER invitations_note_update AFTER UPDATE ON public.invitations REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.job_runs job_runs_note_delete

CREATE TRIGGER job_runs_note_delete AFTER DELETE ON public.job_runs REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.job_runs job_runs_note_insert

CREATE TRIGGER job_runs_note_insert AFTER INSERT ON public.job_runs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.job_runs job_runs_note_update

CREATE TRIGGER job_runs_note_update AFTER UPDATE ON public.job_runs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.members members_audit_changed

CREATE TRIGGER members_audit_changed AFTER DELETE OR UPDATE ON public.members FOR EACH ROW WHEN ((old.workspace_id <> old.user_id)) EXECUTE FUNCTION private.audit_member();

-- TRIGGER public.members members_audit_joined

CREATE TRIGGER members_audit_joined AFTER INSERT ON public.members FOR EACH ROW WHEN ((new.workspace_id <> new.user_id)) EXECUTE FUNCTION private.audit_member();

-- TRIGGER public.members members_bound

CREATE TRIGGER members_bound AFTER INSERT ON public.members REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('1000', 'members', 'An owner or admin can remove some in Settings.');

-- TRIGGER public.members members_keep_an_owner

CREATE CONSTRAINT TRIGGER members_keep_an_owner AFTER DELETE OR UPDATE ON public.members NOT DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION private.keep_an_owner();

-- TRIGGER public.members members_keep_personal

CREATE TRIGGER members_keep_personal BEFORE INSERT ON public.members FOR EACH ROW WHEN ((new.workspace_id <> new.user_id)) EXECUTE FUNCTION private.keep_personal();

-- TRIGGER public.members members_note_delete

CREATE TRIGGER members_note_delete AFTER DELETE ON public.members REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.members members_note_insert

CREATE TRIGGER members_note_insert AFTER INSERT ON public.members REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.members members_note_update

CREATE TRIGGER members_note_update AFTER UPDATE ON public.members REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.members members_pass_on_demoted

CREATE TRIGGER members_pass_on_demoted AFTER UPDATE ON public.members FOR EACH ROW WHEN ((new.role <> ALL (ARRAY['owner'::text, 'admin'::text]))) EXECUTE FUNCTION private.pass_on_connections();

-- TRIGGER public.members members_pass_on_gone

CREATE TRIGGER members_pass_on_gone AFTER DELETE ON public.members FOR EACH ROW WHEN ((old.workspace_id <> old.user_id)) EXECUTE FUNCTION private.pass_on_connections();

-- TRIGGER public.members members_remember

CREATE TRIGGER members_remember AFTER DELETE ON public.members FOR EACH ROW WHEN ((old.workspace_id <> old.user_id)) EXECUTE FUNCTION private.remember_member();

-- TRIGGER public.members members_revoke_keys

CREATE TRIGGER members_revoke_keys AFTER DELETE ON public.members FOR EACH ROW WHEN ((old.workspace_id <> old.user_id)) EXECUTE FUNCTION private.revoke_keys_of_leaver();

-- TRIGGER public.model_aliases model_aliases_audit_delete

CREATE TRIGGER model_aliases_audit_delete AFTER DELETE ON public.model_aliases REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{provider_id,name,model_name}', 'workspace_id');

-- TRIGGER public.model_aliases model_aliases_audit_insert

CREATE TRIGGER model_aliases_audit_insert AFTER INSERT ON public.model_aliases REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{provider_id,name,model_name}', 'workspace_id');

-- TRIGGER public.model_aliases model_aliases_audit_update

CREATE TRIGGER model_aliases_audit_update AFTER UPDATE ON public.model_aliases REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{provider_id,name,model_name}', 'workspace_id');

-- TRIGGER public.model_aliases model_aliases_bound

CREATE TRIGGER model_aliases_bound AFTER INSERT ON public.model_aliases REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('2000', 'names for models', 'Take some back on the Prices page.');

-- TRIGGER public.model_aliases model_aliases_note_delete

CREATE TRIGGER model_aliases_note_delete AFTER DELETE ON public.model_aliases REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.model_aliases model_aliases_note_insert

CREATE TRIGGER model_aliases_note_insert AFTER INSERT ON public.model_aliases REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.model_aliases model_aliases_note_update

CREATE TRIGGER model_aliases_note_update AFTER UPDATE ON public.model_aliases REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.model_prices model_prices_audit_delete

CREATE TRIGGER model_prices_audit_delete AFTER DELETE ON public.model_prices REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,model_name,valid_from,input_usd_per_mtok,output_usd_per_mtok,cached_input_usd_per_mtok,cache_write_usd_per_mtok,cache_write_1h_usd_per_mtok,request_usd,replaces_list}', 'workspace_id');

-- TRIGGER public.model_prices model_prices_audit_insert

CREATE TRIGGER model_prices_audit_insert AFTER INSERT ON public.model_prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,model_name,valid_from,input_usd_per_mtok,output_usd_per_mtok,cached_input_usd_per_mtok,cache_write_usd_per_mtok,cache_write_1h_usd_per_mtok,request_usd,replaces_list}', 'workspace_id');

-- TRIGGER public.model_prices model_prices_audit_update

CREATE TRIGGER model_prices_audit_update AFTER UPDATE ON public.model_prices REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,model_name,valid_from,input_usd_per_mtok,output_usd_per_mtok,cached_input_usd_per_mtok,cache_write_usd_per_mtok,cache_write_1h_usd_per_mtok,request_usd,replaces_list}', 'workspace_id');

-- TRIGGER public.model_prices model_prices_bound

CREATE TRIGGER model_prices_bound AFTER INSERT ON public.model_prices REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('2000', 'custom prices', 'Delete those that are no longer used on the Prices page.');

-- TRIGGER public.model_prices model_prices_note_delete

CREATE TRIGGER model_prices_note_delete AFTER DELETE ON public.model_prices REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.model_prices model_prices_note_insert

CREATE TRIGGER model_prices_note_insert AFTER INSERT ON public.model_prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.model_prices model_prices_note_update

CREATE TRIGGER model_prices_note_update AFTER UPDATE ON public.model_prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.model_prices model_prices_touch

CREATE TRIGGER model_prices_touch BEFORE UPDATE ON public.model_prices FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.person_aliases person_aliases_audit_delete

CREATE TRIGGER person_aliases_audit_delete AFTER DELETE ON public.person_aliases REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{value,user_id}', 'workspace_id');

-- TRIGGER public.person_aliases person_aliases_audit_insert

CREATE TRIGGER person_aliases_audit_insert AFTER INSERT ON public.person_aliases REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{value,user_id}', 'workspace_id');

-- TRIGGER public.person_aliases person_aliases_audit_update

CREATE TRIGGER person_aliases_audit_update AFTER UPDATE ON public.person_aliases REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{value,user_id}', 'workspace_id');

-- TRIGGER public.person_aliases person_aliases_note_delete

CREATE TRIGGER person_aliases_note_delete AFTER DELETE ON public.person_aliases REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.person_aliases person_aliases_note_insert

CREATE TRIGGER person_aliases_note_insert AFTER INSERT ON public.person_aliases REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.person_aliases person_aliases_note_update

CREATE TRIGGER person_aliases_note_update AFTER UPDATE ON public.person_aliases REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.price_multipliers price_multipliers_audit_delete

CREATE TRIGGER price_multipliers_audit_delete AFTER DELETE ON public.price_multipliers REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,billing_account,multiplier,valid_from,valid_to,note}', 'workspace_id');

-- TRIGGER public.price_multipliers price_multipliers_audit_insert

CREATE TRIGGER price_multipliers_audit_insert AFTER INSERT ON public.price_multipliers REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,billing_account,multiplier,valid_from,valid_to,note}', 'workspace_id');

-- TRIGGER public.price_multipliers price_multipliers_audit_update

CREATE TRIGGER price_multipliers_audit_update AFTER UPDATE ON public.price_multipliers REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,billing_account,multiplier,valid_from,valid_to,note}', 'workspace_id');

-- TRIGGER public.price_multipliers price_multipliers_bound

CREATE TRIGGER price_multipliers_bound AFTER INSERT ON public.price_multipliers REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('500', 'multipliers', 'Delete those that are no longer used on the Prices page.');

-- TRIGGER public.price_multipliers price_multipliers_note_delete

CREATE TRIGGER price_multipliers_note_delete AFTER DELETE ON public.price_multipliers REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.price_multipliers price_multipliers_note_insert

CREATE TRIGGER price_multipliers_note_insert AFTER INSERT ON public.price_multipliers REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.price_multipliers price_multipliers_note_update

CREATE TRIGGER price_multipliers_note_update AFTER UPDATE ON public.price_multipliers REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.price_multipliers price_multipliers_once

CREATE TRIGGER price_multipliers_once AFTER INSERT OR UPDATE ON public.price_multipliers FOR EACH ROW EXECUTE FUNCTION private.refuse_second_multiplier();

-- TRIGGER public.price_multipliers price_multipliers_touch

CREATE TRIGGER price_multipliers_touch BEFORE UPDATE ON public.price_multipliers FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.project_members project_members_audit_delete

CREATE TRIGGER project_members_audit_delete AFTER DELETE ON public.project_members REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{project_id,user_id}', '{project_id,user_id}', 'workspace_id');

-- TRIGGER public.project_members project_members_audit_insert

CREATE TRIGGER project_members_audit_insert AFTER INSERT ON public.project_members REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{project_id,user_id}', '{project_id,user_id}', 'workspace_id');

-- TRIGGER public.project_members project_members_note_delete

CREATE TRIGGER project_members_note_delete AFTER DELETE ON public.project_members REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.project_members project_members_note_insert

CREATE TRIGGER project_members_note_insert AFTER INSERT ON public.project_members REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.project_members project_members_note_update

CREATE TRIGGER project_members_note_update AFTER UPDATE ON public.project_members REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.project_rules project_rules_audit_delete

CREATE TRIGGER project_rules_audit_delete AFTER DELETE ON public.project_rules REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{position,field,match,value,project_id}', 'workspace_id');

-- TRIGGER public.project_rules project_rules_audit_insert

CREATE TRIGGER project_rules_audit_insert AFTER INSERT ON public.project_rules REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{position,field,match,value,project_id}', 'workspace_id');

-- TRIGGER public.project_rules project_rules_audit_update

CREATE TRIGGER project_rules_audit_update AFTER UPDATE ON public.project_rules REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{position,field,match,value,project_id}', 'workspace_id');

-- TRIGGER public.project_rules project_rules_note_delete

CREATE TRIGGER project_rules_note_delete AFTER DELETE ON public.project_rules REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.project_rules project_rules_note_insert

CREATE TRIGGER project_rules_note_insert AFTER INSERT ON public.project_rules REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.project_rules project_rules_note_update

CREATE TRIGGER project_rules_note_update AFTER UPDATE ON public.project_rules REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.project_rules project_rules_refile_spans

CREATE TRIGGER project_rules_refile_spans AFTER INSERT OR DELETE OR UPDATE ON public.project_rules FOR EACH ROW EXECUTE FUNCTION private.note_refiling();

-- TRIGGER public.projects projects_audit_delete

CREATE TRIGGER projects_audit_delete AFTER DELETE ON public.projects REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,is_private,archived_at}', 'workspace_id');

-- TRIGGER public.projects projects_audit_insert

CREATE TRIGGER projects_audit_insert AFTER INSERT ON public.projects REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,is_private,archived_at}', 'workspace_id');

-- TRIGGER public.projects projects_audit_update

CREATE TRIGGER projects_audit_update AFTER UPDATE ON public.projects REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,is_private,archived_at}', 'workspace_id');

-- TRIGGER public.projects projects_note_delete

CREATE TRIGGER projects_note_delete AFTER DELETE ON public.projects REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.projects projects_note_insert

CREATE TRIGGER projects_note_insert AFTER INSERT ON public.projects REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.projects projects_note_update

CREATE TRIGGER projects_note_update AFTER UPDATE ON public.projects REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.projects projects_refile_spans

CREATE TRIGGER projects_refile_spans AFTER UPDATE ON public.projects FOR EACH ROW WHEN ((old.archived_at IS DISTINCT FROM new.archived_at)) EXECUTE FUNCTION private.note_refiling();

-- TRIGGER public.projects projects_request_forecast

CREATE TRIGGER projects_request_forecast AFTER UPDATE OF archived_at ON public.projects FOR EACH ROW WHEN (((old.archived_at IS NULL) <> (new.archived_at IS NULL))) EXECUTE FUNCTION private.request_one_forecast();

-- TRIGGER public.projects projects_touch

CREATE TRIGGER projects_touch BEFORE UPDATE ON public.projects FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.prompt_deployments prompt_deployments_audit_insert

CREATE TRIGGER prompt_deployments_audit_insert AFTER INSERT ON public.prompt_deployments REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{prompt_id,environment,version_id,share,to_at}', 'workspace_id');

-- TRIGGER public.prompt_deployments prompt_deployments_audit_update

CREATE TRIGGER prompt_deployments_audit_update AFTER UPDATE ON public.prompt_deployments REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{prompt_id,environment,version_id,share,to_at}', 'workspace_id');

-- TRIGGER public.prompt_deployments prompt_deployments_bound

CREATE TRIGGER prompt_deployments_bound AFTER INSERT ON public.prompt_deployments REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('10000', 'deployments of prompts', 'Choose further splits in your program.');

-- TRIGGER public.prompt_deployments prompt_deployments_note_delete

CREATE TRIGGER prompt_deployments_note_delete AFTER DELETE ON public.prompt_deployments REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompt_deployments prompt_deployments_note_insert

CREATE TRIGGER prompt_deployments_note_insert AFTER INSERT ON public.prompt_deployments REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompt_deployments prompt_deployments_note_update

CREATE TRIGGER prompt_deployments_note_update AFTER UPDATE ON public.prompt_deployments REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompt_versions prompt_versions_audit_insert

CREATE TRIGGER prompt_versions_audit_insert AFTER INSERT ON public.prompt_versions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('tally.is_registering'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.audit_rows('{id}', '{prompt_id,number,message,labels}', 'workspace_id');

-- TRIGGER public.prompt_versions prompt_versions_audit_update

CREATE TRIGGER prompt_versions_audit_update AFTER UPDATE ON public.prompt_versions REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('tally.is_registering'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.audit_rows('{id}', '{prompt_id,number,message,labels}', 'workspace_id');

-- TRIGGER public.prompt_versions prompt_versions_bound

CREATE TRIGGER prompt_versions_bound AFTER INSERT ON public.prompt_versions REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('10000', 'versions of prompts', 'Send further ones by name and version with your calls, without their texts.');

-- TRIGGER public.prompt_versions prompt_versions_keep

CREATE TRIGGER prompt_versions_keep BEFORE UPDATE ON public.prompt_versions FOR EACH ROW EXECUTE FUNCTION private.keep_prompt_version();

-- TRIGGER public.prompt_versions prompt_versions_note_delete

CREATE TRIGGER prompt_versions_note_delete AFTER DELETE ON public.prompt_versions REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompt_versions prompt_versions_note_insert

CREATE TRIGGER prompt_versions_note_insert AFTER INSERT ON public.prompt_versions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompt_versions prompt_versions_note_update

CREATE TRIGGER prompt_versions_note_update AFTER UPDATE ON public.prompt_versions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompts prompts_audit_insert

CREATE TRIGGER prompts_audit_insert AFTER INSERT ON public.prompts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('tally.is_registering'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.audit_rows('{id}', '{name,project_id,tags,archived_at}', 'workspace_id');

-- TRIGGER public.prompts prompts_audit_update

CREATE TRIGGER prompts_audit_update AFTER UPDATE ON public.prompts REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('tally.is_registering'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.audit_rows('{id}', '{name,project_id,tags,archived_at}', 'workspace_id');

-- TRIGGER public.prompts prompts_bound

CREATE TRIGGER prompts_bound AFTER INSERT ON public.prompts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('2000', 'prompts', 'Push further versions of those that it has.');

-- TRIGGER public.prompts prompts_note_delete

CREATE TRIGGER prompts_note_delete AFTER DELETE ON public.prompts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompts prompts_note_insert

CREATE TRIGGER prompts_note_insert AFTER INSERT ON public.prompts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompts prompts_note_update

CREATE TRIGGER prompts_note_update AFTER UPDATE ON public.prompts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.prompts prompts_touch

CREATE TRIGGER prompts_touch BEFORE UPDATE ON public.prompts FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.providers providers_keep_used

CREATE TRIGGER providers_keep_used AFTER DELETE ON public.providers REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION private.keep_used_providers();

-- TRIGGER public.providers providers_touch

CREATE TRIGGER providers_touch BEFORE UPDATE ON public.providers FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.subscriptions subscriptions_audit_delete

CREATE TRIGGER subscriptions_audit_delete AFTER DELETE ON public.subscriptions REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,plan_name,amount_usd,started_on,ended_on,renewal_day,interval}', 'workspace_id');

-- TRIGGER public.subscriptions subscriptions_audit_insert

CREATE TRIGGER subscriptions_audit_insert AFTER INSERT ON public.subscriptions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,plan_name,amount_usd,started_on,ended_on,renewal_day,interval}', 'workspace_id');

-- TRIGGER public.subscriptions subscriptions_audit_update

CREATE TRIGGER subscriptions_audit_update AFTER UPDATE ON public.subscriptions REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{user_id,provider_id,plan_name,amount_usd,started_on,ended_on,renewal_day,interval}', 'workspace_id');

-- TRIGGER public.subscriptions subscriptions_bound

CREATE TRIGGER subscriptions_bound AFTER INSERT ON public.subscriptions REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_too_many('200', 'subscriptions', 'Add further payments as entries, or delete a subscription that was never paid.');

-- TRIGGER public.subscriptions subscriptions_follow

CREATE TRIGGER subscriptions_follow AFTER INSERT OR DELETE OR UPDATE ON public.subscriptions FOR EACH ROW EXECUTE FUNCTION private.follow_subscription();

-- TRIGGER public.subscriptions subscriptions_request_forecast_delete

CREATE TRIGGER subscriptions_request_forecast_delete AFTER DELETE ON public.subscriptions REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.request_forecast();

-- TRIGGER public.subscriptions subscriptions_request_forecast_insert

CREATE TRIGGER subscriptions_request_forecast_insert AFTER INSERT ON public.subscriptions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.request_forecast();

-- TRIGGER public.subscriptions subscriptions_request_forecast_update

CREATE TRIGGER subscriptions_request_forecast_update AFTER UPDATE ON public.subscriptions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.request_forecast();

-- TRIGGER public.subscriptions subscriptions_touch

CREATE TRIGGER subscriptions_touch BEFORE UPDATE ON public.subscriptions FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.superseded_records superseded_records_channels_deleted

CREATE TRIGGER superseded_records_channels_deleted AFTER DELETE ON public.superseded_records REFERENCING OLD TABLE AS changed_from FOR EACH STATEMENT EXECUTE FUNCTION private.count_channels();

-- TRIGGER public.superseded_records superseded_records_channels_inserted

CREATE TRIGGER superseded_records_channels_inserted AFTER INSERT ON public.superseded_records REFERENCING NEW TABLE AS changed_to FOR EACH STATEMENT WHEN (((current_setting('tally.has_channels'::text, true) = 'on'::text) OR (current_setting('tally.is_inserting'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION private.count_channels();

-- TRIGGER public.superseded_records superseded_records_channels_updated

CREATE TRIGGER superseded_records_channels_updated AFTER UPDATE ON public.superseded_records REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed_to FOR EACH STATEMENT WHEN ((current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.count_channels();

-- TRIGGER public.superseded_records superseded_records_check_inserted

CREATE TRIGGER superseded_records_check_inserted AFTER INSERT ON public.superseded_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.check_references();

-- TRIGGER public.superseded_records superseded_records_check_updated

CREATE TRIGGER superseded_records_check_updated AFTER UPDATE ON public.superseded_records REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN ((current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.check_references();

-- TRIGGER public.superseded_records superseded_records_note_delete

CREATE TRIGGER superseded_records_note_delete AFTER DELETE ON public.superseded_records REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.superseded_records superseded_records_note_insert

CREATE TRIGGER superseded_records_note_insert AFTER INSERT ON public.superseded_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.superseded_records superseded_records_note_update

CREATE TRIGGER superseded_records_note_update AFTER UPDATE ON public.superseded_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.note_change();

-- TRIGGER public.superseded_records superseded_records_select_inserted

CREATE TRIGGER superseded_records_select_inserted AFTER INSERT ON public.superseded_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (((pg_trigger_depth() = 0) AND (current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION private.select_winners_of_changed();

-- TRIGGER public.superseded_records superseded_records_select_updated

CREATE TRIGGER superseded_records_select_updated AFTER UPDATE ON public.superseded_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (((pg_trigger_depth() = 0) AND (current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION private.select_winners_of_changed();

-- TRIGGER public.superseded_records superseded_records_total_deleted

CREATE TRIGGER superseded_records_total_deleted AFTER DELETE ON public.superseded_records REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.count_statements();

-- TRIGGER public.superseded_records superseded_records_total_inserted

CREATE TRIGGER superseded_records_total_inserted AFTER INSERT ON public.superseded_records REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.count_statements();

-- TRIGGER public.superseded_records superseded_records_touch

CREATE TRIGGER superseded_records_touch BEFORE UPDATE ON public.superseded_records FOR EACH ROW WHEN ((current_setting('tally.is_flagging'::text, true) IS DISTINCT FROM 'on'::text)) EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.user_preferences user_preferences_audit_update

CREATE TRIGGER user_preferences_audit_update AFTER UPDATE ON public.user_preferences REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{user_id}', '{currency}', 'user_id');

-- TRIGGER public.user_preferences user_preferences_check_timezone_insert

CREATE TRIGGER user_preferences_check_timezone_insert BEFORE INSERT ON public.user_preferences FOR EACH ROW WHEN ((new.timezone <> 'UTC'::text)) EXECUTE FUNCTION private.check_timezone();

-- TRIGGER public.user_preferences user_preferences_check_timezone_update

CREATE TRIGGER user_preferences_check_timezone_update BEFORE UPDATE ON public.user_preferences FOR EACH ROW WHEN ((new.timezone IS DISTINCT FROM old.timezone)) EXECUTE FUNCTION private.check_timezone();

-- TRIGGER public.user_preferences user_preferences_follow_timezone

CREATE TRIGGER user_preferences_follow_timezone AFTER INSERT OR DELETE OR UPDATE OF timezone ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION private.follow_timezone();

-- TRIGGER public.user_preferences user_preferences_request_forecast

CREATE TRIGGER user_preferences_request_forecast AFTER UPDATE OF forecast_enabled ON public.user_preferences FOR EACH ROW WHEN ((old.forecast_enabled <> new.forecast_enabled)) EXECUTE FUNCTION private.request_one_forecast();

-- TRIGGER public.user_preferences user_preferences_touch

CREATE TRIGGER user_preferences_touch BEFORE UPDATE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- TRIGGER public.workspaces workspaces_audit_update

CREATE TRIGGER workspaces_audit_update AFTER UPDATE ON public.workspaces REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed FOR EACH STATEMENT WHEN (true) EXECUTE FUNCTION private.audit_rows('{id}', '{name,timezone,currency,person_split,alert_rules,trace_days,content_days,content_words,model_limits}', 'id');

-- TRIGGER public.workspaces workspaces_check_timezone_insert

CREATE TRIGGER workspaces_check_timezone_insert BEFORE INSERT ON public.workspaces FOR EACH ROW WHEN ((new.timezone <> 'UTC'::text)) EXECUTE FUNCTION private.check_timezone();

-- TRIGGER public.workspaces workspaces_check_timezone_update

CREATE TRIGGER workspaces_check_timezone_update BEFORE UPDATE ON public.workspaces FOR EACH ROW WHEN ((new.timezone IS DISTINCT FROM old.timezone)) EXECUTE FUNCTION private.check_timezone();

-- TRIGGER public.workspaces workspaces_delete_records

CREATE TRIGGER workspaces_delete_records AFTER DELETE ON public.workspaces FOR EACH ROW EXECUTE FUNCTION private.delete_records_of_workspace();

-- TRIGGER public.workspaces workspaces_delete_spans

CREATE TRIGGER workspaces_delete_spans AFTER DELETE ON public.workspaces FOR EACH ROW EXECUTE FUNCTION private.delete_spans_of_workspace();

-- TRIGGER public.workspaces workspaces_forget_counts

CREATE TRIGGER workspaces_forget_counts AFTER DELETE ON public.workspaces FOR EACH ROW EXECUTE FUNCTION private.forget_counts();

-- TRIGGER public.workspaces workspaces_forget_forecast_requests

CREATE TRIGGER workspaces_forget_forecast_requests AFTER DELETE ON public.workspaces FOR EACH ROW EXECUTE FUNCTION private.forget_forecast_requests();

-- TRIGGER public.workspaces workspaces_mark_all_days

CREATE TRIGGER workspaces_mark_all_days AFTER UPDATE OF timezone ON public.workspaces FOR EACH ROW WHEN ((old.timezone <> new.timezone)) EXECUTE FUNCTION private.mark_all_days();

-- TRIGGER public.workspaces workspaces_touch

CREATE TRIGGER workspaces_touch BEFORE UPDATE ON public.workspaces FOR EACH ROW EXECUTE FUNCTION private.touch_updated_at();

-- FK CONSTRAINT private.budget_forecasts budget_forecasts_budget_id_fkey

ALTER TABLE ONLY private.budget_forecasts
    ADD CONSTRAINT budget_forecasts_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES public.budgets(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.budget_forecasts budget_forecasts_workspace_id_fkey

ALTER TABLE ONLY private.budget_forecasts
    ADD CONSTRAINT budget_forecasts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.digests digests_member

ALTER TABLE ONLY private.digests
    ADD CONSTRAINT digests_member FOREIGN KEY (user_id, workspace_id) REFERENCES public.members(user_id, workspace_id) ON DELETE CASCADE;

-- FK CONSTRAINT private.divided_workspaces divided_workspaces_workspace_id_fkey

ALTER TABLE ONLY private.divided_workspaces
    ADD CONSTRAINT divided_workspaces_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.former_members former_members_user_id_fkey

ALTER TABLE ONLY private.former_members
    ADD CONSTRAINT former_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.former_members former_members_workspace_id_fkey

ALTER TABLE ONLY private.former_members
    ADD CONSTRAINT former_members_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.installation installation_owner_id_fkey

ALTER TABLE ONLY private.installation
    ADD CONSTRAINT installation_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES auth.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT private.prompt_registrations prompt_registrations_workspace_id_fkey

ALTER TABLE ONLY private.prompt_registrations
    ADD CONSTRAINT prompt_registrations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.saved_views saved_views_of_members

ALTER TABLE ONLY private.saved_views
    ADD CONSTRAINT saved_views_of_members FOREIGN KEY (user_id, workspace_id) REFERENCES public.members(user_id, workspace_id) ON DELETE CASCADE;

-- FK CONSTRAINT private.sent_invitations sent_invitations_invited_by_fkey

ALTER TABLE ONLY private.sent_invitations
    ADD CONSTRAINT sent_invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.sent_tests sent_tests_workspace_id_fkey

ALTER TABLE ONLY private.sent_tests
    ADD CONSTRAINT sent_tests_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.span_contents span_contents_workspace_id_trace_id_fkey

ALTER TABLE ONLY private.span_contents
    ADD CONSTRAINT span_contents_workspace_id_trace_id_fkey FOREIGN KEY (workspace_id, trace_id) REFERENCES public.traces(workspace_id, trace_id) ON DELETE CASCADE;

-- FK CONSTRAINT private.span_counts span_counts_workspace_id_fkey

ALTER TABLE ONLY private.span_counts
    ADD CONSTRAINT span_counts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.telemetry_calls telemetry_calls_workspace_id_fkey

ALTER TABLE ONLY private.telemetry_calls
    ADD CONSTRAINT telemetry_calls_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.telemetry_links telemetry_links_workspace_id_fkey

ALTER TABLE ONLY private.telemetry_links
    ADD CONSTRAINT telemetry_links_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.unsubscribing unsubscribing_user_id_fkey

ALTER TABLE ONLY private.unsubscribing
    ADD CONSTRAINT unsubscribing_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT private.workspace_changes workspace_changes_workspace_id_fkey

ALTER TABLE ONLY private.workspace_changes
    ADD CONSTRAINT workspace_changes_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.advice advice_decided_by_fkey

ALTER TABLE ONLY public.advice
    ADD CONSTRAINT advice_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES auth.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT public.advice advice_project

ALTER TABLE ONLY public.advice
    ADD CONSTRAINT advice_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.advice advice_workspace_id_fkey

ALTER TABLE ONLY public.advice
    ADD CONSTRAINT advice_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.alert_events alert_events_project

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id);

-- FK CONSTRAINT public.alert_events alert_events_workspace_id_fkey

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.anomalies anomalies_provider_id_fkey

ALTER TABLE ONLY public.anomalies
    ADD CONSTRAINT anomalies_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.anomalies anomalies_workspace_id_fkey

ALTER TABLE ONLY public.anomalies
    ADD CONSTRAINT anomalies_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.api_credentials api_credentials_provider_id_fkey

ALTER TABLE ONLY public.api_credentials
    ADD CONSTRAINT api_credentials_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.api_credentials api_credentials_user_id_fkey

ALTER TABLE ONLY public.api_credentials
    ADD CONSTRAINT api_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.api_credentials api_credentials_workspace_id_fkey

ALTER TABLE ONLY public.api_credentials
    ADD CONSTRAINT api_credentials_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.api_keys api_keys_project

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.api_keys api_keys_successor

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_successor FOREIGN KEY (workspace_id, successor_id) REFERENCES public.api_keys(workspace_id, id) ON DELETE SET NULL (successor_id) DEFERRABLE INITIALLY DEFERRED;

-- FK CONSTRAINT public.api_keys api_keys_user_id_fkey

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.api_keys api_keys_workspace_id_fkey

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.audit_logs audit_logs_workspace_id_fkey

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.billing_accounts billing_accounts_workspace_id_fkey

ALTER TABLE ONLY public.billing_accounts
    ADD CONSTRAINT billing_accounts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.budget_channels budget_channels_budget

ALTER TABLE ONLY public.budget_channels
    ADD CONSTRAINT budget_channels_budget FOREIGN KEY (workspace_id, budget_id) REFERENCES public.budgets(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.budget_channels budget_channels_channel

ALTER TABLE ONLY public.budget_channels
    ADD CONSTRAINT budget_channels_channel FOREIGN KEY (workspace_id, channel_id) REFERENCES public.channels(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.budget_thresholds budget_thresholds_budget

ALTER TABLE ONLY public.budget_thresholds
    ADD CONSTRAINT budget_thresholds_budget FOREIGN KEY (workspace_id, budget_id) REFERENCES public.budgets(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.budgets budgets_created_by_fkey

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT public.budgets budgets_member

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_member FOREIGN KEY (user_id, workspace_id) REFERENCES public.members(user_id, workspace_id) ON DELETE CASCADE;

-- FK CONSTRAINT public.budgets budgets_project

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.budgets budgets_provider_id_fkey

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.budgets budgets_workspace_id_fkey

ALTER TABLE ONLY public.budgets
    ADD CONSTRAINT budgets_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.channels channels_created_by_fkey

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT public.channels channels_workspace_id_fkey

ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.custom_models custom_models_provider_id_fkey

ALTER TABLE ONLY public.custom_models
    ADD CONSTRAINT custom_models_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.custom_models custom_models_workspace_id_fkey

ALTER TABLE ONLY public.custom_models
    ADD CONSTRAINT custom_models_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.deliveries deliveries_channel

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_channel FOREIGN KEY (workspace_id, channel_id) REFERENCES public.channels(workspace_id, id) ON DELETE SET NULL (channel_id);

-- FK CONSTRAINT public.deliveries deliveries_event

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_event FOREIGN KEY (workspace_id, event_id) REFERENCES public.alert_events(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.deliveries deliveries_sent_in_fkey

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_sent_in_fkey FOREIGN KEY (sent_in) REFERENCES public.deliveries(id) ON DELETE SET NULL;

-- FK CONSTRAINT public.deliveries deliveries_workspace_id_fkey

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.delivery_attempts delivery_attempts_delivery

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_delivery FOREIGN KEY (workspace_id, delivery_id) REFERENCES public.deliveries(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.delivery_attempts delivery_attempts_workspace_id_fkey

ALTER TABLE ONLY public.delivery_attempts
    ADD CONSTRAINT delivery_attempts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.forecast_results forecast_results_project

ALTER TABLE ONLY public.forecast_results
    ADD CONSTRAINT forecast_results_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id);

-- FK CONSTRAINT public.forecast_results forecast_results_provider_id_fkey

ALTER TABLE ONLY public.forecast_results
    ADD CONSTRAINT forecast_results_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.forecast_results forecast_results_workspace_id_fkey

ALTER TABLE ONLY public.forecast_results
    ADD CONSTRAINT forecast_results_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.forecast_totals forecast_totals_project

ALTER TABLE ONLY public.forecast_totals
    ADD CONSTRAINT forecast_totals_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id);

-- FK CONSTRAINT public.forecast_totals forecast_totals_provider_id_fkey

ALTER TABLE ONLY public.forecast_totals
    ADD CONSTRAINT forecast_totals_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.forecast_totals forecast_totals_workspace_id_fkey

ALTER TABLE ONLY public.forecast_totals
    ADD CONSTRAINT forecast_totals_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.imports imports_api_key_of_workspace

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_api_key_of_workspace FOREIGN KEY (workspace_id, api_key_id) REFERENCES public.api_keys(workspace_id, id) ON DELETE SET NULL (api_key_id);

-- FK CONSTRAINT public.imports imports_credential_of_workspace

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_credential_of_workspace FOREIGN KEY (workspace_id, credential_id) REFERENCES public.api_credentials(workspace_id, id) ON DELETE SET NULL (credential_id);

-- FK CONSTRAINT public.imports imports_user_id_fkey

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.imports imports_workspace_id_fkey

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.invitations invitations_invited_by_fkey

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES auth.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT public.invitations invitations_workspace_id_fkey

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.job_runs job_runs_workspace_id_fkey

ALTER TABLE ONLY public.job_runs
    ADD CONSTRAINT job_runs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.members members_user_id_fkey

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.members members_workspace_id_fkey

ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.model_aliases model_aliases_provider_id_fkey

ALTER TABLE ONLY public.model_aliases
    ADD CONSTRAINT model_aliases_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.model_aliases model_aliases_workspace_id_fkey

ALTER TABLE ONLY public.model_aliases
    ADD CONSTRAINT model_aliases_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.model_prices model_prices_provider_id_fkey

ALTER TABLE ONLY public.model_prices
    ADD CONSTRAINT model_prices_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.model_prices model_prices_user_id_fkey

ALTER TABLE ONLY public.model_prices
    ADD CONSTRAINT model_prices_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.model_prices model_prices_workspace_id_fkey

ALTER TABLE ONLY public.model_prices
    ADD CONSTRAINT model_prices_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.person_aliases person_aliases_user_id_fkey

ALTER TABLE ONLY public.person_aliases
    ADD CONSTRAINT person_aliases_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.person_aliases person_aliases_workspace_id_fkey

ALTER TABLE ONLY public.person_aliases
    ADD CONSTRAINT person_aliases_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.price_multipliers price_multipliers_provider_id_fkey

ALTER TABLE ONLY public.price_multipliers
    ADD CONSTRAINT price_multipliers_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.price_multipliers price_multipliers_user_id_fkey

ALTER TABLE ONLY public.price_multipliers
    ADD CONSTRAINT price_multipliers_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.price_multipliers price_multipliers_workspace_id_fkey

ALTER TABLE ONLY public.price_multipliers
    ADD CONSTRAINT price_multipliers_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.project_members project_members_member

ALTER TABLE ONLY public.project_members
    ADD CONSTRAINT project_members_member FOREIGN KEY (user_id, workspace_id) REFERENCES public.members(user_id, workspace_id) ON DELETE CASCADE;

-- FK CONSTRAINT public.project_members project_members_project

ALTER TABLE ONLY public.project_members
    ADD CONSTRAINT project_members_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.project_rules project_rules_project

ALTER TABLE ONLY public.project_rules
    ADD CONSTRAINT project_rules_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.project_rules project_rules_workspace_id_fkey

ALTER TABLE ONLY public.project_rules
    ADD CONSTRAINT project_rules_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.projects projects_workspace_id_fkey

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.prompt_deployments prompt_deployments_deployed_by_fkey

ALTER TABLE ONLY public.prompt_deployments
    ADD CONSTRAINT prompt_deployments_deployed_by_fkey FOREIGN KEY (deployed_by) REFERENCES auth.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT public.prompt_deployments prompt_deployments_version

ALTER TABLE ONLY public.prompt_deployments
    ADD CONSTRAINT prompt_deployments_version FOREIGN KEY (workspace_id, prompt_id, version_id) REFERENCES public.prompt_versions(workspace_id, prompt_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.prompt_versions prompt_versions_author_id_fkey

ALTER TABLE ONLY public.prompt_versions
    ADD CONSTRAINT prompt_versions_author_id_fkey FOREIGN KEY (author_id) REFERENCES auth.users(id) ON DELETE SET NULL;

-- FK CONSTRAINT public.prompt_versions prompt_versions_prompt

ALTER TABLE ONLY public.prompt_versions
    ADD CONSTRAINT prompt_versions_prompt FOREIGN KEY (workspace_id, prompt_id) REFERENCES public.prompts(workspace_id, id) ON DELETE CASCADE;

-- FK CONSTRAINT public.prompts prompts_project

ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_project FOREIGN KEY (workspace_id, project_id) REFERENCES public.projects(workspace_id, id) ON DELETE SET NULL (project_id);

-- FK CONSTRAINT public.prompts prompts_workspace_id_fkey

ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.subscriptions subscriptions_provider_id_fkey

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id);

-- FK CONSTRAINT public.subscriptions subscriptions_user_id_fkey

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.subscriptions subscriptions_workspace_id_fkey

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.traces traces_workspace_id_fkey

ALTER TABLE ONLY public.traces
    ADD CONSTRAINT traces_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.user_preferences user_preferences_user_id_fkey

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- FK CONSTRAINT public.workspaces workspaces_personal_user_id_fkey

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_personal_user_id_fkey FOREIGN KEY (personal_user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- ROW SECURITY private.archived_months

ALTER TABLE private.archived_months ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.budget_forecasts

ALTER TABLE private.budget_forecasts ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.day_parts

ALTER TABLE private.day_parts ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.digests

ALTER TABLE private.digests ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.divided_workspaces

ALTER TABLE private.divided_workspaces ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.event_aliases

ALTER TABLE private.event_aliases ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.folded_days

ALTER TABLE private.folded_days ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.forecast_requests

ALTER TABLE private.forecast_requests ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.former_members

ALTER TABLE private.former_members ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.installation

ALTER TABLE private.installation ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.known_prices

ALTER TABLE private.known_prices ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.overridden_days

ALTER TABLE private.overridden_days ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.prompt_registrations

ALTER TABLE private.prompt_registrations ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.record_counts

ALTER TABLE private.record_counts ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.refreshes

ALTER TABLE private.refreshes ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.saved_views

ALTER TABLE private.saved_views ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.sent_invitations

ALTER TABLE private.sent_invitations ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.sent_tests

ALTER TABLE private.sent_tests ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.session_channels

ALTER TABLE private.session_channels ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.span_contents

ALTER TABLE private.span_contents ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.span_counts

ALTER TABLE private.span_counts ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.stale_days

ALTER TABLE private.stale_days ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.telemetry_calls

ALTER TABLE private.telemetry_calls ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.telemetry_links

ALTER TABLE private.telemetry_links ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.unsubscribing

ALTER TABLE private.unsubscribing ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.worker_seen

ALTER TABLE private.worker_seen ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY private.workspace_changes

ALTER TABLE private.workspace_changes ENABLE ROW LEVEL SECURITY;

-- ROW SECURITY public.advice

ALTER TABLE public.advice ENABLE ROW LEVEL SECURITY;

-- POLICY public.advice advice_select_member

CREATE POLICY advice_select_member ON public.advice FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_totals() AS workspaces_showing_totals))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects)))) AND ((person_id IS NULL) OR (person_id = ( SELECT auth.uid() AS uid)) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))))));

-- ROW SECURITY public.alert_events

ALTER TABLE public.alert_events ENABLE ROW LEVEL SECURITY;

-- POLICY public.alert_events alert_events_select_member

CREATE POLICY alert_events_select_member ON public.alert_events FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_totals() AS workspaces_showing_totals))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects)))) AND ((person_id IS NULL) OR (person_id = ( SELECT auth.uid() AS uid)) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))))));

-- ROW SECURITY public.anomalies

ALTER TABLE public.anomalies ENABLE ROW LEVEL SECURITY;

-- POLICY public.anomalies anomalies_mute_member

CREATE POLICY anomalies_mute_member ON public.anomalies FOR UPDATE TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND (workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_totals() AS workspaces_showing_totals))))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))));

-- POLICY public.anomalies anomalies_select_member

CREATE POLICY anomalies_select_member ON public.anomalies FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_totals() AS workspaces_showing_totals))));

-- ROW SECURITY public.api_credentials

ALTER TABLE public.api_credentials ENABLE ROW LEVEL SECURITY;

-- POLICY public.api_credentials api_credentials_delete_admin

CREATE POLICY api_credentials_delete_admin ON public.api_credentials FOR DELETE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.api_credentials api_credentials_insert_admin

CREATE POLICY api_credentials_insert_admin ON public.api_credentials FOR INSERT TO authenticated WITH CHECK (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))) AND (user_id = ( SELECT auth.uid() AS uid))));

-- POLICY public.api_credentials api_credentials_select_admin

CREATE POLICY api_credentials_select_admin ON public.api_credentials FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.api_credentials api_credentials_update_admin

CREATE POLICY api_credentials_update_admin ON public.api_credentials FOR UPDATE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.api_keys

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

-- POLICY public.api_keys api_keys_select_own

CREATE POLICY api_keys_select_own ON public.api_keys FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))) OR ((user_id = ( SELECT auth.uid() AS uid)) AND (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))))));

-- ROW SECURITY public.audit_logs

ALTER TABLE public.audit_logs ENABLE ROW LEVEL SECURITY;

-- POLICY public.audit_logs audit_logs_select_admin

CREATE POLICY audit_logs_select_admin ON public.audit_logs FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.billing_accounts

ALTER TABLE public.billing_accounts ENABLE ROW LEVEL SECURITY;

-- POLICY public.billing_accounts billing_accounts_select_member

CREATE POLICY billing_accounts_select_member ON public.billing_accounts FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))));

-- ROW SECURITY public.budget_channels

ALTER TABLE public.budget_channels ENABLE ROW LEVEL SECURITY;

-- POLICY public.budget_channels budget_channels_delete_admin

CREATE POLICY budget_channels_delete_admin ON public.budget_channels FOR DELETE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.budget_channels budget_channels_insert_admin

CREATE POLICY budget_channels_insert_admin ON public.budget_channels FOR INSERT TO authenticated WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.budget_channels budget_channels_select_visible

CREATE POLICY budget_channels_select_visible ON public.budget_channels FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND (budget_id = ANY (ARRAY( SELECT b.id
   FROM public.budgets b)))));

-- POLICY public.budget_channels budget_channels_update_admin

CREATE POLICY budget_channels_update_admin ON public.budget_channels FOR UPDATE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.budget_thresholds

ALTER TABLE public.budget_thresholds ENABLE ROW LEVEL SECURITY;

-- POLICY public.budget_thresholds budget_thresholds_delete_admin

CREATE POLICY budget_thresholds_delete_admin ON public.budget_thresholds FOR DELETE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.budget_thresholds budget_thresholds_insert_admin

CREATE POLICY budget_thresholds_insert_admin ON public.budget_thresholds FOR INSERT TO authenticated WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.budget_thresholds budget_thresholds_select_visible

CREATE POLICY budget_thresholds_select_visible ON public.budget_thresholds FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND (budget_id = ANY (ARRAY( SELECT b.id
   FROM public.budgets b)))));

-- POLICY public.budget_thresholds budget_thresholds_update_admin

CREATE POLICY budget_thresholds_update_admin ON public.budget_thresholds FOR UPDATE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.budgets

ALTER TABLE public.budgets ENABLE ROW LEVEL SECURITY;

-- POLICY public.budgets budgets_delete_admin

CREATE POLICY budgets_delete_admin ON public.budgets FOR DELETE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.budgets budgets_insert_admin

CREATE POLICY budgets_insert_admin ON public.budgets FOR INSERT TO authenticated WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.budgets budgets_select_visible

CREATE POLICY budgets_select_visible ON public.budgets FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR ((user_id IS NULL) AND (workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_totals() AS workspaces_showing_totals)))) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects))))));

-- POLICY public.budgets budgets_update_admin

CREATE POLICY budgets_update_admin ON public.budgets FOR UPDATE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.channels

ALTER TABLE public.channels ENABLE ROW LEVEL SECURITY;

-- POLICY public.channels channels_select_member

CREATE POLICY channels_select_member ON public.channels FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))));

-- ROW SECURITY public.cost_records

ALTER TABLE public.cost_records ENABLE ROW LEVEL SECURITY;

-- POLICY public.cost_records cost_records_delete_member

CREATE POLICY cost_records_delete_member ON public.cost_records FOR DELETE TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND (((import_id IS NULL) AND (user_id = ( SELECT auth.uid() AS uid))) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))) OR (import_id = ANY (ARRAY( SELECT private.own_sources() AS own_sources))))));

-- POLICY public.cost_records cost_records_insert_member

CREATE POLICY cost_records_insert_member ON public.cost_records FOR INSERT TO authenticated WITH CHECK (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND (user_id = ( SELECT auth.uid() AS uid)) AND ((import_id IS NULL) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))) OR (import_id = ANY (ARRAY( SELECT private.own_sources() AS own_sources))))));

-- POLICY public.cost_records cost_records_select_member

CREATE POLICY cost_records_select_member ON public.cost_records FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR ((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_people() AS workspaces_showing_people))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects))))))));

-- POLICY public.cost_records cost_records_update_member

CREATE POLICY cost_records_update_member ON public.cost_records FOR UPDATE TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND (((import_id IS NULL) AND (user_id = ( SELECT auth.uid() AS uid))) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))) OR (import_id = ANY (ARRAY( SELECT private.own_sources() AS own_sources)))))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))));

-- ROW SECURITY public.custom_models

ALTER TABLE public.custom_models ENABLE ROW LEVEL SECURITY;

-- POLICY public.custom_models custom_models_delete_admin

CREATE POLICY custom_models_delete_admin ON public.custom_models FOR DELETE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.custom_models custom_models_insert_admin

CREATE POLICY custom_models_insert_admin ON public.custom_models FOR INSERT TO authenticated WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.custom_models custom_models_select_member

CREATE POLICY custom_models_select_member ON public.custom_models FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))));

-- POLICY public.custom_models custom_models_update_admin

CREATE POLICY custom_models_update_admin ON public.custom_models FOR UPDATE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.deliveries

ALTER TABLE public.deliveries ENABLE ROW LEVEL SECURITY;

-- POLICY public.deliveries deliveries_select_admin

CREATE POLICY deliveries_select_admin ON public.deliveries FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.delivery_attempts

ALTER TABLE public.delivery_attempts ENABLE ROW LEVEL SECURITY;

-- POLICY public.delivery_attempts delivery_attempts_select_admin

CREATE POLICY delivery_attempts_select_admin ON public.delivery_attempts FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.exchange_rates

ALTER TABLE public.exchange_rates ENABLE ROW LEVEL SECURITY;

-- POLICY public.exchange_rates exchange_rates_select_signed_in

CREATE POLICY exchange_rates_select_signed_in ON public.exchange_rates FOR SELECT TO authenticated USING ((( SELECT auth.uid() AS uid) IS NOT NULL));

-- ROW SECURITY public.forecast_results

ALTER TABLE public.forecast_results ENABLE ROW LEVEL SECURITY;

-- POLICY public.forecast_results forecast_results_select_member

CREATE POLICY forecast_results_select_member ON public.forecast_results FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_totals() AS workspaces_showing_totals))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects))))));

-- ROW SECURITY public.forecast_totals

ALTER TABLE public.forecast_totals ENABLE ROW LEVEL SECURITY;

-- POLICY public.forecast_totals forecast_totals_select_member

CREATE POLICY forecast_totals_select_member ON public.forecast_totals FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_totals() AS workspaces_showing_totals))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects))))));

-- ROW SECURITY public.imports

ALTER TABLE public.imports ENABLE ROW LEVEL SECURITY;

-- POLICY public.imports imports_delete_member

CREATE POLICY imports_delete_member ON public.imports FOR DELETE TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND (((credential_id IS NULL) AND (user_id = ( SELECT auth.uid() AS uid))) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))))));

-- POLICY public.imports imports_insert_member

CREATE POLICY imports_insert_member ON public.imports FOR INSERT TO authenticated WITH CHECK (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND (user_id = ( SELECT auth.uid() AS uid)) AND ((credential_id IS NULL) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))))));

-- POLICY public.imports imports_select_member

CREATE POLICY imports_select_member ON public.imports FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_people() AS workspaces_showing_people))))));

-- POLICY public.imports imports_update_member

CREATE POLICY imports_update_member ON public.imports FOR UPDATE TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND (((credential_id IS NULL) AND (user_id = ( SELECT auth.uid() AS uid))) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))));

-- ROW SECURITY public.invitations

ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY;

-- POLICY public.invitations invitations_select_admin

CREATE POLICY invitations_select_admin ON public.invitations FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.job_runs

ALTER TABLE public.job_runs ENABLE ROW LEVEL SECURITY;

-- POLICY public.job_runs job_runs_select_admin

CREATE POLICY job_runs_select_admin ON public.job_runs FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.members

ALTER TABLE public.members ENABLE ROW LEVEL SECURITY;

-- POLICY public.members members_select_member

CREATE POLICY members_select_member ON public.members FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))));

-- ROW SECURITY public.model_aliases

ALTER TABLE public.model_aliases ENABLE ROW LEVEL SECURITY;

-- POLICY public.model_aliases model_aliases_select_member

CREATE POLICY model_aliases_select_member ON public.model_aliases FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))));

-- ROW SECURITY public.model_prices

ALTER TABLE public.model_prices ENABLE ROW LEVEL SECURITY;

-- POLICY public.model_prices model_prices_delete_admin

CREATE POLICY model_prices_delete_admin ON public.model_prices FOR DELETE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.model_prices model_prices_insert_admin

CREATE POLICY model_prices_insert_admin ON public.model_prices FOR INSERT TO authenticated WITH CHECK (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))) AND (user_id = ( SELECT auth.uid() AS uid))));

-- POLICY public.model_prices model_prices_select_member

CREATE POLICY model_prices_select_member ON public.model_prices FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))));

-- POLICY public.model_prices model_prices_update_admin

CREATE POLICY model_prices_update_admin ON public.model_prices FOR UPDATE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.person_aliases

ALTER TABLE public.person_aliases ENABLE ROW LEVEL SECURITY;

-- POLICY public.person_aliases person_aliases_select_admin

CREATE POLICY person_aliases_select_admin ON public.person_aliases FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.price_multipliers

ALTER TABLE public.price_multipliers ENABLE ROW LEVEL SECURITY;

-- POLICY public.price_multipliers price_multipliers_delete_admin

CREATE POLICY price_multipliers_delete_admin ON public.price_multipliers FOR DELETE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- POLICY public.price_multipliers price_multipliers_insert_admin

CREATE POLICY price_multipliers_insert_admin ON public.price_multipliers FOR INSERT TO authenticated WITH CHECK (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))) AND (user_id = ( SELECT auth.uid() AS uid))));

-- POLICY public.price_multipliers price_multipliers_select_member

CREATE POLICY price_multipliers_select_member ON public.price_multipliers FOR SELECT TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))));

-- POLICY public.price_multipliers price_multipliers_update_admin

CREATE POLICY price_multipliers_update_admin ON public.price_multipliers FOR UPDATE TO authenticated USING ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))));

-- ROW SECURITY public.project_members

ALTER TABLE public.project_members ENABLE ROW LEVEL SECURITY;

-- POLICY public.project_members project_members_select_visible

CREATE POLICY project_members_select_visible ON public.project_members FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects)))));

-- ROW SECURITY public.project_rules

ALTER TABLE public.project_rules ENABLE ROW LEVEL SECURITY;

-- POLICY public.project_rules project_rules_select_visible

CREATE POLICY project_rules_select_visible ON public.project_rules FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects)))));

-- ROW SECURITY public.projects

ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;

-- POLICY public.projects projects_select_visible

CREATE POLICY projects_select_visible ON public.projects FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND (id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects)))));

-- ROW SECURITY public.prompt_deployments

ALTER TABLE public.prompt_deployments ENABLE ROW LEVEL SECURITY;

-- POLICY public.prompt_deployments prompt_deployments_select_visible

CREATE POLICY prompt_deployments_select_visible ON public.prompt_deployments FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND (prompt_id = ANY (ARRAY( SELECT p.id
   FROM public.prompts p)))));

-- ROW SECURITY public.prompt_versions

ALTER TABLE public.prompt_versions ENABLE ROW LEVEL SECURITY;

-- POLICY public.prompt_versions prompt_versions_select_visible

CREATE POLICY prompt_versions_select_visible ON public.prompt_versions FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND (prompt_id = ANY (ARRAY( SELECT p.id
   FROM public.prompts p)))));

-- ROW SECURITY public.prompts

ALTER TABLE public.prompts ENABLE ROW LEVEL SECURITY;

-- POLICY public.prompts prompts_select_visible

CREATE POLICY prompts_select_visible ON public.prompts FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects))))));

-- ROW SECURITY public.providers

ALTER TABLE public.providers ENABLE ROW LEVEL SECURITY;

-- POLICY public.providers providers_select_signed_in

CREATE POLICY providers_select_signed_in ON public.providers FOR SELECT TO authenticated USING ((( SELECT auth.uid() AS uid) IS NOT NULL));

-- ROW SECURITY public.spans

ALTER TABLE public.spans ENABLE ROW LEVEL SECURITY;

-- POLICY public.spans spans_select_member

CREATE POLICY spans_select_member ON public.spans FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR ((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_people() AS workspaces_showing_people))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects))))))));

-- ROW SECURITY public.subscriptions

ALTER TABLE public.subscriptions ENABLE ROW LEVEL SECURITY;

-- POLICY public.subscriptions subscriptions_delete_member

CREATE POLICY subscriptions_delete_member ON public.subscriptions FOR DELETE TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as))))));

-- POLICY public.subscriptions subscriptions_insert_member

CREATE POLICY subscriptions_insert_member ON public.subscriptions FOR INSERT TO authenticated WITH CHECK (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND (user_id = ( SELECT auth.uid() AS uid))));

-- POLICY public.subscriptions subscriptions_select_member

CREATE POLICY subscriptions_select_member ON public.subscriptions FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR ((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_people() AS workspaces_showing_people))) AND (id <> ALL (ARRAY( SELECT private.hidden_subscriptions() AS hidden_subscriptions)))))));

-- POLICY public.subscriptions subscriptions_update_member

CREATE POLICY subscriptions_update_member ON public.subscriptions FOR UPDATE TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR (workspace_id = ANY (ARRAY( SELECT private.workspaces_as('admin'::text) AS workspaces_as)))))) WITH CHECK ((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('member'::text) AS workspaces_as))));

-- ROW SECURITY public.superseded_records

ALTER TABLE public.superseded_records ENABLE ROW LEVEL SECURITY;

-- POLICY public.superseded_records superseded_records_select_member

CREATE POLICY superseded_records_select_member ON public.superseded_records FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR ((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_people() AS workspaces_showing_people))) AND ((project_id IS NULL) OR (project_id <> ALL (ARRAY( SELECT private.hidden_projects() AS hidden_projects))))))));

-- ROW SECURITY public.traces

ALTER TABLE public.traces ENABLE ROW LEVEL SECURITY;

-- POLICY public.traces traces_select_member

CREATE POLICY traces_select_member ON public.traces FOR SELECT TO authenticated USING (((workspace_id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))) AND ((user_id = ( SELECT auth.uid() AS uid)) OR ((workspace_id = ANY (ARRAY( SELECT private.workspaces_showing_people() AS workspaces_showing_people))) AND (NOT (project_ids && ARRAY( SELECT private.hidden_projects() AS hidden_projects)))))));

-- ROW SECURITY public.user_preferences

ALTER TABLE public.user_preferences ENABLE ROW LEVEL SECURITY;

-- POLICY public.user_preferences user_preferences_delete_own

CREATE POLICY user_preferences_delete_own ON public.user_preferences FOR DELETE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

-- POLICY public.user_preferences user_preferences_insert_own

CREATE POLICY user_preferences_insert_own ON public.user_preferences FOR INSERT TO authenticated WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

-- POLICY public.user_preferences user_preferences_select_own

CREATE POLICY user_preferences_select_own ON public.user_preferences FOR SELECT TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid)));

-- POLICY public.user_preferences user_preferences_update_own

CREATE POLICY user_preferences_update_own ON public.user_preferences FOR UPDATE TO authenticated USING ((user_id = ( SELECT auth.uid() AS uid))) WITH CHECK ((user_id = ( SELECT auth.uid() AS uid)));

-- ROW SECURITY public.workspaces

ALTER TABLE public.workspaces ENABLE ROW LEVEL SECURITY;

-- POLICY public.workspaces workspaces_select_member

CREATE POLICY workspaces_select_member ON public.workspaces FOR SELECT TO authenticated USING ((id = ANY (ARRAY( SELECT private.workspaces_as('viewer'::text) AS workspaces_as))));

GRANT USAGE ON SCHEMA private TO supabase_auth_admin;
GRANT USAGE ON SCHEMA private TO tally_api;

GRANT USAGE ON SCHEMA public TO anon;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO service_role;
GRANT ALL ON SCHEMA public TO postgres;

REVOKE ALL ON TYPE private.account_group FROM PUBLIC;

REVOKE ALL ON TYPE private.daily_question FROM PUBLIC;

REVOKE ALL ON TYPE private.daily_row FROM PUBLIC;

REVOKE ALL ON TYPE private.exploration FROM PUBLIC;

REVOKE ALL ON TYPE private.explored_cell FROM PUBLIC;

REVOKE ALL ON TYPE private.traits FROM PUBLIC;

REVOKE ALL ON TYPE private.filing_move FROM PUBLIC;

REVOKE ALL ON TYPE private.incoming_columns FROM PUBLIC;

REVOKE ALL ON TYPE private.incoming_kind FROM PUBLIC;

REVOKE ALL ON TYPE private.incoming_record FROM PUBLIC;

REVOKE ALL ON TYPE private.incoming_span FROM PUBLIC;

REVOKE ALL ON TYPE private.price_change FROM PUBLIC;

REVOKE ALL ON TYPE private.written_record FROM PUBLIC;

GRANT SELECT ON TABLE public.project_rules TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.project_rules TO service_role;

REVOKE ALL ON FUNCTION private.active_rules(tenant uuid, restored uuid) FROM PUBLIC;

GRANT SELECT(id) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(id) ON TABLE public.api_keys TO service_role;

GRANT SELECT(workspace_id) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(workspace_id) ON TABLE public.api_keys TO service_role;

GRANT SELECT(project_id) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(project_id) ON TABLE public.api_keys TO service_role;

GRANT SELECT(user_id) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(user_id) ON TABLE public.api_keys TO service_role;

GRANT SELECT(name) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(name) ON TABLE public.api_keys TO service_role;

GRANT SELECT(prefix) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(prefix) ON TABLE public.api_keys TO service_role;

GRANT SELECT(last_four) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(last_four) ON TABLE public.api_keys TO service_role;

GRANT SELECT(scopes) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(scopes) ON TABLE public.api_keys TO service_role;

GRANT SELECT(requests_per_minute) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(requests_per_minute) ON TABLE public.api_keys TO service_role;

GRANT SELECT(tokens_per_minute) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(tokens_per_minute) ON TABLE public.api_keys TO service_role;

GRANT SELECT(expires_at) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(expires_at) ON TABLE public.api_keys TO service_role;

GRANT SELECT(last_used_at) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(last_used_at) ON TABLE public.api_keys TO service_role;

GRANT SELECT(revoked_at) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(revoked_at) ON TABLE public.api_keys TO service_role;

GRANT SELECT(successor_id) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(successor_id) ON TABLE public.api_keys TO service_role;

GRANT SELECT(metadata) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(metadata) ON TABLE public.api_keys TO service_role;

GRANT SELECT(created_at) ON TABLE public.api_keys TO authenticated;
GRANT SELECT(created_at) ON TABLE public.api_keys TO service_role;

REVOKE ALL ON FUNCTION private.add_api_key(wanted public.api_keys) FROM PUBLIC;

GRANT SELECT,DELETE ON TABLE public.subscriptions TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.subscriptions TO service_role;

GRANT INSERT(id) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(user_id) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(provider_id),UPDATE(provider_id) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(plan_name),UPDATE(plan_name) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(amount_usd),UPDATE(amount_usd) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(started_on),UPDATE(started_on) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(ended_on),UPDATE(ended_on) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(renewal_day),UPDATE(renewal_day) ON TABLE public.subscriptions TO authenticated;

GRANT INSERT("interval"),UPDATE("interval") ON TABLE public.subscriptions TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.subscriptions TO authenticated;

REVOKE ALL ON FUNCTION private.add_renewals(of_subscription public.subscriptions, due date[], zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.add_to_channels(changes private.session_channels[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.add_to_day_parts(changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.advice_calls(tenant uuid, first_at timestamp with time zone, end_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.advice_cells(tenant uuid, first_at timestamp with time zone, end_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.advice_days(tenant uuid, from_day date, end_day date, subject jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.advice_plans(tenant uuid, today date, covers jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.advice_shapes(tenant uuid, first_at timestamp with time zone, end_at timestamp with time zone, lengths integer[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.advice_spend(tenant uuid, from_day date, to_day date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.advice_steps(tenant uuid, first_at timestamp with time zone, end_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.advice_usages(tenant uuid, from_day date, end_day date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.agent_records(tenant uuid, agents text[], first_at timestamp with time zone, last_at timestamp with time zone, person uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.aliases_of(metadata jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.answer_explored(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.archived_tables() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.are_alert_rules(rules jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.are_model_limits(limits jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.ask_exploration(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.ask_for_days(tenant uuid, split text, project uuid, person uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.attach_month(partition_name text, month date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.audit_changes_of(audited regclass, watched text[], commands text[], condition text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.audit_credential() FROM PUBLIC;

GRANT SELECT(id) ON TABLE public.invitations TO authenticated;
GRANT SELECT(id) ON TABLE public.invitations TO service_role;

GRANT SELECT(workspace_id) ON TABLE public.invitations TO authenticated;
GRANT SELECT(workspace_id) ON TABLE public.invitations TO service_role;

GRANT SELECT(email) ON TABLE public.invitations TO authenticated;
GRANT SELECT(email) ON TABLE public.invitations TO service_role;

GRANT SELECT(role) ON TABLE public.invitations TO authenticated;
GRANT SELECT(role) ON TABLE public.invitations TO service_role;

GRANT SELECT(invited_by) ON TABLE public.invitations TO authenticated;
GRANT SELECT(invited_by) ON TABLE public.invitations TO service_role;

GRANT SELECT(metadata) ON TABLE public.invitations TO authenticated;
GRANT SELECT(metadata) ON TABLE public.invitations TO service_role;

GRANT SELECT(created_at) ON TABLE public.invitations TO authenticated;
GRANT SELECT(created_at) ON TABLE public.invitations TO service_role;

GRANT SELECT(expires_at) ON TABLE public.invitations TO authenticated;
GRANT SELECT(expires_at) ON TABLE public.invitations TO service_role;

REVOKE ALL ON FUNCTION private.audit_invitation(action text, invitation public.invitations) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.audit_member() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.audit_moves(tenant uuid, described json, action text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.audit_repricing(tenant uuid, run_id uuid, applied bigint, before_usd numeric, after_usd numeric) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.audit_rows() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.authorities() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.begin_change(asked uuid, at_least text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.begin_confirmation(channel uuid, address text, token text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.begin_key_change(asked uuid, at_least text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.billing_lock(of_workspace uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.budget_currencies() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.budget_days(tenant uuid, as_of timestamp with time zone, with_previous boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.budget_facts(tenants uuid[], as_of timestamp with time zone, with_previous boolean, with_records boolean, wanted uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.budget_period(period text, starts_on_day integer, day date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.budget_record_days(tenant uuid, as_of timestamp with time zone, with_previous boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.budgets_at(tenant uuid, as_of timestamp with time zone, with_previous boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.catch_up_month(first_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.change_channel(tenant uuid, of_session uuid, channel text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.change_enabled() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.change_parts(changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_agent_period(tenant uuid, from_date date, to_date date, most_days integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_budget() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_chosen_projects(tenant uuid, chosen uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_currency(code text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_dimension(dimension text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_explored_period(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_filters(filters jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_incoming(incoming private.incoming_record[], OUT rejected json, OUT valid integer, OUT first_at timestamp with time zone, OUT last_at timestamp with time zone, OUT has_requests boolean, OUT has_aliases boolean, OUT has_channels boolean, OUT chosen_projects uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_invitation(tenant uuid, address text, role text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_key_details(tenant uuid, given public.api_keys) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_may_read(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_project_limits(tenant uuid, is_new boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_records_filter(chosen jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_reference(of_user uuid, of_workspace uuid, of_provider uuid, of_import uuid, of_project uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_references() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_renewals(tenant uuid, zone text, OUT is_wrong boolean, OUT ids uuid[], OUT days date[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_shares(shares jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_spans(tenant uuid, incoming private.incoming_span[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_statement_count(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_threshold_count() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.check_timezone() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.choices_of_events(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.choose_for_event() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.choose_project() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.claim_digest(workspace uuid, person uuid, kind text, period_start date, at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.clean_name(given text, of_what text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.clean_prompt_labels(labels text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.clean_value(field text, value text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.clean_words(given text[], of_what text, most integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.clear_event(event uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.compare_channels(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.compare_channels_of(tenant uuid, sources uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.compare_channels_of_deleted() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.compare_statements(owner uuid, keys uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.contested_events(owner uuid, keys uuid[], OUT events uuid[], OUT dated uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.correct_renewals(tenant uuid, zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.count_channels() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.count_gone_contents() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.count_invitation(sender uuid, address text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.count_parts() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.count_spans_of(tenant uuid, weeks jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.count_statements() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.count_telemetry(source uuid, imported bigint, repeated bigint, restated bigint, rejected bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION private.count_telemetry(source uuid, imported bigint, repeated bigint, restated bigint, rejected bigint) TO tally_api;

GRANT SELECT ON TABLE public.spans TO authenticated;
GRANT SELECT ON TABLE public.spans TO service_role;

REVOKE ALL ON FUNCTION private.counted_calls(tenant uuid, ids text[], weeks date[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.create_month(month date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.create_personal_workspace() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.create_span_week(week date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.create_user_preferences() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.current_actor() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.day_instant(day date, zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.day_start(day date, zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.days_to_decide(changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.days_to_explore(question private.exploration, has_reasoning boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.decide_parts(of_workspace uuid, accounts text[], covering text[], days date[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.delete_archived_records(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.delete_records_of_imports() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.delete_records_of_workspace() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.delete_spans_of_workspace() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.describe_change(of_table text, old_values jsonb, new_values jsonb, watched text[], secret text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.describe_forecast(f private.budget_forecasts) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.describe_live(of_prompt uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.describe_moves(tenant uuid, plan private.filing_move[], what text) FROM PUBLIC;

GRANT SELECT ON TABLE public.person_aliases TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.person_aliases TO service_role;

REVOKE ALL ON FUNCTION private.described_people(tenant uuid, aliases public.person_aliases[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.described_statements(tenant uuid, fields text[], of_source uuid, ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.described_traces(tenant uuid, ids text[], weeks date[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.dimension_keys(dimension text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.dimension_value(metadata jsonb, keys text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.dismissed_days() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.drop_empty_span_weeks() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.drop_old_contents(tenant uuid, most integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.drop_old_traces(tenant uuid, most integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.due_digests(at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.due_renewals(tenant uuid, zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.enqueue_test(tenant uuid, channel uuid) FROM PUBLIC;

GRANT SELECT ON TABLE public.audit_logs TO authenticated;
GRANT SELECT ON TABLE public.audit_logs TO service_role;

REVOKE ALL ON FUNCTION private.entry_contains(entry public.audit_logs, actor_email text, user_email text, wanted text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.erase_from_logs() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.erase_from_records(tenant uuid, leaver uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.erase_from_spans() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.event_of(tenant uuid, key uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.exclude_source(tenant uuid, source uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_cells(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_class(token_class text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_column(dimension text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_conditions(question private.exploration, told text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_grouping(dimension text, told text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_groups(dimensions text[], told text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_hiding(question private.exploration, dimension text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_key(dimension text, has_told boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_keys(dimension text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_measure(measure text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_name(dimension text, kind text, value text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_query(question private.exploration, from_days boolean, told text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_reading(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_sums(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.explored_times(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.failing_values(tenant uuid, as_of timestamp with time zone, window_days integer, least_calls integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.fields_of(rules public.project_rules[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.file_incoming(tenant uuid, source uuid, incoming private.incoming_record[], OUT projects uuid[], OUT people uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.file_spans(tenant uuid, incoming private.incoming_span[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.find_known(tenant uuid, incoming private.incoming_record[], first_at timestamp with time zone, last_at timestamp with time zone, has_requests boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.find_rollup(asked private.daily_question) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.find_told_version(of_prompt uuid, told text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.fine_sums(question private.exploration, from_days boolean, told text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.first_day_of_name(tenant uuid, provider uuid, name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.flag_records(of_workspace uuid, accounts text[], parts private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.flag_written(written private.written_record[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.fold_some_days(at_most integer, tenant uuid, OUT days integer, OUT records bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.follow_subscription() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.follow_timezone() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.forget_aliases(tenant uuid, sources uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.forget_budget_forecasts() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.forget_counts() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.forget_deleted(partition_name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.forget_forecast_requests() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.forget_old_events() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.forget_parts() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.forget_telemetry() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.free_slug(tenant uuid, name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.group_accounts(of_workspace uuid, account text, month date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.grouped_days(changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.groups_of(changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.has_dimensions(metadata jsonb, agent text, environment text, customer text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.has_months(first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.has_overlap(of_workspace uuid, accounts text[], of_day date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.has_superseded_parts(changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.has_tag(metadata jsonb, tag text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.has_times(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.hash_token(token text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.have_choices(tenant uuid, keys uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.heir_of(tenant uuid, leaver uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.hidden_projects() FROM PUBLIC;
GRANT ALL ON FUNCTION private.hidden_projects() TO authenticated;

REVOKE ALL ON FUNCTION private.hidden_subscriptions() FROM PUBLIC;
GRANT ALL ON FUNCTION private.hidden_subscriptions() TO authenticated;

REVOKE ALL ON FUNCTION private.hour_writes(metadata jsonb, cache_write_tokens bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.id_start() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.idle_connections(tenant uuid, as_of timestamp with time zone, idle_days integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.idle_keys(tenant uuid, as_of timestamp with time zone, idle_days integer) FROM PUBLIC;

GRANT SELECT,DELETE ON TABLE public.imports TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.imports TO service_role;

GRANT INSERT(id) ON TABLE public.imports TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.imports TO authenticated;

GRANT INSERT(user_id) ON TABLE public.imports TO authenticated;

GRANT INSERT(kind) ON TABLE public.imports TO authenticated;

GRANT INSERT(filename),UPDATE(filename) ON TABLE public.imports TO authenticated;

GRANT INSERT(format),UPDATE(format) ON TABLE public.imports TO authenticated;

GRANT INSERT(file_sha256),UPDATE(file_sha256) ON TABLE public.imports TO authenticated;

GRANT INSERT(credential_id) ON TABLE public.imports TO authenticated;

GRANT INSERT(is_enabled),UPDATE(is_enabled) ON TABLE public.imports TO authenticated;

GRANT INSERT(rows_read),UPDATE(rows_read) ON TABLE public.imports TO authenticated;

GRANT INSERT(rows_imported),UPDATE(rows_imported) ON TABLE public.imports TO authenticated;

GRANT INSERT(rows_duplicate),UPDATE(rows_duplicate) ON TABLE public.imports TO authenticated;

GRANT INSERT(rows_restated),UPDATE(rows_restated) ON TABLE public.imports TO authenticated;

GRANT INSERT(rows_rejected),UPDATE(rows_rejected) ON TABLE public.imports TO authenticated;

GRANT INSERT(status),UPDATE(status) ON TABLE public.imports TO authenticated;

GRANT INSERT(errors),UPDATE(errors) ON TABLE public.imports TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.imports TO authenticated;

GRANT INSERT(finished_at),UPDATE(finished_at) ON TABLE public.imports TO authenticated;

REVOKE ALL ON FUNCTION private.insert_records(tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[], known uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.insert_renewals(tenant uuid, ids uuid[], days date[], zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.installation_owner() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.is_address_of_member(tenant uuid, address text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.is_daily_dimension(dimension text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.is_failed_call(tokens bigint, metadata jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.is_grouped_raw(dimension text, told text[]) FROM PUBLIC;

GRANT SELECT,DELETE ON TABLE public.budgets TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.budgets TO service_role;

GRANT INSERT(id) ON TABLE public.budgets TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.budgets TO authenticated;

GRANT INSERT(name),UPDATE(name) ON TABLE public.budgets TO authenticated;

GRANT INSERT(project_id),UPDATE(project_id) ON TABLE public.budgets TO authenticated;

GRANT INSERT(provider_id),UPDATE(provider_id) ON TABLE public.budgets TO authenticated;

GRANT INSERT(model_name),UPDATE(model_name) ON TABLE public.budgets TO authenticated;

GRANT INSERT(user_id),UPDATE(user_id) ON TABLE public.budgets TO authenticated;

GRANT INSERT(billing_account),UPDATE(billing_account) ON TABLE public.budgets TO authenticated;

GRANT INSERT(tag),UPDATE(tag) ON TABLE public.budgets TO authenticated;

GRANT INSERT(agent),UPDATE(agent) ON TABLE public.budgets TO authenticated;

GRANT INSERT(environment),UPDATE(environment) ON TABLE public.budgets TO authenticated;

GRANT INSERT(customer),UPDATE(customer) ON TABLE public.budgets TO authenticated;

GRANT INSERT(measure),UPDATE(measure) ON TABLE public.budgets TO authenticated;

GRANT INSERT(amount),UPDATE(amount) ON TABLE public.budgets TO authenticated;

GRANT INSERT(currency),UPDATE(currency) ON TABLE public.budgets TO authenticated;

GRANT INSERT(period),UPDATE(period) ON TABLE public.budgets TO authenticated;

GRANT INSERT(starts_on_day),UPDATE(starts_on_day) ON TABLE public.budgets TO authenticated;

GRANT INSERT(counts_subscriptions),UPDATE(counts_subscriptions) ON TABLE public.budgets TO authenticated;

GRANT INSERT(counts_tax),UPDATE(counts_tax) ON TABLE public.budgets TO authenticated;

GRANT INSERT(paused_at),UPDATE(paused_at) ON TABLE public.budgets TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.budgets TO authenticated;

REVOKE ALL ON FUNCTION private.is_of_records(b public.budgets) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.is_outdone(tenant uuid, metadata jsonb, method text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.is_refresh_due() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.join_counts(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.join_statements(tenant uuid, ids uuid[], events uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.joined_by(token text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.json_money(joined text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.json_words(joined text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.judge_parts(of_workspace uuid, accounts text[], covering text[], days date[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_advice(tenant uuid, pieces jsonb, window_from date, window_to date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_all_statements(tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_an_owner() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_as_superseded(owner uuid, ids uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_limits_of_those_above() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_personal() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_prompt_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_statements(tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[], keys uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.keep_used_providers() FROM PUBLIC;

GRANT SELECT,DELETE ON TABLE public.cost_records TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.cost_records TO service_role;

GRANT INSERT(provider_id),UPDATE(provider_id) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(tokens_used),UPDATE(tokens_used) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(input_tokens),UPDATE(input_tokens) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(output_tokens),UPDATE(output_tokens) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(cached_input_tokens),UPDATE(cached_input_tokens) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(cache_write_tokens),UPDATE(cache_write_tokens) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(request_count),UPDATE(request_count) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(model_name),UPDATE(model_name) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(cost_basis),UPDATE(cost_basis) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(charge_type),UPDATE(charge_type) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(cost_usd),UPDATE(cost_usd) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(user_id) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(project_id),UPDATE(project_id) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(reasoning_tokens),UPDATE(reasoning_tokens) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(id) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(import_id) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(source_key) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(request_id) ON TABLE public.cost_records TO authenticated;

GRANT INSERT("timestamp"),UPDATE("timestamp") ON TABLE public.cost_records TO authenticated;

GRANT INSERT(day),UPDATE(day) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(billing_account),UPDATE(billing_account) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(dataset),UPDATE(dataset) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(billed_under_other_name),UPDATE(billed_under_other_name) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(collection_method),UPDATE(collection_method) ON TABLE public.cost_records TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.cost_records TO authenticated;

GRANT SELECT ON TABLE public.superseded_records TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.superseded_records TO service_role;

REVOKE ALL ON FUNCTION private.keeps_choice(record public.cost_records, statement public.superseded_records) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.kinds_of_incoming(incoming private.incoming_record[], source uuid, fields text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.label_calls(tenant uuid, keys uuid[], at timestamp with time zone[], labels json) FROM PUBLIC;
GRANT ALL ON FUNCTION private.label_calls(tenant uuid, keys uuid[], at timestamp with time zone[], labels json) TO tally_api;

REVOKE ALL ON FUNCTION private.last_active_days(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.learn_aliases(tenant uuid, source uuid, incoming private.incoming_record[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.limit_member(tenant uuid, person uuid, measured text, wanted numeric) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.load_known_calls(tenant uuid, traces uuid[], names uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION private.load_known_calls(tenant uuid, traces uuid[], names uuid[]) TO tally_api;

REVOKE ALL ON FUNCTION private.lock_workspaces(ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.mark_all_days() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.mark_changed_days() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.mark_days(of_workspace uuid, days date[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.mark_known_days() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.mark_month(partition_name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.mark_updated_days() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.match_rules(rules public.project_rules[], kinds private.traits[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.max_advice_records() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.max_agent_records() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.max_calls() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.max_contents() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.max_spans() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.max_statements() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.max_told_versions() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.may_be_told(tenant uuid, address text, event uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.may_sign_up(address text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.may_sign_up(address text) TO supabase_auth_admin;

REVOKE ALL ON FUNCTION private.member_budgets(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.member_limits(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.merge_lines(incoming private.incoming_record[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.merge_requests(incoming private.incoming_record[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.milliseconds_in(told jsonb, name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.model_calls(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone, only_own uuid, hidden uuid[], project uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.model_health(tenant uuid, minutes integer, moment timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.model_key_of(model_name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.move_dated_records(tenant uuid, zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.move_statements(owner uuid, keys uuid[], OUT restated integer, OUT is_last boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.move_superseded_days(owner uuid, ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.move_to_events(tenant uuid, keys uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.move_to_people(tenant uuid, aliases public.person_aliases[], plan private.filing_move[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.move_to_projects(tenant uuid, plan private.filing_move[], fields text[], of_source uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.name_traits(tenant uuid, fields text[], are_unassigned boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.named_person(metadata jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.named_traits(kinds private.traits[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.net_changes(changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.note_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.note_changes_of(noted regclass, verb text, noting regproc) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.note_divided(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.note_refiling() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.numbered_prompt_calls(tenant uuid, first_at timestamp with time zone, starts_at timestamp with time zone, last_at timestamp with time zone, project uuid, prompt text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.omit_archived(rules public.project_rules[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.omit_series(entries jsonb, hidden uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.only_own_rows(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.only_own_totals(tenant uuid) FROM PUBLIC;

GRANT SELECT ON TABLE public.prompts TO authenticated;
GRANT SELECT ON TABLE public.prompts TO service_role;

REVOKE ALL ON FUNCTION private.open_deployment(prompt public.prompts, environment text, shares jsonb, source timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.outdated_days(tenant uuid, first_day date, last_day date, stale private.stale_days[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.outdated_totals(tenant uuid, outdated date[], stale private.stale_days[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.own_sources() FROM PUBLIC;
GRANT ALL ON FUNCTION private.own_sources() TO authenticated;

REVOKE ALL ON FUNCTION private.parts_from_before(decided private.day_parts[], changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.pass_on_account() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.pass_on_belongings(tenant uuid, leaver uuid, heir uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.pass_on_connections() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.people_of_events(tenant uuid, aliases public.person_aliases[], keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.performance_of(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone, bucket text, only_own uuid, hidden uuid[], project uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.person_of(named uuid, present uuid, source public.imports) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.pick_values(row_values jsonb, names text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.placed_cells(question private.exploration) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.plan_aliases(tenant uuid, aliases public.person_aliases[]) FROM PUBLIC;

GRANT SELECT ON TABLE public.projects TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.projects TO service_role;

REVOKE ALL ON FUNCTION private.plan_restore(restored public.projects) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.plan_rules(tenant uuid, rules public.project_rules[], of_source uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.post_renewals(of_subscription public.subscriptions) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.post_renewals_at_once(tenant uuid, zone text, at_most integer, OUT added integer, OUT remaining integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.post_workspace_renewals(tenant uuid, at_most integer, OUT added integer, OUT remaining integer, OUT failed text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.price_keys() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.project_of_plan(of_subscription public.subscriptions) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.project_of_prompt(tenant uuid, prompt text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.projects_named(tenant uuid, search text, hidden uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.promote_best_statements(owner uuid, first_ones uuid[], better uuid[], records uuid[], records_at timestamp with time zone[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.promote_statements(ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.prompt_calls(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone, project uuid, prompt text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.raise_event(workspace uuid, kind text, subject text, threshold uuid, period_start date, severity text, facts jsonb, channels uuid[], state text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.rank_of(role text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.rank_of_span(s public.spans) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.rank_records(owner uuid, keys uuid[], request_keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.rank_superseded(owner uuid, keys uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_alias(tenant uuid, place integer, asked json) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_aliases(tenant uuid, aliases json) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_columns(records json) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_divided(tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_incoming(records json, zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_price_changes(changes json) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_rollup(tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_rule(tenant uuid, place integer, asked json) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_rules(tenant uuid, rules json) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.read_undivided(tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.records_of_calls(tenant uuid, events uuid[], at timestamp with time zone[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.records_to_explore(question private.exploration, told text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.recount_parts(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.recount_statements(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refile_edited() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refile_few_spans(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refile_source(tenant uuid, source uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refile_span_week(tenant uuid, of_week date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refile_statements(tenant uuid, ids uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refuse_ended_key(found_one public.api_keys) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refuse_outdated(what text, before jsonb, present jsonb, wanted jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refuse_second_multiplier() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refuse_span(r private.incoming_span, days integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refuse_too_many() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.refuse_too_many_keys() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.register_prompt_version(prompt public.prompts, told text, first_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.register_prompts(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.regrouped_days(before jsonb, changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.remember_member() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.rename_model(tenant uuid, provider uuid, name text, model text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.renew_threshold() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.renew_thresholds() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.renewal_days(of_subscription public.subscriptions, until date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.replace_records(owner uuid, statements uuid[], ids uuid[], at timestamp with time zone[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.reprice(tenant uuid, changes json, OUT applied bigint, OUT before_usd numeric, OUT after_usd numeric) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.request_address() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.request_forecast() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.request_forecasts(marks private.stale_days[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.request_header(name text, at_most integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.request_identity(request_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.request_one_forecast() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_another_owner(tenant uuid, person uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_api_key(wanted uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_caller() FROM PUBLIC;

GRANT SELECT(id) ON TABLE public.channels TO authenticated;
GRANT SELECT(id) ON TABLE public.channels TO service_role;

GRANT SELECT(workspace_id) ON TABLE public.channels TO authenticated;
GRANT SELECT(workspace_id) ON TABLE public.channels TO service_role;

GRANT SELECT(kind) ON TABLE public.channels TO authenticated;
GRANT SELECT(kind) ON TABLE public.channels TO service_role;

GRANT SELECT(name) ON TABLE public.channels TO authenticated;
GRANT SELECT(name) ON TABLE public.channels TO service_role;

GRANT SELECT(hint) ON TABLE public.channels TO authenticated;
GRANT SELECT(hint) ON TABLE public.channels TO service_role;

GRANT SELECT(quiet_from) ON TABLE public.channels TO authenticated;
GRANT SELECT(quiet_from) ON TABLE public.channels TO service_role;

GRANT SELECT(quiet_to) ON TABLE public.channels TO authenticated;
GRANT SELECT(quiet_to) ON TABLE public.channels TO service_role;

GRANT SELECT(urgent_passes) ON TABLE public.channels TO authenticated;
GRANT SELECT(urgent_passes) ON TABLE public.channels TO service_role;

GRANT SELECT(digest) ON TABLE public.channels TO authenticated;
GRANT SELECT(digest) ON TABLE public.channels TO service_role;

GRANT SELECT(paused_at) ON TABLE public.channels TO authenticated;
GRANT SELECT(paused_at) ON TABLE public.channels TO service_role;

GRANT SELECT(verified_at) ON TABLE public.channels TO authenticated;
GRANT SELECT(verified_at) ON TABLE public.channels TO service_role;

GRANT SELECT(verified_by) ON TABLE public.channels TO authenticated;
GRANT SELECT(verified_by) ON TABLE public.channels TO service_role;

GRANT SELECT(failures_in_a_row) ON TABLE public.channels TO authenticated;
GRANT SELECT(failures_in_a_row) ON TABLE public.channels TO service_role;

GRANT SELECT(disabled_at) ON TABLE public.channels TO authenticated;
GRANT SELECT(disabled_at) ON TABLE public.channels TO service_role;

GRANT SELECT(disabled_reason) ON TABLE public.channels TO authenticated;
GRANT SELECT(disabled_reason) ON TABLE public.channels TO service_role;

GRANT SELECT(last_sent_at) ON TABLE public.channels TO authenticated;
GRANT SELECT(last_sent_at) ON TABLE public.channels TO service_role;

GRANT SELECT(last_problem) ON TABLE public.channels TO authenticated;
GRANT SELECT(last_problem) ON TABLE public.channels TO service_role;

GRANT SELECT(created_by) ON TABLE public.channels TO authenticated;
GRANT SELECT(created_by) ON TABLE public.channels TO service_role;

GRANT SELECT(metadata) ON TABLE public.channels TO authenticated;
GRANT SELECT(metadata) ON TABLE public.channels TO service_role;

GRANT SELECT(created_at) ON TABLE public.channels TO authenticated;
GRANT SELECT(created_at) ON TABLE public.channels TO service_role;

GRANT SELECT(updated_at) ON TABLE public.channels TO authenticated;
GRANT SELECT(updated_at) ON TABLE public.channels TO service_role;

REVOKE ALL ON FUNCTION private.require_channel(wanted uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_invitation(token text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_project(asked uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_prompt(tenant uuid, name text, is_changed boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_prompt_version(prompt public.prompts, number integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_rank_over(tenant uuid, person uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_shared_workspace(asked uuid, at_least text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_source(source uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.require_workspace(asked uuid, at_least text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.resolve_aliases(tenant uuid, source uuid, incoming private.incoming_record[], has_aliases boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.resolve_overlaps(changes private.day_parts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.restatable(tenant uuid, source uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.revoke_keys_of_leaver() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.save_beside_known(tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[], first_at timestamp with time zone, last_at timestamp with time zone, has_requests boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.save_lock(of_workspace uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.select_winners(owner uuid, keys uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.select_winners_of_changed() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.session_of(metadata jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.session_times(tenant uuid, session text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.settle_events(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.settle_people(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.settle_projects(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.share_timezone() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.share_timezones_of(partition_name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.shared_workspaces_of(person uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.silent_sources(tenants uuid[], default_days integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.source_of_key(key uuid, service text, agent text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.source_of_key(key uuid, service text, agent text) TO tally_api;

REVOKE ALL ON FUNCTION private.span_lock(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.split_at(of_prompt uuid, environment text, instant timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.split_before(of_prompt uuid, environment text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.split_by_channel(tenant uuid, usual_method text, incoming private.incoming_record[], OUT outdone private.incoming_record[], OUT rest private.incoming_record[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.spread_over_places(kinds private.incoming_kind[], filed uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.stale_days_of(tenant uuid, first_day date, last_day date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.statements_on(tenant uuid, keys uuid[], first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.stays_filed(record public.cost_records) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.steps_beside_forecast(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.store_known_calls(tenant uuid, calls json, links json) FROM PUBLIC;
GRANT ALL ON FUNCTION private.store_known_calls(tenant uuid, calls json, links json) TO tally_api;

REVOKE ALL ON FUNCTION private.store_rules(tenant uuid, rules public.project_rules[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.store_spans(tenant uuid, incoming private.incoming_span[], weeks jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.stored_span(tenant uuid, r private.incoming_span, week date, person_id uuid, filed_project uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.sum_days(days private.stale_days[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.sum_dimension(tenant uuid, dimension text, first_at timestamp with time zone, last_at timestamp with time zone, asked private.daily_question) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.sum_divided(tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.sum_of_days(tenant uuid, chosen jsonb, zone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.sum_statements(tenant uuid, from_date date, to_date date, only_user uuid, hidden uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.sum_traces(tenant uuid, ids text[], weeks date[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.supersede_repeated(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.supersede_source(tenant uuid, source uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.superseded_calls(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.tags_of(tags jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.take_back_calls(tenant uuid, sources uuid[], keys uuid[], at timestamp with time zone[], kept uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION private.take_back_calls(tenant uuid, sources uuid[], keys uuid[], at timestamp with time zone[], kept uuid[]) TO tally_api;

REVOKE ALL ON FUNCTION private.take_labels(of_prompt uuid, number integer, labels text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.take_statements(ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.telemetry_lock(of_workspace uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.tell_verified_channel() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.timezone_lock(of_workspace uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.timezone_of(of_workspace uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.told_places(tenant uuid, first_at timestamp with time zone, last_at timestamp with time zone, only_own uuid, hidden uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.told_prompts(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.told_version(version text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.top_models(tenant uuid, since timestamp with time zone, until timestamp with time zone, at_most integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.total_spend(tenant uuid, since timestamp with time zone, until timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.touch_api_key(api_key uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION private.touch_api_key(api_key uuid) TO tally_api;

REVOKE ALL ON FUNCTION private.touch_updated_at() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.trim_text(given text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.unchanged_part(of_workspace uuid, account text, of_day date) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.undivided_totals(tenant uuid, outdated date[], stale private.stale_days[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.unregistered_workspaces() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.unsubscribe_token(person uuid, offered text) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.upkeep_lock() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.verify_api_key(digest bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION private.verify_api_key(digest bytea) TO tally_api;

REVOKE ALL ON FUNCTION private.wait_for_saves() FROM PUBLIC;

REVOKE ALL ON FUNCTION private.wait_to_file(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.weeks_of_spans(tenant uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.weeks_of_traces(tenant uuid, incoming private.incoming_span[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.where_records(chosen jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.workspace_of_source(source uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.workspaces_as(at_least text) FROM PUBLIC;
GRANT ALL ON FUNCTION private.workspaces_as(at_least text) TO authenticated;

REVOKE ALL ON FUNCTION private.workspaces_showing_people() FROM PUBLIC;
GRANT ALL ON FUNCTION private.workspaces_showing_people() TO authenticated;

REVOKE ALL ON FUNCTION private.workspaces_showing_totals() FROM PUBLIC;
GRANT ALL ON FUNCTION private.workspaces_showing_totals() TO authenticated;

REVOKE ALL ON FUNCTION private.write_aliases(aliases public.person_aliases[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.write_audit(tenant uuid, entry jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION private.write_rules(rules public.project_rules[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.accept_invitation(token text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.accept_invitation(token text) TO authenticated;

REVOKE ALL ON FUNCTION public.agent_days(workspace uuid, agents text[], from_date date, to_date date, person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.agent_days(workspace uuid, agents text[], from_date date, to_date date, person uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.agent_models(workspace uuid, agents text[], from_date date, to_date date, person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.agent_models(workspace uuid, agents text[], from_date date, to_date date, person uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.agent_places(workspace uuid, agents text[], from_date date, to_date date, person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.agent_places(workspace uuid, agents text[], from_date date, to_date date, person uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.agent_session(workspace uuid, session text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.agent_session(workspace uuid, session text) TO authenticated;

REVOKE ALL ON FUNCTION public.agent_sessions(workspace uuid, agents text[], from_date date, to_date date, person uuid, top_n integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.agent_sessions(workspace uuid, agents text[], from_date date, to_date date, person uuid, top_n integer) TO authenticated;

REVOKE ALL ON FUNCTION public.apply_prices(run_id uuid, changes json, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.apply_prices(run_id uuid, changes json, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.archive_project(project uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.archive_project(project uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.archive_prompt(workspace uuid, prompt text, archived boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.archive_prompt(workspace uuid, prompt text, archived boolean) TO authenticated;

REVOKE ALL ON FUNCTION public.attach_partition(year integer, month integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.attach_partition(year integer, month integer) TO service_role;

REVOKE ALL ON FUNCTION public.budget_status(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.budget_status(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.cancel_invitation(invitation uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.cancel_invitation(invitation uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.change_api_key(api_key uuid, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.change_api_key(api_key uuid, details jsonb) TO authenticated;

REVOKE ALL ON FUNCTION public.change_prompt(workspace uuid, prompt text, tags text[], project uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.change_prompt(workspace uuid, prompt text, tags text[], project uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.confirm_channel(token text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.confirm_channel(token text) TO anon;
GRANT ALL ON FUNCTION public.confirm_channel(token text) TO authenticated;

REVOKE ALL ON FUNCTION public.costs_by_dimension(workspace uuid, dimension text, from_date date, to_date date, top_n integer, project uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.costs_by_dimension(workspace uuid, dimension text, from_date date, to_date date, top_n integer, project uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.count_audit_log(workspace uuid, search text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_audit_log(workspace uuid, search text) TO authenticated;

REVOKE ALL ON FUNCTION public.count_by_rule(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_by_rule(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.create_api_key(workspace uuid, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.create_api_key(workspace uuid, details jsonb) TO authenticated;

REVOKE ALL ON FUNCTION public.create_monthly_partition(year integer, month integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.create_monthly_partition(year integer, month integer) TO service_role;

REVOKE ALL ON FUNCTION public.create_project(workspace uuid, name text, is_private boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.create_project(workspace uuid, name text, is_private boolean) TO authenticated;

REVOKE ALL ON FUNCTION public.create_workspace(name text, timezone text, currency text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.create_workspace(name text, timezone text, currency text) TO authenticated;

REVOKE ALL ON FUNCTION public.daily_costs(from_date date, to_date date, workspace uuid, project uuid, split text, person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.daily_costs(from_date date, to_date date, workspace uuid, project uuid, split text, person uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.data_version(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.data_version(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.decide_advice(advice uuid, status text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decide_advice(advice uuid, status text) TO authenticated;

REVOKE ALL ON FUNCTION public.delete_missing(import_id uuid, dataset text, first_day date, last_day date, keys uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.delete_missing(import_id uuid, dataset text, first_day date, last_day date, keys uuid[]) TO authenticated;

REVOKE ALL ON FUNCTION public.delete_own_account(email text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.delete_own_account(email text) TO authenticated;

REVOKE ALL ON FUNCTION public.delete_source(import_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.delete_source(import_id uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.delete_view(view uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.delete_view(view uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.delete_workspace(workspace uuid, name text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.delete_workspace(workspace uuid, name text) TO authenticated;

REVOKE ALL ON FUNCTION public.deploy_prompt(workspace uuid, prompt text, environment text, shares jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.deploy_prompt(workspace uuid, prompt text, environment text, shares jsonb) TO authenticated;

REVOKE ALL ON FUNCTION public.describe_invitation(token text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.describe_invitation(token text) TO authenticated;

REVOKE ALL ON FUNCTION public.detach_partition(year integer, month integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.detach_partition(year integer, month integer) TO service_role;

REVOKE ALL ON FUNCTION public.digest_events(first_day date, last_day date, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.digest_events(first_day date, last_day date, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.digest_facts(since date, first_day date, last_day date, today date, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.digest_facts(since date, first_day date, last_day date, today date, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.ensure_months(months date[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ensure_months(months date[]) TO authenticated;
GRANT ALL ON FUNCTION public.ensure_months(months date[]) TO service_role;

REVOKE ALL ON FUNCTION public.ensure_partitions(months_ahead integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ensure_partitions(months_ahead integer) TO service_role;

REVOKE ALL ON FUNCTION public.explore_costs(workspace uuid, measure text, by text[], filters jsonb, from_date date, to_date date, granularity text, top_n integer, rates numeric[], prices jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.explore_costs(workspace uuid, measure text, by text[], filters jsonb, from_date date, to_date date, granularity text, top_n integer, rates numeric[], prices jsonb) TO authenticated;

REVOKE ALL ON FUNCTION public.explore_values(workspace uuid, dimension text, filters jsonb, from_date date, to_date date, search text, at_most integer, rates numeric[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.explore_values(workspace uuid, dimension text, filters jsonb, from_date date, to_date date, search text, at_most integer, rates numeric[]) TO authenticated;

REVOKE ALL ON FUNCTION public.find_exported(records json, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_exported(records json, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.find_prompt(workspace uuid, prompt text, label text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_prompt(workspace uuid, prompt text, label text) TO authenticated;

REVOKE ALL ON FUNCTION public.find_same_import(file_sha256 text, signature text, record_count bigint, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_same_import(file_sha256 text, signature text, record_count bigint, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.find_sessions(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, search text, sort text, skip integer, page_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_sessions(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, search text, sort text, skip integer, page_rows integer) TO authenticated;

REVOKE ALL ON FUNCTION public.find_traces(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, search text, status text, service text, model text, session text, sort text, skip integer, page_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_traces(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, search text, status text, service text, model text, session text, sort text, skip integer, page_rows integer) TO authenticated;

REVOKE ALL ON FUNCTION public.fold_stale_days() FROM PUBLIC;
GRANT ALL ON FUNCTION public.fold_stale_days() TO service_role;

REVOKE ALL ON FUNCTION public.forecast_state(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forecast_state(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.get_top_models_by_spend(user_id uuid, start timestamp with time zone, "end" timestamp with time zone, "limit" integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.get_top_models_by_spend(user_id uuid, start timestamp with time zone, "end" timestamp with time zone, "limit" integer) TO authenticated;
GRANT ALL ON FUNCTION public.get_top_models_by_spend(user_id uuid, start timestamp with time zone, "end" timestamp with time zone, "limit" integer) TO service_role;

REVOKE ALL ON FUNCTION public.get_user_total_spend(user_id uuid, start timestamp with time zone, "end" timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.get_user_total_spend(user_id uuid, start timestamp with time zone, "end" timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION public.get_user_total_spend(user_id uuid, start timestamp with time zone, "end" timestamp with time zone) TO service_role;

REVOKE ALL ON FUNCTION public.invite(workspace uuid, email text, role text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.invite(workspace uuid, email text, role text) TO authenticated;

REVOKE ALL ON FUNCTION public.jump_names(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.jump_names(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.label_prompt_version(workspace uuid, prompt text, number integer, labels text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.label_prompt_version(workspace uuid, prompt text, number integer, labels text[]) TO authenticated;

REVOKE ALL ON FUNCTION public.last_run(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.last_run(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.leave_workspace(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.leave_workspace(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.list_estimates(since timestamp with time zone, after_id uuid, page_size integer, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_estimates(since timestamp with time zone, after_id uuid, page_size integer, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.list_people(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_people(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.list_projects(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_projects(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.list_prompts(workspace uuid, search text, archived boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_prompts(workspace uuid, search text, archived boolean) TO authenticated;

REVOKE ALL ON FUNCTION public.list_records(workspace uuid, chosen jsonb, sort text, skip integer, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_records(workspace uuid, chosen jsonb, sort text, skip integer, max_rows integer) TO authenticated;

REVOKE ALL ON FUNCTION public.list_views(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_views(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.list_workspaces() FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_workspaces() TO authenticated;

REVOKE ALL ON FUNCTION public.model_names(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.model_names(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.model_performance(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, granularity text, project uuid, chosen text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.model_performance(workspace uuid, first_at timestamp with time zone, last_at timestamp with time zone, granularity text, project uuid, chosen text[]) TO authenticated;

REVOKE ALL ON FUNCTION public.name_billing_account(workspace uuid, account text, name text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.name_billing_account(workspace uuid, account text, name text) TO authenticated;

REVOKE ALL ON FUNCTION public.name_model(workspace uuid, provider text, name text, model text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.name_model(workspace uuid, provider text, name text, model text) TO authenticated;

REVOKE ALL ON FUNCTION public.owns_installation() FROM PUBLIC;
GRANT ALL ON FUNCTION public.owns_installation() TO authenticated;

REVOKE ALL ON FUNCTION public.pause_channel(channel uuid, is_paused boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.pause_channel(channel uuid, is_paused boolean) TO authenticated;

REVOKE ALL ON FUNCTION public.post_due_renewals(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.post_due_renewals(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.preview_aliases(workspace uuid, aliases json) FROM PUBLIC;
GRANT ALL ON FUNCTION public.preview_aliases(workspace uuid, aliases json) TO authenticated;

REVOKE ALL ON FUNCTION public.preview_restore(project uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.preview_restore(project uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.preview_rules(workspace uuid, rules json) FROM PUBLIC;
GRANT ALL ON FUNCTION public.preview_rules(workspace uuid, rules json) TO authenticated;

REVOKE ALL ON FUNCTION public.prompt_figures(workspace uuid, from_date date, to_date date, project uuid, prompt text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.prompt_figures(workspace uuid, from_date date, to_date date, project uuid, prompt text) TO authenticated;

REVOKE ALL ON FUNCTION public.prompt_text(workspace uuid, prompt text, number integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.prompt_text(workspace uuid, prompt text, number integer) TO authenticated;

REVOKE ALL ON FUNCTION public.push_prompt(workspace uuid, name text, content text, message text, variables text[], labels text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.push_prompt(workspace uuid, name text, content text, message text, variables text[], labels text[]) TO authenticated;

REVOKE ALL ON FUNCTION public.read_content(workspace uuid, trace_id text, span_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_content(workspace uuid, trace_id text, span_id text) TO authenticated;

REVOKE ALL ON FUNCTION public.read_prompt(workspace uuid, prompt text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_prompt(workspace uuid, prompt text) TO authenticated;

REVOKE ALL ON FUNCTION public.read_trace(workspace uuid, trace_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_trace(workspace uuid, trace_id text) TO authenticated;

REVOKE ALL ON FUNCTION public.recent_values(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.recent_values(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.refresh_cost_records_daily(only_if_due boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.refresh_cost_records_daily(only_if_due boolean) TO service_role;

REVOKE ALL ON FUNCTION public.remove_channel(channel uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_channel(channel uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.remove_member(workspace uuid, person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_member(workspace uuid, person uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.rename_view(view uuid, name text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rename_view(view uuid, name text) TO authenticated;

REVOKE ALL ON FUNCTION public.report_sync(credential_id uuid, status text, is_complete boolean, error text, next_sync_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.report_sync(credential_id uuid, status text, is_complete boolean, error text, next_sync_at timestamp with time zone) TO authenticated;

REVOKE ALL ON FUNCTION public.restore_filing(statements json, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.restore_filing(statements json, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.restore_project(project uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.restore_project(project uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.revoke_api_key(api_key uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.revoke_api_key(api_key uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.roll_back_prompt(workspace uuid, prompt text, environment text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.roll_back_prompt(workspace uuid, prompt text, environment text) TO authenticated;

REVOKE ALL ON FUNCTION public.rotate_api_key(api_key uuid, details jsonb, overlap integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rotate_api_key(api_key uuid, details jsonb, overlap integer) TO authenticated;

REVOKE ALL ON FUNCTION public.rule_suggestions(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rule_suggestions(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.save_channel(workspace uuid, channel uuid, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.save_channel(workspace uuid, channel uuid, details jsonb) TO authenticated;

REVOKE ALL ON FUNCTION public.save_contents(contents json, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.save_contents(contents json, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.save_cost_records(import_id uuid, records json, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.save_cost_records(import_id uuid, records json, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.save_spans(spans json, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.save_spans(spans json, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.save_view(workspace uuid, name text, query text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.save_view(workspace uuid, name text, query text) TO authenticated;

REVOKE ALL ON FUNCTION public.search_audit_log(workspace uuid, search text, before timestamp with time zone, at_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_audit_log(workspace uuid, search text, before timestamp with time zone, at_most integer) TO authenticated;

REVOKE ALL ON FUNCTION public.set_alert_rules(workspace uuid, rules jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_alert_rules(workspace uuid, rules jsonb) TO authenticated;

REVOKE ALL ON FUNCTION public.set_aliases(workspace uuid, aliases json, before json) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_aliases(workspace uuid, aliases json, before json) TO authenticated;

REVOKE ALL ON FUNCTION public.set_content_rules(workspace uuid, days integer, words text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_content_rules(workspace uuid, days integer, words text[]) TO authenticated;

REVOKE ALL ON FUNCTION public.set_member_limit(workspace uuid, person uuid, monthly_usd numeric, monthly_tokens bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_member_limit(workspace uuid, person uuid, monthly_usd numeric, monthly_tokens bigint) TO authenticated;

REVOKE ALL ON FUNCTION public.set_model_limits(workspace uuid, limits jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_model_limits(workspace uuid, limits jsonb) TO authenticated;

REVOKE ALL ON FUNCTION public.set_paid_by_plan(import_id uuid, is_plan boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_paid_by_plan(import_id uuid, is_plan boolean) TO authenticated;

REVOKE ALL ON FUNCTION public.set_project_members(project uuid, people uuid[], before uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_project_members(project uuid, people uuid[], before uuid[]) TO authenticated;

REVOKE ALL ON FUNCTION public.set_role(workspace uuid, person uuid, role text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_role(workspace uuid, person uuid, role text) TO authenticated;

REVOKE ALL ON FUNCTION public.set_rules(workspace uuid, rules json, before json) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_rules(workspace uuid, rules json, before json) TO authenticated;

REVOKE ALL ON FUNCTION public.set_source_enabled(import_id uuid, is_enabled boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_source_enabled(import_id uuid, is_enabled boolean) TO authenticated;

REVOKE ALL ON FUNCTION public.set_trace_days(workspace uuid, days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_trace_days(workspace uuid, days integer) TO authenticated;

REVOKE ALL ON FUNCTION public.source_days(workspace uuid, project uuid, account text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.source_days(workspace uuid, project uuid, account text) TO authenticated;

REVOKE ALL ON FUNCTION public.source_statements(from_date date, to_date date, workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.source_statements(from_date date, to_date date, workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.stop_channel(token text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.stop_channel(token text) TO anon;
GRANT ALL ON FUNCTION public.stop_channel(token text) TO authenticated;

REVOKE ALL ON FUNCTION public.stop_digests(token text, kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.stop_digests(token text, kind text) TO anon;
GRANT ALL ON FUNCTION public.stop_digests(token text, kind text) TO authenticated;

REVOKE ALL ON FUNCTION public.sum_records(workspace uuid, chosen jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.sum_records(workspace uuid, chosen jsonb) TO authenticated;

REVOKE ALL ON FUNCTION public.test_channel(channel uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.test_channel(channel uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.transfer_ownership(workspace uuid, person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.transfer_ownership(workspace uuid, person uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.unknown_people(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.unknown_people(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.unpriced_models(workspace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.unpriced_models(workspace uuid) TO authenticated;

REVOKE ALL ON FUNCTION public.update_project(project uuid, name text, is_private boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.update_project(project uuid, name text, is_private boolean) TO authenticated;

REVOKE ALL ON FUNCTION public.update_workspace(workspace uuid, name text, timezone text, currency text, person_split text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.update_workspace(workspace uuid, name text, timezone text, currency text, person_split text) TO authenticated;

GRANT SELECT ON TABLE public.providers TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.providers TO service_role;

GRANT SELECT ON TABLE public.workspaces TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workspaces TO service_role;

GRANT SELECT ON TABLE public.advice TO authenticated;
GRANT SELECT ON TABLE public.advice TO service_role;

GRANT SELECT ON TABLE public.alert_events TO authenticated;
GRANT SELECT ON TABLE public.alert_events TO service_role;

GRANT SELECT ON TABLE public.anomalies TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.anomalies TO service_role;

GRANT UPDATE(muted_at) ON TABLE public.anomalies TO authenticated;

GRANT SELECT,DELETE ON TABLE public.api_credentials TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_credentials TO service_role;

GRANT INSERT(id) ON TABLE public.api_credentials TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.api_credentials TO authenticated;

GRANT INSERT(user_id) ON TABLE public.api_credentials TO authenticated;

GRANT INSERT(provider_id) ON TABLE public.api_credentials TO authenticated;

GRANT INSERT(credential_name),UPDATE(credential_name) ON TABLE public.api_credentials TO authenticated;

GRANT INSERT(encrypted_api_key),UPDATE(encrypted_api_key) ON TABLE public.api_credentials TO authenticated;

GRANT INSERT(encryption_key_id),UPDATE(encryption_key_id) ON TABLE public.api_credentials TO authenticated;

GRANT INSERT(is_active),UPDATE(is_active) ON TABLE public.api_credentials TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.api_credentials TO authenticated;

GRANT SELECT ON TABLE public.billing_accounts TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.billing_accounts TO service_role;

GRANT SELECT,DELETE ON TABLE public.budget_channels TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.budget_channels TO service_role;

GRANT INSERT(workspace_id) ON TABLE public.budget_channels TO authenticated;

GRANT INSERT(budget_id) ON TABLE public.budget_channels TO authenticated;

GRANT INSERT(channel_id) ON TABLE public.budget_channels TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.budget_channels TO authenticated;

GRANT SELECT,DELETE ON TABLE public.budget_thresholds TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.budget_thresholds TO service_role;

GRANT INSERT(id) ON TABLE public.budget_thresholds TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.budget_thresholds TO authenticated;

GRANT INSERT(budget_id) ON TABLE public.budget_thresholds TO authenticated;

GRANT INSERT(kind),UPDATE(kind) ON TABLE public.budget_thresholds TO authenticated;

GRANT INSERT(percent),UPDATE(percent) ON TABLE public.budget_thresholds TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.budget_thresholds TO authenticated;

GRANT SELECT,DELETE ON TABLE public.custom_models TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.custom_models TO service_role;

GRANT INSERT(id) ON TABLE public.custom_models TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.custom_models TO authenticated;

GRANT INSERT(provider_id),UPDATE(provider_id) ON TABLE public.custom_models TO authenticated;

GRANT INSERT(model_name),UPDATE(model_name) ON TABLE public.custom_models TO authenticated;

GRANT INSERT(base_model),UPDATE(base_model) ON TABLE public.custom_models TO authenticated;

GRANT INSERT(note),UPDATE(note) ON TABLE public.custom_models TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.custom_models TO authenticated;

GRANT SELECT ON TABLE public.deliveries TO authenticated;
GRANT SELECT ON TABLE public.deliveries TO service_role;

GRANT SELECT ON TABLE public.delivery_attempts TO authenticated;
GRANT SELECT ON TABLE public.delivery_attempts TO service_role;

GRANT SELECT ON TABLE public.effective_records TO authenticated;
GRANT SELECT ON TABLE public.effective_records TO service_role;

GRANT SELECT ON TABLE public.exchange_rates TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.exchange_rates TO service_role;

GRANT SELECT ON TABLE public.forecast_results TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.forecast_results TO service_role;

GRANT SELECT ON TABLE public.forecast_totals TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.forecast_totals TO service_role;

GRANT SELECT ON TABLE public.job_runs TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_runs TO service_role;

GRANT SELECT ON TABLE public.members TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.members TO service_role;

GRANT SELECT ON TABLE public.model_aliases TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.model_aliases TO service_role;

GRANT SELECT,DELETE ON TABLE public.model_prices TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.model_prices TO service_role;

GRANT INSERT(id) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(user_id) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(provider_id),UPDATE(provider_id) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(model_name),UPDATE(model_name) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(valid_from),UPDATE(valid_from) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(input_usd_per_mtok),UPDATE(input_usd_per_mtok) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(output_usd_per_mtok),UPDATE(output_usd_per_mtok) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(cached_input_usd_per_mtok),UPDATE(cached_input_usd_per_mtok) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(cache_write_usd_per_mtok),UPDATE(cache_write_usd_per_mtok) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(cache_write_1h_usd_per_mtok),UPDATE(cache_write_1h_usd_per_mtok) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(request_usd),UPDATE(request_usd) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(replaces_list),UPDATE(replaces_list) ON TABLE public.model_prices TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.model_prices TO authenticated;

GRANT SELECT,DELETE ON TABLE public.price_multipliers TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.price_multipliers TO service_role;

GRANT INSERT(id) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(workspace_id) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(user_id) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(provider_id),UPDATE(provider_id) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(billing_account),UPDATE(billing_account) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(multiplier),UPDATE(multiplier) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(valid_from),UPDATE(valid_from) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(valid_to),UPDATE(valid_to) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(note),UPDATE(note) ON TABLE public.price_multipliers TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.price_multipliers TO authenticated;

GRANT SELECT ON TABLE public.project_members TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.project_members TO service_role;

GRANT SELECT ON TABLE public.prompt_deployments TO authenticated;
GRANT SELECT ON TABLE public.prompt_deployments TO service_role;

GRANT SELECT ON TABLE public.prompt_versions TO authenticated;
GRANT SELECT ON TABLE public.prompt_versions TO service_role;

GRANT SELECT ON TABLE public.traces TO authenticated;
GRANT SELECT ON TABLE public.traces TO service_role;

GRANT SELECT,DELETE ON TABLE public.user_preferences TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_preferences TO service_role;

GRANT INSERT(user_id) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(currency),UPDATE(currency) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(timezone),UPDATE(timezone) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(theme),UPDATE(theme) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(default_date_range),UPDATE(default_date_range) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(email_notifications),UPDATE(email_notifications) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(weekly_digest),UPDATE(weekly_digest) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(monthly_digest),UPDATE(monthly_digest) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(forecast_enabled),UPDATE(forecast_enabled) ON TABLE public.user_preferences TO authenticated;

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE public.user_preferences TO authenticated;

-- TRIGGERS of the auth server's table

CREATE TRIGGER tally_create_personal_workspace AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION private.create_personal_workspace();
CREATE TRIGGER tally_create_user_preferences AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION private.create_user_preferences();
CREATE TRIGGER tally_erase AFTER DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION private.erase_from_logs();
CREATE TRIGGER tally_erase_from_spans AFTER DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION private.erase_from_spans();
CREATE TRIGGER tally_pass_on BEFORE DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION private.pass_on_account();
