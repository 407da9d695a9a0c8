-- 040_forecasts.sql: what the nightly run predicted. It writes as a service; members read.

-- public.forecast_results: one predicted day of one series in one run. Runs accumulate, so that predictions can be compared
-- with actuals.
create table if not exists public.forecast_results (
    id uuid primary key default gen_random_uuid(),
    run_id uuid not null,
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    provider_id uuid references public.providers (id), -- null = all
    model_name text check (length(model_name) between 1 and 200), -- null = all
    project_id uuid, -- null = all; a project's series is the total of the project
    forecast_date date not null check (forecast_date between date '2020-01-01' and date '2100-01-01'),
    predicted_cost_usd numeric(18, 10) not null,
    lower_bound_80 numeric(18, 10) not null,
    upper_bound_80 numeric(18, 10) not null,
    lower_bound_95 numeric(18, 10) not null,
    upper_bound_95 numeric(18, 10) not null,
    confidence_score numeric(3, 2) not null check (confidence_score between 0 and 1),
    model_version text not null check (length(model_version) between 1 and 100),
    training_data_start date not null check (training_data_start >= date '2020-01-01'),
    training_data_end date not null,
    training_record_count bigint not null check (training_record_count between 0 and 1000000000000000),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    constraint forecast_results_once unique nulls not distinct (
        run_id, workspace_id, provider_id, model_name, project_id, forecast_date
    ),
    constraint forecast_results_of_one check (project_id is null or num_nonnulls(provider_id, model_name) = 0),
    constraint forecast_results_project foreign key (workspace_id, project_id) references public.projects (workspace_id, id),
    constraint forecast_results_training check (
        training_data_end between training_data_start and date '2100-01-01'
    ),
    constraint forecast_results_nested check (
        0 <= lower_bound_95
        and lower_bound_95 <= lower_bound_80
        and lower_bound_80 <= predicted_cost_usd
        and predicted_cost_usd <= upper_bound_80
        and upper_bound_80 <= upper_bound_95
        and upper_bound_95 <> 'NaN'
    )
);
create index if not exists forecast_results_workspace_id_idx on public.forecast_results (workspace_id, created_at desc);
create index if not exists forecast_results_provider_id_idx on public.forecast_results (provider_id);
-- The predictions of a day; those of models are many and never asked for by day.
create index if not exists forecast_results_day_idx
    on public.forecast_results (workspace_id, forecast_date)
    where model_name is null;
alter table public.forecast_results enable row level security;
revoke all on public.forecast_results from anon, authenticated, service_role;
grant select on public.forecast_results to authenticated;
grant select, insert, update, delete on public.forecast_results to service_role;

drop policy if exists forecast_results_select_member on public.forecast_results;
create policy forecast_results_select_member
    on public.forecast_results
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_showing_totals()))
        and (project_id is null or project_id <> all(array(select private.hidden_projects())))
    );

select private.note_changes_of('public.forecast_results');

-- public.forecast_totals: a total has bounds of its own; they are never the sum of daily bounds.
create table if not exists public.forecast_totals (
    id uuid primary key default gen_random_uuid(),
    run_id uuid not null,
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    provider_id uuid references public.providers (id),
    model_name text check (length(model_name) between 1 and 200),
    project_id uuid,
    kind text not null check (kind in ('next_30_days', 'month_end')),
    period_start date not null check (period_start >= date '2020-01-01'),
    period_end date not null check (period_end between period_start and date '2100-01-01'),
    spent_usd numeric(18, 10) not null check (spent_usd <> 'NaN'), -- the part of the total that was spent already
    predicted_cost_usd numeric(18, 10) not null,
    lower_bound_80 numeric(18, 10) not null,
    upper_bound_80 numeric(18, 10) not null,
    lower_bound_95 numeric(18, 10) not null,
    upper_bound_95 numeric(18, 10) not null,
    quantiles numeric(18, 10)[], -- the amounts at 23 fixed levels from 1% to 99%
    backtest jsonb not null default '{}' check (jsonb_typeof(backtest) = 'object' and pg_column_size(backtest) <= 65536),
    actual_cost_usd numeric(18, 10) check (actual_cost_usd <> 'NaN'), -- known when the period is over
    -- Of the days that the same run predicted within the period, how many were in their ranges; counted with the actual cost.
    days_in_80 smallint,
    days_in_95 smallint,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    constraint forecast_totals_once unique nulls not distinct (run_id, workspace_id, provider_id, model_name, project_id, kind),
    constraint forecast_totals_of_one check (project_id is null or num_nonnulls(provider_id, model_name) = 0),
    constraint forecast_totals_project foreign key (workspace_id, project_id) references public.projects (workspace_id, id),
    constraint forecast_totals_nested check (
        lower_bound_95 <= lower_bound_80
        and lower_bound_80 <= predicted_cost_usd
        and predicted_cost_usd <= upper_bound_80
        and upper_bound_80 <= upper_bound_95
        and upper_bound_95 <> 'NaN'
    ),
    constraint forecast_totals_quantiles check (
        array_ndims(quantiles) = 1
        and cardinality(quantiles) = 23
        and array_position(quantiles, null) is null
        and array_position(quantiles, 'NaN') is null
    ),
    constraint forecast_totals_days check (
        (days_in_80 is null) = (days_in_95 is null) and days_in_80 >= 0 and days_in_80 <= days_in_95
    )
);
create index if not exists forecast_totals_workspace_id_idx on public.forecast_totals (workspace_id, created_at desc);
create index if not exists forecast_totals_provider_id_idx on public.forecast_totals (provider_id);
create index if not exists forecast_totals_open_idx on public.forecast_totals (period_end) where actual_cost_usd is null;
alter table public.forecast_totals enable row level security;
revoke all on public.forecast_totals from anon, authenticated, service_role;
grant select on public.forecast_totals to authenticated;
grant select, insert, update, delete on public.forecast_totals to service_role;

drop policy if exists forecast_totals_select_member on public.forecast_totals;
create policy forecast_totals_select_member
    on public.forecast_totals
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_showing_totals()))
        and (project_id is null or project_id <> all(array(select private.hidden_projects())))
    );

select private.note_changes_of('public.forecast_totals');
