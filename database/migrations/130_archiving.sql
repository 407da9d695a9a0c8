-- 130_archiving.sql: how records leave for the archive and come back, for the jobs that write and read its files.
--
-- A stretch of days leaves in four steps: a row (begin_archive), files, a manifest, and one transaction in which the sums of its
-- days stay and its rows go (finish_archive). Whatever ends between two of them leaves the rows here, and files that the next try
-- deletes. Sums of parts of days, of sessions and aliases of events stay: they are needed again when the records come back.

-- Two jobs of one workspace exclude each other for as long as they run.
create or replace function private.archive_lock(tenant uuid)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.archive.' || tenant::text, 0)
$$;
revoke all on function private.archive_lock(uuid) from public;

-- How many records and superseded ones a stretch has, and a sum of hashes that any change of one of them changes.
create or replace function private.describe_records(
    tenant uuid, first_day date, end_day date, out records bigint, out statements bigint, out fingerprint text
)
language plpgsql
stable
set search_path = ''
as $$
declare
    first_at constant timestamptz := first_day::timestamp at time zone 'UTC';
    last_at constant timestamptz := end_day::timestamp at time zone 'UTC';
    hash_of_records numeric;
    hash_of_statements numeric;
begin
    select count(*), coalesce(sum(hash_record_extended(r, 0)::numeric), 0)
    into records, hash_of_records
    from public.cost_records as r
    where r.workspace_id = tenant and r.timestamp >= first_at and r.timestamp < last_at;
    select count(*), coalesce(sum(hash_record_extended(s, 0)::numeric), 0)
    into statements, hash_of_statements
    from public.superseded_records as s
    where s.workspace_id = tenant and s.timestamp >= first_at and s.timestamp < last_at;
    fingerprint := format('%s %s %s %s', records, hash_of_records, statements, hash_of_statements);
end
$$;
revoke all on function private.describe_records(uuid, date, date, out bigint, out bigint, out text) from public;

-- Notes that a stretch is being archived and returns its id; refuses what cannot be.
create or replace function private.begin_archive(tenant uuid, first_day date, end_day date, reason text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
    begun uuid;
begin
    if end_day > (now() at time zone 'UTC')::date - 2 then -- a day has ended in every time zone
        raise exception 'Only days that ended two days ago or more can be archived.' using errcode = '22023';
    end if;
    if
        exists (
            select
            from private.archives as a
            where
                a.workspace_id = tenant and a.state = 'archived'
                and a.first_day < begin_archive.end_day and a.end_day > begin_archive.first_day
        )
        or exists (
            select from private.archived_months as m where m.month = date_trunc('month', begin_archive.first_day::timestamp)::date
        )
    then
        raise exception '% is archived already.', to_char(first_day, 'YYYY-MM') using errcode = '22023';
    end if;
    insert into private.archives (workspace_id, first_day, end_day, state, reason)
    select w.id, begin_archive.first_day, begin_archive.end_day, 'writing', begin_archive.reason
    from public.workspaces as w
    where w.id = tenant
    returning id into begun;
    if begun is null then
        raise exception 'This workspace does not exist.' using errcode = '22023';
    end if;
    return begun;
end
$$;
revoke all on function private.begin_archive(uuid, date, date, text) from public;

-- Keeps the sums of an archive's days; its first and last day in the workspace's zone may be parts of days.
create or replace function private.keep_archived_sums(archive private.archives)
returns void
language plpgsql
set search_path = ''
as $$
declare
    zone constant text := private.timezone_of(archive.workspace_id);
    first_at constant timestamptz := archive.first_day::timestamp at time zone 'UTC';
    last_at constant timestamptz := archive.end_day::timestamp at time zone 'UTC';
begin
    insert into private.archived_days
    select archive.id, s.*
    from private.sum_records(
        array(
            select
                row(
                    archive.workspace_id, n.day::date, greatest(private.day_start(n.day::date, zone), first_at),
                    least(private.day_start(n.day::date + 1, zone), last_at), '0'
                )::private.stale_days
            from generate_series(archive.first_day - interval '1 day', archive.end_day::timestamp, interval '1 day') as n (day)
            where
                private.day_start(n.day::date, zone) < last_at and private.day_start(n.day::date + 1, zone) > first_at
        )
    ) as s;
end
$$;
revoke all on function private.keep_archived_sums(private.archives) from public;

-- Deletes an archive's rows. Returns their sources, how many they were, and the fingerprint of what was deleted, which is what
-- private.describe_records told of them unless one has changed.
create or replace function private.delete_archived_rows(
    archive private.archives, out sources uuid[], out records bigint, out statements bigint, out fingerprint text
)
language plpgsql
set search_path = ''
as $$
declare
    first_at constant timestamptz := archive.first_day::timestamp at time zone 'UTC';
    last_at constant timestamptz := archive.end_day::timestamp at time zone 'UTC';
    hash_of_records numeric;
    hash_of_statements numeric;
    more uuid[];
begin
    perform set_config('tally.archiving', 'on', true);
    with gone as (
        delete from public.superseded_records as s
        where s.workspace_id = archive.workspace_id and s.timestamp >= first_at and s.timestamp < last_at
        returning s as statement, s.import_id
    )

    select
        count(*), coalesce(sum(hash_record_extended(g.statement, 0)::numeric), 0),
        array_agg(distinct g.import_id) filter (where g.import_id is not null)
    into statements, hash_of_statements, more
    from gone as g;
    with gone as (
        delete from public.cost_records as r
        where r.workspace_id = archive.workspace_id and r.timestamp >= first_at and r.timestamp < last_at
        returning r as record, r.import_id
    )

    select
        count(*), coalesce(sum(hash_record_extended(g.record, 0)::numeric), 0),
        array_agg(distinct g.import_id) filter (where g.import_id is not null)
    into records, hash_of_records, sources
    from gone as g;
    perform set_config('tally.archiving', '', true);
    sources := array(select u.id from unnest(sources) as u (id) union select u.id from unnest(more) as u (id));
    fingerprint := format('%s %s %s %s', records, hash_of_records, statements, hash_of_statements);
end
$$;
revoke all on function private.delete_archived_rows(private.archives, out uuid[], out bigint, out bigint, out text) from public;

-- The files of a stretch and their manifest are there: its rows leave, and the sums of its days stay. Refused with 40001, and
-- nothing done, if the rows are no longer those of the files. Saves and changes of the workspace wait meanwhile: whoever writes
-- a record needs the lock of the time zone before the end, and so does what marks its day.
create or replace function private.finish_archive(archive uuid, fingerprint text, bytes bigint, manifest_sha256 text)
returns void
language plpgsql
set search_path = ''
as $$
declare
    stored private.archives;
    gone record;
begin
    select a.* into stored from private.archives as a where a.id = archive and a.state = 'writing';
    if not found or not exists (select from public.workspaces as w where w.id = stored.workspace_id) then
        raise exception 'The archive or its workspace was deleted.' using errcode = '40001';
    end if;
    -- The locks of a change of the time zone and of a save, in their order, and that of bills.
    perform pg_advisory_xact_lock(private.timezone_lock(stored.workspace_id));
    perform pg_advisory_xact_lock(private.save_lock(stored.workspace_id));
    perform pg_advisory_xact_lock(private.billing_lock(stored.workspace_id));
    if
        private.analytics_is_pending(
            stored.workspace_id, stored.first_day::timestamp at time zone 'UTC', stored.end_day::timestamp at time zone 'UTC'
        )
    then
        raise exception 'The analytics engine has not seen all changes yet.' using errcode = '55P03';
    end if;
    perform private.keep_archived_sums(stored);
    gone := private.delete_archived_rows(stored);
    if gone.fingerprint <> finish_archive.fingerprint then
        raise exception 'Records have changed.' using errcode = '40001';
    end if;
    insert into private.archived_sources (archive_id, import_id) select archive, s.id from unnest(gone.sources) as s (id);
    update private.archives as a
    set
        state = 'archived', records = gone.records, statements = gone.statements, bytes = finish_archive.bytes,
        manifest_sha256 = finish_archive.manifest_sha256, problem = null, archived_at = now(), checked_at = now()
    where a.id = archive
    returning a.* into stored;
    perform private.log_archive(stored, 'archived');
end
$$;
revoke all on function private.finish_archive(uuid, text, bigint, text) from public;

-- An archive's rows are back, written in this transaction: the sums that stood for them go, and what happened meanwhile happens
-- to them.
create or replace function private.finish_return(archive uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
    stored private.archives;
begin
    update private.archives as a
    set state = 'restored', problem = null, restored_at = now()
    where a.id = archive
    returning a.* into stored;
    -- Also where no record came back: its days are those of the sums.
    perform private.mark_days(
        stored.workspace_id, array(select distinct d.date from private.archived_days as d where d.archive_id = archive)
    );
    delete from private.archived_days as d where d.archive_id = archive;
    delete from private.archived_sources as s where s.archive_id = archive;
    perform private.catch_up(
        stored.workspace_id, stored.first_day::timestamp at time zone 'UTC', stored.end_day::timestamp at time zone 'UTC'
    );
    perform private.ship_again(
        stored.workspace_id, stored.first_day::timestamp at time zone 'UTC', stored.end_day::timestamp at time zone 'UTC'
    );
    perform private.log_archive(stored, 'restored');
end
$$;
revoke all on function private.finish_return(uuid) from public;
