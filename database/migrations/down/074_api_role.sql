-- The way back from 074_api_role.sql. The role itself stays: other databases of the server may use it.
revoke execute on function private.touch_api_key(uuid) from tally_api;
revoke execute on function private.verify_api_key(bytea) from tally_api;
revoke usage on schema private from tally_api;
