-- 033_changing_rules.sql: previewing and setting a workspace's rules, the whole list at once.

-- One rule from JSON; 22023 with a sentence that names it by its place. People are compared in lower case, models by their key.
-- A rule of the list may stay while its project is archived.
create or replace function private.read_rule(tenant uuid, place integer, asked json)
returns public.project_rules
language plpgsql
stable
set search_path = ''
as $$
declare
    fields constant text[] := array[
        'folder', 'repository', 'branch', 'api_key', 'provider_project', 'person', 'source', 'tag', 'model', 'billing_account'
    ];
    rule public.project_rules;
    found_project public.projects;
begin
    if json_typeof(asked) is distinct from 'object' then
        raise exception 'Rule % must be an object with field, match, value and project_id.', place using errcode = '22023';
    end if;
    rule.id := gen_random_uuid();
    rule.workspace_id := tenant;
    rule.position := place;
    rule.field := asked ->> 'field';
    rule.match := asked ->> 'match';
    rule.value := private.trim_text(asked ->> 'value');
    if array_position(fields, rule.field) is null then
        raise exception 'Rule % asks for "%". A rule can ask for: %.', place, left(coalesce(rule.field, ''), 60),
            array_to_string(fields, ', ') using errcode = '22023';
    end if;
    if coalesce(rule.match, '') not in ('exact', 'prefix') then
        raise exception 'Rule % must match "exact" or "prefix".', place using errcode = '22023';
    end if;
    rule.value := case
        when rule.field in ('person', 'source') then lower(rule.value)
        when rule.field = 'model' and rule.match = 'exact' then nullif(private.model_key_of(rule.value), '')
        when rule.field = 'model' then lower(rule.value)
        else rule.value
    end;
    if rule.value is null then
        raise exception 'Rule % has no value. An empty one would match every record.', place using errcode = '22023';
    end if;
    if length(rule.value) > 500 then
        raise exception 'The value of rule % has % characters; 500 are possible.', place, length(rule.value)
            using errcode = '22023';
    end if;
    select p.*
    into found_project
    from public.projects as p
    where p.workspace_id = tenant and p.id::text = lower(asked ->> 'project_id');
    if not found then
        raise exception 'Rule % files under a project that this workspace does not have.', place using errcode = '22023';
    end if;
    if
        found_project.archived_at is not null
        and not exists (
            select
            from public.project_rules as o
            where
                o.workspace_id = tenant
                and (o.field, o.match, o.value, o.project_id) = (rule.field, rule.match, rule.value, found_project.id)
        )
    then
        raise exception 'Rule % files under "%", which is archived. Restore the project, or remove the rule.', place,
            found_project.name using errcode = '22023';
    end if;
    rule.project_id := found_project.id;
    rule.metadata := '{}';
    rule.created_at := now();
    return rule;
end
$$;
revoke all on function private.read_rule(uuid, integer, json) from public;

create or replace function private.read_rules(tenant uuid, rules json)
returns public.project_rules[]
language plpgsql
stable
set search_path = ''
as $$
declare
    read_rules public.project_rules[];
    twice record;
begin
    if json_typeof(rules) is distinct from 'array' then
        raise exception 'Rules must be an array of objects.' using errcode = '22023';
    end if;
    if json_array_length(rules) > 200 then
        raise exception 'A workspace can have 200 rules at most; these are %.', json_array_length(rules) using errcode = '22023';
    end if;
    read_rules := array(
        select private.read_rule(tenant, e.place::integer, e.asked)
        from json_array_elements(rules) with ordinality as e (asked, place)
        order by e.place
    );
    select min(r.position) as first_place, max(r.position) as last_place
    into twice
    from unnest(read_rules) as r
    group by r.field, r.match, r.value
    having count(*) > 1
    order by 2
    limit 1;
    if found then
        raise exception 'Rule % asks for the same as rule % and would never apply. Remove one of them.', twice.last_place,
            twice.first_place using errcode = '22023';
    end if;
    return read_rules;
end
$$;
revoke all on function private.read_rules(uuid, json) from public;

-- Of these rules those that apply, as private.active_rules has them of the stored list.
create or replace function private.omit_archived(rules public.project_rules[])
returns public.project_rules[]
language plpgsql
stable
set search_path = ''
as $$
begin
    return array(
        select r
        from unnest(rules) as r
        inner join public.projects as p on r.project_id = p.id
        where p.archived_at is null
        order by r.position
    );
end
$$;
revoke all on function private.omit_archived(public.project_rules[]) from public;

-- Stores the list. A rule that stays keeps its id: the audit log then tells what changed.
create or replace function private.store_rules(tenant uuid, rules public.project_rules[])
returns void
language plpgsql
set search_path = ''
as $$
begin
    delete from public.project_rules as o
    where
        o.workspace_id = tenant
        and (o.field, o.match, o.value, o.project_id) not in (
            select r.field, r.match, r.value, r.project_id from unnest(rules) as r
        );
    update public.project_rules as o
    set position = r.position
    from unnest(rules) as r
    where
        o.workspace_id = tenant
        and (o.field, o.match, o.value, o.project_id) = (r.field, r.match, r.value, r.project_id)
        and o.position <> r.position;
    insert into public.project_rules
    select r.*
    from unnest(rules) as r
    where (r.field, r.match, r.value, r.project_id) not in (
        select o.field, o.match, o.value, o.project_id from public.project_rules as o where o.workspace_id = tenant
    )
    order by r.position;
end
$$;
revoke all on function private.store_rules(uuid, public.project_rules[]) from public;

-- What these rules would move if they were the workspace's, as private.describe_moves. For admins: moves name every project.
create or replace function public.preview_rules(workspace uuid, rules json)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return private.describe_moves(
        tenant, private.plan_rules(tenant, private.omit_archived(private.read_rules(tenant, rules))), 'project'
    );
end
$$;
revoke all on function public.preview_rules(uuid, json) from public, anon, service_role;
grant execute on function public.preview_rules(uuid, json) to authenticated;

-- Makes these the workspace's rules and files its records by them, in one transaction; answers as the preview. `before` is the
-- list as the caller read it, so that nobody's change is lost.
create or replace function public.set_rules(workspace uuid, rules json, before json default null)
returns json
language plpgsql
security definer
set search_path = ''
set statement_timeout = '120s' -- PostgREST applies it: all records may move
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    checked public.project_rules[];
    active public.project_rules[];
    plan private.filing_move[];
    described json;
begin
    perform private.wait_to_file(tenant);
    checked := private.read_rules(tenant, rules);
    perform private.refuse_outdated(
        'rules',
        before::jsonb,
        private.write_rules(array(select r from public.project_rules as r where r.workspace_id = tenant)),
        private.write_rules(checked)
    );
    perform private.store_rules(tenant, checked);
    active := private.active_rules(tenant);
    plan := private.plan_rules(tenant, active);
    perform private.move_to_projects(tenant, plan, private.fields_of(active));
    perform private.refile_few_spans(tenant);
    described := private.describe_moves(tenant, plan, 'project');
    perform private.audit_moves(tenant, described, 'file_records');
    return described;
end
$$;
revoke all on function public.set_rules(uuid, json, json) from public, anon, service_role;
grant execute on function public.set_rules(uuid, json, json) to authenticated;

-- What records name in these fields, with their sums: of records without a project, or of those that a source brought.
create or replace function private.name_traits(tenant uuid, fields text[], are_unassigned boolean)
returns table (field text, value text, records bigint, cost_usd numeric, included_usd numeric)
language sql
stable
set search_path = ''
set work_mem = '64MB'
as $$
    with kinds as materialized (
        select
            row_number() over () as nth, s.traits, count(*) as records,
            coalesce(sum(s.cost_usd) filter (where s.cost_basis <> 'included'), 0) as cost_usd,
            coalesce(sum(s.cost_usd) filter (where s.cost_basis = 'included'), 0) as included_usd
        from private.described_statements(tenant, fields) as s
        where
            s.is_record
            and case when are_unassigned then s.project_id is null and s.project_chosen_by is null else s.import_id is not null end
        group by s.traits
    ),

    named as (
        select n.field, n.value, sum(k.records) as records, sum(k.cost_usd) as cost_usd, sum(k.included_usd) as included_usd
        from private.named_traits((select array_agg(k.traits order by k.nth) from kinds as k)) as n
        inner join kinds as k on n.nth = k.nth
        group by n.field, n.value
    )

    select n.field, c.value, sum(n.records)::bigint, sum(n.cost_usd), sum(n.included_usd)
    from named as n
    cross join lateral (select private.clean_value(n.field, n.value) as value) as c
    where c.value is not null
    group by n.field, c.value
$$;
revoke all on function private.name_traits(uuid, text[], boolean) from public;

-- Rules that would file the most of what is unassigned, dearest first: [{field, match, value, records, cost_usd}]. Only of names
-- that some records have and others lack; every record has a model and a source, most repositories a branch "main".
create or replace function public.rule_suggestions(workspace uuid default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
set statement_timeout = '60s' -- PostgREST applies it: all records are read
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    return (
        select
            coalesce(
                json_agg(
                    json_build_object(
                        'field', n.field, 'match', 'exact', 'value', n.value, 'records', n.records, 'cost_usd', n.cost_usd::text
                    )
                    order by n.nth
                ),
                '[]'
            )
        from (
            select
                t.*, row_number() over (order by t.cost_usd desc, t.included_usd desc, t.records desc, t.field, t.value) as nth
            from private.name_traits(
                tenant, array['folder', 'repository', 'api_key', 'provider_project', 'person', 'tag'], true
            ) as t
            where length(t.value) <= 500
            order by nth
            limit 20
        ) as n
    );
end
$$;
revoke all on function public.rule_suggestions(uuid) from public, anon, service_role;
grant execute on function public.rule_suggestions(uuid) to authenticated;
