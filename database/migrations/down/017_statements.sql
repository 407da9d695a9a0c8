-- The way back from 017_statements.sql.

drop function if exists private.compare_statements(uuid, uuid[]);
drop function if exists private.rank_records(uuid, uuid[], uuid[], timestamptz, timestamptz);
drop function if exists private.rank_superseded(uuid, uuid[]);
drop function if exists private.is_outdone(uuid, jsonb, text);
drop function if exists private.save_lock(uuid);
