-- 086_span_contents.sql: what was said in the spans of traces: prompts, answers, arguments of tools. Off unless an admin switches
-- it on; redacted before it comes here, bounded, and deleted after its own days or with its trace.

alter table public.workspaces
    add column if not exists content_days smallint check (content_days between 1 and 400), -- null = nothing is kept
    add column if not exists content_words text[] not null default '{}' -- removed from what is kept
    check (cardinality(content_words) <= 100 and length(array_to_string(content_words, ',', '')) <= 5000);

-- One row a span. Nobody reads or writes it but these functions; a trace takes its contents with it.
create table if not exists private.span_contents (
    workspace_id uuid not null,
    trace_id text not null,
    span_id text not null check (span_id ~ '^[0-9a-f]{16}$'),
    saved_at timestamptz not null default now(),
    content jsonb not null check (jsonb_typeof(content) = 'object' and length(content::text) <= 60000),
    primary key (workspace_id, trace_id, span_id),
    foreign key (workspace_id, trace_id) references public.traces (workspace_id, trace_id) on delete cascade
);
create index if not exists span_contents_saved_at_idx
    on private.span_contents (workspace_id, saved_at)
    where saved_at is not null; -- as of traces
alter table private.span_contents enable row level security;
revoke all on private.span_contents from public, anon, authenticated, service_role;

alter table private.span_counts add column if not exists contents bigint not null default 0;

create or replace function private.max_contents()
returns bigint
language sql
immutable
set search_path = ''
as $$
    select 500000::bigint
$$;
revoke all on function private.max_contents() from public;

create or replace function private.count_gone_contents()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update private.span_counts as c
    set contents = greatest(c.contents - g.contents, 0)
    from (select o.workspace_id, count(*) as contents from gone as o group by o.workspace_id) as g
    where c.workspace_id = g.workspace_id;
    return null;
end
$$;
revoke all on function private.count_gone_contents() from public;

create or replace trigger span_contents_count_gone
    after delete on private.span_contents
    referencing old table as gone
    for each statement execute function private.count_gone_contents();

-- Keep what is said for so many days, without these words; null for nothing, which deletes what there is.
create or replace function public.set_content_rules(workspace uuid, days integer, words text[] default '{}')
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    kept constant text[] := array(
        select distinct btrim(w.word) from unnest(coalesce($3, '{}')) as w (word) where btrim(w.word) <> '' order by 1
    );
begin
    if $2 not between 1 and 400 then
        raise exception 'Keep prompts and answers for 1 to 400 days.' using errcode = '22023';
    end if;
    if cardinality(kept) > 100 or length(array_to_string(kept, ',')) > 5000 then
        raise exception 'Up to 100 words, of 5,000 characters in all, can be removed.' using errcode = '22023';
    end if;
    update public.workspaces as w set content_days = $2, content_words = kept where w.id = tenant;
    if $2 is null then
        delete from private.span_contents as c where c.workspace_id = tenant;
    end if;
end
$$;
revoke all on function public.set_content_rules(uuid, integer, text[]) from public, anon, service_role;
grant execute on function public.set_content_rules(uuid, integer, text[]) to authenticated;

-- Saves what was said in up to 5,000 of the caller's spans, [{trace_id, span_id, content}], where the workspace keeps it; the
-- first word on a span stays. Returns how many are new.
create or replace function public.save_contents(contents json, workspace uuid default null)
returns integer
language plpgsql
security definer
set search_path = ''
set lock_timeout = '6s'
set plan_cache_mode = force_generic_plan
set enable_sort = off -- as in private.check_spans
set enable_seqscan = off -- also of the reference to the trace, whose plan is kept
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'member');
    room bigint;
    saved integer;
begin
    if json_typeof(contents) is distinct from 'array' or json_array_length(contents) > 5000 then
        raise exception 'Contents must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(private.span_lock(tenant));
    if not exists (select from public.workspaces as w where w.id = tenant and w.content_days is not null) then
        return 0;
    end if;
    room := private.max_contents() - coalesce(
        (select c.contents from private.span_counts as c where c.workspace_id = tenant), 0
    );
    insert into private.span_contents (workspace_id, trace_id, span_id, content)
    select tenant, i.trace_id, i.span_id, i.content
    from json_to_recordset(contents) as i (trace_id text, span_id text, content jsonb)
    cross join lateral (
        select f.week from public.traces as f
        where f.workspace_id = tenant and f.trace_id >= i.trace_id and f.trace_id <= i.trace_id
        order by f.trace_id
        limit 1
    ) as t
    cross join lateral (
        select from public.spans as s
        where
            s.workspace_id = tenant and s.trace_id = i.trace_id and s.span_id = i.span_id and s.week = t.week
            and (
                s.user_id = auth.uid()
                or exists (select from public.person_aliases as a where a.workspace_id = tenant and a.user_id = s.user_id)
            )
        limit 1
    ) as own
    where jsonb_typeof(i.content) = 'object' and length(i.content::text) <= 60000
    limit greatest(room, 0)
    on conflict do nothing;
    get diagnostics saved = row_count;
    insert into private.span_counts as c (workspace_id, spans, contents)
    values (tenant, 0, saved)
    on conflict (workspace_id) do update set contents = c.contents + excluded.contents;
    return saved;
end
$$;
revoke all on function public.save_contents(json, uuid) from public, anon, service_role;
grant execute on function public.save_contents(json, uuid) to authenticated;

-- What was said in a span, for those who see the span; null if nothing is kept.
create or replace function public.read_content(workspace uuid, trace_id text, span_id text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace($1, 'viewer');
    only_own constant uuid := private.only_own_rows(tenant); -- null for everybody's
    hidden constant uuid[] := array(select private.hidden_projects());
begin
    return (
        select c.content
        from private.span_contents as c
        inner join public.traces as t on c.workspace_id = t.workspace_id and c.trace_id = t.trace_id
        inner join public.spans as s
            on c.workspace_id = s.workspace_id and c.trace_id = s.trace_id and c.span_id = s.span_id and t.week = s.week
        where
            c.workspace_id = tenant
            and c.trace_id = $2
            and c.span_id = $3
            and (
                s.user_id = (select auth.uid())
                or (only_own is null and (s.project_id is null or s.project_id <> all (hidden)))
            )
    );
end
$$;
revoke all on function public.read_content(uuid, text, text) from public, anon, service_role;
grant execute on function public.read_content(uuid, text, text) to authenticated;

-- Deletes some of a workspace's contents that are older than it keeps them; returns how many.
create or replace function private.drop_old_contents(tenant uuid, most integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    days constant integer := (select w.content_days from public.workspaces as w where w.id = tenant);
    dropped integer;
begin
    perform pg_advisory_xact_lock(private.span_lock(tenant));
    delete from private.span_contents as c
    where
        c.workspace_id = tenant
        and (c.trace_id, c.span_id) in (
            select o.trace_id, o.span_id
            from private.span_contents as o
            where o.workspace_id = tenant and o.saved_at < coalesce(now() - days * interval '1 day', 'infinity')
            order by o.saved_at
            limit most
        );
    get diagnostics dropped = row_count;
    return dropped;
end
$$;
revoke all on function private.drop_old_contents(uuid, integer) from public;
