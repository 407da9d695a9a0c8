-- 062_alert_events.sql: what people should hear about, once, and each message about it. Jobs raise and clear events; the sender
-- records what became of a message. Nobody else writes.

-- public.alert_events: one row for one cause, whoever finds it first: a threshold fires once in a period.
create table if not exists public.alert_events (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    kind text not null check (
        kind in (
            'budget', 'anomaly', 'new_model', 'silent_source', 'renewal', 'price', 'retirement', 'bill', 'idle',
            'credits', 'error_rate', 'latency', 'channel'
        )
    ),
    subject text not null check (length(subject) between 1 and 300), -- of a budget its id
    threshold_id uuid,
    period_start date not null check (period_start between date '2020-01-01' and date '2100-01-01'),
    severity text not null check (severity in ('info', 'warning', 'critical')),
    -- Superseded by a higher threshold crossed at once, or of a period long past: neither is sent.
    state text not null check (state in ('open', 'superseded', 'late', 'cleared')),
    -- The numbers as they were then; tally/notifications/facts.py names them.
    facts jsonb not null check (jsonb_typeof(facts) = 'object' and pg_column_size(facts) <= 16384),
    project_id uuid, -- of facts that name a project: a private one hides the event
    person_id uuid, -- of facts about one person, which only that person and admins see
    occurred_at timestamptz not null default now() check (
        occurred_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    cleared_at timestamptz check (cleared_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    constraint alert_events_once unique nulls not distinct (workspace_id, kind, subject, threshold_id, period_start),
    constraint alert_events_of_workspace unique (workspace_id, id),
    constraint alert_events_project foreign key (workspace_id, project_id) references public.projects (workspace_id, id)
);
create index if not exists alert_events_workspace_id_idx on public.alert_events (workspace_id, occurred_at desc);
create index if not exists alert_events_project_idx on public.alert_events (workspace_id, project_id);
alter table public.alert_events enable row level security;
revoke all on public.alert_events from anon, authenticated, service_role;
grant select on public.alert_events to authenticated, service_role;

drop policy if exists alert_events_select_member on public.alert_events;
create policy alert_events_select_member
    on public.alert_events
    for select
    to authenticated
    using (
        workspace_id = any(array(select private.workspaces_showing_totals()))
        and (project_id is null or project_id <> all(array(select private.hidden_projects())))
        and (
            person_id is null
            or person_id = (select auth.uid())
            or workspace_id = any(array(select private.workspaces_as('admin')))
        )
    );

select private.note_changes_of('public.alert_events');

-- public.deliveries: one message to one channel. Its id is what receivers tell repetitions by. A held one waits for the end of
-- quiet hours or the day's digest, which is a delivery of its own (`sent_in`).
create table if not exists public.deliveries (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    event_id uuid,
    channel_id uuid,
    channel_name text not null check (length(channel_name) between 1 and 100), -- after the channel is gone
    kind text not null check (kind in ('open', 'clear', 'digest', 'day', 'test', 'verify')),
    day date check (day between date '2020-01-01' and date '2100-01-01'), -- whose costs it tells
    state text not null default 'waiting' check (state in ('waiting', 'held', 'sent', 'failed')),
    attempts smallint not null default 0 check (attempts >= 0),
    next_attempt_at timestamptz not null default now() check (
        next_attempt_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    -- Until then a sender has it; one that died leaves it to the next.
    leased_until timestamptz check (leased_until between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    expires_at timestamptz not null default now() + interval '24 hours' check (
        expires_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    sent_in uuid references public.deliveries (id) on delete set null,
    sent_at timestamptz check (sent_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    status_code smallint check (status_code between 100 and 999),
    problem text check (length(problem) <= 500), -- in a sentence; never what the receiver answered
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    constraint deliveries_once unique (event_id, channel_id, kind),
    constraint deliveries_day check ((kind = 'day') = (day is not null)),
    constraint deliveries_of_workspace unique (workspace_id, id),
    constraint deliveries_event foreign key (workspace_id, event_id)
    references public.alert_events (workspace_id, id) on delete cascade,
    constraint deliveries_channel foreign key (workspace_id, channel_id)
    references public.channels (workspace_id, id) on delete set null (channel_id)
);
create index if not exists deliveries_due_idx on public.deliveries (next_attempt_at) where state in ('waiting', 'held');
create unique index if not exists deliveries_day_idx on public.deliveries (channel_id, day) where state in ('waiting', 'held');
create index if not exists deliveries_event_idx on public.deliveries (workspace_id, event_id);
create index if not exists deliveries_channel_idx on public.deliveries (workspace_id, channel_id, created_at desc);
create index if not exists deliveries_sent_in_idx on public.deliveries (sent_in) where sent_in is not null;
alter table public.deliveries enable row level security;
revoke all on public.deliveries from anon, authenticated, service_role;
grant select on public.deliveries to authenticated, service_role;

drop policy if exists deliveries_select_admin on public.deliveries;
create policy deliveries_select_admin
    on public.deliveries
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

select private.note_changes_of('public.deliveries');

-- public.delivery_attempts: each time that a message was sent, or could not be.
create table if not exists public.delivery_attempts (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    delivery_id uuid not null,
    number smallint not null check (number >= 1),
    at timestamptz not null default now() check (at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    status_code smallint check (status_code between 100 and 999),
    problem text check (length(problem) <= 500),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    constraint delivery_attempts_once unique (delivery_id, number),
    constraint delivery_attempts_delivery foreign key (workspace_id, delivery_id)
    references public.deliveries (workspace_id, id) on delete cascade
);
create index if not exists delivery_attempts_workspace_id_idx on public.delivery_attempts (workspace_id, delivery_id);
alter table public.delivery_attempts enable row level security;
revoke all on public.delivery_attempts from anon, authenticated, service_role;
grant select on public.delivery_attempts to authenticated, service_role;

drop policy if exists delivery_attempts_select_admin on public.delivery_attempts;
create policy delivery_attempts_select_admin
    on public.delivery_attempts
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));
