-- 001_initial_schema.sql: the ground that every other file stands on: schemas, providers, preferences, credentials and imports.

create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;

-- What the API must never show lives here; no API role may even look inside.
create schema if not exists private;
revoke all on schema private from public, anon, authenticated, service_role;

create or replace function private.touch_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.updated_at := now();
    return new;
end
$$;
revoke all on function private.touch_updated_at() from public;

-- public.providers: who is paid. Read by everyone who is signed in, written by migrations only.
create table if not exists public.providers (
    id uuid primary key default gen_random_uuid(),
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,49}$'),
    display_name text not null check (length(display_name) between 1 and 100),
    api_base_url text check (length(api_base_url) <= 300),
    is_active boolean not null default true,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table public.providers enable row level security;
revoke all on public.providers from anon, authenticated, service_role;
grant select on public.providers to authenticated;
grant select, insert, update, delete on public.providers to service_role;

drop policy if exists providers_select_signed_in on public.providers;
create policy providers_select_signed_in
    on public.providers
    for select
    to authenticated
    using ((select auth.uid()) is not null);

create or replace trigger providers_touch
    before update on public.providers
    for each row execute function private.touch_updated_at();

insert into public.providers (name, display_name, api_base_url)
values
    ('anthropic', 'Anthropic', 'https://api.anthropic.com'),
    ('claude-desktop', 'Claude', null),
    ('openai', 'OpenAI', 'https://api.openai.com/v1'),
    ('chatgpt', 'ChatGPT', null),
    ('google', 'Google', null),
    ('gemini-app', 'Gemini', null),
    ('mistral', 'Mistral', null),
    ('xai', 'xAI', null),
    ('deepseek', 'DeepSeek', null),
    ('groq', 'Groq', null),
    ('openrouter', 'OpenRouter', 'https://openrouter.ai/api/v1'),
    ('cursor', 'Cursor', null),
    ('github-copilot', 'GitHub Copilot', null),
    ('perplexity', 'Perplexity', null),
    ('azure', 'Azure', null),
    ('aws-bedrock', 'Amazon Bedrock', null),
    ('together', 'Together AI', null),
    ('fireworks', 'Fireworks AI', null),
    ('cohere', 'Cohere', null),
    ('elevenlabs', 'ElevenLabs', null),
    ('replicate', 'Replicate', null),
    ('midjourney', 'Midjourney', null),
    ('huggingface', 'Hugging Face', null),
    ('litellm', 'LiteLLM', null),
    ('helicone', 'Helicone', null),
    ('langfuse', 'Langfuse', null),
    ('windsurf', 'Windsurf', null),
    ('other', 'Other', null)
on conflict (name) do update
    set
        display_name = excluded.display_name,
        api_base_url = excluded.api_base_url;

-- public.user_preferences: one row a person, made when they sign up.
create table if not exists public.user_preferences (
    user_id uuid primary key references auth.users (id) on delete cascade,
    currency text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
    timezone text not null default 'UTC' check (length(timezone) between 1 and 64),
    theme text not null default 'system' check (theme in ('light', 'dark', 'system')),
    default_date_range text not null default '30d' check (default_date_range in ('7d', '30d', '90d', '1y', 'all')),
    email_notifications boolean not null default true,
    forecast_enabled boolean not null default true,
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table public.user_preferences enable row level security;
revoke all on public.user_preferences from anon, authenticated, service_role;
grant select, insert, update, delete on public.user_preferences to authenticated;
grant select, insert, update, delete on public.user_preferences to service_role;

drop policy if exists user_preferences_select_own on public.user_preferences;
create policy user_preferences_select_own
    on public.user_preferences
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

drop policy if exists user_preferences_insert_own on public.user_preferences;
create policy user_preferences_insert_own
    on public.user_preferences
    for insert
    to authenticated
    with check ((select auth.uid()) = user_id);

drop policy if exists user_preferences_update_own on public.user_preferences;
create policy user_preferences_update_own
    on public.user_preferences
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

drop policy if exists user_preferences_delete_own on public.user_preferences;
create policy user_preferences_delete_own
    on public.user_preferences
    for delete
    to authenticated
    using ((select auth.uid()) = user_id);

create or replace trigger user_preferences_touch
    before update on public.user_preferences
    for each row execute function private.touch_updated_at();

-- `at time zone` also takes abbreviations and made-up POSIX zones, whose days nobody could explain; only real zone names pass.
create or replace function private.check_timezone()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if not exists (select from pg_catalog.pg_timezone_names z where z.name = new.timezone) then
        raise exception 'Unknown timezone "%". Use a name such as Europe/Berlin or America/New_York.', new.timezone
            using errcode = '22023';
    end if;
    return new;
end
$$;
revoke all on function private.check_timezone() from public;

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

-- People who signed up before this schema came.
insert into public.user_preferences (user_id)
select u.id
from auth.users as u
on conflict do nothing;

-- public.api_credentials: sealed provider keys. The application seals them; the database never sees a key.
create table if not exists public.api_credentials (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    provider_id uuid not null references public.providers (id),
    credential_name text not null check (length(credential_name) between 1 and 100),
    encrypted_api_key text not null check (length(encrypted_api_key) between 1 and 10000),
    encryption_key_id text not null check (length(encryption_key_id) between 1 and 100),
    is_active boolean not null default true,
    validation_status text not null default 'pending' check (validation_status in ('pending', 'valid', 'invalid')),
    last_validated_at timestamptz,
    last_sync_at timestamptz,
    next_sync_at timestamptz,
    last_error text check (length(last_error) <= 2000),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, provider_id, credential_name)
);
create index if not exists api_credentials_provider_id_idx on public.api_credentials (provider_id);
alter table public.api_credentials enable row level security;
revoke all on public.api_credentials from anon, authenticated, service_role;
grant select, insert, update, delete on public.api_credentials to authenticated;
grant select, insert, update, delete on public.api_credentials to service_role;

drop policy if exists api_credentials_select_own on public.api_credentials;
create policy api_credentials_select_own
    on public.api_credentials
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

drop policy if exists api_credentials_insert_own on public.api_credentials;
create policy api_credentials_insert_own
    on public.api_credentials
    for insert
    to authenticated
    with check ((select auth.uid()) = user_id);

drop policy if exists api_credentials_update_own on public.api_credentials;
create policy api_credentials_update_own
    on public.api_credentials
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

drop policy if exists api_credentials_delete_own on public.api_credentials;
create policy api_credentials_delete_own
    on public.api_credentials
    for delete
    to authenticated
    using ((select auth.uid()) = user_id);

create or replace trigger api_credentials_touch
    before update on public.api_credentials
    for each row execute function private.touch_updated_at();

-- public.imports: one row a file. Deleting it deletes the records that it brought ("undo").
create table if not exists public.imports (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    filename text not null check (length(filename) between 1 and 255),
    format text not null check (length(format) between 1 and 50),
    file_sha256 text not null check (file_sha256 ~ '^[0-9a-f]{64}$'),
    rows_read bigint not null default 0 check (rows_read >= 0),
    rows_imported bigint not null default 0 check (rows_imported >= 0),
    rows_duplicate bigint not null default 0 check (rows_duplicate >= 0),
    rows_restated bigint not null default 0 check (rows_restated between 0 and rows_duplicate),
    rows_rejected bigint not null default 0 check (rows_rejected >= 0),
    status text not null default 'running' check (status in ('running', 'done', 'failed')),
    errors jsonb not null default '[]' check (jsonb_typeof(errors) = 'array'),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and pg_column_size(metadata) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    finished_at timestamptz,
    unique (user_id, id),
    constraint imports_add_up check (status <> 'done' or rows_read = rows_imported + rows_duplicate + rows_rejected)
);
create index if not exists imports_user_id_created_at_idx on public.imports (user_id, created_at desc);
alter table public.imports enable row level security;
revoke all on public.imports from anon, authenticated, service_role;
grant select, insert, delete on public.imports to authenticated;
-- Not id and user_id: the records that an import brought name it by them.
grant update (
    filename, format, file_sha256, rows_read, rows_imported, rows_duplicate, rows_restated, rows_rejected, status, errors,
    metadata, finished_at
) on public.imports to authenticated;
grant select, insert, update, delete on public.imports to service_role;

drop policy if exists imports_select_own on public.imports;
create policy imports_select_own
    on public.imports
    for select
    to authenticated
    using ((select auth.uid()) = user_id);

drop policy if exists imports_insert_own on public.imports;
create policy imports_insert_own
    on public.imports
    for insert
    to authenticated
    with check ((select auth.uid()) = user_id);

drop policy if exists imports_update_own on public.imports;
create policy imports_update_own
    on public.imports
    for update
    to authenticated
    using ((select auth.uid()) = user_id)
    with check ((select auth.uid()) = user_id);

drop policy if exists imports_delete_own on public.imports;
create policy imports_delete_own
    on public.imports
    for delete
    to authenticated
    using ((select auth.uid()) = user_id);

create or replace trigger imports_touch
    before update on public.imports
    for each row execute function private.touch_updated_at();
