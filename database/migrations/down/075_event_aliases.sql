-- The way back from 075_event_aliases.sql.

drop function if exists private.forget_aliases(uuid, uuid[]);
drop function if exists private.resolve_aliases(uuid, uuid, private.incoming_record[], boolean);
drop function if exists private.learn_aliases(uuid, uuid, private.incoming_record[]);
drop function if exists private.join_statements(uuid, uuid[], uuid[]);
drop function if exists private.move_to_events(uuid, uuid[]);
drop function if exists private.aliases_of(jsonb);
drop function if exists private.event_of(uuid, uuid);
drop function if exists private.request_identity(text);
drop table if exists private.event_aliases;
