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

-- An experiment with everything: {experiment, variants, runs, scores}. Runs are arrays [id, variant, session, item_key,
-- happened_at, cost_usd, input_tokens, output_tokens, calls, latency_ms, ok, source], newest first, the variant by its number;
-- scores of the primary one are [run, kind, value, by, user]. Amounts and values are texts, since a float would round them.
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
begin
    return json_build_object(
        'experiment', to_jsonb(e) - 'workspace_id' || jsonb_build_object('margin', e.margin::text),
        'variants', (
            select json_agg(to_jsonb(v) - 'workspace_id' - 'experiment_id' - 'metadata' order by v.nth)
            from public.experiment_variants as v
            where v.experiment_id = e.id
        ),
        'runs', (
            select
                coalesce(json_agg(json_build_array(
                    r.id, v.nth, r.session, r.item_key, r.happened_at, r.cost_usd::text, r.input_tokens, r.output_tokens,
                    r.calls, r.latency_ms, r.ok, r.source
                ) order by r.happened_at desc, r.session), '[]')
            from public.experiment_runs as r
            inner join public.experiment_variants as v on r.experiment_id = v.experiment_id and r.variant_id = v.id
            where r.experiment_id = e.id
        ),
        'scores', (
            select
                coalesce(json_agg(
                    json_build_array(s.experiment_run_id, s.kind, s.value::text, s.scored_by, s.user_id) order by s.id
                ), '[]')
            from public.experiment_runs as r
            inner join public.scores as s on r.id = s.experiment_run_id
            where r.experiment_id = e.id and s.name = e.primary_score
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
