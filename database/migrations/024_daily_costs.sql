-- 024_daily_costs.sql: reading costs per day: exact at every moment, without a refresh.

-- Values joined by `","` as a JSON array. Slugs and the values of a check constraint need no escaping, for which json_agg would
-- look.
create or replace function private.json_words(joined text)
returns json
language plpgsql -- its plan is kept
immutable
set search_path = ''
as $$
begin
    return coalesce('["' || joined || '"]', '[]')::json;
end
$$;
revoke all on function private.json_words(text) from public;

-- Money joined by `","`, `null` where it is unpriced, as a JSON array of texts and nulls: writing the quotes once instead of for
-- each value takes 0.96 of the server's time.
create or replace function private.json_money(joined text)
returns json
language plpgsql -- its plan is kept
immutable
set search_path = ''
as $$
begin
    return replace(coalesce('["' || joined || '"]', '[]'), '"null"', 'null')::json;
end
$$;
revoke all on function private.json_money(text) from public;

-- A workspace's stale days in these bounds.
create or replace function private.stale_days_of(tenant uuid, first_day date, last_day date)
returns private.stale_days[]
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    return array(
        select s
        from private.stale_days as s
        where s.workspace_id = tenant and s.date >= first_day and s.date <= last_day
    );
end
$$;
revoke all on function private.stale_days_of(uuid, date, date) from public;

-- The days that the view does not have: overridden ones, and the stale ones that are given.
create or replace function private.outdated_days(tenant uuid, first_day date, last_day date, stale private.stale_days[])
returns date[]
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
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
revoke all on function private.outdated_days(uuid, date, date, private.stale_days[]) from public;

-- Totals of outdated days: of stale ones from the records, of the others as they were folded.
create or replace function private.outdated_totals(tenant uuid, outdated date[], stale private.stale_days[])
returns setof private.folded_days
language plpgsql -- its plan is kept
stable
rows 100
set search_path = ''
as $$
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
revoke all on function private.outdated_totals(uuid, date[], private.stale_days[]) from public;

-- The same where the workspace is not divided, as rows of daily_costs. There a project or a person tells no rows apart: hashing
-- two keys less, and leaving out what readers do not show, takes 0.9 of the time; so does telling bases and charge types apart
-- by how long their words are, which is one number instead of two texts.
create or replace function private.undivided_totals(tenant uuid, outdated date[], stale private.stale_days[])
returns table (
    date date, provider text, model_name text, cost_basis text, charge_type text, total_cost_usd numeric, total_tokens bigint,
    total_input_tokens bigint, total_output_tokens bigint, total_cached_input_tokens bigint, total_cache_write_tokens bigint,
    total_requests bigint, record_count bigint, unpriced_count bigint
)
language plpgsql
stable
rows 100
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
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
revoke all on function private.undivided_totals(uuid, date[], private.stale_days[]) from public;

-- A workspace's days as one JSON object of equally long columns, a row for each row of the view. In three ordered pieces, so
-- that only the stretch with outdated days is sorted; the index orders the rest. Money is text: a float would round it. It
-- lists its columns again and again because two more, from a view of the index's columns, took 4% longer.
create or replace function private.read_undivided(
    tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[]
)
returns json
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
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
revoke all on function private.read_undivided(uuid, date, date, private.stale_days[], date[]) from public;

-- A workspace's daily rows as one JSON object of equally long columns (PostgREST would cut rows at 1,000): by default the
-- caller's own workspace, summed over projects and people. `split` adds a column: 'project' or 'person'. What the caller may not
-- know is folded: private projects are one, ffffffff-…, and people whom the caller may not tell apart are nobody, 00000000-…,
-- which as a project is none. Both bounds are included; null is open.
create or replace function public.daily_costs(
    from_date date default null,
    to_date date default null,
    workspace uuid default null,
    project uuid default null,
    split text default null,
    person uuid default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
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
        and not private.has_archived(stale)
    then
        return private.read_undivided(tenant, first_day, last_day, stale, outdated);
    end if;
    return private.read_divided(
        tenant, first_day, last_day, stale, outdated, private.ask_for_days(tenant, split, project, person)
    );
end
$$;
revoke all on function public.daily_costs(date, date, uuid, uuid, text, uuid) from public, anon, service_role;
grant execute on function public.daily_costs(date, date, uuid, uuid, text, uuid) to authenticated;
