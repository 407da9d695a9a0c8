-- The way back from 054_shared_events.sql.

drop function if exists private.settle_people(uuid, uuid[], timestamptz, timestamptz);
drop function if exists private.people_of_events(uuid, public.person_aliases[], uuid[], timestamptz, timestamptz);
drop function if exists private.statements_on(uuid, uuid[], timestamptz, timestamptz);
drop function if exists private.person_of(uuid, uuid, public.imports);
