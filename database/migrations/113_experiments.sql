-- 113_experiments.sql: experiments: variants of how something is done, the runs of each, and their scores. Written by functions.

-- public.experiments: a question with variants. What was decided is kept with its numbers, as they were then.
create table if not exists public.experiments (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    name text not null check (length(name) between 1 and 100),
    question text not null default '' check (length(question) <= 300),
    project_id uuid, -- only its records are gathered; it decides who sees the experiment
    primary_score text check (length(primary_score) between 1 and 100), -- null = costs alone decide
    score_kind text not null default 'bool' check (score_kind in ('bool', 'rating', 'number')),
    margin numeric not null default 0.05, -- how much worse is as good: a share for bool, else units of the score
    min_runs integer not null default 400 check (min_runs between 30 and 20000), -- of each variant
    status text not null default 'draft' check (status in ('draft', 'running', 'decided', 'archived')),
    starts_at timestamptz not null default now()
    check (starts_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    ends_at timestamptz check (ends_at > starts_at and ends_at <= timestamptz '2100-01-01T00:00Z'),
    decided_variant text check (length(decided_variant) between 1 and 100),
    decided_at timestamptz check (decided_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    decided_by uuid references auth.users (id) on delete set null,
    decision jsonb check (jsonb_typeof(decision) = 'object' and pg_column_size(decision) <= 65536),
    gathered jsonb not null default '{}' check (jsonb_typeof(gathered) = 'object' and pg_column_size(gathered) <= 8192),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_by uuid default auth.uid() references auth.users (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint experiments_of_workspace unique (workspace_id, id),
    constraint experiments_name unique (workspace_id, name),
    constraint experiments_project
    foreign key (workspace_id, project_id) references public.projects (workspace_id, id) on delete cascade,
    constraint experiments_margin check ( -- NaN is above any number
        margin > 0
        and case score_kind when 'bool' then margin <= 0.5 when 'rating' then margin <= 4 else margin < 1000000000000 end
    ),
    constraint experiments_decision check ((status = 'decided') <= (decision is not null))
);
create index if not exists experiments_project_idx on public.experiments (workspace_id, project_id);
create index if not exists experiments_decided_by_idx on public.experiments (decided_by);
create index if not exists experiments_created_by_idx on public.experiments (created_by);

-- public.experiment_variants: `match` says which calls belong to it: {model, provider, prompt, prompt_version, tag, agent}, all
-- that are given; without any, its runs are brought from elsewhere.
create table if not exists public.experiment_variants (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null,
    experiment_id uuid not null,
    nth integer not null check (nth between 1 and 6),
    name text not null check (length(name) between 1 and 100),
    is_baseline boolean not null default false,
    match jsonb not null default '{}' check (jsonb_typeof(match) = 'object' and pg_column_size(match) <= 4096),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint experiment_variants_name unique (experiment_id, name) deferrable,
    constraint experiment_variants_pair unique (experiment_id, id),
    constraint experiment_variants_experiment
    foreign key (workspace_id, experiment_id) references public.experiments (workspace_id, id) on delete cascade
);
create index if not exists experiment_variants_workspace_id_idx on public.experiment_variants (workspace_id, experiment_id);

-- public.experiment_runs: a run is a session, so that its retries belong to it; it is in one variant. `item_key` is the input
-- that runs of several variants share.
create table if not exists public.experiment_runs (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null,
    experiment_id uuid not null,
    variant_id uuid not null,
    session text not null check (length(session) between 1 and 200),
    item_key text check (length(item_key) between 1 and 200),
    happened_at timestamptz not null
    check (happened_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    cost_usd numeric(18, 10) check (cost_usd >= 0 and cost_usd <> 'NaN'), -- null = unpriced
    input_tokens bigint check (input_tokens between 0 and 1000000000000000),
    output_tokens bigint check (output_tokens between 0 and 1000000000000000),
    calls bigint check (calls between 0 and 1000000000000000),
    latency_ms bigint check (latency_ms between 0 and 31622400000),
    ok boolean, -- null = not told
    source text not null check (source in ('records', 'file', 'api')),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint experiment_runs_once unique (experiment_id, session),
    constraint experiment_runs_of_workspace unique (workspace_id, id),
    constraint experiment_runs_experiment
    foreign key (workspace_id, experiment_id) references public.experiments (workspace_id, id) on delete cascade,
    constraint experiment_runs_variant
    foreign key (experiment_id, variant_id) references public.experiment_variants (experiment_id, id) on delete cascade
);
create index if not exists experiment_runs_workspace_id_idx on public.experiment_runs (workspace_id, experiment_id);
create index if not exists experiment_runs_variant_id_idx on public.experiment_runs (experiment_id, variant_id);

-- public.scores: of a run, by a person, by code or by a model. A bool is 0 or 1, a rating 1 to 5.
create table if not exists public.scores (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null,
    experiment_run_id uuid not null,
    name text not null check (length(name) between 1 and 100),
    kind text not null check (kind in ('bool', 'rating', 'number')),
    value numeric not null,
    scored_by text not null check (scored_by in ('human', 'code', 'model')),
    user_id uuid references auth.users (id) on delete set null, -- of a human's score
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint scores_once unique nulls not distinct (experiment_run_id, name, scored_by, user_id),
    constraint scores_run
    foreign key (workspace_id, experiment_run_id) references public.experiment_runs (workspace_id, id) on delete cascade,
    constraint scores_value check (
        case kind
            when 'bool' then value in (0, 1)
            when 'rating' then value between 1 and 5
            else abs(value) <= 1000000000000 -- NaN and infinity are above
        end
    )
);
create index if not exists scores_workspace_id_idx on public.scores (workspace_id, experiment_run_id);
create index if not exists scores_user_id_idx on public.scores (user_id);

-- Who sees totals sees experiments, unless their project is private; what belongs to them is seen with them, but runs of people's
-- records, and their scores, by those alone who see persons' costs: others see their figures, and own runs, by read_experiment.
do $$
declare
    told text;
begin
    foreach told in array array['experiments', 'experiment_variants', 'experiment_runs', 'scores'] loop
        execute format('alter table public.%I enable row level security', told);
        execute format('revoke all on public.%I from anon, authenticated, service_role', told);
        execute format('grant select on public.%I to authenticated', told);
        execute format('grant select, insert, update, delete on public.%I to service_role', told);
    end loop;
end
$$;

drop policy if exists experiments_select_visible on public.experiments;
create policy experiments_select_visible
    on public.experiments
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and workspace_id = any(array(select private.workspaces_showing_totals()))
        and (project_id is null or project_id <> all(array(select private.hidden_projects())))
    );

drop policy if exists experiment_variants_select_visible on public.experiment_variants;
create policy experiment_variants_select_visible
    on public.experiment_variants
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and experiment_id = any(array(select e.id from public.experiments as e))
    );

drop policy if exists experiment_runs_select_visible on public.experiment_runs;
create policy experiment_runs_select_visible
    on public.experiment_runs
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and experiment_id = any(array(select e.id from public.experiments as e))
        and (
            workspace_id = any(array(select private.workspaces_showing_people()))
            or (source <> 'records' and not metadata ? 'is_filled')
        )
    );

drop policy if exists scores_select_visible on public.scores;
create policy scores_select_visible
    on public.scores
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and exists (
            select
            from public.experiment_runs as r
            where
                r.workspace_id = scores.workspace_id and r.id = scores.experiment_run_id
                and r.experiment_id = any(array(select e.id from public.experiments as e))
        )
    );

create or replace trigger experiments_touch
    before update on public.experiments
    for each row execute function private.touch_updated_at();
create or replace trigger experiments_bound
    after insert on public.experiments referencing new table as added
    for each statement execute function private.refuse_too_many(
        '500', 'experiments', 'Delete those that are no longer needed on the Experiments page.'
    );

select private.note_changes_of('public.experiments');
select private.note_changes_of('public.experiment_variants');
select private.note_changes_of('public.experiment_runs');
select private.note_changes_of('public.scores');
select private.audit_changes_of(
    'public.experiments',
    array[
        'name', 'question', 'project_id', 'primary_score', 'score_kind', 'margin', 'min_runs', 'status', 'starts_at', 'ends_at',
        'decided_variant'
    ]
);
select private.audit_changes_of('public.experiment_variants', array['experiment_id', 'name', 'is_baseline', 'match']);

-- An experiment that the caller sees and may change in this role.
create or replace function private.require_experiment(asked uuid, at_least text)
returns public.experiments
language plpgsql
stable
set search_path = ''
as $$
declare
    found_one public.experiments;
begin
    select e.* into found_one
    from public.experiments as e
    where
        e.id = asked
        and e.workspace_id in (select private.workspaces_as('viewer'))
        and e.workspace_id in (select private.workspaces_showing_totals())
        and (e.project_id is null or e.project_id not in (select private.hidden_projects()));
    if not found then
        raise exception 'This experiment no longer exists. Reload the page.' using errcode = '42501';
    end if;
    perform private.require_workspace(found_one.workspace_id, at_least);
    return found_one;
end
$$;
revoke all on function private.require_experiment(uuid, text) from public;

-- What a variant matches, checked: known keys with texts, versions of prompts as they are numbered.
create or replace function private.clean_match(given jsonb, variant text)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
    cleaned jsonb;
    wrong text;
begin
    select m.key into wrong
    from jsonb_each(coalesce(given, '{}')) as m (key, value)
    where
        m.key not in ('model', 'provider', 'prompt', 'prompt_version', 'tag', 'agent')
        or jsonb_typeof(m.value) not in ('string', 'null')
        or length(m.value #>> '{}') > 200
    order by m.key
    limit 1;
    if wrong is not null then
        raise exception 'Variant % cannot be matched by “%”. Give texts of model, provider, prompt, prompt_version, tag or agent.',
            variant, left(wrong, 50) using errcode = '22023';
    end if;
    select
        coalesce(jsonb_object_agg(m.key, case m.key when 'prompt_version' then private.told_version(t.said) else t.said end), '{}')
    into cleaned
    from jsonb_each(coalesce(given, '{}')) as m (key, value)
    cross join lateral (select btrim(m.value #>> '{}') as said) as t
    where t.said <> '';
    if cleaned ? 'prompt_version' and not cleaned ? 'prompt' then
        raise exception 'Variant % names a version without its prompt. Give the prompt as well.', variant using errcode = '22023';
    end if;
    return cleaned;
end
$$;
revoke all on function private.clean_match(jsonb, text) from public;

-- True for two variants that one call could belong to: no text under the same key differs. A call with the tags of both is left
-- out when runs are gathered.
create or replace function private.matches_overlap(one jsonb, other jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
    select
        one <> '{}' and other <> '{}'
        and not exists (
            select
            from jsonb_each_text(one) as m (key, value)
            where lower(other ->> m.key) <> lower(m.value)
        )
$$;
revoke all on function private.matches_overlap(jsonb, jsonb) from public;
