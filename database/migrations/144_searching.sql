-- 144_searching.sql: one search over what a workspace has: models, projects, budgets, prompts, experiments, invoices, sources,
-- sessions, traces, records and the audit log, each as far as the caller may read it.

-- What is asked for, as SQL about a column of folded texts: it has each word, or is near to all of them.
create or replace function private.where_text(words text[], near boolean, column_name text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case
        when cardinality(words) = 0 then 'true'
        when near then format('%L operator(extensions.<%%) %s', array_to_string(words, ' '), column_name)
        else (
            select string_agg(
                format('%s like %L', column_name, '%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%'), ' and '
            )
            from unnest(words) as w (word)
        )
    end
$$;
revoke all on function private.where_text(text[], boolean, text) from public;

-- Names of one kind that meet a condition, by how well they begin and how new they are: [kind, name, detail, at]. Sessions are
-- those of records and of traces; `place` tells which.
create or replace function private.find_names(
    tenant uuid, wanted text, words text[], near boolean, most integer,
    out name text, out detail text, out place text, out last_at timestamptz
)
returns setof record
language plpgsql
stable
rows 50
set search_path = ''
set "pg_trgm.word_similarity_threshold" = 0.4 -- one wrong letter in a short word
as $$
declare
    kinds constant text[] := case wanted when 'session' then array['session', 'conversation'] else array[wanted] end;
    whole constant text := array_to_string(words, ' ');
begin
    return query execute format(
        $q$with changes as materialized (
            select c.key, sum(c.uses) as uses, max(c.last_at) as last_at
            from private.name_changes as c
            where c.workspace_id = $1 and c.kind = any ($2)
            group by c.key
        ),
        known as (
            select n.kind, n.name, n.detail, n.folded, greatest(n.last_at, c.last_at) as last_at
            from private.search_names as n
            left join changes as c on n.key = c.key
            where
                n.workspace_id = $1 and n.kind = any ($2) and n.uses + coalesce(c.uses, 0) > 0
                and (n.user_id = $3 or ($4 is null and not n.project_ids && $5)) and %1$s
            order by starts_with(n.folded, $6) desc, n.last_at desc
            limit 500
        ),
        new as (
            select distinct on (n.key) n.kind, n.name, n.detail, n.folded, c.last_at
            from private.name_changes as n
            inner join changes as c on n.key = c.key and c.uses > 0
            where
                n.workspace_id = $1 and n.kind = any ($2)
                and not exists (select from private.search_names as k where k.workspace_id = $1 and k.key = n.key)
                and (n.user_id = $3 or ($4 is null and not n.project_ids && $5)) and %1$s
        )
        select
            f.name, max(f.detail), max(f.kind), max(f.last_at) -- `session` is after `conversation`
        from (select * from known union all select * from new) as f
        group by f.name
        order by
            bool_or(starts_with(f.folded, $6)) desc,
            case when $8 then max(extensions.word_similarity($6, f.folded)) end desc nulls last, max(f.last_at) desc, f.name
        limit $7$q$,
        private.where_text(words, near, 'n.folded')
    )
    using
        tenant, kinds, auth.uid(), private.only_own_rows(tenant), array(select private.hidden_projects()), whole, most, near;
end
$$;
revoke all on function private.find_names(uuid, text, text[], boolean, integer) from public;

-- The record with this id of its provider, or with another id of the same event.
create or replace function private.find_request(tenant uuid, told_id text)
returns table (request_id text, model_name text, last_at timestamptz)
language plpgsql
stable
rows 1
set search_path = ''
set plan_cache_mode = force_custom_plan -- a kept plan may be from when these months were empty
as $$
#variable_conflict use_column
declare
    caller constant uuid := auth.uid();
    only_own constant uuid := private.only_own_rows(tenant);
    hidden constant uuid[] := array(select private.hidden_projects());
    event constant uuid := private.event_of(tenant, private.request_identity($2));
begin
    return query
    select r.request_id, r.model_name, r.timestamp
    from public.cost_records as r
    where
        r.workspace_id = tenant and r.source_key = event and r.request_id is not null
        and (r.user_id = caller or (only_own is null and (r.project_id = any (hidden)) is not true))
    limit 1;
end
$$;
revoke all on function private.find_request(uuid, text) from public;

-- Traces whose ids begin with a text.
create or replace function private.find_trace_ids(tenant uuid, beginning text, most integer)
returns table (trace_id text, name text, service text, last_at timestamptz)
language plpgsql
stable
rows 5
set search_path = ''
as $$
#variable_conflict use_column
declare
    caller constant uuid := auth.uid();
    only_own constant uuid := private.only_own_rows(tenant);
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    if beginning !~ '^[0-9a-f]{6,32}$' then
        return;
    end if;
    return query
    select t.trace_id, t.name, t.service, t.last_at
    from public.traces as t
    where
        t.workspace_id = tenant and t.trace_id >= beginning and t.trace_id < beginning || 'g' -- after every digit
        and (t.user_id = caller or (only_own is null and not t.project_ids && hidden))
    order by t.trace_id
    limit most;
end
$$;
revoke all on function private.find_trace_ids(uuid, text, integer) from public;

-- Models that the caller used or sees totals of, with their providers.
create or replace function private.used_models(tenant uuid)
returns table (model_name text, provider_id uuid)
language plpgsql
stable
rows 100
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    only_user constant uuid := private.only_own_totals(tenant);
    stale constant private.stale_days[] := private.stale_days_of(tenant, '-infinity', 'infinity');
    outdated constant date[] := private.outdated_days(tenant, '-infinity', 'infinity', stale);
begin
    return query
    select d.model_name, d.provider_id
    from private.cost_records_daily as d
    where d.workspace_id = tenant and d.date <> all (outdated) and (only_user is null or d.user_id = only_user)
    union
    select f.model_name, f.provider_id
    from private.outdated_totals(tenant, outdated, stale) as f
    where only_user is null or f.user_id = only_user;
end
$$;
revoke all on function private.used_models(uuid) from public;
