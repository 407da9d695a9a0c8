-- 114_changing_experiments.sql: making, changing, deciding, archiving and deleting experiments.

-- Refuses variants that do not fit together: [{name, is_baseline, match}], their texts cleaned.
create or replace function private.check_variants(variants jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    twice record;
begin
    if jsonb_array_length(variants) not between 2 and 6 then
        raise exception 'An experiment has 2 to 6 variants.' using errcode = '22023';
    end if;
    if (select count(*) <> 1 from jsonb_array_elements(variants) as v (given) where (v.given ->> 'is_baseline')::boolean) then
        raise exception 'Choose one variant as the baseline, which the others are compared with.' using errcode = '22023';
    end if;
    if (select count(*) > count(distinct lower(v.given ->> 'name')) from jsonb_array_elements(variants) as v (given)) then
        raise exception 'Two variants have the same name. Give each a name of its own.' using errcode = '22023';
    end if;
    select a.given ->> 'name' as one, b.given ->> 'name' as other into twice
    from jsonb_array_elements(variants) with ordinality as a (given, nth)
    inner join jsonb_array_elements(variants) with ordinality as b (given, nth) on a.nth < b.nth
    where private.matches_overlap(a.given -> 'match', b.given -> 'match')
    order by a.nth, b.nth
    limit 1;
    if found then
        raise exception 'One call could be in variants % and %. Let them differ in model, prompt version, tag or agent.',
            twice.one, twice.other using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_variants(jsonb) from public;

-- Makes the variants of an experiment those given: [{id?, name, is_baseline, match}]. One with runs stays.
create or replace function private.set_variants(experiment public.experiments, given jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
    cleaned jsonb;
    kept text;
begin
    if jsonb_typeof(given) is distinct from 'array' or jsonb_array_length(given) > 6 then
        raise exception 'An experiment has 2 to 6 variants.' using errcode = '22023';
    end if;
    select
        jsonb_agg(jsonb_build_object(
            'id', v.given ->> 'id', 'name', private.clean_name(v.given ->> 'name', 'variant'), 'nth', v.nth,
            'is_baseline', coalesce((v.given ->> 'is_baseline')::boolean, false),
            'match', private.clean_match(v.given -> 'match', private.clean_name(v.given ->> 'name', 'variant'))
        ) order by v.nth)
    into cleaned
    from jsonb_array_elements(given) with ordinality as v (given, nth);
    perform private.check_variants(coalesce(cleaned, '[]'));
    select o.name into kept
    from public.experiment_variants as o
    where
        o.experiment_id = experiment.id
        and not exists (select from jsonb_array_elements(cleaned) as v (given) where v.given ->> 'id' = o.id::text)
        and exists (select from public.experiment_runs as r where r.experiment_id = experiment.id and r.variant_id = o.id)
    order by o.nth
    limit 1;
    if kept is not null then
        raise exception 'Variant % has runs, so it stays. Make a new experiment to compare others.', kept using errcode = '22023';
    end if;
    set constraints public.experiment_variants_name deferred;
    delete from public.experiment_variants as o
    where
        o.experiment_id = experiment.id
        and not exists (select from jsonb_array_elements(cleaned) as v (given) where v.given ->> 'id' = o.id::text);
    update public.experiment_variants as o
    set
        name = v.given ->> 'name', nth = (v.given ->> 'nth')::integer,
        is_baseline = (v.given ->> 'is_baseline')::boolean, match = v.given -> 'match'
    from jsonb_array_elements(cleaned) as v (given)
    where o.experiment_id = experiment.id and v.given ->> 'id' = o.id::text;
    insert into public.experiment_variants (workspace_id, experiment_id, name, nth, is_baseline, match)
    select
        experiment.workspace_id, experiment.id, v.given ->> 'name', (v.given ->> 'nth')::integer,
        (v.given ->> 'is_baseline')::boolean, v.given -> 'match'
    from jsonb_array_elements(cleaned) as v (given)
    where not exists (
        select from public.experiment_variants as o where o.experiment_id = experiment.id and v.given ->> 'id' = o.id::text
    );
    set constraints public.experiment_variants_name immediate;
end
$$;
revoke all on function private.set_variants(public.experiments, jsonb) from public;

-- Refuses details that could never be right, in sentences.
create or replace function private.check_experiment(wanted public.experiments)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if length(wanted.question) > 300 then
        raise exception 'Ask the question in 300 characters at most.' using errcode = '22023';
    end if;
    if wanted.min_runs is null or wanted.min_runs not between 30 and 20000 then
        raise exception 'Plan 30 to 20,000 runs of each variant.' using errcode = '22023';
    end if;
    if
        wanted.margin is null or wanted.margin <= 0 or wanted.margin = 'NaN'
        or wanted.margin > (case wanted.score_kind when 'bool' then 0.5 when 'rating' then 4 else 999999999999 end)
    then
        raise exception 'Give a margin above 0: up to 50 points of a pass rate, or 4 of a rating.' using errcode = '22023';
    end if;
    if wanted.ends_at <= wanted.starts_at then
        raise exception 'The experiment ends before it starts. Choose a later end.' using errcode = '22023';
    end if;
    if
        wanted.project_id is not null
        and not exists (
            select
            from public.projects as p
            where
                p.id = wanted.project_id and p.workspace_id = wanted.workspace_id
                and p.id not in (select private.hidden_projects())
        )
    then
        raise exception 'This project no longer exists. Choose another one.' using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_experiment(public.experiments) from public;

-- Refuses an easier judgement after the start: a look at the runs must not choose the bar that they have to pass.
create or replace function private.check_stricter(stored public.experiments, wanted public.experiments)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    again constant text := 'It has started, and a verdict must not follow from a look at its runs: make a new experiment.';
begin
    if
        stored.status is distinct from 'running'
        and not exists (select from public.experiment_runs as r where r.experiment_id = stored.id)
    then
        return;
    end if;
    if wanted.min_runs < stored.min_runs then
        raise exception 'The runs of each variant stay at % or more. %', to_char(stored.min_runs, 'FM99,999'), again
            using errcode = '22023';
    end if;
    if (wanted.score_kind, wanted.primary_score) is distinct from (stored.score_kind, stored.primary_score) then
        raise exception 'The score and its kind stay as they are. %', again using errcode = '22023';
    end if;
    if wanted.margin > stored.margin then
        raise exception 'The margin can only become smaller. %', again using errcode = '22023';
    end if;
    if wanted.starts_at > stored.starts_at then
        raise exception 'The first day can only become earlier. %', again using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_stricter(public.experiments, public.experiments) from public;

-- Makes an experiment, or changes the one that `details` has the id of: {id?, name, question, project_id, primary_score,
-- score_kind, margin, min_runs, starts_at, ends_at, status, variants}. Returns its id. A decided one stays as it is; of
-- a started one the judgement can only become stricter.
create or replace function public.save_experiment(workspace uuid, details jsonb)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    stored public.experiments;
    wanted public.experiments;
begin
    if $2 ->> 'id' is not null then
        stored := private.require_experiment(($2 ->> 'id')::uuid, 'member');
        if stored.status not in ('draft', 'running') or stored.workspace_id <> tenant then
            raise exception 'This experiment is decided or archived, and stays as it is. Make a new one.' using errcode = '22023';
        end if;
    else
        stored.id := gen_random_uuid();
        stored.question := '';
        stored.score_kind := 'bool';
        stored.margin := 0.05;
        stored.min_runs := 400;
        stored.starts_at := now();
    end if;
    wanted := jsonb_populate_record(stored, coalesce($2, '{}') - 'id' - 'workspace_id' - 'created_by' - 'created_at');
    wanted.name := private.clean_name(wanted.name, 'experiment');
    wanted.primary_score := nullif(btrim(wanted.primary_score), '');
    wanted.workspace_id := tenant;
    perform private.check_experiment(wanted);
    perform private.check_stricter(stored, wanted);
    insert into public.experiments as e (
        id, workspace_id, name, question, project_id, primary_score, score_kind, margin, min_runs, status, starts_at, ends_at
    )
    values (
        wanted.id, tenant, wanted.name, btrim(wanted.question), wanted.project_id, wanted.primary_score, wanted.score_kind,
        wanted.margin, wanted.min_runs,
        case when stored.status is distinct from 'running' and wanted.status = 'draft' then 'draft' else 'running' end,
        wanted.starts_at, wanted.ends_at
    )
    on conflict (id) do update
        set
            name = excluded.name, question = excluded.question, project_id = excluded.project_id,
            primary_score = excluded.primary_score, score_kind = excluded.score_kind, margin = excluded.margin,
            min_runs = excluded.min_runs, status = excluded.status, starts_at = excluded.starts_at, ends_at = excluded.ends_at;
    if $2 ? 'variants' or $2 ->> 'id' is null then
        perform private.set_variants(wanted, $2 -> 'variants');
    end if;
    return wanted.id;
exception
    when unique_violation then
        raise exception 'There is an experiment of this name already. Choose another name.' using errcode = '22023';
    when
        check_violation or invalid_text_representation or invalid_datetime_format or datetime_field_overflow
        or numeric_value_out_of_range
    then
        raise exception 'A value of this experiment is out of its bounds. Check dates, texts and numbers.' using errcode = '22023';
end
$$;
revoke all on function public.save_experiment(uuid, jsonb) from public, anon, service_role;
grant execute on function public.save_experiment(uuid, jsonb) to authenticated;

-- Decides a running experiment for one of its variants. The numbers stay as they are now, with who decided and when.
create or replace function public.decide_experiment(experiment uuid, variant text, decision jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.experiments := private.require_experiment(experiment, 'admin');
begin
    if found_one.status <> 'running' then
        raise exception 'Only a running experiment can be decided. Reload the page.' using errcode = '22023';
    end if;
    if not exists (select from public.experiment_variants as v where v.experiment_id = found_one.id and v.name = $2) then
        raise exception 'This experiment has no variant of that name. Reload the page.' using errcode = '22023';
    end if;
    if jsonb_typeof($3) is distinct from 'object' or pg_column_size($3) > 65536 then
        raise exception 'The numbers of the decision are missing. Reload the page.' using errcode = '22023';
    end if;
    update public.experiments as e
    set
        status = 'decided', decided_variant = $2, decided_at = now(), decided_by = auth.uid(), decision = $3,
        ends_at = greatest(least(coalesce(e.ends_at, now()), now()), e.starts_at + interval '1 second')
    where e.id = found_one.id;
end
$$;
revoke all on function public.decide_experiment(uuid, text, jsonb) from public, anon, service_role;
grant execute on function public.decide_experiment(uuid, text, jsonb) to authenticated;

-- Starts a draft, archives an experiment, or takes it back from the archive.
create or replace function public.move_experiment(experiment uuid, status text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.experiments := private.require_experiment(experiment, 'member');
begin
    if $2 is null or $2 not in ('running', 'archived') then
        raise exception 'Start this experiment, archive it, or take it back.' using errcode = '22023';
    end if;
    update public.experiments as e
    set
        status = case when $2 = 'archived' then $2 when e.decision is not null then 'decided' else 'running' end,
        starts_at = case when e.status = 'draft' and $2 = 'running' then least(e.starts_at, now()) else e.starts_at end
    where e.id = found_one.id;
end
$$;
revoke all on function public.move_experiment(uuid, text) from public, anon, service_role;
grant execute on function public.move_experiment(uuid, text) to authenticated;

-- Deletes an experiment with its runs and scores; the records they came from stay.
create or replace function public.delete_experiment(experiment uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.experiments := private.require_experiment(experiment, 'admin');
begin
    delete from public.experiments as e where e.id = found_one.id;
end
$$;
revoke all on function public.delete_experiment(uuid) from public, anon, service_role;
grant execute on function public.delete_experiment(uuid) to authenticated;
