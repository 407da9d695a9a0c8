-- 097_finding_records.sql: records by filters, a text that is searched, and order, page by page; and what they sum up to.
-- Measured on two busy cores, over a year of 200,000 and of 1,000,000 records, in milliseconds: the newest 25 in 9 and 31; the
-- dearest in 350 and 2,800, of 90 days in 120 and 570; the newest with a text that every 23rd has in 36 of 1,000,000, with one
-- that none has in 5,600, of 90 days in 780; sums in 640 and 4,800, of 90 days in 120 and 1,300, unless days of
-- the view have what is asked. There is no index for it: saving would pay for each.

-- 22023 for a filter that is none. All are optional: provider, model, method, basis, account, project (null for records without
-- one), session, search (a text in a model's name, a note, a session, a request's id or a project's name), first_at and last_at
-- (exclusive), and before (the last record of the page before, {at, id}); and those of what advice is found in: calls (any text:
-- paid usage whose tokens count, as in private.advice_calls), agent and tier (empty for records without), and over (single
-- requests with more input tokens).
create or replace function private.check_records_filter(chosen jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    uuids constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
    known constant text[] := array[
        'provider', 'model', 'method', 'basis', 'account', 'project', 'session', 'search', 'first_at', 'last_at', 'before',
        'calls', 'agent', 'tier', 'over'
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
    if chosen ->> 'over' !~ '^[0-9]{1,9}$' then
        raise exception 'Tell a number of input tokens as `over`.' using errcode = '22023';
    end if;
    if length(chosen ->> 'search') > 200 then
        raise exception 'Search for at most 200 characters.' using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_records_filter(jsonb) from public;

-- The conditions of these filters on records r, as constants: $1 is the workspace, $2 the filters, $3 and $4 the period, $5 the
-- projects whose names have the searched text, $6 the time of the record before, $7 the caller, $8 nobody if the caller reads
-- everybody's records, $9 the projects that are hidden from the caller, $10 told, the records that name no session themselves.
create or replace function private.where_records(chosen jsonb, told uuid[])
returns text
language sql
immutable
set search_path = ''
as $$
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
            '(r.metadata ?| array[''session'', ''session_id''] and left(coalesce(nullif(btrim(r.metadata ->> ''session''), ''''), '
            'nullif(btrim(r.metadata ->> ''session_id''), '''')), 200) = left(btrim($2 ->> ''session''), 200)'
            || case when told <> '{}' then ' or r.id = any ($10)' else '' end || ')'
        end,
        case when chosen ? 'calls' then
            'r.charge_type = ''usage'' and r.cost_basis <> ''included'' and r.tokens_are_effective '
            'and (r.tokens_used > 0 or r.cost_usd > 0 and r.metadata -> ''inference'' ->> ''status'' is not null)'
        end,
        case when chosen ? 'agent' then
            'coalesce(left(nullif(btrim(r.metadata ->> ''agent''), ''''), 200), '''') = $2 ->> ''agent'''
        end,
        case when chosen ? 'tier' then
            'coalesce(left(coalesce(r.metadata #>> ''{price_context,service_tier}'', r.metadata #>> ''{price_context,processing}'', '
            'r.metadata #>> ''{price_context,speed}''), 50), '''') = $2 ->> ''tier'''
        end,
        case when chosen ? 'over' then
            'r.request_count <= 1 and r.day is null '
            'and greatest(r.input_tokens, r.cached_input_tokens + r.cache_write_tokens) > ($2 ->> ''over'')::bigint'
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
$$;
revoke all on function private.where_records(jsonb, uuid[]) from public;

-- The projects whose names have the searched text, of those that the caller sees.
create or replace function private.projects_named(tenant uuid, search text, hidden uuid[])
returns uuid[]
language sql
stable
set search_path = ''
as $$
    select coalesce(array_agg(p.id), '{}')
    from public.projects as p
    where p.workspace_id = tenant and p.id <> all (hidden) and search <> '' and strpos(lower(p.name), lower(search)) > 0
$$;
revoke all on function private.projects_named(uuid, text, uuid[]) from public;

-- A page of the records that the caller may read, in the order newest, oldest, dearest or tokens. Costs are those that their
-- source told, also where they do not count.
create or replace function public.list_records(workspace uuid, chosen jsonb, sort text, skip integer, max_rows integer)
returns json
language plpgsql
stable
security definer
set search_path = ''
set jit = off -- in plans over many months it takes longer than it saves
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    hidden constant uuid[] := array(select private.hidden_projects());
    told uuid[];
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
    told := private.records_told_of(tenant, $2 ->> 'session', private.only_own_rows(tenant), hidden);
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
            offset $11 limit $12
        ) as p$q$,
        private.where_records($2, told),
        orders ->> $3
    )
    into page
    using
        tenant, $2, ($2 ->> 'first_at')::timestamptz, ($2 ->> 'last_at')::timestamptz,
        private.projects_named(tenant, $2 ->> 'search', hidden), ($2 #>> '{before,at}')::timestamptz,
        (select auth.uid()), private.only_own_rows(tenant), hidden, told, $4, $5;
    return page;
end
$$;
revoke all on function public.list_records(uuid, jsonb, text, integer, integer) from public, anon, service_role;
grant execute on function public.list_records(uuid, jsonb, text, integer, integer) to authenticated;

-- The sums of public.sum_records from those of days, which the view has; null where these do not know what is asked.
create or replace function private.sum_of_days(tenant uuid, chosen jsonb, zone text)
returns json
language plpgsql
stable
set search_path = ''
as $$
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
revoke all on function private.sum_of_days(uuid, jsonb, text) from public;

-- What the records that the caller may read sum up to, as far as they count: {records, unpriced, days: [[day, spend, included,
-- tokens]]}, where included is the value of what plans cover. Days are the workspace's. Calls are told at their own cost, also
-- where a bill counts in its place.
create or replace function public.sum_records(workspace uuid, chosen jsonb)
returns json
language plpgsql
stable
security definer
set search_path = ''
set jit = off -- in plans over many months it takes longer than it saves
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    hidden constant uuid[] := array(select private.hidden_projects());
    counts constant text := case when $2 ? 'calls' then 'r.tokens_are_effective' else 'r.money_is_effective' end;
    told uuid[];
    sums json;
begin
    perform private.check_records_filter($2);
    sums := private.sum_of_days(tenant, $2, private.timezone_of(tenant));
    if sums is not null then
        return sums;
    end if;
    told := private.records_told_of(tenant, $2 ->> 'session', private.only_own_rows(tenant), hidden);
    execute format(
        $q$select json_build_object(
            'records', coalesce(sum(d.records), 0), 'unpriced', coalesce(sum(d.unpriced), 0),
            'days', coalesce(
                json_agg(json_build_array(d.day, d.spend::text, d.included::text, d.tokens) order by d.day), '[]'
            )
        )
        from (
            select
                coalesce(r.day, (r.timestamp at time zone $11)::date) as day, count(*) as records,
                count(*) filter (
                    where %1$s and r.cost_usd is null
                    and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
                ) as unpriced,
                coalesce(sum(r.cost_usd) filter (where %1$s and r.cost_basis <> 'included'), 0) as spend,
                coalesce(sum(r.cost_usd) filter (where %1$s and r.cost_basis = 'included'), 0) as included,
                coalesce(sum(r.tokens_used) filter (where r.tokens_are_effective), 0) as tokens
            from public.cost_records as r
            where %2$s
            group by 1
        ) as d$q$,
        counts, private.where_records($2, told)
    )
    into sums
    using
        tenant, $2, ($2 ->> 'first_at')::timestamptz, ($2 ->> 'last_at')::timestamptz,
        private.projects_named(tenant, $2 ->> 'search', hidden), ($2 #>> '{before,at}')::timestamptz,
        (select auth.uid()), private.only_own_rows(tenant), hidden, told, private.timezone_of(tenant);
    return sums;
end
$$;
revoke all on function public.sum_records(uuid, jsonb) from public, anon, service_role;
grant execute on function public.sum_records(uuid, jsonb) to authenticated;
