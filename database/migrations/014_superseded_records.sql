-- 014_superseded_records.sql: statements that are not in cost_records, because another source's statement on the same event is
-- effective or because their source is disabled. They are kept, so that the totals without a source are exact at any time.

-- public.superseded_records: the columns of cost_records without the flags; a statement is here or there, never in both.
create table if not exists public.superseded_records (
    like public.cost_records including defaults including constraints including generated,
    primary key (id) -- references: see private.check_references
);
alter table public.superseded_records drop column if exists money_is_effective;
alter table public.superseded_records drop column if exists tokens_are_effective;
-- A source has one statement on a request, and one on a line of an export at each time. An event that is a date is told apart
-- by it: its instant follows the time zone.
create unique index if not exists superseded_records_statement
    on public.superseded_records (
        workspace_id, source_key, import_id,
        (case when request_id is null then coalesce((day + time '12:00') at time zone 'UTC', timestamp) end)
    ) nulls not distinct;
-- Projects that were chosen: few, and each save asks for them.
create index if not exists superseded_records_chosen_idx
    on public.superseded_records (workspace_id, source_key)
    where project_chosen_by is not null;
-- Of the indexes that begin with the workspace only that of statements is there for what names an event. Where nothing is known
-- of how many rows a workspace has, any of them would do, and be read from end to end for each event.
create index if not exists superseded_records_import_idx
    on public.superseded_records (workspace_id, import_id)
    where import_id is not null;
create index if not exists superseded_records_provider_idx on public.superseded_records (provider_id);
create index if not exists superseded_records_user_idx on public.superseded_records (user_id);
create index if not exists superseded_records_timestamp_idx
    on public.superseded_records (workspace_id, timestamp)
    where timestamp is not null; -- as every comparison of times implies
alter table public.superseded_records enable row level security;
revoke all on public.superseded_records from anon, authenticated, service_role;
-- Written by the functions of the database alone.
grant select on public.superseded_records to authenticated;
grant select, insert, update, delete on public.superseded_records to service_role;

drop policy if exists superseded_records_select_member on public.superseded_records;
create policy superseded_records_select_member
    on public.superseded_records
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

create or replace trigger superseded_records_check_inserted
    after insert on public.superseded_records
    referencing new table as changed
    for each statement execute function private.check_references();
create or replace trigger superseded_records_check_updated
    after update on public.superseded_records
    referencing old table as changed_from new table as changed
    for each statement
    when (current_setting('tally.is_flagging', true) is distinct from 'on')
    execute function private.check_references();
create or replace trigger superseded_records_touch
    before update on public.superseded_records
    for each row
    when (current_setting('tally.is_flagging', true) is distinct from 'on')
    execute function private.touch_updated_at();

select private.note_changes_of('public.superseded_records');

-- Deletes these statements and returns them: to be called where they move into cost_records.
create or replace function private.take_statements(ids uuid[])
returns setof public.superseded_records
language sql
set search_path = ''
as $$
    delete from public.superseded_records as s
    where s.id = any (ids)
    returning s.*
$$;
revoke all on function private.take_statements(uuid[]) from public;

-- Makes superseded statements records.
create or replace function private.promote_statements(ids uuid[])
returns void
language sql
set search_path = ''
as $$
    insert into public.cost_records (
        id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, source_key, request_id,
        timestamp, day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
        output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
        charge_type, metadata, created_at, updated_at
    )
    select
        s.id, s.workspace_id, s.user_id, s.project_id, s.project_chosen_by, s.provider_id, s.import_id, s.subscription_id,
        s.source_key, s.request_id, s.timestamp, s.day, s.model_name, s.billing_account, s.dataset, s.billed_under_other_name,
        s.cost_usd, s.tokens_used, s.input_tokens, s.output_tokens, s.cached_input_tokens, s.cache_write_tokens,
        s.reasoning_tokens, s.request_count, s.collection_method, s.cost_basis, s.charge_type, s.metadata, s.created_at,
        s.updated_at
    from private.take_statements(ids) as s
    order by s.timestamp, s.source_key
$$;
revoke all on function private.promote_statements(uuid[]) from public;

-- Keeps a copy of these records as superseded statements, with ids of their own.
create or replace function private.keep_as_superseded(owner uuid, ids uuid[], first_at timestamptz, last_at timestamptz)
returns void
language sql
set search_path = ''
as $$
    insert into public.superseded_records (
        workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, source_key, request_id,
        timestamp, day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
        output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
        charge_type, metadata, created_at, updated_at
    )
    select
        r.workspace_id, r.user_id, r.project_id, r.project_chosen_by, r.provider_id, r.import_id, r.subscription_id, r.source_key,
        r.request_id, r.timestamp, r.day, r.model_name, r.billing_account, r.dataset, r.billed_under_other_name, r.cost_usd,
        r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens,
        r.request_count, r.collection_method, r.cost_basis, r.charge_type, r.metadata, r.created_at, r.updated_at
    from unnest(ids) as i (id)
    cross join lateral (
        select c.*
        from public.cost_records as c
        where c.id = i.id and c.timestamp >= first_at and c.timestamp <= last_at
        limit 1 -- one look-up after the other: `any` compares each record of this time with all ids
    ) as r
    where r.workspace_id = owner
$$;
revoke all on function private.keep_as_superseded(uuid, uuid[], timestamptz, timestamptz) from public;

-- True if a record's project outlasts the statement that replaces it: what a person chose does, and what a machine's rule chose
-- where the same source reports the event again.
create or replace function private.keeps_choice(record public.cost_records, statement public.superseded_records)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
    return coalesce(record.project_chosen_by = 'person', false)
    or (
        coalesce(record.project_chosen_by = 'source', false)
        and statement.project_chosen_by is null
        and statement.import_id is not distinct from record.import_id
    );
end
$$;
revoke all on function private.keeps_choice(public.cost_records, public.superseded_records) from public;

-- Puts superseded statements in the place of records: `ids` and `at` name the records, in the order of the statements.
create or replace function private.replace_records(owner uuid, statements uuid[], ids uuid[], at timestamptz[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan -- the months that matter are few of many
set enable_nestloop = off -- how many rows match is guessed far too low; measured, 400 against 70 ms
as $$
declare
    first_at constant timestamptz := (select min(a.at) from unnest(at) as a (at));
    last_at constant timestamptz := (select max(a.at) from unnest(at) as a (at));
begin
    update public.cost_records as r
    set
        (
            user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, request_id, timestamp, day,
            model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis, charge_type,
            metadata
        ) = row(
            t.user_id,
            case when private.keeps_choice(r, t) then r.project_id else t.project_id end,
            case when private.keeps_choice(r, t) then r.project_chosen_by else t.project_chosen_by end,
            t.provider_id, t.import_id, t.subscription_id, t.request_id, t.timestamp, t.day, t.model_name, t.billing_account,
            t.dataset, t.billed_under_other_name, t.cost_usd, t.tokens_used, t.input_tokens, t.output_tokens,
            t.cached_input_tokens, t.cache_write_tokens, t.reasoning_tokens, t.request_count, t.collection_method, t.cost_basis,
            t.charge_type, t.metadata
        )
    from unnest(statements, ids, at) as p (statement, id, at)
    inner join private.take_statements(statements) as t on p.statement = t.id
    where
        r.workspace_id = owner
        and r.timestamp >= first_at
        and r.timestamp <= last_at
        and r.id = p.id
        and r.timestamp = p.at;
end
$$;
revoke all on function private.replace_records(uuid, uuid[], uuid[], timestamptz[]) from public;
