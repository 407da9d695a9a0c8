-- The way back from 055_chosen_projects.sql.

drop trigger if exists cost_records_project_waits on public.cost_records;
drop trigger if exists cost_records_project_of_event on public.cost_records;
drop function if exists private.choose_for_event();
drop function if exists private.exclude_source(uuid, uuid);
drop function if exists private.settle_events(uuid, uuid[], timestamptz, timestamptz);
drop function if exists private.have_choices(uuid, uuid[]);
drop function if exists private.settle_projects(uuid, uuid[], timestamptz, timestamptz);
drop function if exists private.refile_statements(uuid, uuid[], timestamptz, timestamptz);
drop function if exists private.choices_of_events(uuid, uuid[], timestamptz, timestamptz);
