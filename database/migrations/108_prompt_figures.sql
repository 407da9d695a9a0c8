-- 108_prompt_figures.sql: what the versions of prompts did and cost in a period, from the records that name them.
--
-- Figures are those of the calls themselves, as in 084_model_performance.sql. With 20,000, 40,000 and 80,000 calls in the period
-- they took 1.0, 2.3 and 5.8 seconds on a machine with ten times the work that it could do, and those of one of two prompts half
-- as long: the time grows with the calls, and no faster. More than private.max_calls() are refused with a sentence.

-- A number of milliseconds; null for one that no call can have, as metadata may be anybody's.
create or replace function private.milliseconds_in(told jsonb, name text)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select case
        when jsonb_typeof($1 -> $2) = 'number' and ($1 -> $2)::numeric between 0 and 31622400000 then ($1 -> $2)::numeric::bigint
    end
$$;
revoke all on function private.milliseconds_in(jsonb, text) from public;

-- The calls of a period that name a prompt, each once: another source's statement may be the record of the event, but names none.
-- They are everybody's for all who see totals, as figures of versions name nobody, but not those of others' private projects.
-- Costs are those of the calls themselves, as in private.model_calls. The nil project is none.
create or replace function private.prompt_calls(
    tenant uuid, first_at timestamptz, last_at timestamptz, project uuid, prompt text
)
returns table (
    of_prompt text, told text, called_at timestamptz, model_name text, calls bigint, tokens bigint, input_tokens bigint,
    output_tokens bigint, cost_usd numeric, is_failed boolean, duration_ms bigint
)
language plpgsql
stable
rows 10000
set search_path = ''
set jit = off
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
#variable_conflict use_column
declare
    caller constant uuid := auth.uid();
    only_own constant uuid := private.only_own_totals(tenant); -- null for everybody's
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
$$;
revoke all on function private.prompt_calls(uuid, timestamptz, timestamptz, uuid, text) from public;

-- The same with the numbers of their versions: `named` is what a version is called that is not registered yet, `timed` how many
-- of its calls since `starts_at` tell how long they took; those before are `is_before`.
create or replace function private.numbered_prompt_calls(
    tenant uuid, first_at timestamptz, starts_at timestamptz, last_at timestamptz, project uuid, prompt text
)
returns table (
    of_prompt text, number integer, named text, timed bigint, is_before boolean, called_at timestamptz, model_name text,
    calls bigint, tokens bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, is_failed boolean,
    duration_ms bigint
)
language plpgsql
stable
rows 10000
set search_path = ''
set jit = off
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
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
$$;
revoke all on function private.numbered_prompt_calls(uuid, timestamptz, timestamptz, timestamptz, uuid, text) from public;

-- What the versions of prompts did in a period of up to 400 days, and how much they did in the period of the same length before:
-- {versions, days, before}. Of calls that are told one by one, `costs` have a known cost: the sums of its powers, of which
-- intervals are made, and the highest; `latency_ms` is the low end of the median's 95% interval, by ranks, the median, the high
-- end, and the 95th percentile, of calls that went well. `number` is null for a version that is not registered yet, and for calls
-- without one, whose `told` is empty. Amounts are texts.
create or replace function public.prompt_figures(
    workspace uuid, from_date date, to_date date, project uuid default null, prompt text default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all calls of the period that name a prompt are read
set plan_cache_mode = force_custom_plan
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    zone constant text := private.timezone_of(tenant);
begin
    if isfinite($2) is not true or isfinite($3) is not true or $2 > $3 or $3 - $2 >= 400 then
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
$$;
revoke all on function public.prompt_figures(uuid, date, date, uuid, text) from public, anon, service_role;
grant execute on function public.prompt_figures(uuid, date, date, uuid, text) to authenticated;
