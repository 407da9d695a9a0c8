-- 027_incoming.sql: what a caller sends to be saved: read, checked, compared with what is known.

-- One record as it is sent; missing values take their defaults.
do $$
begin
    if to_regtype('private.incoming_record') is null then
        create type private.incoming_record as (
            provider text,
            timestamp timestamptz,
            day date,
            model_name text,
            cost_usd numeric(18, 10),
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
        revoke all on type private.incoming_record from public;
    end if;
    if to_regtype('private.incoming_columns') is null then
        create type private.incoming_columns as (
            provider text[],
            timestamp timestamptz[],
            day date[],
            model_name text[],
            cost_usd numeric(18, 10)[],
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
        revoke all on type private.incoming_columns from public;
    end if;
end
$$;

-- Records from columns of equal length: half as long as objects, and parsed in half the time.
create or replace function private.read_columns(records json)
returns private.incoming_record[]
language plpgsql
stable
set search_path = ''
as $$
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
revoke all on function private.read_columns(json) from public;

-- Records from JSON, as objects or as columns: `json`, not `jsonb`, because it is parsed once and never kept. An event that is a
-- date gets the instant that the workspace's time zone gives it.
create or replace function private.read_incoming(records json, zone text)
returns private.incoming_record[]
language plpgsql
stable
set search_path = ''
as $$
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
revoke all on function private.read_incoming(json, text) from public;

-- Records that cannot be saved, as [{index, reason}], and how many can; with the first and last time of those, whether
-- requests, further ids of them, and sessions of which one channel counts are among all of them, and the projects that they name.
create or replace function private.check_incoming(
    tenant uuid,
    incoming private.incoming_record[],
    out rejected json,
    out valid integer,
    out first_at timestamptz,
    out last_at timestamptz,
    out has_requests boolean,
    out has_aliases boolean,
    out has_channels boolean,
    out chosen_projects uuid[]
)
language sql
stable
set search_path = ''
as $$
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
                when (r.timestamp at time zone 'UTC')::date <@ (select private.archived_ranges(tenant))
                    then format(
                        '%s is archived. Bring it back with "tally archive restore %s", then save these records again.',
                        to_char(r.timestamp at time zone 'UTC', 'FMMonth YYYY'), to_char(r.timestamp at time zone 'UTC', 'YYYY-MM')
                    )
            end as reason
        from unnest(incoming) with ordinality as r (
            provider, timestamp, day, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, request_id,
            billing_account, dataset, billed_under_other_name, project_id, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, metadata, ord
        )
        offset 0 -- else each use of the reason would find it again
    ) as i
$$;
revoke all on function private.check_incoming(uuid, private.incoming_record[]) from public;

-- One record for each request: of a streamed answer's rows the one that saw more, then the one that tells cached tokens apart.
create or replace function private.merge_requests(incoming private.incoming_record[])
returns private.incoming_record[]
language sql
stable
set search_path = ''
as $$
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
revoke all on function private.merge_requests(private.incoming_record[]) from public;

-- One record for each identity.
create or replace function private.merge_lines(incoming private.incoming_record[])
returns private.incoming_record[]
language sql
stable
set search_path = ''
as $$
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
revoke all on function private.merge_lines(private.incoming_record[]) from public;

-- Identities of sent records that are among the workspace's records: lines at their time, requests at any time; and those of
-- events for which a person chose a project, though only excluded sources report them. A connection keeps its plan, which may
-- be from when a month was empty.
create or replace function private.find_known(
    tenant uuid, incoming private.incoming_record[], first_at timestamptz, last_at timestamptz, has_requests boolean
)
returns uuid[]
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
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
revoke all on function private.find_known(uuid, private.incoming_record[], timestamptz, timestamptz, boolean) from public;
