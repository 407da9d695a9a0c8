-- 030_sources.sql: enabling, disabling and deleting sources; windows that are sent again; plans.

-- Keeps all of these statements: those of a disabled source or of a channel that does not count, under the projects that people
-- chose for their events.
create or replace function private.keep_all_statements(
    tenant uuid, source public.imports, usual_method text, incoming private.incoming_record[]
)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    keys constant uuid[] := array(select r.source_key from unnest(incoming) as r);
    kept integer;
begin
    if array_position(keys, null) is not null then
        raise exception 'Records of a disabled source need a source_key.' using errcode = '22023';
    end if;
    kept := private.keep_statements(tenant, source, usual_method, incoming, keys);
    perform private.settle_events(tenant, keys);
    return kept;
end
$$;
revoke all on function private.keep_all_statements(uuid, public.imports, text, private.incoming_record[]) from public;

-- Of these identities those whose records the caller may restate: without a source, those of others are theirs.
create or replace function private.restatable(
    tenant uuid, source uuid, keys uuid[], first_at timestamptz, last_at timestamptz
)
returns uuid[]
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    if source is not null or tenant = auth.uid() then
        return keys;
    end if;
    return array(
        select k.key from unnest(keys) as k (key)
        except
        select r.source_key
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= first_at
            and r.timestamp <= last_at
            and r.source_key = any (keys)
            and r.import_id is null
            and r.user_id <> auth.uid()
        except
        select r.source_key
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.source_key = any (keys)
            and r.request_id is not null
            and r.import_id is null
            and r.user_id <> auth.uid()
        except
        select s.source_key
        from public.superseded_records as s
        where s.workspace_id = tenant and s.source_key = any (keys) and s.import_id is null and s.user_id <> auth.uid()
    );
end
$$;
revoke all on function private.restatable(uuid, uuid, uuid[], timestamptz, timestamptz) from public;

-- Makes the records of a source superseded statements, so that those of others take their place.
create or replace function private.supersede_source(tenant uuid, source uuid)
returns void
language sql
set search_path = ''
as $$
    with withdrawn as (
        delete from public.cost_records as r
        where r.workspace_id = tenant and r.import_id = source
        returning r.*
    )

    insert into public.superseded_records (
        id, workspace_id, user_id, project_id, project_chosen_by, provider_id, import_id, subscription_id, source_key, request_id,
        timestamp, day, model_name, billing_account, dataset, billed_under_other_name, cost_usd, tokens_used, input_tokens,
        output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
        charge_type, metadata, created_at, updated_at
    )
    select
        r.id, r.workspace_id, r.user_id, r.project_id, r.project_chosen_by, r.provider_id, r.import_id, r.subscription_id,
        r.source_key, r.request_id, r.timestamp, r.day, r.model_name, r.billing_account, r.dataset, r.billed_under_other_name,
        r.cost_usd, r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
        r.reasoning_tokens, r.request_count, r.collection_method, r.cost_basis, r.charge_type, r.metadata, r.created_at,
        r.updated_at
    from withdrawn as r
    on conflict do nothing -- a statement saved while a month was archived is newer
$$;
revoke all on function private.supersede_source(uuid, uuid) from public;

-- A disabled source gives its events to the other sources that reported them; an enabled one competes for them again.
create or replace function private.change_enabled()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock(private.save_lock(new.workspace_id));
    if new.is_enabled then
        perform private.select_winners(
            new.workspace_id,
            array(
                select s.source_key
                from public.superseded_records as s
                where s.workspace_id = new.workspace_id and s.import_id = new.id
            )
        );
    else
        perform private.exclude_source(new.workspace_id, new.id);
    end if;
    perform private.compare_channels_of(new.workspace_id, array[new.id]);
    return null;
end
$$;
revoke all on function private.change_enabled() from public;

create or replace trigger imports_change_enabled
    after update of is_enabled on public.imports
    for each row when (old.is_enabled is distinct from new.is_enabled) execute function private.change_enabled();

-- Takes a source into the totals or out of them. PostgREST applies the time limit of a function, so that a large source does
-- not need to change in pieces.
create or replace function public.set_source_enabled(import_id uuid, is_enabled boolean)
returns void
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s'
as $$
declare
    tenant constant uuid := private.require_source($1);
begin
    if $2 is null then
        raise exception 'Say whether the source is in the totals.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    update public.imports as i
    set is_enabled = $2
    where i.workspace_id = tenant and i.id = $1 and i.is_enabled <> $2;
end
$$;
revoke all on function public.set_source_enabled(uuid, boolean) from public, anon, service_role;
grant execute on function public.set_source_enabled(uuid, boolean) to authenticated;

-- Deletes a source with its records and returns whether there was one that the caller may delete: repeating it is safe.
create or replace function public.delete_source(import_id uuid)
returns boolean
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s'
as $$
declare
    tenant constant uuid := private.workspace_of_source($1);
begin
    delete from public.imports as i
    where i.workspace_id = tenant and i.id = $1;
    return found;
end
$$;
revoke all on function public.delete_source(uuid) from public, anon, service_role;
grant execute on function public.delete_source(uuid) to authenticated;

-- Deletes what a source reported of these days in one dataset and no longer does: `keys` are the identities that it reports
-- now. Returns how many records that was.
create or replace function public.delete_missing(import_id uuid, dataset text, first_day date, last_day date, keys uuid[])
returns bigint
language plpgsql
security definer
set search_path = ''
set lock_timeout = '6s'
as $$
declare
    tenant constant uuid := private.require_source($1);
    superseded record;
    effective bigint;
begin
    if $3 is null or $4 is null or $5 is null then
        raise exception 'Give the days and the identities that are still there.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    with deleted as (
        delete from public.superseded_records as s
        where
            s.workspace_id = tenant
            and s.import_id = $1
            and s.dataset = $2
            and s.day between $3 and $4
            and (s.source_key in (select k.key from unnest($5) as k (key))) is not true -- hashed
        returning s.source_key, s.timestamp
    )

    select array_agg(d.source_key) as keys, min(d.timestamp) as first_at, max(d.timestamp) as last_at
    into superseded
    from deleted as d;
    delete from public.cost_records as r
    where
        r.workspace_id = tenant
        and r.import_id = $1
        and r.dataset = $2
        and r.timestamp >= $3::timestamp at time zone 'UTC'
        and r.timestamp < ($4 + 1)::timestamp at time zone 'UTC'
        and r.day is not null
        and (r.source_key in (select k.key from unnest($5) as k (key))) is not true;
    get diagnostics effective = row_count;
    if superseded.keys is not null then
        perform private.settle_events(tenant, superseded.keys, superseded.first_at, superseded.last_at);
    end if;
    return coalesce(cardinality(superseded.keys), 0) + effective;
end
$$;
revoke all on function public.delete_missing(uuid, text, date, date, uuid[]) from public, anon, service_role;
grant execute on function public.delete_missing(uuid, text, date, date, uuid[]) to authenticated;

-- A tool is paid for by the request or covered by a plan; only its user knows. Moves a source's usage from one billing account
-- to the other and returns how many records that was.
create or replace function public.set_paid_by_plan(import_id uuid, is_plan boolean)
returns bigint
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s'
as $$
declare
    tenant constant uuid := private.require_source($1);
    basis constant text := case when $2 then 'included' else 'estimated' end;
    moved bigint;
begin
    if $2 is null then
        raise exception 'Say whether a plan pays for it.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    with plans as (
        select f.id as from_id, t.id as to_id, t.name as to_name
        from (
            values ('anthropic', 'claude-desktop', 'claude-code'), ('openai', 'chatgpt', 'codex'),
            ('google', 'gemini-app', 'gemini-cli')
        ) as m (api, plan, agent)
        -- The plan of these agents is their maker's: it covers nothing that a cloud or another maker answers.
        inner join public.imports as i
            on i.id = $1 and (i.format = m.agent or i.format not in ('claude-code', 'codex', 'gemini-cli'))
        inner join public.providers as f on f.name = case when $2 then m.api else m.plan end
        inner join public.providers as t on t.name = case when $2 then m.plan else m.api end
    ),

    kept as (
        update public.superseded_records as s
        set provider_id = p.to_id, cost_basis = basis, billing_account = p.to_name
        from plans as p
        where
            s.workspace_id = tenant
            and s.import_id = $1
            and s.provider_id = p.from_id
            and s.cost_basis in ('included', 'estimated')
    )

    update public.cost_records as r
    set provider_id = p.to_id, cost_basis = basis, billing_account = p.to_name
    from plans as p
    where
        r.workspace_id = tenant
        and r.import_id = $1
        and r.provider_id = p.from_id
        and r.cost_basis in ('included', 'estimated');
    get diagnostics moved = row_count;
    perform private.refile_source(tenant, $1); -- rules may ask for the billing account
    -- What is collected from now on follows.
    update public.imports as i
    set metadata = i.metadata || jsonb_build_object('paid_by', case when $2 then 'plan' else 'api' end)
    where i.workspace_id = tenant and i.id = $1;
    return moved;
end
$$;
revoke all on function public.set_paid_by_plan(uuid, boolean) from public, anon, service_role;
grant execute on function public.set_paid_by_plan(uuid, boolean) to authenticated;
