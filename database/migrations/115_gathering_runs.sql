-- 115_gathering_runs.sql: runs of experiments that the records make.

-- The calls of a period that variants of an experiment match, by session: what counts in totals, of the experiment's project, or
-- of all that are not private. Usage alone: a subscription or a credit is no call.
create or replace function private.matching_calls(experiment public.experiments, first_at timestamptz, last_at timestamptz)
returns table (
    variant_id uuid, is_baseline boolean, session text, at timestamptz, cost_usd numeric, is_unpriced boolean,
    input_tokens bigint, output_tokens bigint, requests bigint, duration_ms bigint
)
language plpgsql
stable
rows 1000
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    hidden constant uuid[] := array(
        select p.id from public.projects as p where p.workspace_id = experiment.workspace_id and p.is_private
    );
begin
    return query
    with wanted as materialized (
        select
            v.id, v.is_baseline, lower(v.match ->> 'model') as model, v.match ->> 'prompt' as prompt,
            v.match ->> 'prompt_version' as prompt_version, v.match ->> 'tag' as tag, v.match ->> 'agent' as agent,
            v.match ->> 'provider' as provider,
            (select p.id from public.providers as p where p.name = lower(v.match ->> 'provider')) as provider_id
        from public.experiment_variants as v
        where v.experiment_id = experiment.id and v.match <> '{}'
    ),

    calls as materialized (
        select r.*
        from public.effective_records as r
        where
            r.workspace_id = experiment.workspace_id and r.timestamp >= first_at and r.timestamp < last_at
            and r.charge_type = 'usage' and r.cost_basis in ('billed', 'estimated', 'included')
            and case
                when experiment.project_id is null then (r.project_id = any (hidden)) is not true
                else r.project_id = experiment.project_id
            end
    )

    select
        w.id, w.is_baseline, private.dimension_value(c.metadata, array['session', 'session_id']), c.timestamp, c.cost_usd,
        c.cost_usd is null and not private.is_failed_call(c.tokens_used, c.metadata),
        c.input_tokens, c.output_tokens, greatest(c.request_count, 1),
        private.milliseconds_in(c.metadata -> 'inference', 'duration_ms')
    from calls as c
    inner join wanted as w
        on (w.model is null or lower(c.model_name) = w.model or c.model_key = w.model)
        and (w.provider is null or c.provider_id = w.provider_id)
        and (w.prompt is null or private.dimension_value(c.metadata, private.dimension_keys('prompt')) = w.prompt)
        and (w.prompt_version is null or private.told_version(btrim(c.metadata ->> 'prompt_version')) = w.prompt_version)
        and (w.agent is null or private.dimension_value(c.metadata, array['agent']) = w.agent)
        and (w.tag is null or private.has_tag(c.metadata, w.tag));
end
$$;
revoke all on function private.matching_calls(public.experiments, timestamptz, timestamptz) from public;

-- Keeps the runs that the records of an experiment make: {found, left_out, without_session}. A run that was brought, without
-- figures, takes those of its records; in another variant it is left as it is, and its session counts as left out.
create or replace function private.keep_gathered_runs(experiment public.experiments, until timestamptz)
returns jsonb
language sql
set search_path = ''
as $$
    with found as materialized (
        select
            m.session, min(m.variant_id::text)::uuid as variant_id, count(distinct m.variant_id) as variants, min(m.at) as at,
            case when not bool_or(m.is_unpriced) then greatest(coalesce(sum(m.cost_usd), 0), 0) end as cost_usd,
            sum(m.input_tokens) as input_tokens, sum(m.output_tokens) as output_tokens, sum(m.requests) as calls,
            least(sum(m.duration_ms), 31622400000) as latency_ms -- what a run can have
        from private.matching_calls(experiment, experiment.starts_at, until) as m
        group by m.session
    ),

    gone as (
        delete from public.experiment_runs as r
        where
            r.experiment_id = experiment.id and r.source = 'records'
            and not exists (select from found as f where f.session = r.session and f.variants = 1)
    ),

    kept as (
        insert into public.experiment_runs as r (
            workspace_id, experiment_id, variant_id, session, happened_at, cost_usd, input_tokens, output_tokens, calls,
            latency_ms, source
        )
        select
            experiment.workspace_id, experiment.id, f.variant_id, f.session, f.at, round(f.cost_usd, 10), f.input_tokens::bigint,
            f.output_tokens::bigint, f.calls::bigint, f.latency_ms::bigint, 'records'
        from found as f
        where f.session is not null and f.variants = 1
        on conflict (experiment_id, session) do update
            set
                variant_id = excluded.variant_id,
                happened_at = case when r.source = 'records' then excluded.happened_at else r.happened_at end,
                cost_usd = excluded.cost_usd, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
                calls = excluded.calls, latency_ms = coalesce(excluded.latency_ms, r.latency_ms),
                metadata = case when r.source = 'records' then r.metadata else r.metadata || '{"is_filled": true}' end
            where
                r.source = 'records'
                or (r.variant_id = excluded.variant_id and (r.cost_usd is null or r.metadata ? 'is_filled'))
        returning r.session
    )

    select
        jsonb_build_object(
            'found', (select count(*) from found as f where f.session is not null),
            'left_out', (
                select count(*)
                from found as f
                left join public.experiment_runs as r
                    on r.experiment_id = experiment.id and r.session = f.session and r.source <> 'records'
                where f.session is not null and (f.variants > 1 or r.variant_id <> f.variant_id)
            ),
            'without_session', (select coalesce(sum(f.calls), 0) from found as f where f.session is null)
        )
$$;
revoke all on function private.keep_gathered_runs(public.experiments, timestamptz) from public;

-- Gathers the runs of a running experiment from the records again: {at, found, left_out, without_session, matched_usd}. A session
-- that two variants match is left out and counted. `matched_usd` is what the calls of the baseline cost in the last 28 complete
-- days.
create or replace function private.gather_experiment(experiment public.experiments)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    today constant timestamptz := date_trunc('day', now(), 'UTC');
    sums jsonb;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.experiment.' || experiment.id::text, 0));
    sums := private.keep_gathered_runs(experiment, least(coalesce(experiment.ends_at, 'infinity'), now() + interval '1 day'));
    perform private.check_run_count(experiment.id);
    sums := sums || jsonb_build_object(
        'at', now(),
        'matched_usd', (
            select coalesce(sum(m.cost_usd), 0)::text
            from private.matching_calls(experiment, today - interval '28 days', today) as m
            where m.is_baseline
        )
    );
    update public.experiments as x set gathered = sums where x.id = experiment.id and x.gathered <> sums;
    return sums;
end
$$;
revoke all on function private.gather_experiment(public.experiments) from public;

-- The same for somebody who may change the experiment.
create or replace function public.gather_runs(experiment uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records of the period are read
as $$
declare
    e constant public.experiments := private.require_experiment(experiment, 'member');
begin
    if e.status <> 'running' then
        raise exception 'Runs are gathered while an experiment runs. Start it first.' using errcode = '22023';
    end if;
    return private.gather_experiment(e);
end
$$;
revoke all on function public.gather_runs(uuid) from public, anon, service_role;
grant execute on function public.gather_runs(uuid) to authenticated;

-- The experiments of a workspace whose runs the nightly run gathers, those first that waited longest.
create or replace function private.gathering_experiments(tenant uuid)
returns setof uuid
language sql
stable
set search_path = ''
as $$
    select e.id
    from public.experiments as e
    where
        e.workspace_id = tenant
        and e.status = 'running'
        and exists (select from public.experiment_variants as v where v.experiment_id = e.id and v.match <> '{}')
    order by e.gathered ->> 'at' nulls first, e.id
$$;
revoke all on function private.gathering_experiments(uuid) from public;

-- Refuses runs beyond what one page can compare.
create or replace function private.check_run_count(experiment uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
    if (select count(*) > 40000 from public.experiment_runs as r where r.experiment_id = experiment) then
        raise exception 'An experiment can have 40,000 runs at most. Choose a later start, or a project.' using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_run_count(uuid) from public;
