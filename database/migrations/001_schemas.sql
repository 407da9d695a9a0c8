-- 001_schemas.sql: the schemas and extensions that every other file needs.

create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;

-- Everything that the API must not expose; no API role has usage of it.
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

-- `at time zone` also takes abbreviations and POSIX zones, whose days are ambiguous; only real zone names pass.
create or replace function private.check_timezone()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if not exists (select from pg_catalog.pg_timezone_names as z where z.name = new.timezone) then
        raise exception 'Unknown timezone "%". Use a name such as Europe/Berlin or America/New_York.', new.timezone
            using errcode = '22023';
    end if;
    return new;
end
$$;
revoke all on function private.check_timezone() from public;
