-- 077_choosing_channels.sql: which channel counts of a session that both a log and telemetry tell of.

-- The records among these statements of a session that its other channel outdoes become superseded; those of the channel that
-- counts become records.
create or replace function private.change_channel(tenant uuid, of_session uuid, channel text)
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan -- the months that matter are few of many
as $$
declare
    bounds record;
    outdone uuid[];
    keys uuid[];
begin
    select min(s.first_at) as first_at, max(s.last_at) as last_at
    into bounds
    from private.session_channels as s
    where s.workspace_id = tenant and s.session = of_session;
    outdone := array(
        select r.id
        from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= bounds.first_at
            and r.timestamp <= bounds.last_at
            and r.metadata ? 'channel'
            and r.collection_method <> channel
            and private.session_of(r.metadata) = of_session
    );
    keys := array(
        select s.source_key
        from public.superseded_records as s
        where
            s.workspace_id = tenant
            and s.timestamp >= bounds.first_at
            and s.timestamp <= bounds.last_at
            and s.metadata ? 'channel'
            and s.collection_method = channel
            and private.session_of(s.metadata) = of_session
    );
    if cardinality(outdone) > 0 then
        perform set_config('tally.is_flagging', 'on', true);
        perform private.keep_as_superseded(tenant, outdone, bounds.first_at, bounds.last_at);
        perform set_config('tally.is_flagging', '', true);
        delete from public.cost_records as r
        where
            r.workspace_id = tenant
            and r.timestamp >= bounds.first_at
            and r.timestamp <= bounds.last_at
            and r.id = any (outdone);
    end if;
    if cardinality(keys) > 0 then
        perform private.select_winners(tenant, keys);
    end if;
end
$$;
revoke all on function private.change_channel(uuid, uuid, text) from public;

-- Compares the channels of sessions that changed. A source that repeats another's session adds nothing to it, so a channel saw
-- what its fullest source saw; of equals the local log counts, which knows the folder.
create or replace function private.compare_channels(tenant uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
    of_session uuid;
    winner text;
begin
    if
        coalesce(current_setting('tally.is_comparing', true), '') = 'on' -- as it moves the statements of a session
        or not exists (select from private.session_channels as s where s.workspace_id = tenant and s.is_due)
    then
        return;
    end if;
    perform pg_advisory_xact_lock(private.save_lock(tenant));
    perform set_config('tally.is_comparing', 'on', true);
    for of_session in
        select distinct s.session from private.session_channels as s where s.workspace_id = tenant and s.is_due order by 1
    loop
        winner := (
            select s.collection_method
            from private.session_channels as s
            left join public.imports as i on s.import_id = i.id
            where
                s.workspace_id = tenant
                and s.session = of_session
                and (i.is_enabled or s.import_id = '00000000-0000-0000-0000-000000000000')
            order by s.tokens desc, s.collection_method = 'local_log' desc, s.collection_method
            limit 1
        );
        update private.session_channels as s
        set is_effective = coalesce(s.collection_method = winner, true)
        where
            s.workspace_id = tenant
            and s.session = of_session
            and s.is_effective <> coalesce(s.collection_method = winner, true);
        if found and winner is not null then
            perform private.change_channel(tenant, of_session, winner);
        end if;
        update private.session_channels as s
        set is_due = false
        where s.workspace_id = tenant and s.session = of_session and s.is_due;
    end loop;
    perform set_config('tally.is_comparing', '', true);
end
$$;
revoke all on function private.compare_channels(uuid) from public;

-- Compares the channels of a source's sessions: it was taken into the totals, out of them, or deleted.
create or replace function private.compare_channels_of(tenant uuid, sources uuid[])
returns void
language plpgsql
set search_path = ''
as $$
begin
    with gone as (
        delete from private.session_channels as s
        where
            s.workspace_id = tenant
            and s.import_id = any (sources)
            and not exists (select from public.imports as i where i.id = s.import_id)
        returning s.session
    )

    update private.session_channels as s
    set is_due = true
    where
        s.workspace_id = tenant
        and not s.is_due
        and (s.import_id = any (sources) or s.session in (select g.session from gone as g));
    perform private.compare_channels(tenant);
end
$$;
revoke all on function private.compare_channels_of(uuid, uuid[]) from public;

create or replace function private.compare_channels_of_deleted()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant uuid;
begin
    for tenant in select distinct c.workspace_id from changed as c where c.metadata ? 'channel' order by 1 loop
        perform private.compare_channels(tenant);
    end loop;
    return null;
end
$$;
revoke all on function private.compare_channels_of_deleted() from public;

create or replace trigger cost_records_settle_channels
    after delete on public.cost_records
    referencing old table as changed
    for each statement when (pg_trigger_depth() = 0 and current_user = 'authenticated')
    execute function private.compare_channels_of_deleted();

-- Sent records of sessions whose other channel counts, and the rest.
create or replace function private.split_by_channel(
    tenant uuid,
    usual_method text,
    incoming private.incoming_record[],
    out outdone private.incoming_record[],
    out rest private.incoming_record[]
)
language plpgsql
stable
set search_path = ''
as $$
declare
    places constant bigint[] := array(
        select i.place
        from generate_subscripts(incoming, 1) as i (place)
        where
            incoming[i.place].metadata ? 'channel'
            and incoming[i.place].source_key is not null
            and private.is_outdone(
                tenant, incoming[i.place].metadata, coalesce(incoming[i.place].collection_method, usual_method)
            )
    );
begin
    outdone := array(select incoming[p.place] from unnest(places) as p (place));
    rest := incoming;
    if cardinality(places) > 0 then
        rest := array(
            select incoming[i.place] from generate_subscripts(incoming, 1) as i (place) where i.place <> all (places)
        );
    end if;
end
$$;
revoke all on function private.split_by_channel(uuid, text, private.incoming_record[]) from public;
