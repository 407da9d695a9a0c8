-- 065_budget_periods.sql: the periods of budgets, in the workspace's days, and what is predicted of them.

-- The first and the last day of the period that a day is in. Weeks begin on Mondays; months on any day that every month has.
create or replace function private.budget_period(period text, starts_on_day integer, day date)
returns daterange
language plpgsql -- its plan is kept
immutable
set search_path = ''
as $$
declare
    shifted constant timestamp := day - (starts_on_day - 1); -- months begin on their first day there
    first_day date;
begin
    case period
        when 'day' then return daterange(day, day + 1);
        when 'week' then
            first_day := date_trunc('week', day::timestamp);
            return daterange(first_day, first_day + 7);
        when 'month' then
            return daterange(
                date_trunc('month', shifted)::date + starts_on_day - 1,
                (date_trunc('month', shifted) + interval '1 month')::date + starts_on_day - 1
            );
        when 'quarter' then
            first_day := date_trunc('quarter', day::timestamp);
            return daterange(first_day, (first_day + interval '3 months')::date);
        else
            first_day := date_trunc('year', day::timestamp);
            return daterange(first_day, (first_day + interval '1 year')::date);
    end case;
end
$$;
revoke all on function private.budget_period(text, integer, date) from public;

-- private.budget_forecasts: the rest of a budget's period as a run saw it, one row for an hour: a burst of runs is one. Runs
-- read and write it as the operator; people read it through public.budget_status.
create table if not exists private.budget_forecasts (
    budget_id uuid not null references public.budgets (id) on delete cascade,
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    made_on date not null, -- the first predicted day
    period_start date not null,
    period_end date not null,
    days numeric[] not null, -- in US dollars or tokens, up to the end of the period
    quantiles numeric[] not null, -- of their sum, at the levels of public.forecast_totals
    made_at timestamptz not null default now(),
    made_in timestamptz not null default date_trunc('hour', now()),
    primary key (budget_id, made_in),
    constraint budget_forecasts_period check (period_start <= made_on and made_on <= period_end),
    constraint budget_forecasts_days check (cardinality(days) = period_end - made_on + 1),
    constraint budget_forecasts_quantiles check (cardinality(quantiles) = 23 and array_position(quantiles, null) is null)
);
create index if not exists budget_forecasts_workspace_id_idx on private.budget_forecasts (workspace_id);
alter table private.budget_forecasts enable row level security;
revoke all on private.budget_forecasts from public, anon, authenticated, service_role;

-- Another scope or period is another series.
create or replace function private.forget_budget_forecasts()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from private.budget_forecasts as f where f.budget_id = new.id;
    return null;
end
$$;
revoke all on function private.forget_budget_forecasts() from public;

create or replace trigger budgets_forget_forecasts
    after update of
    project_id, provider_id, model_name, user_id, billing_account, tag, agent, environment, customer, measure, period,
    starts_on_day, counts_subscriptions, counts_tax
    on public.budgets
    for each row when (
        (
            old.project_id, old.provider_id, old.model_name, old.user_id, old.billing_account, old.tag, old.agent,
            old.environment, old.customer, old.measure, old.period, old.starts_on_day, old.counts_subscriptions, old.counts_tax
        ) is distinct from (
            new.project_id, new.provider_id, new.model_name, new.user_id, new.billing_account, new.tag, new.agent,
            new.environment, new.customer, new.measure, new.period, new.starts_on_day, new.counts_subscriptions, new.counts_tax
        )
    )
    execute function private.forget_budget_forecasts();

-- A threshold with another percentage is a new one, as with another limit: people want to hear again.
create or replace function private.renew_threshold()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.id := gen_random_uuid();
    new.created_at := now();
    return new;
end
$$;
revoke all on function private.renew_threshold() from public;

create or replace trigger budget_thresholds_renew
    before update of kind, percent on public.budget_thresholds
    for each row when ((old.kind, old.percent) is distinct from (new.kind, new.percent))
    execute function private.renew_threshold();
