-- 005_subscriptions.sql: recurring payments that no provider reports, such as a chat plan; their renewals become cost_records.

-- public.subscriptions: what renews, when, for how much. The records of its renewals follow every change.
create table if not exists public.subscriptions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    plan_name text not null check (length(plan_name) between 1 and 200),
    amount_usd numeric(18, 10) not null check (amount_usd >= 0 and amount_usd <> 'NaN'),
    started_on date not null check (started_on between date '2020-01-01' and date '2100-01-01'),
    ended_on date check (ended_on >= started_on),
    renewal_day integer not null check (renewal_day between 1 and 31), -- the month's last day where it is shorter
    interval text not null default 'month' check (interval in ('month', 'year')),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index if not exists subscriptions_user_id_idx on public.subscriptions (user_id);
create index if not exists subscriptions_provider_id_idx on public.subscriptions (provider_id);
alter table public.subscriptions enable row level security;
revoke all on public.subscriptions from anon, authenticated, service_role;
grant select, insert, update, delete on public.subscriptions to authenticated;
grant select, insert, update, delete on public.subscriptions to service_role;

drop policy if exists subscriptions_select_own on public.subscriptions;
create policy subscriptions_select_own
    on public.subscriptions
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

drop policy if exists subscriptions_insert_own on public.subscriptions;
create policy subscriptions_insert_own
    on public.subscriptions
    for insert
    to authenticated
    with check ((select auth.uid()) = user_id);

drop policy if exists subscriptions_update_own on public.subscriptions;
create policy subscriptions_update_own
    on public.subscriptions
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

drop policy if exists subscriptions_delete_own on public.subscriptions;
create policy subscriptions_delete_own
    on public.subscriptions
    for delete
    to authenticated
    using ((select auth.uid()) = user_id);

create or replace trigger subscriptions_touch
    before update on public.subscriptions
    for each row execute function private.touch_updated_at();

-- The days a subscription is paid, up to and including `until`. Yearly plans renew in the month they started in.
create or replace function private.renewal_days(of_subscription public.subscriptions, until date)
returns setof date
language sql
immutable
set search_path = ''
as $$
    select d.day
    from generate_series(
        date_trunc('month', (of_subscription).started_on::timestamp),
        least(until, coalesce((of_subscription).ended_on, until))::timestamp,
        case (of_subscription).interval when 'year' then interval '1 year' else interval '1 month' end
    ) as m (month)
    cross join lateral (
        select
            m.month::date
            + least((of_subscription).renewal_day, extract(day from m.month + interval '1 month' - interval '1 day')::integer)
            - 1 as day
    ) as d
    where
        d.day >= (of_subscription).started_on
        and d.day <= least(until, coalesce((of_subscription).ended_on, until))
$$;
revoke all on function private.renewal_days(public.subscriptions, date) from public;

-- Brings the records of one subscription in step with it: the renewals up to the user's today, each exactly once.
-- A record is found by its identity on any instant, so a changed timezone cannot add it again. Returns how many were added.
create or replace function private.post_renewals(of_subscription public.subscriptions)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    zone text;
    due date[];
    added integer;
begin
    -- The locks of a save, in its order; only then is the zone certain.
    perform pg_advisory_xact_lock_shared(private.timezone_lock((of_subscription).user_id));
    perform pg_advisory_xact_lock(hashtextextended('tally.save.' || (of_subscription).user_id::text, 0));
    zone := private.timezone_of((of_subscription).user_id);
    due := array(
        select d.day
        from private.renewal_days(of_subscription, (now() at time zone zone)::date) as d (day)
        where not exists (select from private.archived_months as a where a.month = date_trunc('month', d.day::timestamp)::date)
    );
    perform public.ensure_months(due);

    delete from public.cost_records as r
    where
        r.user_id = (of_subscription).user_id
        and r.charge_type = 'subscription'
        and r.metadata ->> 'subscription_id' = (of_subscription).id::text
        and (r.metadata ->> 'day')::date <> all (due);

    update public.cost_records as r
    set
        cost_usd = (of_subscription).amount_usd,
        provider_id = (of_subscription).provider_id,
        model_name = (of_subscription).plan_name
    where
        r.user_id = (of_subscription).user_id
        and r.charge_type = 'subscription'
        and r.metadata ->> 'subscription_id' = (of_subscription).id::text
        and (r.cost_usd, r.provider_id, r.model_name)
        is distinct from ((of_subscription).amount_usd, (of_subscription).provider_id, (of_subscription).plan_name);

    insert into public.cost_records (
        user_id, provider_id, timestamp, model_name, cost_usd, collection_method, cost_basis, charge_type, source_key, metadata
    )
    select
        (of_subscription).user_id,
        (of_subscription).provider_id,
        private.day_instant(d.day, zone),
        (of_subscription).plan_name,
        (of_subscription).amount_usd,
        'manual_entry',
        'billed',
        'subscription',
        md5((of_subscription).id::text || ' ' || d.day::text)::uuid,
        jsonb_build_object('day', d.day, 'subscription_id', (of_subscription).id)
    from unnest(due) as d (day)
    where not exists (
        select
        from public.cost_records as r
        where
            r.user_id = (of_subscription).user_id
            and r.timestamp >= (d.day - 1)::timestamp at time zone 'UTC'
            and r.timestamp < (d.day + 2)::timestamp at time zone 'UTC'
            and r.source_key = md5((of_subscription).id::text || ' ' || d.day::text)::uuid
    );
    get diagnostics added = row_count;
    return added;
end
$$;
revoke all on function private.post_renewals(public.subscriptions) from public;

create or replace function private.follow_subscription()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'DELETE' then
        delete from public.cost_records as r
        where
            r.user_id = old.user_id
            and r.charge_type = 'subscription'
            and r.metadata ->> 'subscription_id' = old.id::text;
    else
        perform private.post_renewals(new);
    end if;
    return null;
end
$$;
revoke all on function private.follow_subscription() from public;

create or replace trigger subscriptions_follow
    after insert or update or delete on public.subscriptions
    for each row execute function private.follow_subscription();

-- The caller's renewals that came due since; safe to call at any time. Returns how many were added.
create or replace function public.post_due_renewals()
returns integer
language sql
security definer
set search_path = ''
as $$
    select coalesce(sum(private.post_renewals(s)), 0)::integer
    from public.subscriptions as s
    where s.user_id = (select auth.uid())
$$;
revoke all on function public.post_due_renewals() from public, anon, service_role;
grant execute on function public.post_due_renewals() to authenticated;

-- The same for everyone, for the nightly job.
create or replace function private.post_due_renewals_for_all()
returns integer
language plpgsql
set search_path = ''
as $$
declare
    one public.subscriptions;
    added integer := 0;
begin
    for one in select s.* from public.subscriptions as s order by s.user_id, s.id loop
        begin
            added := added + private.post_renewals(one);
        exception when foreign_key_violation then
            null; -- the account was deleted meanwhile
        end;
    end loop;
    return added;
end
$$;
revoke all on function private.post_due_renewals_for_all() from public;
