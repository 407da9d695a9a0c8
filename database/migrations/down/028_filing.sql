-- The way back from 028_filing.sql.

drop function if exists private.file_incoming(uuid, uuid, private.incoming_record[]);
drop function if exists private.spread_over_places(private.incoming_kind[], uuid[]);
drop function if exists private.kinds_of_incoming(private.incoming_record[], uuid, text[]);
drop function if exists private.match_rules(public.project_rules[], private.traits[]);
drop function if exists private.named_traits(private.traits[]);
drop function if exists private.named_person(jsonb);
drop function if exists private.clean_value(text, text);
drop type if exists private.incoming_kind;
drop type if exists private.traits;
