-- 006_forecasts.sql: what the nightly job predicted and did. The job writes as a service; people read their own.

-- public.forecast_results: one predicted day of one series in one run. Runs accumulate, so that predictions can be held against
-- what happened.
create table if not exists public.forecast_results (
    id uuid primary key default gen_random_uuid(),
    run_id uuid not null,
    user_id uuid not null references auth.users (id) on delete cascade,
    provider_id uuid references public.providers (id), -- null = all
    model_name text check (length(model_name) between 1 and 200), -- null = all
    forecast_date date not null,
    predicted_cost_usd numeric(18, 10) not null,
    lower_bound_80 numeric(18, 10) not null,
    upper_bound_80 numeric(18, 10) not null,
    lower_bound_95 numeric(18, 10) not null,
    upper_bound_95 numeric(18, 10) not null,
    confidence_score numeric(3, 2) not null check (confidence_score between 0 and 1),
    model_version text not null check (length(model_version) between 1 and 100),
    training_data_start date not null,
    training_data_end date not null,
    training_record_count bigint not null check (training_record_count >= 0),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz not null default now(),
    constraint forecast_results_once unique nulls not distinct (run_id, user_id, provider_id, model_name, forecast_date),
    constraint forecast_results_nested check (
        0 <= lower_bound_95
        and lower_bound_95 <= lower_bound_80
        and lower_bound_80 <= predicted_cost_usd
        and predicted_cost_usd <= upper_bound_80
        and upper_bound_80 <= upper_bound_95
        and upper_bound_95 <> 'NaN'
    )
);
create index if not exists forecast_results_user_id_idx on public.forecast_results (user_id, created_at desc);
create index if not exists forecast_results_provider_id_idx on public.forecast_results (provider_id);
alter table public.forecast_results enable row level security;
revoke all on public.forecast_results from anon, authenticated, service_role;
grant select on public.forecast_results to authenticated;
grant select, insert, update, delete on public.forecast_results to service_role;

drop policy if exists forecast_results_select_own on public.forecast_results;
create policy forecast_results_select_own
    on public.forecast_results
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

-- public.forecast_totals: a total has bounds of its own; they are never the sum of daily bounds.
create table if not exists public.forecast_totals (
    id uuid primary key default gen_random_uuid(),
    run_id uuid not null,
    user_id uuid not null references auth.users (id) on delete cascade,
    provider_id uuid references public.providers (id),
    model_name text check (length(model_name) between 1 and 200),
    kind text not null check (kind in ('next_30_days', 'month_end')),
    period_start date not null,
    period_end date not null check (period_end >= period_start),
    spent_usd numeric(18, 10) not null, -- the part of the total that was spent already
    predicted_cost_usd numeric(18, 10) not null,
    lower_bound_80 numeric(18, 10) not null,
    upper_bound_80 numeric(18, 10) not null,
    lower_bound_95 numeric(18, 10) not null,
    upper_bound_95 numeric(18, 10) not null,
    backtest jsonb not null default '{}' check (jsonb_typeof(backtest) = 'object'),
    actual_cost_usd numeric(18, 10), -- known when the period is over
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz not null default now(),
    constraint forecast_totals_once unique nulls not distinct (run_id, user_id, provider_id, model_name, kind),
    constraint forecast_totals_nested check (
        lower_bound_95 <= lower_bound_80
        and lower_bound_80 <= predicted_cost_usd
        and predicted_cost_usd <= upper_bound_80
        and upper_bound_80 <= upper_bound_95
        and upper_bound_95 <> 'NaN'
    )
);
create index if not exists forecast_totals_user_id_idx on public.forecast_totals (user_id, created_at desc);
create index if not exists forecast_totals_provider_id_idx on public.forecast_totals (provider_id);
create index if not exists forecast_totals_open_idx on public.forecast_totals (period_end) where actual_cost_usd is null;
alter table public.forecast_totals enable row level security;
revoke all on public.forecast_totals from anon, authenticated, service_role;
grant select on public.forecast_totals to authenticated;
grant select, insert, update, delete on public.forecast_totals to service_role;

drop policy if exists forecast_totals_select_own on public.forecast_totals;
create policy forecast_totals_select_own
    on public.forecast_totals
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

-- public.job_runs: one row for a night (no user_id) and one for each person's part in it; nobody reads another's.
create table if not exists public.job_runs (
    id uuid primary key default gen_random_uuid(),
    run_id uuid not null,
    user_id uuid references auth.users (id) on delete cascade,
    night date not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    status text not null default 'running' check (status in ('running', 'done', 'failed')),
    steps jsonb not null default '[]',
    error text check (length(error) <= 10000),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    constraint job_runs_once unique nulls not distinct (run_id, user_id)
);
create index if not exists job_runs_user_id_idx on public.job_runs (user_id, started_at desc);
alter table public.job_runs enable row level security;
revoke all on public.job_runs from anon, authenticated, service_role;
grant select on public.job_runs to authenticated;
grant select, insert, update, delete on public.job_runs to service_role;

drop policy if exists job_runs_select_own on public.job_runs;
create policy job_runs_select_own
    on public.job_runs
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

-- Which transaction changed a person's forecasts or runs last: part of their data version.
create table if not exists private.job_changes (
    user_id uuid primary key references auth.users (id) on delete cascade,
    gen xid8 not null
);
alter table private.job_changes enable row level security;
revoke all on private.job_changes from public, anon, authenticated, service_role;

create or replace function private.note_job_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into private.job_changes (user_id, gen)
    select u.id, pg_current_xact_id()
    from auth.users as u
    where u.id in (select c.user_id from changed as c)
    order by u.id
    on conflict (user_id) do update
        set gen = excluded.gen;
    return null;
end
$$;
revoke all on function private.note_job_change() from public;

do $$
declare
    of_table text;
begin
    foreach of_table in array array['forecast_results', 'forecast_totals', 'job_runs'] loop
        execute format(
            'create or replace trigger %1$s_note_inserted after insert on public.%1$s '
            'referencing new table as changed for each statement execute function private.note_job_change()', of_table
        );
        execute format(
            'create or replace trigger %1$s_note_updated after update on public.%1$s '
            'referencing new table as changed for each statement execute function private.note_job_change()', of_table
        );
        execute format(
            'create or replace trigger %1$s_note_deleted after delete on public.%1$s '
            'referencing old table as changed for each statement execute function private.note_job_change()', of_table
        );
    end loop;
end
$$;
