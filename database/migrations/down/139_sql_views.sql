-- The way back from 139_sql_views.sql.

drop view if exists bi.people, bi.daily_costs, bi.budgets, bi.subscriptions, bi.providers, bi.projects, bi.records;
drop function if exists private.sql_people();
drop function if exists private.sql_days();
drop function if exists private.present_days(uuid, date, date);
drop schema if exists bi;
revoke select on public.effective_records from tally_bi;
revoke select on public.cost_records from tally_bi;
revoke select on public.projects from tally_bi;
revoke select on public.providers from tally_bi;
revoke select on public.subscriptions from tally_bi;
revoke select on public.budgets from tally_bi;
drop policy if exists providers_select_sql on public.providers;
drop policy if exists budgets_select_sql on public.budgets;
drop policy if exists subscriptions_select_sql on public.subscriptions;
drop policy if exists projects_select_sql on public.projects;
drop policy if exists cost_records_select_sql on public.cost_records;
