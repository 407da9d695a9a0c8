-- 013_sources.sql: where records come from. A file, a connection to a provider's API or one tool's logs of one machine is a row
-- of `imports`; where several of them tell of one event, all their words are kept and the best one counts.

alter table public.imports add column if not exists kind text not null default 'file';
alter table public.imports add column if not exists counts boolean not null default true; -- false: as if it had never been there
alter table public.imports add column if not exists credential_id uuid;
alter table public.imports alter column file_sha256 drop not null;

do $$
begin
    if not exists (select from pg_catalog.pg_constraint where conname = 'imports_kind') then
        alter table public.imports
            add constraint imports_kind check (kind in ('file', 'connection', 'machine')),
            add constraint imports_file check (kind <> 'file' or file_sha256 is not null),
            add constraint imports_credential check (kind = 'connection' or credential_id is null);
    end if;
    if not exists (select from pg_catalog.pg_constraint where conname = 'api_credentials_of_user') then
        alter table public.api_credentials add constraint api_credentials_of_user unique (user_id, id);
        alter table public.imports add constraint imports_credential_of_user
            foreign key (user_id, credential_id) references public.api_credentials (user_id, id)
            on delete set null (credential_id);
    end if;
end
$$;
-- A tool on a machine goes on in one row, and so does a connection.
create unique index if not exists imports_machine_idx on public.imports (user_id, format, filename) where kind = 'machine';
create unique index if not exists imports_credential_idx
    on public.imports (user_id, credential_id)
    where credential_id is not null;
grant update (counts) on public.imports to authenticated;

-- An event that the provider gave an id is one event, at whatever time a log or a bill puts it.
create index if not exists cost_records_request_idx
    on public.cost_records (user_id, source_key)
    where metadata ? 'request_id';

-- public.superseded_records: what a source says of an event of which another source's word counts, and all that is said by
-- sources that do not count. The columns of cost_records; a word stands here or there, never in both.
create table if not exists public.superseded_records (
    like public.cost_records including defaults including constraints,
    primary key (id),
    constraint superseded_records_statement unique nulls not distinct (user_id, source_key, import_id),
    constraint superseded_records_user foreign key (user_id) references auth.users (id) on delete cascade,
    constraint superseded_records_provider foreign key (provider_id) references public.providers (id),
    constraint superseded_records_import
    foreign key (user_id, import_id) references public.imports (user_id, id) on delete cascade
);
create index if not exists superseded_records_import_idx on public.superseded_records (user_id, import_id);
create index if not exists superseded_records_provider_idx on public.superseded_records (provider_id);
create index if not exists superseded_records_timestamp_idx on public.superseded_records (user_id, timestamp);
alter table public.superseded_records enable row level security;
revoke all on public.superseded_records from anon, authenticated, service_role;
grant select, insert, update, delete on public.superseded_records to authenticated;
grant select, insert, update, delete on public.superseded_records to service_role;

drop policy if exists superseded_records_select_own on public.superseded_records;
create policy superseded_records_select_own
    on public.superseded_records
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

drop policy if exists superseded_records_insert_own on public.superseded_records;
create policy superseded_records_insert_own
    on public.superseded_records
    for insert
    to authenticated
    with check ((select auth.uid()) = user_id);

drop policy if exists superseded_records_update_own on public.superseded_records;
create policy superseded_records_update_own
    on public.superseded_records
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

drop policy if exists superseded_records_delete_own on public.superseded_records;
create policy superseded_records_delete_own
    on public.superseded_records
    for delete
    to authenticated
    using ((select auth.uid()) = user_id);

create or replace trigger superseded_records_touch
    before update on public.superseded_records
    for each row execute function private.touch_updated_at();

create or replace trigger superseded_records_note_inserted
    after insert on public.superseded_records
    referencing new table as changed
    for each statement execute function private.note_job_change();
create or replace trigger superseded_records_note_updated
    after update on public.superseded_records
    referencing new table as changed
    for each statement execute function private.note_job_change();
create or replace trigger superseded_records_note_deleted
    after delete on public.superseded_records
    referencing old table as changed
    for each statement execute function private.note_job_change();

-- Saves of one user share this lock; whoever elects takes it alone.
create or replace function private.save_lock(of_user uuid)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.save.' || of_user::text, 0)
$$;
revoke all on function private.save_lock(uuid) from public;

-- Puts superseded words in the place of those that count.
create or replace function private.put_words(owner uuid, words uuid[], counted uuid[], counted_at timestamptz[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan -- the months that matter are few of many
set enable_nestloop = off -- see private.settle
as $$
declare
    first_at constant timestamptz := (select min(c.at) from unnest(counted_at) as c (at));
    last_at constant timestamptz := (select max(c.at) from unnest(counted_at) as c (at));
begin
    with taken as (
        delete from public.superseded_records as s
        where s.id = any (words)
        returning s.*
    )

    update public.cost_records as r
    set
        provider_id = t.provider_id,
        timestamp = t.timestamp,
        model_name = t.model_name,
        cost_usd = t.cost_usd,
        tokens_used = t.tokens_used,
        input_tokens = t.input_tokens,
        output_tokens = t.output_tokens,
        cached_input_tokens = t.cached_input_tokens,
        cache_write_tokens = t.cache_write_tokens,
        reasoning_tokens = t.reasoning_tokens,
        request_count = t.request_count,
        collection_method = t.collection_method,
        cost_basis = t.cost_basis,
        charge_type = t.charge_type,
        import_id = t.import_id,
        metadata = t.metadata
    from unnest(words, counted, counted_at) as p (word, id, at)
    inner join taken as t on p.word = t.id
    where
        r.user_id = owner
        and r.timestamp >= first_at
        and r.timestamp <= last_at
        and r.id = p.id
        and r.timestamp = p.at;
end
$$;
revoke all on function private.put_words(uuid, uuid[], uuid[], timestamptz[]) from public;

-- Lets the best word on each of these events count, whatever order they came in. A source's newer word takes the place of its
-- older one; where nobody's word counts, the best one does from now on; where a lesser one does, the two change places. Words
-- that say the same stay where they are. How many words that count have changed is told in the setting tally.restated, for the
-- save that caused it.
create or replace function private.elect(owner uuid, keys uuid[])
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
declare
    authorities constant text[] := private.authorities();
    zone text;
    first_at timestamptz;
    last_at timestamptz;
    request_keys uuid[];
    own uuid[]; -- words of the source whose word counts
    newer uuid[]; -- those of them that say something else
    newer_than uuid[];
    newer_than_at timestamptz[];
    promoted uuid[];
    better uuid[];
    better_than uuid[];
    better_than_at timestamptz[];
    restated integer := 0;
begin
    perform pg_advisory_xact_lock(private.save_lock(owner));
    if
        not exists (select from public.superseded_records as s where s.user_id = owner)
        or not exists (select from auth.users as u where u.id = owner) -- an account that is going
    then
        return;
    end if;
    perform pg_advisory_xact_lock_shared(private.timezone_lock(owner));
    zone := private.timezone_of(owner);
    -- An event that is a date stands where the present timezone puts it.
    update public.superseded_records as s
    set timestamp = private.day_instant((s.metadata ->> 'day')::date, zone)
    where
        s.user_id = owner
        and s.source_key = any (keys)
        and s.metadata ? 'day'
        and s.timestamp <> private.day_instant((s.metadata ->> 'day')::date, zone);

    loop
        select
            min(s.timestamp),
            max(s.timestamp),
            array_agg(s.source_key) filter (where s.metadata ? 'request_id')
        into first_at, last_at, request_keys
        from public.superseded_records as s
        where s.user_id = owner and s.source_key = any (keys);
        exit when first_at is null;

        with said as materialized (
            select
                s.id,
                s.source_key,
                s.timestamp,
                s.import_id,
                s.created_at,
                s.metadata ? 'request_id' as is_request,
                coalesce(i.counts, true)
                and not exists (
                    select
                    from private.archived_months as a
                    where a.month = date_trunc('month', s.timestamp at time zone 'UTC')::date
                ) as can_count,
                -- Of words on an event with the provider's own id the greatest counts: a bill before an estimate, the authority of
                -- the source, then who saw more of a streamed answer. Of words on a line of an export: the newest export's.
                case
                    when s.metadata ? 'request_id'
                        then array[
                            (s.cost_basis = 'billed')::integer,
                            -array_position(authorities, s.collection_method),
                            s.tokens_used,
                            coalesce(s.cost_usd, -1)
                        ]
                    else array[extract(epoch from coalesce(i.created_at, s.created_at))]
                end as rank,
                row(
                    s.cost_usd, s.cost_basis, s.charge_type, s.tokens_used, s.input_tokens, s.output_tokens,
                    s.cached_input_tokens, s.cache_write_tokens, s.reasoning_tokens, s.request_count
                ) as figures
            from public.superseded_records as s
            left join public.imports as i on s.import_id = i.id
            where s.user_id = owner and s.source_key = any (keys)
        ),

        standing as materialized (
            select
                c.id,
                c.source_key,
                c.timestamp,
                c.import_id,
                coalesce(i.counts, true) as counts,
                case
                    when c.metadata ? 'request_id'
                        then array[
                            (c.cost_basis = 'billed')::integer,
                            -array_position(authorities, c.collection_method),
                            coalesce(o.tokens_used, c.tokens_used),
                            coalesce(case when c.metadata ? 'said' then o.cost_usd else c.cost_usd end, -1)
                        ]
                    else array[extract(epoch from coalesce(i.created_at, c.created_at))]
                end as rank,
                row(
                    case when c.metadata ? 'said' then o.cost_usd else c.cost_usd end, c.cost_basis, c.charge_type,
                    coalesce(o.tokens_used, c.tokens_used), coalesce(o.input_tokens, c.input_tokens),
                    coalesce(o.output_tokens, c.output_tokens), coalesce(o.cached_input_tokens, c.cached_input_tokens),
                    coalesce(o.cache_write_tokens, c.cache_write_tokens), coalesce(o.reasoning_tokens, c.reasoning_tokens),
                    coalesce(o.request_count, c.request_count)
                ) as figures
            from (
                -- By time, or by the provider's id: each has its own index.
                select r.*
                from public.cost_records as r
                where
                    r.user_id = owner
                    and r.timestamp >= first_at
                    and r.timestamp <= last_at
                    and r.source_key = any (keys)
                    and not r.metadata ? 'request_id'
                union all
                select r.*
                from public.cost_records as r
                where r.user_id = owner and r.source_key = any (request_keys) and r.metadata ? 'request_id'
            ) as c
            left join public.imports as i on c.import_id = i.id
            left join lateral jsonb_to_record(c.metadata -> 'said') as o (
                cost_usd numeric(18, 10),
                tokens_used bigint,
                input_tokens bigint,
                output_tokens bigint,
                cached_input_tokens bigint,
                cache_write_tokens bigint,
                reasoning_tokens bigint,
                request_count bigint
            ) on c.metadata ? 'said'
        ),

        rivals as (
            select
                s.id,
                coalesce(t.id is not null and s.import_id is not distinct from t.import_id, false) as is_own,
                s.rank,
                t.id as standing_id,
                t.timestamp as standing_at,
                t.rank as standing_rank,
                t.counts as standing_counts,
                s.figures is distinct from t.figures as is_different,
                s.can_count
                and row_number() over (
                    partition by s.source_key, s.can_count order by s.rank desc, s.created_at desc, s.id
                ) = 1 as is_best
            from said as s
            left join standing as t on s.source_key = t.source_key and (s.is_request or s.timestamp = t.timestamp)
        )

        select
            array_agg(r.id) filter (where r.is_own),
            array_agg(r.id) filter (where r.is_newer),
            array_agg(r.standing_id) filter (where r.is_newer),
            array_agg(r.standing_at) filter (where r.is_newer),
            array_agg(r.id) filter (where r.is_best and r.standing_id is null),
            array_agg(r.id) filter (where r.is_better),
            array_agg(r.standing_id) filter (where r.is_better),
            array_agg(r.standing_at) filter (where r.is_better)
        into own, newer, newer_than, newer_than_at, promoted, better, better_than, better_than_at
        from (
            select
                v.*,
                v.is_own and v.is_different and v.rank >= v.standing_rank as is_newer,
                v.is_best
                and v.standing_id is not null
                and (not v.standing_counts or (v.rank > v.standing_rank and v.is_different)) as is_better
            from rivals as v
        ) as r;
        exit when own is null;

        -- With these out of the way the others are compared anew.
        restated := restated + coalesce(cardinality(newer), 0);
        perform private.put_words(owner, newer, newer_than, newer_than_at);
        delete from public.superseded_records as s
        where s.id = any (own);
        promoted := null;
        better := null;
    end loop;

    if cardinality(promoted) > 0 then
        with moved as (
            delete from public.superseded_records as s
            where s.id = any (promoted)
            returning s.*
        )

        insert into public.cost_records
        select m.*
        from moved as m
        order by m.timestamp, m.source_key;
    end if;
    if cardinality(better) > 0 then
        restated := restated + cardinality(better);
        insert into public.superseded_records
        select (jsonb_populate_record(private.own_words(r), jsonb_build_object('id', gen_random_uuid()))).*
        from unnest(better_than, better_than_at) as p (id, at)
        inner join public.cost_records as r on p.id = r.id and p.at = r.timestamp
        where
            r.user_id = owner
            and r.timestamp >= (select min(c.at) from unnest(better_than_at) as c (at))
            and r.timestamp <= (select max(c.at) from unnest(better_than_at) as c (at));
        perform private.put_words(owner, better, better_than, better_than_at);
    end if;
    perform set_config(
        'tally.restated',
        (coalesce(nullif(current_setting('tally.restated', true), ''), '0')::integer + restated)::text,
        true
    );
end
$$;
revoke all on function private.elect(uuid, uuid[]) from public;

create or replace function private.elect_superseded()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    owner uuid;
begin
    for owner in select distinct c.user_id from changed as c order by 1 loop
        perform private.elect(owner, array(select distinct c.source_key from changed as c where c.user_id = owner));
    end loop;
    return null;
end
$$;
revoke all on function private.elect_superseded() from public;

-- Only what a person or a save brings; the election's own moves need no further one.
create or replace trigger superseded_records_elect_inserted
    after insert on public.superseded_records
    referencing new table as changed
    for each statement when (pg_trigger_depth() = 0) execute function private.elect_superseded();
create or replace trigger superseded_records_elect_updated
    after update on public.superseded_records
    referencing new table as changed
    for each statement when (pg_trigger_depth() = 0) execute function private.elect_superseded();
-- Before the ledger and the days are locked: everyone takes the saves first.
create or replace trigger cost_records_elect_deleted
    after delete on public.cost_records
    referencing old table as changed
    for each statement execute function private.elect_superseded();

-- Who deletes waits for the saves before a row is locked, else the two could deadlock.
create or replace function private.wait_for_saves()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    caller constant uuid := auth.uid();
begin
    if caller is not null then
        perform pg_advisory_xact_lock(private.save_lock(caller));
    end if;
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

-- A source that no longer counts gives its events to those who also told of them; one that counts again stands for election.
create or replace function private.change_counting()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform pg_advisory_xact_lock(private.save_lock(new.user_id));
    if new.counts then
        perform private.elect(
            new.user_id,
            array(
                select s.source_key
                from public.superseded_records as s
                where s.user_id = new.user_id and s.import_id = new.id
            )
        );
    else
        with silenced as (
            delete from public.cost_records as r
            where r.user_id = new.user_id and r.import_id = new.id
            returning private.own_words(r) as own
        )

        insert into public.superseded_records
        select (s.own).*
        from silenced as s;
    end if;
    return null;
end
$$;
revoke all on function private.change_counting() from public;

create or replace trigger imports_change_counting
    after update of counts on public.imports
    for each row when (old.counts is distinct from new.counts) execute function private.change_counting();

-- A file that was imported again as it was is not sent again (metadata.same_as names the import that brought it): when that
-- import goes, its records pass to the newest of those that would have brought them too.
create or replace function private.pass_on_records()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    heir uuid;
begin
    if not exists (select from auth.users as u where u.id = old.user_id) then
        return old;
    end if;
    select i.id
    into heir
    from public.imports as i
    where i.user_id = old.user_id and i.metadata ->> 'same_as' = old.id::text and i.counts = old.counts
    order by i.created_at desc
    limit 1;
    if heir is not null then
        update public.imports as i
        set metadata = case
            when i.id = heir then i.metadata - 'same_as'
            else i.metadata || jsonb_build_object('same_as', heir)
        end
        where i.user_id = old.user_id and i.metadata ->> 'same_as' = old.id::text;
        update public.superseded_records as s
        set import_id = heir
        where s.user_id = old.user_id and s.import_id = old.id;
        update public.cost_records as r
        set import_id = heir
        where r.user_id = old.user_id and r.import_id = old.id;
    end if;
    return old;
end
$$;
revoke all on function private.pass_on_records() from public;

create or replace trigger imports_pass_on_records
    before delete on public.imports
    for each row execute function private.pass_on_records();

-- Saves up to 5,000 records; `import_id` may be null. What is known of an event is not added again: the words of this source are
-- kept beside those of others, and the best ones count (private.elect), as a newer export of a day that had not ended.
-- Returns {inserted, duplicate, restated, rejected: [{index, reason}]}; restated events are among the duplicates.
-- `json`, not `jsonb`: it is parsed once and never kept.
create or replace function public.save_cost_records(import_id uuid, records json)
returns json
language plpgsql
security invoker
set search_path = ''
as $$
declare
    caller constant uuid := auth.uid();
    latest constant timestamptz := now() + interval '1 year';
    earliest constant timestamptz := timestamptz '2020-01-01 00:00:00+00';
    this_save constant bigint := hashtextextended('tally.save.' || caller::text, 0);
    usual_method constant text := case when import_id is null then 'manual_entry' else 'csv_import' end;
    is_counting constant boolean := coalesce(
        (select i.counts from public.imports as i where i.user_id = caller and i.id = save_cost_records.import_id), true
    );
    zone text;
    incoming public.incoming_record[];
    first_at timestamptz;
    last_at timestamptz;
    refused json;
    valid integer;
    known uuid[] := array[]::uuid[];
    has_requests boolean;
    request_keys uuid[];
    known_before integer := 0;
    inserted integer := 0;
    refused_by text;
begin
    if caller is null then
        raise exception 'Sign in to save records.' using errcode = '42501';
    end if;
    if json_typeof(records) is distinct from 'array' then
        raise exception 'Records must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;

    -- The zone cannot change until this save has committed (see private.mark_all_days).
    perform pg_advisory_xact_lock_shared(hashtextextended('tally.timezone.' || caller::text, 0));
    zone := coalesce((select p.timezone from public.user_preferences as p where p.user_id = caller), 'UTC');

    incoming := array(select r from json_populate_recordset(null::public.incoming_record, records) as r);
    if cardinality(incoming) > 5000 then
        raise exception 'Records must be an array of at most 5,000 objects.' using errcode = '22023';
    end if;

    -- An event that is a date gets its instant here, as private.day_instant() would give it, whatever zone the sender believed in.
    if exists (select from unnest(incoming) as r where r.metadata ? 'day') then
        incoming := array(
            select
                row(
                    r.provider,
                    case
                        when r.metadata ? 'day'
                            then d.noon - case when (d.noon at time zone zone)::date = d.day then interval '0' else interval '3 h' end
                        else r.timestamp
                    end,
                    r.model_name, r.cost_usd, r.cost_basis, r.charge_type, r.collection_method, r.source_key, r.tokens_used,
                    r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens,
                    r.request_count, r.metadata
                )::public.incoming_record
            from unnest(incoming) as r
            cross join lateral (
                select
                    (r.metadata ->> 'day')::date as day,
                    ((r.metadata ->> 'day')::date + time '12:00') at time zone 'UTC' as noon
            ) as d
        );
    end if;

    select
        json_agg(json_build_object('index', i.ord - 1, 'reason', i.reason)) filter (where i.reason is not null),
        count(*) filter (where i.reason is null),
        min(i.timestamp) filter (where i.reason is null),
        max(i.timestamp) filter (where i.reason is null)
    into refused, valid, first_at, last_at
    from (
        select
            r.ord,
            r.timestamp,
            case
                when r.timestamp is null then 'The date is missing.'
                when r.timestamp < earliest or r.timestamp >= latest
                    then format('The date %s is outside 2020 to one year from now.', r.timestamp::date)
                when p.id is null then format('Unknown provider "%s".', left(r.provider, 60))
            end as reason
        from unnest(incoming) with ordinality as r (
            provider, timestamp, model_name, cost_usd, cost_basis, charge_type, collection_method, source_key, tokens_used,
            input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, metadata, ord
        )
        left join public.providers as p on r.provider = p.name
    ) as i;

    -- Before anything of the table is read: making a month locks it, and two saves that both hold some of it would deadlock.
    if first_at < timestamptz '2023-01-01 00:00:00+00' or last_at >= now() + interval '5 months' then
        perform public.ensure_months(array(select distinct (r.timestamp at time zone 'UTC')::date from unnest(incoming) as r));
    end if;

    -- An event with the provider's own id is the same one at any time, twice among these records too: of a streamed answer the row
    -- that saw more. No constraint would find a second one, so nobody else may save meanwhile.
    has_requests := exists (select from unnest(incoming) as r where r.metadata ? 'request_id');
    if has_requests then
        perform pg_advisory_xact_lock(this_save);
        incoming := array(
            select d.record
            from (
                select distinct on (case when r.metadata ? 'request_id' then r.source_key else gen_random_uuid() end) r as record
                from unnest(incoming) as r
                order by
                    case when r.metadata ? 'request_id' then r.source_key else gen_random_uuid() end,
                    coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)) desc
            ) as d
        );
    end if;

    if not is_counting then
        known := array(select r.source_key from unnest(incoming) as r where r.source_key is not null);
        known_before := (
            select count(*)
            from public.superseded_records as s
            where s.user_id = caller and s.import_id = save_cost_records.import_id and s.source_key = any (known)
        );
    -- Most imports bring a stretch of time that holds nothing yet; then there is nothing to compare.
    elsif exists (
        select
        from public.cost_records as c
        where c.user_id = caller and c.timestamp >= first_at and c.timestamp <= last_at
    ) then
        known := array(
            select c.source_key
            from unnest(incoming) as r
            inner join public.cost_records as c
                on c.user_id = caller and r.timestamp = c.timestamp and r.source_key = c.source_key
            where c.timestamp >= first_at and c.timestamp <= last_at
        );
    end if;
    if has_requests and is_counting then
        request_keys := array(select r.source_key from unnest(incoming) as r where r.metadata ? 'request_id');
        known := known || array(
            select c.source_key
            from public.cost_records as c
            where
                c.user_id = caller
                and c.metadata ? 'request_id'
                and c.source_key = any (request_keys)
                and c.source_key <> all (known)
        );
    end if;

    -- Saves of one user run side by side while each writes once; two writes in one transaction could deadlock over stale days.
    if cardinality(known) > 0 then
        perform pg_advisory_xact_lock(this_save);
        perform set_config('tally.restated', '0', true);
        insert into public.superseded_records as s (
            user_id, provider_id, timestamp, model_name, cost_usd, tokens_used, input_tokens, output_tokens,
            cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
            charge_type, source_key, import_id, metadata
        )
        select distinct on (r.source_key)
            caller, p.id, r.timestamp, r.model_name, r.cost_usd,
            coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)),
            coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), coalesce(r.cached_input_tokens, 0),
            coalesce(r.cache_write_tokens, 0), coalesce(r.reasoning_tokens, 0), coalesce(r.request_count, 0),
            coalesce(r.collection_method, usual_method), coalesce(r.cost_basis, 'billed'),
            coalesce(r.charge_type, 'usage'), r.source_key, save_cost_records.import_id, coalesce(r.metadata, '{}')
        from unnest(incoming) as r
        inner join public.providers as p on r.provider = p.name
        where r.timestamp >= earliest and r.timestamp < latest and r.source_key = any (known)
        order by r.source_key
        on conflict on constraint superseded_records_statement do update
            set
                provider_id = excluded.provider_id,
                timestamp = excluded.timestamp,
                model_name = excluded.model_name,
                cost_usd = excluded.cost_usd,
                tokens_used = excluded.tokens_used,
                input_tokens = excluded.input_tokens,
                output_tokens = excluded.output_tokens,
                cached_input_tokens = excluded.cached_input_tokens,
                cache_write_tokens = excluded.cache_write_tokens,
                reasoning_tokens = excluded.reasoning_tokens,
                request_count = excluded.request_count,
                collection_method = excluded.collection_method,
                cost_basis = excluded.cost_basis,
                charge_type = excluded.charge_type,
                metadata = excluded.metadata
            where not excluded.metadata ? 'request_id' or excluded.tokens_used >= s.tokens_used;
    else
        perform pg_advisory_xact_lock_shared(this_save);
    end if;

    if not is_counting then
        inserted := (
            select count(*)
            from public.superseded_records as s
            where s.user_id = caller and s.import_id = save_cost_records.import_id and s.source_key = any (known)
        ) - known_before;
    elsif cardinality(known) < valid then
        begin
            insert into public.cost_records (
                user_id, provider_id, timestamp, model_name, cost_usd, tokens_used, input_tokens, output_tokens,
                cached_input_tokens, cache_write_tokens, reasoning_tokens, request_count, collection_method, cost_basis,
                charge_type, source_key, import_id, metadata
            )
            select
                caller, p.id, r.timestamp, r.model_name, r.cost_usd,
                coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)),
                coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), coalesce(r.cached_input_tokens, 0),
                coalesce(r.cache_write_tokens, 0), coalesce(r.reasoning_tokens, 0), coalesce(r.request_count, 0),
                coalesce(r.collection_method, usual_method), coalesce(r.cost_basis, 'billed'),
                coalesce(r.charge_type, 'usage'), coalesce(r.source_key, gen_random_uuid()),
                save_cost_records.import_id, coalesce(r.metadata, '{}')
            from unnest(incoming) as r
            inner join public.providers as p on r.provider = p.name
            where
                r.timestamp >= earliest
                and r.timestamp < latest
                and (cardinality(known) = 0 or r.source_key is null or r.source_key <> all (known))
            order by r.timestamp, r.source_key -- one order for everyone: two saves of the same events must not deadlock
            on conflict (user_id, timestamp, source_key) do nothing;
            get diagnostics inserted = row_count;
        exception when check_violation then
            get stacked diagnostics refused_by = constraint_name;
            if refused_by = 'cost_records_default_stays_empty' then
                raise exception 'A month of these records has been archived. Leave its rows out and save again.'
                    using errcode = '22023';
            end if;
            raise exception 'One of these records breaks the rule "%". None of them was saved.', refused_by using errcode = '23514';
        end;
    end if;

    return json_build_object(
        'inserted', inserted,
        'duplicate', valid - inserted,
        'restated', case when cardinality(known) > 0 then current_setting('tally.restated')::integer else 0 end,
        'rejected', coalesce(refused, '[]')
    );
end
$$;
revoke all on function public.save_cost_records(uuid, json) from public, anon, service_role;
grant execute on function public.save_cost_records(uuid, json) to authenticated;

-- Takes back what a source said of these days in one dataset and no longer says: `keys` are the identities that it says now.
-- Returns how many records that was.
create or replace function public.forget_unsaid(
    import_id uuid, dataset text, first_day date, last_day date, keys uuid[]
)
returns bigint
language plpgsql
security invoker
set search_path = ''
as $$
declare
    forgotten bigint := 0;
    others bigint;
begin
    if auth.uid() is null or $1 is null or $3 is null or $4 is null then
        raise exception 'Say which source and which days.' using errcode = '22023';
    end if;
    delete from public.superseded_records as s
    where
        s.user_id = (select auth.uid())
        and s.import_id = $1
        and s.metadata ->> 'dataset' = $2
        and (s.metadata ->> 'day')::date between $3 and $4
        and s.source_key <> all ($5);
    get diagnostics others = row_count;
    delete from public.cost_records as r
    where
        r.user_id = (select auth.uid())
        and r.import_id = $1
        and r.metadata ->> 'dataset' = $2
        and r.timestamp >= $3::timestamp at time zone 'UTC'
        and r.timestamp < ($4 + 1)::timestamp at time zone 'UTC'
        and (r.metadata ->> 'day')::date between $3 and $4
        and r.source_key <> all ($5);
    get diagnostics forgotten = row_count;
    return forgotten + others;
end
$$;
revoke all on function public.forget_unsaid(uuid, text, date, date, uuid[]) from public, anon, service_role;
grant execute on function public.forget_unsaid(uuid, text, date, date, uuid[]) to authenticated;

-- A tool is paid for by the request or covered by a plan; only its user knows. Moves a source's usage from one ledger to the
-- other and returns how many records that was.
create or replace function public.set_paid_by_plan(import_id uuid, is_plan boolean)
returns bigint
language plpgsql
security invoker
set search_path = ''
as $$
declare
    caller constant uuid := auth.uid();
    moved bigint;
begin
    if caller is null or $2 is null then
        raise exception 'Say whether a plan pays for it.' using errcode = '22023';
    end if;
    with plans as (
        select
            f.id as from_id,
            t.id as to_id,
            t.name as to_name
        from (
            values ('anthropic', 'claude-desktop'), ('openai', 'chatgpt'), ('google', 'gemini-app')
        ) as m (api, plan)
        inner join public.providers as f on f.name = case when $2 then m.api else m.plan end
        inner join public.providers as t on t.name = case when $2 then m.plan else m.api end
    ),

    kept as (
        update public.superseded_records as s
        set
            provider_id = p.to_id,
            cost_basis = case when $2 then 'included' else 'estimated' end,
            metadata = s.metadata || jsonb_build_object('ledger', p.to_name)
        from plans as p
        where
            s.user_id = caller
            and s.import_id = $1
            and s.provider_id = p.from_id
            and s.cost_basis in ('included', 'estimated')
    )

    update public.cost_records as r
    set
        provider_id = p.to_id,
        cost_basis = case when $2 then 'included' else 'estimated' end,
        metadata = r.metadata || jsonb_build_object('ledger', p.to_name)
    from plans as p
    where
        r.user_id = caller
        and r.import_id = $1
        and r.provider_id = p.from_id
        and r.cost_basis in ('included', 'estimated');
    get diagnostics moved = row_count;
    -- What is collected from now on follows.
    update public.imports as i
    set metadata = i.metadata || jsonb_build_object('paid_by', case when $2 then 'plan' else 'api' end)
    where i.user_id = caller and i.id = $1;
    return moved;
end
$$;
revoke all on function public.set_paid_by_plan(uuid, boolean) from public, anon, service_role;
grant execute on function public.set_paid_by_plan(uuid, boolean) to authenticated;
