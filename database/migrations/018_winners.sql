-- 018_winners.sql: selecting the winner: the best statement on an event is the record, the others are superseded.

-- An event that is a date is at the instant that the present time zone gives it.
create or replace function private.move_superseded_days(owner uuid, keys uuid[])
returns void
language sql
set search_path = ''
as $$
    update public.superseded_records as s
    set timestamp = private.day_instant(s.day, z.timezone)
    from (select private.timezone_of(owner) as timezone) as z
    where
        s.workspace_id = owner
        and s.source_key = any (keys)
        and s.day is not null
        and s.timestamp <> private.day_instant(s.day, z.timezone)
$$;
revoke all on function private.move_superseded_days(uuid, uuid[]) from public;

-- A source's newer statement replaces its older one. Returns how many records changed, or null where no source has two.
create or replace function private.replace_own_statements(owner uuid, keys uuid[])
returns integer
language plpgsql
set search_path = ''
as $$
declare
    own uuid[];
    newer uuid[];
    records uuid[];
    records_at timestamptz[];
begin
    select
        array_agg(c.id) filter (where c.is_own),
        array_agg(c.id) filter (where c.is_newer),
        array_agg(c.record_id) filter (where c.is_newer),
        array_agg(c.record_at) filter (where c.is_newer)
    into own, newer, records, records_at
    from private.compare_statements(owner, keys) as c;
    if own is null then
        return null;
    end if;
    if newer is not null then
        perform private.replace_records(owner, newer, records, records_at);
    end if;
    delete from public.superseded_records as s
    where s.id = any (own);
    return coalesce(cardinality(newer), 0);
end
$$;
revoke all on function private.replace_own_statements(uuid, uuid[]) from public;

-- Where no statement is the record, the best one becomes it; where a lesser one is, the two change places. Returns how many
-- records changed.
create or replace function private.promote_best_statements(owner uuid, keys uuid[])
returns integer
language plpgsql
set search_path = ''
as $$
declare
    first_ones uuid[];
    better uuid[];
    records uuid[];
    records_at timestamptz[];
begin
    select
        array_agg(c.id) filter (where c.is_first),
        array_agg(c.id) filter (where c.is_better),
        array_agg(c.record_id) filter (where c.is_better),
        array_agg(c.record_at) filter (where c.is_better)
    into first_ones, better, records, records_at
    from private.compare_statements(owner, keys) as c;
    if first_ones is not null then
        perform private.promote_statements(first_ones);
    end if;
    if better is null then
        return 0;
    end if;
    perform private.keep_as_superseded(owner, records, min(a.at), max(a.at)) from unnest(records_at) as a (at);
    perform private.replace_records(owner, better, records, records_at);
    return cardinality(better);
end
$$;
revoke all on function private.promote_best_statements(uuid, uuid[]) from public;

-- Makes the best statement on each of these events the record. The number of records that changed is added to the setting
-- tally.restated, for the save that caused it.
create or replace function private.select_winners(owner uuid, keys uuid[])
returns void
language plpgsql
set search_path = ''
as $$
declare
    restated integer := 0;
    replaced integer;
begin
    perform pg_advisory_xact_lock(private.save_lock(owner));
    if
        not exists (select from public.superseded_records as s where s.workspace_id = owner)
        or not exists (select from public.workspaces as w where w.id = owner) -- being deleted
    then
        return;
    end if;
    perform pg_advisory_xact_lock_shared(private.timezone_lock(owner));
    perform private.move_superseded_days(owner, keys);
    loop
        replaced := private.replace_own_statements(owner, keys);
        exit when replaced is null;
        restated := restated + replaced;
    end loop;
    restated := restated + private.promote_best_statements(owner, keys);
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
    for each statement when (pg_trigger_depth() = 0) execute function private.select_winners_of_changed();
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
    for each statement execute function private.select_winners_of_changed();

-- A caller's deletion waits for saves before it locks a row, else the two could deadlock.
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
    for each statement execute function private.wait_for_saves();
create or replace trigger imports_delete_waits
    before delete on public.imports
    for each statement execute function private.wait_for_saves();
