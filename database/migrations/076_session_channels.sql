-- 076_session_channels.sql: sessions of agents whose requests have no ids, so that what their telemetry and their logs say of one
-- request cannot be joined. Of such a session one channel counts, the one that saw more tokens: the local log or telemetry. The
-- statements of the other are superseded, and change places when it overtakes.

-- private.session_channels: what each source says of a session, effective or not, kept by triggers: a save must not read the
-- session.
create table if not exists private.session_channels (
    workspace_id uuid not null,
    session uuid not null, -- see private.session_of
    import_id uuid not null, -- the nil id for what was entered by hand
    collection_method text not null, -- the channel
    tokens numeric not null,
    records bigint not null,
    first_at timestamptz not null, -- they only widen
    last_at timestamptz not null,
    is_effective boolean not null default true,
    is_due boolean not null default false, -- the channels of its session are to be compared
    primary key (workspace_id, session, import_id, collection_method)
);
create index if not exists session_channels_due_idx on private.session_channels (workspace_id) where is_due;
alter table private.session_channels enable row level security;
revoke all on private.session_channels from public, anon, authenticated, service_role;

-- The session that a record is of, where one channel counts: `channel` in its metadata is the agent's name. Null otherwise.
create or replace function private.session_of(metadata jsonb)
returns uuid
language plpgsql
immutable
set search_path = ''
as $$
begin
    return case
        when metadata ->> 'channel' <> '' and metadata ->> 'session' <> ''
            then md5(jsonb_build_array(metadata -> 'channel', metadata -> 'session')::text)::uuid
    end;
end
$$;
revoke all on function private.session_of(jsonb) from public;

-- Adds differences to what sources say of sessions, and marks sessions of several channels.
create or replace function private.add_to_channels(changes private.session_channels[])
returns void
language sql
set search_path = ''
as $$
    insert into private.session_channels as s (
        workspace_id, session, import_id, collection_method, tokens, records, first_at, last_at, is_effective
    )
    select
        c.workspace_id, c.session, c.import_id, c.collection_method, sum(c.tokens), sum(c.records), min(c.first_at),
        max(c.last_at),
        not exists (
            select
            from private.session_channels as o
            where
                o.workspace_id = c.workspace_id
                and o.session = c.session
                and o.collection_method <> c.collection_method
                and o.is_effective
        )
    from unnest(changes) as c
    where c.session is not null
    group by c.workspace_id, c.session, c.import_id, c.collection_method
    order by c.workspace_id, c.session, c.import_id, c.collection_method
    on conflict (workspace_id, session, import_id, collection_method) do update
        set
            tokens = s.tokens + excluded.tokens,
            records = s.records + excluded.records,
            first_at = least(s.first_at, excluded.first_at),
            last_at = greatest(s.last_at, excluded.last_at);

    delete from private.session_channels as s
    using unnest(changes) as c
    where
        (s.workspace_id, s.session, s.import_id, s.collection_method)
        = (c.workspace_id, c.session, c.import_id, c.collection_method)
        and s.records <= 0;

    update private.session_channels as s
    set is_due = true
    from (select distinct c.workspace_id, c.session from unnest(changes) as c) as c
    where
        s.workspace_id = c.workspace_id
        and s.session = c.session
        and not s.is_due
        and (
            not s.is_effective
            or exists (
                select
                from private.session_channels as o
                where
                    o.workspace_id = s.workspace_id
                    and o.session = s.session
                    and o.collection_method <> s.collection_method
            )
        )
$$;
revoke all on function private.add_to_channels(private.session_channels[]) from public;

-- Both lists of columns are in it, for no other function can read the changed rows.
create or replace function private.count_channels()
returns trigger
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    changes private.session_channels[] := array[]::private.session_channels[];
begin
    if tg_op <> 'INSERT' then
        if exists (select from changed_from as c where c.metadata ? 'channel') then
            changes := changes || array(
                select
                    row(
                        c.workspace_id, private.session_of(c.metadata),
                        coalesce(c.import_id, '00000000-0000-0000-0000-000000000000'), c.collection_method,
                        -c.tokens_used, -1, c.timestamp, c.timestamp, true, false
                    )::private.session_channels
                from changed_from as c
                where c.metadata ? 'channel'
            );
        end if;
    end if;
    if tg_op <> 'DELETE' then
        if exists (select from changed_to as c where c.metadata ? 'channel') then
            changes := changes || array(
                select
                    row(
                        c.workspace_id, private.session_of(c.metadata),
                        coalesce(c.import_id, '00000000-0000-0000-0000-000000000000'), c.collection_method,
                        c.tokens_used, 1, c.timestamp, c.timestamp, true, false
                    )::private.session_channels
                from changed_to as c
                where c.metadata ? 'channel'
            );
        end if;
    end if;
    if cardinality(changes) > 0 then
        perform private.add_to_channels(changes);
    end if;
    return null;
end
$$;
revoke all on function private.count_channels() from public;

-- Their names put them before the selection of winners, which asks for the channels.
do $$
declare
    counted text;
begin
    foreach counted in array array['cost_records', 'superseded_records'] loop
        -- What a save inserts without any channel is not looked at.
        execute format(
            'create or replace trigger %1$s_channels_inserted
                after insert on public.%1$I
                referencing new table as changed_to
                for each statement
                when (
                    current_setting(''tally.archiving'', true) is distinct from ''on''
                    and (
                        current_setting(''tally.has_channels'', true) = ''on''
                        or current_setting(''tally.is_inserting'', true) is distinct from ''on''
                    )
                )
                execute function private.count_channels()',
            counted
        );
        execute format(
            'create or replace trigger %1$s_channels_deleted
                after delete on public.%1$I
                referencing old table as changed_from
                for each statement
                when (current_setting(''tally.archiving'', true) is distinct from ''on'')
                execute function private.count_channels()',
            counted
        );
        execute format(
            'create or replace trigger %1$s_channels_updated
                after update on public.%1$I
                referencing old table as changed_from new table as changed_to
                for each statement
                when (current_setting(''tally.is_flagging'', true) is distinct from ''on'')
                execute function private.count_channels()',
            counted
        );
    end loop;
end
$$;
