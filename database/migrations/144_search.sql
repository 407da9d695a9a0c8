-- 144_search.sql: the search itself: what is found by usage, what row-level security shows, and their order.

-- The models and the providers that the caller used or sees totals of.
create or replace function private.list_used(tenant uuid, kinds text[])
returns jsonb
language sql
stable
set search_path = ''
as $$
    with used as materialized (
        select m.model_name, p.id, p.display_name as name
        from private.used_models(tenant) as m
        inner join public.providers as p on m.provider_id = p.id
    )

    select coalesce(jsonb_agg(jsonb_build_object('kind', l.kind, 'id', l.id, 'title', l.title, 'detail', l.detail)), '[]')
    from (
        select 'model' as kind, u.model_name as id, u.model_name as title, string_agg(u.name, ', ' order by u.name) as detail
        from used as u
        where u.model_name <> '(unspecified)'
        group by u.model_name
        union all
        select distinct 'provider', u.id::text, u.name, ''
        from used as u
    ) as l
    where $2 is null or l.kind = any ($2)
$$;
revoke all on function private.list_used(uuid, text[]) from public;

-- What public.search finds among rows of usage, past row-level security, as far as the caller may read them: {words, patterns,
-- hits}. Its conditions would otherwise not be met by indexes, as policies come first.
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
    hits jsonb := '[]'::jsonb;
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
        'hits', hits || private.list_used(tenant, $3)
    );
end
$$;
revoke all on function public.search_usage(uuid, text, text[], integer) from public, anon, service_role;
grant execute on function public.search_usage(uuid, text, text[], integer) to authenticated;

-- What is few enough to be looked through, each as far as row-level security shows it.
create or replace function public.search_lists(workspace uuid, kinds text[])
returns table (kind text, id text, title text, detail text, at timestamptz, about jsonb)
language plpgsql
stable
rows 1000
set search_path = ''
as $$
#variable_conflict use_column
begin
    if not exists (select from public.members as m where m.workspace_id = $1 and m.user_id = auth.uid()) then
        raise exception 'You are not a member of this workspace.' using errcode = '42501';
    end if;
    return query
    select l.*
    from (
        select 'project', p.id::text, p.name, '', null::timestamptz, null::jsonb
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
    where $2 is null or l.kind = any ($2);
end
$$;
revoke all on function public.search_lists(uuid, text[]) from public, anon, service_role;
grant execute on function public.search_lists(uuid, text[]) to authenticated;

-- What the caller finds with each of the words, best first: [{kind, id, title, detail, at, place, about, score}], the `most` best
-- of each of the kinds, of which null is all. Where a kind has none with the words, those that are near to them; where another
-- kind has some, very near ones alone. Scores: 110 for the text itself, 95 at its beginning, 75 at that of a word, 55 in the
-- title, 40 in its detail, below for what is near. Without words, the newest of each kind. Contents of traces are not searched.
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
            from public.search_lists(tenant, $3) as l
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
                        then case when length(whole) > 3 then greatest(
                            extensions.word_similarity(whole, f.text) * 30, extensions.word_similarity(whole, f.more) * 24
                        ) end
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
                s.*, max(s.score) over (partition by s.kind) as best, max(s.score) over () as best_of_all,
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
        where r.nth <= $4 and (r.score >= 40 or r.best < 40 and (r.score >= 18 or r.best_of_all < 40))
    );
end
$$;
revoke all on function public.search(uuid, text, text[], integer) from public, anon, service_role;
grant execute on function public.search(uuid, text, text[], integer) to authenticated;
