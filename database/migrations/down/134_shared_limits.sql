-- The way back from 134_shared_limits.sql.

drop function if exists private.count_key_use(uuid, text, bigint, bigint);
drop table if exists private.key_uses;
drop function if exists private.forget_attempts(bytea, boolean);
drop function if exists private.count_attempt(bytea, integer, float8);
drop table if exists private.attempts;
