-- 054_shared_events.sql: one event, several statements: the winner has the figures, but the bill rarely knows who caused it. The
-- record's person and project are those of the statement that knows best, in any order of arrival:
--
-- - Person: one that an alias names; else a machine's log, then telemetry, then a file, then a provider's API; of equals the
--   oldest source.
-- - Project: what a person chose for the record ('person'), for all statements on its event and for good; else what the winner
--   ('source') or the best other statement ('event') brought along; else what the winner's traits meet.

-- Whose a source's statement is. What a deleted account or a connection's former owner left stays theirs.
create or replace function private.person_of(named uuid, present uuid, source public.imports)
returns uuid
language plpgsql
immutable
set search_path = ''
as $$
begin
    return case
        when named is not null then named
        when present = '00000000-0000-0000-0000-000000000000' then present
        when source.metadata -> 'former_users' ? present::text then present
        else source.user_id
    end;
end
$$;
revoke all on function private.person_of(uuid, uuid, public.imports) from public;

-- All statements on these events, whose records are between these instants. A line of an export is at its instant, a request
-- (`line_at` is null) at any.
create or replace function private.statements_on(tenant uuid, keys uuid[], first_at timestamptz, last_at timestamptz)
returns table (
    is_record boolean, id uuid, at timestamptz, source_key uuid, line_at timestamptz, rank numeric[], user_id uuid,
    project_id uuid, project_chosen_by text, import_id uuid, metadata jsonb
)
language plpgsql
stable
rows 1000
set search_path = ''
set plan_cache_mode = force_custom_plan -- the months that matter are few of many
as $$
begin
    return query
    select
        false, s.id, s.timestamp, s.source_key, case when s.request_id is null then s.timestamp end, k.rank, s.user_id,
        s.project_id, s.project_chosen_by, s.import_id, s.metadata
    from private.rank_superseded(tenant, keys) as k
    inner join public.superseded_records as s on k.id = s.id
    union all
    select
        true, r.id, r.timestamp, r.source_key, case when r.request_id is null then r.timestamp end, k.rank, r.user_id,
        r.project_id, r.project_chosen_by, r.import_id, r.metadata
    from private.rank_records(tenant, keys, keys, first_at, last_at) as k
    inner join public.cost_records as r on k.id = r.id and k.at = r.timestamp
    where r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp <= last_at;
end
$$;
revoke all on function private.statements_on(uuid, uuid[], timestamptz, timestamptz) from public;

-- Whose the statements on these events are, with these aliases: each its own person's, the record that of the best informed one.
-- `traits` are of the statement that decided.
create or replace function private.people_of_events(
    tenant uuid, aliases public.person_aliases[], keys uuid[], first_at timestamptz, last_at timestamptz
)
returns table (is_record boolean, id uuid, at timestamptz, from_id uuid, to_id uuid, traits private.traits)
language plpgsql
stable
rows 1000
set search_path = ''
as $$
begin
    return query
    with own as materialized (
        select
            s.*, n.person as named, private.person_of(a.user_id, s.user_id, i) as person, i.is_enabled,
            row_number() over (
                partition by s.source_key, s.line_at
                order by
                    i.is_enabled desc, a.user_id is null, array_position(array['machine', 'key', 'file', 'connection'], i.kind),
                    i.created_at, i.id
            ) as nth
        from private.statements_on(tenant, keys, first_at, last_at) as s
        inner join public.imports as i on s.import_id = i.id
        cross join lateral (select private.named_person(s.metadata) as person) as n
        left join unnest(aliases) as a on n.person = a.value
    )

    select
        o.is_record, o.id, o.at, o.user_id, b.person,
        row(null, null, null, null, null, b.named, null, b.import_id, null, null)::private.traits
    from own as o
    inner join own as b
        on o.source_key = b.source_key
        and o.line_at is not distinct from b.line_at
        and case when o.is_record then b.nth = 1 else b.id = o.id end;
end
$$;
revoke all on function private.people_of_events(uuid, public.person_aliases[], uuid[], timestamptz, timestamptz) from public;

-- Gives the statements on these events to their people.
create or replace function private.settle_people(tenant uuid, keys uuid[], first_at timestamptz, last_at timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
    aliases constant public.person_aliases[] := array(
        select a from public.person_aliases as a where a.workspace_id = tenant
    );
begin
    with moved as materialized (
        select p.*
        from private.people_of_events(tenant, aliases, keys, first_at, last_at) as p
        where p.from_id <> p.to_id
    ),

    superseded as (
        update public.superseded_records as s
        set user_id = m.to_id
        from moved as m
        where s.id = m.id and not m.is_record
    )

    update public.cost_records as r
    set user_id = m.to_id
    from moved as m
    where
        r.workspace_id = tenant
        and r.timestamp >= first_at
        and r.timestamp <= last_at
        and r.id = m.id
        and r.timestamp = m.at
        and m.is_record;
end
$$;
revoke all on function private.settle_people(uuid, uuid[], timestamptz, timestamptz) from public;
