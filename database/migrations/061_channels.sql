-- 061_channels.sql: where alerts of a workspace go. Admins write, members see names and states.

-- public.channels: the application encrypts a target (an address, a webhook's URL, a token); the database never sees it, and no
-- API role reads the encrypted one. A channel gets no alerts before it is verified: an e-mail address by the link in a message
-- unless it is a member's, all others by a message that was delivered.
create table if not exists public.channels (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    kind text not null check (kind in ('email', 'slack', 'discord', 'teams', 'pagerduty', 'telegram', 'ntfy', 'webhook')),
    name text not null check (length(name) between 1 and 100),
    hint text not null check (length(hint) <= 200), -- so much of the target that people know which one it is
    sealed_target text not null check (length(sealed_target) between 1 and 10000),
    encryption_key_id text not null check (length(encryption_key_id) between 1 and 100),
    -- Local times of the workspace between which messages wait.
    quiet_from time check (quiet_from < time '24:00'),
    quiet_to time check (quiet_to < time '24:00'),
    urgent_passes boolean not null default true, -- critical events do not wait
    digest text not null default 'none' check (digest in ('none', 'daily')), -- one message a day in place of each
    paused_at timestamptz check (paused_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    verified_at timestamptz check (verified_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    verified_by text check (verified_by in ('message', 'link', 'member')),
    confirmation_sha256 bytea unique check (octet_length(confirmation_sha256) = 32), -- of the token in the last link
    confirmation_expires_at timestamptz check (
        confirmation_expires_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'
    ),
    stop_sha256 bytea unique check (octet_length(stop_sha256) = 32), -- of the token by which a mailbox ends its alerts
    -- The first day whose costs it gets when the day is over, and again when they change; null for none.
    sends_days_from date check (sends_days_from between date '2020-01-01' and date '2100-01-01'),
    must_agree boolean not null default false, -- its reader asked to stop: even a member's mailbox agrees by a link
    failures_in_a_row smallint not null default 0 check (failures_in_a_row >= 0), -- messages refused for good
    disabled_at timestamptz check (disabled_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    disabled_reason text check (length(disabled_reason) <= 500),
    last_sent_at timestamptz check (last_sent_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    last_problem text check (length(last_problem) <= 500), -- null once a message was delivered
    created_by uuid references auth.users (id) on delete set null,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint channels_of_workspace unique (workspace_id, id),
    constraint channels_verified check ((verified_at is null) = (verified_by is null)),
    constraint channels_days check (sends_days_from is null or kind = 'webhook'),
    constraint channels_quiet check ((quiet_from is null) = (quiet_to is null) and quiet_from <> quiet_to)
);
create index if not exists channels_created_by_idx on public.channels (created_by);
alter table public.channels enable row level security;
revoke all on public.channels from anon, authenticated, service_role;
grant select (
    id, workspace_id, kind, name, hint, quiet_from, quiet_to, urgent_passes, digest, sends_days_from, paused_at, verified_at,
    verified_by, failures_in_a_row, disabled_at, disabled_reason, last_sent_at, last_problem, created_by, metadata, created_at,
    updated_at
) on public.channels to authenticated, service_role;

drop policy if exists channels_select_member on public.channels;
create policy channels_select_member
    on public.channels
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('viewer'))));

create or replace trigger channels_touch
    before update on public.channels
    for each row execute function private.touch_updated_at();
create or replace trigger channels_bound
    after insert on public.channels referencing new table as added
    for each statement execute function private.refuse_too_many('20', 'channels', 'Remove one in Settings.');

select private.note_changes_of('public.channels');
select private.audit_changes_of(
    'public.channels',
    array[
        'kind', 'name', 'hint', 'quiet_from', 'quiet_to', 'urgent_passes', 'digest', 'sends_days_from', 'paused_at',
        'verified_by', 'disabled_reason'
    ]
);

-- A channel that the caller administers.
create or replace function private.require_channel(wanted uuid)
returns public.channels
language plpgsql
set search_path = ''
as $$
declare
    channel public.channels;
begin
    select c.* into channel
    from public.channels as c
    where c.id = wanted and c.workspace_id = any(array(select private.workspaces_as('admin')))
    for no key update;
    if not found then
        raise exception 'This channel no longer exists. Reload the page.' using errcode = '22023';
    end if;
    return channel;
end
$$;
revoke all on function private.require_channel(uuid) from public;

-- The first day that a channel gets, as `details` wish: yesterday, once it is switched on.
create or replace function private.sends_days_from(tenant uuid, details jsonb, present date)
returns date
language plpgsql
stable
set search_path = ''
as $$
begin
    return case details -> 'sends_days'
        when 'true' then coalesce(present, (now() at time zone private.timezone_of(tenant))::date - 1)
        when 'false' then null
        else present
    end;
end
$$;
revoke all on function private.sends_days_from(uuid, jsonb, date) from public;

-- Adds a channel, or changes one: {kind, name, hint, sealed_target, encryption_key_id, stop_token, quiet_from, quiet_to,
-- urgent_passes, digest, sends_days}. The id comes from the caller, since the target is encrypted for it. Without a target a
-- channel keeps its own; a new one has to be verified again, which begins at once. Returns the id of that message, if any.
create or replace function public.save_channel(workspace uuid, channel uuid, details jsonb)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.require_workspace(workspace, 'admin');
    given constant public.channels := jsonb_populate_record(null::public.channels, details);
    stop constant bytea := case when details ->> 'stop_token' <> '' then decode(
        private.hash_token(details ->> 'stop_token'), 'hex'
    ) end;
    called text;
begin
    if channel is null or details is null then
        raise exception 'Give the channel an id and its details.' using errcode = '22023';
    end if;
    called := private.clean_name(given.name, 'channel');
    update public.channels as c
    set
        name = called,
        hint = coalesce(given.hint, c.hint),
        sealed_target = coalesce(given.sealed_target, c.sealed_target),
        encryption_key_id = case when given.sealed_target is null then c.encryption_key_id else given.encryption_key_id end,
        verified_at = case when given.sealed_target is null then c.verified_at end,
        verified_by = case when given.sealed_target is null then c.verified_by end,
        confirmation_sha256 = case when given.sealed_target is null then c.confirmation_sha256 end,
        stop_sha256 = case when given.sealed_target is null then c.stop_sha256 else stop end,
        quiet_from = given.quiet_from,
        quiet_to = given.quiet_to,
        urgent_passes = coalesce(given.urgent_passes, true),
        digest = coalesce(given.digest, 'none'),
        sends_days_from = private.sends_days_from(tenant, details, c.sends_days_from)
    where c.id = save_channel.channel and c.workspace_id = tenant;
    if found then
        -- What waits for a time that may be another now is looked at again.
        update public.deliveries as d set state = 'waiting', next_attempt_at = now()
        where d.channel_id = save_channel.channel and d.state = 'held' and d.sent_in is null;
    else
        insert into public.channels (
            id, workspace_id, kind, name, hint, sealed_target, encryption_key_id, stop_sha256, quiet_from, quiet_to,
            urgent_passes, digest, sends_days_from, created_by
        )
        values (
            save_channel.channel, tenant, given.kind, called, coalesce(given.hint, ''), given.sealed_target,
            given.encryption_key_id, stop, given.quiet_from, given.quiet_to, coalesce(given.urgent_passes, true),
            coalesce(given.digest, 'none'), private.sends_days_from(tenant, details, null), auth.uid()
        )
        on conflict (id) do nothing;
        if not found then
            raise exception 'This channel no longer exists. Reload the page.' using errcode = '22023';
        end if;
    end if;
    return case when given.sealed_target is not null then private.enqueue_test(tenant, save_channel.channel) end;
end
$$;
revoke all on function public.save_channel(uuid, uuid, jsonb) from public, anon, service_role;
grant execute on function public.save_channel(uuid, uuid, jsonb) to authenticated;

-- Pauses a channel, or lets it get messages again, also one that was disabled after failures. What waits for a paused channel
-- waits on, a day at most.
create or replace function public.pause_channel(channel uuid, is_paused boolean)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.channels := private.require_channel(channel);
begin
    update public.channels as c
    set
        paused_at = case when is_paused then coalesce(c.paused_at, now()) end,
        failures_in_a_row = case when is_paused then c.failures_in_a_row else 0 end,
        disabled_at = case when is_paused then c.disabled_at end,
        disabled_reason = case when is_paused then c.disabled_reason end
    where c.id = found_one.id;
end
$$;
revoke all on function public.pause_channel(uuid, boolean) from public, anon, service_role;
grant execute on function public.pause_channel(uuid, boolean) to authenticated;

-- Removes a channel; what was sent to it stays in the history.
create or replace function public.remove_channel(channel uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.channels := private.require_channel(channel);
begin
    update public.deliveries as d
    set state = 'failed', problem = 'The channel was removed.'
    where d.workspace_id = found_one.workspace_id and d.channel_id = found_one.id and d.state in ('waiting', 'held');
    delete from public.channels as c where c.id = found_one.id;
end
$$;
revoke all on function public.remove_channel(uuid) from public, anon, service_role;
grant execute on function public.remove_channel(uuid) to authenticated;

-- Sends a test message: the id of its delivery, whose state tells the outcome. One that is not verified is asked again.
create or replace function public.test_channel(channel uuid)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_one constant public.channels := private.require_channel(channel);
begin
    return private.enqueue_test(found_one.workspace_id, found_one.id);
end
$$;
revoke all on function public.test_channel(uuid) from public, anon, service_role;
grant execute on function public.test_channel(uuid) to authenticated;

-- Verifies an e-mail channel by the token in its link, which whoever reads that mailbox has; they may have no account. Returns
-- the name of the workspace.
create or replace function public.confirm_channel(token text)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant uuid;
begin
    update public.channels as c
    set verified_at = coalesce(c.verified_at, now()), verified_by = coalesce(c.verified_by, 'link'), must_agree = false
    where c.confirmation_sha256 = decode(private.hash_token($1), 'hex') and c.confirmation_expires_at > now()
    returning c.workspace_id into tenant;
    if tenant is null then
        raise exception 'This link has expired, or a newer one was sent. Ask for a new one.' using errcode = '22023';
    end if;
    return (select w.name from public.workspaces as w where w.id = tenant);
end
$$;
revoke all on function public.confirm_channel(text) from public, service_role;
grant execute on function public.confirm_channel(text) to anon, authenticated;

-- Ends the alerts to a mailbox by the token in each email there. It gets no more before its reader agrees again.
create or replace function public.stop_channel(token text)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant uuid;
begin
    update public.channels as c
    set
        verified_at = null,
        verified_by = null,
        confirmation_sha256 = null,
        must_agree = true,
        disabled_at = now(),
        disabled_reason = 'Its reader asked to stop.'
    where c.stop_sha256 = decode(private.hash_token($1), 'hex')
    returning c.workspace_id into tenant;
    if tenant is null then
        raise exception 'This link is no longer valid: the channel was removed, or has another address.' using errcode = '22023';
    end if;
    return (select w.name from public.workspaces as w where w.id = tenant);
end
$$;
revoke all on function public.stop_channel(text) from public, service_role;
grant execute on function public.stop_channel(text) to anon, authenticated;
