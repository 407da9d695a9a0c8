-- 126_engine_rows.sql: rows of Postgres as the tables of an analytics engine have them, in texts that it reads.

-- A list in the form of ClickHouse; COPY escapes what else needs it, such as backslashes.
create or replace function private.engine_list(items text[])
returns text
language sql
immutable
parallel safe
set search_path = ''
as $$
    select '[' || coalesce(string_agg('''' || replace(i.item, '''', '''''') || '''', ',' order by i.nth), '') || ']'
    from unnest(items) with ordinality as i (item, nth)
$$;
revoke all on function private.engine_list(text[]) from public;

-- US dollars that an answer from a cache saved: null of other records, NaN where nobody knows.
create or replace function private.saved_by_cache(metadata jsonb)
returns numeric
language plpgsql -- its plan is kept
immutable
parallel safe
set search_path = ''
as $$
begin
    if metadata -> 'cache_hit' is distinct from 'true' then
        return null;
    end if;
    return case
        when metadata ->> 'cache_saved_usd' ~ '^[0-9]{1,8}([.][0-9]{1,10})?$' then (metadata ->> 'cache_saved_usd')::numeric
        else 'NaN'
    end;
end
$$;
revoke all on function private.saved_by_cache(jsonb) from public;

-- private.engine_records and private.engine_superseded: statements, with the same columns. Figures are what the source reported,
-- flags beside them say whether they count. Dimensions are those of private.explored_key.
do $$
declare
    dimensions constant text := (
        select string_agg(format('coalesce(%s, '''') as %I', private.explored_key(d.name, false), d.name), ', ' order by d.nth)
        from unnest(array[
            'agent', 'task', 'session', 'tool', 'repository', 'branch', 'environment', 'container', 'customer', 'prompt', 'api_key'
        ]) with ordinality as d (name, nth)
    );
    pattern constant text := $q$
        create or replace view private.%1$s as
        select
            s.workspace_id, s.timestamp, s.source_key, s.id, s.user_id, s.provider_id, s.project_id, s.import_id, s.model_name,
            coalesce(s.billing_account, '') as billing_account, s.cost_basis, s.charge_type, s.cost_usd, s.tokens_used,
            s.input_tokens, s.output_tokens, s.cached_input_tokens, s.cache_write_tokens, s.reasoning_tokens, s.request_count,
            (%2$s)::integer as money_is_effective,
            (%3$s)::integer as tokens_are_effective,
            (%6$s)::integer as is_unpriced,
            (s.day is not null)::integer as is_date,
            (s.request_id is not null)::integer as has_request_id,
            %4$s,
            case
                when s.metadata ?| array['tags', 'tag']
                    then private.engine_list(private.tags_of(coalesce(nullif(s.metadata -> 'tags', '[]'), s.metadata -> 'tag')))
                else '[]'
            end as tags,
            (s.collection_method = 'otlp')::integer as is_call,
            case
                when s.metadata -> 'inference' is null then ''
                when s.metadata -> 'inference' ->> 'status' in ('error', 'timeout', 'rate_limited')
                    then s.metadata -> 'inference' ->> 'status'
                else 'ok'
            end as call_status,
            case
                when
                    jsonb_typeof(s.metadata -> 'inference' -> 'duration_ms') = 'number'
                    and (s.metadata -> 'inference' -> 'duration_ms')::numeric between 0 and 31622400000
                    then (s.metadata -> 'inference' -> 'duration_ms')::bigint
            end as duration_ms,
            case
                when
                    jsonb_typeof(s.metadata -> 'inference' -> 'first_token_ms') = 'number'
                    and (s.metadata -> 'inference' -> 'first_token_ms')::numeric between 0 and 31622400000
                    then (s.metadata -> 'inference' -> 'first_token_ms')::bigint
            end as first_token_ms,
            coalesce(s.metadata ->> 'trace_id', s.metadata ->> 'session', '') as run,
            (s.metadata -> 'cache_hit' is not distinct from 'true')::integer as is_cache_hit,
            case when s.metadata ? 'cache_hit' then nullif(private.saved_by_cache(s.metadata), 'NaN') end as cache_saved_usd
        from %5$s as s$q$;
begin
    execute format(
        pattern, 'engine_records', 's.money_is_effective', 's.tokens_are_effective', dimensions, 'public.cost_records',
        's.cost_usd is null and s.money_is_effective '
        'and not private.is_failed_call(case when s.tokens_are_effective then s.tokens_used else 0 end, s.metadata)'
    );
    execute format(
        pattern || ' inner join public.imports as i on s.workspace_id = i.workspace_id and s.import_id = i.id and i.is_enabled',
        'engine_superseded', 'true', 'true', dimensions, 'public.superseded_records', 'false'
    );
end
$$;

-- private.engine_traces: what lists of traces show, and what they look through.
create or replace view private.engine_traces as
select
    t.workspace_id,
    t.trace_id,
    t.first_at,
    t.last_at,
    t.user_id,
    private.engine_list(t.project_ids::text[]) as project_ids,
    t.duration_us,
    t.name,
    t.service,
    t.session,
    t.person,
    t.agent,
    lower(concat_ws(chr(10), t.name, t.service, t.session, t.person)) as searched,
    t.status,
    t.spans,
    t.errors,
    t.retries,
    t.calls,
    t.unpriced,
    t.input_tokens,
    t.output_tokens,
    t.cost_usd,
    private.engine_list(t.models) as models
from public.traces as t;

revoke all on private.engine_records, private.engine_superseded, private.engine_traces
from public, anon, authenticated, service_role;
