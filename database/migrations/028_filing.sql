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

-- A combination of traits of records that are to be saved, with their places.
do $$
begin
    if to_regtype('private.incoming_kind') is null then
        create type private.incoming_kind as (
            traits private.traits,
            places bigint[]
        );
        revoke all on type private.incoming_kind from public;
    end if;
end
$$;

-- A value as rules and aliases compare it: without white space around it, people in lower case.
create or replace function private.clean_value(field text, value text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
    return case field when 'person' then lower(private.trim_text(value)) else private.trim_text(value) end;
end
$$;
revoke all on function private.clean_value(text, text) from public;

-- The name of a person in a record's metadata, as aliases have it.
create or replace function private.named_person(metadata jsonb)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
    name text;
begin
    foreach name in array array['actor', 'user_email', 'email', 'user', 'user_id', 'username', 'owner'] loop
        if metadata ->> name <> '' then
            return private.clean_value('person', metadata ->> name);
        end if;
    end loop;
    return null;
end
$$;
revoke all on function private.named_person(jsonb) from public;

-- Combinations of traits as rows, with their places: of several tags one each.
create or replace function private.named_traits(kinds private.traits[])
returns table (nth bigint, field text, value text)
language plpgsql
immutable
set search_path = ''
set enable_nestloop = on -- off as in private.match_rules, it takes 30 ms
as $$
begin
    return query
    select k.nth, n.field, n.value
    from unnest(kinds) with ordinality as k (
        folder, repository, branch, api_key, provider_project, person, tags, source, model, billing_account, nth
    )
    cross join lateral (
        values
        ('folder', k.folder), ('repository', k.repository), ('branch', k.branch), ('api_key', k.api_key),
        ('provider_project', k.provider_project), ('person', k.person), ('source', k.source::text), ('model', k.model),
        ('billing_account', k.billing_account)
    ) as n (field, value)
    where n.value <> ''
    union all
    select distinct k.nth, 'tag', g.tag
    from unnest(kinds) with ordinality as k (
        folder, repository, branch, api_key, provider_project, person, tags, source, model, billing_account, nth
    )
    cross join lateral jsonb_array_elements_text(
        case when jsonb_typeof(k.tags) = 'array' then k.tags else jsonb_build_array(k.tags) end
    ) as g (tag)
    where k.tags is not null and g.tag <> '';
end
$$;
revoke all on function private.named_traits(private.traits[]) from public;

-- The project of the first rule that each of these combinations of traits meets, in their order; null where it meets none. Rules
-- are compared with distinct values: of 90,000 combinations they are some hundred.
create or replace function private.match_rules(rules public.project_rules[], kinds private.traits[])
returns uuid[]
language plpgsql
immutable
set search_path = ''
set enable_nestloop = off -- how many rules and values there are is unknown to the planner
as $$
begin
    return (
        with named as materialized (
            select n.* from private.named_traits(kinds) as n
        ),

        given as materialized (
            select d.field, d.value, private.clean_value(d.field, d.value) as cleaned
            from (select distinct n.field, n.value from named as n) as d
        ),

        met as (
            select g.field, g.value, r.position
            from given as g
            inner join unnest(rules) as r on g.field = r.field and g.cleaned = r.value
            where r.match = 'exact'
            union all
            select g.field, g.value, r.position
            from given as g
            inner join unnest(rules) as r on g.field = r.field
            where r.match = 'prefix' and starts_with(g.cleaned, r.value)
        )

        select array_agg(r.project_id order by k.nth)
        from generate_series(1, cardinality(kinds)) as k (nth)
        left join (
            select n.nth, min(m.position) as position
            from named as n
            inner join met as m on n.field = m.field and n.value = m.value
            group by n.nth
        ) as f on k.nth = f.nth
        left join unnest(rules) as r on f.position = r.position
    );
end
$$;
revoke all on function private.match_rules(public.project_rules[], private.traits[]) from public;

-- The distinct combinations of traits of records that are to be saved, with the places of their records: of these fields and the
-- source. Traits are read as in private.described_statements; one function for both, called for each record, would take longer
-- than all the rules.
create or replace function private.kinds_of_incoming(incoming private.incoming_record[], source uuid, fields text[])
returns setof private.incoming_kind
language plpgsql
stable
rows 50
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        row(
            k.folder, k.repository, k.branch, k.api_key, k.provider_project, k.person, k.tags, source,
            private.model_key_of(k.model_name), k.billing_account
        )::private.traits,
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

-- One value for each record, in their order, of one for each combination; null where there is none at all.
create or replace function private.spread_over_places(kinds private.incoming_kind[], filed uuid[])
returns uuid[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    if cardinality(array_remove(filed, null)) = 0 then
        return null;
    end if;
    return array(
        select k.filed
        from unnest(kinds, filed) as k (traits, places, filed)
        cross join lateral unnest(k.places) as p (place)
        order by p.place
    );
end
$$;
revoke all on function private.spread_over_places(private.incoming_kind[], uuid[]) from public;

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
    has_aliases constant boolean := exists (select from public.person_aliases as a where a.workspace_id = tenant);
    rules public.project_rules[];
    fields text[];
    kinds private.incoming_kind[];
begin
    if not has_aliases and not exists (select from public.project_rules as r where r.workspace_id = tenant) then
        return;
    end if;
    rules := private.active_rules(tenant);
    fields := private.fields_of(rules) || case when has_aliases and source is not null then array['person'] end;
    if cardinality(fields) = 0 then
        return;
    end if;
    kinds := array(select k from private.kinds_of_incoming(incoming, source, fields) as k);
    if cardinality(rules) > 0 then
        projects := private.spread_over_places(
            kinds, private.match_rules(rules, array(select k.traits from unnest(kinds) as k))
        );
    end if;
    if has_aliases and source is not null then
        people := private.spread_over_places(
            kinds,
            array(
                select a.user_id
                from unnest(kinds) with ordinality as k (traits, places, nth)
                left join public.person_aliases as a
                    on a.workspace_id = tenant and a.value = private.clean_value('person', (k.traits).person)
                order by k.nth
            )
        );
    end if;
end
$$;
revoke all on function private.file_incoming(uuid, uuid, private.incoming_record[]) from public;
