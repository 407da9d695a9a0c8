-- 025_divided_costs.sql: reading days of workspaces with projects or several people, as far as the caller may know them.

-- What is asked of a workspace's days, as far as the caller may know it.
do $$
begin
    if to_regtype('private.daily_question') is null then
        create type private.daily_question as (
            split text, -- null, 'project' or 'person'
            of_project uuid, -- null = all
            of_person uuid, -- null = all; the caller where members see their own costs only
            caller uuid,
            hidden uuid[], -- projects that are folded into "Other projects", and whose people are not told apart
            only_named uuid, -- null = people are told apart; otherwise only this one
            rollup text -- which sums of private.divided_days have the answer: 'none', 'project' or 'person'; null = none of them
        );
        revoke all on type private.daily_question from public;
    end if;
end
$$;

-- The sums of private.divided_days that answer a question. Those by project know no people, and the other way round.
create or replace function private.find_rollup(asked private.daily_question)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
    rollup constant text := case
        when asked.of_project is not null then 'project'
        when asked.of_person is not null then 'person'
        else coalesce(asked.split, 'none')
    end;
begin
    return case
        when asked.of_project is not null and asked.of_person is not null then null
        when asked.split <> rollup then null
        -- Whose rows are in hidden projects is not told.
        when rollup = 'person' and asked.of_person is distinct from asked.caller and asked.only_named is null
            and cardinality(asked.hidden) > 0 then null
        else rollup
    end;
end
$$;
revoke all on function private.find_rollup(private.daily_question) from public;

-- The question of a member of the workspace; 22023 or 42501 if its answer would tell what the caller may not know. A project
-- that the caller may not see does not exist.
create or replace function private.ask_for_days(tenant uuid, split text, project uuid, person uuid)
returns private.daily_question
language plpgsql
stable
set search_path = ''
as $$
declare
    asked private.daily_question;
    person_split text := 'everyone';
begin
    asked.split := split;
    asked.of_project := project;
    asked.of_person := person;
    asked.caller := auth.uid();
    asked.hidden := array[]::uuid[];
    if tenant <> asked.caller and not exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant) then
        person_split := (select w.person_split from public.workspaces as w where w.id = tenant);
        asked.hidden := array(select private.hidden_projects());
    end if;
    if split not in ('project', 'person') then
        raise exception 'Split by "project" or by "person".' using errcode = '22023';
    end if;
    if
        project <> '00000000-0000-0000-0000-000000000000'
        and (
            project = any (asked.hidden)
            or not exists (select from public.projects as p where p.workspace_id = tenant and p.id = project)
        )
    then
        raise exception 'There is no such project in this workspace.' using errcode = '22023';
    end if;
    if person_split <> 'everyone' and person <> asked.caller then
        raise exception 'In this workspace, members see nobody''s costs but their own.' using errcode = '42501';
    end if;
    if person_split = 'own' then
        asked.of_person := asked.caller;
    elsif person_split = 'admins' then
        asked.only_named := asked.caller;
    end if;
    if exists (select from private.divided_workspaces as d where d.workspace_id = tenant and d.is_summed) then
        asked.rollup := private.find_rollup(asked);
    end if;
    return asked;
end
$$;
revoke all on function private.ask_for_days(uuid, text, uuid, uuid) from public;

-- A row of daily_costs in a divided workspace.
do $$
begin
    if to_regtype('private.daily_row') is null then
        create type private.daily_row as (
            date date,
            provider text,
            model_name text,
            cost_basis text,
            charge_type text,
            part uuid,
            total_cost_usd numeric,
            total_tokens bigint,
            total_input_tokens bigint,
            total_output_tokens bigint,
            total_cached_input_tokens bigint,
            total_cache_write_tokens bigint,
            total_requests bigint,
            record_count bigint,
            unpriced_count bigint
        );
        revoke all on type private.daily_row from public;
    end if;
end
$$;

-- Days summed over projects and people, or split by one of them, from the daily view.
create or replace function private.sum_divided(
    tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question
)
returns setof private.daily_row
language plpgsql
stable
rows 2000
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    return query
    select
        p.date, p.provider, p.model_name, p.cost_basis, p.charge_type,
        case
            when asked.split is null then null
            when asked.split = 'project' and p.is_hidden then 'ffffffff-ffff-ffff-ffff-ffffffffffff'
            when asked.split = 'project' then p.project_id
            when p.user_id = asked.caller or (asked.only_named is null and not p.is_hidden) then p.user_id
            else '00000000-0000-0000-0000-000000000000'
        end,
        sum(p.total_cost_usd),
        least(sum(p.total_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_input_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_output_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_cached_input_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_cache_write_tokens), 9223372036854775807)::bigint,
        least(sum(p.total_requests), 9223372036854775807)::bigint,
        sum(p.record_count)::bigint,
        sum(p.unpriced_count)::bigint
    from (
        select
            d.date, d.provider, d.project_id, d.user_id, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd,
            d.total_tokens, d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
            d.total_requests, d.record_count, d.unpriced_count, d.project_id = any (asked.hidden) as is_hidden
        from private.cost_records_daily as d
        where d.workspace_id = tenant and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
        union all
        select
            f.date, f.provider, f.project_id, f.user_id, f.model_name, f.cost_basis, f.charge_type, f.total_cost_usd,
            f.total_tokens, f.total_input_tokens, f.total_output_tokens, f.total_cached_input_tokens, f.total_cache_write_tokens,
            f.total_requests, f.record_count, f.unpriced_count, f.project_id = any (asked.hidden)
        from private.outdated_totals(tenant, outdated, stale) as f
    ) as p
    where
        (asked.of_project is null or p.project_id = asked.of_project)
        and (asked.of_person is null or p.user_id = asked.of_person)
        and (asked.of_person is null or asked.of_person = asked.caller or not p.is_hidden)
    group by 1, 2, 3, 4, 5, 6
    order by 1, 2, 3, 4, 5, 6;
end
$$;
revoke all on function private.sum_divided(uuid, date, date, private.stale_days[], date[], private.daily_question) from public;

-- The same from private.divided_days: rows as they are, those of parts that are folded summed up, and outdated days summed up.
create or replace function private.read_rollup(
    tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question
)
returns setof private.daily_row
language plpgsql
stable
rows 2000
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    only_part constant uuid := coalesce(asked.of_project, asked.of_person);
    hidden constant uuid[] := case when asked.rollup = 'project' then asked.hidden end;
    only_named constant uuid := case when asked.rollup = 'person' and asked.of_person is null then asked.only_named end;
    folded_into constant uuid := case
        when asked.rollup = 'project' then uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff'
        else uuid '00000000-0000-0000-0000-000000000000'
    end;
begin
    return query
    select
        d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, d.part,
        d.total_cost_usd, d.total_tokens, d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens,
        d.total_cache_write_tokens, d.total_requests, d.record_count, d.unpriced_count
    from private.divided_days as d
    where
        d.workspace_id = tenant and d.split = asked.rollup
        and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
        and (only_part is null or d.part = only_part)
        and (d.part = any (hidden) or d.part <> only_named) is not true
    union all
    select
        d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, folded_into,
        sum(d.total_cost_usd),
        least(sum(d.total_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_input_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_output_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_cached_input_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_cache_write_tokens), 9223372036854775807)::bigint,
        least(sum(d.total_requests), 9223372036854775807)::bigint,
        sum(d.record_count)::bigint,
        sum(d.unpriced_count)::bigint
    from private.divided_days as d
    where
        (cardinality(hidden) > 0 or only_named is not null)
        and d.workspace_id = tenant and d.split = asked.rollup
        and d.date >= first_day and d.date <= last_day and d.date <> all (outdated)
        and (only_part is null or d.part = only_part)
        and (d.part = any (hidden) or d.part <> only_named)
    group by 1, 2, 3, 4, 5
    union all
    select *
    from private.sum_divided(tenant, '-infinity', '-infinity', stale, outdated, asked) as o
    where cardinality(outdated) > 0
    order by 1;
end
$$;
revoke all on function private.read_rollup(uuid, date, date, private.stale_days[], date[], private.daily_question) from public;

-- The answer to a question as JSON columns. Both objects are written out: adding a column to one that is text costs 1 µs a row.
create or replace function private.read_divided(
    tenant uuid, first_day date, last_day date, stale private.stale_days[], outdated date[], asked private.daily_question
)
returns json
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
    return (
        select
            case
                when asked.split is null
                    then json_build_object(
                        'date', o.date, 'provider', o.provider, 'model', o.model, 'cost_basis',
                        o.cost_basis, 'charge_type', o.charge_type, 'cost_usd', o.cost_usd, 'tokens',
                        o.tokens, 'input_tokens', o.input_tokens, 'output_tokens', o.output_tokens,
                        'cached_input_tokens', o.cached_input_tokens, 'cache_write_tokens',
                        o.cache_write_tokens, 'requests', o.requests, 'records', o.records,
                        'unpriced_records', o.unpriced_records
                    )
                else json_build_object(
                    'date', o.date, 'provider', o.provider, 'model', o.model, 'cost_basis', o.cost_basis,
                    'charge_type', o.charge_type, 'cost_usd', o.cost_usd, 'tokens', o.tokens,
                    'input_tokens', o.input_tokens, 'output_tokens', o.output_tokens,
                    'cached_input_tokens', o.cached_input_tokens, 'cache_write_tokens',
                    o.cache_write_tokens, 'requests', o.requests, 'records', o.records,
                    'unpriced_records', o.unpriced_records,
                    asked.split, o.parts
                )
            end
        from (
            select
                coalesce(json_agg(d.date), '[]') as date,
                private.json_words(string_agg(d.provider, '","')) as provider,
                coalesce(json_agg(d.model_name), '[]') as model,
                private.json_words(string_agg(d.cost_basis, '","')) as cost_basis,
                private.json_words(string_agg(d.charge_type, '","')) as charge_type,
                private.json_money(string_agg(coalesce(d.total_cost_usd::text, 'null'), '","')) as cost_usd,
                coalesce(json_agg(d.total_tokens), '[]') as tokens,
                coalesce(json_agg(d.total_input_tokens), '[]') as input_tokens,
                coalesce(json_agg(d.total_output_tokens), '[]') as output_tokens,
                coalesce(json_agg(d.total_cached_input_tokens), '[]') as cached_input_tokens,
                coalesce(json_agg(d.total_cache_write_tokens), '[]') as cache_write_tokens,
                coalesce(json_agg(d.total_requests), '[]') as requests,
                coalesce(json_agg(d.record_count), '[]') as records,
                coalesce(json_agg(d.unpriced_count), '[]') as unpriced_records,
                private.json_words(string_agg(d.part::text, '","')) as parts
            from (
                select r.*
                from private.read_rollup(tenant, first_day, last_day, stale, outdated, asked) as r
                where asked.rollup is not null
                union all
                select s.*
                from private.sum_divided(tenant, first_day, last_day, stale, outdated, asked) as s
                where asked.rollup is null
            ) as d
        ) as o
    );
end
$$;
revoke all on function private.read_divided(uuid, date, date, private.stale_days[], date[], private.daily_question) from public;
