-- 098_search_names.sql: what a search finds among many rows: the names of sessions and traces, and notes, each once instead of
-- once a record. Measured with 100,000 of 1,000,000 records, 50 a session, on busy cores (bench/search.py): names with all their
-- indexes take 6.3 MB, a trigram index of the records' sessions alone 6.8; saving 5,000 records takes 1.09 of the time without
-- names, and 1.18 with that index, which would find a session once a record. Nine times as many records of others: 1.15.

create extension if not exists pg_trgm with schema extensions;
create extension if not exists btree_gin with schema extensions; -- so that an index of texts begins with the workspace

-- A text as it is compared: without accents and case. ICU's rules, as databases may have those of C.
create or replace function private.fold_text(given text)
returns text
language plpgsql -- its plan is kept
immutable
strict
parallel safe
set search_path = ''
as $$
begin
    if octet_length(given) = length(given) then
        return lower(given);
    end if;
    return lower(regexp_replace(normalize(given, nfkd), '[\u0300-\u036f]', '', 'g') collate "und-x-icu");
end
$$;
revoke all on function private.fold_text(text) from public;

-- private.search_names: a name once for whose it is and the projects that it is in, since these tell who may find it; `uses` is
-- how many rows have it. `kind` is session (of records), conversation (a session of traces), trace (the names of their roots) or
-- note. private.name_changes: what was added to and taken from it since. Each statement adds rows, so that no save waits for
-- another one, and now and then they become one with the names, as counts do (060_record_counts.sql).
create table if not exists private.search_names (
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    key uuid not null, -- a hash of all that makes it another name
    kind text not null check (kind in ('session', 'conversation', 'trace', 'note')),
    name text not null check (length(name) between 1 and 500),
    detail text not null check (length(detail) <= 500), -- where it ran
    user_id uuid, -- null = several people's
    project_ids uuid[] not null check (cardinality(project_ids) <= 10000),
    folded text not null check (length(folded) <= 2000), -- the name and its detail, as they are compared
    uses bigint not null,
    last_at timestamptz not null,
    primary key (workspace_id, key)
);
create index if not exists search_names_folded_idx
    on private.search_names using gin (workspace_id, folded extensions.gin_trgm_ops);
create index if not exists search_names_last_at_idx on private.search_names (workspace_id, kind, last_at desc);
create table if not exists private.name_changes (
    like private.search_names including constraints,
    constraint name_changes_workspace foreign key (workspace_id) references public.workspaces (id) on delete cascade
);
create index if not exists name_changes_workspace_id_idx on private.name_changes (workspace_id);
alter table private.search_names enable row level security;
alter table private.name_changes enable row level security;
revoke all on private.search_names, private.name_changes from public, anon, authenticated, service_role;

-- The names in a row of these tables, as SQL: a row for each, of kind, name, detail and the time of use.
create or replace function private.names_in(table_name text)
returns text
language sql
immutable
set search_path = ''
as $$
    select case table_name
        when 'cost_records' then $q$
            select
                v.kind, left(v.name, 500) as name, v.detail, c.user_id, c.at, c.n, c.workspace_id,
                case when c.project_id is null then '{}'::uuid[] else array[c.project_id] end as project_ids
            from (
                -- As they are first: few are different, and what follows takes longer than reading them.
                select
                    r.workspace_id, r.user_id, r.project_id, r.metadata ->> 'session' as session,
                    r.metadata ->> 'session_id' as session_id, r.metadata ->> 'repository' as repository,
                    r.metadata ->> 'agent' as agent, r.metadata ->> 'note' as note, sum(r.n) as n, max(r.timestamp) as at
                from changed as r
                where r.metadata operator(pg_catalog.?|) array['session', 'session_id', 'note']
                group by 1, 2, 3, 4, 5, 6, 7, 8
            ) as c
            cross join lateral (
                values
                (
                    'session', left(coalesce(nullif(btrim(c.session), ''), nullif(btrim(c.session_id), '')), 200),
                    concat_ws(' · ', left(nullif(btrim(c.repository), ''), 200), left(nullif(btrim(c.agent), ''), 200))
                ),
                ('note', nullif(btrim(c.note), ''), '')
            ) as v (kind, name, detail)
            where v.name is not null
        $q$
        when 'traces' then $q$
            select v.kind, v.name, v.detail, c.user_id, c.last_at as at, c.n, c.workspace_id, c.project_ids
            from changed as c
            cross join lateral (
                values ('trace', c.name, c.service), ('conversation', c.session, concat_ws(' · ', nullif(c.service, ''), nullif(c.agent, '')))
            ) as v (kind, name, detail)
            where v.name <> ''
        $q$
    end
$$;
revoke all on function private.names_in(text) from public;

-- SQL that adds the changes that some rows are, and tells whose: `source` is SQL of the rows as they are in private.names_in,
-- with n for how often each counts.
create or replace function private.adding_names(table_name text, source text)
returns text
language sql
immutable
set search_path = ''
as $$
    select format(
        $q$with changed as (%s),
        sums as materialized (
            select f.workspace_id, f.kind, f.name, f.detail, f.user_id, f.project_ids, sum(f.n) as uses, max(f.at) as last_at
            from (%s) as f
            group by 1, 2, 3, 4, 5, 6
            having sum(f.n) <> 0
        ),
        added as (
            insert into private.name_changes (
                workspace_id, key, kind, name, detail, user_id, project_ids, folded, uses, last_at
            )
            select
                s.workspace_id,
                md5(format('%%s %%s %%L %%L %%s', s.kind, coalesce(s.user_id::text, ''), s.name, s.detail, s.project_ids))::uuid,
                s.kind, s.name, s.detail, s.user_id, s.project_ids,
                left(private.fold_text(concat_ws(chr(10), s.name, s.detail)), 2000), s.uses, s.last_at
            from sums as s
            where exists (select from public.workspaces as w where w.id = s.workspace_id) -- or it is being deleted
            returning workspace_id
        )
        select array_agg(distinct a.workspace_id) from added as a$q$,
        source, private.names_in(table_name)
    )
$$;
revoke all on function private.adding_names(text, text) from public;

-- Makes what was added to a workspace's names one with them, unless another transaction does so.
create or replace function private.join_names(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
    keys uuid[];
begin
    if not pg_try_advisory_xact_lock(hashtextextended('tally.search_names.' || tenant::text, 0)) then
        return;
    end if;
    with taken as (
        delete from private.name_changes as c where c.workspace_id = tenant
        returning c.*
    ),

    joined as (
        insert into private.search_names as n (
            workspace_id, key, kind, name, detail, user_id, project_ids, folded, uses, last_at
        )
        select
            tenant, t.key, min(t.kind), min(t.name), min(t.detail), t.user_id, t.project_ids, min(t.folded), sum(t.uses),
            max(t.last_at)
        from taken as t
        group by t.key, t.user_id, t.project_ids
        having sum(t.uses) <> 0
        on conflict (workspace_id, key) do update
        set uses = n.uses + excluded.uses, last_at = greatest(n.last_at, excluded.last_at)
        returning n.key, n.uses
    )

    select array_agg(j.key) filter (where j.uses <= 0) into keys from joined as j;
    delete from private.search_names as n where n.workspace_id = tenant and n.key = any (keys);
end
$$;
revoke all on function private.join_names(uuid) from public;
