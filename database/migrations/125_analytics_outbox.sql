-- 125_analytics_outbox.sql: what an analytics engine beside Postgres has yet to be told: keys of rows that changed, never the
-- rows. Whoever ships them reads the present state of each key, so rows may come in any order, twice, or late.

-- private.analytics_engine: one row while this installation has an engine; nothing is noted without it.
create table if not exists private.analytics_engine (
    only_row boolean primary key default true check (only_row),
    installation uuid not null default gen_random_uuid(), -- the engine knows whose it is
    shipped_at timestamptz, -- when the last rows went
    problem text check (length(problem) <= 500), -- why nothing goes; null = all is well
    problem_at timestamptz
);
alter table private.analytics_engine enable row level security;
revoke all on private.analytics_engine from public, anon, authenticated, service_role;

-- Versions of the engine's rows: of two, that with the greater one is the newer.
create sequence if not exists private.analytics_version as bigint;

-- private.analytics_outbox: keys of the engine's tables. Rows are only added, so that no save waits for another one, and go when
-- they were shipped.
create table if not exists private.analytics_outbox (
    id bigint generated always as identity primary key,
    noted_at timestamptz not null default clock_timestamp(),
    timestamp timestamptz not null,
    workspace_id uuid not null,
    key uuid not null, -- a record's source_key, a superseded statement's id, a trace's id
    kind text not null check (kind in ('records', 'superseded', 'traces'))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_analyze_scale_factor = 0.5);
alter table private.analytics_outbox enable row level security;
revoke all on private.analytics_outbox from public, anon, authenticated, service_role;

-- private.analytics_tasks: what is one row for many keys. A range is shipped from `first_at` on, which moves, up to `last_at`.
create table if not exists private.analytics_tasks (
    id bigint generated always as identity primary key,
    noted_at timestamptz not null default clock_timestamp(),
    workspace_id uuid not null,
    kind text not null check (kind in ('records', 'superseded', 'traces', 'workspace', 'source', 'person')),
    subject uuid, -- the source or the person that was deleted
    first_at timestamptz,
    last_at timestamptz, -- exclusive
    check ((kind in ('source', 'person')) = (subject is not null)),
    check ((kind in ('workspace', 'source', 'person')) = (first_at is null)),
    check ((first_at is null) = (last_at is null))
);
create index if not exists analytics_tasks_workspace_id_idx on private.analytics_tasks (workspace_id);
alter table private.analytics_tasks enable row level security;
revoke all on private.analytics_tasks from public, anon, authenticated, service_role;

-- private.analytics_parked: keys that the engine, or the query that reads them, refused alone.
create table if not exists private.analytics_parked (
    workspace_id uuid not null,
    kind text not null,
    timestamp timestamptz not null,
    key uuid not null,
    reason text not null check (length(reason) <= 500),
    parked_at timestamptz not null default now(),
    primary key (workspace_id, kind, timestamp, key)
);
alter table private.analytics_parked enable row level security;
revoke all on private.analytics_parked from public, anon, authenticated, service_role;

-- The triggers of the three tables, of one pattern. What is deleted with its workspace is one row, of the workspace. Rows that go
-- to an archive or come from it stay in the engine: whoever moves them says so for the transaction.
do $$
declare
    noted record;
    pattern constant text :=
        'create or replace function private.%I() returns trigger language plpgsql security definer set search_path = '''' as '
        '$f$ begin if exists (select from private.analytics_engine) then '
        'insert into private.analytics_outbox (timestamp, workspace_id, key, kind) select u.*, %L from (%s) as u; '
        'end if; return null; end $f$';
    named text;
    keys text;
    command text;
begin
    for noted in
        select *
        from (
            values
            ('cost_records', 'records', 'timestamp', 'source_key'),
            ('superseded_records', 'superseded', 'timestamp', 'id'),
            ('traces', 'traces', 'first_at', 'trace_id::uuid')
        ) as v (relation, kind, time, key)
    loop
        keys := format('select c.%I, c.workspace_id, c.%s from %%s as c', noted.time, noted.key);
        foreach command in array array['insert', 'update', 'delete'] loop
            named := format('note_%s_for_engine', noted.kind || '_' || command);
            execute format(
                pattern, named, noted.kind,
                case command
                    when 'update' then format(keys, 'changed_to') || ' union ' || format(keys, 'changed_from')
                    when 'delete'
                        then format(keys, 'changed') || ' where c.workspace_id in (select w.id from public.workspaces as w)'
                    else format(keys, 'changed')
                end
            );
            execute format('revoke all on function private.%I() from public', named);
            execute format(
                'create or replace trigger %I after %s on public.%I referencing %s for each statement '
                'when (current_setting(''tally.archiving'', true) is distinct from ''on'') execute function private.%I()',
                noted.relation || '_engine_' || command, command, noted.relation,
                case command
                    when 'insert' then 'new table as changed'
                    when 'delete' then 'old table as changed'
                    else 'old table as changed_from new table as changed_to'
                end,
                named
            );
        end loop;
    end loop;
end
$$;

create or replace function private.note_deleted_workspace_for_engine()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into private.analytics_tasks (workspace_id, kind)
    select old.id, 'workspace' from private.analytics_engine;
    return null;
end
$$;
revoke all on function private.note_deleted_workspace_for_engine() from public;

create or replace trigger workspaces_engine_deleted
    after delete on public.workspaces
    for each row execute function private.note_deleted_workspace_for_engine();

-- Records of a source that are in an archive are known to the engine alone. Its superseded statements count while it is enabled.
create or replace function private.note_source_for_engine()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if not exists (select from private.analytics_engine) then
        return null;
    end if;
    if tg_op = 'DELETE' then
        insert into private.analytics_tasks (workspace_id, kind, subject)
        select w.id, 'source', old.id from public.workspaces as w where w.id = old.workspace_id;
    else
        insert into private.analytics_outbox (timestamp, workspace_id, key, kind)
        select s.timestamp, s.workspace_id, s.id, 'superseded'
        from public.superseded_records as s
        where s.workspace_id = new.workspace_id and s.import_id = new.id;
    end if;
    return null;
end
$$;
revoke all on function private.note_source_for_engine() from public;

create or replace trigger imports_engine_deleted
    after delete on public.imports
    for each row execute function private.note_source_for_engine();
create or replace trigger imports_engine_enabled
    after update of is_enabled on public.imports
    for each row when (old.is_enabled <> new.is_enabled)
    execute function private.note_source_for_engine();

-- Likewise the records and traces of an account, which are nobody's from then on.
create or replace function private.note_deleted_person_for_engine()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into private.analytics_tasks (workspace_id, kind, subject)
    select old.id, 'person', old.id from private.analytics_engine;
    return null;
end
$$;
revoke all on function private.note_deleted_person_for_engine() from public;

create or replace trigger tally_engine_person
    after delete on auth.users
    for each row execute function private.note_deleted_person_for_engine();
