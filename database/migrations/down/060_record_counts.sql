-- The way back from 060_record_counts.sql.

drop trigger if exists superseded_records_total_deleted on public.superseded_records;
drop trigger if exists superseded_records_total_inserted on public.superseded_records;
drop trigger if exists cost_records_total_deleted on public.cost_records;
drop trigger if exists cost_records_total_inserted on public.cost_records;
drop trigger if exists workspaces_forget_counts on public.workspaces;
drop function if exists private.forget_counts();
drop function if exists private.count_statements();
drop function if exists private.check_statement_count(uuid);
drop function if exists private.join_counts(uuid);
drop function if exists private.recount_statements(uuid);
drop function if exists private.max_statements();
drop table if exists private.record_counts;
