-- 032_refiling.sql: what a change of rules or aliases moves, among records and superseded statements alike. The preview and the
-- change share one plan, so that a change moves exactly what its preview said.

-- Statements that go from one project or person to another, by their traits.
do $$
begin
    if to_regtype('private.filing_move') is null then
        create type private.filing_move as (
            traits private.traits,
            from_id uuid,
            to_id uuid,
            records bigint,
            superseded bigint,
            billed_usd numeric,
            estimated_usd numeric,
            included_usd numeric,
            first_at timestamptz,
            last_at timestamptz
        );
        revoke all on type private.filing_move from public;
    end if;
end
$$;

-- A workspace's statements with their traits of these fields: all of them, those of one source, or those with these ids. Traits
-- are read as in private.kinds_of_incoming.
create or replace function private.described_statements(
    tenant uuid, fields text[], of_source uuid default null, ids uuid[] default null
)
returns table (
    is_record boolean, id uuid, at timestamptz, user_id uuid, project_id uuid, project_chosen_by text, import_id uuid,
    cost_basis text, cost_usd numeric, traits private.traits
)
language plpgsql
stable
rows 100000
set search_path = ''
set plan_cache_mode = force_custom_plan -- a workspace may have most of the records, or few
as $$
begin
    return query
    select
        s.is_record, s.id, s.timestamp, s.user_id, s.project_id, s.project_chosen_by, s.import_id, s.cost_basis, s.cost_usd,
        row(
            case when (select 'folder' = any (fields)) then coalesce(nullif(m ->> 'project', ''), m ->> 'folder') end,
            case when (select 'repository' = any (fields)) then coalesce(nullif(m ->> 'repository', ''), m ->> 'repo') end,
            case when (select 'branch' = any (fields)) then coalesce(nullif(m ->> 'branch', ''), m ->> 'git_branch') end,
            case
                when (select 'api_key' = any (fields))
                    then coalesce(nullif(m ->> 'api_key', ''), nullif(m ->> 'api_key_id', ''), m ->> 'api_key_name')
            end,
            case
                when (select 'provider_project' = any (fields))
                    then coalesce(
                        nullif(m ->> 'project_id', ''), nullif(m ->> 'project_name', ''), nullif(m ->> 'workspace', ''),
                        nullif(m ->> 'workspace_id', ''), m ->> 'team_id'
                    )
            end,
            case
                when (select 'person' = any (fields))
                    then coalesce(
                        nullif(m ->> 'actor', ''), nullif(m ->> 'user_email', ''), nullif(m ->> 'email', ''),
                        nullif(m ->> 'user', ''), nullif(m ->> 'user_id', ''), nullif(m ->> 'username', ''), m ->> 'owner'
                    )
            end,
            case when (select 'tag' = any (fields)) then coalesce(nullif(m -> 'tags', '[]'), m -> 'tag') end,
            case when (select 'source' = any (fields)) then s.import_id end,
            case when (select 'model' = any (fields)) then s.model_key end,
            case when (select 'billing_account' = any (fields)) then s.billing_account end
        )::private.traits
    from (
        select
            true as is_record, r.id, r.timestamp, r.user_id, r.project_id, r.project_chosen_by, r.import_id, r.cost_basis,
            case when r.money_is_effective then r.cost_usd else 0.0000000000 end as cost_usd, r.metadata as m, r.model_key,
            r.billing_account
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and (of_source is null or r.import_id = of_source)
            and (ids is null or r.id = any (ids))
        union all
        select
            false, k.id, k.timestamp, k.user_id, k.project_id, k.project_chosen_by, k.import_id, k.cost_basis, 0, k.metadata,
            k.model_key, k.billing_account
        from public.superseded_records as k
        where
            k.workspace_id = tenant
            and (of_source is null or k.import_id = of_source)
            and (ids is null or k.id = any (ids))
    ) as s;
end
$$;
revoke all on function private.described_statements(uuid, text[], uuid, uuid[]) from public;

-- What these rules would move. What a person chose stays, and so does what is in an archived project.
create or replace function private.plan_rules(tenant uuid, rules public.project_rules[], of_source uuid default null)
returns private.filing_move[]
language plpgsql
stable
set search_path = ''
set work_mem = '64MB'
as $$
declare
    archived constant uuid[] := array(
        select p.id from public.projects as p where p.workspace_id = tenant and p.archived_at is not null
    );
begin
    return (
        with kinds as materialized (
            select
                row_number() over () as nth,
                s.traits,
                s.project_id as from_id,
                count(*) filter (where s.is_record) as records,
                count(*) filter (where not s.is_record) as superseded,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'billed'), 0) as billed_usd,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'estimated'), 0) as estimated_usd,
                coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'included'), 0) as included_usd,
                min(s.at) filter (where s.is_record) as first_at,
                max(s.at) filter (where s.is_record) as last_at
            from private.described_statements(tenant, private.fields_of(rules), of_source) as s
            where s.project_chosen_by is null and (s.project_id is null or s.project_id <> all (archived))
            group by s.traits, s.project_id
        ),

        matched as (
            select private.match_rules(rules, array_agg(k.traits order by k.nth)) as projects
            from kinds as k
        )

        select
            coalesce(
                array_agg(
                    row(
                        k.traits, k.from_id, m.project, k.records, k.superseded, k.billed_usd, k.estimated_usd, k.included_usd,
                        k.first_at, k.last_at
                    )::private.filing_move
                ),
                '{}'
            )
        from matched as f
        cross join lateral unnest(f.projects) with ordinality as m (project, nth)
        inner join kinds as k on m.nth = k.nth
        where k.from_id is distinct from m.project
    );
end
$$;
revoke all on function private.plan_rules(uuid, public.project_rules[], uuid) from public;

-- Moves what was planned. A filing is nothing that a source reported: as with flags, updated_at stays, and neither references
-- nor sums of parts can have changed.
create or replace function private.move_to_projects(
    tenant uuid, plan private.filing_move[], fields text[], of_source uuid default null
)
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan
set enable_nestloop = off -- how many statements match is guessed far too low
set work_mem = '64MB'
as $$
begin
    if cardinality(plan) = 0 then
        return;
    end if;
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as k
    set project_id = p.to_id
    from private.described_statements(tenant, fields, of_source) as s
    inner join unnest(plan) as p on s.traits = p.traits and s.project_id is not distinct from p.from_id
    where k.workspace_id = tenant and k.id = s.id and not s.is_record and s.project_chosen_by is null;
    update public.cost_records as r
    set project_id = p.to_id
    from private.described_statements(tenant, fields, of_source) as s
    inner join unnest(plan) as p on s.traits = p.traits and s.project_id is not distinct from p.from_id
    where r.workspace_id = tenant and r.id = s.id and r.timestamp = s.at and s.is_record and s.project_chosen_by is null;
    perform set_config('tally.is_flagging', '', true);
end
$$;
revoke all on function private.move_to_projects(uuid, private.filing_move[], text[], uuid) from public;

-- Files a source's records again by the workspace's rules, after a change of what they ask for.
create or replace function private.refile_source(tenant uuid, source uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
    rules constant public.project_rules[] := private.active_rules(tenant);
begin
    if cardinality(rules) > 0 then
        perform private.move_to_projects(
            tenant, private.plan_rules(tenant, rules, source), private.fields_of(rules), source
        );
    end if;
end
$$;
revoke all on function private.refile_source(uuid, uuid) from public;

-- A plan as JSON: {records, superseded_records, moves: [{from_project, to_project, records, billed_usd, estimated_usd,
-- included_usd, first_day, last_day}]}, dearest first, or from_person and to_person. Only records in the totals have moves.
create or replace function private.describe_moves(tenant uuid, plan private.filing_move[], what text)
returns json
language sql
stable
set search_path = ''
as $$
    select
        json_build_object(
            'records', coalesce(sum(m.records), 0),
            'superseded_records', coalesce(sum(m.superseded), 0),
            'moves', coalesce(
                json_agg(
                    json_build_object(
                        'from_' || what, m.from_id, 'to_' || what, m.to_id, 'records', m.records,
                        'billed_usd', m.billed_usd::text, 'estimated_usd', m.estimated_usd::text,
                        'included_usd', m.included_usd::text, 'first_day', (m.first_at at time zone z.zone)::date,
                        'last_day', (m.last_at at time zone z.zone)::date
                    )
                    order by m.billed_usd + m.estimated_usd desc, m.included_usd desc, m.records desc, m.from_id, m.to_id
                ) filter (where m.records > 0),
                '[]'
            )
        )
    from (select private.timezone_of(tenant) as zone) as z
    left join (
        select
            p.from_id, p.to_id, sum(p.records)::bigint as records, sum(p.superseded)::bigint as superseded,
            sum(p.billed_usd) as billed_usd, sum(p.estimated_usd) as estimated_usd, sum(p.included_usd) as included_usd,
            min(p.first_at) as first_at, max(p.last_at) as last_at
        from unnest(plan) as p
        group by p.from_id, p.to_id
    ) as m on true
$$;
revoke all on function private.describe_moves(uuid, private.filing_move[], text) from public;

-- Logs how many statements were moved, and to where; the change of the list itself is logged by its table.
create or replace function private.audit_moves(tenant uuid, described json, action text)
returns void
language plpgsql
set search_path = ''
as $$
begin
    if (described ->> 'records')::bigint + (described ->> 'superseded_records')::bigint > 0 then
        perform private.write_audit(
            tenant,
            jsonb_build_object(
                'action', action, 'table_name', 'cost_records', 'metadata', jsonb_build_object(
                    'records', described -> 'records', 'superseded_records', described -> 'superseded_records'
                )
            )
        );
    end if;
end
$$;
revoke all on function private.audit_moves(uuid, json, text) from public;

-- The locks of a save that restates, in its order: no change of the time zone meanwhile, and no other save, which would file by
-- what is about to change.
create or replace function private.wait_to_file(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
end
$$;
revoke all on function private.wait_to_file(uuid) from public;
