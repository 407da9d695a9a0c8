-- 008_user_preferences.sql: settings of one user, which no workspace shares.

create table if not exists public.user_preferences (
    user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade,
    currency text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
    timezone text not null default 'UTC' check (length(timezone) between 1 and 64),
    theme text not null default 'system' check (theme in ('light', 'dark', 'system')),
    default_date_range text not null default '30d'
    check (default_date_range in ('7d', '30d', '90d', '1y', 'all', 'this month')),
    email_notifications boolean not null default true, -- false: no mails but those that the user caused
    weekly_digest boolean not null default true,
    monthly_digest boolean not null default true,
    forecast_enabled boolean not null default true,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table public.user_preferences enable row level security;
revoke all on public.user_preferences from anon, authenticated, service_role;
grant select, delete on public.user_preferences to authenticated;
grant insert (
    user_id, currency, timezone, theme, default_date_range, email_notifications, weekly_digest, monthly_digest,
    forecast_enabled, metadata
) on public.user_preferences to authenticated;
grant update (
    currency, timezone, theme, default_date_range, email_notifications, weekly_digest, monthly_digest, forecast_enabled,
    metadata
) on public.user_preferences to authenticated;
grant select, insert, update, delete on public.user_preferences to service_role;

drop policy if exists user_preferences_select_own on public.user_preferences;
create policy user_preferences_select_own
    on public.user_preferences
    for select
    to authenticated
    using (user_id = (select auth.uid()));

drop policy if exists user_preferences_insert_own on public.user_preferences;
create policy user_preferences_insert_own
    on public.user_preferences
    for insert
    to authenticated
    with check (user_id = (select auth.uid()));

drop policy if exists user_preferences_update_own on public.user_preferences;
create policy user_preferences_update_own
    on public.user_preferences
    for update
    to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

drop policy if exists user_preferences_delete_own on public.user_preferences;
create policy user_preferences_delete_own
    on public.user_preferences
    for delete
    to authenticated
    using (user_id = (select auth.uid()));

create or replace trigger user_preferences_touch
    before update on public.user_preferences
    for each row execute function private.touch_updated_at();
create or replace trigger user_preferences_check_timezone_insert
    before insert on public.user_preferences
    for each row when (new.timezone <> 'UTC') execute function private.check_timezone();
create or replace trigger user_preferences_check_timezone_update
    before update on public.user_preferences
    for each row when (new.timezone is distinct from old.timezone) execute function private.check_timezone();

create or replace function private.create_user_preferences()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.user_preferences (user_id) values (new.id) on conflict do nothing;
    return new;
end
$$;
revoke all on function private.create_user_preferences() from public;

create or replace trigger tally_create_user_preferences
    after insert on auth.users
    for each row execute function private.create_user_preferences();

-- A personal workspace's days are its user's days.
create or replace function private.follow_timezone()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.workspaces as w
    set timezone = coalesce(new.timezone, 'UTC')
    where w.personal_user_id = coalesce(new.user_id, old.user_id) and w.timezone <> coalesce(new.timezone, 'UTC');
    return null;
end
$$;
revoke all on function private.follow_timezone() from public;

create or replace trigger user_preferences_follow_timezone
    after insert or update of timezone or delete on public.user_preferences
    for each row execute function private.follow_timezone();

-- Users who signed up before this schema existed.
insert into public.user_preferences (user_id)
select u.id
from auth.users as u
on conflict do nothing;
