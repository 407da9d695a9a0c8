-- The way back from 133_web_sessions.sql. The role itself stays: other databases of the server may use it.

drop function if exists private.save_last_workspace(uuid, uuid);
drop function if exists private.last_workspace(uuid);
drop table if exists private.last_workspaces;
drop function if exists private.close_web_sessions(uuid, text);
drop function if exists private.close_web_session(text);
drop function if exists private.renew_web_session(text, bytea, float8);
drop function if exists private.release_web_session(text, uuid);
drop function if exists private.hold_web_session(text, uuid, float8);
drop function if exists private.account_of_web_session(text);
drop function if exists private.read_web_session(text, float8, float8, float8);
drop function if exists private.open_web_session(text, uuid, bytea, float8, float8, float8, float8, float8);
drop table if exists private.web_sessions;
revoke usage on schema private from tally_web;
