-- Prepares an empty PostgreSQL as migrations expect it from a hosted Supabase project: roles, grants, the schemas auth
-- and extensions, and the functions that policies call. A superuser runs it at every start; it is safe to repeat and
-- works on any PostgreSQL server. Passwords are set elsewhere.

-- Roles. `postgres` runs migrations and the nightly job. As in a hosted project, it is not a superuser.
-- `supabase_auth_admin` is the role of the auth server: it owns the schema auth and is a member of no other role.
-- `tally_api` answers programs: it may only act as an account, under row-level security, for the owner of a key.
-- `tally_web` and `tally_bi` are made by migrations, too: here for a database that is restored on a new server.
do $$
declare
    wanted record;
begin
    for wanted in
        select *
        from (values
            ('anon', 'nologin noinherit'),
            ('authenticated', 'nologin noinherit'),
            ('service_role', 'nologin noinherit bypassrls'),
            ('authenticator', 'login noinherit'),
            ('supabase_auth_admin', 'login noinherit'),
            ('tally_api', 'login noinherit'),
            ('tally_web', 'nologin noinherit'),
            ('tally_bi', 'nologin noinherit'),
            ('postgres', 'login createrole createdb bypassrls')
        ) as roles (name, attributes)
    loop
        if not exists (select from pg_roles where rolname = wanted.name) then
            execute format('create role %I %s', wanted.name, wanted.attributes);
        end if;
    end loop;
    execute 'grant tally_web, tally_bi to postgres with admin option';
end
$$;

grant anon to authenticator, postgres;
grant authenticated to authenticator, postgres, tally_api;
grant service_role to authenticator, postgres;
grant pg_monitor to postgres;
grant pg_signal_backend to postgres;

-- Supabase's own limits: they end runaway requests, but not long statements of the nightly job.
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
-- An open transaction that has written holds back the folds of every workspace.
alter role authenticator set idle_in_transaction_session_timeout = '60s';
alter role tally_api set statement_timeout = '8s';
alter role tally_api set idle_in_transaction_session_timeout = '60s';
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
alter role supabase_auth_admin set search_path = 'auth';
alter role postgres set search_path = '$user', public, extensions;

do $$
begin
    execute format('alter database %I owner to postgres', current_database());
end
$$;

-- Extensions are outside public, so that the API does not expose their functions.
create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to postgres;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;

-- It can be created wherever its files are installed, but read only where the server has loaded its library.
do $$
begin
    if current_setting('shared_preload_libraries') like '%pg_stat_statements%' then
        create extension if not exists pg_stat_statements with schema extensions;
    end if;
end
$$;

-- Hosted Supabase grants everything in public to the API roles by default. Doing the same here catches a migration
-- that forgets to revoke before it reaches production.
grant usage on schema public to anon, authenticated, service_role;
grant all on schema public to postgres;
do $$
declare
    kind text;
begin
    foreach kind in array array['tables', 'functions', 'sequences']
    loop
        execute format(
            'alter default privileges for role postgres in schema public '
            'grant all on %s to anon, authenticated, service_role',
            kind
        );
    end loop;
end
$$;

-- The auth server creates its tables in its own schema. Migrations can reference auth.users, add triggers to it and
-- delete from it, but not alter it, as in a hosted project.
create schema if not exists auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, postgres;
grant select, insert, update, delete, references, trigger on all tables in schema auth to postgres;
alter default privileges for role supabase_auth_admin in schema auth
    grant select, insert, update, delete, references, trigger on tables to postgres;
alter default privileges in schema auth
    grant select, insert, update, delete, references, trigger on tables to postgres;

-- Supabase's own functions. The superuser owns them, so that the embedded auth server cannot replace them when it
-- starts: its versions read `request.jwt.claim.sub`, which PostgREST no longer sets, and would return null.
create or replace function auth.uid()
returns uuid
language sql
stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
$$;

create or replace function auth.role()
returns text
language sql
stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
    )::text
$$;

create or replace function auth.email()
returns text
language sql
stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email')
    )::text
$$;

create or replace function auth.jwt()
returns jsonb
language sql
stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

-- PostgREST caches the schema. As in a hosted project, every change of the schema makes it reload; the filters below
-- prevent reloads for the nightly refresh (by tag) and for temporary tables (by schema).
create or replace function extensions.pgrst_ddl_watch()
returns event_trigger
language plpgsql
as $$
begin
    if exists (
        select
        from pg_event_trigger_ddl_commands()
        where schema_name is distinct from 'pg_temp'
    ) then
        notify pgrst, 'reload schema';
    end if;
end
$$;

create or replace function extensions.pgrst_drop_watch()
returns event_trigger
language plpgsql
as $$
begin
    if exists (
        select
        from pg_event_trigger_dropped_objects()
        where not is_temporary
            and object_type in ('schema', 'table', 'view', 'materialized view', 'function', 'trigger', 'type', 'table column')
    ) then
        notify pgrst, 'reload schema';
    end if;
end
$$;

do $$
begin
    if not exists (select from pg_event_trigger where evtname = 'pgrst_ddl_watch') then
        create event trigger pgrst_ddl_watch on ddl_command_end
            when tag in (
                'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
                'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW',
                'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE', 'COMMENT'
            )
            execute function extensions.pgrst_ddl_watch();
    end if;
    if not exists (select from pg_event_trigger where evtname = 'pgrst_drop_watch') then
        create event trigger pgrst_drop_watch on sql_drop
            execute function extensions.pgrst_drop_watch();
    end if;
end
$$;
