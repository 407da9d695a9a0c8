-- 028_filing.sql: filing: under which project a record belongs, and whose it is, by what its source wrote about it.
--
-- Rules and aliases see a record's traits: the names in its metadata, its source, model and billing account. A save evaluates
-- them once for each distinct combination of its records' traits, a change of rules once for those of all records.

do $$
begin
    if to_regtype('private.traits') is null then
        create type private.traits as (
            folder text,
            repository text,
            branch text,
            api_key text,
            provider_project text,
            person text,
            tags jsonb,
            source uuid,
            model text,
            billing_account text
        );
        revoke all on type private.traits from public;
    end if;
end
$$;

-- A workspace's rules that apply: those of an archived project wait for its return.
create or replace function private.active_rules(tenant uuid)
returns public.project_rules[]
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    return array(
        select r
        from public.project_rules as r
        inner join public.projects as p on r.project_id = p.id
        where r.workspace_id = tenant and p.archived_at is null
        order by r.position
    );
end
$$;
revoke all on function private.active_rules(uuid) from public;

-- The fields that these rules ask for; others need not be read.
create or replace function private.fields_of(rules public.project_rules[])
returns text[]
language plpgsql -- a function in SQL would be planned in every call
immutable
set search_path = ''
as $$
begin
    return array(select distinct r.field from unnest(rules) as r);
end
$$;
revoke all on function private.fields_of(public.project_rules[]) from public;

-- A combination of traits as rows: of several tags one each.
create or replace function private.named_traits(given private.traits)
returns table (field text, value text)
language plpgsql
immutable
rows 10
set search_path = ''
as $$
begin
    return query
    select n.field, n.value
    from (
        values
        ('folder', given.folder), ('repository', given.repository), ('branch', given.branch), ('api_key', given.api_key),
        ('provider_project', given.provider_project), ('person', given.person), ('source', given.source::text),
        ('model', given.model), ('billing_account', given.billing_account)
    ) as n (field, value)
    where n.value is not null
    union
    select 'tag', private.trim_text(t.tag)
    from jsonb_array_elements_text(
        case when jsonb_typeof(given.tags) = 'array' then given.tags else jsonb_build_array(given.tags) end
    ) as t (tag)
    where given.tags is not null and private.trim_text(t.tag) is not null;
end
$$;
revoke all on function private.named_traits(private.traits) from public;

-- The project of the first rule that each of these combinations of traits meets, in their order; null where it meets none.
create or replace function private.match_rules(rules public.project_rules[], given private.traits[])
returns uuid[]
language plpgsql
immutable
set search_path = ''
set enable_nestloop = off -- how many rules and traits there are is unknown to the planner
as $$
begin
    return (
        with named as materialized (
            select k.nth, n.field, n.value
            from unnest(given) with ordinality as k (
                folder, repository, branch, api_key, provider_project, person, tags, source, model, billing_account, nth
            )
            cross join lateral private.named_traits(
                row(
                    k.folder, k.repository, k.branch, k.api_key, k.provider_project, k.person, k.tags, k.source, k.model,
                    k.billing_account
                )::private.traits
            ) as n
        ),

        met as (
            select n.nth, r.position
            from named as n
            inner join unnest(rules) as r on n.field = r.field and n.value = r.value
            where r.match = 'exact'
            union all
            select n.nth, r.position
            from named as n
            inner join unnest(rules) as r on n.field = r.field
            where r.match = 'prefix' and starts_with(n.value, r.value)
        )

        select array_agg(r.project_id order by k.nth)
        from generate_series(1, cardinality(given)) as k (nth)
        left join (
            select m.nth, min(m.position) as position
            from met as m
            group by m.nth
        ) as f on k.nth = f.nth
        left join unnest(rules) as r on f.position = r.position
    );
end
$$;
revoke all on function private.match_rules(public.project_rules[], private.traits[]) from public;

-- One name for one model, as cost_records.model_key has it.
create or replace function private.model_key_of(model_name text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    return case
        when model_name = '(unspecified)' then ''
        else lower(regexp_replace(model_name, '[-@](20[0-9]{2}-?[01][0-9]-?[0-3][0-9]|latest)$', ''))
    end;
end
$$;
revoke all on function private.model_key_of(text) from public;

-- Traits as rules and aliases compare them: without white space around them, people in lower case.
create or replace function private.clean_traits(given private.traits)
returns private.traits
language plpgsql
immutable
set search_path = ''
as $$
begin
    given.folder := private.trim_text(given.folder);
    given.repository := private.trim_text(given.repository);
    given.branch := private.trim_text(given.branch);
    given.api_key := private.trim_text(given.api_key);
    given.provider_project := private.trim_text(given.provider_project);
    given.person := lower(private.trim_text(given.person));
    given.model := nullif(given.model, '');
    given.billing_account := private.trim_text(given.billing_account);
    return given;
end
$$;
revoke all on function private.clean_traits(private.traits) from public;

-- The distinct combinations of traits of records that are to be saved, with the places of their records: of these fields and the
-- source. Traits are read as in private.described_statements; one function for both, called for each record, would take longer
-- than all the rules.
create or replace function private.kinds_of_incoming(incoming private.incoming_record[], source uuid, fields text[])
returns table (traits private.traits, places bigint[])
language plpgsql
stable
rows 50
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        private.clean_traits(
            row(
                k.folder, k.repository, k.branch, k.api_key, k.provider_project, k.person, k.tags, source,
                private.model_key_of(k.model_name), k.billing_account
            )::private.traits
        ),
        k.places
    from (
        select
            -- Whether a field is asked for is found out once, in a subquery.
            case when (select 'folder' = any (fields)) then coalesce(nullif(m ->> 'project', ''), m ->> 'folder') end as folder,
            case when (select 'repository' = any (fields)) then coalesce(nullif(m ->> 'repository', ''), m ->> 'repo') end
                as repository,
            case when (select 'branch' = any (fields)) then coalesce(nullif(m ->> 'branch', ''), m ->> 'git_branch') end as branch,
            case
                when (select 'api_key' = any (fields))
                    then coalesce(nullif(m ->> 'api_key', ''), nullif(m ->> 'api_key_id', ''), m ->> 'api_key_name')
            end as api_key,
            case
                when (select 'provider_project' = any (fields))
                    then coalesce(
                        nullif(m ->> 'project_id', ''), nullif(m ->> 'project_name', ''), nullif(m ->> 'workspace', ''),
                        nullif(m ->> 'workspace_id', ''), m ->> 'team_id'
                    )
            end as provider_project,
            case
                when (select 'person' = any (fields))
                    then coalesce(
                        nullif(m ->> 'actor', ''), nullif(m ->> 'user_email', ''), nullif(m ->> 'email', ''),
                        nullif(m ->> 'user', ''), nullif(m ->> 'user_id', ''), nullif(m ->> 'username', ''), m ->> 'owner'
                    )
            end as person,
            case when (select 'tag' = any (fields)) then coalesce(nullif(m -> 'tags', '[]'), m -> 'tag') end as tags,
            case when (select 'model' = any (fields)) then r.model_name end as model_name,
            case when (select 'billing_account' = any (fields)) then r.billing_account end as billing_account,
            array_agg(r.place) as places
        from unnest(incoming) with ordinality as r (
            provider, timestamp, day, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, request_id,
            billing_account, dataset, billed_under_other_name, project_id, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, m, place
        )
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) as k;
end
$$;
revoke all on function private.kinds_of_incoming(private.incoming_record[], uuid, text[]) from public;

-- The projects and the people of records that are to be saved, in their order; both are null where nothing files.
create or replace function private.file_incoming(
    tenant uuid, source uuid, incoming private.incoming_record[], out projects uuid[], out people uuid[]
)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    rules public.project_rules[];
    fields text[];
begin
    if
        not exists (select from public.project_rules as r where r.workspace_id = tenant)
        and not exists (select from public.person_aliases as a where a.workspace_id = tenant)
    then
        return;
    end if;
    rules := private.active_rules(tenant);
    fields := private.fields_of(rules);
    if exists (select from public.person_aliases as a where a.workspace_id = tenant) then
        fields := fields || array['person'];
    end if;
    with kinds as materialized (
        select k.traits, k.places, row_number() over () as nth
        from private.kinds_of_incoming(incoming, source, fields) as k
    ),

    matched as (
        select private.match_rules(rules, array_agg(k.traits order by k.nth)) as projects
        from kinds as k
    )

    select array_agg(m.project order by p.place), array_agg(case when source is not null then a.user_id end order by p.place)
    into projects, people
    from matched as f
    cross join lateral unnest(f.projects) with ordinality as m (project, nth)
    inner join kinds as k on m.nth = k.nth
    left join public.person_aliases as a on a.workspace_id = tenant and a.value = (k.traits).person
    cross join lateral unnest(k.places) as p (place);
end
$$;
revoke all on function private.file_incoming(uuid, uuid, private.incoming_record[]) from public;
