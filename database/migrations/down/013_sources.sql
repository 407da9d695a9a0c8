-- The way back from 013_sources.sql. What did not count is forgotten.

drop function if exists public.set_paid_by_plan(uuid, boolean);
drop function if exists public.forget_unsaid(uuid, text, date, date, uuid[]);

-- Saves up to 5,000 records; `import_id` may be null. A known identity is skipped, or restated where the same event comes with
-- other figures (a day that was exported before it ended): the newer import wins and owns the record from then on.
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
    zone text;
    incoming public.incoming_record[];
    first_at timestamptz;
    last_at timestamptz;
    refused json;
    valid integer;
    known uuid[] := array[]::uuid[];
    changed uuid[] := array[]::uuid[];
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

    -- Most imports bring a stretch of time that holds nothing yet; then there is nothing to compare.
    if exists (
        select
        from public.cost_records as c
        where c.user_id = caller and c.timestamp >= first_at and c.timestamp <= last_at
    ) then
        select
            coalesce(array_agg(c.source_key), '{}'),
            coalesce(
                array_agg(c.source_key) filter (
                    where (
                        -- What the record said of itself: a bill may have taken the money of an estimate since.
                        case when c.metadata ? 'estimate_usd' then (c.metadata ->> 'estimate_usd')::numeric else c.cost_usd end,
                        c.cost_basis, c.charge_type, c.tokens_used, c.input_tokens, c.output_tokens, c.cached_input_tokens,
                        c.cache_write_tokens, c.reasoning_tokens, c.request_count
                    ) is distinct from (
                        r.cost_usd, coalesce(r.cost_basis, 'billed'), coalesce(r.charge_type, 'usage'),
                        coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)),
                        coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), coalesce(r.cached_input_tokens, 0),
                        coalesce(r.cache_write_tokens, 0), coalesce(r.reasoning_tokens, 0), coalesce(r.request_count, 0)
                    )
                ),
                '{}'
            )
        into known, changed
        from unnest(incoming) as r
        inner join public.cost_records as c
            on c.user_id = caller and r.timestamp = c.timestamp and r.source_key = c.source_key;
    end if;

    -- Saves of one user run side by side while each writes once; two writes in one transaction could deadlock over stale days.
    if cardinality(changed) > 0 then
        perform pg_advisory_xact_lock(this_save);
        update public.cost_records as c
        set
            cost_usd = r.cost_usd,
            cost_basis = coalesce(r.cost_basis, 'billed'),
            charge_type = coalesce(r.charge_type, 'usage'),
            tokens_used = coalesce(r.tokens_used, coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0)),
            input_tokens = coalesce(r.input_tokens, 0),
            output_tokens = coalesce(r.output_tokens, 0),
            cached_input_tokens = coalesce(r.cached_input_tokens, 0),
            cache_write_tokens = coalesce(r.cache_write_tokens, 0),
            reasoning_tokens = coalesce(r.reasoning_tokens, 0),
            request_count = coalesce(r.request_count, 0),
            metadata = coalesce(r.metadata, '{}'),
            import_id = save_cost_records.import_id
        from unnest(incoming) as r
        where
            r.source_key = any (changed)
            and c.user_id = caller
            and c.timestamp = r.timestamp
            and c.source_key = r.source_key;
    else
        perform pg_advisory_xact_lock_shared(this_save);
    end if;

    if cardinality(known) < valid then
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
        'restated', cardinality(changed),
        'rejected', coalesce(refused, '[]')
    );
end
$$;
revoke all on function public.save_cost_records(uuid, json) from public, anon, service_role;
grant execute on function public.save_cost_records(uuid, json) to authenticated;

drop trigger if exists imports_pass_on_records on public.imports;
drop trigger if exists imports_change_counting on public.imports;
drop trigger if exists imports_delete_waits on public.imports;
drop trigger if exists cost_records_delete_waits on public.cost_records;
drop trigger if exists cost_records_elect_deleted on public.cost_records;
drop table if exists public.superseded_records;
drop function if exists private.pass_on_records();
drop function if exists private.change_counting();
drop function if exists private.wait_for_saves();
drop function if exists private.elect_superseded();
drop function if exists private.elect(uuid, uuid[]);
drop function if exists private.put_words(uuid, uuid[], uuid[], timestamptz[]);
drop function if exists private.save_lock(uuid);
drop index if exists public.cost_records_request_idx;

-- The narrower table knows files only.
delete from public.imports as i
where i.kind <> 'file';
alter table public.imports drop constraint if exists imports_credential_of_user;
alter table public.api_credentials drop constraint if exists api_credentials_of_user;
alter table public.imports drop constraint if exists imports_credential;
alter table public.imports drop constraint if exists imports_file;
alter table public.imports drop constraint if exists imports_kind;
alter table public.imports alter column file_sha256 set not null;
alter table public.imports drop column if exists credential_id;
alter table public.imports drop column if exists counts;
alter table public.imports drop column if exists kind;
