-- 035_prices.sql: custom prices, multipliers of list prices, aliases of models, and the models that have no price.

-- public.model_prices: US dollars a million tokens, for one model of one provider from a local day on. Used where the list of
-- prices has none; where `replaces_list` is set, in its place.
create table if not exists public.model_prices (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    model_name text not null check (length(model_name) between 1 and 200),
    valid_from date not null default date '2020-01-01' check (valid_from between date '2020-01-01' and date '2100-01-01'),
    input_usd_per_mtok numeric(18, 10) not null,
    output_usd_per_mtok numeric(18, 10) not null,
    cached_input_usd_per_mtok numeric(18, 10), -- null = as any input
    cache_write_usd_per_mtok numeric(18, 10), -- null = as any input
    cache_write_1h_usd_per_mtok numeric(18, 10), -- null = as any cache write
    request_usd numeric(18, 10) not null default 0,
    replaces_list boolean not null default false,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint model_prices_once unique (workspace_id, provider_id, model_name, valid_from),
    constraint model_prices_not_negative check (
        0 <= least(
            input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok,
            cache_write_1h_usd_per_mtok, request_usd
        )
        and greatest(
            input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok,
            cache_write_1h_usd_per_mtok, request_usd
        ) <= 1000000 -- excludes NaN too, which is greater than any number
    )
);
create index if not exists model_prices_provider_id_idx on public.model_prices (provider_id);
create index if not exists model_prices_user_id_idx on public.model_prices (user_id);
alter table public.model_prices enable row level security;
revoke all on public.model_prices from anon, authenticated, service_role;
grant select, delete on public.model_prices to authenticated;
grant insert (
    id, workspace_id, user_id, provider_id, model_name, valid_from, input_usd_per_mtok, output_usd_per_mtok,
    cached_input_usd_per_mtok, cache_write_usd_per_mtok, cache_write_1h_usd_per_mtok, request_usd, replaces_list, metadata
) on public.model_prices to authenticated;
grant update (
    provider_id, model_name, valid_from, input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok,
    cache_write_usd_per_mtok, cache_write_1h_usd_per_mtok, request_usd, replaces_list, metadata
) on public.model_prices to authenticated;
grant select, insert, update, delete on public.model_prices to service_role;

drop policy if exists model_prices_select_member on public.model_prices;
create policy model_prices_select_member
    on public.model_prices
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('viewer'))));

drop policy if exists model_prices_insert_admin on public.model_prices;
create policy model_prices_insert_admin
    on public.model_prices
    for insert
    to authenticated
    with check (workspace_id = any(array(select private.workspaces_as('admin'))) and user_id = (select auth.uid()));

drop policy if exists model_prices_update_admin on public.model_prices;
create policy model_prices_update_admin
    on public.model_prices
    for update
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))))
    with check (workspace_id = any(array(select private.workspaces_as('admin'))));

drop policy if exists model_prices_delete_admin on public.model_prices;
create policy model_prices_delete_admin
    on public.model_prices
    for delete
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

create or replace trigger model_prices_touch
    before update on public.model_prices
    for each row execute function private.touch_updated_at();

select private.note_changes_of('public.model_prices');

-- public.price_multipliers: what a billing account pays of list prices from one local day to another, such as 0.85 with a
-- negotiated discount or 1.1 to a reseller; that of one account goes before that of all accounts of its provider.
create table if not exists public.price_multipliers (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    billing_account text check (length(billing_account) between 1 and 200), -- null = all accounts of the provider
    multiplier numeric(9, 6) not null check (multiplier > 0 and multiplier <= 100), -- excludes NaN too
    valid_from date not null check (valid_from between date '2020-01-01' and date '2100-01-01'),
    valid_to date check (valid_to between date '2020-01-01' and date '2100-01-01'), -- null = without an end
    note text not null default '' check (length(note) <= 500),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint price_multipliers_in_order check (valid_from <= valid_to)
);
create index if not exists price_multipliers_workspace_id_idx on public.price_multipliers (workspace_id);
create index if not exists price_multipliers_provider_id_idx on public.price_multipliers (provider_id);
create index if not exists price_multipliers_user_id_idx on public.price_multipliers (user_id);
alter table public.price_multipliers enable row level security;
revoke all on public.price_multipliers from anon, authenticated, service_role;
grant select, delete on public.price_multipliers to authenticated;
grant insert (
    id, workspace_id, user_id, provider_id, billing_account, multiplier, valid_from, valid_to, note, metadata
) on public.price_multipliers to authenticated;
grant update (
    provider_id, billing_account, multiplier, valid_from, valid_to, note, metadata
) on public.price_multipliers to authenticated;
grant select, insert, update, delete on public.price_multipliers to service_role;

drop policy if exists price_multipliers_select_member on public.price_multipliers;
create policy price_multipliers_select_member
    on public.price_multipliers
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('viewer'))));

drop policy if exists price_multipliers_insert_admin on public.price_multipliers;
create policy price_multipliers_insert_admin
    on public.price_multipliers
    for insert
    to authenticated
    with check (workspace_id = any(array(select private.workspaces_as('admin'))) and user_id = (select auth.uid()));

drop policy if exists price_multipliers_update_admin on public.price_multipliers;
create policy price_multipliers_update_admin
    on public.price_multipliers
    for update
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))))
    with check (workspace_id = any(array(select private.workspaces_as('admin'))));

drop policy if exists price_multipliers_delete_admin on public.price_multipliers;
create policy price_multipliers_delete_admin
    on public.price_multipliers
    for delete
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

create or replace trigger price_multipliers_touch
    before update on public.price_multipliers
    for each row execute function private.touch_updated_at();

select private.note_changes_of('public.price_multipliers');

-- Of the same account, one multiplier at a time: the lock lets two changes see each other.
create or replace function private.refuse_second_multiplier()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    other record;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.multipliers.' || new.workspace_id::text, 0));
    select m.valid_from, m.valid_to, trim_scale(m.multiplier) as multiplier
    into other
    from public.price_multipliers as m
    where
        m.workspace_id = new.workspace_id
        and m.provider_id = new.provider_id
        and m.billing_account is not distinct from new.billing_account
        and m.id <> new.id
        and daterange(m.valid_from, m.valid_to, '[]') && daterange(new.valid_from, new.valid_to, '[]')
    order by m.valid_from
    limit 1;
    if found then
        raise exception 'This account already has the multiplier % from % %. Choose other days, or change that one.',
            other.multiplier, other.valid_from, coalesce('to ' || other.valid_to, 'on') using errcode = '22023';
    end if;
    return null;
end
$$;
revoke all on function private.refuse_second_multiplier() from public;

create or replace trigger price_multipliers_once
    after insert or update on public.price_multipliers
    for each row execute function private.refuse_second_multiplier();

-- public.model_aliases: which model a name is that no price list has, such as that of a deployment. Written by public.name_model.
create table if not exists public.model_aliases (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    name text not null check (length(name) between 1 and 200 and name <> '(unspecified)'),
    model_name text not null check (length(model_name) between 1 and 200 and model_name not in (name, '(unspecified)')),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint model_aliases_once unique (workspace_id, provider_id, name)
);
create index if not exists model_aliases_provider_id_idx on public.model_aliases (provider_id);
alter table public.model_aliases enable row level security;
revoke all on public.model_aliases from anon, authenticated, service_role;
grant select on public.model_aliases to authenticated;
grant select, insert, update, delete on public.model_aliases to service_role;

drop policy if exists model_aliases_select_member on public.model_aliases;
create policy model_aliases_select_member
    on public.model_aliases
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('viewer'))));

select private.note_changes_of('public.model_aliases');

-- A workspace's models without a price.
create or replace function public.unpriced_models(workspace uuid default null)
returns table (
    provider text,
    model_name text,
    records bigint,
    tokens numeric,
    requests numeric,
    first_at timestamptz,
    last_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_totals(tenant);
begin
    return query
    select
        p.name,
        r.model_name,
        count(*),
        sum(case when r.tokens_are_effective then r.tokens_used else 0 end),
        sum(case when r.tokens_are_effective then r.request_count else 0 end),
        min(r.timestamp),
        max(r.timestamp)
    from public.cost_records as r
    inner join public.providers as p on r.provider_id = p.id
    where
        r.workspace_id = tenant
        and r.cost_usd is null
        and r.money_is_effective
        and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
        and (only_user is null or r.user_id = only_user)
    group by p.name, r.model_name
    order by 3 desc, 1, 2;
end
$$;
revoke all on function public.unpriced_models(uuid) from public, anon, service_role;
grant execute on function public.unpriced_models(uuid) to authenticated;
