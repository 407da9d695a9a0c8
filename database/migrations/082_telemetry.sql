-- 082_telemetry.sql: sources of what services send with API keys, and what is known of calls that arrive over several requests.

alter table public.imports drop constraint if exists imports_api_key_of_workspace;
alter table public.imports add constraint imports_api_key_of_workspace
foreign key (workspace_id, api_key_id) references public.api_keys (workspace_id, id) on delete set null (api_key_id);

-- The source of a service that sends with a key of the caller's: it goes on with the key that replaces another one. `agent` is
-- the coding agent that the service is, or `telemetry`. Of a key's services, which the sender may make up, the 101st and later
-- ones are one source.
create or replace function private.source_of_key(key uuid, service text, agent text)
returns json
language plpgsql
security definer -- its caller reads no table
set search_path = ''
as $$
declare
    found_key public.api_keys;
    keys uuid[];
    source public.imports;
begin
    select k.* into found_key from public.api_keys as k where k.id = key and k.user_id = auth.uid();
    if not found then
        raise exception 'This key no longer exists.' using errcode = '42501';
    end if;
    perform private.require_workspace(found_key.workspace_id, 'member');
    keys := array(
        with recursive line as (
            select k.id, 0 as steps from public.api_keys as k where k.id = key
            union all
            select k.id, l.steps + 1
            from line as l
            inner join public.api_keys as k on k.workspace_id = found_key.workspace_id and k.successor_id = l.id
            where l.steps < 50
        )

        select distinct l.id from line as l
    );
    for attempt in 1..2 loop
        select i.* into source
        from public.imports as i
        where
            i.workspace_id = found_key.workspace_id
            and i.api_key_id = any (keys)
            and i.user_id = found_key.user_id
            and i.filename = service
        order by i.created_at, i.id
        limit 1;
        exit when found;
        if
            (select count(*) >= 100 from public.imports as i where i.workspace_id = found_key.workspace_id and i.api_key_id = key)
        then
            service := 'Other services';
        end if;
        insert into public.imports (workspace_id, user_id, kind, filename, format, api_key_id, status, metadata)
        values (
            found_key.workspace_id, found_key.user_id, 'key', service, agent, key, 'done',
            jsonb_build_object('paid_by', 'api', 'key_name', found_key.name)
        )
        on conflict do nothing;
    end loop;
    return json_build_object(
        'import_id', source.id, 'user_id', source.user_id, 'paid_by', source.metadata ->> 'paid_by', 'project_id',
        found_key.project_id
    );
end
$$;
revoke all on function private.source_of_key(uuid, text, text) from public;
grant execute on function private.source_of_key(uuid, text, text) to tally_api;

-- Adds what a request brought to the counts of a source.
create or replace function private.count_telemetry(
    source uuid, imported bigint, repeated bigint, restated bigint, rejected bigint
)
returns void
language sql
security definer
set search_path = ''
as $$
    update public.imports as i
    set
        rows_read = i.rows_read + imported + repeated + rejected,
        rows_imported = i.rows_imported + imported,
        rows_duplicate = i.rows_duplicate + repeated,
        rows_restated = i.rows_restated + restated,
        rows_rejected = i.rows_rejected + rejected,
        finished_at = now()
    where i.id = source and i.id = any (array(select private.own_sources())) and i.kind = 'key'
$$;
revoke all on function private.count_telemetry(uuid, bigint, bigint, bigint, bigint) from public;
grant execute on function private.count_telemetry(uuid, bigint, bigint, bigint, bigint) to tally_api;

-- Saves of telemetry into a workspace see each other: children arrive before their parents, in requests that may be saved at
-- once.
create or replace function private.telemetry_lock(of_workspace uuid)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.telemetry.' || of_workspace::text, 0)
$$;
revoke all on function private.telemetry_lock(uuid) from public;

-- private.telemetry_calls: statements about calls that further requests may be about, for two days.
create table if not exists private.telemetry_calls (
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    id uuid not null, -- a hash of the statement and its source
    import_id uuid not null,
    trace uuid, -- a hash of its id
    names uuid[] not null, -- hashes of the provider's ids
    call jsonb not null check (pg_column_size(call) <= 65536),
    counted_key uuid, -- the source_key of the record that it is in; null where it does not count
    counted_at timestamptz, -- that record's time
    labels text[], -- that record's agent, tool and task, which the spans around the call may tell later
    seen_at timestamptz not null default now(),
    primary key (workspace_id, id),
    check (cardinality(labels) = 3 and pg_column_size(labels) <= 4096),
    check ((counted_key is null) = (labels is null))
);
create index if not exists telemetry_calls_trace_idx
    on private.telemetry_calls (workspace_id, trace)
    where trace is not null;
-- A list of what is not yet in the index would be read by each look-up.
create index if not exists telemetry_calls_names_idx
    on private.telemetry_calls using gin (names) with (fastupdate = off);
create index if not exists telemetry_calls_seen_at_idx on private.telemetry_calls using brin (seen_at);
alter table private.telemetry_calls enable row level security;
revoke all on private.telemetry_calls from public, anon, authenticated, service_role;

-- private.telemetry_links: parents of spans that are no calls, as requests brought them, and the agents, tools and tasks that
-- they name: calls are inside each other through them, and take these names.
create table if not exists private.telemetry_links (
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    trace uuid not null,
    id uuid not null, -- a hash of the others
    spans text[] not null,
    parents text[] not null, -- empty for a root
    labels jsonb not null check (jsonb_typeof(labels) = 'object' and pg_column_size(labels) <= 1048576), -- by span
    seen_at timestamptz not null default now(),
    primary key (workspace_id, trace, id),
    check (cardinality(spans) = cardinality(parents))
);
create index if not exists telemetry_links_seen_at_idx on private.telemetry_links using brin (seen_at);
alter table private.telemetry_links enable row level security;
revoke all on private.telemetry_links from public, anon, authenticated, service_role;

-- Forgets what nothing was heard of for two days, and returns how many calls that were.
create or replace function private.forget_telemetry()
returns bigint
language sql
set search_path = ''
as $$
    delete from private.telemetry_links as l
    where l.seen_at < now() - interval '48 hours';

    with forgotten as (
        delete from private.telemetry_calls as c
        where c.seen_at < now() - interval '48 hours'
        returning c.id
    )

    select count(*) from forgotten
$$;
revoke all on function private.forget_telemetry() from public;
