-- The way back from 089_refiling_spans.sql.

drop trigger if exists projects_refile_spans on public.projects;
drop trigger if exists project_rules_refile_spans on public.project_rules;
drop function if exists private.note_refiling();
drop function if exists private.refile_few_spans(uuid);
drop function if exists private.weeks_of_spans(uuid);
drop function if exists private.refile_span_week(uuid, date);
alter table if exists private.span_counts drop column if exists is_refiling_due;
