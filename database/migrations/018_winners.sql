-- 018_winners.sql: selecting the winner: the best statement on an event is the record, the others are superseded.

-- Of these statements, which are dates, each is at the instant that the present time zone gives it.
create or replace function private.move_superseded_days(owner uuid, ids uuid[])
returns void
language sql
set search_path = ''
as $$
    update public.superseded_records as s
    set timestamp = private.day_instant(s.day, z.timezone)
    from (select private.timezone_of(owner) as timezone) as z
    where s.id = any (ids) and s.workspace_id = owner and s.timestamp <> private.day_instant(s.day, z.timezone)
$$;
revoke all on function private.move_superseded_days(uuid, uuid[]) from public;

-- Of these events those with a superseded statement that may become a record as far as its source is concerned. Where there is
-- none, as among most events of a source that is disabled or deleted, nothing is compared. `dated` are those statements that are
-- dates.
create or replace function private.contested_events(owner uuid, keys uuid[], out events uuid[], out dated uuid[])
language plpgsql
stable
set search_path = ''
as $$
begin
    select array_agg(distinct s.source_key), array_agg(s.id) filter (where s.day is not null)
    into events, dated
    from (select distinct k.key from unnest(keys) as k (key)) as k
    cross join lateral (
        select d.id, d.source_key, d.day, d.import_id
        from public.superseded_records as d
        where d.workspace_id = owner and d.source_key = k.key
        offset 0 -- as in private.rank_superseded
    ) as s
    left join public.imports as i on s.import_id = i.id
    where coalesce(i.is_enabled, true);
end
$$;
revoke all on function private.contested_events(uuid, uuid[]) from public;

-- Where no statement is the record, the best one becomes it; where a lesser one is, the two change places.
create or replace function private.promote_best_statements(
    owner uuid, first_ones uuid[], better uuid[], records uuid[], records_at timestamptz[]
)
returns void
language plpgsql
set search_path = ''
as $$
begin
    if first_ones is not null then
        perform private.promote_statements(first_ones);
    end if;
    if better is not null then
        perform private.keep_as_superseded(owner, records, min(a.at), max(a.at)) from unnest(records_at) as a (at);
        perform private.replace_records(owner, better, records, records_at);
    end if;
end
$$;
revoke all on function private.promote_best_statements(uuid, uuid[], uuid[], uuid[], timestamptz[]) from public;

-- One step of a selection: each source's newer statement replaces its older one; where no source has two, the best statements
-- become records. Returns how many records changed, and whether that was the last step.
create or replace function private.move_statements(owner uuid, keys uuid[], out restated integer, out is_last boolean)
language plpgsql
set search_path = ''
as $$
declare
    moves record;
begin
    select
        array_agg(c.id) filter (where c.is_own) as own,
        array_agg(c.id) filter (where c.is_newer) as newer,
        array_agg(c.record_id) filter (where c.is_newer) as older,
        array_agg(c.record_at) filter (where c.is_newer) as older_at,
        array_agg(c.id) filter (where c.is_first) as first_ones,
        array_agg(c.id) filter (where c.is_better) as better,
        array_agg(c.record_id) filter (where c.is_better) as lesser,
        array_agg(c.record_at) filter (where c.is_better) as lesser_at
    into moves
    from private.compare_statements(owner, keys) as c;
    is_last := moves.own is null;
    if is_last then
        restated := coalesce(cardinality(moves.better), 0);
        perform private.promote_best_statements(owner, moves.first_ones, moves.better, moves.lesser, moves.lesser_at);
        return;
    end if;
    restated := coalesce(cardinality(moves.newer), 0);
    if restated > 0 then
        perform private.replace_records(owner, moves.newer, moves.older, moves.older_at);
    end if;
    delete from public.superseded_records as s
    where s.id = any (moves.own);
end
$$;
revoke all on function private.move_statements(uuid, uuid[]) from public;

-- Makes the best statement on each of these events the record, and settles its person and project. The number of records that
-- changed is added to the setting tally.restated, for the save that caused it.
create or replace function private.select_winners(owner uuid, keys uuid[])
returns void
language plpgsql
set search_path = ''
set enable_seqscan = off -- also in what it calls: a connection keeps its plans, which may be from when there was nothing
as $$
declare
    contested record;
    step record;
    restated integer := 0;
begin
    perform pg_advisory_xact_lock(private.save_lock(owner));
    if
        not exists (select from public.superseded_records as s where s.workspace_id = owner)
        or not exists (select from public.workspaces as w where w.id = owner) -- being deleted
    then
        return;
    end if;
    contested := private.contested_events(owner, keys);
    if contested.events is null then
        return;
    end if;
    perform pg_advisory_xact_lock_shared(private.timezone_lock(owner));
    if contested.dated is not null then
        perform private.move_superseded_days(owner, contested.dated);
    end if;
    loop
        step := private.move_statements(owner, contested.events);
        restated := restated + step.restated;
        exit when step.is_last;
    end loop;
    perform private.settle_events(owner, contested.events);
    perform set_config(
        'tally.restated',
        (coalesce(nullif(current_setting('tally.restated', true), ''), '0')::integer + restated)::text,
        true
    );
end
$$;
revoke all on function private.select_winners(uuid, uuid[]) from public;

create or replace function private.select_winners_of_changed()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    owner uuid;
begin
    for owner in select distinct c.workspace_id from changed as c order by 1 loop
        perform private.select_winners(
            owner, array(select distinct c.source_key from changed as c where c.workspace_id = owner)
        );
    end loop;
    return null;
end
$$;
revoke all on function private.select_winners_of_changed() from public;

-- Only for what a caller or a save changes: the moves of a selection need no further one, and a filing changes no rank.
create or replace trigger superseded_records_select_inserted
    after insert on public.superseded_records
    referencing new table as changed
    for each statement
    when (
        pg_trigger_depth() = 0
        and current_setting('tally.is_flagging', true) is distinct from 'on'
        and current_setting('tally.archiving', true) is distinct from 'on'
    )
    execute function private.select_winners_of_changed();
create or replace trigger superseded_records_select_updated
    after update on public.superseded_records
    referencing new table as changed
    for each statement
    when (pg_trigger_depth() = 0 and current_setting('tally.is_flagging', true) is distinct from 'on')
    execute function private.select_winners_of_changed();
-- Its name puts it before the billing lock and the days: everyone takes the lock of saves first.
create or replace trigger cost_records_choose_deleted
    after delete on public.cost_records
    referencing old table as changed
    for each statement when (current_setting('tally.archiving', true) is distinct from 'on')
    execute function private.select_winners_of_changed();

-- A caller's deletion or exclusion waits for saves before it locks a row, else the two could deadlock. The moves of a selection,
-- and deletions by functions, are made under the lock of their workspace: saves into the caller's other workspaces need not wait
-- for them.
create or replace function private.wait_for_saves()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock(private.save_lock(w.id))
    from (select w.id from private.workspaces_as('member') as w (id) order by 1) as w;
    return null;
end
$$;
revoke all on function private.wait_for_saves() from public;

create or replace trigger cost_records_delete_waits
    before delete on public.cost_records
    for each statement when (pg_trigger_depth() = 0 and current_user = 'authenticated')
    execute function private.wait_for_saves();
create or replace trigger imports_delete_waits
    before delete on public.imports
    for each statement execute function private.wait_for_saves();
create or replace trigger imports_enable_waits
    before update of is_enabled on public.imports
    for each statement when (current_user = 'authenticated') execute function private.wait_for_saves();
