-- 135_schema_state.sql: which programs this schema serves, as an upgrade has old and new ones side by side.

-- The newest migration that the oldest program knows which this schema still serves. A migration that takes away or changes what
-- earlier programs use replaces this function with its own number; one that only adds leaves it alone.
create or replace function private.serves_from()
returns text
language sql
immutable
set search_path = ''
as $$
    select '135'
$$;
revoke all on function private.serves_from() from public;

-- The newest migration that was applied, null where something else than the Supabase CLI applied them; and `serves_from`.
create or replace function private.schema_state()
returns table (version text, serves_from text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    if to_regclass('supabase_migrations.schema_migrations') is not null then
        execute 'select max(m.version) from supabase_migrations.schema_migrations as m' into version;
    end if;
    serves_from := private.serves_from();
    return next;
end
$$;
revoke all on function private.schema_state() from public;
grant execute on function private.schema_state() to tally_api, tally_web;
