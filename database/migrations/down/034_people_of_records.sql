-- The way back from 034_people_of_records.sql.

drop function if exists public.unknown_people(uuid);
drop function if exists public.set_aliases(uuid, json, json);
drop function if exists private.write_aliases(public.person_aliases[]);
drop function if exists public.preview_aliases(uuid, json);
drop function if exists private.move_to_people(uuid, public.person_aliases[], private.filing_move[]);
drop function if exists private.plan_aliases(uuid, public.person_aliases[]);
drop function if exists private.described_people(uuid, public.person_aliases[]);
drop function if exists private.read_aliases(uuid, json);
drop function if exists private.read_alias(uuid, integer, json);
