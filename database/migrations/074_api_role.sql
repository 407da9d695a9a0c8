-- 074_api_role.sql: the role of the process that answers programs. It verifies keys, and acts as their owners; it reads no table.

-- On one machine it exists before this runs. In a hosted project, the README says how it may log in and become `authenticated`.
do $$
begin
    if not exists (select from pg_roles where rolname = 'tally_api') then
        create role tally_api nologin noinherit;
    end if;
end
$$;

grant usage on schema private to tally_api;
grant execute on function private.verify_api_key(bytea) to tally_api;
grant execute on function private.touch_api_key(uuid) to tally_api;
