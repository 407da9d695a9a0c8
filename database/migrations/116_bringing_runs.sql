-- 116_bringing_runs.sql: runs and scores of experiments that files and programs bring.

-- The experiment of a name, or of an id, that the caller may bring runs to.
create or replace function private.find_experiment(tenant uuid, named text)
returns public.experiments
language plpgsql
stable
set search_path = ''
as $$
declare
    found_id uuid;
begin
    select e.id into found_id
    from public.experiments as e
    where e.workspace_id = tenant and (e.name = named or e.id::text = lower(named))
    order by e.name = named
    limit 1;
    if found_id is null then
        raise exception 'There is no experiment “%” in this workspace. Make it on the page Experiments first.',
            left(coalesce(named, ''), 100) using errcode = '22023';
    end if;
    return private.require_experiment(found_id, 'member');
end
$$;
revoke all on function private.find_experiment(uuid, text) from public;

-- Refuses scores by which an experiment is judged, of another kind than its own: they would never count.
create or replace function private.check_score_kinds(experiment public.experiments, given jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    wrong text;
begin
    select s.kind into wrong
    from jsonb_to_recordset(given) as s (name text, kind text)
    where s.name = experiment.primary_score and s.kind <> experiment.score_kind
    limit 1;
    if found then
        raise exception 'Scores “%” are of the kind % in this experiment, not %. Send %.', experiment.primary_score,
            experiment.score_kind, wrong, case experiment.score_kind
                when 'bool' then '0 or 1' when 'rating' then 'ratings from 1 to 5' else 'numbers'
            end
            using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_score_kinds(public.experiments, jsonb) from public;

-- Keeps the scores of runs: [{session, name, kind, value, by}]. A person's own score replaces the one before.
create or replace function private.keep_scores(experiment uuid, given jsonb)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
    missing text;
    kept bigint;
begin
    select s.session into missing
    from jsonb_to_recordset(given) as s (session text)
    where not exists (select from public.experiment_runs as r where r.experiment_id = $1 and r.session = s.session)
    limit 1;
    if found then
        raise exception 'There is no run “%” in this experiment. Send the run before its scores.', left(missing, 100)
            using errcode = '22023';
    end if;
    insert into public.scores as o (workspace_id, experiment_run_id, name, kind, value, scored_by, user_id)
    select distinct on (r.id, s.name, s.by)
        r.workspace_id, r.id, s.name, s.kind, s.value, s.by, case when s.by = 'human' then auth.uid() end
    from jsonb_array_elements(given) with ordinality as e (score, nth)
    cross join lateral jsonb_to_record(e.score) as s (session text, name text, kind text, value numeric, by text)
    inner join public.experiment_runs as r on r.experiment_id = $1 and r.session = s.session
    order by r.id, s.name, s.by, e.nth desc
    on conflict on constraint scores_once do update set kind = excluded.kind, value = excluded.value;
    get diagnostics kept = row_count;
    if
        exists (
            select from public.scores as o
            where o.experiment_run_id in (
                select r.id
                from public.experiment_runs as r
                inner join jsonb_to_recordset(given) as s (session text) on r.session = s.session
                where r.experiment_id = $1
            )
            group by o.experiment_run_id
            having count(*) > 50
        )
    then
        raise exception 'A run can have 50 scores at most.' using errcode = '22023';
    end if;
    return kept;
exception
    when check_violation or not_null_violation or invalid_text_representation or numeric_value_out_of_range then
        raise exception 'A score is out of its bounds: 0 or 1 for bool, 1 to 5 for a rating, else a number.' using errcode = '22023';
end
$$;
revoke all on function private.keep_scores(uuid, jsonb) from public;

-- Writes brought runs, the last one of a session: figures that are not given stay as they are.
create or replace function private.keep_runs(experiment public.experiments, given jsonb, source text)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
    kept bigint;
begin
    insert into public.experiment_runs as r (
        workspace_id, experiment_id, variant_id, session, item_key, happened_at, cost_usd, input_tokens, output_tokens, calls,
        latency_ms, ok, source
    )
    select distinct on (g.session)
        experiment.workspace_id, experiment.id, v.id, g.session, g.item_key, coalesce(g.happened_at, now()),
        round(g.cost_usd, 10), g.input_tokens, g.output_tokens, g.calls, g.latency_ms, g.ok, $3
    from jsonb_array_elements(given) with ordinality as o (run, nth)
    cross join lateral jsonb_to_record(o.run) as g (
        variant text, session text, item_key text, happened_at timestamptz, cost_usd numeric, input_tokens bigint,
        output_tokens bigint, calls bigint, latency_ms bigint, ok boolean
    )
    inner join public.experiment_variants as v on v.experiment_id = experiment.id and v.name = g.variant
    order by g.session, o.nth desc
    on conflict (experiment_id, session) do update
        set
            item_key = coalesce(excluded.item_key, r.item_key), cost_usd = coalesce(excluded.cost_usd, r.cost_usd),
            input_tokens = coalesce(excluded.input_tokens, r.input_tokens),
            output_tokens = coalesce(excluded.output_tokens, r.output_tokens), calls = coalesce(excluded.calls, r.calls),
            latency_ms = coalesce(excluded.latency_ms, r.latency_ms), ok = coalesce(excluded.ok, r.ok);
    get diagnostics kept = row_count;
    return kept;
exception
    when check_violation or not_null_violation or data_exception then
        raise exception 'A run is out of its bounds. Check its session, time, cost and counts.' using errcode = '22023';
end
$$;
revoke all on function private.keep_runs(public.experiments, jsonb, text) from public;

-- Brings runs to an experiment that is not decided, by its name or id, all or none: [{variant, session, item_key, happened_at,
-- cost_usd, input_tokens, output_tokens, calls, latency_ms, ok}] and their scores. Returns {runs, scores}.
create or replace function public.save_runs(workspace uuid, experiment text, runs jsonb, scores jsonb, source text)
returns json
language plpgsql
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    e constant public.experiments := private.find_experiment(tenant, $2);
    wrong record;
    kept bigint;
    scored bigint;
begin
    if e.status in ('decided', 'archived') then
        raise exception 'This experiment is % and takes no more runs.', e.status using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.experiment.' || e.id::text, 0));
    select g.session, g.variant into wrong
    from jsonb_to_recordset(coalesce($3, '[]')) as g (session text, variant text)
    where not exists (select from public.experiment_variants as v where v.experiment_id = e.id and v.name = g.variant)
    limit 1;
    if found then
        raise exception 'Run “%” names the variant “%”, which this experiment does not have.', left(wrong.session, 100),
            left(coalesce(wrong.variant, ''), 100) using errcode = '22023';
    end if;
    select g.session, min(g.variant) as one, max(g.variant) as other into wrong
    from (
        select n.session, n.variant from jsonb_to_recordset(coalesce($3, '[]')) as n (session text, variant text)
        union all
        select r.session, v.name
        from public.experiment_runs as r
        inner join public.experiment_variants as v on r.experiment_id = v.experiment_id and r.variant_id = v.id
        where r.experiment_id = e.id
    ) as g
    group by g.session
    having count(distinct g.variant) > 1
    limit 1;
    if found then
        raise exception 'Run “%” is in two variants, % and %. A run is in one.', left(wrong.session, 100), wrong.one, wrong.other
            using errcode = '22023';
    end if;
    kept := private.keep_runs(e, coalesce($3, '[]'), $5);
    perform private.check_run_count(e.id);
    scored := private.keep_scores(e.id, coalesce($4, '[]'));
    perform private.check_score_kinds(e, coalesce($4, '[]'));
    return json_build_object('runs', kept, 'scores', scored);
end
$$;
revoke all on function public.save_runs(uuid, text, jsonb, jsonb, text) from public, anon, service_role;
grant execute on function public.save_runs(uuid, text, jsonb, jsonb, text) to authenticated;

-- Keeps scores of runs that are there, of an experiment by its name or id, also once it is decided: [{session, name, kind, value,
-- by}]. Returns how many.
create or replace function public.save_scores(workspace uuid, experiment text, scores jsonb)
returns bigint
language plpgsql
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    e constant public.experiments := private.find_experiment(tenant, $2);
    kept bigint;
begin
    if e.status = 'archived' then
        raise exception 'This experiment is archived and takes no more scores.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tally.experiment.' || e.id::text, 0));
    kept := private.keep_scores(e.id, coalesce($3, '[]'));
    perform private.check_score_kinds(e, coalesce($3, '[]'));
    return kept;
end
$$;
revoke all on function public.save_scores(uuid, text, jsonb) from public, anon, service_role;
grant execute on function public.save_scores(uuid, text, jsonb) to authenticated;
