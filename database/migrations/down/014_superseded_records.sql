-- The way back from 014_superseded_records.sql. Superseded statements are deleted with it.

drop function if exists private.replace_records(uuid, uuid[], uuid[], timestamptz[]);
drop function if exists private.keeps_choice(public.cost_records, public.superseded_records);
drop function if exists private.keep_as_superseded(uuid, uuid[], timestamptz, timestamptz);
drop function if exists private.promote_statements(uuid[]);
drop function if exists private.take_statements(uuid[]);
drop table if exists public.superseded_records;
