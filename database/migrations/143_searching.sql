-- 143_searching.sql: what a search finds among many rows, as far as the caller may read them: names of sessions and traces,
-- notes, requests, models and the audit log.

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

-- Names of one kind that have these words or are near to them, by how well they begin and how new they are: {id, title, detail,
-- at, place}. Sessions are those of records and of traces; `place` tells which.
create or replace function private.find_names(tenant uuid, wanted text, words text[], near boolean, most integer)
returns setof jsonb
language plpgsql
stable
rows 50
set search_path = ''
as $$
declare
    kinds constant text[] := case wanted when 'session' then array['session', 'conversation'] else array[wanted] end;
    whole constant text := array_to_string(words, ' ');
begin
    if near then
        perform extensions.word_similarity('', ''); -- before it is loaded, its parameters are nobody's
        perform set_config('pg_trgm.word_similarity_threshold', '0.4', true); -- one wrong letter in a short word
    end if;
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
        select jsonb_build_object(
            'id', f.name, 'title', f.name, 'detail', max(f.detail), 'at', max(f.last_at),
            'place', max(f.kind) -- `session` is after `conversation`
        )
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
set plan_cache_mode = force_generic_plan -- a plan over all months takes longer than the look-up
set enable_seqscan = off -- the plan may be from when these months were empty
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

-- Entries of the audit log as texts: the action, the table and the values; what is longer is cut off.
create or replace function private.audit_text(action text, table_name text, before jsonb, after jsonb, metadata jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
    select private.fold_text(
        left(
            action || ' ' || replace(table_name, '_', ' ') || ' ' || coalesce(
                (
                    select string_agg(v.value, ' ' order by c.nth, v.key)
                    from unnest(array[after, before, metadata]) with ordinality as c (pairs, nth)
                    cross join lateral jsonb_each_text(c.pairs) as v
                ),
                ''
            ),
            10000
        )
    )
$$;
revoke all on function private.audit_text(text, text, jsonb, jsonb, jsonb) from public;
create index if not exists audit_logs_text_idx
    on public.audit_logs
    using gin (workspace_id, private.audit_text(action, table_name, before, after, metadata) extensions.gin_trgm_ops);

-- The newest entries with each of these words, among the newest 2,000 also by whom; for admins, nothing for others.
create or replace function private.find_entries(tenant uuid, words text[], most integer)
returns setof jsonb
language plpgsql
stable
rows 10
set search_path = ''
as $$
begin
    if cardinality(words) = 0 or not exists (select from private.workspaces_as('admin') as w (id) where w.id = tenant) then
        return;
    end if;
    return query execute format(
        $q$with found as (
            (
                select a.id
                from public.audit_logs as a
                where a.workspace_id = $1 and %s
                order by a.created_at desc
                limit $2
            )
            union
            select a.id
            from (select o.* from public.audit_logs as o where o.workspace_id = $1 order by o.created_at desc limit 2000) as a
            inner join auth.users as u on a.actor_id = u.id
            where %s
        )
        select jsonb_build_object(
            'kind', 'audit', 'id', a.id, 'title', a.action || ' ' || replace(a.table_name, '_', ' '),
            'detail', coalesce(c.email, a.actor), 'at', a.created_at,
            'about', jsonb_build_object(
                'actor', a.actor, 'actor_id', a.actor_id, 'actor_email', c.email, 'action', a.action, 'table_name', a.table_name,
                'user_id', a.user_id, 'user_email', o.email, 'changed_columns', a.changed_columns, 'before', a.before,
                'after', a.after, 'metadata', a.metadata
            )
        )
        from found as f
        inner join public.audit_logs as a on f.id = a.id
        left join auth.users as c on a.actor_id = c.id
        left join auth.users as o on a.user_id = o.id
        order by a.created_at desc
        limit $2$q$,
        private.where_text(words, false, 'private.audit_text(a.action, a.table_name, a.before, a.after, a.metadata)'),
        private.where_text(words, false, 'lower(u.email)')
    )
    using tenant, most;
end
$$;
revoke all on function private.find_entries(uuid, text[], integer) from public;

-- The kinds that are searched among rows of usage, with a condition for names; those near to the words where none has them.
create or replace function private.find_usage(tenant uuid, wanted text, words text[], asked text, near boolean, most integer)
returns setof jsonb
language plpgsql
stable
rows 10
set search_path = ''
as $$
begin
    if wanted in ('session', 'trace') then
        return query
        select jsonb_build_object('kind', wanted) || f.found
        from private.find_names(tenant, wanted, words, near, most) as f (found);
    end if;
    if wanted = 'trace' and not near then
        return query
        select jsonb_build_object(
            'kind', 'trace', 'id', t.trace_id, 'title', t.trace_id, 'detail', concat_ws(' · ', nullif(t.name, ''), nullif(t.service, '')),
            'at', t.last_at, 'place', 'trace_id'
        )
        from private.find_trace_ids(tenant, array_to_string(words, ' '), most) as t;
    end if;
    if wanted = 'record' and cardinality(words) > 0 then
        return query
        select jsonb_build_object('kind', 'record') || f.found
        from private.find_names(tenant, 'note', words, near, most) as f (found)
        union all
        select jsonb_build_object(
            'kind', 'record', 'id', q.request_id, 'title', q.request_id, 'detail', q.model_name, 'at', q.last_at, 'place', 'request_id'
        )
        from private.find_request(tenant, asked) as q
        where not near and length(asked) > 5 and cardinality(words) = 1;
    end if;
    if wanted = 'audit' and not near then
        return query select private.find_entries(tenant, words, most);
    end if;
end
$$;
revoke all on function private.find_usage(uuid, text, text[], text, boolean, integer) from public;
