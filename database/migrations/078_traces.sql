-- 078_traces.sql: traces and their spans: what programs did, beside what it cost. They are kept for some days only; costs stay.

alter table public.workspaces
    add column if not exists trace_days smallint not null default 90 check (trace_days between 1 and 400);

-- public.traces: one row a trace; its sums are those of its spans (private.sum_traces).
create table if not exists public.traces (
    workspace_id uuid not null default auth.uid() references public.workspaces (id) on delete cascade,
    trace_id text not null check (trace_id ~ '^[0-9a-f]{32}$'),
    -- The week, a Monday, in which its spans are stored: that of the first span that came.
    week date not null check (week between date '2019-12-30' and date '2100-01-01'),
    user_id uuid, -- whose spans they are; null = several people's
    project_ids uuid[] not null default '{}' check (cardinality(project_ids) <= 10000),
    first_at timestamptz not null check (first_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    last_at timestamptz not null check (last_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2102-01-01T00:00Z'),
    duration_us bigint not null default 0 check (duration_us >= 0),
    name text not null default '' check (length(name) <= 200), -- of the root, as the service
    service text not null default '' check (length(service) <= 200),
    session text not null default '' check (length(session) <= 200),
    person text not null default '' check (length(person) <= 200),
    agent text not null default '' check (length(agent) <= 200),
    status text not null default 'ok' check (status in ('ok', 'retried', 'error')),
    spans integer not null default 0 check (spans between 0 and 10000),
    errors integer not null default 0 check (errors between 0 and 10000),
    retries integer not null default 0 check (retries between 0 and 10000),
    calls integer not null default 0 check (calls between 0 and 10000), -- of models
    unpriced integer not null default 0 check (unpriced between 0 and 10000), -- of these calls, with tokens
    input_tokens numeric(22) not null default 0 check (input_tokens >= 0),
    output_tokens numeric(22) not null default 0 check (output_tokens >= 0),
    cached_input_tokens numeric(22) not null default 0 check (cached_input_tokens >= 0),
    cache_write_tokens numeric(22) not null default 0 check (cache_write_tokens >= 0),
    reasoning_tokens numeric(22) not null default 0 check (reasoning_tokens >= 0),
    cost_usd numeric(22, 10) check (cost_usd >= 0 and cost_usd <> 'NaN'), -- null = no call has a price
    models text[] not null default '{}' check (cardinality(models) <= 20), -- those with most tokens first
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    primary key (workspace_id, trace_id)
);
-- The newest of a workspace, and a period of it. Lists of the slowest and the dearest sort what this finds. The condition, which
-- is always met, keeps it from those who look for a trace by its id, such as references: by a plan from when there were few
-- traces, they would read all of the workspace's.
create index if not exists traces_first_at_idx
    on public.traces (workspace_id, first_at desc, trace_id)
    where first_at is not null;
create index if not exists traces_session_idx on public.traces (workspace_id, session, first_at) where session <> '';
create index if not exists traces_last_at_idx
    on public.traces (workspace_id, last_at) -- those to be dropped
    where last_at is not null;
create index if not exists traces_user_id_idx on public.traces (user_id);

-- public.spans: partitioned by week. What is read or dropped is a few days old, so most plans need one or two partitions, and a
-- week that nobody keeps is dropped without a vacuum. By day, 400 days would be 400 tables that each plan over all has to open.
-- All spans of a trace are in the week of the trace: one that comes late finds its trace there, and the primary key makes a
-- span unique, though it must contain the week.
create table if not exists public.spans (
    workspace_id uuid not null default auth.uid(), -- of a trace: no reference, since it would be checked span by span
    trace_id text not null check (trace_id ~ '^[0-9a-f]{32}$'),
    span_id text not null check (span_id ~ '^[0-9a-f]{16}$'),
    week date not null check (week between date '2019-12-30' and date '2100-01-01'),
    parent_span_id text not null default '' check (parent_span_id ~ '^([0-9a-f]{16})?$' and parent_span_id <> span_id),
    user_id uuid not null default auth.uid(), -- as in cost_records
    project_id uuid,
    started_at timestamptz not null check (
        started_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    duration_us bigint not null default 0 check (duration_us between 0 and 31622400000000), -- 366 days
    kind text not null default 'internal' check (kind in ('llm', 'tool', 'agent', 'retrieval', 'http', 'db', 'internal')),
    name text not null check (length(name) between 1 and 200),
    service text not null default '' check (length(service) <= 200),
    status text not null default 'ok' check (status in ('ok', 'error', 'timeout', 'rate_limited')),
    error text not null default '' check (length(error) <= 300), -- in words or as a code
    is_call boolean not null default false, -- a model was called: its tokens and cost count unless a span within tells them, too
    request_id text not null default '' check (length(request_id) <= 300), -- calls with the same one are one call
    provider text not null default '' check (length(provider) <= 100),
    model text not null default '' check (length(model) <= 200),
    input_tokens bigint not null default 0 check (input_tokens between 0 and 1000000000000000),
    output_tokens bigint not null default 0 check (output_tokens between 0 and 1000000000000000),
    cached_input_tokens bigint not null default 0 check (cached_input_tokens between 0 and 1000000000000000),
    cache_write_tokens bigint not null default 0 check (cache_write_tokens between 0 and 1000000000000000),
    reasoning_tokens bigint not null default 0 check (reasoning_tokens between 0 and 1000000000000000),
    cost_usd numeric(18, 10) check (cost_usd >= 0 and cost_usd <> 'NaN'), -- null = no price
    first_token_us bigint check (first_token_us between 0 and 31622400000000),
    session text not null default '' check (length(session) <= 200),
    person text not null default '' check (length(person) <= 200),
    agent text not null default '' check (length(agent) <= 200),
    prompt_name text not null default '' check (length(prompt_name) <= 200),
    prompt_version text not null default '' check (length(prompt_version) <= 100),
    tags jsonb not null default '{}' check (jsonb_typeof(tags) = 'object' and pg_column_size(tags) <= 4096),
    resource jsonb not null default '{}' check (jsonb_typeof(resource) = 'object' and pg_column_size(resource) <= 4096),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 4096),
    import_id uuid, -- the source of its records, for rules that file by it
    is_project_chosen boolean not null default false, -- by what sent it: no rule files it
    primary key (workspace_id, trace_id, span_id, week)
) partition by range (week);
alter table public.spans
    add column if not exists import_id uuid,
    add column if not exists is_project_chosen boolean not null default false;

-- Rights and rows: nobody writes but private functions; who sees what is as in cost_records. A trace with spans of several
-- people is seen where people are shown; one with a span in a hidden project is hidden, because its sums would tell.
do $$
declare
    name text;
begin
    foreach name in array array['traces', 'spans'] loop
        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from anon, authenticated, service_role', name);
        execute format('grant select on public.%I to authenticated, service_role', name);
    end loop;
end
$$;

drop policy if exists traces_select_member on public.traces;
create policy traces_select_member
    on public.traces
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and (
            user_id = (select auth.uid())
            or (
                workspace_id = any(array(select private.workspaces_showing_people()))
                and not project_ids && array(select private.hidden_projects())
            )
        )
    );

drop policy if exists spans_select_member on public.spans;
create policy spans_select_member
    on public.spans
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_as('viewer')))
        and (
            user_id = (select auth.uid())
            or (
                workspace_id = any(array(select private.workspaces_showing_people()))
                and (project_id is null or project_id <> all(array(select private.hidden_projects())))
            )
        )
    );

insert into private.partitioned (parent, width, suffix, bound, ahead, kept)
values ('spans', 'week', 'YYYY_MM_DD', 'YYYY-MM-DD', null, 1)
on conflict (parent) do nothing;

-- private.span_counts: how many spans a workspace has. Saves and drops hold the workspace's lock of spans.
create table if not exists private.span_counts (
    workspace_id uuid primary key references public.workspaces (id) on delete cascade,
    spans bigint not null
);
alter table private.span_counts enable row level security;
revoke all on private.span_counts from public, anon, authenticated, service_role;

create or replace function private.max_spans()
returns bigint
language sql
immutable
set search_path = ''
as $$
    select 20000000::bigint
$$;
revoke all on function private.max_spans() from public;

create or replace function private.span_lock(tenant uuid)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select hashtextextended('tally.spans.' || tenant::text, 0)
$$;
revoke all on function private.span_lock(uuid) from public;

create or replace function private.delete_spans_of_workspace()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from public.spans as s where s.workspace_id = old.id;
    return null;
end
$$;
revoke all on function private.delete_spans_of_workspace() from public;

create or replace trigger workspaces_delete_spans
    after delete on public.workspaces
    for each row execute function private.delete_spans_of_workspace();

-- Spans of a deleted account in shared workspaces become nobody's, as its records.
create or replace function private.erase_from_spans()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.spans as s
    set user_id = '00000000-0000-0000-0000-000000000000'
    from public.traces as t
    where
        (t.user_id = old.id or t.user_id is null)
        and s.workspace_id = t.workspace_id
        and s.trace_id = t.trace_id
        and s.week = t.week
        and s.user_id = old.id;
    update public.traces as t set user_id = '00000000-0000-0000-0000-000000000000' where t.user_id = old.id;
    return null;
end
$$;
revoke all on function private.erase_from_spans() from public;

create or replace trigger tally_erase_from_spans
    after delete on auth.users
    for each row execute function private.erase_from_spans();

-- For how many days traces are kept, counted from their end.
create or replace function public.set_trace_days(workspace uuid, days integer)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
begin
    if $2 is null or $2 not between 1 and 400 then
        raise exception 'Keep traces for 1 to 400 days.' using errcode = '22023';
    end if;
    update public.workspaces as w set trace_days = $2 where w.id = tenant;
end
$$;
revoke all on function public.set_trace_days(uuid, integer) from public, anon, service_role;
grant execute on function public.set_trace_days(uuid, integer) to authenticated;
