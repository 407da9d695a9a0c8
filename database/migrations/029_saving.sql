-- 029_saving.sql: one way in for every record, safe to repeat.

-- Keeps these statements of a source among the superseded ones, in place of its earlier ones on the same events; of a
-- streamed answer only a row that saw as much. The best statements become records (private.select_winners). Returns how many
-- are new.
create or replace function private.keep_statements(
    tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[], keys uuid[]
)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    filed constant record := private.file_incoming(tenant, source.id, incoming);
    id_start constant text := private.id_start();
    kept integer;
begin
    with stated as (
        insert into public.superseded_records as s (
            id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, source_key, request_id, timestamp,
            day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
            output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method,
            cost_basis, charge_type, metadata
        )
        select distinct on (
            r.source_key, case when r.request_id is null then coalesce((r.day + time '12:00') at time zone 'UTC', r.timestamp) end
        )
            (id_start || lpad(to_hex(r.nth), 4, '0'))::uuid,
            tenant, coalesce(r.filed_person, source.user_id, auth.uid()), coalesce(r.project_id, r.filed_project),
            case when r.project_id is not null then 'source' end,
            p.id, source.id, r.source_key, r.request_id, r.timestamp, r.day, r.model_name,
            r.billing_account, coalesce(r.dataset, 'requests'), coalesce(r.billed_under_other_name, false), r.cost_usd,
            coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)),
            coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), coalesce(r.cached_input_tokens, 0),
            coalesce(r.cache_write_tokens, 0), coalesce(r.reasoning_tokens, 0), coalesce(r.request_count, 0),
            coalesce(r.collection_method, usual_method), coalesce(r.cost_basis, 'billed'), coalesce(r.charge_type, 'usage'),
            coalesce(r.metadata, '{}')
        from unnest(incoming, filed.projects, filed.people) with ordinality as r (
            provider, timestamp, day, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, request_id,
            billing_account, dataset, billed_under_other_name, project_id, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, metadata, filed_project, filed_person, nth
        )
        inner join public.providers as p on r.provider = p.name
        where
            r.timestamp >= timestamptz '2020-01-01 00:00:00+00'
            and r.timestamp < (select now() + interval '1 year')
            -- Hashed: `any` of a parameter compares all with all, and without `is true` this is a nested loop.
            and (r.source_key in (select k.key from unnest(keys) as k (key))) is true
        order by
            r.source_key, case when r.request_id is null then coalesce((r.day + time '12:00') at time zone 'UTC', r.timestamp) end
        on conflict (
            workspace_id, source_key, import_id,
            (case when request_id is null then coalesce((day + time '12:00') at time zone 'UTC', timestamp) end)
        ) do update
            set
                (
                    user_id, project_id, project_chosen_by, provider_id, request_id, timestamp, day, model_name, billing_account,
                    dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens, output_tokens, cached_input_tokens,
                    cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis, charge_type, metadata
                ) = row(
                    excluded.user_id,
                    case when
                        s.project_chosen_by = 'person'
                        or excluded.project_chosen_by is null and s.project_chosen_by = 'source'
                    then s.project_id else excluded.project_id end,
                    case when s.project_chosen_by = 'person' then 'person'
                    else coalesce(excluded.project_chosen_by, s.project_chosen_by) end,
                    excluded.provider_id, excluded.request_id, excluded.timestamp, excluded.day, excluded.model_name,
                    excluded.billing_account, excluded.dataset, excluded.billed_under_other_name, excluded.cost_usd,
                    excluded.tokens_used, excluded.input_tokens, excluded.output_tokens, excluded.cached_input_tokens,
                    excluded.cache_write_tokens, excluded.reasoning_tokens, excluded.request_count, excluded.collection_method,
                    excluded.cost_basis, excluded.charge_type, excluded.metadata
                )
            where excluded.request_id is null
                or (excluded.tokens_used, excluded.cached_input_tokens + excluded.cache_write_tokens)
                >= (s.tokens_used, s.cached_input_tokens + s.cache_write_tokens)
        returning s.xmax = 0 as is_new -- an updated row was locked; counting them before and after reads the source's others
    )

    select count(*) filter (where t.is_new) into kept from stated as t;
    return kept;
end
$$;
revoke all on function private.keep_statements(uuid, public.imports, text, private.incoming_record[], uuid[]) from public;

-- Inserts the records whose identity is not among `known` and returns how many: null, and none, if one of them is there twice or
-- was saved by another meanwhile, or its month was. `on conflict do nothing` would find known ones, too, at a fifth of the time.
create or replace function private.insert_records(
    tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[], known uuid[]
)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    inserted integer;
    refused_by text;
    filed record;
    id_start constant text := private.id_start();
begin
    -- Saves of a workspace run side by side while each writes once; two writes in one transaction could deadlock over days.
    perform pg_advisory_xact_lock_shared(private.save_lock(tenant));
    -- By the rules of this moment: they cannot change before this save has committed.
    filed := private.file_incoming(tenant, source.id, incoming);
    perform set_config('tally.is_inserting', 'on', true); -- see the trigger cost_records_channels_inserted
    with providers as materialized (
        select p.id, p.name from public.providers as p
    )

    insert into public.cost_records (
        id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, source_key, request_id, timestamp, day,
        model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens, output_tokens,
        cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis, charge_type,
        metadata
    )
    select
        (id_start || lpad(to_hex(r.nth), 4, '0'))::uuid,
        tenant, coalesce(r.filed_person, source.user_id, auth.uid()), coalesce(r.project_id, r.filed_project),
        case when r.project_id is not null then 'source' end,
        p.id, source.id, coalesce(r.source_key, gen_random_uuid()), r.request_id, r.timestamp, r.day,
        r.model_name, r.billing_account, coalesce(r.dataset, 'requests'), coalesce(r.billed_under_other_name, false),
        r.cost_usd, coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)),
        coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), coalesce(r.cached_input_tokens, 0),
        coalesce(r.cache_write_tokens, 0), coalesce(r.reasoning_tokens, 0), coalesce(r.request_count, 0),
        coalesce(r.collection_method, usual_method), coalesce(r.cost_basis, 'billed'), coalesce(r.charge_type, 'usage'),
        coalesce(r.metadata, '{}')
    from unnest(incoming, filed.projects, filed.people) with ordinality as r (
        provider, timestamp, day, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, request_id,
        billing_account, dataset, billed_under_other_name, project_id, tokens_used, input_tokens, output_tokens,
        cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, metadata, filed_project, filed_person, nth
    )
    inner join providers as p on r.provider = p.name
    where
        r.timestamp >= timestamptz '2020-01-01 00:00:00+00'
        and r.timestamp < (select now() + interval '1 year')
        and (cardinality(known) = 0 or r.source_key is null or r.source_key not in (select k.key from unnest(known) as k (key)))
    order by r.timestamp, r.source_key; -- one order for everyone: two saves of the same events must not deadlock
    get diagnostics inserted = row_count;
    perform set_config('tally.is_inserting', '', true);
    return inserted;
exception
when unique_violation then
    return null; -- the insert is undone and its locks are given back
when check_violation then
    get stacked diagnostics refused_by = constraint_name;
    if refused_by <> '' then
        raise exception 'One of these records breaks the rule "%". None of them was saved.', refused_by using errcode = '23514';
    end if;
    if exists (
        select
        from private.archived_months as a
        inner join unnest(incoming) as r on a.month = date_trunc('month', r.timestamp at time zone 'UTC')::date
    ) then
        raise exception 'A month of these records has been archived. Leave its rows out and save again.' using errcode = '22023';
    end if;
    return null; -- a month that another save made this moment: it is visible before this session has heard of it
end
$$;
revoke all on function private.insert_records(uuid, public.imports, text, private.incoming_record[], uuid[]) from public;

-- Keeps statements on known events and inserts the other records, under the lock of saves; returns how many were inserted. A row
-- that is inserted without a save meanwhile becomes a known one.
create or replace function private.save_beside_known(
    tenant uuid,
    source public.imports,
    usual_method text,
    incoming private.incoming_record[],
    first_at timestamptz,
    last_at timestamptz,
    has_requests boolean
)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    known uuid[];
    inserted integer;
begin
    for attempt in 1..3 loop
        known := private.find_known(tenant, incoming, first_at, last_at, has_requests);
        perform private.keep_statements(
            tenant, source, usual_method, incoming, private.restatable(tenant, source.id, known, first_at, last_at)
        );
        inserted := private.insert_records(tenant, source, usual_method, incoming, known);
        if inserted is not null then
            return inserted;
        end if;
        incoming := private.merge_lines(incoming);
    end loop;
    raise exception 'These records are being changed. Save them again.' using errcode = '40001';
end
$$;
revoke all on function private.save_beside_known(
    uuid, public.imports, text, private.incoming_record[], timestamptz, timestamptz, boolean
) from public;

-- Saves up to 5,000 records of the workspace; `import_id` may be null. What is known of an event is not added again: the
-- statements of this source are kept beside those of others, and the best one is the record. Returns {inserted, duplicate,
-- restated, rejected: [{index, reason}]}; restated events are among the duplicates. Its locks are all taken here: their order is
-- to be read in one place.
create or replace function public.save_cost_records(import_id uuid, records json, workspace uuid default null)
returns json
language plpgsql
security definer
set search_path = ''
set lock_timeout = '6s' -- less than the API's limit: a save behind a long change is told to wait, and is repeated
set plan_cache_mode = force_generic_plan
as $$
declare
    source public.imports;
    tenant uuid;
    usual_method constant text := case when import_id is null then 'manual_entry' else 'csv_import' end;
    incoming private.incoming_record[];
    checked record;
    known uuid[];
    outdone private.incoming_record[];
    kept integer := 0;
    inserted integer := 0;
begin
    if auth.uid() is null then
        raise exception 'Sign in to save records.' using errcode = '42501';
    end if;
    select i.* into source from public.imports as i where i.id = $1 and i.workspace_id = private.workspace_of_source($1);
    if import_id is not null and not found then
        raise exception 'This import no longer exists.' using errcode = '23503';
    end if;
    tenant := private.require_workspace(coalesce(workspace, source.workspace_id), 'member');

    -- The time zone cannot change until this save has committed (see private.mark_all_days).
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    incoming := private.read_incoming(records, private.timezone_of(tenant));
    checked := private.check_incoming(tenant, incoming);
    incoming := private.leave_out_archived(tenant, incoming);
    if checked.chosen_projects is not null then
        perform private.check_chosen_projects(tenant, checked.chosen_projects);
    end if;
    -- Before the lock of saves: whoever makes a month may wait for another who does.
    if not private.has_months(checked.first_at, checked.last_at) then
        perform public.ensure_months(array(select distinct (r.timestamp at time zone 'UTC')::date from unnest(incoming) as r));
    end if;

    if checked.has_requests then
        -- No constraint would find a second record of a request at another time, so nobody else may save meanwhile.
        perform pg_advisory_xact_lock(private.save_lock(tenant));
        incoming := private.merge_requests(private.resolve_aliases(tenant, import_id, incoming, checked.has_aliases));
    end if;
    perform set_config('tally.restated', '0', true);
    perform set_config('tally.has_channels', case when checked.has_channels then 'on' else '' end, true);
    if source.is_enabled is false then
        perform pg_advisory_xact_lock(private.save_lock(tenant));
        kept := private.keep_all_statements(tenant, source, usual_method, incoming);
    else
        if checked.has_channels then
            perform pg_advisory_xact_lock(private.save_lock(tenant));
            select s.outdone, s.rest into outdone, incoming from private.split_by_channel(tenant, usual_method, incoming) as s;
            kept := private.keep_all_statements(tenant, source, usual_method, outdone);
        end if;
        known := private.find_known(tenant, incoming, checked.first_at, checked.last_at, checked.has_requests);
        if cardinality(known) = 0 then
            inserted := private.insert_records(tenant, source, usual_method, incoming, known);
        end if;
        if cardinality(known) > 0 or inserted is null then
            perform pg_advisory_xact_lock(private.save_lock(tenant));
            inserted := private.save_beside_known(
                tenant, source, usual_method, incoming, checked.first_at, checked.last_at, checked.has_requests
            );
        end if;
    end if;
    if checked.has_channels then
        perform private.compare_channels(tenant);
    end if;
    perform private.check_statement_count(tenant);
    return json_build_object(
        'inserted', inserted + kept,
        'duplicate', checked.valid - inserted - kept,
        'restated', current_setting('tally.restated')::integer,
        'rejected', checked.rejected
    );
end
$$;
revoke all on function public.save_cost_records(uuid, json, uuid) from public, anon, service_role;
grant execute on function public.save_cost_records(uuid, json, uuid) to authenticated;
