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

-- Keeps the sums of an archive's days.
create or replace function private.keep_archived_sums(archive private.archives)
returns void
language sql
set search_path = ''
as $$
    insert into private.archived_days
    select
        archive.id,
        archive.workspace_id,
        d.date,
        d.provider_id,
        p.name,
        d.project_id,
        d.user_id,
        d.model_name,
        d.cost_basis,
        d.charge_type,
        d.cost_usd,
        d.tokens,
        d.input_tokens,
        d.output_tokens,
        d.cached_input_tokens,
        d.cache_write_tokens,
        d.reasoning_tokens,
        d.requests,
        d.records,
        d.unpriced
    from (
        select
            (r.timestamp at time zone w.timezone)::date as date,
            r.provider_id,
            coalesce(r.project_id, '00000000-0000-0000-0000-000000000000') as project_id,
            r.user_id,
            r.model_name,
            r.cost_basis,
            r.charge_type,
            sum(case when r.money_is_effective then r.cost_usd else 0.0000000000 end) as cost_usd,
            sum(case when r.tokens_are_effective then r.tokens_used else 0 end) as tokens,
            sum(case when r.tokens_are_effective then r.input_tokens else 0 end) as input_tokens,
            sum(case when r.tokens_are_effective then r.output_tokens else 0 end) as output_tokens,
            sum(case when r.tokens_are_effective then r.cached_input_tokens else 0 end) as cached_input_tokens,
            sum(case when r.tokens_are_effective then r.cache_write_tokens else 0 end) as cache_write_tokens,
            sum(case when r.tokens_are_effective then r.reasoning_tokens else 0 end) as reasoning_tokens,
            sum(case when r.tokens_are_effective then r.request_count else 0 end) as requests,
            count(*) as records,
            count(*) filter (
                where r.cost_usd is null and r.money_is_effective
                and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
            ) as unpriced
        from public.cost_records as r
        inner join public.workspaces as w on r.workspace_id = w.id
        where
            r.workspace_id = archive.workspace_id
            and r.timestamp >= archive.first_day::timestamp at time zone 'UTC'
            and r.timestamp < archive.end_day::timestamp at time zone 'UTC'
        group by 1, 2, 3, 4, 5, 6, 7
    ) as d
    inner join public.providers as p on d.provider_id = p.id
$$;
revoke all on function private.keep_archived_sums(private.archives) from public;

-- Deletes an archive's rows and returns their sources.
create or replace function private.delete_archived_rows(archive private.archives)
returns uuid[]
language plpgsql
set search_path = ''
as $$
declare
    first_at constant timestamptz := archive.first_day::timestamp at time zone 'UTC';
    last_at constant timestamptz := archive.end_day::timestamp at time zone 'UTC';
    sources uuid[];
begin
    sources := array(
        select distinct r.import_id
        from public.cost_records as r
        where
            r.workspace_id = archive.workspace_id and r.timestamp >= first_at and r.timestamp < last_at
            and r.import_id is not null
        union
        select s.import_id
        from public.superseded_records as s
        where
            s.workspace_id = archive.workspace_id and s.timestamp >= first_at and s.timestamp < last_at
            and s.import_id is not null
    );
    perform set_config('tally.archiving', 'on', true);
    delete from public.superseded_records as s
    where s.workspace_id = archive.workspace_id and s.timestamp >= first_at and s.timestamp < last_at;
    delete from public.cost_records as r
    where r.workspace_id = archive.workspace_id and r.timestamp >= first_at and r.timestamp < last_at;
    perform set_config('tally.archiving', '', true);
    return sources;
end
$$;
revoke all on function private.delete_archived_rows(private.archives) from public;

-- An entry in the log of its workspace: what happened to a stretch, and why.
create or replace function private.log_archive(archive private.archives, action text)
returns void
language sql
set search_path = ''
as $$
    select private.write_audit(
        archive.workspace_id,
        jsonb_build_object(
            'action', action, 'table_name', 'archives', 'row_id', archive.id, 'metadata', jsonb_build_object(
                'first_day', archive.first_day, 'last_day', archive.end_day - 1, 'records', archive.records + archive.statements,
                'reason', archive.reason
            )
        )
    )
$$;
revoke all on function private.log_archive(private.archives, text) from public;

-- An entry on what was deleted because it was older than its workspace keeps it: traces, or what was said in them.
create or replace function private.log_expired(tenant uuid, of_table text, expired bigint)
returns void
language sql
set search_path = ''
as $$
    select private.write_audit(
        tenant,
        jsonb_build_object(
            'action', 'expired', 'table_name', of_table, 'metadata', jsonb_build_object(
                'expired', expired, 'days', (
                    select case of_table when 'traces' then w.trace_days else coalesce(w.content_days, 0) end
                    from public.workspaces as w
                    where w.id = tenant
                )
            )
        )
    )
$$;
revoke all on function private.log_expired(uuid, text, bigint) from public;

-- The files of a stretch and their manifest are there: its rows leave, and the sums of its days stay. False, and nothing done, if
-- the rows are no longer those of the files. Saves of the workspace wait meanwhile.
create or replace function private.finish_archive(archive uuid, fingerprint text, bytes bigint, manifest_sha256 text)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
    stored private.archives;
    found_rows record;
    sources uuid[];
begin
    select a.* into stored from private.archives as a where a.id = archive and a.state = 'writing';
    if not found or not exists (select from public.workspaces as w where w.id = stored.workspace_id) then
        return false;
    end if;
    -- The locks of a save, in its order, and that of bills.
    perform pg_advisory_xact_lock_shared(private.timezone_lock(stored.workspace_id));
    perform pg_advisory_xact_lock(private.save_lock(stored.workspace_id));
    perform pg_advisory_xact_lock(private.billing_lock(stored.workspace_id));
    found_rows := private.describe_records(stored.workspace_id, stored.first_day, stored.end_day);
    if found_rows.fingerprint <> finish_archive.fingerprint then
        return false;
    end if;
    perform private.keep_archived_sums(stored);
    sources := private.delete_archived_rows(stored);
    insert into private.archived_sources (archive_id, import_id) select archive, s.id from unnest(sources) as s (id);
    update private.archives as a
    set
        state = 'archived', records = found_rows.records, statements = found_rows.statements, bytes = finish_archive.bytes,
        manifest_sha256 = finish_archive.manifest_sha256, problem = null, archived_at = now(), checked_at = now()
    where a.id = archive
    returning a.* into stored;
    perform private.log_archive(stored, 'archived');
    return true;
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
    perform private.log_archive(stored, 'restored');
end
$$;
revoke all on function private.finish_return(uuid) from public;
