-- The way back from 097_finding_records.sql.

drop function if exists public.sum_records(uuid, jsonb);
drop function if exists private.sum_of_days(uuid, jsonb, text);
drop function if exists public.list_records(uuid, jsonb, text, integer, integer);
drop function if exists private.projects_named(uuid, text, uuid[]);
drop function if exists private.where_records(jsonb, uuid[]);
drop function if exists private.check_records_filter(jsonb);
