-- 011_cost_records.sql: costs, one row an event, partitioned by month so that a month can be pruned, vacuumed or archived
-- alone.
--
-- A record keeps the figures that its source reported, always. Whether its money and its tokens count in totals are two flags
-- beside them (015_overlaps.sql), in no index and no predicate of one: flipping them must stay cheap.

create table if not exists public.cost_records (
    -- First what the sum of a day reads, fixed widths before the others, then what only some sums read: the executor finds a
    -- column by walking over those before it. Measured, a day is summed up in 0.9 of the time.
    provider_id uuid not null,
    tokens_used bigint not null default 0,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cached_input_tokens bigint not null default 0,
    cache_write_tokens bigint not null default 0,
    request_count bigint not null default 0,
    money_is_effective boolean not null default true,
    tokens_are_effective boolean not null default true,
    model_name text not null,
    cost_basis text not null default 'billed',
    charge_type text not null default 'usage',
    cost_usd numeric(18, 10), -- null = unpriced
    user_id uuid not null default auth.uid(), -- who spent it, or saved it
    project_id uuid, -- null = no project
    reasoning_tokens bigint not null default 0,
    id uuid not null default gen_random_uuid(),
    workspace_id uuid not null default auth.uid(), -- references: see private.check_references
    project_chosen_by text, -- null = by the workspace's rules, which leave every other choice alone; see 054_shared_events
    import_id uuid, -- a source of the same workspace
    subscription_id uuid, -- the record is a renewal of it
    source_key uuid not null default gen_random_uuid(), -- a hash of what identifies the event
    request_id text, -- the provider's own id of the event, the same in every source
    timestamp timestamptz not null,
    day date, -- set where the event is a date, not an instant; the timestamp then follows the workspace's time zone
    -- One name for one model: a bill may name the dated version where a log does not. Empty for a sum over all models.
    model_key text not null generated always as (
        case
            when model_name = '(unspecified)' then ''
            when model_name like '%20%' or model_name like '%latest'
                then lower(regexp_replace(model_name, '[-@](20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|latest)$', ''))
            else lower(model_name)
        end
    ) stored,
    billing_account text, -- who sends the bill: provider plus account; null = overlaps with nothing
    dataset text not null default 'requests', -- which report of a source it is from; single requests are one dataset
    billed_under_other_name boolean not null default false, -- a charge whose model the bill names differently
    collection_method text not null default 'manual_entry',
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (id, timestamp),
    -- Identity. In this order it also serves a workspace's time range newest first: no second index is needed for it.
    constraint cost_records_identity unique (workspace_id, timestamp, source_key),
    constraint cost_records_timestamp check (
        timestamp >= timestamptz '2020-01-01 00:00:00+00'
        and timestamp < now() + interval '8808 hours' -- 367 days, which would take longer to add
    ),
    constraint cost_records_day check (day is null or day = (timestamp at time zone 'UTC')::date), -- few records have one
    -- The id of "no project" in the view: records with it and records with null would be one group and two keys.
    constraint cost_records_project_id check (project_id <> '00000000-0000-0000-0000-000000000000'),
    constraint cost_records_project_chosen_by check (project_chosen_by in ('person', 'source', 'event')),
    constraint cost_records_model_name check (length(model_name) between 1 and 200),
    constraint cost_records_model_key check (length(model_key) <= 200),
    constraint cost_records_request_id check (length(request_id) between 1 and 300),
    constraint cost_records_billing_account check (length(billing_account) between 1 and 200),
    constraint cost_records_dataset check (length(dataset) between 1 and 100),
    constraint cost_records_cost check (
        case
            when cost_usd is null then cost_basis in ('estimated', 'included') -- unpriced
            when cost_usd >= 0 then cost_usd <> 'NaN'
            else charge_type in ('credit', 'adjustment')
        end
    ),
    constraint cost_records_counts check (
        least(
            tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count
        ) >= 0
        and greatest(
            tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count
        ) <= 1000000000000000
    ),
    constraint cost_records_collection_method check (
        collection_method in ('api_automated', 'manual_entry', 'csv_import', 'local_log', 'otlp')
    ),
    constraint cost_records_cost_basis check (cost_basis in ('billed', 'estimated', 'included')),
    constraint cost_records_charge_type check (charge_type in ('usage', 'subscription', 'credit', 'tax', 'adjustment')),
    constraint cost_records_metadata check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192)
) partition by range (timestamp);

-- A workspace's newest rows at a provider, a provider's time range, and references to a provider. Measured: the workspace in
-- the middle makes the first 10 times cheaper, the second not dearer, and the index 7% larger.
create index if not exists cost_records_provider_id_workspace_id_timestamp_idx
    on public.cost_records (provider_id, workspace_id, timestamp);
-- Deleting a source; b-tree deduplication keeps it at a few bytes a row.
create index if not exists cost_records_import_id_idx on public.cost_records (import_id) where import_id is not null;
create index if not exists cost_records_subscription_id_idx
    on public.cost_records (subscription_id)
    where subscription_id is not null;
-- An event with the provider's own id is one event, even if a log and a bill give different times.
create index if not exists cost_records_request_idx
    on public.cost_records (workspace_id, source_key)
    where request_id is not null;
-- A project's newest rows: without it, 50 rows of a rare project among 588,000 records took 500 ms instead of 0.6.
create index if not exists cost_records_project_id_timestamp_idx
    on public.cost_records (project_id, timestamp)
    where project_id is not null;
-- Few records have a project that was chosen.
create index if not exists cost_records_chosen_idx
    on public.cost_records (workspace_id, source_key)
    where project_chosen_by is not null;
-- Few records have no price.
create index if not exists cost_records_unpriced_idx on public.cost_records (workspace_id) where cost_usd is null;
-- A time range over everyone. With the default of 128 pages the planner scans the primary key: measured, 5.5 against 0.9 ms.
create index if not exists cost_records_timestamp_brin
    on public.cost_records using brin (timestamp) with (pages_per_range = 32);

alter table public.cost_records enable row level security;
revoke all on public.cost_records from anon, authenticated, service_role;
grant select, delete on public.cost_records to authenticated;
grant insert (
    id, workspace_id, user_id, project_id, provider_id, import_id, source_key, request_id, timestamp, day,
    model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens, output_tokens,
    cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis, charge_type, metadata
) on public.cost_records to authenticated;
grant update (
    project_id, provider_id, timestamp, day, model_name, billing_account, dataset, billed_under_other_name,
    cost_usd, tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count,
    collection_method, cost_basis, charge_type, metadata
) on public.cost_records to authenticated;
grant select, insert, update, delete on public.cost_records to service_role;

drop policy if exists cost_records_select_member on public.cost_records;
create policy cost_records_select_member
    on public.cost_records
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and (
            user_id = (select auth.uid())
            or (
                workspace_id = any(array(select private.workspaces_showing_people()))
                and (project_id is null or project_id <> all(array(select private.hidden_projects())))
            )
        )
    );

drop policy if exists cost_records_insert_member on public.cost_records;
create policy cost_records_insert_member
    on public.cost_records
    for insert
    to authenticated
    with check (
        workspace_id = any(array(select private.workspaces_as('member')))
        and user_id = (select auth.uid())
        and (
            import_id is null
            or workspace_id = any(array(select private.workspaces_as('admin')))
            or import_id = any(array(select private.own_sources()))
        )
    );

-- A record is changed by whoever brought its source, which is not always whose usage it is, and by admins.
drop policy if exists cost_records_update_member on public.cost_records;
create policy cost_records_update_member
    on public.cost_records
    for update
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('member')))
        and (
            (import_id is null and user_id = (select auth.uid()))
            or workspace_id = any(array(select private.workspaces_as('admin')))
            or import_id = any(array(select private.own_sources()))
        )
    )
    with check (workspace_id = any(array(select private.workspaces_as('member'))));

drop policy if exists cost_records_delete_member on public.cost_records;
create policy cost_records_delete_member
    on public.cost_records
    for delete
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('member')))
        and (
            (import_id is null and user_id = (select auth.uid()))
            or workspace_id = any(array(select private.workspaces_as('admin')))
            or import_id = any(array(select private.own_sources()))
        )
    );

-- Flags and filing are no part of what a source reported: changing them leaves updated_at alone.
create or replace trigger cost_records_touch
    before update on public.cost_records
    for each row
    when (current_setting('tally.is_flagging', true) is distinct from 'on')
    execute function private.touch_updated_at();

-- Whoever sets a record's project chooses it: rules of the workspace leave it alone from then on. Only for callers of the API,
-- whose role is the current one; functions of the database file records by rules and check choices themselves. Policies check a
-- new row after this: whoever they refuse must not learn here which projects there are.
create or replace function private.choose_project()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if new.workspace_id = any(array(select private.workspaces_as('member'))) then
        perform private.check_chosen_projects(new.workspace_id, array[new.project_id]);
        new.project_chosen_by := 'person';
    end if;
    return new;
end
$$;
revoke all on function private.choose_project() from public;

create or replace trigger cost_records_project_inserted
    before insert on public.cost_records
    for each row when (new.project_id is not null and current_user = 'authenticated')
    execute function private.choose_project();
create or replace trigger cost_records_project_updated
    before update of project_id on public.cost_records
    for each row when (new.project_id is distinct from old.project_id and current_user = 'authenticated')
    execute function private.choose_project();
