-- 017_statements.sql: one event, several statements: which of them is the record. The order of arrival decides only between
-- statements with the same figures.

-- Saves of a workspace share this lock; choosing among statements takes it alone.
create or replace function private.save_lock(of_workspace uuid)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.save.' || of_workspace::text, 0)
$$;
revoke all on function private.save_lock(uuid) from public;

-- True for a statement of a session whose other channel counts (077_choosing_channels.sql).
create or replace function private.is_outdone(tenant uuid, metadata jsonb, method text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
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
revoke all on function private.is_outdone(uuid, jsonb, text) from public;

-- Superseded statements on these events and the best of them that may become a record. The greatest rank is the best. On an
-- event with the provider's own id: a bill before an estimate, telemetry that knows no tokens last, the authority of the source,
-- then who saw more of a streamed answer, then who tells cached tokens apart: without them the same tokens are dearer. On a line
-- of an export: the newest export.
create or replace function private.rank_superseded(owner uuid, keys uuid[])
returns table (
    id uuid, source_key uuid, at timestamptz, import_id uuid, is_request boolean, rank numeric[], figures text, is_best boolean
)
language sql
stable
set search_path = ''
as $$
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
revoke all on function private.rank_superseded(uuid, uuid[]) from public;

-- The records on these events, ranked likewise: lines by their time, requests by the provider's id; each has its own index.
create or replace function private.rank_records(
    owner uuid, keys uuid[], request_keys uuid[], first_at timestamptz, last_at timestamptz
)
returns table (
    id uuid, source_key uuid, at timestamptz, import_id uuid, is_enabled boolean, rank numeric[], figures text
)
language sql
stable
set search_path = ''
as $$
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
revoke all on function private.rank_records(uuid, uuid[], uuid[], timestamptz, timestamptz) from public;

-- Each superseded statement on these events beside the record on its event, if there is one: is it the same source's (`is_own`)
-- and newer, the first on its event, or better than the record? Statements with the same figures stay where they are.
create or replace function private.compare_statements(owner uuid, keys uuid[])
returns table (
    id uuid, record_id uuid, record_at timestamptz, is_own boolean, is_newer boolean, is_first boolean, is_better boolean
)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_custom_plan -- the months that matter are few of many
as $$
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
revoke all on function private.compare_statements(uuid, uuid[]) from public;
