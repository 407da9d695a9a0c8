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

-- A materialized view has no row-level security, so no API role may ever select from it. project_id is never null: with a null
-- in its unique key, each concurrent refresh rewrote 300,000 unchanged rows. In order, because a concurrent refresh sorts whole
-- records twice: measured, 23 against 40 s for 900,000 rows.
create materialized view if not exists private.cost_records_daily as
select t.*
from (
    select
        r.workspace_id,
        (r.timestamp at time zone w.timezone)::date as date,
        r.provider_id,
        p.name as provider,
        coalesce(r.project_id, '00000000-0000-0000-0000-000000000000') as project_id,
        r.user_id,
        r.model_name,
        r.cost_basis,
        r.charge_type,
        -- 0 where nothing is effective, null where all of it is unpriced.
        sum(case when r.money_is_effective then r.cost_usd else 0.0000000000 end) as total_cost_usd,
        -- The greatest bigint bounds a sum that no row should be able to break; as numeric, daily_costs took 1.07 times as long.
        least(
            sum(case when r.tokens_are_effective then r.tokens_used else 0 end), 9223372036854775807
        )::bigint as total_tokens,
        least(
            sum(case when r.tokens_are_effective then r.input_tokens else 0 end), 9223372036854775807
        )::bigint as total_input_tokens,
        least(
            sum(case when r.tokens_are_effective then r.output_tokens else 0 end), 9223372036854775807
        )::bigint as total_output_tokens,
        least(
            sum(case when r.tokens_are_effective then r.cached_input_tokens else 0 end), 9223372036854775807
        )::bigint as total_cached_input_tokens,
        least(
            sum(case when r.tokens_are_effective then r.cache_write_tokens else 0 end), 9223372036854775807
        )::bigint as total_cache_write_tokens,
        least(
            sum(case when r.tokens_are_effective then r.reasoning_tokens else 0 end), 9223372036854775807
        )::bigint as total_reasoning_tokens,
        least(
            sum(case when r.tokens_are_effective then r.request_count else 0 end), 9223372036854775807
        )::bigint as total_requests,
        count(*) as record_count,
        count(*) filter (
            where r.cost_usd is null and r.money_is_effective
            and not private.is_failed_call(case when r.tokens_are_effective then r.tokens_used else 0 end, r.metadata)
        ) as unpriced_count
    from public.cost_records as r
    inner join public.providers as p on r.provider_id = p.id
    inner join public.workspaces as w on r.workspace_id = w.id
    group by
        r.workspace_id, (r.timestamp at time zone w.timezone)::date, r.provider_id, p.name,
        coalesce(r.project_id, '00000000-0000-0000-0000-000000000000'), r.user_id, r.model_name, r.cost_basis, r.charge_type
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
