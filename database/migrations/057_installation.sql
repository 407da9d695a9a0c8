-- 057_installation.sql: who owns this installation, and who may make an account in it.

-- private.installation: one row once an owner is named. Without it, the first account is the owner.
create table if not exists private.installation (
    only_row boolean primary key default true check (only_row),
    owner_id uuid references auth.users (id) on delete set null
);
alter table private.installation enable row level security;
revoke all on private.installation from public, anon, authenticated, service_role;

create or replace function private.installation_owner()
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
    select coalesce(
        (select i.owner_id from private.installation as i),
        (select u.id from auth.users as u order by u.created_at, u.id limit 1)
    )
$$;
revoke all on function private.installation_owner() from public;

-- True for the account that may do what concerns the machine itself, such as reading its logs.
create or replace function public.owns_installation()
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
    select coalesce(private.installation_owner() = auth.uid(), false)
$$;
revoke all on function public.owns_installation() from public, anon, service_role;
grant execute on function public.owns_installation() to authenticated;

-- Asked by the auth server before an account is made: true for the first one, and for invited addresses.
create or replace function private.may_sign_up(address text)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
    select
        not exists (select from auth.users)
        or exists (select from public.invitations as i where i.email = lower(address) and i.expires_at > now())
$$;
revoke all on function private.may_sign_up(text) from public;
grant usage on schema private to supabase_auth_admin;
grant execute on function private.may_sign_up(text) to supabase_auth_admin;
