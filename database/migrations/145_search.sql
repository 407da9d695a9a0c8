-- 145_search.sql: the search itself: the audit log, what is found by usage, what row-level security shows, and their order.

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
        select jsonb_build_object('kind', wanted, 'id', f.name, 'title', f.name, 'detail', f.detail, 'at', f.last_at, 'place', f.place)
        from private.find_names(tenant, wanted, words, near, most) as f;
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
        select jsonb_build_object('kind', 'record', 'id', f.name, 'title', f.name, 'detail', '', 'at', f.last_at, 'place', 'note')
        from private.find_names(tenant, 'note', words, near, most) as f
        union all
        select jsonb_build_object(
            'kind', 'record', 'id', q.request_id, 'title', q.request_id, 'detail', q.model_name, 'at', q.last_at, 'place', 'request_id'
        )
        from private.find_request(tenant, asked) as q
        where not near;
    end if;
    if wanted = 'audit' and not near then
        return query select private.find_entries(tenant, words, most);
    end if;
end
$$;
revoke all on function private.find_usage(uuid, text, text[], text, boolean, integer) from public;

-- What public.search finds among rows of usage, past row-level security, as far as the caller may read them: {words, patterns,
-- models, hits}. Its conditions would otherwise not be met by indexes, as policies come first.
create or replace function public.search_usage(workspace uuid, asked text, kinds text[], most integer)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    folded constant text := private.fold_text($2);
    words constant text[] := array(
        select w.word from regexp_split_to_table(folded, '\s+') with ordinality as w (word, nth) where w.word <> '' order by w.nth limit 8
    );
    wanted text;
    found jsonb;
    hits jsonb := '[]';
begin
    if $2 is null or length($2) > 200 then
        raise exception 'Search for at most 200 characters.' using errcode = '22023';
    end if;
    if ($4 between 1 and 100) is not true then
        raise exception 'Ask for 1 to 100 results of a kind.' using errcode = '22023';
    end if;
    if length(folded) <> 1 then -- a letter is in almost all of them
        foreach wanted in array array['session', 'trace', 'record', 'audit'] loop
            continue when $3 is not null and wanted <> all ($3);
            found := (select jsonb_agg(f.hit || '{"near": false}') from private.find_usage(tenant, wanted, words, $2, false, $4) as f (hit));
            if found is null and length(folded) > 3 then
                found := (
                    select jsonb_agg(f.hit || '{"near": true}')
                    from private.find_usage(tenant, wanted, words, $2, true, $4) as f (hit)
                );
            end if;
            hits := hits || coalesce(found, '[]');
        end loop;
    end if;
    return json_build_object(
        'words', to_json(words),
        'patterns', array(select '%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%' from unnest(words) as w (word)),
        'models', case when $3 is null or 'model' = any ($3) or 'provider' = any ($3) then (
            select json_agg(json_build_array(m.model_name, m.provider_id)) from private.used_models(tenant) as m
        ) end,
        'hits', hits
    );
end
$$;
revoke all on function public.search_usage(uuid, text, text[], integer) from public, anon, service_role;
grant execute on function public.search_usage(uuid, text, text[], integer) to authenticated;

-- What is few enough to be looked through, each as far as row-level security shows it.
create or replace function public.search_lists(workspace uuid, kinds text[], models json)
returns table (kind text, id text, title text, detail text, at timestamptz, about jsonb)
language sql
stable
rows 1000
set search_path = ''
as $$
    select l.*
    from (
        select 'model', m.entry ->> 0, m.entry ->> 0, string_agg(p.name, ', ' order by p.name), null::timestamptz, null::jsonb
        from json_array_elements($3) as m (entry)
        inner join public.providers as p on (m.entry ->> 1)::uuid = p.id
        group by 2
        union all
        select distinct 'provider', p.id::text, p.name, '', null::timestamptz, null::jsonb
        from json_array_elements($3) as m (entry)
        inner join public.providers as p on (m.entry ->> 1)::uuid = p.id
        union all
        select 'project', p.id::text, p.name, '', null, null
        from public.projects as p
        where p.workspace_id = $1 and p.archived_at is null
        union all
        select 'budget', b.id::text, b.name, '', null, null
        from public.budgets as b
        where b.workspace_id = $1
        union all
        select 'prompt', p.name, p.name, array_to_string(p.tags, ', '), p.updated_at, null
        from public.prompts as p
        where p.workspace_id = $1 and p.archived_at is null
        union all
        select 'experiment', e.id::text, e.name, e.question, e.starts_at, null
        from public.experiments as e
        where e.workspace_id = $1
        union all
        select 'invoice', i.id::text, i.seller || ' ' || i.number, coalesce(i.plan_name, ''), i.issued_on::timestamp at time zone 'UTC', null
        from public.invoices as i
        where i.workspace_id = $1
        union all
        select 'source', s.id::text, s.filename, '', s.created_at, jsonb_build_object('kind', s.kind, 'format', s.format)
        from public.imports as s
        where s.workspace_id = $1
    ) as l (kind, id, title, detail, at, about)
    where $2 is null or l.kind = any ($2)
$$;
revoke all on function public.search_lists(uuid, text[], json) from public, anon, service_role;
grant execute on function public.search_lists(uuid, text[], json) to authenticated;

-- What the caller finds with each of the words, best first: [{kind, id, title, detail, at, place, about, score}], the `most` best
-- of each of the kinds, of which null is all. Where a kind has none with the words, those that are near to them. Scores: 110 for
-- the text itself, 95 at its beginning, 75 at that of a word, 55 in the title, 40 in its detail, below for what is near. Without
-- words, the newest of each kind. Contents of traces are not searched.
create or replace function public.search(workspace uuid, asked text, kinds text[] default null, most integer default 8)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
    usage constant json := public.search_usage($1, $2, $3, $4); -- refuses who is no member
    tenant constant uuid := coalesce($1, auth.uid());
    words constant text[] := array(select json_array_elements_text(usage -> 'words'));
    patterns constant text[] := array(select json_array_elements_text(usage -> 'patterns'));
    whole constant text := array_to_string(words, ' ');
begin
    return (
        with rows as (
            select l.kind, l.id, l.title, l.detail, l.at, null as place, l.about, null::boolean as near
            from public.search_lists(tenant, $3, usage -> 'models') as l
            union all
            select h.*
            from json_to_recordset(usage -> 'hits') as h (
                kind text, id text, title text, detail text, at timestamptz, place text, about jsonb, near boolean
            )
        ),

        folded as ( -- as private.fold_text, which the caller cannot call
            select
                r.*, lower(regexp_replace(normalize(r.title, nfkd), '[\u0300-\u036f]', '', 'g') collate "und-x-icu") as text,
                lower(regexp_replace(normalize(r.detail, nfkd), '[\u0300-\u036f]', '', 'g') collate "und-x-icu") as more
            from rows as r
        ),

        scored as (
            select
                f.*,
                case
                    when cardinality(words) = 0 then 0
                    when f.near or f.near is null and not concat_ws(chr(10), f.text, f.more) like all (patterns)
                        then case when length(whole) > 3 then extensions.word_similarity(whole, f.text || ' ' || f.more) end * 30
                    when f.text = whole then 110
                    when starts_with(f.text, whole) then 95
                    when strpos(' ' || regexp_replace(f.text, '[^[:alnum:]]+', ' ', 'g'), ' ' || words[1]) > 0 then 75
                    when f.text like all (patterns) then 55
                    else 40
                end as score
            from folded as f
        ),

        ranked as (
            select
                s.*, max(s.score) over (partition by s.kind) as best,
                row_number() over (partition by s.kind order by s.score desc, s.at desc nulls last, s.text, s.id) as nth
            from scored as s
            where s.score >= 12 or cardinality(words) = 0
        )

        select coalesce(
            json_agg(
                json_build_object(
                    'kind', r.kind, 'id', r.id, 'title', r.title, 'detail', r.detail, 'at', r.at, 'place', r.place, 'about', r.about,
                    'score', round(r.score::numeric, 1)
                )
                order by r.best desc, r.kind, r.nth
            ),
            '[]'
        )
        from ranked as r
        where r.nth <= $4 and (r.score >= 40 or r.best < 40)
    );
end
$$;
revoke all on function public.search(uuid, text, text[], integer) from public, anon, service_role;
grant execute on function public.search(uuid, text, text[], integer) to authenticated;
