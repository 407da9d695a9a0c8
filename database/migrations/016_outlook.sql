-- 016_outlook.sql: what a forecast says beyond its ranges: the distribution of a total, how its days came out, the limit that a
-- person set for a month, and the days and models that were out of the ordinary.

-- The amounts at 23 fixed levels from 1% to 99%; null in what was predicted before there were any.
alter table public.forecast_totals add column if not exists quantiles numeric(18, 10)[];
-- Of the days that the same run predicted within the period, how many were in their ranges; counted with the actual cost.
alter table public.forecast_totals add column if not exists days_in_80 smallint;
alter table public.forecast_totals add column if not exists days_in_95 smallint;

alter table public.user_preferences add column if not exists monthly_limit_usd numeric(18, 10); -- null = none

do $$
begin
    if not exists (select from pg_catalog.pg_constraint where conname = 'forecast_totals_quantiles') then
        alter table public.forecast_totals
            add constraint forecast_totals_quantiles check (
                array_ndims(quantiles) = 1
                and cardinality(quantiles) = 23
                and array_position(quantiles, null) is null
                and array_position(quantiles, 'NaN') is null
            ),
            add constraint forecast_totals_days check (
                (days_in_80 is null) = (days_in_95 is null) and days_in_80 >= 0 and days_in_80 <= days_in_95
            );
    end if;
    if not exists (select from pg_catalog.pg_constraint where conname = 'user_preferences_monthly_limit') then
        alter table public.user_preferences
            add constraint user_preferences_monthly_limit check (monthly_limit_usd > 0 and monthly_limit_usd <> 'NaN');
    end if;
end
$$;

-- The predictions of a day, newest run first; models apart, which are many and never asked for by day.
create index if not exists forecast_results_day_idx
    on public.forecast_results (user_id, forecast_date)
    where model_name is null;

-- public.anomalies: a day outside the 95% range that had been predicted for it, or a model that is new and takes a share of the
-- spend. The job writes them; a person reads their own and may mute them.
create table if not exists public.anomalies (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    day date not null, -- of a new model its first
    provider_id uuid references public.providers (id), -- null = all
    model_name text check (length(model_name) between 1 and 200), -- null = all
    kind text not null check (kind in ('spend', 'new_model')),
    actual_usd numeric(18, 10) not null, -- of a new model what it has cost since its first day
    expected_usd numeric(18, 10),
    lower_95 numeric(18, 10),
    upper_95 numeric(18, 10),
    -- Parts in US dollars by name, as text: of a day what it differs from the 28 before by, of a new model the spend since then.
    attribution jsonb not null default '{}' check (jsonb_typeof(attribution) = 'object'),
    muted_at timestamptz,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz not null default now(),
    constraint anomalies_once unique nulls not distinct (user_id, day, provider_id, model_name, kind),
    constraint anomalies_range check (
        kind <> 'spend' or (expected_usd is not null and lower_95 is not null and upper_95 is not null)
    ),
    constraint anomalies_model check (kind <> 'new_model' or model_name is not null)
);
create index if not exists anomalies_provider_id_idx on public.anomalies (provider_id);
alter table public.anomalies enable row level security;
revoke all on public.anomalies from anon, authenticated, service_role;
grant select, update (muted_at) on public.anomalies to authenticated;
grant select, insert, update, delete on public.anomalies to service_role;

drop policy if exists anomalies_select_own on public.anomalies;
create policy anomalies_select_own
    on public.anomalies
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

drop policy if exists anomalies_mute_own on public.anomalies;
create policy anomalies_mute_own
    on public.anomalies
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

create or replace trigger anomalies_note_inserted
    after insert on public.anomalies
    referencing new table as changed
    for each statement execute function private.note_job_change();
create or replace trigger anomalies_note_updated
    after update on public.anomalies
    referencing new table as changed
    for each statement execute function private.note_job_change();
create or replace trigger anomalies_note_deleted
    after delete on public.anomalies
    referencing old table as changed
    for each statement execute function private.note_job_change();
