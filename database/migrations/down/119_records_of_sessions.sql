-- The way back from 119_records_of_sessions.sql.

drop function if exists private.records_told_of(uuid, text, uuid, uuid[]);
