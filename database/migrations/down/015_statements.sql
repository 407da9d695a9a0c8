-- The way back from 015_statements.sql.

drop function if exists public.source_days();
drop function if exists public.source_statements(date, date);
