-- 133_web_sessions.sql: sessions of browsers where several processes serve the dashboard. One alone has them in a file.

-- `tally_web` keeps sessions and counts attempts through the functions of this file and the next: it reads no table. The operator
-- lets it log in, as the README says.
do $$
begin
    if not exists (select from pg_roles where rolname = 'tally_web') then
        create role tally_web nologin noinherit;
    end if;
end
$$;
alter role tally_web set statement_timeout = '8s';
alter role tally_web set idle_in_transaction_session_timeout = '60s';
grant usage on schema private to tally_web;

-- private.web_sessions: a session's tokens are encrypted with a key that only its cookie can derive, and the id is a hash of the
-- cookie, so that the table gives access to nothing. Times are those of the database: clocks of processes may differ.
create table if not exists private.web_sessions (
    id text primary key check (id ~ '^[0-9a-f]{64}$'),
    user_id uuid not null references auth.users (id) on delete cascade,
    sealed bytea not null check (octet_length(sealed) between 1 and 65536),
    tokens_until timestamptz not null, -- until when the access token is valid
    opened_at timestamptz not null default now(),
    seen_at timestamptz not null default now(), -- to five minutes: it is not written on every request
    holder uuid, -- the one who may renew the tokens; a refresh token can be used once
    held_until timestamptz not null default '-infinity'
);
create index if not exists web_sessions_user_id_idx on private.web_sessions (user_id);
create index if not exists web_sessions_seen_at_idx on private.web_sessions (seen_at);
create index if not exists web_sessions_opened_at_idx on private.web_sessions (opened_at);
alter table private.web_sessions enable row level security;
revoke all on private.web_sessions from public, anon, authenticated, service_role;

-- Keeps a new session, and forgets those that have ended: after a time without use, or long after they were opened. One that
-- comes from a file brings its times with it. A deleted account gets none.
create or replace function private.open_web_session(
    session text, account uuid, sealed bytea, token_seconds float8, idle_seconds float8, absolute_seconds float8,
    age_seconds float8 default 0, unseen_seconds float8 default 0
)
returns void
language sql
security definer
set search_path = ''
as $$
    delete from private.web_sessions as s
    where
        s.seen_at < now() - make_interval(secs => open_web_session.idle_seconds)
        or s.opened_at < now() - make_interval(secs => open_web_session.absolute_seconds);

    insert into private.web_sessions (id, user_id, sealed, tokens_until, opened_at, seen_at)
    select
        open_web_session.session, u.id, open_web_session.sealed, now() + make_interval(secs => open_web_session.token_seconds),
        now() - make_interval(secs => open_web_session.age_seconds), now() - make_interval(secs => open_web_session.unseen_seconds)
    from auth.users as u
    where u.id = open_web_session.account
    on conflict (id) do nothing
$$;
revoke all on function private.open_web_session(text, uuid, bytea, float8, float8, float8, float8, float8) from public;
grant execute on function private.open_web_session(text, uuid, bytea, float8, float8, float8, float8, float8) to tally_web;

-- A session that has not ended, with the seconds for which its access token is still valid. Its use is noted.
create or replace function private.read_web_session(
    session text, idle_seconds float8, absolute_seconds float8, touch_seconds float8
)
returns table (user_id uuid, sealed bytea, token_seconds float8)
language plpgsql
security definer
set search_path = ''
as $$
declare
    found_session private.web_sessions;
begin
    select s.* into found_session
    from private.web_sessions as s
    where
        s.id = session
        and s.seen_at >= now() - make_interval(secs => idle_seconds)
        and s.opened_at >= now() - make_interval(secs => absolute_seconds);
    if not found then
        return;
    end if;
    if found_session.seen_at < now() - make_interval(secs => touch_seconds) then
        update private.web_sessions as s set seen_at = now() where s.id = session;
    end if;
    return query select
        found_session.user_id, found_session.sealed, extract(epoch from found_session.tokens_until - now())::float8;
end
$$;
revoke all on function private.read_web_session(text, float8, float8, float8) from public;
grant execute on function private.read_web_session(text, float8, float8, float8) to tally_web;

-- The account of a session, for whom scripts take turns.
create or replace function private.account_of_web_session(session text)
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
    select s.user_id from private.web_sessions as s where s.id = account_of_web_session.session
$$;
revoke all on function private.account_of_web_session(text) from public;
grant execute on function private.account_of_web_session(text) to tally_web;

-- Takes the right to renew a session's tokens, unless somebody holds it. It ends by itself, as its holder may be killed.
create or replace function private.hold_web_session(session text, holder uuid, hold_seconds float8)
returns boolean
language sql
security definer
set search_path = ''
as $$
    with held as (
        update private.web_sessions as s
        set holder = hold_web_session.holder, held_until = now() + make_interval(secs => hold_web_session.hold_seconds)
        where s.id = hold_web_session.session and s.held_until < now()
        returning s.id
    )

    select exists (select from held)
$$;
revoke all on function private.hold_web_session(text, uuid, float8) from public;
grant execute on function private.hold_web_session(text, uuid, float8) to tally_web;

-- Gives the right back, if it is still the holder's.
create or replace function private.release_web_session(session text, holder uuid)
returns void
language sql
security definer
set search_path = ''
as $$
    update private.web_sessions as s
    set holder = null, held_until = '-infinity'
    where s.id = release_web_session.session and s.holder = release_web_session.holder
$$;
revoke all on function private.release_web_session(text, uuid) from public;
grant execute on function private.release_web_session(text, uuid) to tally_web;

-- Keeps renewed tokens; false when the session was closed meanwhile.
create or replace function private.renew_web_session(session text, sealed bytea, token_seconds float8)
returns boolean
language sql
security definer
set search_path = ''
as $$
    with renewed as (
        update private.web_sessions as s
        set sealed = renew_web_session.sealed, tokens_until = now() + make_interval(secs => renew_web_session.token_seconds)
        where s.id = renew_web_session.session
        returning s.id
    )

    select exists (select from renewed)
$$;
revoke all on function private.renew_web_session(text, bytea, float8) from public;
grant execute on function private.renew_web_session(text, bytea, float8) to tally_web;

create or replace function private.close_web_session(session text)
returns void
language sql
security definer
set search_path = ''
as $$
    delete from private.web_sessions as s where s.id = close_web_session.session
$$;
revoke all on function private.close_web_session(text) from public;
grant execute on function private.close_web_session(text) to tally_web;

-- Closes all sessions of an account but one, and returns their number.
create or replace function private.close_web_sessions(account uuid, kept text)
returns bigint
language sql
security definer
set search_path = ''
as $$
    with closed as (
        delete from private.web_sessions as s
        where s.user_id = close_web_sessions.account and s.id is distinct from close_web_sessions.kept
        returning s.id
    )

    select count(*) from closed
$$;
revoke all on function private.close_web_sessions(uuid, text) from public;
grant execute on function private.close_web_sessions(uuid, text) to tally_web;

-- private.last_workspaces: the workspace that an account chose last, unless it was the personal one. It outlives sessions.
create table if not exists private.last_workspaces (
    user_id uuid primary key references auth.users (id) on delete cascade,
    workspace_id uuid not null references public.workspaces (id) on delete cascade
);
create index if not exists last_workspaces_workspace_id_idx on private.last_workspaces (workspace_id);
alter table private.last_workspaces enable row level security;
revoke all on private.last_workspaces from public, anon, authenticated, service_role;

create or replace function private.last_workspace(account uuid)
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
    select l.workspace_id from private.last_workspaces as l where l.user_id = last_workspace.account
$$;
revoke all on function private.last_workspace(uuid) from public;
grant execute on function private.last_workspace(uuid) to tally_web;

-- Remembers a choice; null forgets it, as does a workspace that is gone.
create or replace function private.save_last_workspace(account uuid, workspace uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from private.last_workspaces as l where l.user_id = account and l.workspace_id is distinct from workspace;
    insert into private.last_workspaces (user_id, workspace_id)
    select u.id, w.id
    from auth.users as u
    cross join public.workspaces as w
    where u.id = account and w.id = workspace
    on conflict on constraint last_workspaces_pkey do update set workspace_id = excluded.workspace_id;
end
$$;
revoke all on function private.save_last_workspace(uuid, uuid) from public;
grant execute on function private.save_last_workspace(uuid, uuid) to tally_web;
