-- 003_daily_costs.sql: spend per local day, fast from a materialized view and exact at every moment.
--
-- Triggers note which (user, local day) changed. A read takes clean days from the view and adds up stale days from the
-- records. A refresh consumes only the marks that it is sure to have covered.

create or replace function private.timezone_of(of_user uuid)
returns text
language sql
stable
set search_path = ''
as $$
    select coalesce((select p.timezone from public.user_preferences as p where p.user_id = of_user), 'UTC')
$$;
revoke all on function private.timezone_of(uuid) from public;

-- A materialized view has no row-level security, so no API role may ever select from it: public.daily_costs() is its only door.
create materialized view if not exists private.cost_records_daily as
select
    r.user_id,
    (r.timestamp at time zone coalesce(u.timezone, 'UTC'))::date as date,
    r.provider_id,
    p.name as provider,
    r.model_name,
    r.cost_basis,
    r.charge_type,
    sum(r.cost_usd) as total_cost_usd,
    sum(r.tokens_used)::bigint as total_tokens,
    sum(r.input_tokens)::bigint as total_input_tokens,
    sum(r.output_tokens)::bigint as total_output_tokens,
    sum(r.cached_input_tokens)::bigint as total_cached_input_tokens,
    sum(r.cache_write_tokens)::bigint as total_cache_write_tokens,
    sum(r.reasoning_tokens)::bigint as total_reasoning_tokens,
    sum(r.request_count)::bigint as total_requests,
    count(*) as record_count,
    count(*) filter (where r.cost_usd is null) as unpriced_count
from public.cost_records as r
inner join public.providers as p on r.provider_id = p.id
left join public.user_preferences as u on r.user_id = u.user_id
group by 1, 2, 3, 4, 5, 6, 7;

-- One index for the concurrent refresh and for (user_id, date desc); it includes the totals so that reads never touch the heap.
create unique index if not exists cost_records_daily_user_id_date_idx
    on private.cost_records_daily (user_id, date, provider_id, model_name, cost_basis, charge_type)
    include (
        provider, total_cost_usd, total_tokens, total_input_tokens, total_output_tokens, total_cached_input_tokens,
        total_cache_write_tokens, total_requests, record_count, unpriced_count
    );
create index if not exists cost_records_daily_date_idx on private.cost_records_daily (date desc);
revoke all on private.cost_records_daily from public, anon, authenticated, service_role;

-- Days whose totals in the view may be old. The day's bounds are kept: joining on a computed local date costs seconds.
create table if not exists private.stale_days (
    user_id uuid not null,
    date date not null,
    ts_from timestamptz not null,
    ts_to timestamptz not null,
    gen xid8 not null, -- the transaction that marked the day last
    primary key (user_id, date)
);
alter table private.stale_days enable row level security;
revoke all on private.stale_days from public, anon, authenticated, service_role;

-- When the view was last refreshed: part of every data version.
create table if not exists private.refreshes (
    only_row boolean primary key default true check (only_row),
    gen xid8 not null,
    refreshed_at timestamptz not null
);
alter table private.refreshes enable row level security;
revoke all on private.refreshes from public, anon, authenticated, service_role;

-- The first instant of a local day. Where clocks go back over midnight (the Azores, Havana) it comes twice, and Postgres means
-- the second time.
create or replace function private.day_start(day date, zone text)
returns timestamptz
language sql
stable
set search_path = ''
as $$
    select
        case
            when ((s.midnight - interval '1 hour') at time zone zone)::date = day then s.midnight - interval '1 hour'
            else s.midnight
        end
    from (select day::timestamp at time zone zone as midnight) as s
$$;
revoke all on function private.day_start(date, text) from public;

create or replace function private.mark_days(of_user uuid, days date[])
returns void
language sql
set search_path = ''
as $$
    -- A transaction may mark more than once, in any order; one transaction of a user at a time cannot deadlock.
    select pg_advisory_xact_lock(hashtextextended('tally.days.' || of_user::text, 0));

    insert into private.stale_days (user_id, date, ts_from, ts_to, gen)
    select
        of_user,
        d.day,
        private.day_start(d.day, z.timezone),
        private.day_start(d.day + 1, z.timezone),
        pg_current_xact_id()
    from unnest(days) as d (day)
    cross join (select private.timezone_of(of_user) as timezone) as z
    on conflict (user_id, date) do update
        set
            ts_from = excluded.ts_from,
            ts_to = excluded.ts_to,
            gen = excluded.gen
$$;
revoke all on function private.mark_days(uuid, date[]) from public;

-- A change of records and a change of the timezone must not pass each other unseen: records share this lock, the timezone takes
-- it alone.
create or replace function private.timezone_lock(of_user uuid)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.timezone.' || of_user::text, 0)
$$;
revoke all on function private.timezone_lock(uuid) from public;

-- A caller's statement takes the lock before its rows, as a change of the timezone does; else the two could deadlock.
create or replace function private.share_timezone()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    caller constant uuid := auth.uid();
begin
    if caller is not null then
        perform pg_advisory_xact_lock_shared(private.timezone_lock(caller));
    end if;
    return null;
end
$$;
revoke all on function private.share_timezone() from public;

create or replace trigger cost_records_share_timezone
    before insert or update or delete on public.cost_records
    for each statement execute function private.share_timezone();

create or replace function private.mark_changed_days()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    owner uuid;
    zone text;
begin
    for owner in select distinct c.user_id from changed as c order by 1 loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(owner));
        zone := private.timezone_of(owner);
        perform private.mark_days(
            owner,
            array(select distinct (c.timestamp at time zone zone)::date from changed as c where c.user_id = owner)
        );
    end loop;
    return null;
end
$$;
revoke all on function private.mark_changed_days() from public;

create or replace function private.mark_updated_days()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    owner uuid;
    zone text;
begin
    for owner in
        select c.user_id from changed_from as c
        union
        select c.user_id from changed_to as c
        order by 1
    loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(owner));
        zone := private.timezone_of(owner);
        perform private.mark_days(
            owner,
            array(
                select (c.timestamp at time zone zone)::date from changed_from as c where c.user_id = owner
                union
                select (c.timestamp at time zone zone)::date from changed_to as c where c.user_id = owner
            )
        );
    end loop;
    return null;
end
$$;
revoke all on function private.mark_updated_days() from public;

-- Truncating names no rows; whatever the view knows may be gone.
create or replace function private.mark_known_days()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform private.mark_days(d.user_id, array_agg(distinct d.date))
    from private.cost_records_daily as d
    group by d.user_id
    order by d.user_id;
    return null;
end
$$;
revoke all on function private.mark_known_days() from public;

create or replace trigger cost_records_mark_inserted
    after insert on public.cost_records
    referencing new table as changed
    for each statement execute function private.mark_changed_days();
create or replace trigger cost_records_mark_updated
    after update on public.cost_records
    referencing old table as changed_from new table as changed_to
    for each statement execute function private.mark_updated_days();
create or replace trigger cost_records_mark_deleted
    after delete on public.cost_records
    referencing old table as changed
    for each statement execute function private.mark_changed_days();
create or replace trigger cost_records_mark_truncated
    after truncate on public.cost_records
    for each statement execute function private.mark_known_days();

-- Some events are dates, not instants (metadata.day): noon UTC, or 09:00 UTC where noon UTC is the next local day already.
create or replace function private.day_instant(day date, zone text)
returns timestamptz
language sql
stable
set search_path = ''
as $$
    select
        case
            when ((n.noon at time zone zone)::date = day) then n.noon
            else n.noon - interval '3 hours'
        end
    from (select (day + time '12:00') at time zone 'UTC' as noon) as n
$$;
revoke all on function private.day_instant(date, text) from public;

-- A new timezone gives every day new bounds, the view's days and the marks that are there already included.
create or replace function private.mark_all_days()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    owner constant uuid := coalesce(new.user_id, old.user_id);
    zone_before constant text := coalesce(old.timezone, 'UTC');
    zone_now constant text := coalesce(new.timezone, 'UTC');
begin
    if zone_before = zone_now or not exists (select from auth.users as u where u.id = owner) then
        return null;
    end if;
    perform pg_advisory_xact_lock(private.timezone_lock(owner));
    update public.cost_records as r
    set timestamp = m.moved_to
    from (
        select d.id, d.timestamp, d.source_key, private.day_instant((d.metadata ->> 'day')::date, zone_now) as moved_to
        from public.cost_records as d
        where d.user_id = owner and d.metadata ? 'day'
    ) as m
    where
        r.user_id = owner
        and r.id = m.id
        and r.timestamp = m.timestamp
        and m.timestamp <> m.moved_to
        and not exists (
            select
            from public.cost_records as t
            where t.user_id = owner and t.timestamp = m.moved_to and t.source_key = m.source_key
        );
    perform private.mark_days(
        owner,
        array(
            select generate_series(min(b.first_day)::timestamp, max(b.last_day)::timestamp, interval '1 day')::date
            from (
                -- No zone is more than a day from UTC.
                select
                    (min(r.timestamp) at time zone 'UTC')::date - 1 as first_day,
                    (max(r.timestamp) at time zone 'UTC')::date + 1 as last_day
                from public.cost_records as r
                where r.user_id = owner
                union all
                select min(d.date), max(d.date)
                from private.cost_records_daily as d
                where d.user_id = owner
                union all
                select min(s.date), max(s.date)
                from private.stale_days as s
                where s.user_id = owner
            ) as b
        )
    );
    return null;
end
$$;
revoke all on function private.mark_all_days() from public;

create or replace trigger user_preferences_mark_all_days
    after insert or update of timezone or delete on public.user_preferences
    for each row execute function private.mark_all_days();

-- Brings the view up to date and returns how many marks that consumed. Only marks of transactions that ended before the refresh
-- took its snapshot are consumed; of any other it may not have seen the rows.
create or replace function public.refresh_cost_records_daily()
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
    horizon xid8;
    consumed bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.refresh', 0));
    if not exists (select from private.stale_days) then
        return 0;
    end if;
    horizon := pg_snapshot_xmin(pg_current_snapshot());

    refresh materialized view concurrently private.cost_records_daily;

    -- Whoever holds a mark is about to renew it; waiting for them could deadlock.
    delete from private.stale_days as s
    using (
        select o.user_id, o.date
        from private.stale_days as o
        where o.gen < horizon
        for update skip locked
    ) as seen
    where s.user_id = seen.user_id and s.date = seen.date;
    get diagnostics consumed = row_count;

    insert into private.refreshes (gen, refreshed_at)
    values (pg_current_xact_id(), now())
    on conflict (only_row) do update
        set
            gen = excluded.gen,
            refreshed_at = excluded.refreshed_at;
    return consumed;
end
$$;
revoke all on function public.refresh_cost_records_daily() from public, anon, authenticated;
grant execute on function public.refresh_cost_records_daily() to service_role;

-- What the view does not know yet: a user's stale days, added up from the records. The outer bounds look redundant; they let the
-- executor leave out most partitions once instead of once a day.
create or replace function private.fresh_days(of_user uuid, first_day date, last_day date)
returns table (
    date date,
    provider text,
    model_name text,
    cost_basis text,
    charge_type text,
    total_cost_usd numeric,
    total_tokens bigint,
    total_input_tokens bigint,
    total_output_tokens bigint,
    total_cached_input_tokens bigint,
    total_cache_write_tokens bigint,
    total_requests bigint,
    record_count bigint,
    unpriced_count bigint
)
language plpgsql
stable
rows 100
set search_path = ''
set plan_cache_mode = force_generic_plan -- planning over all partitions costs more than most reads
as $$
declare
    ts_first timestamptz;
    ts_last timestamptz;
begin
    select min(s.ts_from), max(s.ts_to)
    into ts_first, ts_last
    from private.stale_days as s
    where s.user_id = of_user and s.date >= first_day and s.date <= last_day;
    if ts_first is null then
        return;
    end if;
    return query
    select s.date, p.name, f.model_name, f.cost_basis, f.charge_type, f.cost, f.tokens, f.input, f.output, f.cached, f.written,
        f.requests, f.records, f.unpriced
    from private.stale_days as s
    cross join lateral (
        select
            r.provider_id,
            r.model_name,
            r.cost_basis,
            r.charge_type,
            sum(r.cost_usd) as cost,
            sum(r.tokens_used)::bigint as tokens,
            sum(r.input_tokens)::bigint as input,
            sum(r.output_tokens)::bigint as output,
            sum(r.cached_input_tokens)::bigint as cached,
            sum(r.cache_write_tokens)::bigint as written,
            sum(r.request_count)::bigint as requests,
            count(*) as records,
            count(*) filter (where r.cost_usd is null) as unpriced
        from public.cost_records as r
        where
            r.user_id = of_user
            and r.timestamp >= s.ts_from
            and r.timestamp < s.ts_to
            and r.timestamp >= ts_first
            and r.timestamp < ts_last
        group by 1, 2, 3, 4
    ) as f
    inner join public.providers as p on f.provider_id = p.id
    where s.user_id = of_user and s.date >= first_day and s.date <= last_day;
end
$$;
revoke all on function private.fresh_days(uuid, date, date) from public;

-- Words joined by `","` as a JSON array. Slugs and the values of a check constraint need no escaping, for which json_agg would
-- look.
create or replace function private.json_words(joined text)
returns json
language sql
immutable
set search_path = ''
as $$
    select coalesce('["' || joined || '"]', '[]')::json
$$;
revoke all on function private.json_words(text) from public;

-- The caller's daily rows as one JSON object of equally long columns (PostgREST would cut rows at 1,000). Both bounds count; null
-- is open. The rows come in three ordered pieces, so that only the stretch with stale days is sorted; the index orders the rest.
create or replace function public.daily_costs(from_date date default null, to_date date default null)
returns json
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
    caller constant uuid := auth.uid();
    first_day constant date := coalesce(from_date, '-infinity');
    last_day constant date := coalesce(to_date, 'infinity');
    stale constant date[] := array(
        select s.date
        from private.stale_days as s
        where s.user_id = caller and s.date >= first_day and s.date <= last_day
        order by s.date
    );
    stale_from constant date := coalesce(stale[1], 'infinity');
    stale_to constant date := coalesce(stale[cardinality(stale)], 'infinity');
begin
    return (
        with before as (
            select
                d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd, d.total_tokens,
                d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
                d.total_requests, d.record_count, d.unpriced_count
            from private.cost_records_daily as d
            where d.user_id = caller and d.date >= first_day and d.date <= last_day and d.date < stale_from
            order by d.date
        ),

        among as (
            select
                d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd, d.total_tokens,
                d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
                d.total_requests, d.record_count, d.unpriced_count
            from private.cost_records_daily as d
            where d.user_id = caller and d.date > stale_from and d.date < stale_to and d.date <> all (stale)
            union all
            select f.*
            from private.fresh_days(caller, first_day, last_day) as f
            where cardinality(stale) > 0
            order by date
        ),

        after as (
            select
                d.date, d.provider, d.model_name, d.cost_basis, d.charge_type, d.total_cost_usd, d.total_tokens,
                d.total_input_tokens, d.total_output_tokens, d.total_cached_input_tokens, d.total_cache_write_tokens,
                d.total_requests, d.record_count, d.unpriced_count
            from private.cost_records_daily as d
            where d.user_id = caller and d.date > stale_to and d.date <= last_day
            order by d.date
        ),

        daily as (
            select * from before
            union all
            select * from among
            union all
            select * from after
        )

        select
            json_build_object(
                'date', coalesce(json_agg(d.date), '[]'),
                'provider', private.json_words(string_agg(d.provider, '","')),
                'model', coalesce(json_agg(d.model_name), '[]'),
                'cost_basis', private.json_words(string_agg(d.cost_basis, '","')),
                'charge_type', private.json_words(string_agg(d.charge_type, '","')),
                -- As text: a float would round money.
                'cost_usd', ('[' || coalesce(string_agg(coalesce('"' || d.total_cost_usd || '"', 'null'), ','), '') || ']')::json,
                'tokens', coalesce(json_agg(d.total_tokens), '[]'),
                'input_tokens', coalesce(json_agg(d.total_input_tokens), '[]'),
                'output_tokens', coalesce(json_agg(d.total_output_tokens), '[]'),
                'cached_input_tokens', coalesce(json_agg(d.total_cached_input_tokens), '[]'),
                'cache_write_tokens', coalesce(json_agg(d.total_cache_write_tokens), '[]'),
                'requests', coalesce(json_agg(d.total_requests), '[]'),
                'records', coalesce(json_agg(d.record_count), '[]'),
                'unpriced_records', coalesce(json_agg(d.unpriced_count), '[]')
            )
        from daily as d
    );
end
$$;
revoke all on function public.daily_costs(date, date) from public, anon, service_role;
grant execute on function public.daily_costs(date, date) to authenticated;

-- 42501 unless the caller asks about themselves or is a service.
create or replace function private.check_is_self(asked uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    -- Without claims the connection's own role counts: the job connects as `postgres` and sets none.
    if
        asked is null
        or (
            asked is distinct from auth.uid()
            and coalesce(auth.role(), current_setting('role')) not in ('service_role', 'none', session_user)
        )
    then
        raise exception 'You may only ask about your own spend.' using errcode = '42501';
    end if;
end
$$;
revoke all on function private.check_is_self(uuid) from public;

-- Money spent in [since, until). What a subscription includes is worth, not money.
create or replace function private.total_spend(of_user uuid, since timestamptz, until timestamptz)
returns numeric
language plpgsql
stable
set search_path = ''
as $$
begin
    perform private.check_is_self(of_user);
    return (
        select coalesce(sum(r.cost_usd), 0)
        from public.cost_records as r
        where r.user_id = of_user and r.timestamp >= since and r.timestamp < until and r.cost_basis <> 'included'
    );
end
$$;
revoke all on function private.total_spend(uuid, timestamptz, timestamptz) from public;

-- The API's names for it: "end" and "limit" are words of PL/pgSQL itself, so they stay out of the functions that do the work.
create or replace function public.get_user_total_spend(user_id uuid, start timestamptz, "end" timestamptz)
returns numeric
language sql
stable
security definer
set search_path = ''
as $$
    select private.total_spend($1, $2, $3)
$$;
revoke all on function public.get_user_total_spend(uuid, timestamptz, timestamptz) from public, anon;
grant execute on function public.get_user_total_spend(uuid, timestamptz, timestamptz) to authenticated, service_role;

-- The models that cost most in [since, until), with their share of the money in percent.
create or replace function private.top_models(of_user uuid, since timestamptz, until timestamptz, at_most integer)
returns table (model_name text, provider text, total_cost_usd numeric, total_tokens bigint, total_requests bigint, share numeric)
language plpgsql
stable
set search_path = ''
as $$
begin
    perform private.check_is_self(of_user);
    return query
    select
        r.model_name,
        p.name,
        coalesce(sum(r.cost_usd), 0),
        sum(r.tokens_used)::bigint,
        sum(r.request_count)::bigint,
        round(100 * coalesce(sum(r.cost_usd), 0) / nullif(sum(sum(r.cost_usd)) over (), 0), 4)
    from public.cost_records as r
    inner join public.providers as p on r.provider_id = p.id
    where r.user_id = of_user and r.timestamp >= since and r.timestamp < until and r.cost_basis <> 'included'
    group by r.model_name, p.name
    order by 3 desc, r.model_name, p.name
    limit greatest(least(at_most, 1000), 0);
end
$$;
revoke all on function private.top_models(uuid, timestamptz, timestamptz, integer) from public;

create or replace function public.get_top_models_by_spend(
    user_id uuid, start timestamptz, "end" timestamptz, "limit" integer default 10
)
returns table (model_name text, provider text, total_cost_usd numeric, total_tokens bigint, total_requests bigint, share numeric)
language sql
stable
security definer
set search_path = ''
as $$
    select * from private.top_models($1, $2, $3, $4)
$$;
revoke all on function public.get_top_models_by_spend(uuid, timestamptz, timestamptz, integer) from public, anon;
grant execute on function public.get_top_models_by_spend(uuid, timestamptz, timestamptz, integer) to authenticated, service_role;

-- Archival: takes a month out of the table and names it for export; never drops.
create or replace function public.detach_partition(year integer, month integer)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
    partition_name constant text := format('cost_records_%s_%s', year, lpad(month::text, 2, '0'));
    owner uuid;
    zone text;
begin
    if not exists (
        select
        from pg_catalog.pg_inherits as i
        where
            i.inhparent = 'public.cost_records'::regclass
            and i.inhrelid = to_regclass(format('private.%I', partition_name))
    ) then
        raise exception 'There is no attached partition for year %, month %.', year, month using errcode = '22023';
    end if;
    -- Before the table is locked: a change of the timezone takes the two in this order as well.
    for owner in execute format('select distinct user_id from private.%I order by 1', partition_name) loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(owner));
    end loop;
    execute format('alter table public.cost_records detach partition private.%I', partition_name);
    insert into private.archived_months (month) values (make_date(year, month, 1)) on conflict do nothing;
    -- Detaching fires no trigger; the month's days must be marked by hand.
    for owner in execute format('select distinct user_id from private.%I order by 1', partition_name) loop
        perform pg_advisory_xact_lock_shared(private.timezone_lock(owner));
        zone := private.timezone_of(owner);
        execute format(
            'select private.mark_days($1, array('
            'select distinct (timestamp at time zone $2)::date from private.%I where user_id = $1))',
            partition_name
        ) using owner, zone;
    end loop;
    return 'private.' || partition_name;
end
$$;
revoke all on function public.detach_partition(integer, integer) from public, anon, authenticated;
grant execute on function public.detach_partition(integer, integer) to service_role;
