-- 075_event_aliases.sql: several ids of one event, as a request of Anthropic has: `req_…` in telemetry, `msg_…` in logs. A record
-- that knows both names the others in its metadata (`request_aliases`); statements under any of them are about the event of the
-- first. A statement keeps its `request_id`, so that an alias can be taken back.

-- A row for each source that tells it. The first statement about an id holds: who names another event for it is not believed.
create table if not exists private.event_aliases (
    workspace_id uuid not null,
    alias uuid not null,
    import_id uuid not null, -- the nil id for what was entered by hand
    source_key uuid not null check (source_key <> alias), -- as it was told: it may be an alias itself
    primary key (workspace_id, alias, import_id)
);
create index if not exists event_aliases_import_id_idx on private.event_aliases (import_id);
alter table private.event_aliases enable row level security;
revoke all on private.event_aliases from public, anon, authenticated, service_role;

-- As tally.core.records.request_identity.
create or replace function private.request_identity(request_id text)
returns uuid
language plpgsql
immutable
set search_path = ''
as $$
begin
    return encode(
        substring(sha256(convert_to(format('7:request%s:%s', length(request_id), request_id), 'UTF8')) for 16), 'hex'
    )::uuid;
end
$$;
revoke all on function private.request_identity(text) from public;

-- The event that a key is about.
create or replace function private.event_of(tenant uuid, key uuid)
returns uuid
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off -- the plan may be from when there were no aliases
as $$
declare
    event uuid := key;
    next_one uuid;
begin
    for step in 1..16 loop
        next_one := (
            select a.source_key from private.event_aliases as a where a.workspace_id = tenant and a.alias = event limit 1
        );
        exit when next_one is null;
        event := next_one;
    end loop;
    return event;
end
$$;
revoke all on function private.event_of(uuid, uuid) from public;

-- Ids that a statement names besides its own, at most four.
create or replace function private.aliases_of(metadata jsonb)
returns uuid[]
language plpgsql
immutable
set search_path = ''
as $$
begin
    if jsonb_typeof(metadata -> 'request_aliases') is distinct from 'array' then
        return array[]::uuid[];
    end if;
    return array(
        select private.request_identity(n.name)
        from jsonb_array_elements_text(metadata -> 'request_aliases') with ordinality as n (name, nth)
        where n.nth <= 4 and length(n.name) between 1 and 300
    );
end
$$;
revoke all on function private.aliases_of(jsonb) from public;

-- Makes statements on these events, which are requests, statements on the events that they are about by now.
create or replace function private.move_to_events(tenant uuid, keys uuid[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    records record;
    moved record;
    events uuid[];
begin
    select array_agg(r.id) as ids, min(r.timestamp) as first_at, max(r.timestamp) as last_at
    into records
    from public.cost_records as r
    where
        r.workspace_id = tenant
        and r.source_key = any (keys)
        and r.request_id is not null
        and (r.import_id is not null or r.user_id = auth.uid()) -- what others entered by hand is theirs
        and private.event_of(tenant, private.request_identity(r.request_id)) <> r.source_key;
    perform set_config('tally.is_flagging', 'on', true);
    if records.ids is not null then
        perform private.keep_as_superseded(tenant, records.ids, records.first_at, records.last_at);
    end if;
    select array_agg(m.id) as ids, array_agg(m.event) as events
    into moved
    from (
        select s.id, s.source_key, private.event_of(tenant, private.request_identity(s.request_id)) as event
        from public.superseded_records as s
        where
            s.workspace_id = tenant
            and s.source_key = any (keys)
            and s.request_id is not null
            and (s.import_id is not null or s.user_id = auth.uid())
    ) as m
    where m.event <> m.source_key;
    if moved.ids is not null then
        events := array(select distinct e.event from unnest(moved.events) as e (event));
        perform private.join_statements(tenant, moved.ids, moved.events);
    end if;
    perform set_config('tally.is_flagging', '', true);
    if records.ids is not null then
        delete from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= records.first_at
            and r.timestamp <= records.last_at
            and r.id = any (records.ids);
    end if;
    if moved.ids is not null then
        perform private.select_winners(tenant, events);
    end if;
end
$$;
revoke all on function private.move_to_events(uuid, uuid[]) from public;

-- Gives these superseded statements the keys of these events. Of a source that has several statements on an event by then, the
-- best one stays; what a person chose for one of them holds.
create or replace function private.join_statements(tenant uuid, ids uuid[], events uuid[])
returns void
language plpgsql
set search_path = ''
as $$
declare
    keys constant uuid[] := array(
        select s.source_key from public.superseded_records as s where s.workspace_id = tenant and s.id = any (ids)
        union
        select e.event from unnest(events) as e (event)
    );
    joined record;
begin
    select
        array_agg(r.id) filter (where r.nth > 1) as lesser,
        array_agg(r.event) filter (where r.project_chosen_by = 'person') as chosen,
        array_agg(r.project_id) filter (where r.project_chosen_by = 'person') as projects
    into joined
    from (
        select
            s.id, s.project_id, s.project_chosen_by, e.event,
            row_number() over (partition by e.event, s.import_id order by k.rank desc, s.created_at desc, s.id) as nth
        from private.rank_superseded(tenant, keys) as k
        inner join public.superseded_records as s on k.id = s.id
        left join unnest(ids, events) as m (id, event) on k.id = m.id
        cross join lateral (select coalesce(m.event, k.source_key) as event) as e
        where k.is_request
        order by 1
    ) as r;
    delete from public.superseded_records as s
    where s.id = any (joined.lesser);
    update public.superseded_records as s
    set source_key = m.event
    from unnest(ids, events) as m (id, event)
    where s.id = m.id;
    update public.superseded_records as s
    set project_id = c.project_id, project_chosen_by = 'person'
    from (
        select distinct on (e.event) e.event, e.project_id
        from unnest(joined.chosen, joined.projects) as e (event, project_id)
        order by e.event
    ) as c
    where s.workspace_id = tenant and s.source_key = c.event and s.request_id is not null;
end
$$;
revoke all on function private.join_statements(uuid, uuid[], uuid[]) from public;

-- Remembers which ids are those of one event, and moves what is stored under them.
create or replace function private.learn_aliases(tenant uuid, source uuid, incoming private.incoming_record[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    one record;
    learned uuid[] := array[]::uuid[];
begin
    for one in
        select t.alias, t.source_key, k.source_key as known_key
        from (
            select distinct on (n.alias) n.alias, r.source_key
            from unnest(incoming) as r
            cross join lateral unnest(private.aliases_of(r.metadata)) as n (alias)
            where
                r.metadata ? 'request_aliases'
                and r.source_key = private.request_identity(r.request_id)
                and n.alias <> r.source_key
            order by n.alias, r.source_key
        ) as t
        left join lateral (
            select a.source_key from private.event_aliases as a where a.workspace_id = tenant and a.alias = t.alias limit 1
        ) as k on true
    loop
        -- An id that leads back to itself would be no event's.
        if one.known_key is null and private.event_of(tenant, one.source_key) <> one.alias then
            learned := learned || one.alias;
        elsif one.known_key is distinct from one.source_key then
            continue;
        end if;
        insert into private.event_aliases (workspace_id, alias, import_id, source_key)
        values (tenant, one.alias, coalesce(source, '00000000-0000-0000-0000-000000000000'), one.source_key)
        on conflict do nothing;
    end loop;
    if cardinality(learned) > 0 then
        perform private.move_to_events(tenant, learned);
    end if;
end
$$;
revoke all on function private.learn_aliases(uuid, uuid, private.incoming_record[]) from public;

-- Sent records with the keys of the events that they are about, after learning what they tell. Called under the lock of saves;
-- costs a look at an index where a workspace has no aliases.
create or replace function private.resolve_aliases(
    tenant uuid, source uuid, incoming private.incoming_record[], has_aliases boolean
)
returns private.incoming_record[]
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    aliases uuid[];
begin
    if has_aliases then
        perform private.learn_aliases(tenant, source, incoming);
    end if;
    if not exists (select from private.event_aliases as a where a.workspace_id = tenant) then
        return incoming;
    end if;
    aliases := array(
        select distinct a.alias
        from private.event_aliases as a
        where
            a.workspace_id = tenant
            and a.alias = any (array(select r.source_key from unnest(incoming) as r where r.request_id is not null))
    );
    if cardinality(aliases) = 0 then
        return incoming;
    end if;
    return array(
        select
            row(
                r.provider, r.timestamp, r.day, r.model_name, r.cost_usd, r.cost_basis, r.charge_type, r.collection_method,
                coalesce(e.event, r.source_key), r.request_id, r.billing_account, r.dataset, r.billed_under_other_name,
                r.project_id, r.tokens_used, r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens,
                r.reasoning_tokens, r.request_count, r.metadata
            )::private.incoming_record
        from unnest(incoming) as r
        left join (select n.alias, private.event_of(tenant, n.alias) as event from unnest(aliases) as n (alias)) as e
            on r.source_key = e.alias and r.source_key = private.request_identity(r.request_id)
    );
end
$$;
revoke all on function private.resolve_aliases(uuid, uuid, private.incoming_record[], boolean) from public;

-- Takes back what sources that are gone told. Statements that nothing else makes one event are of several again.
create or replace function private.forget_aliases(tenant uuid, sources uuid[])
returns void
language plpgsql
set search_path = ''
as $$
declare
    events uuid[];
begin
    if
        not exists (select from private.event_aliases as a where a.import_id = any (sources))
        or not exists (select from public.workspaces as w where w.id = tenant) -- being deleted, with all of them
    then
        return;
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    events := array(
        select distinct private.event_of(tenant, a.alias)
        from private.event_aliases as a
        where a.workspace_id = tenant and a.import_id = any (sources)
    );
    delete from private.event_aliases as a
    where a.workspace_id = tenant and a.import_id = any (sources);
    perform private.move_to_events(tenant, events);
end
$$;
revoke all on function private.forget_aliases(uuid, uuid[]) from public;
