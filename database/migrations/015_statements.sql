-- 015_statements.sql: what each source said, whether or not it counts, so that bills and estimates can be held side by side.

-- What the caller's sources said of these UTC days on accounts that have a ledger: columns of equal length, a line for each
-- day, account, model, source and kind of statement. `cost_usd` and the tokens are the source's own words; `counted_usd` and
-- `counted_tokens` are what of it is in the totals. `stands` is false for words of which another source's are the better ones,
-- and for those of a source that does not count. Null dates leave an end open.
create or replace function public.source_statements(from_date date, to_date date)
returns json
language sql
stable
security invoker
set search_path = ''
set work_mem = '64MB' -- a year of single requests is sorted in memory
as $$
    with words as (
        select
            r.timestamp, r.model_name, r.import_id, r.collection_method, r.cost_basis, r.charge_type, r.metadata,
            r.metadata -> 'said' as said,
            true as stands,
            r.cost_usd, r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
            r.reasoning_tokens, r.request_count
        from public.cost_records as r
        where
            r.user_id = (select auth.uid())
            and r.metadata ? 'ledger'
            and r.timestamp >= coalesce(from_date, date '2020-01-01')::timestamp at time zone 'UTC'
            and r.timestamp < (coalesce(to_date, date '2100-01-01') + 1)::timestamp at time zone 'UTC'
        union all
        select
            s.timestamp, s.model_name, s.import_id, s.collection_method, s.cost_basis, s.charge_type, s.metadata,
            null as said,
            false as stands,
            s.cost_usd, s.tokens_used, s.input_tokens, s.output_tokens, s.cached_input_tokens, s.cache_write_tokens,
            s.reasoning_tokens, s.request_count
        from public.superseded_records as s
        where
            s.user_id = (select auth.uid())
            and s.metadata ? 'ledger'
            and s.timestamp >= coalesce(from_date, date '2020-01-01')::timestamp at time zone 'UTC'
            and s.timestamp < (coalesce(to_date, date '2100-01-01') + 1)::timestamp at time zone 'UTC'
    ),

    statements as (
        select
            (w.timestamp at time zone 'UTC')::date as day,
            w.metadata ->> 'ledger' as ledger,
            w.model_name,
            w.import_id,
            w.collection_method,
            coalesce(w.metadata ->> 'dataset', 'requests') as dataset,
            w.cost_basis,
            w.charge_type,
            -- The kind of tokens that a line of a bill is for; OpenAI names it behind the model.
            coalesce(w.metadata ->> 'token_type', substring(w.metadata ->> 'line_item' from ', (.+)$'), '') as token_type,
            -- Batch, a long context or anything else that has a price of its own.
            w.metadata ?| array['context_window', 'service_tier', 'batch', 'speed', 'inference_geo']
            or coalesce(w.metadata ->> 'usage_type', '') = 'batch' as is_special,
            w.stands,
            sum(case when w.said is null then w.cost_usd else (w.said ->> 'cost_usd')::numeric end) as cost_usd,
            count(*) filter (
                where case when w.said is null then w.cost_usd is null else w.said ->> 'cost_usd' is null end
            ) as unpriced_records,
            sum(case when w.said is null then w.input_tokens else (w.said ->> 'input_tokens')::bigint end) as input_tokens,
            sum(case when w.said is null then w.output_tokens else (w.said ->> 'output_tokens')::bigint end) as output_tokens,
            sum(
                case when w.said is null then w.cached_input_tokens else (w.said ->> 'cached_input_tokens')::bigint end
            ) as cached_input_tokens,
            sum(
                case when w.said is null then w.cache_write_tokens else (w.said ->> 'cache_write_tokens')::bigint end
            ) as cache_write_tokens,
            sum(
                case when w.said is null then w.reasoning_tokens else (w.said ->> 'reasoning_tokens')::bigint end
            ) as reasoning_tokens,
            sum(case when w.said is null then w.tokens_used else (w.said ->> 'tokens_used')::bigint end) as tokens,
            sum(case when w.said is null then w.request_count else (w.said ->> 'request_count')::bigint end) as requests,
            count(*) as records,
            sum(w.cost_usd) filter (where w.stands) as counted_usd,
            coalesce(bool_or(w.cost_usd is distinct from 0) filter (where w.stands), false) as has_money,
            coalesce(sum(w.tokens_used) filter (where w.stands), 0) as counted_tokens,
            coalesce(bool_or(w.tokens_used + w.request_count > 0) filter (where w.stands), false) as has_tokens
        from words as w
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ),

    named as (
        select
            s.*,
            -- As private.model_key, which nobody but the database may call.
            case
                when s.model_name = '(unspecified)' then ''
                else lower(regexp_replace(s.model_name, '[-@](20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|latest)$', ''))
            end as model,
            i.kind,
            i.format,
            i.filename
        from statements as s
        left join public.imports as i on s.import_id = i.id
        order by s.day, s.ledger, s.model_name, s.dataset, i.filename, s.import_id, s.token_type, s.charge_type, s.stands desc
    )

    select
        json_build_object(
            'day', coalesce(json_agg(n.day), '[]'),
            'ledger', coalesce(json_agg(n.ledger), '[]'),
            'model', coalesce(json_agg(n.model), '[]'),
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
            'stands', coalesce(json_agg(n.stands), '[]'),
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
            'counted_usd', coalesce(json_agg(n.counted_usd::text), '[]'),
            'has_money', coalesce(json_agg(n.has_money), '[]'),
            'counted_tokens', coalesce(json_agg(n.counted_tokens), '[]'),
            'has_tokens', coalesce(json_agg(n.has_tokens), '[]')
        )
    from named as n
$$;
revoke all on function public.source_statements(date, date) from public, anon, service_role;
grant execute on function public.source_statements(date, date) to authenticated;

-- What the caller's sources brought: columns of equal length, a line for each source, UTC day and basis, with the source's own
-- words whether or not they count. Without what no source brought, such as entries made by hand.
create or replace function public.source_days()
returns json
language sql
stable
security invoker
set search_path = ''
as $$
    with words as (
        select
            r.import_id,
            r.timestamp,
            r.cost_basis,
            case when r.metadata ? 'said' then (r.metadata #>> '{said,cost_usd}')::numeric else r.cost_usd end as cost_usd
        from public.cost_records as r
        where r.user_id = (select auth.uid()) and r.import_id is not null
        union all
        select
            s.import_id,
            s.timestamp,
            s.cost_basis,
            s.cost_usd
        from public.superseded_records as s
        where s.user_id = (select auth.uid()) and s.import_id is not null
    ),

    days as (
        select
            w.import_id,
            (w.timestamp at time zone 'UTC')::date as day,
            w.cost_basis,
            sum(w.cost_usd) as cost_usd,
            count(*) as records,
            count(*) filter (where w.cost_usd is null) as unpriced_records
        from words as w
        group by 1, 2, 3
    )

    select
        json_build_object(
            'import_id', coalesce(json_agg(d.import_id), '[]'),
            'day', coalesce(json_agg(d.day), '[]'),
            'cost_basis', coalesce(json_agg(d.cost_basis), '[]'),
            'cost_usd', coalesce(json_agg(d.cost_usd::text), '[]'),
            'records', coalesce(json_agg(d.records), '[]'),
            'unpriced_records', coalesce(json_agg(d.unpriced_records), '[]')
        )
    from days as d
$$;
revoke all on function public.source_days() from public, anon, service_role;
grant execute on function public.source_days() to authenticated;
