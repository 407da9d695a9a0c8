-- 122_prompt_scores.sql: what runs of experiments scored for each version of a prompt.

-- Scores of a period by the versions that variants of experiments name, of experiments that the caller sees: [{prompt, number,
-- told, name, kind, margin, scored, powers}], for each name of a main score. A run counts once, by what people say, else code,
-- else a model: their mean, or of a pass or fail what most say. `number` is null for a version that is not registered, and for a
-- variant that names none, whose `told` is empty. `powers` are the sums of the scores and of their squares, cubes and fourth
-- powers, as texts.
create or replace function public.prompt_scores(
    workspace uuid, from_date date, to_date date, project uuid default null, prompt text default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all scores of the period are read
set plan_cache_mode = force_custom_plan
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    zone constant text := private.timezone_of(tenant);
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    if isfinite($2) is not true or isfinite($3) is not true or $2 > $3 or $3 - $2 >= 400 then
        raise exception 'Give the first and the last day of a period of at most 400 days.' using errcode = '22023';
    end if;
    return (
        with given as (
            select
                v.match ->> 'prompt' as of_prompt, coalesce(v.match ->> 'prompt_version', '') as told, s.name, s.kind, r.session,
                s.value, e.margin, array_position(array['human', 'code', 'model'], s.scored_by) as place
            from public.experiments as e
            inner join public.experiment_variants as v on e.id = v.experiment_id and v.match ? 'prompt'
            inner join public.experiment_runs as r on v.experiment_id = r.experiment_id and v.id = r.variant_id
            inner join public.scores as s on r.workspace_id = s.workspace_id and r.id = s.experiment_run_id
            where
                e.workspace_id = tenant
                and e.workspace_id = any(array(select private.workspaces_showing_totals()))
                and (e.project_id is null or e.project_id <> all (hidden))
                and ($4 is null or coalesce(e.project_id, '00000000-0000-0000-0000-000000000000') = $4)
                and ($5 is null or v.match ->> 'prompt' = $5)
                and r.happened_at >= private.day_start($2, zone) and r.happened_at < private.day_start($3 + 1, zone)
                and s.name = e.primary_score and s.kind = e.score_kind
        ),

        believed as (
            select g.*, min(g.place) over (partition by g.of_prompt, g.told, g.name, g.kind, g.session) as first_place
            from given as g
        ),

        runs as (
            select
                b.of_prompt, b.told, b.name, b.kind, min(b.margin) as margin,
                case b.kind when 'bool' then (avg(b.value) > 0.5)::integer else avg(b.value) end as value
            from believed as b
            where b.place = b.first_place
            group by b.of_prompt, b.told, b.name, b.kind, b.session
        ),

        sums as (
            select
                r.of_prompt, r.told, r.name, r.kind, min(r.margin)::text as margin, count(*) as scored,
                array[
                    sum(r.value), sum(r.value * r.value), sum(r.value * r.value * r.value),
                    sum(r.value * r.value * r.value * r.value)
                ]::text[] as powers
            from runs as r
            group by r.of_prompt, r.told, r.name, r.kind
        )

        select
            coalesce(json_agg(
                json_build_object(
                    'prompt', s.of_prompt, 'number', n.number, 'told', case when n.number is null then s.told else '' end,
                    'name', s.name, 'kind', s.kind, 'margin', s.margin, 'scored', s.scored, 'powers', s.powers
                )
                order by s.of_prompt, n.number desc nulls last, s.told, s.name, s.kind
            ), '[]')
        from sums as s
        left join public.prompts as p on p.workspace_id = tenant and s.of_prompt = p.name
        cross join lateral (select private.find_told_version(p.id, nullif(s.told, '')) as number) as n
        where p.project_id is null or p.project_id <> all (hidden)
    );
end
$$;
revoke all on function public.prompt_scores(uuid, date, date, uuid, text) from public, anon, service_role;
grant execute on function public.prompt_scores(uuid, date, date, uuid, text) to authenticated;
