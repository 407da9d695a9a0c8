-- 083_known_calls.sql: reading and writing what is known of calls, for tally.telemetry.save alone, which chooses among them. Its
-- connection may read no table; the caller is a member of the workspace.

-- Statements that these traces, and requests with these names, have to do with, and the parents in their traces; of very long
-- traces the newest ones. A call may name a request that another trace names, too: a few steps lead to all of them. Statements of
-- deleted sources are no longer there.
create or replace function private.load_known_calls(tenant uuid, traces uuid[], names uuid[])
returns json
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off -- plans are kept, and may be from when nothing was known yet
as $$
declare
    ids uuid[] := array[]::uuid[];
    more record;
    known bigint := 0;
begin
    perform private.require_workspace(tenant, 'member');
    perform pg_advisory_xact_lock(private.telemetry_lock(tenant));
    for step in 1..5 loop
        ids := array(
            select c.id
            from unnest(traces) as t (trace)
            cross join lateral (
                select k.id from private.telemetry_calls as k where k.workspace_id = tenant and k.trace = t.trace
                offset 0 -- one look-up after the other, or each call of the workspace would be compared with all traces
            ) as c
            union
            select c.id
            from private.telemetry_calls as c
            -- `is true` leaves the index of names alone to answer.
            where (c.workspace_id = tenant) is true and c.names && load_known_calls.names
        );
        exit when cardinality(ids) = known; -- mostly at once: what is new has to do with nothing
        known := cardinality(ids);
        select array_agg(distinct c.trace) filter (where c.trace is not null) as traces, array_agg(distinct n.name) as names
        into more
        from unnest(ids) as k (id)
        cross join lateral (
            select f.trace, f.names from private.telemetry_calls as f where f.workspace_id = tenant and f.id = k.id
            limit 1
        ) as c
        left join lateral unnest(c.names) as n (name) on true;
        traces := array(select unnest(traces) union select unnest(more.traces));
        names := array(select unnest(load_known_calls.names) union select unnest(more.names));
    end loop;
    return json_build_object(
        'calls', (
            select coalesce(json_agg(k.call), '[]')
            from (
                select
                    json_build_object(
                        'id', c.id, 'import_id', c.import_id, 'user_id', i.user_id, 'paid_by', i.metadata ->> 'paid_by',
                        'project_id', a.project_id, 'call', c.call, 'counted_key', c.counted_key, 'counted_at', c.counted_at,
                        'labels', c.labels
                    ) as call
                from unnest(ids) as k (id)
                cross join lateral (
                    select f.* from private.telemetry_calls as f where f.workspace_id = tenant and f.id = k.id
                    limit 1
                ) as c
                inner join public.imports as i on c.workspace_id = i.workspace_id and c.import_id = i.id
                left join public.api_keys as a on i.workspace_id = a.workspace_id and i.api_key_id = a.id
                order by c.seen_at desc, c.id
                limit 5000
            ) as k
        ),
        'links', (
            select coalesce(json_agg(json_build_array(l.spans, l.parents, l.labels) order by l.trace, l.id), '[]')
            from unnest(traces) as t (trace)
            cross join lateral (
                select f.* from private.telemetry_links as f where f.workspace_id = tenant and f.trace = t.trace
                offset 0
            ) as l
        )
    );
end
$$;
revoke all on function private.load_known_calls(uuid, uuid[], uuid[]) from public;
grant execute on function private.load_known_calls(uuid, uuid[], uuid[]) to tally_api;

-- Stores statements with the records that they are in, and parents; what is known already is heard of again.
create or replace function private.store_known_calls(tenant uuid, calls json, links json)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform private.require_workspace(tenant, 'member');
    insert into private.telemetry_calls as k (
        workspace_id, id, import_id, trace, names, call, counted_key, counted_at, labels
    )
    select tenant, c.id, c.import_id, c.trace, c.names, c.call, c.counted_key, c.counted_at, c.labels
    from json_to_recordset(calls) as c (
        id uuid, import_id uuid, trace uuid, names uuid[], call jsonb, counted_key uuid, counted_at timestamptz, labels text[]
    )
    order by c.id
    on conflict (workspace_id, id) do update
        set counted_key = excluded.counted_key, counted_at = excluded.counted_at, labels = excluded.labels, seen_at = now();
    insert into private.telemetry_links as k (workspace_id, trace, id, spans, parents, labels)
    select tenant, l.trace, l.id, l.spans, l.parents, l.labels
    from json_to_recordset(links) as l (trace uuid, id uuid, spans text[], parents text[], labels jsonb)
    order by l.trace, l.id
    on conflict (workspace_id, trace, id) do update
        set seen_at = now();
end
$$;
revoke all on function private.store_known_calls(uuid, json, json) from public;
grant execute on function private.store_known_calls(uuid, json, json) to tally_api;

-- The records of services on these events, with the places of the events: lines at their time, requests at any. One look-up
-- after the other.
create or replace function private.records_of_calls(tenant uuid, events uuid[], at timestamptz[])
returns table (nth bigint, id uuid, at timestamptz, import_id uuid)
language sql
stable
rows 1 -- so that records are looked up one after the other, too
set search_path = ''
as $$
    select t.nth, l.id, l.timestamp, l.import_id
    from unnest(events, records_of_calls.at) with ordinality as t (event, at, nth)
    cross join lateral (
        select r.id, r.timestamp, r.import_id
        from public.cost_records as r
        where r.workspace_id = tenant and r.timestamp = t.at and r.source_key >= t.event and r.source_key <= t.event
        order by r.source_key -- as in private.find_known
        limit 1
    ) as l
    inner join public.imports as i on l.import_id = i.id and i.kind = 'key'
    union
    select t.nth, q.id, q.timestamp, q.import_id
    from unnest(events) with ordinality as t (event, nth)
    cross join lateral (
        select r.id, r.timestamp, r.import_id
        from public.cost_records as r
        where r.workspace_id = tenant and r.source_key = t.event and r.request_id is not null
        offset 0
    ) as q
    inner join public.imports as i on q.import_id = i.id and i.kind = 'key'
$$;
revoke all on function private.records_of_calls(uuid, uuid[], timestamptz[]) from public;

-- Deletes the statements of services on events that they no longer report: a call inside them turned up, which they repeat. An
-- event that one of the `kept` keys leads to by now is still reported.
create or replace function private.take_back_calls(
    tenant uuid, sources uuid[], keys uuid[], at timestamptz[], kept uuid[]
)
returns void
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan -- the months that matter are few of many, and may have been empty
set enable_seqscan = off
as $$
declare
    reported constant uuid[] := array(select private.event_of(tenant, k.key) from unnest(kept) as k (key));
    events uuid[];
    superseded record;
begin
    perform private.require_workspace(tenant, 'member');
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    select array_agg(t.import_id), array_agg(e.event), array_agg(t.at)
    into sources, events, at
    from unnest(sources, keys, at) as t (import_id, source_key, at)
    inner join public.imports as i on t.import_id = i.id and i.workspace_id = tenant and i.kind = 'key'
    cross join lateral (select private.event_of(tenant, t.source_key) as event) as e
    where (e.event in (select k.event from unnest(reported) as k (event))) is not true; -- hashed
    if events is null then
        return;
    end if;
    with deleted as (
        delete from public.superseded_records as s
        where s.id = any (
            array(
                select d.id
                from unnest(sources, events, at) as t (import_id, source_key, at)
                cross join lateral (
                    select o.id, o.import_id, o.request_id, o.timestamp
                    from public.superseded_records as o
                    where o.workspace_id = tenant and o.source_key = t.source_key
                    offset 0 -- as in private.rank_superseded
                ) as d
                where d.import_id = t.import_id and (d.request_id is not null or d.timestamp = t.at)
            )
        )
        returning s.source_key, s.timestamp
    )

    select array_agg(d.source_key) as keys, min(d.timestamp) as first_at, max(d.timestamp) as last_at
    into superseded
    from deleted as d;
    delete from public.cost_records as r
    using private.records_of_calls(tenant, events, at) as c
    where r.id = c.id and r.timestamp = c.at and c.import_id = sources[c.nth];
    if superseded.keys is not null then
        perform private.settle_events(tenant, superseded.keys, superseded.first_at, superseded.last_at);
    end if;
    perform private.compare_channels(tenant);
end
$$;
revoke all on function private.take_back_calls(uuid, uuid[], uuid[], timestamptz[], uuid[]) from public;
grant execute on function private.take_back_calls(uuid, uuid[], uuid[], timestamptz[], uuid[]) to tally_api;

-- Writes what calls have by now of agent, tool and task into the statements of services on their events: a span around them named
-- it. These are no figures, so nothing is elected again, and no cost changes. `labels` has an object for each event. Statements
-- that have no room for them stay as they are.
create or replace function private.label_calls(tenant uuid, keys uuid[], at timestamptz[], labels json)
returns void
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan -- as in private.take_back_calls
set enable_seqscan = off
as $$
declare
    named constant text[] := array['agent', 'tool', 'task'];
    events uuid[];
    parts jsonb[];
begin
    perform private.require_workspace(tenant, 'member');
    perform pg_advisory_xact_lock_shared(private.timezone_lock(tenant));
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    select array_agg(private.event_of(tenant, t.source_key)), array_agg(t.at), array_agg(t.part::jsonb)
    into events, at, parts
    from rows from (unnest(keys), unnest(at), json_array_elements(labels)) as t (source_key, at, part);
    perform set_config('tally.is_flagging', 'on', true);
    update public.superseded_records as s
    set metadata = s.metadata - named || t.part
    from (
        select d.id, e.part
        from unnest(events, at, parts) as e (source_key, at, part)
        cross join lateral (
            select o.id, o.request_id, o.timestamp, o.import_id
            from public.superseded_records as o
            where o.workspace_id = tenant and o.source_key = e.source_key
            offset 0 -- as in private.rank_superseded
        ) as d
        inner join public.imports as i on d.import_id = i.id and i.kind = 'key'
        where d.request_id is not null or d.timestamp = e.at
    ) as t
    where
        s.id = t.id
        and s.metadata is distinct from s.metadata - named || t.part
        and pg_column_size(s.metadata - named || t.part) <= 8192;
    update public.cost_records as r
    set metadata = r.metadata - named || parts[c.nth]
    from private.records_of_calls(tenant, events, at) as c
    where
        r.id = c.id
        and r.timestamp = c.at
        and r.metadata is distinct from r.metadata - named || parts[c.nth]
        and pg_column_size(r.metadata - named || parts[c.nth]) <= 8192;
    perform set_config('tally.is_flagging', '', true);
end
$$;
revoke all on function private.label_calls(uuid, uuid[], timestamptz[], json) from public;
grant execute on function private.label_calls(uuid, uuid[], timestamptz[], json) to tally_api;
