-- 041_nightly_run.sql: what the nightly run did, and the days and models that it found out of the ordinary.

-- public.anomalies: a day outside the 95% range that was predicted for it, a day that cost several times a usual one of its
-- weekday (metadata has the basis 'history', and the model that caused it), or a model that is new and takes a share of the
-- spend. The nightly run writes them; members read them and may mute them.
create table if not exists public.anomalies (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    day date not null check (day between date '2020-01-01' and date '2100-01-01'), -- of a new model its first
    provider_id uuid references public.providers (id), -- null = all
    model_name text check (length(model_name) between 1 and 200), -- null = all
    kind text not null check (kind in ('spend', 'new_model')),
    actual_usd numeric(18, 10) not null, -- of a new model what it has cost since its first day
    expected_usd numeric(18, 10),
    lower_95 numeric(18, 10),
    upper_95 numeric(18, 10),
    -- Parts in US dollars by name, as text: of a day its difference from the 28 before, of a new model the spend since then.
    attribution jsonb not null default '{}' check (
        jsonb_typeof(attribution) = 'object' and pg_column_size(attribution) <= 65536
    ),
    muted_at timestamptz check (muted_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    constraint anomalies_once unique nulls not distinct (workspace_id, day, provider_id, model_name, kind),
    constraint anomalies_range check (
        kind <> 'spend' or (expected_usd is not null and lower_95 is not null and upper_95 is not null)
    ),
    constraint anomalies_numbers check (greatest(actual_usd, expected_usd, lower_95, upper_95) <> 'NaN'),
    constraint anomalies_model check (kind <> 'new_model' or model_name is not null)
);
create index if not exists anomalies_provider_id_idx on public.anomalies (provider_id);
alter table public.anomalies enable row level security;
revoke all on public.anomalies from anon, authenticated, service_role;
grant select, update (muted_at) on public.anomalies to authenticated;
grant select, insert, update, delete on public.anomalies to service_role;

drop policy if exists anomalies_select_member on public.anomalies;
create policy anomalies_select_member
    on public.anomalies
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_showing_totals())));

drop policy if exists anomalies_mute_member on public.anomalies;
create policy anomalies_mute_member
    on public.anomalies
    for update
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('member')))
        and workspace_id = any(array(select private.workspaces_showing_totals()))
    )
    with check (workspace_id = any(array(select private.workspaces_as('member'))));

select private.note_changes_of('public.anomalies');

-- public.job_runs: one row for a nightly run (no workspace) and one for each workspace's part in it; of kind `change` one for the
-- newest forecast of a workspace after changes of a day. A partial run did everything but for some workspaces.
create table if not exists public.job_runs (
    id uuid primary key default gen_random_uuid(),
    run_id uuid not null,
    workspace_id uuid references public.workspaces (id) on delete cascade,
    kind text not null default 'nightly' check (kind in ('nightly', 'change')),
    day date not null check (day between date '2020-01-01' and date '2100-01-01'),
    started_at timestamptz not null default now() check (
        started_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    finished_at timestamptz check (finished_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    status text not null default 'running' check (status in ('running', 'done', 'partial', 'failed')),
    steps jsonb not null default '[]' check (jsonb_typeof(steps) = 'array' and pg_column_size(steps) <= 1048576),
    error text check (length(error) <= 10000),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    constraint job_runs_once unique nulls not distinct (run_id, workspace_id)
);
create index if not exists job_runs_workspace_id_idx on public.job_runs (workspace_id, started_at desc);
alter table public.job_runs enable row level security;
revoke all on public.job_runs from anon, authenticated, service_role;
grant select on public.job_runs to authenticated;
grant select, insert, update, delete on public.job_runs to service_role;

-- Its steps name connections, models and projects; public.last_run tells others what they may know.
drop policy if exists job_runs_select_admin on public.job_runs;
create policy job_runs_select_admin
    on public.job_runs
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

select private.note_changes_of('public.job_runs');

-- Entries on series, without those of these projects.
create or replace function private.omit_series(entries jsonb, hidden uuid[])
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select coalesce(jsonb_agg(e.entry order by e.place), '[]')
    from jsonb_array_elements(entries) with ordinality as e (entry, place)
    where e.entry ->> 'series' <> all (array(select 'project:' || h.id from unnest(hidden) as h (id)))
$$;
revoke all on function private.omit_series(jsonb, uuid[]) from public;

-- The other steps of the workspace's newest nightly run.
create or replace function private.steps_beside_forecast(tenant uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
    select coalesce(jsonb_agg(s.step order by s.place), '[]')
    from (
        select r.steps
        from public.job_runs as r
        where r.workspace_id = tenant and r.kind = 'nightly'
        order by r.started_at desc
        limit 1
    ) as newest
    cross join lateral jsonb_array_elements(newest.steps) with ordinality as s (step, place)
    where s.step ->> 'step' not in ('forecast', 'score')
$$;
revoke all on function private.steps_beside_forecast(uuid) from public;

-- A workspace's newest run, null before the first: {run_id, kind, day, started_at, finished_at, status, steps, error}. A forecast
-- after changes also has what the nightly run before it did beside forecasting. Who is no admin sees of its steps the forecasts,
-- as far as they see the forecasts themselves.
create or replace function public.last_run(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    is_admin constant boolean := exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant);
    shows_totals constant boolean := private.only_own_totals(tenant) is null;
    hidden constant uuid[] := array(select private.hidden_projects());
    run public.job_runs;
begin
    select r.* into run
    from public.job_runs as r
    where r.workspace_id = tenant and (r.kind = 'nightly' or r.status <> 'running')
    order by r.started_at desc
    limit 1;
    if not found then
        return null;
    end if;
    if run.kind = 'change' then
        run.steps := run.steps || private.steps_beside_forecast(tenant);
    end if;
    if not is_admin then
        run.error := null;
        run.steps := (
            select
                coalesce(
                    jsonb_agg(
                        s.step || jsonb_build_object(
                            'failed', private.omit_series(s.step -> 'failed', hidden),
                            'too_little_history', private.omit_series(s.step -> 'too_little_history', hidden)
                        )
                    ),
                    '[]'
                )
            from jsonb_array_elements(run.steps) as s (step)
            where shows_totals and s.step ->> 'step' = 'forecast'
        );
    end if;
    return json_build_object(
        'run_id', run.run_id, 'kind', run.kind, 'day', run.day, 'started_at', run.started_at, 'finished_at', run.finished_at,
        'status', run.status, 'steps', run.steps, 'error', run.error
    );
end
$$;
revoke all on function public.last_run(uuid) from public, anon, service_role;
grant execute on function public.last_run(uuid) to authenticated;
