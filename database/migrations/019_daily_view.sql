-- 019_daily_view.sql: costs per local day of the workspace, in a materialized view, and the days that changed since.
--
-- Triggers mark the days that change. A read takes clean days from the view, folded days from beside it, and adds up stale days
-- from the records (024_daily_costs.sql), so it is exact at every moment.

-- Telemetry says of a call that it failed. One that failed without tokens costs nothing: nothing is missing where it has no cost.
-- Where figures are added up, its tokens are those that count.
create or replace function private.is_failed_call(tokens bigint, metadata jsonb)
returns boolean
language sql
immutable
parallel safe
set search_path = ''
as $$
    select tokens = 0 and coalesce(metadata -> 'inference' ->> 'status' in ('error', 'timeout', 'rate_limited'), false)
$$;
revoke all on function private.is_failed_call(bigint, jsonb) from public;

-- Stretches of a workspace's days, in UTC and within a month, whose records are in the archive instead of here, or are on their
-- way (130_archiving.sql). Without a reference to the workspace: files outlive it until they are deleted.
create table if not exists private.archives (
    id uuid primary key default gen_random_uuid(), -- of one attempt: part of its files' names
    workspace_id uuid not null,
    first_day date not null check (first_day between date '2020-01-01' and date '2100-01-01'),
    end_day date not null, -- the first day that is not in it
    state text not null check (state in ('writing', 'archived', 'restored', 'deleting')),
    reason text not null check (reason in ('setting', 'command')),
    records bigint not null default 0 check (records >= 0),
    statements bigint not null default 0 check (statements >= 0), -- superseded ones
    bytes bigint not null default 0 check (bytes >= 0),
    manifest_sha256 text check (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    problem text check (length(problem) <= 500), -- what the last look at it found, or why files are still there
    created_at timestamptz not null default now(),
    archived_at timestamptz,
    checked_at timestamptz,
    restored_at timestamptz,
    constraint archives_stretch check (
        end_day > first_day and end_day <= date_trunc('month', first_day::timestamp) + interval '1 month'
    ),
    constraint archives_archived check (state <> 'archived' or (archived_at is not null and manifest_sha256 is not null))
);
create index if not exists archives_workspace_id_idx on private.archives (workspace_id, first_day);
alter table private.archives enable row level security;
revoke all on private.archives from public, anon, authenticated, service_role;

-- What the records of an archive came to on the workspace's days, as the view has them. A day at its ends may have records here.
create table if not exists private.archived_days (
    archive_id uuid not null references private.archives (id) on delete cascade,
    workspace_id uuid not null,
    date date not null,
    provider_id uuid not null,
    provider text not null,
    project_id uuid not null,
    user_id uuid not null,
    model_name text not null,
    cost_basis text not null,
    charge_type text not null,
    total_cost_usd numeric,
    total_tokens numeric not null,
    total_input_tokens numeric not null,
    total_output_tokens numeric not null,
    total_cached_input_tokens numeric not null,
    total_cache_write_tokens numeric not null,
    total_reasoning_tokens numeric not null,
    total_requests numeric not null,
    record_count bigint not null,
    unpriced_count bigint not null
);
create index if not exists archived_days_workspace_id_date_idx on private.archived_days (workspace_id, date);
create index if not exists archived_days_archive_id_idx on private.archived_days (archive_id);
create index if not exists archived_days_user_id_idx on private.archived_days (user_id);
alter table private.archived_days enable row level security;
revoke all on private.archived_days from public, anon, authenticated, service_role;

-- The days of a workspace, in UTC, that are archived; null if there are none.
create or replace function private.archived_ranges(tenant uuid)
returns datemultirange
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    return (
        select range_agg(daterange(a.first_day, a.end_day))
        from private.archives as a
        where a.workspace_id = tenant and a.state = 'archived'
    );
end
$$;
revoke all on function private.archived_ranges(uuid) from public;

-- Is a day of a workspace archived, alone or with its month for everyone?
create or replace function private.is_archived(tenant uuid, day date)
returns boolean
language plpgsql -- its plan is kept
stable
set search_path = ''
as $$
begin
    return exists (select from private.archived_months as m where m.month = date_trunc('month', day::timestamp)::date)
    or exists (
        select
        from private.archives as a
        where a.workspace_id = tenant and a.state = 'archived' and day >= a.first_day and day < a.end_day
    );
end
$$;
revoke all on function private.is_archived(uuid, date) from public;

-- A materialized view has no row-level security, so no API role may ever select from it. project_id is never null: with a null
-- in its unique key, each concurrent refresh rewrote 300,000 unchanged rows. In order, because a concurrent refresh sorts whole
-- records twice: measured, 23 against 40 s for 900,000 rows.
create materialized view if not exists private.cost_records_daily as
select t.*
from (
    select
        r.workspace_id,
        r.date,
        r.provider_id,
        r.provider,
        r.project_id,
        r.user_id,
        r.model_name,
        r.cost_basis,
        r.charge_type,
        -- 0 where nothing is effective, null where all of it is unpriced.
        sum(r.cost_usd) as total_cost_usd,
        -- The greatest bigint bounds a sum that no row should be able to break; as numeric, daily_costs took 1.07 times as long.
        least(sum(r.tokens), 9223372036854775807)::bigint as total_tokens,
        least(sum(r.input_tokens), 9223372036854775807)::bigint as total_input_tokens,
        least(sum(r.output_tokens), 9223372036854775807)::bigint as total_output_tokens,
        least(sum(r.cached_input_tokens), 9223372036854775807)::bigint as total_cached_input_tokens,
        least(sum(r.cache_write_tokens), 9223372036854775807)::bigint as total_cache_write_tokens,
        least(sum(r.reasoning_tokens), 9223372036854775807)::bigint as total_reasoning_tokens,
        least(sum(r.requests), 9223372036854775807)::bigint as total_requests,
        sum(r.records)::bigint as record_count,
        sum(r.unpriced)::bigint as unpriced_count
    from (
        select
            d.workspace_id,
            d.date,
            d.provider_id,
            p.name as provider,
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
                c.workspace_id,
                (c.timestamp at time zone w.timezone)::date as date,
                c.provider_id,
                coalesce(c.project_id, '00000000-0000-0000-0000-000000000000') as project_id,
                c.user_id,
                c.model_name,
                c.cost_basis,
                c.charge_type,
                sum(case when c.money_is_effective then c.cost_usd else 0.0000000000 end) as cost_usd,
                sum(case when c.tokens_are_effective then c.tokens_used else 0 end) as tokens,
                sum(case when c.tokens_are_effective then c.input_tokens else 0 end) as input_tokens,
                sum(case when c.tokens_are_effective then c.output_tokens else 0 end) as output_tokens,
                sum(case when c.tokens_are_effective then c.cached_input_tokens else 0 end) as cached_input_tokens,
                sum(case when c.tokens_are_effective then c.cache_write_tokens else 0 end) as cache_write_tokens,
                sum(case when c.tokens_are_effective then c.reasoning_tokens else 0 end) as reasoning_tokens,
                sum(case when c.tokens_are_effective then c.request_count else 0 end) as requests,
                count(*) as records,
                count(*) filter (
                    where c.cost_usd is null and c.money_is_effective
                    and not private.is_failed_call(case when c.tokens_are_effective then c.tokens_used else 0 end, c.metadata)
                ) as unpriced
            from public.cost_records as c
            inner join public.workspaces as w on c.workspace_id = w.id
            group by
                c.workspace_id, (c.timestamp at time zone w.timezone)::date, c.provider_id,
                coalesce(c.project_id, '00000000-0000-0000-0000-000000000000'), c.user_id, c.model_name, c.cost_basis,
                c.charge_type
        ) as d
        inner join public.providers as p on d.provider_id = p.id
        union all
        select
            a.workspace_id,
            a.date,
            a.provider_id,
            a.provider,
            a.project_id,
            a.user_id,
            a.model_name,
            a.cost_basis,
            a.charge_type,
            a.total_cost_usd,
            a.total_tokens,
            a.total_input_tokens,
            a.total_output_tokens,
            a.total_cached_input_tokens,
            a.total_cache_write_tokens,
            a.total_reasoning_tokens,
            a.total_requests,
            a.record_count,
            a.unpriced_count
        from private.archived_days as a
    ) as r
    group by
        r.workspace_id, r.date, r.provider_id, r.provider, r.project_id, r.user_id, r.model_name, r.cost_basis, r.charge_type
) as t
-- As records are compared: byte by byte.
order by
    t.workspace_id, t.date, t.provider_id, t.project_id, t.user_id,
    t.model_name collate "C", -- noqa: RF03
    t.cost_basis, t.charge_type;

-- One index for the concurrent refresh and for reads; it includes the totals so that reads never touch the heap.
create unique index if not exists cost_records_daily_workspace_id_date_idx
    on private.cost_records_daily (
        workspace_id, date, provider_id, project_id, user_id, model_name, cost_basis, charge_type
    )
    include (
        provider, total_cost_usd, total_tokens, total_input_tokens, total_output_tokens, total_cached_input_tokens,
        total_cache_write_tokens, total_requests, record_count, unpriced_count
    );
create index if not exists cost_records_daily_date_idx on private.cost_records_daily (date desc);
revoke all on private.cost_records_daily from public, anon, authenticated, service_role;

-- Days whose totals may be out of date. The day's bounds are kept: joining on a computed local date costs seconds.
create table if not exists private.stale_days (
    workspace_id uuid not null,
    date date not null,
    ts_from timestamptz not null,
    ts_to timestamptz not null,
    gen xid8 not null, -- the transaction that marked the day last
    primary key (workspace_id, date)
);
alter table private.stale_days enable row level security;
revoke all on private.stale_days from public, anon, authenticated, service_role;

-- Workspaces with records of a project or of another user than that of the personal workspace: only there is a row of
-- daily_costs the sum of several.
create table if not exists private.divided_workspaces (
    workspace_id uuid primary key references public.workspaces (id) on delete cascade,
    is_summed boolean not null default false -- its days are in private.divided_days
);
alter table private.divided_workspaces enable row level security;
revoke all on private.divided_workspaces from public, anon, authenticated, service_role;

create or replace function private.mark_days(of_workspace uuid, days date[])
returns void
language sql
set search_path = ''
as $$
    -- A transaction may mark more than once, in any order; one transaction of a workspace at a time cannot deadlock.
    select pg_advisory_xact_lock(hashtextextended('tally.days.' || of_workspace::text, 0));

    insert into private.stale_days (workspace_id, date, ts_from, ts_to, gen)
    select
        of_workspace,
        d.day,
        private.day_start(d.day, z.timezone),
        private.day_start(d.day + 1, z.timezone),
        pg_current_xact_id()
    from unnest(days) as d (day)
    cross join (select private.timezone_of(of_workspace) as timezone) as z
    on conflict (workspace_id, date) do update
        set
            ts_from = excluded.ts_from,
            ts_to = excluded.ts_to,
            gen = excluded.gen
$$;
revoke all on function private.mark_days(uuid, date[]) from public;
