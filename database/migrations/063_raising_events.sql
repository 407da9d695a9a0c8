-- 063_raising_events.sql: the doors through which jobs raise and clear events, and tests of channels.

-- Raises an event and returns its id, or null if there is one for this cause already. An open one becomes a message to each of
-- the channels, or to all that are verified and active. Facts about a project or a person say so: {project_id, person_id}.
create or replace function private.raise_event(
    workspace uuid, kind text, subject text, threshold uuid, period_start date, severity text, facts jsonb,
    channels uuid[] default null, state text default 'open'
)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
    raised uuid;
begin
    insert into public.alert_events (
        workspace_id, kind, subject, threshold_id, period_start, severity, facts, state, project_id, person_id
    )
    values (
        $1, $2, $3, $4, $5, $6, $7, $9, ($7 ->> 'project_id')::uuid, ($7 ->> 'person_id')::uuid
    )
    on conflict on constraint alert_events_once do nothing
    returning id into raised;
    if raised is not null and $9 = 'open' then
        insert into public.deliveries (workspace_id, event_id, channel_id, channel_name, kind)
        select $1, raised, c.id, c.name, 'open'
        from public.channels as c
        where
            c.workspace_id = $1
            and (cardinality($8) is null or cardinality($8) = 0 or c.id = any ($8))
            and c.verified_at is not null
            and c.paused_at is null
            and c.disabled_at is null
        on conflict do nothing;
    end if;
    return raised;
end
$$;
revoke all on function private.raise_event(uuid, text, text, uuid, date, text, jsonb, uuid[], text) from public;

-- A channel that was just verified hears of what is open and nobody was told: its budgets may have been exceeded while its reader
-- had not agreed yet.
create or replace function private.tell_verified_channel()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    insert into public.deliveries (workspace_id, event_id, channel_id, channel_name, kind)
    select e.workspace_id, e.id, new.id, new.name, 'open'
    from public.alert_events as e
    where
        e.workspace_id = new.workspace_id
        and e.state = 'open'
        and e.occurred_at > now() - interval '7 days'
        and not exists (select from public.deliveries as d where d.workspace_id = e.workspace_id and d.event_id = e.id)
        and (
            e.kind <> 'budget'
            or not exists (
                select from public.budget_channels as b where b.workspace_id = e.workspace_id and b.budget_id::text = e.subject
            )
            or exists (
                select
                from public.budget_channels as b
                where b.workspace_id = e.workspace_id and b.budget_id::text = e.subject and b.channel_id = new.id
            )
        )
    order by e.occurred_at desc
    limit 10
    on conflict do nothing;
    return null;
end
$$;
revoke all on function private.tell_verified_channel() from public;

drop trigger if exists channels_verified on public.channels;
create trigger channels_verified
    after update of verified_at on public.channels
    for each row
    when (old.verified_at is null and new.verified_at is not null and new.paused_at is null and new.disabled_at is null)
    execute function private.tell_verified_channel();

-- Marks an event as over. Receivers that have an open incident of it, or follow its state, are told.
create or replace function private.clear_event(event uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
    update public.alert_events as e
    set state = 'cleared', cleared_at = now()
    where e.id = $1 and e.cleared_at is null;
    if not found then
        return;
    end if;
    insert into public.deliveries (workspace_id, event_id, channel_id, channel_name, kind)
    select d.workspace_id, d.event_id, d.channel_id, d.channel_name, 'clear'
    from public.deliveries as d
    inner join public.channels as c on d.channel_id = c.id
    where d.event_id = $1 and d.kind = 'open' and d.state <> 'failed' and c.kind in ('pagerduty', 'webhook')
    on conflict do nothing;
end
$$;
revoke all on function private.clear_event(uuid) from public;

-- Tests and links of the last day, which their limits count. Addresses are hashed.
create table if not exists private.sent_tests (
    id bigint primary key generated always as identity,
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    channel_id uuid not null,
    email_sha256 bytea,
    sent_at timestamptz not null default now()
);
create index if not exists sent_tests_workspace_id_idx on private.sent_tests (workspace_id, sent_at);
create index if not exists sent_tests_email_idx on private.sent_tests (email_sha256, sent_at) where email_sha256 is not null;
alter table private.sent_tests enable row level security;
revoke all on private.sent_tests from public, anon, authenticated, service_role;

-- A message that tests or verifies a channel: 5 an hour to one channel, 20 of one workspace.
create or replace function private.enqueue_test(tenant uuid, channel uuid)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
    enqueued uuid;
    of_channel bigint;
    of_workspace bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.tests.' || tenant::text, 0));
    delete from private.sent_tests as t where t.workspace_id = tenant and t.sent_at < now() - interval '1 day';
    select count(*) filter (where t.channel_id = channel), count(*) into of_channel, of_workspace
    from private.sent_tests as t
    where t.workspace_id = tenant and t.sent_at > now() - interval '1 hour' and t.email_sha256 is null;
    if of_channel >= 5 then
        raise exception 'This channel was tested five times within an hour. Wait a while, then test it again.'
            using errcode = '22023';
    end if;
    if of_workspace >= 20 then
        raise exception 'Twenty tests of this workspace''s channels were sent within an hour. Wait a while, then test again.'
            using errcode = '22023';
    end if;
    insert into private.sent_tests (workspace_id, channel_id) values (tenant, channel);
    insert into public.deliveries (workspace_id, channel_id, channel_name, kind, expires_at)
    select c.workspace_id, c.id, c.name, case when c.verified_at is null then 'verify' else 'test' end, now() + interval '1 hour'
    from public.channels as c
    where c.id = enqueue_test.channel
    returning id into enqueued;
    return enqueued;
end
$$;
revoke all on function private.enqueue_test(uuid, uuid) from public;

-- Stores the hash of a token for a link that verifies an e-mail channel, and false in place of a fourth link in a day to one
-- address, from all workspaces.
create or replace function private.begin_confirmation(channel uuid, address text, token text)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
    hashed constant bytea := extensions.digest(address, 'sha256');
begin
    perform pg_advisory_xact_lock(hashtextextended('tally.confirmations.' || address, 0));
    if
        (
            select count(*) >= 3
            from private.sent_tests as t
            where t.email_sha256 = hashed and t.sent_at > now() - interval '1 day'
        )
    then
        return false;
    end if;
    insert into private.sent_tests (workspace_id, channel_id, email_sha256)
    select c.workspace_id, c.id, hashed from public.channels as c where c.id = $1;
    update public.channels as c
    set
        confirmation_sha256 = decode(private.hash_token($3), 'hex'),
        confirmation_expires_at = now() + interval '7 days'
    where c.id = $1;
    return true;
end
$$;
revoke all on function private.begin_confirmation(uuid, text, text) from public;

-- True if the address is that of a member, who has shown that it is theirs.
create or replace function private.is_address_of_member(tenant uuid, address text)
returns boolean
language sql
stable
set search_path = ''
as $$
    select exists (
        select
        from public.members as m
        inner join auth.users as u on m.user_id = u.id
        where m.workspace_id = tenant and lower(u.email) = address and u.email_confirmed_at is not null
    )
$$;
revoke all on function private.is_address_of_member(uuid, text) from public;

-- True if the member with this address may see the event: as an admin, or where the totals, its project and its person are not
-- hidden from them.
create or replace function private.may_be_told(tenant uuid, address text, event uuid)
returns boolean
language sql
stable
set search_path = ''
as $$
    select exists (
        select
        from public.members as m
        inner join auth.users as u on m.user_id = u.id
        inner join public.workspaces as w on m.workspace_id = w.id
        inner join public.alert_events as e on e.id = may_be_told.event and e.workspace_id = m.workspace_id
        left join public.projects as p on e.project_id = p.id and p.is_private
        where
            m.workspace_id = tenant
            and lower(u.email) = address
            and (
                private.rank_of(m.role) >= private.rank_of('admin')
                or (
                    w.person_split <> 'own'
                    and (e.person_id is null or e.person_id = m.user_id)
                    and (
                        p.id is null
                        or exists (
                            select from public.project_members as s where s.project_id = p.id and s.user_id = m.user_id
                        )
                    )
                )
            )
    )
$$;
revoke all on function private.may_be_told(uuid, text, uuid) from public;

-- Forgets events and messages of long ago.
create or replace function private.forget_old_events()
returns void
language plpgsql
set search_path = ''
as $$
begin
    delete from public.deliveries as d where d.created_at < now() - interval '400 days';
    delete from public.deliveries as d where d.event_id is null and d.created_at < now() - interval '30 days';
    delete from public.alert_events as e where e.occurred_at < now() - interval '800 days';
end
$$;
revoke all on function private.forget_old_events() from public;
