-- 117_reading_experiments.sql: lists of experiments, one experiment with its runs, and those of another installation.

-- The experiments of a workspace that the caller sees, newest first, each with its variants and their runs.
create or replace function public.list_experiments(workspace uuid)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
begin
    return (
        select
            coalesce(json_agg(
                to_jsonb(e) - 'workspace_id' - 'decision' - 'metadata' || jsonb_build_object(
                    'margin', e.margin::text, 'sentence', e.decision -> 'sentence', 'variants', (
                        select
                            jsonb_agg(jsonb_build_object(
                                'name', v.name, 'is_baseline', v.is_baseline, 'match', v.match, 'runs', (
                                    select count(*) from public.experiment_runs as r
                                    where r.experiment_id = e.id and r.variant_id = v.id
                                )
                            ) order by v.nth)
                        from public.experiment_variants as v
                        where v.experiment_id = e.id
                    )
                )
                order by e.status = 'archived', e.created_at desc, e.id
            ), '[]')
        from public.experiments as e
        where
            e.workspace_id = tenant
            and e.workspace_id in (select private.workspaces_showing_totals())
            and (e.project_id is null or e.project_id not in (select private.hidden_projects()))
    );
end
$$;
revoke all on function public.list_experiments(uuid) from public, anon, service_role;
grant execute on function public.list_experiments(uuid) to authenticated;

-- The runs of an experiment, as the caller may see them. Where persons' costs are not shown, a run of other people's records is
-- no row to its reader: its figures and its scores have ids that mean nothing and differ, so that neither is told of a session.
-- Own runs, and those that were brought for the experiment with their figures, are shown.
create or replace function private.seen_runs(experiment public.experiments)
returns table (run_id uuid, is_shown boolean, figures_id uuid, scores_id uuid)
language plpgsql
stable
rows 1000
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
declare
    only_own constant uuid := private.only_own_rows(experiment.workspace_id); -- null for everybody's
    salt constant text := gen_random_uuid()::text;
begin
    if only_own is null then
        return query
        select r.id, true, r.id, r.id
        from public.experiment_runs as r
        where r.experiment_id = experiment.id;
        return;
    end if;
    return query
    with own as materialized (
        select distinct private.dimension_value(c.metadata, array['session', 'session_id']) as session
        from public.cost_records as c
        where
            c.workspace_id = experiment.workspace_id and c.user_id = only_own and c.timestamp >= experiment.starts_at
            and c.metadata ?| array['session', 'session_id']
    ),

    seen as materialized (
        select
            r.id, r.variant_id, r.item_key,
            r.source <> 'records' and not r.metadata ? 'is_filled'
            -- Of a session with records of several people, none alone is its own.
            or o.session is not null and not exists (
                select
                from public.cost_records as c
                where
                    c.workspace_id = experiment.workspace_id and c.metadata ?| array['session', 'session_id']
                    and left(
                        coalesce(nullif(btrim(c.metadata ->> 'session'), ''), nullif(btrim(c.metadata ->> 'session_id'), '')), 200
                    ) = r.session
                    and c.user_id is distinct from only_own
            ) as is_shown
        from public.experiment_runs as r
        left join own as o on r.session = o.session
        where r.experiment_id = experiment.id
    ),

    -- Scores go with other figures of the same variant and input.
    mixed as (
        select
            s.*,
            row_number() over (partition by s.variant_id, s.item_key, s.is_shown order by md5(salt || s.id)) as nth,
            row_number() over (partition by s.variant_id, s.item_key, s.is_shown order by md5(s.id || salt)) as other_nth
        from seen as s
    )

    select
        m.id, m.is_shown,
        case when m.is_shown then m.id else md5(concat_ws(' ', salt, m.variant_id, m.nth, m.item_key))::uuid end,
        case when m.is_shown then m.id else md5(concat_ws(' ', salt, m.variant_id, m.other_nth, m.item_key))::uuid end
    from mixed as m;
end
$$;
revoke all on function private.seen_runs(public.experiments) from public;

-- An experiment with everything: {experiment, variants, runs, scores, to_rate}. Runs are arrays [id, variant, session, item_key,
-- happened_at, cost_usd, input_tokens, output_tokens, calls, latency_ms, ok, source], newest first, the variant by its number; a
-- run that the caller may only count has no session, and of its time only the day. Scores of the primary one are [run, kind,
-- value, by, user]. `to_rate` are runs of this kind that no person rated, [id, session, item_key], for those who may rate them.
-- Amounts and values are texts, since a float would round them.
create or replace function public.read_experiment(experiment uuid)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '30s' -- PostgREST applies it
as $$
declare
    e constant public.experiments := private.require_experiment(experiment, 'viewer');
    may_rate constant boolean := e.workspace_id in (select private.workspaces_as('member'));
begin
    return (
        with seen as materialized (
            select s.*, r.*
            from private.seen_runs(e) as s
            inner join public.experiment_runs as r on s.run_id = r.id
        )

        select json_build_object(
            'experiment', to_jsonb(e) - 'workspace_id' || jsonb_build_object('margin', e.margin::text),
            'variants', (
                select json_agg(to_jsonb(v) - 'workspace_id' - 'experiment_id' - 'metadata' order by v.nth)
                from public.experiment_variants as v
                where v.experiment_id = e.id
            ),
            'runs', (
                select
                    coalesce(json_agg(json_build_array(
                        s.figures_id, v.nth, case when s.is_shown then s.session else '' end, s.item_key, t.told_at,
                        s.cost_usd::text, s.input_tokens, s.output_tokens, s.calls, s.latency_ms, s.ok, s.source
                    ) order by t.told_at desc, case when s.is_shown then s.session else s.figures_id::text end), '[]')
                from seen as s
                inner join public.experiment_variants as v on s.experiment_id = v.experiment_id and s.variant_id = v.id
                cross join lateral (
                    select
                        case when s.is_shown then s.happened_at else date_trunc('day', s.happened_at, 'UTC') end as told_at
                ) as t
            ),
            'scores', (
                select
                    coalesce(json_agg(
                        json_build_array(s.scores_id, o.kind, o.value::text, o.scored_by, o.user_id) order by o.id
                    ), '[]')
                from seen as s
                inner join public.scores as o on s.run_id = o.experiment_run_id
                where o.name = e.primary_score
            ),
            'to_rate', (
                select coalesce(json_agg(json_build_array(s.run_id, s.session, s.item_key) order by s.run_id), '[]')
                from seen as s
                where
                    may_rate and not s.is_shown and not exists (
                        select
                        from public.scores as o
                        where o.experiment_run_id = s.run_id and o.name = e.primary_score and o.scored_by = 'human'
                    )
            )
        )
    );
end
$$;
revoke all on function public.read_experiment(uuid) from public, anon, service_role;
grant execute on function public.read_experiment(uuid) to authenticated;

-- Makes an experiment of another installation's export, with its runs, scores, and what was decided there: the details of
-- save_experiment, {decided_variant, decided_at, decision, gathered, metadata}, and `runs` and `scores` as save_runs takes them.
create or replace function public.bring_experiment(workspace uuid, details jsonb)
returns uuid
language plpgsql
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    given constant public.experiments := jsonb_populate_record(null::public.experiments, $2);
    made public.experiments;
    told text;
begin
    made.id := public.save_experiment(tenant, $2 - 'id');
    made.workspace_id := tenant;
    foreach told in array array['records', 'file', 'api'] loop
        perform private.keep_runs(
            made,
            (
                select coalesce(jsonb_agg(r.run), '[]')
                from jsonb_array_elements(coalesce($2 -> 'runs', '[]')) as r (run)
                where r.run ->> 'source' = told
            ),
            told
        );
    end loop;
    perform private.check_run_count(made.id);
    perform private.keep_scores(made.id, coalesce($2 -> 'scores', '[]'));
    update public.experiments as e
    set
        status = given.status, decided_variant = given.decided_variant, decided_at = given.decided_at, decision = given.decision,
        gathered = coalesce(given.gathered, '{}'), metadata = coalesce(given.metadata, '{}')
    where e.id = made.id and given.status is not null;
    return made.id;
exception
    when check_violation then
        raise exception 'What was decided of this experiment does not fit together.' using errcode = '22023';
end
$$;
revoke all on function public.bring_experiment(uuid, jsonb) from public, anon, service_role;
grant execute on function public.bring_experiment(uuid, jsonb) to authenticated;
