-- 048_invitations.sql: inviting people to a workspace by a link that one address can use once.

-- public.invitations: the open ones. The token is returned once and stored as a hash, which no API role may read.
create table if not exists public.invitations (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references public.workspaces (id) on delete cascade,
    email text not null check (email = lower(email) and length(email) between 3 and 320),
    role text not null check (role in ('admin', 'member', 'viewer')),
    token_sha256 bytea not null unique check (octet_length(token_sha256) = 32),
    invited_by uuid references auth.users (id) on delete set null,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 8192),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null default now() + interval '7 days'
        check (expires_at between timestamptz '2020-01-01T00:00Z' and timestamptz '2100-01-01T00:00Z'),
    constraint invitations_once unique (workspace_id, email)
);
create index if not exists invitations_invited_by_idx on public.invitations (invited_by);
alter table public.invitations enable row level security;
revoke all on public.invitations from anon, authenticated, service_role;
grant select (
    id, workspace_id, email, role, invited_by, metadata, created_at, expires_at
) on public.invitations to authenticated, service_role;

drop policy if exists invitations_select_admin on public.invitations;
create policy invitations_select_admin
    on public.invitations
    for select
    to authenticated
    using (workspace_id = any(array(select private.workspaces_as('admin'))));

select private.note_changes_of('public.invitations');

-- Invitations of the last day, cancelled ones too: what the rate limits count. Addresses are hashed.
create table if not exists private.sent_invitations (
    id bigint primary key generated always as identity,
    invited_by uuid not null references auth.users (id) on delete cascade,
    email_sha256 bytea not null,
    sent_at timestamptz not null default now()
);
create index if not exists sent_invitations_invited_by_idx on private.sent_invitations (invited_by, sent_at);
create index if not exists sent_invitations_email_idx on private.sent_invitations (email_sha256, sent_at);
create index if not exists sent_invitations_sent_at_idx on private.sent_invitations (sent_at);
alter table private.sent_invitations enable row level security;
revoke all on private.sent_invitations from public, anon, authenticated, service_role;

-- Counts an invitation and refuses one too many: 20 an hour by one person, 3 a day to one address, from all workspaces.
create or replace function private.count_invitation(sender uuid, address text)
returns void
language plpgsql
set search_path = ''
as $$
declare
    hashed constant bytea := extensions.digest(address, 'sha256');
begin
    -- One at a time, or calls at once would pass the limits.
    perform pg_advisory_xact_lock(hashtextextended('tally.invitations', 0));
    delete from private.sent_invitations as s where s.sent_at < now() - interval '1 day';
    if
        (
            select count(*) >= 20
            from private.sent_invitations as s
            where s.invited_by = sender and s.sent_at > now() - interval '1 hour'
        )
    then
        raise exception 'You have invited 20 people within an hour. Wait a while, then invite more.' using errcode = '22023';
    end if;
    if (select count(*) >= 3 from private.sent_invitations as s where s.email_sha256 = hashed) then
        raise exception 'This address has been invited three times today. Wait until tomorrow.' using errcode = '22023';
    end if;
    insert into private.sent_invitations (invited_by, email_sha256) values (sender, hashed);
end
$$;
revoke all on function private.count_invitation(uuid, text) from public;

-- Refuses an address or a role that cannot be invited. Without the characters of comments and quotes one mailbox has one address,
-- which is what the limit for an address counts.
create or replace function private.check_invitation(tenant uuid, address text, role text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if address is null or length(address) > 320 or address !~ '^[a-z0-9.!#$%&''*+/=?^_`{|}~-]+@[a-z0-9.-]+$' then
        raise exception 'Give the e-mail address of the person to invite.' using errcode = '22023';
    end if;
    if role is null or role not in ('admin', 'member', 'viewer') then
        raise exception 'Invite a person as admin, member or viewer. An owner can be made of a member.' using errcode = '22023';
    end if;
    if
        exists (
            select
            from public.members as m
            inner join auth.users as u on m.user_id = u.id
            where m.workspace_id = tenant and lower(u.email) = address
        )
    then
        raise exception 'This person is a member of the workspace already. Change the role in the list of people.'
            using errcode = '22023';
    end if;
end
$$;
revoke all on function private.check_invitation(uuid, text, text) from public;

-- Invites an address and returns the token, which the database does not keep. Another invitation of the same address ends. The
-- answer does not depend on whether the address has an account.
create or replace function public.invite(workspace uuid, email text, role text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
    tenant constant uuid := private.begin_change(workspace, 'admin');
    address constant text := lower(trim($2));
    token constant text := rtrim(
        translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/', '-_'), '='
    );
    made public.invitations;
begin
    perform private.check_invitation(tenant, address, $3);
    perform private.count_invitation(auth.uid(), address);
    delete from public.invitations as i where i.workspace_id = tenant and i.email = address;
    insert into public.invitations (workspace_id, email, role, token_sha256, invited_by)
    values (tenant, address, $3, decode(private.hash_token(token), 'hex'), auth.uid())
    returning * into made;
    perform private.audit_invitation('invite', made);
    return json_build_object('id', made.id, 'token', token, 'email', made.email, 'expires_at', made.expires_at);
end
$$;
revoke all on function public.invite(uuid, text, text) from public, anon, service_role;
grant execute on function public.invite(uuid, text, text) to authenticated;

create or replace function private.audit_invitation(action text, invitation public.invitations)
returns void
language sql
set search_path = ''
as $$
    select
        private.write_audit(
            invitation.workspace_id,
            private.describe_change('invitations', null, to_jsonb(invitation), array['email', 'role', 'invited_by', 'expires_at'])
            || jsonb_build_object('action', action)
        )
$$;
revoke all on function private.audit_invitation(text, public.invitations) from public;

-- Ends an open invitation.
create or replace function public.cancel_invitation(invitation uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    gone public.invitations;
begin
    delete from public.invitations as i
    where i.id = $1 and i.workspace_id = any(array(select private.workspaces_as('admin')))
    returning * into gone;
    if gone.id is null then
        raise exception 'This invitation no longer exists. Reload the list of people.' using errcode = '22023';
    end if;
    perform private.audit_invitation('cancel', gone);
end
$$;
revoke all on function public.cancel_invitation(uuid) from public, anon, service_role;
grant execute on function public.cancel_invitation(uuid) to authenticated;

-- What is stored of a token, in hexadecimal digits.
create or replace function private.hash_token(token text)
returns text
language sql
immutable
set search_path = ''
as $$
    select encode(extensions.digest(left(token, 200), 'sha256'), 'hex')
$$;
revoke all on function private.hash_token(text) from public;

-- The open invitation of a token, for the person it is for. Whoever has the token learns why it does not work.
create or replace function private.require_invitation(token text)
returns public.invitations
language plpgsql
stable
set search_path = ''
as $$
declare
    caller constant uuid := private.require_caller();
    found_one public.invitations;
begin
    select i.*
    into found_one
    from public.invitations as i
    where i.token_sha256 = decode(private.hash_token(token), 'hex');
    if not found then
        raise exception 'This invitation was used, cancelled or replaced by a newer one. If you did not use it, ask for a new one.'
            using errcode = '22023';
    end if;
    if found_one.expires_at <= now() then
        raise exception 'This invitation has expired. Ask for a new one.' using errcode = '22023';
    end if;
    if not exists (select from auth.users as u where u.id = caller and lower(u.email) = found_one.email) then
        raise exception 'This invitation is for %. Sign in with that address, or ask for an invitation of yours.',
            regexp_replace(found_one.email, '^(.).*@', '\1…@')
            using errcode = '42501';
    end if;
    if
        not exists (
            select
            from public.members as m
            where
                m.workspace_id = found_one.workspace_id
                and m.user_id = found_one.invited_by
                and private.rank_of(m.role) >= greatest(private.rank_of('admin'), private.rank_of(found_one.role))
        )
    then
        raise exception 'Who invited you is no longer an admin of the workspace. Ask for a new invitation.' using errcode = '42501';
    end if;
    return found_one;
end
$$;
revoke all on function private.require_invitation(text) from public;

-- What the person who is invited should know before accepting; {joined}, the workspace, for whoever joined by this token.
create or replace function public.describe_invitation(token text)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    joined constant uuid := private.joined_by($1);
    invitation public.invitations;
begin
    if joined is not null then
        return json_build_object('joined', joined);
    end if;
    invitation := private.require_invitation($1);
    return json_build_object(
        'workspace', (select w.name from public.workspaces as w where w.id = invitation.workspace_id),
        'role', invitation.role,
        'invited_by', (select u.email from auth.users as u where u.id = invitation.invited_by),
        'expires_at', invitation.expires_at
    );
end
$$;
revoke all on function public.describe_invitation(text) from public, anon, service_role;
grant execute on function public.describe_invitation(text) to authenticated;

-- The workspace that the caller joined by this token and is still a member of.
create or replace function private.joined_by(token text)
returns uuid
language sql
stable
set search_path = ''
as $$
    select m.workspace_id
    from public.members as m
    where m.user_id = auth.uid() and m.metadata ->> 'invitation_sha256' = private.hash_token(token)
$$;
revoke all on function private.joined_by(text) from public;

-- Makes the caller a member; a token works once, and answers the same if it is sent again, as by a double click. A member keeps
-- the role that they have. Returns the workspace.
create or replace function public.accept_invitation(token text)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    hashed constant text := private.hash_token($1);
    invitation public.invitations;
    joined uuid := private.joined_by($1);
begin
    if joined is null then
        -- Others who change the workspace's people, or use this token, go first; then everything is checked.
        perform from public.workspaces as w
        where w.id = (select i.workspace_id from public.invitations as i where i.token_sha256 = decode(hashed, 'hex'))
        for no key update;
        joined := private.joined_by($1);
    end if;
    if joined is not null then
        return joined;
    end if;
    invitation := private.require_invitation($1);
    delete from public.invitations as i where i.id = invitation.id;
    if not found then
        raise exception 'This invitation was cancelled. Ask for a new one.' using errcode = '22023';
    end if;
    insert into public.members (workspace_id, user_id, role, metadata)
    values (invitation.workspace_id, auth.uid(), invitation.role, jsonb_build_object('invitation_sha256', hashed))
    on conflict do nothing;
    return invitation.workspace_id;
end
$$;
revoke all on function public.accept_invitation(text) from public, anon, service_role;
grant execute on function public.accept_invitation(text) to authenticated;
