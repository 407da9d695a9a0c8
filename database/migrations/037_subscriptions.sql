-- 037_subscriptions.sql: recurring payments that no provider reports, such as a chat plan. Their renewals become cost_records.

-- public.subscriptions: what renews, when, for how much. The records of its renewals follow every change.
create table if not exists public.subscriptions (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    plan_name text not null check (length(plan_name) between 1 and 200),
    amount_usd numeric(18, 10) not null check (amount_usd >= 0 and amount_usd <> 'NaN'),
    started_on date not null check (started_on between date '2020-01-01' and date '2100-01-01'),
    ended_on date check (ended_on >= started_on and ended_on <= date '2100-01-01'),
    renewal_day integer not null check (renewal_day between 1 and 31), -- the month's last day where it is shorter
    interval text not null default 'month' check (interval in ('month', 'year')),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index if not exists subscriptions_workspace_id_idx on public.subscriptions (workspace_id);
create index if not exists subscriptions_user_id_idx on public.subscriptions (user_id);
create index if not exists subscriptions_provider_id_idx on public.subscriptions (provider_id);
alter table public.subscriptions enable row level security;
revoke all on public.subscriptions from anon, authenticated, service_role;
grant select, delete on public.subscriptions to authenticated;
grant insert (
    id, workspace_id, user_id, provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day, interval, metadata
) on public.subscriptions to authenticated;
grant update (
    provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day, interval, metadata
) on public.subscriptions to authenticated;
grant select, insert, update, delete on public.subscriptions to service_role;

-- Subscriptions of others with renewals in projects that the caller may not see: their prices would tell what these cost.
create or replace function private.hidden_subscriptions()
returns setof uuid
language plpgsql -- its plan is kept
stable
security definer
rows 5
set search_path = ''
as $$
declare
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    if cardinality(hidden) > 0 then
        return query
        select s.id
        from public.subscriptions as s
        where
            s.workspace_id in (select p.workspace_id from public.projects as p where p.id = any (hidden))
            and exists (
                select
                from public.cost_records as r
                where r.subscription_id = s.id and r.workspace_id = s.workspace_id and r.project_id = any (hidden)
            );
    end if;
end
$$;
revoke all on function private.hidden_subscriptions() from public;
grant execute on function private.hidden_subscriptions() to authenticated; -- a policy calls it

drop policy if exists subscriptions_select_member on public.subscriptions;
create policy subscriptions_select_member
    on public.subscriptions
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and (
            user_id = (select auth.uid())
            or (
                workspace_id = any(array(select private.workspaces_showing_people()))
                and id <> all(array(select private.hidden_subscriptions()))
            )
        )
    );

drop policy if exists subscriptions_insert_member on public.subscriptions;
create policy subscriptions_insert_member
    on public.subscriptions
    for insert
    to authenticated
    with check (workspace_id = any(array(select private.workspaces_as('member'))) and user_id = (select auth.uid()));

drop policy if exists subscriptions_update_member on public.subscriptions;
create policy subscriptions_update_member
    on public.subscriptions
    for update
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('member')))
        and (user_id = (select auth.uid()) or workspace_id = any(array(select private.workspaces_as('admin'))))
    )
    with check (workspace_id = any(array(select private.workspaces_as('member'))));

drop policy if exists subscriptions_delete_member on public.subscriptions;
create policy subscriptions_delete_member
    on public.subscriptions
    for delete
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('member')))
        and (user_id = (select auth.uid()) or workspace_id = any(array(select private.workspaces_as('admin'))))
    );

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

-- private.invoice_charges: the charges of invoices and card statements that are in the ledger (111_invoice_charges.sql), or would
-- be if no bill had them. Those of plans stand in for the renewals that somebody typed.
create table if not exists private.invoice_charges (
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    source_key uuid not null, -- of its record
    provider_id uuid not null,
    user_id uuid not null,
    day date not null,
    charge_type text not null,
    model_name text not null,
    amount_usd numeric(18, 10) not null,
    is_posted boolean not null,
    note text not null,
    primary key (workspace_id, source_key)
);
alter table private.invoice_charges enable row level security;
revoke all on private.invoice_charges from public, anon, authenticated, service_role;

-- The renewals that a charge of an invoice or a statement stands in for: the nearest of its provider within four days, then, as
-- days that somebody typed may be wrong, within two weeks if the amounts are within 5%.
create or replace function private.replaced_renewals(tenant uuid)
returns table (subscription_id uuid, day date)
language plpgsql
stable
rows 10
set search_path = ''
as $$
declare
    charge record;
    taken text[] := array[]::text[]; -- charges and renewals
begin
    for charge in
        select c.*, w.days
        from private.invoice_charges as c
        cross join (values (4), (14)) as w (days)
        where c.workspace_id = tenant and c.charge_type = 'subscription'
        order by w.days, c.day, c.source_key
    loop
        continue when charge.source_key::text = any (taken);
        select s.id, d.day into subscription_id, day
        from public.subscriptions as s
        cross join lateral private.renewal_days(s, charge.day + charge.days) as d (day)
        where
            s.workspace_id = tenant and s.provider_id = charge.provider_id and d.day >= charge.day - charge.days
            and (charge.days = 4 or abs(s.amount_usd - charge.amount_usd) <= 0.05 * charge.amount_usd)
            and concat_ws(' ', s.id, d.day) <> all (taken)
        order by abs(d.day - charge.day), abs(s.amount_usd - charge.amount_usd), s.id
        limit 1;
        if found then
            taken := taken || charge.source_key::text || concat_ws(' ', subscription_id, day);
            return next;
        end if;
    end loop;
end
$$;
revoke all on function private.replaced_renewals(uuid) from public;

-- The project under which the workspace's rules file the renewals of a plan, by its name.
create or replace function private.project_of_plan(of_subscription public.subscriptions)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        private.match_rules(
            private.active_rules((of_subscription).workspace_id),
            array[
                row(
                    null, null, null, null, null, null, null, null, private.model_key_of((of_subscription).plan_name), null
                )::private.traits
            ]
        )
    )[1];
end
$$;
revoke all on function private.project_of_plan(public.subscriptions) from public;

-- Adds the renewals of these days that are not there. One is found by its identity at any instant of the day, so a new time
-- zone cannot add it again. Returns how many were added.
create or replace function private.add_renewals(of_subscription public.subscriptions, due date[], zone text)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    added integer;
    filed constant uuid := private.project_of_plan(of_subscription);
begin
    insert into public.cost_records (
        workspace_id, user_id, project_id, provider_id, subscription_id, timestamp, day, model_name, cost_usd,
        collection_method, cost_basis, charge_type, source_key
    )
    select
        (of_subscription).workspace_id, (of_subscription).user_id, filed, (of_subscription).provider_id, (of_subscription).id,
        private.day_instant(d.day, zone), d.day, (of_subscription).plan_name, (of_subscription).amount_usd, 'manual_entry',
        'billed', 'subscription', md5((of_subscription).id::text || ' ' || d.day::text)::uuid
    from unnest(due) as d (day)
    where not exists (
        select
        from public.cost_records as r
        where
            r.workspace_id = (of_subscription).workspace_id
            and r.timestamp >= (d.day - 1)::timestamp at time zone 'UTC'
            and r.timestamp < (d.day + 2)::timestamp at time zone 'UTC'
            and r.source_key = md5((of_subscription).id::text || ' ' || d.day::text)::uuid
    );
    get diagnostics added = row_count;
    return added;
end
$$;
revoke all on function private.add_renewals(public.subscriptions, date[], text) from public;

-- Makes the records of a subscription its renewals up to the workspace's today, each exactly once. Returns how many were added.
create or replace function private.post_renewals(of_subscription public.subscriptions)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    zone text;
    due date[];
    filed uuid;
begin
    -- The locks of a save, in its order: the time zone's, those of months, that of saves.
    perform pg_advisory_xact_lock_shared(private.timezone_lock((of_subscription).workspace_id));
    zone := private.timezone_of((of_subscription).workspace_id);
    due := array(
        select d.day
        from private.renewal_days(of_subscription, (now() at time zone zone)::date) as d (day)
        where
            not private.is_archived((of_subscription).workspace_id, d.day)
            and ((of_subscription).id, d.day) not in (
                select r.subscription_id, r.day from private.replaced_renewals((of_subscription).workspace_id) as r
            )
    );
    perform public.ensure_months(due);
    perform pg_advisory_xact_lock(private.save_lock((of_subscription).workspace_id));

    delete from public.cost_records as r
    where
        r.workspace_id = (of_subscription).workspace_id
        and r.subscription_id = (of_subscription).id
        and r.day <> all (due);

    filed := private.project_of_plan(of_subscription);
    update public.cost_records as r
    set
        project_id = case
            when r.model_name = (of_subscription).plan_name or private.stays_filed(r) then r.project_id
            else filed
        end,
        cost_usd = (of_subscription).amount_usd,
        provider_id = (of_subscription).provider_id,
        model_name = (of_subscription).plan_name
    where
        r.workspace_id = (of_subscription).workspace_id
        and r.subscription_id = (of_subscription).id
        and (r.cost_usd, r.provider_id, r.model_name)
        is distinct from ((of_subscription).amount_usd, (of_subscription).provider_id, (of_subscription).plan_name);

    return private.add_renewals(of_subscription, due, zone);
end
$$;
revoke all on function private.post_renewals(public.subscriptions) from public;
