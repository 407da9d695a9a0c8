-- 024_daily_costs.sql: reading costs per day: exact at every moment, without a refresh.

-- Values joined by `","` as a JSON array. Slugs and the values of a check constraint need no escaping, for which json_agg would
-- look.
create or replace function private.json_words(joined text)
returns json
language sql
immutable
set search_path = ''
as $$
    select coalesce('["' || joined || '"]', '[]')::json
$$;
revoke all on function private.json_words(text) from public;

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
language sql
stable
rows 100
set search_path = ''
as $$
    select f.*
    from private.folded_days as f
    where f.workspace_id = tenant and f.date = any (outdated) and f.date not in (select s.date from unnest(stale) as s)
    union all
    select s.*
    from private.sum_days(stale) as s
$$;
revoke all on function private.outdated_totals(uuid, date[], private.stale_days[]) from public;

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
            from private.outdated_totals(tenant, outdated, stale) as f
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
                'cost_usd', ('[' || coalesce(string_agg(coalesce('"' || d.total_cost_usd || '"', 'null'), ','), '') || ']')::json,
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
