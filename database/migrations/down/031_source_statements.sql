-- The way back from 031_source_statements.sql.

drop function if exists public.source_days(uuid, uuid, text);
drop function if exists public.source_statements(date, date, uuid);
drop function if exists private.sum_statements(uuid, date, date, uuid, uuid[]);
drop view if exists private.statements;
