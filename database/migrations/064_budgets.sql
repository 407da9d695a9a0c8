-- 064_budgets.sql: budgets, and the shares of them at which somebody wants to know. What is spent is derived, never kept.

-- public.budgets: what a scope should cost or use in a period, at most. Of the scope's columns, all that are given must match.
create table if not exists public.budgets (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    name text not null check (length(name) between 1 and 100),
    project_id uuid,
    provider_id uuid references public.providers (id),
    model_name text check (length(model_name) between 1 and 200),
    user_id uuid, -- only this person's usage; the person sees the budget, others only as admins
    billing_account text check (length(billing_account) between 1 and 200),
    tag text check (length(tag) between 1 and 200),
    agent text check (length(agent) between 1 and 200),
    environment text check (length(environment) between 1 and 200),
    customer text check (length(customer) between 1 and 200),
    measure text not null default 'cost' check (measure in ('cost', 'tokens')),
    amount numeric not null, -- in its currency, or tokens
    currency text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
    period text not null default 'month' check (period in ('day', 'week', 'month', 'quarter', 'year')), -- weeks from Monday
    starts_on_day integer not null default 1 check (starts_on_day between 1 and 28), -- of a month
    counts_subscriptions boolean not null default true,
    counts_tax boolean not null default true,
    paused_at timestamptz check (paused_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_by uuid default auth.uid() references auth.users (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint budgets_of_workspace unique (workspace_id, id), -- the pair is what thresholds refer to
    constraint budgets_project
    foreign key (workspace_id, project_id) references public.projects (workspace_id, id) on delete cascade,
    constraint budgets_member
    foreign key (user_id, workspace_id) references public.members (user_id, workspace_id) on delete cascade,
    constraint budgets_amount check ( -- NaN is above any number
        amount > 0
        and case measure
            when 'tokens' then amount <= 1000000000000000 and amount = trunc(amount)
            else amount < 1000000000000 and amount = round(amount, 10)
        end
    ),
    constraint budgets_start check (starts_on_day = 1 or period = 'month')
);
create index if not exists budgets_workspace_id_idx on public.budgets (workspace_id, project_id);
create index if not exists budgets_provider_id_idx on public.budgets (provider_id);
create index if not exists budgets_user_id_idx on public.budgets (user_id, workspace_id);
create index if not exists budgets_created_by_idx on public.budgets (created_by);
alter table public.budgets enable row level security;
revoke all on public.budgets from anon, authenticated, service_role;
grant select, delete on public.budgets to authenticated;
grant insert (
    id, workspace_id, name, project_id, provider_id, model_name, user_id, billing_account, tag, agent, environment, customer,
    measure, amount, currency, period, starts_on_day, counts_subscriptions, counts_tax, paused_at, metadata
) on public.budgets to authenticated;
grant update (
    name, project_id, provider_id, model_name, user_id, billing_account, tag, agent, environment, customer, measure, amount,
    currency, period, starts_on_day, counts_subscriptions, counts_tax, paused_at, metadata
) on public.budgets to authenticated;
grant select, insert, update, delete on public.budgets to service_role;

-- public.budget_thresholds: shares of a budget, of what is spent or of what the period will likely end at.
create table if not exists public.budget_thresholds (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid(),
    budget_id uuid not null,
    kind text not null check (kind in ('actual', 'forecast')),
    percent integer not null check (percent between 1 and 1000),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint budget_thresholds_once unique (budget_id, kind, percent),
    constraint budget_thresholds_budget
    foreign key (workspace_id, budget_id) references public.budgets (workspace_id, id) on delete cascade
);
create index if not exists budget_thresholds_workspace_id_idx on public.budget_thresholds (workspace_id, budget_id);
alter table public.budget_thresholds enable row level security;
revoke all on public.budget_thresholds from anon, authenticated, service_role;
grant select, delete on public.budget_thresholds to authenticated;
grant insert (id, workspace_id, budget_id, kind, percent, metadata) on public.budget_thresholds to authenticated;
grant update (kind, percent, metadata) on public.budget_thresholds to authenticated;
grant select, insert, update, delete on public.budget_thresholds to service_role;

-- public.budget_channels: which channels hear of a budget; none means all of the workspace.
create table if not exists public.budget_channels (
    workspace_id uuid not null default auth.uid(),
    budget_id uuid not null,
    channel_id uuid not null,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    primary key (budget_id, channel_id),
    constraint budget_channels_budget
    foreign key (workspace_id, budget_id) references public.budgets (workspace_id, id) on delete cascade,
    constraint budget_channels_channel
    foreign key (workspace_id, channel_id) references public.channels (workspace_id, id) on delete cascade
);
create index if not exists budget_channels_budget_idx on public.budget_channels (workspace_id, budget_id);
create index if not exists budget_channels_channel_idx on public.budget_channels (workspace_id, channel_id);
alter table public.budget_channels enable row level security;
revoke all on public.budget_channels from anon, authenticated, service_role;
grant select, delete on public.budget_channels to authenticated;
grant insert (workspace_id, budget_id, channel_id, metadata), update (metadata) on public.budget_channels to authenticated;
grant select, insert, update, delete on public.budget_channels to service_role;

drop policy if exists budgets_select_visible on public.budgets;
create policy budgets_select_visible
    on public.budgets
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and (
            user_id = (select auth.uid())
            or (user_id is null and workspace_id = any(array(select private.workspaces_showing_totals())))
            or workspace_id = any(array(select private.workspaces_as('admin')))
        )
        and (project_id is null or project_id <> all(array(select private.hidden_projects())))
    );

-- Thresholds and channels are seen with their budget.
drop policy if exists budget_thresholds_select_visible on public.budget_thresholds;
create policy budget_thresholds_select_visible
    on public.budget_thresholds
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and budget_id = any(array(select b.id from public.budgets as b))
    );

drop policy if exists budget_channels_select_visible on public.budget_channels;
create policy budget_channels_select_visible
    on public.budget_channels
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and budget_id = any(array(select b.id from public.budgets as b))
    );

-- Admins write all three.
do $$
declare
    written text;
begin
    foreach written in array array['budgets', 'budget_thresholds', 'budget_channels'] loop
        execute format('drop policy if exists %1$s_insert_admin on public.%1$s', written);
        execute format(
            'create policy %1$s_insert_admin on public.%1$s for insert to authenticated '
            'with check (workspace_id = any(array(select private.workspaces_as(''admin''))))', written
        );
        execute format('drop policy if exists %1$s_update_admin on public.%1$s', written);
        execute format(
            'create policy %1$s_update_admin on public.%1$s for update to authenticated '
            'using (workspace_id = any(array(select private.workspaces_as(''admin'')))) '
            'with check (workspace_id = any(array(select private.workspaces_as(''admin''))))', written
        );
        execute format('drop policy if exists %1$s_delete_admin on public.%1$s', written);
        execute format(
            'create policy %1$s_delete_admin on public.%1$s for delete to authenticated '
            'using (workspace_id = any(array(select private.workspaces_as(''admin''))))', written
        );
    end loop;
end
$$;

create or replace trigger budgets_touch
    before update on public.budgets
    for each row execute function private.touch_updated_at();

-- Those with an exchange rate on every day that records may have.
create or replace function private.budget_currencies()
returns text[]
language sql
immutable
set search_path = ''
as $$
    select
        array[
            'AUD', 'BRL', 'CAD', 'CHF', 'CNY', 'CZK', 'DKK', 'EUR', 'GBP', 'HKD', 'HUF', 'IDR', 'ILS', 'INR', 'ISK', 'JPY', 'KRW',
            'MXN', 'MYR', 'NOK', 'NZD', 'PHP', 'PLN', 'RON', 'SEK', 'SGD', 'THB', 'TRY', 'USD', 'ZAR'
        ]
$$;
revoke all on function private.budget_currencies() from public;

-- Refuses budgets that could never be right, through any door, in sentences.
create or replace function private.check_budget()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if new.name ~ '^\s|\s$|[[:cntrl:]]' then
        raise exception 'Enter a name without line breaks, and without spaces at its ends.' using errcode = '22023';
    end if;
    if
        new.project_id is distinct from old.project_id -- a budget stays when its project is archived
        and exists (
            select
            from public.projects as p
            where p.workspace_id = new.workspace_id and p.id = new.project_id and p.archived_at is not null
        )
    then
        raise exception 'This project is archived. Restore it, or choose another one.' using errcode = '22023';
    end if;
    if new.measure = 'cost' and new.currency in ('SIT', 'CYP', 'MTL', 'SKK', 'EEK', 'LVL', 'LTL', 'HRK', 'BGN') then
        raise exception '% became the euro. Enter the amount in EUR.', new.currency using errcode = '22023';
    end if;
    if new.measure = 'cost' and new.currency <> all (private.budget_currencies()) then
        raise exception 'Tally has no exchange rates of %. Choose another currency.', new.currency using errcode = '22023';
    end if;
    return new;
end
$$;
revoke all on function private.check_budget() from public;

create or replace trigger budgets_check_insert
    before insert on public.budgets
    for each row execute function private.check_budget();
create or replace trigger budgets_check_update
    before update of name, project_id, measure, currency on public.budgets
    for each row when (
        (new.name, new.measure, new.currency) <> (old.name, old.measure, old.currency)
        or new.project_id is distinct from old.project_id
    )
    execute function private.check_budget();

-- The thresholds of another limit are new ones, at which people want to hear again.
create or replace function private.renew_thresholds()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.budget_thresholds as t set id = gen_random_uuid(), created_at = now() where t.budget_id = new.id;
    return null;
end
$$;
revoke all on function private.renew_thresholds() from public;

create or replace trigger budgets_renew_thresholds
    after update of
    project_id, provider_id, model_name, user_id, billing_account, tag, agent, environment, customer, measure, amount, currency,
    period, starts_on_day, counts_subscriptions, counts_tax
    on public.budgets
    for each row when (
        (
            old.project_id, old.provider_id, old.model_name, old.user_id, old.billing_account, old.tag, old.agent,
            old.environment, old.customer, old.measure, old.amount, old.currency,
            old.period, old.starts_on_day, old.counts_subscriptions, old.counts_tax
        ) is distinct from (
            new.project_id, new.provider_id, new.model_name, new.user_id, new.billing_account, new.tag, new.agent,
            new.environment, new.customer, new.measure, new.amount, new.currency,
            new.period, new.starts_on_day, new.counts_subscriptions, new.counts_tax
        )
    )
    execute function private.renew_thresholds();

create or replace function private.check_threshold_count()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform from public.budgets as b where b.id = new.budget_id for no key update; -- two at once see each other
    if (select count(*) > 10 from public.budget_thresholds as t where t.budget_id = new.budget_id) then
        raise exception 'A budget can have 10 thresholds at most. Remove one first.' using errcode = '22023';
    end if;
    return null;
end
$$;
revoke all on function private.check_threshold_count() from public;

create or replace trigger budget_thresholds_bound
    after insert on public.budget_thresholds
    for each row execute function private.check_threshold_count();
create or replace trigger budgets_bound
    after insert on public.budgets referencing new table as added
    for each statement execute function private.refuse_too_many(
        '2500', 'budgets', 'Delete those that are no longer needed on the Budgets page.'
    );

select private.note_changes_of('public.budgets');
select private.note_changes_of('public.budget_thresholds');
select private.note_changes_of('public.budget_channels');
select private.audit_changes_of(
    'public.budgets',
    array[
        'name', 'project_id', 'provider_id', 'model_name', 'user_id', 'billing_account', 'tag', 'agent', 'environment',
        'customer', 'measure', 'amount', 'currency', 'period', 'starts_on_day', 'counts_subscriptions', 'counts_tax', 'paused_at'
    ]
);
select private.audit_changes_of('public.budget_thresholds', array['budget_id', 'kind', 'percent']);
select private.audit_changes_of('public.budget_channels', array['budget_id', 'channel_id'], array['insert', 'delete']);
