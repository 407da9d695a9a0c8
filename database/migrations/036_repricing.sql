-- 036_repricing.sql: pricing estimates again, those of superseded statements too: one that becomes the record later has its
-- price.

-- Statements whose cost the list of prices made, or nothing did: neither a bill nor a user nor a tool reported it. Sums of rows
-- at different prices (`by row`) keep their list price; only their multiplier may change.
create or replace view private.estimates as
select
    r.workspace_id,
    r.user_id,
    r.project_id,
    r.import_id,
    r.id,
    r.timestamp,
    r.day,
    r.provider_id,
    r.model_name,
    r.cost_basis,
    r.cost_usd,
    r.input_tokens,
    r.output_tokens,
    r.cached_input_tokens,
    r.cache_write_tokens,
    r.request_count,
    r.money_is_effective as is_effective,
    r.metadata,
    r.billing_account,
    r.tokens_are_effective as counts_tokens
from public.cost_records as r
where
    r.cost_basis in ('estimated', 'included')
    and r.charge_type = 'usage'
    and (r.cost_usd is null or r.metadata ->> 'price_source' in ('genai-prices', 'genai-prices by row', 'own'))
union all
select
    s.workspace_id,
    s.user_id,
    s.project_id,
    s.import_id,
    s.id,
    s.timestamp,
    s.day,
    s.provider_id,
    s.model_name,
    s.cost_basis,
    s.cost_usd,
    s.input_tokens,
    s.output_tokens,
    s.cached_input_tokens,
    s.cache_write_tokens,
    s.request_count,
    false as is_effective,
    s.metadata,
    s.billing_account,
    false as counts_tokens
from public.superseded_records as s
where
    s.cost_basis in ('estimated', 'included')
    and s.charge_type = 'usage'
    and (s.cost_usd is null or s.metadata ->> 'price_source' in ('genai-prices', 'genai-prices by row', 'own'));
revoke all on private.estimates from public, anon, authenticated, service_role;

-- A page of a workspace's estimates as their sources reported them, in order of (timestamp, id), after the given one.
create or replace function public.list_estimates(
    since timestamptz, after_id uuid, page_size integer, workspace uuid default null
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'viewer');
    only_user constant uuid := private.only_own_rows(tenant);
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select coalesce(json_agg(e), '[]')
        from (
            select
                s.id,
                s.timestamp,
                s.day, -- the timestamp of a superseded statement may be that of an earlier time zone
                p.name as provider,
                s.model_name,
                s.billing_account,
                s.cost_basis,
                s.cost_usd::text as cost_usd,
                s.input_tokens,
                s.output_tokens,
                s.cached_input_tokens,
                s.cache_write_tokens,
                s.request_count,
                s.is_effective,
                s.counts_tokens,
                s.metadata
            from private.estimates as s
            inner join public.providers as p on s.provider_id = p.id
            where
                s.workspace_id = tenant
                and s.timestamp >= since
                and (only_user is null or s.user_id = only_user)
                and (s.project_id is null or s.project_id <> all (hidden) or s.user_id = auth.uid())
                and (list_estimates.after_id is null or (s.timestamp, s.id) > (since, list_estimates.after_id))
            order by s.timestamp, s.id
            limit greatest(least(page_size, 5000), 0)
        ) as e
    );
end
$$;
revoke all on function public.list_estimates(timestamptz, uuid, integer, uuid) from public, anon, service_role;
grant execute on function public.list_estimates(timestamptz, uuid, integer, uuid) to authenticated;

-- The new price of one statement.
do $$
begin
    if to_regtype('private.price_change') is null then
        create type private.price_change as (
            id uuid,
            timestamp timestamptz,
            was_usd numeric(18, 10), -- a statement that has another price by now is left alone
            cost_usd numeric(18, 10),
            price jsonb -- private.price_keys()
        );
        revoke all on type private.price_change from public;
    end if;
end
$$;

create or replace function private.price_keys()
returns text[]
language sql
immutable
set search_path = ''
as $$
    select array['price_source', 'price_version', 'price_model', 'price_note', 'price_multiplier', 'price_list_usd']
$$;
revoke all on function private.price_keys() from public;

-- Changes from JSON, with nothing but known keys in `price`; negative prices are left out.
create or replace function private.read_price_changes(changes json)
returns setof private.price_change
language sql
stable
set search_path = ''
as $$
    select
        c.id, c.timestamp, c.was_usd, c.cost_usd,
        (
            select coalesce(jsonb_object_agg(e.key, e.value), '{}')
            from jsonb_each(c.price) as e
            where e.key = any (private.price_keys()) and jsonb_typeof(e.value) = 'string' and length(e.value #>> '{}') <= 500
        )
    from json_populate_recordset(null::private.price_change, changes) as c
    where c.cost_usd is null or c.cost_usd >= 0
$$;
revoke all on function private.read_price_changes(json) from public;

-- Applies the changes to records and superseded statements in one statement, so that a selection afterwards finds all at their
-- new prices.
create or replace function private.reprice(
    tenant uuid, changes json, out applied bigint, out before_usd numeric, out after_usd numeric
)
language sql
set search_path = ''
as $$
    with wanted as materialized (
        select c.*
        from private.read_price_changes(changes) as c
        inner join private.estimates as e
            on
                e.workspace_id = tenant
                and c.id = e.id
                and c.timestamp = e.timestamp
                and c.was_usd is not distinct from e.cost_usd
        where
            (e.import_id is null and e.user_id = auth.uid())
            or tenant = any(array(select private.workspaces_as('admin')))
            or e.import_id = any(array(select private.own_sources()))
    ),

    effective as (
        update public.cost_records as r
        set
            cost_usd = c.cost_usd,
            metadata = r.metadata - private.price_keys() || c.price
        from wanted as c
        where r.id = c.id and r.timestamp = c.timestamp and r.workspace_id = tenant and r.cost_usd is not distinct from c.was_usd
        returning c.was_usd, c.cost_usd
    ),

    superseded as (
        update public.superseded_records as s
        set
            cost_usd = c.cost_usd,
            metadata = s.metadata - private.price_keys() || c.price
        from wanted as c
        where s.id = c.id and s.timestamp = c.timestamp and s.workspace_id = tenant and s.cost_usd is not distinct from c.was_usd
        returning c.was_usd, c.cost_usd
    )

    select count(*), coalesce(sum(p.was_usd), 0), coalesce(sum(p.cost_usd), 0)
    from (
        select * from effective
        union all
        select * from superseded
    ) as p
$$;
revoke all on function private.reprice(uuid, json) from public;

-- One entry of the audit log for all calls with the same run id: it counts what was applied, so that of an interrupted run is
-- true.
create or replace function private.audit_repricing(
    tenant uuid, run_id uuid, applied bigint, before_usd numeric, after_usd numeric
)
returns void
language plpgsql
set search_path = ''
as $$
begin
    update public.audit_logs as a
    set metadata = jsonb_build_object(
        'records', (a.metadata ->> 'records')::bigint + applied,
        'before_usd', ((a.metadata ->> 'before_usd')::numeric + before_usd)::text,
        'after_usd', ((a.metadata ->> 'after_usd')::numeric + after_usd)::text
    )
    where a.workspace_id = tenant and a.action = 'reprice' and a.row_id = run_id;
    if not found then
        perform private.write_audit(
            tenant,
            jsonb_build_object(
                'action', 'reprice', 'table_name', 'cost_records', 'row_id', run_id, 'user_id', auth.uid(),
                'changed_columns', array['cost_usd'],
                'metadata', jsonb_build_object('records', applied, 'before_usd', before_usd::text, 'after_usd', after_usd::text)
            )
        );
    end if;
end
$$;
revoke all on function private.audit_repricing(uuid, uuid, bigint, numeric, numeric) from public;

-- Prices up to 5,000 of a workspace's estimates again: one's own, as an admin everybody's. What may not be priced is skipped.
create or replace function public.apply_prices(run_id uuid, changes json, workspace uuid default null)
returns json
language plpgsql
security definer
set search_path = ''
set lock_timeout = '6s'
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    priced record;
begin
    if run_id is null or json_typeof(changes) is distinct from 'array' or json_array_length(changes) > 5000 then
        raise exception 'Changes must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    -- As a save that restates: one at a time, and no change of the time zone meanwhile.
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    priced := private.reprice(tenant, changes);
    if priced.applied > 0 then
        perform private.audit_repricing(tenant, run_id, priced.applied, priced.before_usd, priced.after_usd);
    end if;
    return json_build_object('applied', priced.applied, 'skipped', json_array_length(changes) - priced.applied);
end
$$;
revoke all on function public.apply_prices(uuid, json, uuid) from public, anon, service_role;
grant execute on function public.apply_prices(uuid, json, uuid) to authenticated;
